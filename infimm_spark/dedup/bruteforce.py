"""Similarity of all pairs, without bands or signatures: what near dedup is measured against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

UInt32Array = npt.NDArray[np.uint32]
IntArray = npt.NDArray[np.int64]

_ROWS = 256  # documents compared with all others at once


def similar_pairs(
    shingles: Sequence[UInt32Array], at_least: float
) -> tuple[IntArray, IntArray, npt.NDArray[np.float64]]:
    """(i, j, Jaccard) of all pairs i < j of sets with a Jaccard similarity of `at_least` or more.

    Exact: an inverted index of all shingles. Time grows with the square of the number of sets.
    """
    empty = np.empty(0, np.int64)
    sizes = np.array([len(hashes) for hashes in shingles], np.int64)
    if not sizes.sum():
        return empty, empty, np.empty(0)
    columns = np.unique(np.concatenate(shingles), return_inverse=True)[1]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = sparse.csr_matrix((np.ones(len(columns), np.int32), columns, starts))
    transposed = matrix.T.tocsc()
    lefts, rights, scores = [empty], [empty], [np.empty(0)]
    for first in range(0, len(shingles), _ROWS):
        common = (matrix[first : first + _ROWS] @ transposed).tocoo()
        i, j = common.row.astype(np.int64) + first, common.col.astype(np.int64)
        upper = j > i
        i, j, n = i[upper], j[upper], common.data[upper]
        jaccard = n / (sizes[i] + sizes[j] - n)
        near = jaccard >= at_least
        lefts.append(i[near])
        rights.append(j[near])
        scores.append(jaccard[near])
    return np.concatenate(lefts), np.concatenate(rights), np.concatenate(scores)


def jaccard(left: UInt32Array, right: UInt32Array) -> float:
    """Exact similarity of two sets of distinct hashes."""
    common = len(np.intersect1d(left, right, assume_unique=True))
    return common / max(1, len(left) + len(right) - common)


def proposed_pairs(
    signatures: UInt32Array, bands: int, rows: int, largest: int = 200
) -> set[tuple[int, int]]:
    """Pairs i < j of signatures (one a row) that share a band; of a bucket the first `largest`
    meet."""
    found: set[tuple[int, int]] = set()
    for band in range(bands):
        buckets: dict[bytes, list[int]] = {}
        part = np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])
        for row, values in enumerate(part):
            buckets.setdefault(values.tobytes(), []).append(row)
        for members in buckets.values():
            found.update(
                (one, other)
                for place, one in enumerate(members[:largest])
                for other in members[place + 1 : largest]
            )
    return found
