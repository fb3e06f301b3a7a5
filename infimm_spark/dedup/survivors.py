"""Which documents survive: a greedy choice in survivor order, made in rounds of DataFrame joins.

The rule, applied to documents from best to worst: a document is kept unless a kept one, met in a
bucket, is verified to be similar to it. No document is removed for the sake of a removed one, so
chains (A like B, B like C, A unlike C) never remove C for A.

All documents are numbered by survivor order first (`with_rank`), so that "best" is a minimum of
longs: aggregates then run in constant memory, whatever a bucket's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, LongType, StructField, StructType

from infimm_spark.dedup.verify import verified_pairs
from infimm_spark.errors import ConvergenceError

Checkpoint = Callable[[DataFrame, str], DataFrame]
"""Writes a DataFrame under a name and gives back what was written, with no lineage."""


def with_rank(documents: DataFrame, order: Sequence[Column], checkpoint: Checkpoint) -> DataFrame:
    """`documents` with a column `rank: long`: 0, 1, 2, ... in `order`, which must be total.

    The rank depends on the rows alone, not on their partitions: each row's place in its range
    partition, written down first, plus the number of rows in the partitions before.
    """
    schema = StructType(
        [
            *documents.schema.fields,
            StructField("_part", IntegerType()),
            StructField("_place", LongType()),
        ]
    )
    ranges = documents.repartitionByRange(*order).sortWithinPartitions(*order)
    placed = checkpoint(ranges.mapInArrow(_places, schema), "ranked")
    sizes = {
        row["_part"]: row["n"]
        for row in placed.groupBy("_part").agg(F.count("*").alias("n")).collect()
    }
    parts = sorted(sizes)
    firsts = accumulate((sizes[part] for part in parts), initial=0)
    offsets = documents.sparkSession.createDataFrame(
        list(zip(parts, firsts, strict=False)), "_part int, _first long"
    )
    return placed.join(F.broadcast(offsets), on="_part", how="inner").select(
        (F.col("_first") + F.col("_place")).alias("rank"), *documents.columns
    )


def greedy_duplicates(
    members: DataFrame,
    signatures: DataFrame,
    *,
    threshold: float,
    bucket_limit: int,
    max_iterations: int,
    checkpoint: Checkpoint,
) -> DataFrame:
    """The documents that go, each with the kept one it resembles: [rank, best, jaccard].

    `members` are bucket memberships [bucket, rank], `signatures` [rank, signature]. In each round a
    document that is the best of all its buckets is kept and compared with everyone it shares a bucket
    with; those similar to it are removed, the others go on without it. A bucket that has seen
    `bucket_limit` survivors proposes no more: only then can a true pair be missed that shared one.
    Raises `ConvergenceError` when documents are undecided after `max_iterations` rounds.
    """
    open_members = members.select("bucket", "rank", F.lit(0).alias("survivors"))
    found: list[DataFrame] = []
    for iteration in range(1, max_iterations + 1):
        seen = checkpoint(_shared_buckets(open_members), f"near-{iteration}-members")
        if seen.isEmpty():
            return _union(found, signatures)
        beaten = seen.groupBy("rank").agg(F.max(F.col("best") < F.col("rank")).alias("beaten"))
        best_beaten = beaten.select(
            F.col("rank").alias("best"), F.col("beaten").alias("best_beaten")
        )
        judged = seen.join(best_beaten, on="best", how="inner")
        proposed = (
            judged.where(~F.col("best_beaten") & (F.col("best") < F.col("rank")))
            .groupBy("rank", "best")
            .agg(F.count("*").alias("shared"))
        )
        similar = verified_pairs(proposed, signatures, threshold)
        removed = checkpoint(_best_match(similar), f"near-{iteration}-removed")
        found.append(removed)
        open_members = (
            judged.join(beaten.where("beaten").select("rank"), on="rank", how="left_semi")
            .join(removed, on="rank", how="left_anti")
            .select(
                "bucket",
                "rank",
                (F.col("survivors") + (~F.col("best_beaten")).cast("int")).alias("survivors"),
            )
            .where(F.col("survivors") < bucket_limit)
        )
    undecided = open_members.agg(F.count_distinct("rank")).first()
    left = undecided[0] if undecided else 0
    if left:
        raise ConvergenceError(
            f"dedup.minhash.max_iterations = {max_iterations}: {left} documents are still undecided; "
            "expected a higher limit, or a lower dedup.minhash.bucket_limit"
        )
    return _union(found, signatures)


def _shared_buckets(members: DataFrame) -> DataFrame:
    """Memberships of buckets with more than one member, with the bucket's best."""
    shuffled = members.repartition("bucket")
    bests = (
        shuffled.groupBy("bucket")
        .agg(F.min("rank").alias("best"), F.count("*").alias("size"))
        .where(F.col("size") > 1)
    )
    return shuffled.join(bests, on="bucket", how="inner").select(
        "bucket", "rank", "best", "survivors"
    )


def _best_match(similar: DataFrame) -> DataFrame:
    """Of the kept documents a document is similar to, the best in survivor order."""
    best = F.min(F.struct("best", "jaccard")).alias("match")
    return similar.groupBy("rank").agg(best).select("rank", "match.best", "match.jaccard")


def _union(found: list[DataFrame], signatures: DataFrame) -> DataFrame:
    result = signatures.sparkSession.createDataFrame([], "rank long, best long, jaccard float")
    for frame in found:
        result = result.unionByName(frame)
    return result


def _places(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    context = TaskContext.get()
    part = context.partitionId() if context else 0
    place = 0
    for batch in batches:
        rows = batch.num_rows
        parts = pa.array([part] * rows, pa.int32())
        places = pa.array(range(place, place + rows), pa.int64())
        yield pa.record_batch(
            [*batch.columns, parts, places], names=[*batch.schema.names, "_part", "_place"]
        )
        place += rows
