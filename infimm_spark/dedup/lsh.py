"""Bands of a signature, and the buckets documents fall into.

Two documents that share a bucket are *proposed* as duplicates; nothing is removed for that alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Scope = Literal["snapshot", "pairs", "year", "all"]

_SNAPSHOT_YEAR = r"^CC-MAIN-(\d{4})-"


def buckets(signatures: DataFrame, bands: int, rows: int) -> DataFrame:
    """Memberships: [bucket: long, rank: long], one row a band and group of each signature.

    `signatures` has [rank, groups: array<string>, signature]. A bucket is a 64-bit hash of group,
    band and the band's `rows` values; documents of different groups do not meet. Two buckets that
    share a hash by chance only cost a comparison, since every proposed pair is verified.
    """
    width = 4 * rows
    hashes = F.array(
        *(
            F.xxhash64(
                F.col("group"), F.lit(band), F.substring("signature", 1 + band * width, width)
            )
            for band in range(bands)
        )
    )
    grouped = signatures.select("rank", "signature", F.explode("groups").alias("group"))
    return grouped.select(F.explode(hashes).alias("bucket"), "rank")


def groups(scope: Scope, snapshots: Sequence[str]) -> Column:
    """The groups a document of column `snapshot` belongs to: array<string>.

    `snapshots` are all names of the run in order; `pairs` puts a snapshot into a group with the one
    before and into another with the one after, so that duplicates inside it and in both neighbours
    meet. A snapshot not named ``CC-MAIN-YYYY-WW`` is a year of its own.
    """
    if scope == "all":
        return F.array(F.lit("all"))
    if scope == "year":
        return F.array(year(F.col("snapshot")))
    if scope == "snapshot" or len(snapshots) < 2:
        return F.array(F.col("snapshot"))
    pairs = list(itertools.pairwise(snapshots))
    entries: list[Column] = []
    for name in snapshots:
        labels = [pair_label(*pair) for pair in pairs if name in pair]
        entries += [F.lit(name), F.array(*(F.lit(label) for label in labels))]
    return F.create_map(*entries)[F.col("snapshot")]


def round_label(scope: Scope, removed: Column, kept: Column) -> Column:
    """Name of the scope in which a pair of documents of these snapshots met."""
    if scope == "all":
        return F.lit("all")
    if scope == "year":
        return year(removed)
    return F.when(removed == kept, removed).otherwise(
        F.concat(F.least(removed, kept), F.lit("+"), F.greatest(removed, kept))
    )


def pair_label(older: str, newer: str) -> str:
    """`CC-MAIN-2023-40+CC-MAIN-2023-50`."""
    return f"{older}+{newer}"


def year(snapshot: Column) -> Column:
    """`2023` of `CC-MAIN-2023-40`; any other name as it is."""
    found = F.regexp_extract(snapshot, _SNAPSHOT_YEAR, 1)
    return F.when(found == "", snapshot).otherwise(found)


def candidate_probability(jaccard: float, bands: int, rows: int) -> float:
    """Chance that two documents of this similarity share a bucket: 1 - (1 - s**rows)**bands."""
    return float(1.0 - (1.0 - jaccard**rows) ** bands)
