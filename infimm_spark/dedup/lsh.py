"""Bands of a signature, and the buckets documents fall into.

Two documents that share a bucket are *proposed* as duplicates; nothing is removed for that alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Scope = Literal["snapshot", "pairs", "year", "all"]

_SNAPSHOT_YEAR = r"^CC-MAIN-(\d{4})-"


def banded(signatures: DataFrame, bands: int, rows: int, group: str = "") -> DataFrame:
    """[rank: long, buckets: array of `bands` longs] of `signatures` [rank, signature].

    A bucket is a 64-bit hash of group, band and the band's `rows` values; documents of different
    groups do not meet. Two buckets that share a hash by chance only cost a comparison, since every
    proposed pair is verified.
    """
    width = 4 * rows
    hashes = F.array(
        *(
            F.xxhash64(F.lit(group), F.lit(band), F.substring("signature", 1 + band * width, width))
            for band in range(bands)
        )
    )
    return signatures.select("rank", hashes.alias("buckets"))


def memberships(documents: DataFrame) -> DataFrame:
    """[bucket: long, rank: long] of `banded` documents, one row a band of each."""
    return documents.select(F.explode("buckets").alias("bucket"), "rank")


def group(scope: Scope, snapshot: Column) -> Column:
    """The group whose documents meet; for `pairs` the snapshot, since a pass takes one at a
    time."""
    if scope == "all":
        return F.lit("all")
    return year(snapshot) if scope == "year" else snapshot


def group_of(scope: Scope, snapshot: str) -> str:
    """As `group`, of one snapshot."""
    if scope == "all":
        return "all"
    return year_of(snapshot) if scope == "year" else snapshot


def year(snapshot: Column) -> Column:
    """`2023` of `CC-MAIN-2023-40`; any other name as it is."""
    found = F.regexp_extract(snapshot, _SNAPSHOT_YEAR, 1)
    return F.when(found == "", snapshot).otherwise(found)


def year_of(snapshot: str) -> str:
    """As `year`, of one name."""
    found = re.search(_SNAPSHOT_YEAR, snapshot)
    return found[1] if found else snapshot


def met(snapshot: str, names: Sequence[str], scope: Scope) -> list[str]:
    """The snapshots whose documents meet those of `snapshot`, itself included; `names` are
    sorted."""
    if scope == "all":
        return list(names)
    if scope == "year":
        return [name for name in names if year_of(name) == year_of(snapshot)]
    if scope == "snapshot" or snapshot not in names:
        return [snapshot]
    place = names.index(snapshot)
    return list(names[max(0, place - 1) : place + 2])


def candidate_probability(jaccard: float, bands: int, rows: int) -> float:
    """Chance that two documents of this similarity share a bucket: 1 - (1 - s**rows)**bands."""
    return float(1.0 - (1.0 - jaccard**rows) ** bands)


def solve_bands(threshold: float, num_perm: int) -> tuple[int, int]:
    """(bands, rows) for a signature of `num_perm` values: the steepest S-curve that still proposes
    a pair at `threshold` with a probability of `_PROPOSED` or more.

    Verification removes what is proposed in vain, so misses count and false proposals only cost
    time: of all curves the one with the most rows, then the most bands, is taken. Solves 0.8 of 112
    as 14 x 8, FineWeb's choice.
    """
    for rows in range(num_perm, 0, -1):
        bands = num_perm // rows
        if candidate_probability(threshold, bands, rows) >= _PROPOSED:
            return bands, rows
    return num_perm, 1


_PROPOSED = 0.92
