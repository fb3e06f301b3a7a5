"""WARC records to pages: every record of a file yields exactly one `Page`, `Skipped` or `Failed`.

Record-compressed gzip, gzip in one member, plain files, LZ4 and Zstandard are read. A file that is cut,
or damaged in the middle, loses the records that are hit and no others: after a damaged gzip member the
next one that inflates to a WARC record is looked for.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from fastwarc.warc import ArchiveIterator, WarcRecord

from infimm_spark import store
from infimm_spark.errors import InputError, PageRejectedError, StoreError, StoreRefusedError
from infimm_spark.warc.feeds import (
    GZIP,
    INFLATED_PIECE,
    Feed,
    GzipFeed,
    PlainFeed,
    Stream,
    read_fully,
)
from infimm_spark.warc.message import (
    HttpHeaders,
    header_lines,
    looks_like_html,
    mime_class,
    payload,
)

DEFAULT_MAX_PAGE_BYTES = 10 * 1024 * 1024

SKIP_REASONS = (
    "record_type:<type>",  # warcinfo, request, metadata, resource, revisit, conversion,
    #                        continuation, other
    "not_http",  # a response of another protocol (dns, ftp)
    "status:<code>",  # three digits other than 200, or `other`
    "mime:<type>",  # a common type, a top-level type such as image/*, or other
    "http_empty",  # HTML and 200, without a body
)
"""Why a record is no page. `<...>` stands for a bounded set of values."""

FAILURE_REASONS = (
    "unreadable_file",  # the object is missing, or the connection broke for good
    "empty_file",
    "not_a_warc",  # an ARC file, an HTML error page, anything else
    "truncated_file",  # the file ends inside this record
    "damaged_gzip_member",
    "damaged_file",  # LZ4 or Zstandard frames
    "bad_warc_header",  # not a record, no usable Content-Length, a response without a target URI
    "bad_content_length",  # the next record does not begin where this one should end
    "bad_http",
    "bad_content_encoding",  # the body does not decode as its Content-Encoding says
    "page_too_large",  # larger than max_page_bytes as stored
    "decode_bomb",  # larger than max_page_bytes once decoded
)
"""Why a record could not be read."""

_RECORD_TYPES = frozenset(
    {"warcinfo", "request", "metadata", "resource", "revisit", "conversion", "continuation"}
)
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_MAX_HEADER = 1 << 16  # bytes of a WARC header block, and of an HTTP one

_FRAMES = (
    b"\x04\x22\x4d\x18",  # LZ4
    b"\x28\xb5\x2f\xfd",  # Zstandard
)
_RECORD_START_BYTES = 64
_RECORD_START = re.compile(rb"WARC/\d+\.\d+[ \t]*\r{0,2}\n(?=[A-Za-z-]+:)")
_HEADER_END = re.compile(rb"\n\r{0,2}\n")  # \r\r\n is found in files that went through an editor
_NOT_BLANK = re.compile(rb"[^\r\n \t\0]")
_DIGITS = re.compile(r"[0-9]{1,18}")
_HTTP_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?!\d)")
_MIME = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)")


@dataclass(slots=True)
class Page:
    """An HTML response with status 200 and a body.

    `body` is the HTTP payload, dechunked and content-decoded. `warc_offset` is the byte at which the
    record (its gzip member) begins and `warc_length` the bytes from there to the next record, as stored;
    a length of 0 says that the record shares its gzip member with others, so that no byte range holds it
    alone. `warc_date` and `warc_digest` (of the payload) are as written. `truncated` tells that the
    crawler cut the body (`WARC-Truncated`) or that its encoding ends early.
    """

    url: str
    body: bytes
    status: int
    http_headers: HttpHeaders
    content_type: str | None
    warc_file: str
    warc_offset: int
    warc_length: int
    warc_date: str | None
    warc_digest: str | None
    warc_headers: dict[str, str]
    truncated: bool

    @property
    def id(self) -> str:
        """`warc_id` of the record."""
        return warc_id(self.warc_file, self.warc_offset)


@dataclass(slots=True)
class Skipped:
    """A readable record that is no HTML page; `reason` is one of `SKIP_REASONS`."""

    reason: str
    url: str | None
    warc_file: str
    warc_offset: int
    warc_length: int


@dataclass(slots=True)
class Failed:
    """What could not be read; `reason` is one of `FAILURE_REASONS`, `message` is for people."""

    reason: str
    message: str
    url: str | None
    warc_file: str
    warc_offset: int
    warc_length: int


Item = Page | Skipped | Failed


def warc_id(warc_file: str, warc_offset: int) -> str:
    """32 hex digits: BLAKE2b with 16 bytes of digest over UTF-8 `warc_file`, a NUL, decimal offset."""
    key = f"{warc_file}\0{warc_offset}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16).hexdigest()


def read_pages(
    source: str | BinaryIO,
    *,
    warc_file: str,
    max_page_bytes: int = DEFAULT_MAX_PAGE_BYTES,
    traffic: store.Traffic | None = None,
) -> Iterator[Item]:
    """One item for each record of a WARC, in file order; never raises for what the file holds.

    `source` is a location, or an open binary stream that can `read` and `seek`. `warc_file` is the name
    the records carry; `traffic` counts what reading a location costs. Raises `StoreRefusedError` where no
    file of that store could be read. Bodies of more than `max_page_bytes`, stored or decoded, are failures. Memory is
    bounded by a few times `max_page_bytes`.
    """
    if isinstance(source, str):
        try:
            stream = store.open_stream(source, check=False, traffic=traffic)
        except StoreRefusedError:
            raise
        except StoreError as error:
            yield Failed("unreadable_file", str(error), None, warc_file, 0, 0)
            return
        with stream:
            yield from _read_stream(stream, warc_file, max_page_bytes)
    else:
        yield from _read_stream(source, warc_file, max_page_bytes)


def fetch_record(
    location: str,
    offset: int,
    length: int,
    *,
    warc_file: str = "",
    max_page_bytes: int = DEFAULT_MAX_PAGE_BYTES,
) -> Page:
    """Read one page again by its offset and length (`Page.warc_offset`, `Page.warc_length`).

    Where the length is 0 the file is read from its beginning. Raises `StoreError` when the object cannot
    be read, `InputError` when no page begins there.
    """
    if length > 0:
        piece = io.BytesIO(store.read_range(location, offset, length))
        item = next(_read_stream(piece, warc_file, max_page_bytes), None)
        if item is not None:
            item.warc_offset, item.warc_length = offset, length
    else:
        items = read_pages(location, warc_file=warc_file, max_page_bytes=max_page_bytes)
        item = next((i for i in items if i.warc_offset == offset), None)
    if isinstance(item, Page):
        return item
    found = item.reason if item is not None else "no record"
    raise InputError(f"{store.shown(location)} at byte {offset}: {found}; expected an HTML page")


def _read_stream(stream: Stream, warc_file: str, max_page_bytes: int) -> Iterator[Item]:
    try:
        if isinstance(stream, store.ByteStream):
            head = stream.peek(512)  # going back would ask a server a second time
        else:
            head = read_fully(stream, 512)
            stream.seek(0)
    except StoreRefusedError:
        raise
    except (StoreError, OSError) as error:
        yield Failed("unreadable_file", str(error), None, warc_file, 0, 0)
        return
    if not head:
        yield Failed("empty_file", "the file is empty", None, warc_file, 0, 0)
    elif head.startswith(_FRAMES):
        yield from _read_frames(stream, warc_file, max_page_bytes)
    else:
        packed = head.startswith(GZIP) or GZIP.startswith(head)
        feed = GzipFeed(stream) if packed else PlainFeed(stream)
        yield from _Pass(feed, warc_file, max_page_bytes).items()


# -- the records in those bytes --------------------------------------------------------------------


class _Pass:
    """One pass over a feed."""

    def __init__(self, feed: Feed, warc_file: str, max_page_bytes: int) -> None:
        self.feed = feed
        self.warc_file = warc_file
        self.max_page_bytes = max_page_bytes
        self.origin = 0  # of what begins at the feed's position
        self.alone = True  # whether a byte range from there can hold it alone
        self.nth = 0
        self.over = False

    def items(self) -> Iterator[Item]:
        begins = self.begins_record(0)
        if not begins and not self.feed.damage:
            yield self.failed("not_a_warc", self.instead_of_warc(), None, 0)
            return
        while not self.over:
            if begins:
                yield self.record()
            elif begins is False:
                yield self.garbage()
            elif self.feed.damage:
                raw = self.feed.damage.raw
                yield self.failed(*self.behind_damage(), None, raw)
            else:
                return
            if not self.over:
                begins = self.begins_record(self.feed.position)

    def begins_record(self, previous_end: int) -> bool | None:
        """Pass blank bytes; whether a record begins then, None at the end of the feed."""
        feed = self.feed
        while True:
            more = feed.ensure(5)
            match = _NOT_BLANK.search(feed.buffer, feed.at)
            at = match.start() if match else len(feed.buffer)
            passed, feed.at = at - feed.at, at
            if passed > INFLATED_PIECE // 2:
                feed.forget()  # no end of blank bytes: they are not worth keeping
            if not more or not passed:
                break
        head = bytes(feed.buffer[feed.at : feed.at + 5])
        if not head:
            return None
        self.origin, self.alone = feed.origin(previous_end, self.nth + 1)
        self.nth = 0 if self.alone else self.nth + 1
        # What the file's end leaves of a record still is one.
        return head == b"WARC/" or (not more and b"WARC/".startswith(head))

    def record(self) -> Item:
        """The record at the feed's position; the feed then stands where the next one begins."""
        feed = self.feed
        origin, alone = self.origin, self.alone
        if feed.at > INFLATED_PIECE:
            feed.forget()
        header = self.header()
        if header is None:
            return self.failed(*self.ended("inside a WARC header"), None, origin)
        fields = _fields(header)
        folded = {name.lower(): value for name, value in reversed(fields.items())}
        url = folded.get("warc-target-uri", "").removeprefix("<").removesuffix(">").strip() or None
        length = folded.get("content-length", "")
        if not _DIGITS.fullmatch(length):
            start = feed.position
            if not self.find_record() and self.is_damaged(start):
                return self.failed(*self.ended("inside this record"), url, origin)
            return self.failed("bad_warc_header", "no usable Content-Length", url, origin)

        begin = feed.position
        kept = wanted = int(length)
        if wanted > self.max_page_bytes + _MAX_HEADER:
            kept = _MAX_HEADER  # enough to tell a page from what is skipped anyway
        block = feed.take(kept)
        missing = kept - len(block) or feed.skip(wanted - kept)
        end = feed.position
        begins = None if missing else self.begins_record(end)
        # Where the gzip member ends with the record, what follows is no fault of this one.
        if missing or (begins is False and not (feed.proves_end and self.alone)):
            feed.rewind(begin)
            if self.find_record() or not (missing or self.is_damaged(end)):
                message = "the next record does not begin where Content-Length says"
                return self.failed("bad_content_length", message, url, origin)
            return self.failed(*self.ended("inside this record"), url, origin)
        if begins is None and self.is_damaged(end):
            return self.failed(*self.ended("inside this record"), url, origin)

        item = _judge(fields, folded, url, block, kept < wanted, self.max_page_bytes)
        item.warc_file, item.warc_offset = self.warc_file, origin
        if alone and begins is None:
            item.warc_length = (feed.damage.raw if feed.damage else feed.raw_end()) - origin
        elif alone and self.alone:
            item.warc_length = self.origin - origin
        return item

    def header(self) -> bytes | None:
        """Take the header block with its blank line; None where it has no end."""
        feed = self.feed
        size = 1024
        while size <= _MAX_HEADER:
            more = feed.ensure(size)
            match = _HEADER_END.search(feed.buffer, feed.at, feed.at + size)
            if match:
                return feed.take(match.end() - feed.at)
            if not more:
                return None
            size *= 4
        return feed.take(_MAX_HEADER)

    def garbage(self) -> Failed:
        """Bytes that are no record, up to the next one."""
        origin, start = self.origin, self.feed.position
        if self.find_record() or not self.is_damaged(start + 1):
            return self.failed("bad_warc_header", "no WARC record begins here", None, origin)
        return self.failed(*self.ended("inside a record"), None, origin)

    def find_record(self) -> bool:
        """Go to the next bytes that look like the first lines of a record; False at the feed's end."""
        feed = self.feed
        while True:
            for match in _RECORD_START.finditer(feed.buffer, feed.at):
                at = match.start()
                line = at > 0 and feed.buffer[at - 1] == 0x0A
                if line or feed.begins_member(feed.base + at):
                    feed.at = at
                    return True
            feed.at = max(feed.at, len(feed.buffer) - _RECORD_START_BYTES)
            feed.forget()
            if not feed.ensure(_RECORD_START_BYTES + 1):
                feed.at = len(feed.buffer)
                return False

    def is_damaged(self, end: int) -> bool:
        """Whether what ends at this position has bytes in a damaged member."""
        return self.feed.damage is not None and self.feed.damage.position < end

    def ended(self, where: str) -> tuple[str, str]:
        """(reason, message) for what the feed's end cuts; the feed then stands behind the damage."""
        if self.feed.damage:
            return self.behind_damage()
        self.feed.at = len(self.feed.buffer)
        if self.feed.proves_end:
            return "bad_content_length", f"the last gzip member ends {where}"
        return "truncated_file", f"the file ends {where}"

    def behind_damage(self) -> tuple[str, str]:
        damage = self.feed.damage
        assert damage is not None
        self.over = not self.feed.recover()
        self.nth = 0
        if damage.reason == "truncated_file" and not self.over:
            # Inflating ran past the damage to the end of the file, but there is more to read.
            return "damaged_gzip_member", "gzip: no end of the member"
        return damage.reason, damage.message

    def instead_of_warc(self) -> str:
        head = bytes(self.feed.buffer[self.feed.at : self.feed.at + 512])
        if head.startswith(b"filedesc:"):
            return "an ARC file; expected WARC"
        if store.is_markup(head):
            return "an HTML or XML page; expected WARC"
        return "no WARC record at the beginning of the file"

    def failed(self, reason: str, message: str, url: str | None, origin: int) -> Failed:
        return Failed(reason, message, url, self.warc_file, origin, 0)


