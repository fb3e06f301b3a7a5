"""Near-duplicates within a scope: a group at once, or snapshot after snapshot with its neighbour."""

from __future__ import annotations

from functools import reduce
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import MinHashConfig
from infimm_spark.dedup import lsh
from infimm_spark.dedup.settled import held_by, not_near_removed
from infimm_spark.dedup.survivors import (
    Bands,
    Checkpoint,
    duplicates_in_one_task,
    greedy_duplicates,
)
from infimm_spark.dedup.verify import Verification


def near_duplicates(
    ranked: DataFrame,
    exact: DataFrame,
    options: MinHashConfig,
    checkpoint: Checkpoint,
    n_documents: int,
    settled: DataFrame | None = None,
) -> DataFrame:
    """The documents that resemble one that is kept: [rank, best, jaccard, round].

    `ranked` has [rank, snapshot, signature, sketch]; `exact` [rank, best] are gone already; `settled`
    are the `settled_documents` of earlier runs, which are not judged again; `n_documents` counts both: up
    to `options.local_documents` of them are judged in one task. In the scopes `snapshot`, `year` and
    `all` the documents of a group are judged together. `pairs` takes the snapshots in survivor order, from newest to oldest by default, and judges each with what its neighbours in time
    *hold*, as far as these have been judged: the documents kept in them, and the kept ones (of
    whatever snapshot) that those removed from them were removed for. So a page that lives through
    many snapshots leaves one copy, not every other one, and still nothing is removed that does not
    itself resemble a document that stays.
    """
    in_one_task = n_documents <= options.local_documents
    signed = ranked.where(F.col("signature").isNotNull())
    if settled is not None:
        settled = settled.where(F.col("signature").isNotNull())
    if options.scope == "pairs":
        return _by_pairs(signed, exact, options, checkpoint, settled, in_one_task)
    scope = lsh.group(options.scope, F.col("snapshot"))
    undecided = signed.join(exact, on="rank", how="left_anti").select(
        "rank", scope.alias("group"), "signature", "sketch"
    )
    documents = signed.select("rank", "signature", "sketch")
    if settled is not None:
        groups = signed.groupBy(scope.alias("group")).agg(F.count("*").alias("documents"))
        stayed = (
            not_near_removed(settled)
            .withColumn("group", scope)
            .join(groups, on="group", how="left_semi")
        )
        undecided = undecided.unionByName(stayed.select("rank", "group", "signature", "sketch"))
        documents = documents.unionByName(stayed.select("rank", "signature", "sketch"))
    found = _judge(undecided, documents, 0, options, checkpoint, "near", in_one_task)
    if options.scope == "all":
        return found.withColumn("round", scope)
    labels = signed.select("rank", scope.alias("round"))
    return found.join(labels, on="rank", how="inner")


def _by_pairs(
    signed: DataFrame,
    exact: DataFrame,
    options: MinHashConfig,
    checkpoint: Checkpoint,
    settled: DataFrame | None,
    in_one_task: bool,
) -> DataFrame:
    firsts = signed.groupBy("snapshot").agg(F.min("rank").alias("first")).orderBy("first").collect()
    held: dict[str, DataFrame] = {}
    exact_copies = represented = exact.select("rank", "best")
    if settled is not None:
        held = {name: held_by(settled, name) for name in _snapshots(settled)}
        gone = settled.where(F.col("reason") == "near").select(F.col("rank").alias("best"))
        represented = exact_copies.join(gone, on="best", how="left_anti")
    in_time = sorted({*held, *(snapshot for snapshot, _ in firsts)})
    all_found = exact.select("rank", "best", "jaccard", "round").where(F.lit(False))
    for number, (snapshot, first) in enumerate(firsts):
        own = signed.where(F.col("snapshot") == snapshot).select("rank", "signature", "sketch")
        place = in_time.index(snapshot)
        near_in_time = in_time[max(0, place - 1) : place + 2]
        neighbours = [name for name in near_in_time if name in held]
        participants = own.join(exact_copies, on="rank", how="left_anti")
        participants = participants.withColumn("copied", F.lit(False))
        if number or settled is not None:
            copies = _copies(own, represented, first).join(all_found, on="rank", how="left_anti")
            known = _known(copies, [held[name] for name in neighbours])
            participants = participants.unionByName(known)
        participants = checkpoint(
            participants.withColumn("group", F.lit(snapshot)), f"near-{number}-participants"
        )
        found = _judge(
            participants, participants, first, options, checkpoint, f"near-{number}", in_one_task
        )
        met = "+".join([snapshot, *(name for name in neighbours if name != snapshot)])
        label = F.when(F.col("best") >= first, snapshot).otherwise(met)
        all_found = all_found.unionByName(found.withColumn("round", label))
        holds = _held(participants, found, first)
        held[snapshot] = holds.unionByName(held[snapshot]) if snapshot in held else holds
    return all_found


def _copies(own: DataFrame, exact_copies: DataFrame, first: int) -> DataFrame:
    """The documents before `first` for which exact copies among `own` were removed.

    A copy is here in the person of that document; the two have one text, hence one signature.
    """
    return (
        own.join(exact_copies, on="rank", how="inner")
        .where(F.col("best") < first)
        .select(F.col("best").alias("rank"), "signature", "sketch")
    )


def _known(copies: DataFrame, held: list[DataFrame]) -> DataFrame:
    """What is here already: [rank, signature, sketch, copied], each document once."""
    holdings = [frame.withColumn("copied", F.lit(False)) for frame in held]
    together = reduce(DataFrame.unionByName, holdings, copies.withColumn("copied", F.lit(True)))
    return together.groupBy("rank").agg(
        F.max("signature").alias("signature"),
        F.max("sketch").alias("sketch"),
        F.max("copied").alias("copied"),
    )


def _snapshots(settled: DataFrame) -> list[str]:
    counts = settled.groupBy("snapshot").agg(F.count("*").alias("documents")).collect()
    return [row["snapshot"] for row in counts]


def _held(participants: DataFrame, found: DataFrame, first: int) -> DataFrame:
    """What a snapshot holds once judged: [rank, signature, sketch]."""
    matched = found.groupBy("best").agg(F.count("*").alias("removed"))
    return (
        participants.join(found, on="rank", how="left_anti")
        .join(matched, participants["rank"] == matched["best"], how="left")
        .where((F.col("rank") >= first) | F.col("copied") | F.col("removed").isNotNull())
        .select("rank", "signature", "sketch")
    )


def _judge(
    participants: DataFrame,
    documents: DataFrame,
    first_undecided: int,
    options: MinHashConfig,
    checkpoint: Checkpoint,
    name: str,
    in_one_task: bool,
) -> DataFrame:
    """The greedy choice among `participants` [rank, group, signature, sketch], which `documents` contain."""
    by: Literal["sketch", "signature"] = "sketch" if options.verify == "shingles" else "signature"
    if in_one_task:
        found = duplicates_in_one_task(
            participants,
            Bands(options.bands, options.rows),
            Verification(by, options.sketch_size, options.threshold),
            first_undecided=first_undecided,
            bucket_limit=options.bucket_limit,
        )
        return checkpoint(found, f"{name}-rest")
    return greedy_duplicates(
        lsh.buckets(participants, options.bands, options.rows),
        documents.select("rank", by),
        Verification(by, options.sketch_size, options.threshold),
        first_undecided=first_undecided,
        bucket_limit=options.bucket_limit,
        max_iterations=options.max_iterations,
        local_limit=options.local_limit,
        checkpoint=checkpoint,
        name=name,
    )
