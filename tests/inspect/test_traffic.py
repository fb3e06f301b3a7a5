"""What a larger crawl will cost, from files that resemble it and files that do not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from infimm_spark import schemas
from infimm_spark.inspect.traffic import CRAWL_FILE_BYTES, forecast, print_traffic


def measured(sizes: list[float], retries: int = 0) -> pa.Table:
    rows = [
        {"warc_file": f"f{n}", "requests": 1 + retries, "retries": retries, "bytes": int(size)}
        for n, size in enumerate(sizes)
    ]
    return pa.Table.from_pylist(rows, schema=schemas.TRAFFIC)


def test_files_like_a_crawls_foretell_its_bytes() -> None:
    """Files of its size are scaled by their number, without a word."""
    table = measured([0.9e9, 1.5e9])
    assert forecast(table, 90_000).bytes == pytest.approx(90_000 * 1.2e9)
    assert "warning" not in print_traffic(table, 90_000)


def test_small_files_are_scaled_by_bytes_and_said_to_be_small() -> None:
    """A file of 19 MB is no guide to a snapshot: its size is the crawl's, and broken connections go
    by bytes."""
    table = measured([19e6], retries=1)
    ahead = forecast(table, 90_000)
    assert ahead.bytes == 90_000 * CRAWL_FILE_BYTES
    assert ahead.requests == pytest.approx(90_000 + 90_000 * CRAWL_FILE_BYTES / 19e6)
    shown = print_traffic(table, 90_000)
    assert (
        "warning: the measured files have 19.0 MB on average, Common Crawl's about 1.1 GB" in shown
    )
    assert "warning" not in print_traffic(table, 90_000, in_ranges=True)
    assert forecast(table, 90_000, in_ranges=True).bytes == 90_000 * 19e6
