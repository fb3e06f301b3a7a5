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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.dedup.minhash import UInt32Array
from infimm_spark.dedup.shingles import mix64
from infimm_spark.dedup.verify import Verification, join_skewed, matrix, verified_pairs
from infimm_spark.errors import ConvergenceError

Checkpoint = Callable[[DataFrame, str], DataFrame]
"""Writes a DataFrame under a name and gives back what was written, with no lineage."""

HOT_BUCKET = 100_000
"""Members from which a bucket is hot: listed, and its best document sent to the tasks that compare
with it instead of all its members to one task."""
_BAND_BASE = 0xD6E8FEB86659FD93  # odd: no bit of a band's values is lost
_BULK = 16_384  # pairs whose signatures are copied at once
_HOT_LISTED = 1_000  # bests sent to every task: 2 kB each


class Bands(NamedTuple):
    """How a signature is cut: `bands` bands of `rows` values."""

    bands: int
    rows: int


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


def duplicates_in_one_task(
    participants: DataFrame,
    bands: Bands,
    verification: Verification,
    *,
    first_undecided: int,
    bucket_limit: int,
) -> DataFrame:
    """`greedy_duplicates` of few documents, from their signatures on: [rank, best, jaccard].

    `participants` have [rank, group, signature] and the column to verify by; all of them are held
    by one task at once.
    """

    def resolve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        received = [batch for batch in batches if batch.num_rows]
        if received:
            table = pa.Table.from_batches(received)
            yield greedy_signatures(table, bands, verification, first_undecided, bucket_limit)

    columns = ["rank", "group", "signature", *({verification.by} - {"signature"})]
    rows = participants.select(*columns).coalesce(1)
    return rows.mapInArrow(resolve, "rank long, best long, jaccard float")


def greedy_signatures(
    rows: pa.Table,
    bands: Bands,
    verification: Verification,
    first_undecided: int,
    bucket_limit: int,
) -> pa.RecordBatch:
    """The greedy choice among documents whose buckets are still to be found.

    `rows` has [rank, group, signature] and the column to verify by.
    """
    rows = rows.sort_by("rank").combine_chunks()
    groups = rows["group"].combine_chunks().dictionary_encode().indices.to_numpy()
    hashes = _band_hashes(matrix(rows["signature"].combine_chunks()), groups, bands)
    _, place, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    place = place.reshape(hashes.shape)
    shared = (sizes > 1)[place]
    in_company = np.flatnonzero(shared.any(axis=1))
    buckets = [
        own[of_row].tolist()
        for own, of_row in zip(place[in_company], shared[in_company], strict=True)
    ]
    rows = rows.take(in_company)
    return _greedy(
        rows["rank"].to_numpy(),
        rows[verification.by].combine_chunks(),
        buckets,
        {},
        verification,
        first_undecided,
        bucket_limit,
    )


def greedy_table(
    rows: pa.Table, verification: Verification, first_undecided: int, bucket_limit: int
) -> pa.RecordBatch:
    """`greedy_duplicates` of a table, document by document.

    `rows` has [rank, buckets, survivors] (lists in step) and the column to verify by.
    """
    rows = rows.sort_by("rank").combine_chunks()
    buckets = rows["buckets"].to_pylist()
    survivors: dict[int, int] = {}
    for own, counts in zip(buckets, rows["survivors"].to_pylist(), strict=True):
        survivors.update(zip(own, counts, strict=True))
    return _greedy(
        rows["rank"].to_numpy(),
        rows[verification.by].combine_chunks(),
        buckets,
        survivors,
        verification,
        first_undecided,
        bucket_limit,
    )


def _greedy(
    ranks: npt.NDArray[np.int64],
    compared: pa.Array,
    buckets: list[list[int]],
    survivors: dict[int, int],
    verification: Verification,
    first_undecided: int,
    bucket_limit: int,
) -> pa.RecordBatch:
    """[rank, best, jaccard] of the documents that go; `ranks` grow. `survivors` is how many each
    bucket has seen, none by default."""
    members: dict[int, list[int]] = {}
    for row, own in enumerate(buckets):
        for bucket in own:
            members.setdefault(bucket, []).append(row)
    threshold = float(np.float32(verification.threshold))
    known = _with_bests(members.values(), compared, verification)
    match = np.full(len(ranks), -1, np.int64)
    similarity = np.zeros(len(ranks), np.float32)
    gone: set[int] = set()
    n_settled = int(np.searchsorted(ranks, first_undecided))
    for row, own in enumerate(buckets):
        if row in gone:
            continue
        met: set[int] = set()
        for bucket in own:
            seen = survivors.get(bucket, 0)
            if seen >= bucket_limit:
                continue
            rest = [other for other in members[bucket] if other > row and other not in gone]
            members[bucket] = rest
            if rest:
                survivors[bucket] = seen + 1
                met.update(rest)
        scores = {other: known[row, other] for other in met if (row, other) in known}
        unknown = np.array([other for other in met if other not in scores], np.int64)
        if len(unknown):
            left = compared.take(np.full(len(unknown), row))
            compared_now = verification.jaccard(left, compared.take(unknown))
            scores.update(zip(unknown.tolist(), compared_now.tolist(), strict=True))
        for other, score in scores.items():
            if score >= threshold and other >= n_settled:
                match[other] = row
                similarity[other] = score
                gone.add(other)
    found = np.flatnonzero(match >= 0)
    columns = [pa.array(ranks[found]), pa.array(ranks[match[found]]), pa.array(similarity[found])]
    return pa.record_batch(columns, names=["rank", "best", "jaccard"])


def _band_hashes(
    signatures: UInt32Array, groups: npt.NDArray[np.int32], bands: Bands
) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of group, band and the band's values, of shape (documents, bands).

    Two bands that share a hash by chance only cost a comparison.
    """
    hashes = np.empty((len(signatures), bands.bands), np.uint64)
    for band in range(bands.bands):
        mixed = mix64(groups.astype(np.uint64) * np.uint64(bands.bands) + np.uint64(band))
        for column in range(band * bands.rows, (band + 1) * bands.rows):
            mixed *= np.uint64(_BAND_BASE)
            mixed += signatures[:, column]
        hashes[:, band] = mix64(mixed)
    return hashes


def _with_bests(
    members: Iterable[list[int]], compared: pa.Array, verification: Verification
) -> dict[tuple[int, int], float]:
    """Similarities of the rows of each bucket with its first, compared in bulk: most of all that
    the greedy choice asks for."""
    pairs = sorted({(rows[0], other) for rows in members for other in rows[1:]})
    if not pairs:
        return {}
    left, right = np.array(pairs, np.int64).T
    known: dict[tuple[int, int], float] = {}
    for first in range(0, len(pairs), _BULK):
        part = slice(first, first + _BULK)
        scores = verification.jaccard(compared.take(left[part]), compared.take(right[part]))
        known.update(zip(pairs[part], scores.tolist(), strict=True))
    return known


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
