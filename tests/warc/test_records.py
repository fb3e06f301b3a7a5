"""WARC records to pages: self-made files, whole, cut, damaged and hostile."""

from __future__ import annotations

import gzip
import io
import random
import tracemalloc
import zlib
from pathlib import Path

import brotli
import pytest
from fastwarc.stream_io import Lz4Writer, ZstdWriter
from hypothesis import given, settings
from hypothesis import strategies as st
from warc_records import EXPECTED, HTML, MEMBERS, PACKED, only, pack, read, reasons, record

from infimm_spark.errors import InputError, StoreError
from infimm_spark.urls import site_host, url_host
from infimm_spark.warc.records import (
    FAILURE_REASONS,
    SKIP_REASONS,
    Failed,
    Item,
    Page,
    Skipped,
    fetch_record,
    read_pages,
    warc_id,
)

# -- whole files -----------------------------------------------------------------------------------


def test_a_page_carries_url_body_headers_and_pointer() -> None:
    """A page has its URL, body, HTTP and WARC headers, and the range that holds its record."""
    first, page = read(pack([MEMBERS[0], record(extra="WARC-IP-Address: 127.0.0.1\r\n")]))
    assert isinstance(page, Page)
    assert page.url == "http://example.org/"
    assert page.body == HTML
    assert page.status == 200
    assert page.content_type == "text/html"
    assert page.http_headers.get("CONTENT-TYPE") == "text/html"
    assert page.warc_date == "2023-01-01T00:00:00Z"
    assert page.warc_digest == "sha1:ABC"
    assert page.warc_headers["WARC-IP-Address"] == "127.0.0.1"
    assert page.warc_offset == first.warc_length
    assert not page.truncated


@pytest.mark.parametrize("packing", ["members", "one member", "plain", "lz4", "zstd"])
def test_every_packing_yields_the_same_items(packing: str) -> None:
    """Record-wise gzip, gzip in one member, plain, LZ4 and Zstandard files hold the same
    records."""
    whole = b"".join(MEMBERS)
    if packing == "members":
        data = b"".join(PACKED)
    elif packing == "one member":
        data = gzip.compress(whole)
    elif packing == "plain":
        data = whole
    else:
        frames = []
        for member in MEMBERS:
            sink = _Kept()
            writer = (Lz4Writer if packing == "lz4" else ZstdWriter)(sink)
            writer.write(member)
            writer.close()
            frames.append(sink.getvalue())
        data = b"".join(frames)
    items = read(data)
    assert reasons(items) == EXPECTED
    bodies = [item.body for item in items if isinstance(item, Page)]
    assert bodies == [i.body for i in read(b"".join(PACKED)) if isinstance(i, Page)]


class _Kept(io.BytesIO):
    def close(self) -> None:
        """Writers close what they wrote to; the test still reads it."""


def test_offsets_and_lengths_tile_the_file() -> None:
    """Each record begins where the one before ends, and the last ends with the file."""
    for data in (b"".join(PACKED), b"".join(MEMBERS)):
        items = read(data)
        at = 0
        for item in items:
            assert item.warc_offset == at
            at += item.warc_length
        assert at == len(data)


def test_records_of_one_gzip_member_have_distinct_offsets_and_no_length() -> None:
    """Records that share a gzip member cannot be fetched by range, but keep distinct ids."""
    items = read(gzip.compress(b"".join(MEMBERS)))
    assert len({warc_id("w", item.warc_offset) for item in items}) == len(items)
    assert {item.warc_length for item in items} == {0}


@pytest.mark.parametrize("one_member", [False, True])
def test_fetch_record_reads_a_page_back(tmp_path: Path, one_member: bool) -> None:
    """A page's offset and length lead back to the same page, also inside a shared gzip member."""
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(b"".join(MEMBERS)) if one_member else b"".join(PACKED))
    pages = [i for i in read_pages(str(path), warc_file="w") if isinstance(i, Page)]
    for page in pages:
        again = fetch_record(str(path), page.warc_offset, page.warc_length, warc_file="w")
        assert (again.url, again.body, again.id) == (page.url, page.body, page.id)


