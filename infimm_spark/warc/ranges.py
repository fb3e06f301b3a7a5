"""Chosen records of a WARC file by byte range, without reading the rest of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infimm_spark import store
from infimm_spark.errors import InputError, StoreError, StoreRefusedError
from infimm_spark.warc import wacz
from infimm_spark.warc.records import (
    DEFAULT_MAX_PAGE_BYTES,
    Failed,
    Item,
    read_record,
    record_dictionary,
)

_MAX_REQUEST = 64 << 20  # bytes of one request, which are held in memory


@dataclass(frozen=True, slots=True)
class Span:
    """One request: bytes [start, stop) and the records, (offset, length), that are wanted of
    them."""

    start: int
    stop: int
    records: tuple[tuple[int, int], ...]


def merged(
    records: Iterable[tuple[int, int]], max_gap: int, max_request: int = _MAX_REQUEST
) -> list[Span]:
    """Spans that hold all `records` (offset, length), in file order, each record once.

    Records that lie at most `max_gap` bytes apart share a request, as long as it stays below
    `max_request` bytes: a request costs time and money, a few bytes too many cost next to nothing.
    """
    spans: list[Span] = []
    for offset, length in sorted(set(records)):
        stop = offset + length
        last = spans[-1] if spans else None
        if last and offset - last.stop <= max_gap and stop - last.start <= max_request:
            spans[-1] = Span(last.start, max(last.stop, stop), (*last.records, (offset, length)))
        else:
            spans.append(Span(offset, stop, ((offset, length),)))
    return spans


def read_ranges(
    location: str,
    records: Iterable[tuple[int, int]],
    *,
    warc_file: str,
    max_gap: int,
    max_page_bytes: int = DEFAULT_MAX_PAGE_BYTES,
    traffic: store.Traffic | None = None,
) -> Iterator[Item]:
    """One item for each of `records` (offset, length) of a WARC file, as `read_pages` would give
    it.

    What lies between two records of a span is passed over. A span that cannot be had is one failed
    item for each of its records. Raises `StoreRefusedError` where no file of that store could be
    read.
    """
    dictionary: bytes | None = None
    for span in merged(records, max_gap):
        try:
            piece = wacz.read_range(location, span.start, span.stop - span.start, traffic=traffic)
            if dictionary is None:
                dictionary = record_dictionary(location, piece) or b""
        except StoreRefusedError:
            raise
        except (StoreError, InputError) as error:
            for offset, _ in span.records:
                yield Failed("unreadable_file", str(error), None, warc_file, offset, 0)
            continue
        for offset, length in span.records:
            at = offset - span.start
            own = piece[at : at + length]
            if len(own) < length:
                message = "the file ends inside this record"
                yield Failed("truncated_file", message, None, warc_file, offset, 0)
            else:
                yield read_record(own, offset, warc_file, max_page_bytes, dictionary)
