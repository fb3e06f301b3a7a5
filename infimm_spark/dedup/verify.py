"""Verification of proposed pairs: the step that decides what a duplicate is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import MinHashConfig
from infimm_spark.dedup import minhash

_PAIRS = 1_024  # compared at once, which bounds memory


@dataclass(frozen=True, slots=True)
class Verification:
    """How alike two documents must be, and by what.

    `by` names the column that is compared: ``signature``, or ``sketch`` with at most `sketch_size`
    shingle hashes. `threshold` is the least Jaccard similarity of a duplicate.
    """

    by: Literal["signature", "sketch"]
    sketch_size: int
    threshold: float

    @classmethod
    def of(cls, options: MinHashConfig) -> Verification:
        """As the configuration has it."""
        by: Literal["sketch", "signature"] = (
            "sketch" if options.verify == "shingles" else "signature"
        )
        return cls(by, options.sketch_size, options.threshold)

    def jaccard(self, left: pa.Array, right: pa.Array) -> npt.NDArray[np.float32]:
        """Similarity row by row of two equally long binary columns, at least one row, none null."""
        parts = []
        for first in range(0, len(left), _PAIRS):
            pair = left.slice(first, _PAIRS), right.slice(first, _PAIRS)
            if self.by == "signature":
                parts.append(minhash.signature_jaccard(matrix(pair[0]), matrix(pair[1])))
            else:
                parts.append(
                    minhash.sketch_jaccard(*_ragged(pair[0]), *_ragged(pair[1]), self.sketch_size)
                )
        return np.concatenate(parts)

    def similar(self, jaccard: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which of these similarities make a duplicate."""
        return jaccard >= np.float32(self.threshold)


def verified_pairs(
    pairs: DataFrame,
    documents: DataFrame,
    verification: Verification,
    hot: DataFrame | None = None,
) -> DataFrame:
    """The pairs that are similar enough: [rank, best, jaccard: float].

    `pairs` has [rank, best: long], `documents` [rank: long] and the column that is compared. `hot`
    has a few values of `best` that very many pairs share.
    """
    left = documents.select("rank", F.col(verification.by).alias("left"))
    right = documents.select(F.col("rank").alias("best"), F.col(verification.by).alias("right"))
    joined = join_skewed(pairs.join(left, on="rank", how="inner"), right, "best", hot)

    def compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows == 0:
                continue
            jaccard = verification.jaccard(batch.column("left"), batch.column("right"))
            columns = [batch.column("rank"), batch.column("best"), pa.array(jaccard)]
            compared = pa.record_batch(columns, names=["rank", "best", "jaccard"])
            yield compared.filter(pa.array(verification.similar(jaccard)))

    return joined.select("rank", "best", "left", "right").mapInArrow(
        compare, "rank long, best long, jaccard float"
    )


def join_skewed(rows: DataFrame, keyed: DataFrame, key: str, hot: DataFrame | None) -> DataFrame:
    """`rows` joined with the one row of `keyed` for each `key`; rows of a `hot` key stay where they
    are."""
    if hot is None:
        return rows.join(keyed, on=key, how="inner")
    keys = F.broadcast(hot.select(key).groupBy(key).agg(F.count("*").alias("rows")).select(key))
    of_hot = F.broadcast(keyed.join(keys, on=key, how="left_semi"))
    cold = rows.join(keys, on=key, how="left_anti").join(keyed, on=key, how="inner")
    return cold.unionByName(rows.join(of_hot, on=key, how="inner"))


def matrix(signatures: pa.Array) -> minhash.UInt32Array:
    """Signatures as an array of shape (rows, num_perm)."""
    values, lengths = _ragged(signatures)
    return values.reshape(len(lengths), -1)


def _ragged(column: pa.Array) -> tuple[minhash.UInt32Array, npt.NDArray[np.int64]]:
    """The uint32 values of a binary column end to end, and how many each row has; not copied."""
    column = column.cast(pa.binary())
    rows = len(column)
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset :][: rows + 1]
    values = np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[rows]]
    return values.view("<u4"), np.diff(offsets).astype(np.int64) // 4
