"""MinHash signatures beside datasketch's."""

from __future__ import annotations

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from infimm_spark.dedup import minhash, shingles

hash_lists = st.lists(st.integers(0, (1 << 32) - 1), max_size=1_500, unique=True)


def hashes_of(values: list[int]) -> minhash.UInt32Array:
    return np.array(values, dtype=np.uint32)


def sketch(signature: minhash.UInt32Array, seed: int) -> MinHash:
    return MinHash(seed=seed, hashvalues=signature, scheme=minhash.SCHEME)


@settings(deadline=None, max_examples=40)
@given(values=hash_lists, num_perm=st.sampled_from([1, 112, 128]), seed=st.integers(0, 2**32 - 1))
def test_signatures_are_those_of_datasketch(values: list[int], num_perm: int, seed: int) -> None:
    """The same shingle hashes through datasketch's own update give the same hash values."""
    theirs = MinHash(num_perm=num_perm, seed=seed, hashfunc=int, scheme=minhash.SCHEME)
    theirs.update_batch(values)
    assert np.array_equal(minhash.signature(hashes_of(values), num_perm, seed), theirs.hashvalues)


@settings(deadline=None, max_examples=60)
@given(
    sets=st.lists(hash_lists, max_size=12), block=st.integers(1, 40), permuted=st.integers(1, 200)
)
def test_signatures_made_together_are_those_made_alone(
    sets: list[list[int]], block: int, permuted: int
) -> None:
    """Wherever blocks of hashes and of permutations end, also within a document, and empty ones
    included."""
    documents = [hashes_of(values) for values in sets]
    alone = [minhash.signature(document, 16, 3) for document in documents]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minhash, "_HASHES", block)
        patch.setattr(minhash, "_PERMUTED", permuted)
        together = minhash.signatures_and_sketches(documents, 16, 3, 8)
    for document, own, (signature, least) in zip(documents, alone, together, strict=True):
        assert np.array_equal(signature, own)
        assert np.array_equal(least, minhash.sketch(document, 8))


@settings(deadline=None, max_examples=40)
@given(left=hash_lists, right=hash_lists)
def test_jaccard_is_datasketchs(left: list[int], right: list[int]) -> None:
    """Our estimate is that of datasketch's `MinHash.jaccard` on our signatures."""
    ours = [minhash.signature(hashes_of(values), 112, 7) for values in (left, right)]
    estimate = minhash.signature_jaccard(ours[0][np.newaxis], ours[1][np.newaxis])[0]
    assert estimate == np.float32(sketch(ours[0], 7).jaccard(sketch(ours[1], 7)))


def test_datasketch_lsh_reads_our_signatures() -> None:
    """`MinHashLSH` finds a near-duplicate among ours and not an unrelated text."""
    text = " ".join(f"w{i}" for i in range(400))
    texts = {"near": text.replace("w17 ", "v17 "), "far": " ".join(f"z{i}" for i in range(400))}
    index = MinHashLSH(params=(14, 8), num_perm=112)
    for name, other in texts.items():
        index.insert(name, sketch(minhash.signature(shingles.shingle_hashes(other, 5), 112, 1), 1))
    query = sketch(minhash.signature(shingles.shingle_hashes(text, 5), 112, 1), 1)
    assert index.query(query) == ["near"]


def test_the_estimate_is_near_the_truth() -> None:
    """Over many sets with Jaccard 0.6 the mean estimate is within three standard errors."""
    generator = np.random.default_rng(5)
    estimates = []
    for _ in range(100):
        pool = generator.integers(0, 1 << 32, 1_000, dtype=np.uint64).astype(np.uint32)
        left, right = pool[:800], pool[200:]
        pair = [minhash.signature(side, 112, 1)[np.newaxis] for side in (left, right)]
        estimates.append(float(minhash.signature_jaccard(*pair)[0]))
    standard_error = (0.6 * 0.4 / 112 / 100) ** 0.5
    assert abs(np.mean(estimates) - 0.6) < 3 * standard_error


def test_no_shingles_give_the_empty_signature() -> None:
    """An empty set has datasketch's empty sketch."""
    empty = minhash.signature(np.empty(0, np.uint32), 112, 1)
    assert sketch(empty, 1).is_empty()


@settings(deadline=None, max_examples=60)
@given(
    pairs=st.lists(
        st.tuples(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40))), min_size=1, max_size=6
    ),
    size=st.sampled_from([3, 10, 64]),
)
def test_sketches_are_exact_for_small_sets(
    pairs: list[tuple[set[int], set[int]]], size: int
) -> None:
    """Below the sketch size the Jaccard similarity is exact; beyond it is that of a sample, which
    for equal sets is 1 and for disjoint ones 0."""
    sides = [
        [minhash.sketch(hashes_of(sorted(pair[side])), size) for pair in pairs] for side in (0, 1)
    ]
    ragged = [(np.concatenate(side), np.array([len(s) for s in side])) for side in sides]
    found = minhash.sketch_jaccard(*ragged[0], *ragged[1], size)
    for (left, right), estimate in zip(pairs, found, strict=True):
        truth = len(left & right) / max(1, len(left | right))
        if max(len(left), len(right)) < size or truth in (0.0, 1.0):
            assert estimate == np.float32(truth)
        else:
            assert 0.0 <= estimate <= 1.0


def test_sketches_estimate_large_sets() -> None:
    """Sets of 20,000 with Jaccard 0.8 are told within four standard errors of 512 samples."""
    pool = np.random.default_rng(3).permutation(1 << 20).astype(np.uint32)[:20_000]
    left, right = (minhash.sketch(side, 512) for side in (pool[:18_000], pool[2_000:]))
    lengths = np.array([512])
    estimate = float(minhash.sketch_jaccard(left, lengths, right, lengths, 512)[0])
    assert abs(estimate - 0.8) < 4 * (0.8 * 0.2 / 512) ** 0.5


def test_the_fingerprint_names_all_that_matters() -> None:
    """Any change of shingling, permutations or sketches changes the fingerprint."""
    base = (5, 10, 112, 1, 512)
    changed = [(*base[:i], base[i] + 1, *base[i + 1 :]) for i in range(len(base))]
    assert len({minhash.fingerprint(*options) for options in [base, *changed]}) == 6