def _read_frames(stream: Stream, warc_file: str, max_page_bytes: int) -> Iterator[Item]:
    """LZ4 and Zstandard, which FastWARC inflates and tells the frames of."""
    held: Item | None = None
    origin = 0
    try:
        for record in ArchiveIterator(cast("BinaryIO", stream), parse_http=False):
            origin = record.stream_pos
            if held is not None:
                held.warc_length = max(0, origin - held.warc_offset)
                yield held
            held = _frame_item(record, max_page_bytes)
            held.warc_file, held.warc_offset = warc_file, origin
    except BaseException as error:
        # The native reader's panics are no `Exception`.
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        if held is not None:
            yield held
        reason = "unreadable_file" if isinstance(error, StoreError) else "damaged_file"
        yield Failed(reason, str(error), None, warc_file, origin, 0)
        return
    if held is None:
        yield Failed("not_a_warc", "no WARC record in the file", None, warc_file, 0, 0)
        return
    yield held


def _frame_item(record: WarcRecord, max_page_bytes: int) -> Item:
    fields = dict(reversed(record.headers.to_tuples()))
    folded = {name.lower(): value for name, value in fields.items()}
    url = folded.get("warc-target-uri", "").removeprefix("<").removesuffix(">").strip() or None
    length = folded.get("content-length", "")
    if not _DIGITS.fullmatch(length):
        return Failed("bad_warc_header", "no usable Content-Length", url, "", 0, 0)
    wanted = int(length)
    kept = wanted if wanted <= max_page_bytes + _MAX_HEADER else _MAX_HEADER
    block = read_fully(record.reader, kept)
    if len(block) < kept:
        return Failed("truncated_file", "the file ends inside this record", url, "", 0, 0)
    return _judge(fields, folded, url, block, kept < wanted, max_page_bytes)


