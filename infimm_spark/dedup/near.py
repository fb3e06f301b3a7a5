"""Near-duplicates within a scope: a group at once, or snapshot after snapshot with its neighbour."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import MinHashConfig
from infimm_spark.dedup import lsh
from infimm_spark.dedup.survivors import Checkpoint, greedy_duplicates
from infimm_spark.dedup.verify import Verification


def near_duplicates(
    ranked: DataFrame, exact: DataFrame, options: MinHashConfig, checkpoint: Checkpoint
) -> DataFrame:
    """The documents that resemble one that is kept: [rank, best, jaccard, round].

    `ranked` has [rank, snapshot, signature, sketch]; `exact` [rank, best] are gone already. In the scopes
    `snapshot`, `year` and `all` the documents of a group are judged together. `pairs` takes the
    snapshots from newest to oldest and judges each with what its newer neighbour *holds*: the
    documents kept in that, and the kept ones (of whatever snapshot) that those removed from it were
    removed for. So a page that lives through many snapshots leaves one copy, not every other one,
    and still nothing is removed that does not itself resemble a document that stays.
    """
    signed = ranked.where(F.col("signature").isNotNull())
    if options.scope == "pairs":
        return _by_pairs(signed, exact, options, checkpoint)
    rows = signed.join(exact, on="rank", how="left_anti").select(
        "rank", lsh.group(options.scope, F.col("snapshot")).alias("group"), "signature", "sketch"
    )
    participants = checkpoint(rows, "near-participants")
    found = _judge(participants, 0, options, checkpoint, "near")
    labels = participants.select("rank", F.col("group").alias("round"))
    return found.join(labels, on="rank", how="inner")


def _by_pairs(
    signed: DataFrame, exact: DataFrame, options: MinHashConfig, checkpoint: Checkpoint
) -> DataFrame:
    firsts = signed.groupBy("snapshot").agg(F.min("rank").alias("first")).orderBy("first").collect()
    exact_copies = exact.select("rank", "best")
    held: DataFrame | None = None
    all_found = exact.select("rank", "best", "jaccard", "round").where(F.lit(False))
    newer = ""
    for number, (snapshot, first) in enumerate(firsts):
        own = signed.where(F.col("snapshot") == snapshot).select("rank", "signature", "sketch")
        # A copy removed as exact is here in the person of the one it was removed for, if that stays;
        # the two have one text, hence one signature.
        copies = (
            own.join(exact_copies, on="rank", how="inner")
            .where(F.col("best") < first)
            .select(F.col("best").alias("rank"), "signature", "sketch")
            .join(all_found, on="rank", how="left_anti")
            .withColumn("copied", F.lit(True))
        )
        known = copies if held is None else copies.unionByName(held)
        known = known.groupBy("rank").agg(
            F.max("signature").alias("signature"),
            F.max("sketch").alias("sketch"),
            F.max("copied").alias("copied"),
        )
        remaining = own.join(exact_copies, on="rank", how="left_anti")
        participants = checkpoint(
            remaining.withColumn("copied", F.lit(False))
            .unionByName(known)
            .withColumn("group", F.lit(snapshot)),
            f"near-{number}-participants",
        )
        found = _judge(participants, first, options, checkpoint, f"near-{number}")
        label = F.when(F.col("best") >= first, snapshot).otherwise(f"{snapshot}+{newer}")
        all_found = all_found.unionByName(found.withColumn("round", label))
        held = _held(participants, found, first)
        newer = snapshot
    return all_found


def _held(participants: DataFrame, found: DataFrame, first: int) -> DataFrame:
    """What a snapshot holds once judged: [rank, signature, sketch, copied]."""
    matched = found.groupBy("best").agg(F.count("*").alias("removed"))
    return (
        participants.join(found, on="rank", how="left_anti")
        .join(matched, participants["rank"] == matched["best"], how="left")
        .where((F.col("rank") >= first) | F.col("copied") | F.col("removed").isNotNull())
        .select("rank", "signature", "sketch", F.lit(False).alias("copied"))
    )


def _judge(
    participants: DataFrame,
    first_undecided: int,
    options: MinHashConfig,
    checkpoint: Checkpoint,
    name: str,
) -> DataFrame:
    return greedy_duplicates(
        lsh.buckets(participants, options.bands, options.rows),
        participants.select("rank", "signature", "sketch"),
        Verification(
            "sketch" if options.verify == "shingles" else "signature",
            options.sketch_size,
            options.threshold,
        ),
        first_undecided=first_undecided,
        bucket_limit=options.bucket_limit,
        max_iterations=options.max_iterations,
        local_limit=options.local_limit,
        checkpoint=checkpoint,
        name=name,
    )