def test_fetch_record_of_what_is_no_page_is_refused(tmp_path: Path) -> None:
    """Fetching a request record, or a missing file, is a one-line error."""
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(PACKED))
    with pytest.raises(InputError, match="record_type:warcinfo; expected an HTML page"):
        fetch_record(str(path), 0, len(PACKED[0]))
    with pytest.raises(StoreError, match="does not exist"):
        fetch_record(str(tmp_path / "b.warc.gz"), 0, 10)


def test_warc_id_is_stable() -> None:
    """The id is BLAKE2b-128 of name, NUL and decimal offset: other builds must agree with it."""
    assert warc_id("crawl-data/a.warc.gz", 12) == warc_id("crawl-data/a.warc.gz", 12)
    assert warc_id("a", 11) != warc_id("a1", 1)
    # `printf 'a\0001' | b2sum -l 128`
    assert warc_id("a", 1) == "cbfffe3bc7ac333f71cb35e1fbdcae50"


def test_padding_after_the_last_member_is_no_record() -> None:
    """NUL bytes behind and between gzip members are padding, as gzip itself has it."""
    padded = PACKED[0] + b"\0" * 700 + PACKED[1] + b"\0" * 100_000
    assert reasons(read(padded)) == EXPECTED[:2]


# -- what is skipped -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "http", "body", "reason"),
    [
        ("resource", None, b"a log", "record_type:resource"),
        ("conversion", None, b"text", "record_type:conversion"),
        ("nonsense", None, b"text", "record_type:other"),
        ("response", b"HTTP/1.1 301 Moved\r\nContent-Type: text/html\r\n", HTML, "status:301"),
        ("response", b"HTTP/1.1 999 No\r\nContent-Type: text/html\r\n", HTML, "status:other"),
        ("response", b"HTTP/1.1 200\r\nContent-Type: image/png\r\n", b"\x89PNG", "mime:image/*"),
        (
            "response",
            b"HTTP/1.1 200 OK\r\nContent-Type: Application/PDF; x=1\r\n",
            b"%PDF",
            "mime:application/pdf",
        ),
        ("response", b"HTTP/1.1 200 OK\r\nContent-Type: q/q\r\n", b"q", "mime:other"),
        ("response", b"HTTP/1.1 200 OK\r\n", b"plain words", "mime:other"),
        ("response", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", b"", "http_empty"),
    ],
)
def test_what_is_no_html_page_is_skipped_with_its_reason(
    kind: str, http: bytes | None, body: bytes, reason: str
) -> None:
    """Other record types, statuses, media types and empty bodies are skipped, not failed."""
    item = only(pack([record(body, kind=kind, http=http)]))
    assert isinstance(item, Skipped)
    assert item.reason == reason


def test_a_dns_response_is_not_http() -> None:
    """Heritrix writes DNS answers as responses; they are skipped."""
    data = record(b"20230101\nexample.org. 1 IN A 1.2.3.4", url="dns:example.org", http=None)
    data = data.replace(b"Content-Length", b"Content-Type: text/dns\r\nContent-Length")
    assert reasons(read(data)) == ["not_http"]


@pytest.mark.parametrize(
    "http",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: TEXT/HTML;charset=utf-8\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: \r\n",
        b"HTTP/1.1 200\nContent-Type: text/html\n",
        b"HTTP/2 200 \r\ncontent-type: text/html\r\n",
    ],
)
def test_html_is_recognised(http: bytes) -> None:
    """XHTML is HTML, a missing type is sniffed, line ends may be bare and HTTP/2 has no minor."""
    item = only(pack([record(http=http)]))
    assert isinstance(item, Page)
    assert item.body.lstrip(b"\r\n") == HTML


def test_brackets_around_the_target_uri_are_taken_off() -> None:
    """An old wget wrote `<http://...>`."""
    item = only(pack([record(url="<http://example.org/a>")]))
    assert item.url == "http://example.org/a"


