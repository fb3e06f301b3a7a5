"""Compressions, archives and kinds of records beside Common Crawl's own."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import brotli
import lz4.frame
import pytest
from warc_records import EXPECTED, MEMBERS, only, pack, read, reasons, record

from infimm_spark.errors import InputError
from infimm_spark.warc.ranges import read_ranges
from infimm_spark.warc.records import Failed, Item, Page, fetch_record, read_pages
from infimm_spark.warc.wacz import inside, warc_names

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("whole", [False, True], ids=["a member a record", "one member"])
@pytest.mark.parametrize("packer", PACKERS)
def test_each_record_has_an_offset_of_its_own_and_is_found_by_it(
    tmp_path: Path, packer: str, whole: bool
) -> None:
    """However records are packed they are the same, no two share an offset, and each is fetched
    again by its own."""
    compress = PACKERS[packer]
    packed = compress(b"".join(MEMBERS)) if whole else b"".join(map(compress, MEMBERS))
    path = tmp_path / "a.warc"
    path.write_bytes(packed)
    items = list(read_pages(str(path), warc_file="w"))
    assert reasons(items) == EXPECTED
    assert len({item.warc_offset for item in items}) == len(items)
    if not whole:
        assert sum(item.warc_length for item in items) == len(packed)
    for page in (item for item in items if isinstance(item, Page)):
        assert fetch_record(str(path), page.warc_offset, page.warc_length).body == page.body


@pytest.mark.parametrize("packer", PACKERS)
def test_a_damaged_member_costs_its_record_alone(packer: str) -> None:
    """Behind damage the next member that holds a record is looked for, whatever the compression."""
    frames = [PACKERS[packer](member) for member in MEMBERS]
    broken = bytearray(frames[3])
    broken[len(broken) // 2 :] = bytes(len(broken) - len(broken) // 2)
    items = read(b"".join([*frames[:3], bytes(broken), *frames[4:]]))
    assert [i.reason for i in items if isinstance(i, Failed)]
    assert reasons(items)[:3] == EXPECTED[:3]
    assert reasons(items)[-2:] == EXPECTED[-2:]


@pytest.mark.parametrize("packer", PACKERS)
def test_a_member_that_inflates_without_end_is_read_piece_by_piece(packer: str) -> None:
    """100 MB of zeros in one small member end in failures, and not in memory."""
    bomb = PACKERS[packer](record(bytes(100 << 20))) if packer != "bz2" else b""
    items = read(bomb + PACKERS[packer](MEMBERS[1]), max_page_bytes=1 << 20)
    assert reasons(items)[-1] == "page"


def test_the_dictionary_of_a_zstandard_file_is_used(tmp_path: Path) -> None:
    """Files of ArchiveTeam begin with a dictionary, itself compressed or not; records are fetched
    with it, too."""
    samples = [record(b"<html>" + b"%d" % n * 50 + b"</html>") for n in range(200)]
    dictionary = zstd.train_dict(samples, 2000)
    frames = b"".join(zstd.compress(member, zstd_dict=dictionary) for member in MEMBERS)
    content = dictionary.dict_content
    for held in (content, zstd.compress(content)):
        head = struct.pack("<II", 0x184D2A5D, len(held)) + held
        path = tmp_path / "a.warc.zst"
        path.write_bytes(head + frames)
        items = list(read_pages(str(path), warc_file="w"))
        assert reasons(items) == EXPECTED
        assert items[0].warc_offset == len(head)
        pointers = [(i.warc_offset, i.warc_length) for i in items]
        again = list(read_ranges(str(path), pointers, warc_file="w", max_gap=0))
        assert reasons(again) == EXPECTED
    broken = struct.pack("<II", 0x184D2A5D, 9) + b"\x28\xb5\x2f\xfdnonsense"[:9]
    assert reasons(read(broken + frames)) == ["damaged_file"]


def test_more_records_than_bytes_in_a_member_end_the_file() -> None:
    """Where no offset could tell records apart, the rest of the file is given up with that
    reason."""
    same = gzip.compress(record(b"") * 20_000)
    assert len(same) < 20_000
    items = read(same + gzip.compress(MEMBERS[1]))
    assert len({item.warc_offset for item in items[:-1]}) == len(items) - 1 == 20_000
    assert items[-1].reason == "shared_offset"  # type: ignore[union-attr]


def test_the_files_of_a_wacz_archive_are_read_and_fetched(tmp_path: Path) -> None:
    """Stored or deflated, a WARC file inside the archive gives the same items as beside it."""
    path = tmp_path / "site.wacz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/a.warc.gz", pack(MEMBERS))
        archive.writestr("archive/b.warc", b"".join(MEMBERS), zipfile.ZIP_DEFLATED)
        archive.writestr("datapackage.json", "{}")
    assert warc_names(str(path)) == ["archive/a.warc.gz", "archive/b.warc"]
    for name in warc_names(str(path)):
        location = inside(str(path), name)
        items = list(read_pages(location, warc_file="w"))
        assert reasons(items) == EXPECTED
        page = next(item for item in items if isinstance(item, Page))
        assert fetch_record(location, page.warc_offset, page.warc_length).body == page.body
    (missing,) = read_pages(inside(str(path), "archive/no.warc.gz"), warc_file="w")
    assert reasons([missing]) == ["not_a_warc"]
    (tmp_path / "cut.wacz").write_bytes(path.read_bytes()[:-30])
    (cut,) = read_pages(inside(str(tmp_path / "cut.wacz"), "archive/a.warc.gz"), warc_file="w")
    assert reasons([cut]) == ["not_a_warc"]
    with pytest.raises(InputError, match=r"cut\.wacz is not a WACZ archive"):
        warc_names(str(tmp_path / "cut.wacz"))


@pytest.mark.parametrize(
    ("url", "mime", "reason"),
    [
        ("http://example.org/a", "text/html; charset=utf-8", "page"),
        ("http://example.org/a", None, "page"),
        ("http://example.org/a.png", "image/png", "record_type:resource"),
        ("urn:crawl:log", "text/html", "record_type:resource"),
    ],
)
def test_a_resource_record_of_a_web_page_is_a_page(url: str, mime: str | None, reason: str) -> None:
    """warcit saves files without HTTP: HTML of the web is read, logs and images are not."""
    extra = f"Content-Type: {mime}\r\n" if mime else ""
    item = only(record(kind="resource", http=None, url=url, extra=extra))
    assert reasons([item]) == [reason]
    if isinstance(item, Page):
        assert (item.content_type, item.status) == (mime, 200)


@pytest.mark.parametrize(
    ("served", "identified", "reason"),
    [
        ("application/xml", "application/xhtml+xml", "page"),
        ("text/xml; charset=utf-8", "text/html", "page"),
        ("application/xml", "application/rss+xml", "mime:application/xml"),
        ("image/png", "text/html", "mime:image/*"),
    ],
)
def test_html_served_as_xml_is_known_by_what_the_crawler_saw(
    served: str, identified: str, reason: str
) -> None:
    """A server's type for XML is not the last word where the record identifies its payload."""
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {served}\r\n".encode()
    extra = f"WARC-Identified-Payload-Type: {identified}\r\n"
    assert reasons([only(record(http=http, extra=extra))]) == [reason]