# -- what a record is ------------------------------------------------------------------------------


def _judge(
    fields: dict[str, str],
    folded: dict[str, str],
    url: str | None,
    block: bytes,
    cut: bool,
    max_page_bytes: int,
) -> Item:
    """A record's item, without its file, offset and length.

    `block` holds the record's bytes, only the first of them where `cut`.
    """
    kind = folded.get("warc-type", "").lower()
    if kind != "response":
        return _skipped(f"record_type:{kind if kind in _RECORD_TYPES else 'other'}", url)
    if url is None:
        return Failed("bad_warc_header", "a response without a WARC-Target-URI", url, "", 0, 0)
    if not folded.get("content-type", "application/http").lower().startswith("application/http"):
        return _skipped("not_http", url)
    match = _HTTP_STATUS_LINE.match(block)
    if not match:
        return Failed("bad_http", "no HTTP status line", url, "", 0, 0)
    status = int(match[1])
    if status != 200:
        return _skipped(f"status:{status if 100 <= status <= 599 else 'other'}", url)
    end = _HEADER_END.search(block, 0, _MAX_HEADER)
    if end is None and len(block) >= _MAX_HEADER:
        return Failed("bad_http", f"no end of the headers in {_MAX_HEADER} bytes", url, "", 0, 0)
    headers = HttpHeaders(header_lines(block[: end.start() + 1] if end else block))
    body = block[end.end() :] if end else b""

    content_type = headers.get("content-type")
    declared = content_type or folded.get("warc-identified-payload-type") or ""
    mime = _MIME.match(declared)
    if mime and mime[1].lower() not in _HTML_TYPES:
        return _skipped(f"mime:{mime_class(mime[1].lower())}", url)
    if cut:
        message = f"more than {max_page_bytes} bytes stored"
        return Failed("page_too_large", message, url, "", 0, 0)
    truncated = "warc-truncated" in folded
    try:
        body, early = payload(body, headers, max_page_bytes)
    except PageRejectedError as error:
        return Failed(error.reason, str(error), url, "", 0, 0)
    if not body:
        return _skipped("http_empty", url)
    if len(body) > max_page_bytes:
        message = f"more than {max_page_bytes} bytes stored"
        return Failed("page_too_large", message, url, "", 0, 0)
    if not mime and not looks_like_html(body):
        return _skipped("mime:other", url)
    return Page(
        url=url,
        body=body,
        status=status,
        http_headers=headers,
        content_type=content_type,
        warc_file="",
        warc_offset=0,
        warc_length=0,
        warc_date=folded.get("warc-date"),
        warc_digest=folded.get("warc-payload-digest"),
        warc_headers=fields,
        truncated=truncated or early,
    )


def _skipped(reason: str, url: str | None) -> Skipped:
    return Skipped(reason, url, "", 0, 0)


def _fields(block: bytes) -> dict[str, str]:
    """WARC header fields, names as written; of repeated ones the first."""
    fields: dict[str, str] = {}
    for name, value in header_lines(block):
        fields.setdefault(name, value)
    return fields
