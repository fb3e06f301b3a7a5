"""Whatever the bytes of a WARC file, read = kept + dropped + failed, in bounded memory and time.

`make fuzz` tries FUZZ_INPUTS files from FUZZ_SEED on; a failure names its seed.
"""

from __future__ import annotations

import io
import os
import time
import tracemalloc

import pytest
from warc_bytes import hostile_file

from infimm_spark.stages.record_counts import WarcLedger
from infimm_spark.warc.records import FAILURE_REASONS, Failed, Page, Skipped, read_pages

INPUTS = int(os.environ.get("FUZZ_INPUTS", "500"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
LIMIT = 1 << 20  # bytes of a page
PART = 100


@pytest.mark.parametrize("first", range(SEED, SEED + INPUTS, PART))
def test_every_record_of_a_hostile_file_has_one_outcome(first: int) -> None:
    """Reading ends, raises nothing, tells each failure by a published reason, and gives no two
    records one place."""
    for seed in range(first, min(first + PART, SEED + INPUTS)):
        data = hostile_file(seed)
        ledger = WarcLedger("w", "extract")
        places = []
        started = time.process_time()
        for item in read_pages(io.BytesIO(data), warc_file="w", max_page_bytes=LIMIT):
            ledger.read()
            if isinstance(item, Page):
                ledger.kept()
                places.append(item.warc_offset)
                assert len(item.body) <= LIMIT, f"seed {seed}"
            elif isinstance(item, Skipped):
                ledger.dropped(item.reason)
                places.append(item.warc_offset)
            else:
                assert isinstance(item, Failed)
                assert item.reason in FAILURE_REASONS, f"seed {seed}"
                ledger.failed(item.reason)
        counts = ledger.totals()
        read = counts.pop("read", 0)
        assert read == sum(counts.values()) > 0, f"seed {seed}"
        assert len(set(places)) == len(places), f"seed {seed}"
        assert all(0 <= place <= len(data) + 6 for place in places), f"seed {seed}"
        assert time.process_time() - started < 20, f"seed {seed}"


def test_a_hostile_file_is_read_in_bounded_memory() -> None:
    """Headers and bodies that inflate without end cost a bounded number of pages."""
    for seed in range(SEED, SEED + 30):
        data = hostile_file(seed)
        tracemalloc.start()
        for _ in read_pages(io.BytesIO(data), warc_file="w", max_page_bytes=LIMIT):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 24 * LIMIT, f"seed {seed}"


def test_a_seed_gives_the_same_bytes() -> None:
    """A failure can be looked at again."""
    assert hostile_file(7) == hostile_file(7) != hostile_file(8)