def test_folded_headers_are_joined_and_repeated_robots_headers_are_all_kept() -> None:
    """A continuation line belongs to the header above; several X-Robots-Tag lines can be read."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html;\r\n charset=gbk\r\n"
    http += b"X-Robots-Tag: noai\r\nx-robots-tag: noimageai\r\n"
    item = only(pack([record(http=http)]))
    assert isinstance(item, Page)
    assert item.content_type == "text/html; charset=gbk"
    assert item.http_headers.get_all("X-Robots-Tag") == ["noai", "noimageai"]


def test_a_body_cut_by_the_crawler_is_a_page_marked_truncated() -> None:
    """WARC-Truncated marks a page that the crawler cut; it is kept."""
    item = only(pack([record(extra="WARC-Truncated: length\r\n")]))
    assert isinstance(item, Page)
    assert item.truncated


# -- HTTP bodies -----------------------------------------------------------------------------------


def encoded(coding: str, body: bytes, transfer: str = "") -> Item:
    http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {coding}\r\n"
    if transfer:
        http += f"Transfer-Encoding: {transfer}\r\n"
    return only(pack([record(body, http=http.encode())]))


def zstd(data: bytes) -> bytes:
    sink = _Kept()
    writer = ZstdWriter(sink)
    writer.write(data)
    writer.close()
    return sink.getvalue()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(HTML)),
        ("x-gzip", gzip.compress(HTML)),
        ("gzip", gzip.compress(HTML[:20]) + gzip.compress(HTML[20:])),
        ("deflate", zlib.compress(HTML)),
        ("deflate", zlib.compress(HTML)[2:-4]),
        ("br", brotli.compress(HTML)),
        ("zstd", zstd(HTML)),
        ("deflate, gzip", gzip.compress(zlib.compress(HTML))),
        ("gzip", HTML),
        ("deflate", HTML),
        ("br", HTML),
        ("zstd", HTML),
        ("identity", HTML),
        ("no-such-coding", HTML),
    ],
)
def test_content_encodings_are_taken_off(coding: str, body: bytes) -> None:
    """Each content encoding is decoded; a header over a body already decoded does no harm."""
    item = encoded(coding, body)
    assert isinstance(item, Page)
    assert item.body == HTML
    assert not item.truncated


@pytest.mark.parametrize(
    ("coding", "body"), [("deflate", b"\xff" * 40), ("br", b"\x00\xff\x13\x37" * 9)]
)
def test_an_undecodable_body_is_a_failure(coding: str, body: bytes) -> None:
    """A body that is neither what Content-Encoding says nor HTML is not kept."""
    item = encoded(coding, body)
    assert isinstance(item, Failed)
    assert item.reason == "bad_content_encoding"


def test_a_compressed_body_that_ends_early_is_kept_as_far_as_it_goes() -> None:
    """A crawler that cuts at a size cuts compressed bodies, too."""
    whole = b"<html>" + bytes(range(256)) * 40
    item = encoded("gzip", gzip.compress(whole)[:-200])
    assert isinstance(item, Page)
    assert item.truncated
    assert whole.startswith(item.body)


def test_chunked_bodies_are_joined() -> None:
    """Transfer-Encoding: chunked is undone before Content-Encoding; extensions are ignored."""
    packed = gzip.compress(HTML)
    chunked = b"%x;ext=1\r\n%s\r\n%X\r\n%s\r\n0\r\n\r\n" % (
        5,
        packed[:5],
        len(packed) - 5,
        packed[5:],
    )
    item = encoded("gzip", chunked, "chunked")
    assert isinstance(item, Page)
    assert item.body == HTML
    assert not item.truncated


def test_a_chunked_header_over_a_plain_body_does_no_harm() -> None:
    """Crawlers write the body joined and leave the header."""
    item = encoded("identity", HTML, "chunked")
    assert isinstance(item, Page)
    assert item.body == HTML


def test_chunks_that_end_early_are_kept_and_marked() -> None:
    """A cut chunk gives what it holds."""
    item = encoded("identity", b"ff\r\n" + HTML, "chunked")
    assert isinstance(item, Page)
    assert item.body == HTML
    assert item.truncated


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", "chunked"]))
@settings(max_examples=150, deadline=None)
def test_any_body_under_any_encoding_yields_one_item(body: bytes, coding: str) -> None:
    """No body makes decoding raise."""
    transfer = "chunked" if coding == "chunked" else ""
    for data in (body, gzip.compress(body)[: len(body)], zlib.compress(body), b"5\r\n" + body):
        encoded(coding, data, transfer)


@pytest.mark.parametrize(
    "page",
    [
        record(b"<!-- x -->" * 200 + b"x", http=b"HTTP/1.1 200 OK\r\n"),
        record(http=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: " + b" " * 60_000 + b"\r\n"),
        record(http=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: y" + b"\r\n \t" * 15_000),
        record(http=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + b"x" * 60_000 + b"\r\n"),
        record(
            gzip.compress(b"") * 400_000,
            http=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n",
        ),
        record(
            gzip.compress(HTML),
            http=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: "
            + b"gzip," * 10_000
            + b"\r\n",
        ),
    ],
    ids=["comments", "blanks", "folds", "no colon", "members", "codings"],
)
def test_a_page_made_to_be_slow_is_read_at_once(page: bytes) -> None:
    """Inputs that are quadratic or worse for a careless reader come to one item."""
    assert only(page)


# -- large and hostile -----------------------------------------------------------------------------

MANY = 100 * 1024 * 1024


@pytest.mark.parametrize("case", ["stored", "packed member", "bomb", "brotli bomb"])
def test_a_page_of_100_mb_fails_in_bounded_memory(tmp_path: Path, case: str) -> None:
    """A huge page, stored or decoded, fails alone; the next page is read; memory stays bounded."""
    path = tmp_path / "big.warc"
    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    if case in ("stored", "packed member"):
        head = record(b"", http=html, length=MANY).removesuffix(b"\r\n\r\n")
        fill = MANY - len(html) - 2
        parts = [head, *([b"x" * (1 << 20)] * (fill >> 20)), b"x" * (fill % (1 << 20)), b"\r\n\r\n"]
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        with path.open("wb") as file:
            for part in parts:
                file.write(packer.compress(part) if case == "packed member" else part)
            if case == "packed member":
                file.write(packer.flush())
            file.write(PACKED[1] if case == "packed member" else MEMBERS[1])
    else:
        squeeze = brotli.compress if case == "brotli bomb" else gzip.compress
        coding = b"br" if case == "brotli bomb" else b"gzip"
        bomb = squeeze(b"<html>" + b"a" * MANY)
        http = html + b"Content-Encoding: " + coding + b"\r\n"
        path.write_bytes(record(bomb, http=http) + MEMBERS[1])
        del bomb
    limit = 1 << 20
    tracemalloc.start()
    try:
        items = list(read_pages(str(path), warc_file="w", max_page_bytes=limit))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    wanted = "decode_bomb" if "bomb" in case else "page_too_large"
    assert reasons(items) == [wanted, "page"]
    assert peak < 8 * limit


def test_a_large_document_of_another_type_is_skipped_not_failed() -> None:
    """What would be skipped anyway is no failure for being large."""
    big = record(
        b"%PDF" + b"\0" * (1 << 20), http=b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n"
    )
    assert reasons(read(pack([big, MEMBERS[1]]), max_page_bytes=1000)) == [
        "mime:application/pdf",
        "page",
    ]


def test_nul_bytes_in_a_page_and_in_a_url_are_read() -> None:
    """NULs neither end a body nor break a header."""
    item = only(pack([record(b"<html>\0\0x\0</html>\0\0", url="http://example.org/\0")]))
    assert isinstance(item, Page)
    assert item.body == b"<html>\0\0x\0</html>\0\0"


def test_an_endless_header_is_a_failure() -> None:
    """A WARC header of more than 64 KiB, and an HTTP one, fail; the next record is read."""
    long_warc = record(extra="X: " + "y" * 70_000 + "\r\n")
    long_http = record(http=b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n")
    assert reasons(read(pack([long_warc, long_http, MEMBERS[1]]))) == [
        "bad_warc_header",
        "bad_http",
        "page",
    ]


# -- broken files ----------------------------------------------------------------------------------


def assert_intact_before(items: list[Item], count: int) -> None:
    """The first `count` items are those of the unbroken file, bodies included."""
    whole = read(b"".join(PACKED))
    for item, reference in zip(items[:count], whole[:count], strict=True):
        assert type(item) is type(reference)
        if isinstance(item, Page) and isinstance(reference, Page):
            assert (item.url, item.body) == (reference.url, reference.body)


@given(st.integers(0, len(b"".join(PACKED))))
@settings(max_examples=300, deadline=None)
def test_a_gzip_file_cut_anywhere_fails_once_at_its_end(cut: int) -> None:
    """Records before the cut are intact; the cut one fails, unless the cut lies between members."""
    ends = [sum(map(len, PACKED[: i + 1])) for i in range(len(PACKED))]
    items = read(b"".join(PACKED)[:cut])
    whole = sum(end <= cut for end in ends)
    if cut == 0:
        assert reasons(items) == ["empty_file"]
    elif cut in ends:
        assert reasons(items) == EXPECTED[:whole]
    else:
        assert reasons(items) == [*EXPECTED[:whole], "truncated_file"]
        assert items[-1].warc_offset == ([0, *ends])[whole]
    assert_intact_before(items, whole)


@given(st.integers(1, len(b"".join(MEMBERS))))
@settings(max_examples=200, deadline=None)
def test_a_plain_file_cut_anywhere_fails_once_at_its_end(cut: int) -> None:
    """The same without compression, where a cut inside the blank lines loses nothing."""
    ends = [sum(map(len, MEMBERS[: i + 1])) for i in range(len(MEMBERS))]
    items = read(b"".join(MEMBERS)[:cut])
    whole = sum(end - 4 <= cut for end in ends)
    between = any(end - 4 <= cut <= end for end in ends)
    if whole or cut >= 5:
        assert reasons(items) == EXPECTED[:whole] + ([] if between else ["truncated_file"])
        assert_intact_before(items, whole)
    else:
        assert len(items) == 1


@given(
    st.integers(1, len(PACKED) - 1),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 255),
    st.integers(1, 30),
)
@settings(max_examples=300, deadline=None)
def test_a_damaged_member_costs_no_other_record(
    nth: int, where: float, flip: int, run: int
) -> None:
    """Whatever bytes of a member are damaged, every other record is read as before."""
    member = bytearray(PACKED[nth])
    at = int(where * len(member))
    for i in range(at, min(at + run, len(member))):
        member[i] ^= flip
    items = read(b"".join([*PACKED[:nth], bytes(member), *PACKED[nth + 1 :]]))
    assert_intact_before(items, nth)
    assert reasons(items)[:nth] == EXPECTED[:nth]
    after = len(PACKED) - nth - 1
    assert (reasons(items)[-after:] if after else []) == (EXPECTED[-after:] if after else [])
    between = items[nth : len(items) - after]
    assert len(between) == 1
    assert isinstance(between[0], Failed) or reasons(between) == [EXPECTED[nth]]


def test_the_failure_of_a_damaged_member_names_its_place() -> None:
    """The failed row points at the damaged member and carries the URL where it could be read."""
    member = bytearray(PACKED[3])
    member[-6] ^= 0xFF  # the checksum: all bytes inflate, and are wrong
    items = read(b"".join([*PACKED[:3], bytes(member), *PACKED[4:]]))
    assert reasons(items) == [*EXPECTED[:3], "damaged_gzip_member", *EXPECTED[4:]]
    assert items[3].warc_offset == sum(map(len, PACKED[:3]))
    assert items[3].url == "http://example.org/2"


def test_garbage_between_members_is_one_failure() -> None:
    """Bytes that are no gzip member fail once, and the next member is found."""
    data = PACKED[0] + b"garbage \x1f\x8b\x08 garbage" * 5000 + PACKED[1]
    assert reasons(read(data)) == [EXPECTED[0], "damaged_gzip_member", EXPECTED[1]]


def test_a_member_that_holds_no_record_is_a_bad_header() -> None:
    """A sound gzip member with something else inside fails alone."""
    data = PACKED[0] + gzip.compress(b"hello\n" * 50) + PACKED[1]
    assert reasons(read(data)) == [EXPECTED[0], "bad_warc_header", EXPECTED[1]]


@pytest.mark.parametrize("wrong", [-7, -1, 5, 100, 10_000])
@pytest.mark.parametrize("packed", [True, False])
def test_a_wrong_content_length_costs_that_record_only(wrong: int, packed: bool) -> None:
    """A record that does not end where it says fails, and those behind it are found again."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    true = len(http) + 2 + len(HTML)
    records = [MEMBERS[0], record(http=http, length=true + wrong), *MEMBERS[1:]]
    items = read(pack(records) if packed else b"".join(records))
    assert reasons(items) == [EXPECTED[0], "bad_content_length", *EXPECTED[1:]]


