"""The greedy choice of survivors in the memory of one process; `survivors` has the rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from infimm_spark.dedup.minhash import UInt32Array
from infimm_spark.dedup.shingles import mix64
from infimm_spark.dedup.verify import Verification, matrix

_BAND_BASE = 0xD6E8FEB86659FD93  # odd: no bit of a band's values is lost
_BULK = 16_384  # pairs whose signatures are copied at once


class Bands(NamedTuple):
    """How a signature is cut: `bands` bands of `rows` values."""

    bands: int
    rows: int


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
