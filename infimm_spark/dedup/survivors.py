"""Which documents survive: a greedy choice in survivor order, made in rounds of DataFrame joins.

The rule, applied to documents from best to worst: a document is kept unless a kept one, met in a
bucket, is verified to be similar to it. No document is removed for the sake of a removed one, so
chains (A like B, B like C, A unlike C) never remove C for A.

All documents are numbered by survivor order first (`with_rank`), so that "best" is a minimum of
longs: aggregates then run in constant memory, whatever a bucket's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.dedup.greedy import greedy_table
from infimm_spark.dedup.verify import Verification, join_skewed, verified_pairs
from infimm_spark.errors import ConvergenceError

Checkpoint = Callable[[DataFrame, str], DataFrame]
"""Writes a DataFrame under a name and gives back what was written, with no lineage."""

HOT_BUCKET = 100_000
"""Members from which a bucket is hot: listed, and its best document sent to the tasks that compare
with it instead of all its members to one task."""
_HOT_LISTED = 1_000  # bests sent to every task: 2 kB each


def with_rank(documents: DataFrame, order: Sequence[Column]) -> DataFrame:
    """`documents` sorted in `order`, which must be total, with a column `rank: long` that grows
    with it.

    Ranks have gaps, and their values (not their order) depend on the partitions; they are below
    2**52. To be written down before use: a range partition computed again may begin elsewhere.
    """
    ranges = documents.repartitionByRange(*order).sortWithinPartitions(*order)
    return ranges.withColumn("rank", F.monotonically_increasing_id())


def greedy_duplicates(
    members: DataFrame,
    documents: DataFrame,
    verification: Verification,
    *,
    first_undecided: int,
    bucket_limit: int,
    max_iterations: int,
    local_limit: int,
    checkpoint: Checkpoint,
    name: str,
) -> DataFrame:
    """The documents that go, each with a kept one it resembles: [rank, best, jaccard].

    `members` are bucket memberships [bucket, rank], `documents` [rank] and the column to verify by;
    ranks below `first_undecided` are known to be kept. In each round a document that is the best of
    all its buckets is kept and compared with everyone it shares a bucket with; those similar to it
    are removed, the others go on without it. So every pair of a kept document and a worse one that
    shares a bucket with it is compared, however many unrelated ones stand between them, unless the
    bucket has seen `bucket_limit` survivors before: it proposes no more. Once no more than
    `local_limit` memberships are open, one task goes through the rest in survivor order: long
    chains, which would take a round a link, end there.

    Checkpoints are named `name` and a number. Raises `ConvergenceError` when documents are
    undecided after `max_iterations` rounds.
    """
    still_open = members.select("bucket", "rank", F.lit(0).alias("survivors"))
    found: list[DataFrame] = []
    for iteration in range(1, max_iterations + 1):
        shared = _shared_buckets(still_open, first_undecided)
        seen = checkpoint(shared, f"{name}-{iteration}-buckets")
        size, crowded = _size(seen)
        hot = checkpoint(_hot_bests(seen), f"{name}-{iteration}-hot") if crowded else None
        if size <= local_limit:
            rest = _in_one_task(seen, documents, verification, first_undecided, bucket_limit)
            found.append(checkpoint(rest, f"{name}-rest"))
            return reduce(DataFrame.unionByName, found)
        judged = _with_state_of_best(seen, hot, first_undecided)
        proposed = _proposed(judged, first_undecided)
        similar = verified_pairs(proposed, documents, verification, hot)
        found.append(checkpoint(_best_match(similar), f"{name}-{iteration}-removed"))
        still_open = _after_round(judged, found[-1], bucket_limit)
    left = seen.agg(F.count_distinct("rank")).head()
    raise ConvergenceError(
        f"dedup.minhash.max_iterations = {max_iterations}: about {left[0] if left else 0} "
        "documents "
        "are still undecided; expected a higher limit, or a lower dedup.minhash.bucket_limit"
    )


def _in_one_task(
    seen: DataFrame,
    documents: DataFrame,
    verification: Verification,
    first_undecided: int,
    bucket_limit: int,
) -> DataFrame:
    """The rest of the rounds at once, in the memory of one task: [rank, best, jaccard]."""
    # A document is in as many buckets as there are bands: its list is bounded.
    listed = seen.groupBy("rank").agg(
        F.collect_list("bucket").alias("buckets"), F.collect_list("survivors").alias("survivors")
    )
    rows = listed.join(documents, on="rank", how="inner").select(
        "rank", "buckets", "survivors", verification.by
    )

    def resolve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        received = list(batches)
        if received:
            table = pa.Table.from_batches(received)
            yield greedy_table(table, verification, first_undecided, bucket_limit)

    return rows.repartition(1).mapInArrow(resolve, "rank long, best long, jaccard float")


def _size(seen: DataFrame) -> tuple[int, int]:
    """How many memberships there are, and how many buckets are hot."""
    is_hot = (F.col("rank") == F.col("best")) & (F.col("members") >= HOT_BUCKET)
    row = seen.agg(F.count("*"), F.count_if(is_hot)).head()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _hot_bests(seen: DataFrame) -> DataFrame:
    """`schemas.HOT_BUCKETS`, the largest first; at most `_HOT_LISTED`."""
    hot = seen.where((F.col("rank") == F.col("best")) & (F.col("members") >= HOT_BUCKET))
    largest = hot.orderBy(F.desc("members"), "bucket").limit(_HOT_LISTED)
    return largest.select(*schemas.HOT_BUCKETS.names)


def _with_state_of_best(seen: DataFrame, hot: DataFrame | None, first_undecided: int) -> DataFrame:
    """With `waits`: whether the bucket's best is undecided and beaten in another of its buckets."""
    beaten = (F.col("best") < F.col("rank")) & (F.col("rank") >= first_undecided)
    waiting = seen.groupBy("rank").agg(F.max(beaten).alias("waits"))
    return join_skewed(seen, waiting.withColumnRenamed("rank", "best"), "best", hot)