def test_a_missing_content_length_costs_that_record_only() -> None:
    """Without a length there is no record to read."""
    broken = record().replace(b"Content-Length", b"Content-Size")
    assert reasons(read(pack([broken, MEMBERS[1]]))) == ["bad_warc_header", "page"]
    assert reasons(read(broken + MEMBERS[1])) == ["bad_warc_header", "page"]


def test_a_response_without_a_url_or_without_http_fails() -> None:
    """A page nobody can name, and a response that is not HTTP, are failures."""
    assert reasons(read(record(url=None))) == ["bad_warc_header"]
    assert reasons(read(record(http=b"HTTPX/1.1 200 OK\r\n"))) == ["bad_http"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<!DOCTYPE html><html>503 Slow Down</html>", "an HTML or XML page; expected WARC"),
        (b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>", "an HTML or XML page"),
        (gzip.compress(b"<html>error</html>"), "an HTML or XML page"),
        (gzip.compress(b"filedesc://x.arc 0.0.0.0 2008 text/plain 76\n"), "an ARC file"),
        (b"PK\x03\x04 zip", "a ZIP archive; expected WARC"),
        (gzip.compress(b""), "no WARC record"),
    ],
)
def test_what_is_no_warc_is_said_to_be_none(tmp_path: Path, data: bytes, message: str) -> None:
    """Error pages saved as a WARC, ARC files and others fail as a file, with the cause."""
    path = tmp_path / "a.warc.gz"
    path.write_bytes(data)
    (item,) = read_pages(str(path), warc_file="w")
    assert isinstance(item, Failed)
    assert item.reason == "not_a_warc"
    assert message in item.message


