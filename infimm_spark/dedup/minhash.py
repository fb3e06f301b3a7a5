"""MinHash signatures, vectorised, in the scheme datasketch 2 calls ``affine32``.

A shingle hash is mixed by MurmurHash3's 32-bit finaliser; permutation k maps it to
``a_k * h + b_k mod 2**32`` with odd ``a_k``; the signature holds each permutation's minimum.
`datasketch.MinHash(seed=seed, hashvalues=signature, scheme="affine32")` reads a signature, so its
`jaccard` and `MinHashLSH` work on ours (datasketch 1.x used another scheme and cannot compare them).
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

_ROWS = 256  # shingles permuted at once: 256 x 112 x 4 bytes stay within the second-level cache


def signature(hashes: UInt32Array, num_perm: int, seed: int) -> UInt32Array:
    """The `num_perm` minima of the permuted shingle hashes; all ones (2**32 - 1) for no shingles."""
    return _minima(_mix32(hashes), num_perm, seed)


def signatures_and_sketches(
    hashes: Sequence[UInt32Array], num_perm: int, seed: int, sketch_size: int
) -> list[tuple[UInt32Array, UInt32Array]]:
    """`signature` and `sketch` of many documents, whose hashes are mixed together."""
    if not hashes:
        return []
    mixed = _mix32(np.concatenate(hashes))
    cuts = np.cumsum([len(of_one) for of_one in hashes])
    return [
        (_minima(of_one, num_perm, seed), _least(of_one, sketch_size))
        for of_one in np.split(mixed, cuts[:-1])
    ]


def _minima(mixed: UInt32Array, num_perm: int, seed: int) -> UInt32Array:
    """Memory does not depend on the number of shingles."""
    multipliers, offsets = _permutations(num_perm, seed)
    result = np.full(num_perm, 0xFFFFFFFF, np.uint32)
    buffer = np.empty((min(_ROWS, len(mixed)), num_perm), np.uint32)
    for first in range(0, len(mixed), _ROWS):
        rows = mixed[first : first + _ROWS, np.newaxis]
        permuted = buffer[: len(rows)]
        np.multiply(rows, multipliers, out=permuted)
        permuted += offsets
        np.minimum(result, permuted.min(axis=0), out=result)
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
