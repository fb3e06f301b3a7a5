"""MinHash signatures, vectorised, in the scheme datasketch 2 calls ``affine32``.

A shingle hash is mixed by MurmurHash3's 32-bit finaliser; permutation k maps it to
``a_k * h + b_k mod 2**32`` with odd ``a_k``; the signature holds each permutation's minimum.
`datasketch.MinHash(seed=seed, hashvalues=signature, scheme="affine32")` reads a signature, so its
`jaccard` and `MinHashLSH` work on ours (datasketch 1.x used another scheme and cannot compare
them).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from infimm_spark.dedup import shingles

UInt32Array = npt.NDArray[np.uint32]

SCHEME = "affine32"
"""datasketch's name of the permutation scheme."""
VERSION = "datasketch-2"
"""Whose permutations these are: 1.x draws others from the same seed."""

_HASHES = 16_384  # of however many documents, permuted at once
_PERMUTED = (
    8 * _HASHES
)  # values of a block of them, by as many permutations: 512 kB stay within a cache


def signature(hashes: UInt32Array, num_perm: int, seed: int) -> UInt32Array:
    """The `num_perm` minima of the permuted shingle hashes; all ones (2**32 - 1) for no
    shingles."""
    minima: UInt32Array = _minima(_mix32(hashes), [len(hashes)], num_perm, seed)[0]
    return minima


def signatures_and_sketches(
    hashes: Sequence[UInt32Array], num_perm: int, seed: int, sketch_size: int
) -> list[tuple[UInt32Array, UInt32Array]]:
    """`signature` and `sketch` of many documents, whose hashes are mixed and permuted together."""
    if not hashes:
        return []
    mixed = _mix32(np.concatenate(hashes))
    lengths = [len(of_one) for of_one in hashes]
    minima = _minima(mixed, lengths, num_perm, seed)
    each = np.split(mixed, np.cumsum(lengths)[:-1])
    return [(row, _least(own, sketch_size)) for row, own in zip(minima, each, strict=True)]


def _minima(
    mixed: UInt32Array, lengths: Sequence[int], num_perm: int, seed: int
) -> npt.NDArray[np.uint32]:
    """Signatures, of shape (documents, num_perm), of hashes end to end.

    A call of numpy's takes as long as some thousand of its multiplications, so hashes are permuted
    by blocks that begin and end anywhere in a document. Memory does not depend on the number of
    shingles.
    """
    multipliers, offsets = (column[:, np.newaxis] for column in _permutations(num_perm, seed))
    filled = np.flatnonzero(lengths)
    ends = np.cumsum(lengths)[filled]
    firsts = np.concatenate([[0], ends[:-1]])
    least = np.full((num_perm, len(filled)), 0xFFFFFFFF, np.uint32)
    buffer = np.empty(max(_PERMUTED, min(_HASHES, len(mixed))), np.uint32)
    for start in range(0, len(mixed), _HASHES):
        block = mixed[start : start + _HASHES]
        last = start + len(block) - 1
        own = slice(np.searchsorted(ends, start, "right"), np.searchsorted(ends, last, "right") + 1)
        cuts = np.maximum(firsts[own] - start, 0)
        at_once = max(1, _PERMUTED // len(block))
        for first in range(0, num_perm, at_once):
            some = slice(first, min(first + at_once, num_perm))
            permuted = buffer[: (some.stop - first) * len(block)].reshape(-1, len(block))
            np.multiply(multipliers[some], block, out=permuted)
            permuted += offsets[some]
            so_far = least[some, own]
            np.minimum(so_far, np.minimum.reduceat(permuted, cuts, axis=1), out=so_far)
    result = np.full((len(lengths), num_perm), 0xFFFFFFFF, np.uint32)
    result[filled] = least.T
    return result


def signature_jaccard(left: UInt32Array, right: UInt32Array) -> npt.NDArray[np.float32]:
    """Estimated Jaccard similarity of signatures, row by row; both of shape (pairs, num_perm)."""
    agreeing: npt.NDArray[np.float64] = (left == right).mean(axis=1)
    return agreeing.astype(np.float32)


def sketch(hashes: UInt32Array, size: int) -> UInt32Array:
    """The `size` smallest of the mixed shingle hashes (all, if there are no more), sorted.

    `hashes` are distinct. A uniform sample of the shingles, the same shingles in every document.
    """
    return _least(_mix32(hashes), size)


def _least(mixed: UInt32Array, size: int) -> UInt32Array:
    if len(mixed) > size:
        mixed = np.partition(mixed, size - 1)[:size]
    return np.sort(mixed)


def sketch_jaccard(
    left: UInt32Array,
    left_lengths: npt.NDArray[np.int64],
    right: UInt32Array,
    right_lengths: npt.NDArray[np.int64],
    size: int,
) -> npt.NDArray[np.float32]:
    """Jaccard similarity of pairs of sketches, each side end to end with the lengths of its rows.

    Exact where both documents have fewer than `size` shingles. Otherwise it is that of the shingles
    up to the greatest value that both sketches cover: a sample of at least `size` of the union.
    """
    pairs = len(left_lengths)
    covered = np.minimum(_coverage(left, left_lengths, size), _coverage(right, right_lengths, size))
    keys = np.concatenate(
        [_within(left, left_lengths, covered), _within(right, right_lengths, covered)]
    )
    keys.sort()
    twice = keys[1:][keys[1:] == keys[:-1]]
    total = np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=pairs)
    common = np.bincount((twice >> np.uint64(32)).astype(np.int64), minlength=pairs)
    jaccard: npt.NDArray[np.float64] = common / np.maximum(total - common, 1)
    return jaccard.astype(np.float32)


def _coverage(values: UInt32Array, lengths: npt.NDArray[np.int64], size: int) -> UInt32Array:
    """Up to which hash each row's sketch lists all the document's shingles."""
    covered = np.full(len(lengths), 0xFFFFFFFF, np.uint32)
    cut = lengths >= size
    covered[cut] = values[np.cumsum(lengths)[cut] - 1]
    return covered


def _within(
    values: UInt32Array, lengths: npt.NDArray[np.int64], covered: UInt32Array
) -> npt.NDArray[np.uint64]:
    """Row number and hash in one key, for hashes up to the row's coverage."""
    rows = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
    keys = (rows << np.uint64(32)) | values
    return keys[values <= covered[rows.astype(np.int64)]]


def fingerprint(ngram: int, char_ngram: int, num_perm: int, seed: int, sketch_size: int) -> str:
    """What signatures and sketches depend on; they compare only if their fingerprints are equal."""
    return (
        f"{shingles.SCHEME} words={ngram} characters={char_ngram} "
        f"{VERSION} {SCHEME} permutations={num_perm} seed={seed} sketch={sketch_size}"
    )


@lru_cache(maxsize=8)
def _permutations(num_perm: int, seed: int) -> tuple[UInt32Array, UInt32Array]:
    """Multipliers (odd) and offsets, drawn in datasketch's order from numpy's RandomState."""
    generator = np.random.RandomState(seed)
    multipliers = generator.randint(0, 1 << 31, num_perm, dtype=np.uint32)
    offsets = generator.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return multipliers * np.uint32(2) + np.uint32(1), offsets


def _mix32(values: UInt32Array) -> UInt32Array:
    values = values ^ (values >> np.uint32(16))
    values *= np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values *= np.uint32(0xC2B2AE35)
    values ^= values >> np.uint32(16)
    return values