@pytest.mark.parametrize(("coding", "compress"), [("br", brotli.compress), ("zstd", zstd.compress)])
def test_a_cut_body_is_kept_to_its_last_byte(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    """What inflates before the cut is the page, marked as truncated, as gzip's is; a short page,
    too."""
    http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {coding}\r\n".encode()
    lines = b"".join(b"<p>%d: x = %d</p>" % (n, n * n) for n in range(60_000))
    for body in (b"<html>" + lines, b"<html>" + lines[:300]):
        packed = compress(body)
        item = only(record(packed[: len(packed) * 2 // 3], http=http))
        if coding == "zstd" and not isinstance(item, Page):
            continue  # a frame of one block gives nothing before its end
        assert isinstance(item, Page)
        assert item.truncated
        assert body.startswith(item.body)
        assert len(item.body) > len(body) // 5
        whole = only(record(packed, http=http))
        assert isinstance(whole, Page)
        assert (whole.body, whole.truncated) == (body, False)


def test_files_that_only_look_compressed_are_one_failure() -> None:
    """The first bytes of each compression, and nothing behind them."""
    for packer in PACKERS.values():
        for cut in (3, 5, 9):
            items: list[Item] = read(packer(b"".join(MEMBERS))[:cut])
            assert len(items) == 1
            assert isinstance(items[0], Failed)
    assert isinstance(only(io.BytesIO(b"BZh9").getvalue()), Failed)