def test_a_missing_and_an_empty_file_are_failures(tmp_path: Path) -> None:
    """A file that is gone when its turn comes, or is empty, is one failed item."""
    (missing,) = read_pages(str(tmp_path / "no.warc.gz"), warc_file="w")
    assert isinstance(missing, Failed)
    assert missing.reason == "unreadable_file"
    (tmp_path / "empty.warc.gz").touch()
    assert reasons(list(read_pages(str(tmp_path / "empty.warc.gz"), warc_file="w"))) == [
        "empty_file"
    ]


class _Breaking(io.BytesIO):
    """Fails for good at a byte."""

    limit = 0

    def read(self, n: int | None = -1, /) -> bytes:
        if self.tell() >= self.limit:
            raise StoreError("the connection broke")
        return super().read(
            min(n if n is not None and n >= 0 else 1 << 30, self.limit - self.tell())
        )


def test_a_connection_that_breaks_for_good_is_one_failure() -> None:
    """What was read before stays; the rest of the file is one failed item."""
    stream = _Breaking(b"".join(PACKED))
    stream.limit = sum(map(len, PACKED[:3])) + 20
    if stream.limit < 512:
        stream.limit = 512
    items = list(read_pages(stream, warc_file="w"))
    assert isinstance(items[-1], Failed)
    assert items[-1].reason == "unreadable_file"
    assert reasons(items)[:-1] == EXPECTED[: len(items) - 1]


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    """Whatever a file holds, reading ends with items."""
    for file in (data, gzip.compress(data), b"WARC/1.0\r\n" + data, PACKED[0] + data):
        assert read(file)


