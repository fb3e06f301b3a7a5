"""Which share of the rejects is kept: every stage and every rerun chooses the same pages, by their
ids."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_DIGITS = 8
_ALL = 1 << (4 * _DIGITS)


def share_of(page_id: str) -> float:
    """Where an id lies among all ids, 0 ≤ share < 1: ids are hashes, so equally spread."""
    return int(page_id[:_DIGITS], 16) / _ALL


def id_share() -> Column:
    """`share_of` the column `id`."""
    return F.conv(F.substring("id", 1, _DIGITS), 16, 10).cast("double") / F.lit(float(_ALL))


def sampled(rejects: DataFrame, fraction: float) -> DataFrame:
    """This share of the rejects."""
    return rejects.where(id_share() < fraction)
