"""Verification of proposed pairs: the step that decides what a duplicate is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark.dedup import minhash


def verified_pairs(pairs: DataFrame, signatures: DataFrame, threshold: float) -> DataFrame:
    """The pairs whose signatures agree in at least `threshold` of their places.

    `pairs` has [rank, best: long], `signatures` [rank: long, signature: binary]. Returns
    [rank, best, jaccard: float].
    """
    left = signatures.select("rank", F.col("signature").alias("left"))
    right = signatures.select(F.col("rank").alias("best"), F.col("signature").alias("right"))
    with_signatures = pairs.join(left, on="rank", how="inner").join(right, on="best", how="inner")

    def compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows == 0:
                continue
            similarity = minhash.jaccard(
                matrix(batch.column("left")), matrix(batch.column("right"))
            )
            columns = [batch.column("rank"), batch.column("best"), pa.array(similarity)]
            compared = pa.record_batch(columns, names=["rank", "best", "jaccard"])
            yield compared.filter(pa.array(similarity >= np.float32(threshold)))

    return with_signatures.select("rank", "best", "left", "right").mapInArrow(
        compare, "rank long, best long, jaccard float"
    )


def matrix(signatures: pa.Array) -> minhash.UInt32Array:
    """Signatures (binary, none null, at least one) as an array of shape (rows, num_perm), not copied."""
    signatures = signatures.cast(pa.binary())
    offsets = np.frombuffer(signatures.buffers()[1], np.int32)[signatures.offset :]
    values = np.frombuffer(signatures.buffers()[2], np.uint8)
    rows = len(signatures)
    return values[offsets[0] : offsets[rows]].view("<u4").reshape(rows, -1)