def test_reasons_are_a_bounded_vocabulary() -> None:
    """Every reason met in this module's files is one of the published ones."""
    published = {r.partition(":")[0] for r in SKIP_REASONS} | set(FAILURE_REASONS)
    items = read(b"".join(PACKED)) + read(b"".join(PACKED)[:-3]) + read(b"<html>")
    assert {item.reason.partition(":")[0] for item in items if not isinstance(item, Page)} <= (
        published
    )


def test_the_whole_file_is_never_held(tmp_path: Path) -> None:
    """Memory does not grow with the number of records."""
    path = tmp_path / "many.warc.gz"
    noise = random.Random(1)
    with path.open("wb") as file:
        for _ in range(80):
            file.write(gzip.compress(record(noise.randbytes(100_000)), compresslevel=1))
    assert path.stat().st_size > 8_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_pages(str(path), warc_file="w"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 80
    assert peak < 2_500_000


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTPS://user:pw@WWW.Example.ORG:8080/a?b", "www.example.org"),
        ("http://[2001:DB8::1]:80/x", "2001:db8::1"),
        ("http://[broken", ""),
        ("mailto:a@b", ""),
        ("http:///path", ""),
        ("http://a?q=@b", "a"),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    """Without user, port and brackets, in lower case; nothing is raised for what is no URL."""
    assert url_host(url) == host
    assert site_host(url) == host.removeprefix("www.")
