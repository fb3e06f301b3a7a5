"""Byte ranges of chosen records: merged, bounded, each record once."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark import store
from infimm_spark.sample import write_sample_crawl
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.ranges import merged, read_ranges
from infimm_spark.warc.records import Failed, Page, read_pages


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 300))),
    st.integers(0, 500),
    st.integers(300, 3_000),
)
def test_spans_hold_each_record_once_and_respect_their_bounds(
    records: list[tuple[int, int]], gap: int, most: int
) -> None:
    """Whatever is asked: all of it, nothing twice, no span over the limit, no gap over the
    limit."""
    spans = merged(records, gap, most)
    held = [record for span in spans for record in span.records]
    assert sorted(held) == sorted(set(records))
    for span in spans:
        assert span.stop - span.start <= most
        assert span.start == min(offset for offset, _ in span.records)
        assert span.stop == max(offset + length for offset, length in span.records)
        covered = span.start
        for offset, length in span.records:
            assert offset - covered <= gap
            covered = max(covered, offset + length)


def test_chosen_records_read_as_in_the_whole_file(tmp_path: Path) -> None:
    """Ranges give the items that a whole read gives, whether requests are merged or not."""
    write_sample_crawl(tmp_path)
    location = list_warcs([str(tmp_path)])[-1].location
    whole = list(read_pages(location, warc_file="w"))
    chosen = whole[4:9] + whole[30:60:7]
    asked = [(item.warc_offset, item.warc_length) for item in chosen]
    for gap, requests in ((0, 6), (1 << 20, 1)):
        traffic = store.Traffic()
        items = list(read_ranges(location, asked, warc_file="w", max_gap=gap, traffic=traffic))
        assert [_brief(item) for item in items] == [_brief(item) for item in chosen]
        assert traffic.requests == requests


def _brief(item: object) -> tuple[object, ...]:
    names = ("url", "warc_offset", "warc_length", "reason", "body")
    return (type(item), *(getattr(item, name, None) for name in names))


def test_ranges_that_cannot_be_had_are_failures(tmp_path: Path) -> None:
    """A record behind the file's end, and every record of a missing file, are failed items."""
    write_sample_crawl(tmp_path)
    location = list_warcs([str(tmp_path)])[0].location
    size = Path(location).stat().st_size
    (item,) = read_ranges(location, [(size - 10, 100)], warc_file="w", max_gap=0)
    assert isinstance(item, Failed)
    assert (item.reason, item.warc_offset) == ("truncated_file", size - 10)
    items = list(read_ranges(f"{location}.no", [(0, 5), (9, 5)], warc_file="w", max_gap=0))
    assert [i.reason for i in items if not isinstance(i, Page)] == ["unreadable_file"] * 2