def _proposed(judged: DataFrame, first_undecided: int) -> DataFrame:
    """Pairs [rank, best] of an undecided document and a kept one that share a bucket."""
    undecided = (F.col("best") < F.col("rank")) & (F.col("rank") >= first_undecided)
    pairs = judged.where(undecided & ~F.col("waits")).groupBy("rank", "best")
    return pairs.agg(F.count("*").alias("buckets")).select("rank", "best")


def _after_round(judged: DataFrame, removed: DataFrame, bucket_limit: int) -> DataFrame:
    """Memberships without those removed, without the bests that were compared."""
    return (
        judged.where((F.col("best") != F.col("rank")) | F.col("waits"))
        .join(removed.select("rank"), on="rank", how="left_anti")
        .select(
            "bucket",
            "rank",
            (F.col("survivors") + (~F.col("waits")).cast("int")).alias("survivors"),
        )
        .where(F.col("survivors") < bucket_limit)
    )


def _shared_buckets(members: DataFrame, first_undecided: int) -> DataFrame:
    """Memberships of buckets in which an undecided document has company, with the bucket's best."""
    # A window shuffles and sorts once, and a bucket that is too large for memory goes to disk.
    bucket = Window.partitionBy("bucket")
    return (
        members.withColumn("best", F.min("rank").over(bucket))
        .withColumn("worst", F.max("rank").over(bucket))
        .withColumn("members", F.count("*").over(bucket))
        .where((F.col("members") > 1) & (F.col("worst") >= first_undecided))
        .select("bucket", "rank", "best", "survivors", "members")
    )


def _best_match(similar: DataFrame) -> DataFrame:
    """Of the kept documents a document is similar to, the best in survivor order."""
    best = F.min(F.struct("best", "jaccard")).alias("match")
    return similar.groupBy("rank").agg(best).select("rank", "match.best", "match.jaccard")
