"""What earlier runs decided, as a new one sees it: their documents come first and are not judged again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_RUN = 1 << 52  # above every rank of one run: 2**19 partitions of 2**33 rows


def settled_documents(runs: Sequence[tuple[DataFrame, DataFrame]]) -> DataFrame:
    """`schemas.RANKED` of earlier runs with [reason, matched_id, kept_id], null for a kept document.

    `runs` are (`schemas.RANKED`, `schemas.DUPLICATES`) of each, in survivor order. Ranks become
    negative, so that every document of these runs comes before every new one.
    """
    signatures = [
        ranked.withColumn("rank", F.col("rank") - F.lit((len(runs) - place) * _RUN))
        for place, (ranked, _) in enumerate(runs)
    ]
    evidence = [removed.select("id", "reason", "matched_id", "kept_id") for _, removed in runs]
    documents = reduce(DataFrame.unionByName, signatures)
    return documents.join(reduce(DataFrame.unionByName, evidence), on="id", how="left")


def not_near_removed(settled: DataFrame) -> DataFrame:
    """The documents that took part in near dedup and stayed in it."""
    return settled.where(F.col("reason").isNull() | (F.col("reason") == "url"))


def held_by(settled: DataFrame, snapshot: str) -> DataFrame:
    """What `snapshot` holds once judged: [rank, signature, sketch].

    Its own documents that stayed, and those of whatever snapshot that its exact and near duplicates
    were removed for, as far as these stayed.
    """
    own = settled.where(F.col("snapshot") == snapshot)
    stayed = not_near_removed(settled)
    elsewhere = (
        own.where(F.col("reason").isin("exact", "near"))
        .groupBy(F.col("matched_id").alias("id"))
        .agg(F.count("*").alias("removed"))
    )
    known = stayed.where(F.col("snapshot") != snapshot).join(elsewhere, on="id", how="left_semi")
    return not_near_removed(own).unionByName(known).select("rank", "signature", "sketch")
