"""The greedy choice among few documents, without Spark."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from infimm_spark.dedup import minhash
from infimm_spark.dedup.greedy import Bands, greedy_signatures, greedy_table
from infimm_spark.dedup.verify import Verification

BANDS = Bands(14, 8)


def documents(seed: int, n_documents: int = 150) -> pa.Table:
    """Revisions of a few shingle sets, some near and some far, in two groups and in any order."""
    generator = np.random.default_rng(seed)
    bases = generator.integers(0, 1 << 32, (12, 120), dtype=np.uint32)
    sets = []
    for _ in range(n_documents):
        hashes = bases[generator.integers(len(bases))].copy()
        replaced = int(generator.choice([0, 2, 6, 12, 20, 40]))
        hashes[:replaced] = generator.integers(0, 1 << 32, replaced, dtype=np.uint32)
        sets.append(np.unique(hashes))
    pairs = minhash.signatures_and_sketches(sets, 112, 1, 512)
    return pa.table(
        {
            "rank": pa.array(generator.permutation(n_documents) * 3 - 60, pa.int64()),
            "group": pa.array(generator.choice(["2022", "2023"], n_documents).tolist()),
            "signature": pa.array([signature.tobytes() for signature, _ in pairs], pa.binary()),
            "sketch": pa.array([sketch.tobytes() for _, sketch in pairs], pa.binary()),
        }
    )


def with_buckets(rows: pa.Table) -> pa.Table:
    """With [buckets, survivors]: every band by its bytes, numbered as met."""
    numbers: dict[tuple[str, int, bytes], int] = {}
    width = 4 * BANDS.rows
    buckets = [
        [
            numbers.setdefault((group, band, cut[band * width :][:width]), len(numbers))
            for band in range(BANDS.bands)
        ]
        for group, cut in zip(rows["group"].to_pylist(), rows["signature"].to_pylist(), strict=True)
    ]
    survivors = [[0] * BANDS.bands] * len(buckets)
    return rows.append_column("buckets", pa.array(buckets, pa.list_(pa.int64()))).append_column(
        "survivors", pa.array(survivors, pa.list_(pa.int32()))
    )


@pytest.mark.parametrize("by", ["sketch", "signature"])
@pytest.mark.parametrize("first_undecided", [-100, 0])
@pytest.mark.parametrize("bucket_limit", [1, 64])
def test_buckets_found_in_the_task_are_those_of_the_bands(
    by: str, first_undecided: int, bucket_limit: int
) -> None:
    """From signatures on the same documents go as from buckets made of the bands' bytes."""
    rows = documents(bucket_limit)
    verification = Verification(by, 512, 0.8)
    found = greedy_signatures(rows, BANDS, verification, first_undecided, bucket_limit)
    expected = greedy_table(with_buckets(rows), verification, first_undecided, bucket_limit)
    assert found.num_rows
    assert found.equals(expected)
    assert min(found["rank"].to_pylist()) >= first_undecided


def test_documents_without_company_all_stay() -> None:
    """No two documents share a bucket: none goes."""
    hashes = np.random.default_rng(3).integers(0, 1 << 32, (5, 50), dtype=np.uint32)
    pairs = minhash.signatures_and_sketches(list(hashes), 112, 1, 512)
    rows = pa.table(
        {
            "rank": pa.array(range(5), pa.int64()),
            "group": ["all"] * 5,
            "signature": pa.array([signature.tobytes() for signature, _ in pairs], pa.binary()),
            "sketch": pa.array([sketch.tobytes() for _, sketch in pairs], pa.binary()),
        }
    )
    assert not greedy_signatures(rows, BANDS, Verification("sketch", 512, 0.8), 0, 64).num_rows
