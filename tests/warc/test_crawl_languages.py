"""Metadata records of the crawl: which response each belongs to, and which pages it settles."""

from __future__ import annotations

import io
import json
from itertools import permutations

import pytest
from warc_records import pack, reasons, record

from infimm_spark.warc.crawl_languages import CrawlLanguages
from infimm_spark.warc.items import Page, Skipped
from infimm_spark.warc.records import read_pages

ENGLISH = CrawlLanguages.of(["en", "zh"])
URL = "http://example.org/"


def said(*languages: tuple[str, float], reliable: bool = True, size: int = 5000) -> str:
    """The value of `languages-cld2`."""
    found = [{"code": code, "text-covered": share} for code, share in languages]
    return json.dumps({"reliable": reliable, "text-bytes": size, "languages": found})


def metadata(value: str, url: str = URL, extra: str = "") -> bytes:
    block = f"fetchTimeMs: 7\r\ncharset-detected: UTF-8\r\nlanguages-cld2: {value}\r\n\r\n"
    return record(block.encode(), kind="metadata", url=url, http=None, extra=extra)


JAPANESE = said(("ja", 0.97))


def read(*records: bytes) -> list[str]:
    """The reasons of the responses among `records`."""
    items = list(read_pages(io.BytesIO(pack(list(records))), warc_file="w", languages=ENGLISH))
    assert [item.warc_offset for item in items] == sorted({i.warc_offset for i in items})
    assert len(items) == len(records)
    return [reason for reason in reasons(items) if not reason.startswith("record_type:")]


@pytest.mark.parametrize(
    ("value", "dropped"),
    [
        (JAPANESE, True),
        (said(("ru", 0.9), ("en", 0.08)), True),  # words of English in its menus
        (said(("ja", 0.75), ("en", 0.24)), False),
        (said(("ja", 0.6)), False),  # what is the rest of it?
        (said(("zh-Hant", 0.97)), False),
        (said(("un", 0.5), ("ja", 0.5)), False),
        (said(("ja", 0.97), reliable=False), False),
        (said(("ja", 0.97), size=120), False),
        (said(("en", 0.97)), False),
        (said(), False),
        ("{}", False),
        ('{"reliable":true,"text-bytes":9999,"languages":[{"code":"ja"', False),
        ('{"reliable":true,"text-bytes":"many","languages":[{"code":"ja","x":1}]}', False),
        ('{"reliable":true,"text-bytes":9999,"languages":[["ja"],["ja"],["ja"]]}', False),
        ("", False),
    ],
)
def test_only_what_is_sure_is_trusted(value: str, dropped: bool) -> None:
    """A page is dropped where CLD2 is sure of enough text in other languages, else it is read."""
    assert read(record(), metadata(value)) == ["crawl_language" if dropped else "page"]


def test_a_dropped_page_names_its_evidence() -> None:
    """The skipped item has its place in the file, the main language and the shares."""
    data = pack([record(), metadata(said(("ja", 0.93), ("en", 0.05)))])
    item, _ = read_pages(io.BytesIO(data), warc_file="w", languages=ENGLISH)
    assert isinstance(item, Skipped)
    assert (item.warc_file, item.warc_offset, item.url) == ("w", 0, URL)
    assert item.warc_length == len(pack([record()]))
    assert (item.language, item.detail) == ("ja", "languages-cld2: ja 0.93, en 0.05")


def test_without_languages_every_page_is_read() -> None:
    """Metadata means nothing to a reader that was given no languages."""
    items = list(read_pages(io.BytesIO(pack([record(), metadata(JAPANESE)])), warc_file="w"))
    assert isinstance(items[0], Page)


def test_other_languages_may_be_wanted() -> None:
    """German pages are dropped for an English corpus only; look-alikes of a language are kept."""
    block = f"languages-cld2: {said(('de', 0.98))}\r\n".encode()
    assert ENGLISH.only_others(block) == {"de": 0.98}
    assert CrawlLanguages.of(["de"]).only_others(block) is None
    serbian = f"languages-cld2: {said(('sr', 0.98))}\r\n".encode()
    assert CrawlLanguages.of(["hr"]).only_others(serbian) is None


REQUEST = record(b"GET / HTTP/1.1\r\n\r\n", kind="request", http=None)


@pytest.mark.parametrize("records", list(permutations([REQUEST, record(), metadata(JAPANESE)])))
def test_metadata_may_stand_on_either_side(records: tuple[bytes, ...]) -> None:
    """Metadata before or after its response, a request wherever it stands."""
    assert read(*records) == ["crawl_language"]


def test_neighbours_keep_their_own() -> None:
    """Metadata goes to the response of its URL; a response without any is read."""
    a, b = (record(url=f"http://example.org/{name}") for name in "ab")
    of_a, of_b = (metadata(JAPANESE, f"http://example.org/{name}") for name in "ab")
    assert read(a, b, of_b) == ["page", "crawl_language"]
    assert read(a, of_b, b) == ["page", "crawl_language"]
    assert read(of_a, b, a) == ["page", "page"]
    assert read(a, of_a, b, of_b) == ["crawl_language", "crawl_language"]


def test_identities_tell_two_captures_of_a_url_apart() -> None:
    """Metadata that names another record is not this response's."""
    first = record(extra="WARC-Record-ID: <urn:uuid:1>\r\n")
    of_second = metadata(JAPANESE, extra="WARC-Concurrent-To: <urn:uuid:2>\r\n")
    second = record(extra="WARC-Record-ID: <urn:uuid:2>\r\n")
    assert read(first, of_second, second) == ["page", "crawl_language"]


def test_a_response_waits_over_a_few_records_only() -> None:
    """Many records between a response and its metadata: it is read, and nothing piles up."""
    assert read(record(), *[REQUEST] * 3, metadata(JAPANESE)) == ["crawl_language"]
    assert read(record(), *[REQUEST] * 50, metadata(JAPANESE)) == ["page"]


def test_what_is_no_page_keeps_its_reason() -> None:
    """Status and type come first: the ledger tells of a 404 what it told before."""
    gone = record(http=b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n")
    assert read(gone, metadata(JAPANESE)) == ["status:404"]


def test_a_response_at_the_end_is_read() -> None:
    """A file that is cut behind a response loses no page."""
    data = pack([record(), metadata(JAPANESE)])
    cut = data[: len(pack([record()])) + 20]
    items = list(read_pages(io.BytesIO(cut), warc_file="w", languages=ENGLISH))
    assert reasons(items)[0] == "page"
