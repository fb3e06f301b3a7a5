"""What earlier runs decided, as a new one sees it: their documents come first and are not judged
again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_RUN = 1 << 52  # above every rank of one run: 2**19 partitions of 2**33 rows
_HOPS = 2  # an exact partner may have gone as a near duplicate


def settled_documents(runs: Sequence[tuple[DataFrame, DataFrame]]) -> DataFrame:
    """`schemas.RANKED` of earlier runs with [reason, matched_id, kept_id], null for a kept
    document, and `represented`: whether a kept document has this text or resembles it.

    `runs` are (`schemas.RANKED`, `schemas.DUPLICATES`) of each, in survivor order. Ranks become
    negative, so that every document of these runs comes before every new one.
    """
    signatures = [
        ranked.withColumn("rank", F.col("rank") - F.lit((len(runs) - place) * _RUN))
        for place, (ranked, _) in enumerate(runs)
    ]
    evidence = [removed.select("id", "reason", "matched_id", "kept_id") for _, removed in runs]
    documents = reduce(DataFrame.unionByName, signatures)
    removed = _with_representation(reduce(DataFrame.unionByName, evidence))
    joined = documents.join(removed, on="id", how="left")
    return joined.withColumn("represented", F.coalesce("represented", F.lit(True)))


def held_by(settled: DataFrame, snapshot: str, neighbours: Sequence[str]) -> DataFrame:
    """What `snapshot` holds once judged: [rank, signature, sketch].

    Its own documents that stayed; those of whatever snapshot that its exact and near duplicates
    were removed for, as far as these stayed; and those of its `neighbours` that its pages went for
    by URL.
    """
    own = settled.where(F.col("snapshot") == snapshot)
    stayed = settled.where(F.col("reason").isNull())
    elsewhere = (
        own.where(F.col("reason").isNotNull())
        .groupBy(F.col("matched_id").alias("id"))
        .agg(F.max(F.col("reason") != "url").alias("alike"))
    )
    known = (
        stayed.where(F.col("snapshot") != snapshot)
        .join(elsewhere, on="id", how="inner")
        .where(F.col("alike") | F.col("snapshot").isin(list(neighbours)))
    )
    held = own.where(F.col("reason").isNull()).select("rank", "signature", "sketch")
    return held.unionByName(known.select("rank", "signature", "sketch"))


def _with_representation(removed: DataFrame) -> DataFrame:
    """With `represented`: false where the way from `matched_id` to `kept_id` leads through a
    removal by URL, whose page holds another text. Runs written before URL dedup chose first have
    such rows."""
    onward = removed.select(
        F.col("id").alias("via"), F.col("reason").alias("why"), F.col("matched_id").alias("next")
    )
    traced = removed.withColumn("via", F.col("matched_id")).withColumn(
        "represented", F.col("reason") != "url"
    )
    for _ in range(_HOPS):
        traced = (
            traced.join(onward, on="via", how="left")
            .withColumn(
                "represented", F.col("represented") & F.coalesce(F.col("why") != "url", F.lit(True))
            )
            .withColumn("via", F.col("next"))
            .drop("why", "next")
        )
    return traced.drop("via")
