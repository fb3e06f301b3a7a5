"""WARC records to pages: every record of a file yields exactly one `Page`, `Skipped` or `Failed`.

Record-compressed gzip, gzip in one member, plain files, LZ4 and Zstandard are read. A file that is cut,
or damaged in the middle, loses the records that are hit and no others: after a damaged gzip member the
next one that inflates to a WARC record is looked for.
"""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from fastwarc.stream_io import BrotliReader, ZstdReader
from fastwarc.warc import ArchiveIterator, WarcRecord

from infimm_spark.crawl import store
from infimm_spark.errors import InputError, PageRejectedError, StoreError, StoreRefusedError

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
_NAMED_TYPES = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/octet-stream",
        "application/pdf",
        "application/xml",
        "text/css",
        "text/javascript",
        "text/plain",
        "text/xml",
    }
)
_TOP_LEVEL_TYPES = frozenset(
    {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}
)

_PIECE = 1 << 16  # bytes read from the store at a time
_INFLATED_PIECE = 1 << 18  # most bytes one call inflates: a bomb cannot fill the memory
_MAX_HEADER = 1 << 16  # bytes of a WARC header block, and of an HTTP one
_MAX_MEMBERS = 64  # gzip members of one body, of which each costs a copy of the rest
_MAX_CODINGS = 4
_CANDIDATE = 4096  # bytes by which a possible gzip member is judged

_GZIP = b"\x1f\x8b\x08"
_FRAMES = (
    b"\x04\x22\x4d\x18",  # LZ4
    b"\x28\xb5\x2f\xfd",  # Zstandard
)
_RECORD_START_BYTES = 64
_RECORD_START = re.compile(rb"WARC/\d+\.\d+[ \t]*\r{0,2}\n(?=[A-Za-z-]+:)")
_HEADER_END = re.compile(rb"\n\r{0,2}\n")  # \r\r\n is found in files that went through an editor
_BLANK = b"\r\n \t\0"
_NOT_BLANK = re.compile(rb"[^\r\n \t\0]")
_DIGITS = re.compile(r"[0-9]{1,18}")
_FIELD = re.compile(r"^([^\s:][^:\n]*):([^\n]*)", re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]+")
_HTTP_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?!\d)")
_MIME = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)")
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?><!--(?>.*?-->)\s*)*+"  # never tried twice
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|table|div|h1|p|a|br)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class HttpHeaders:
    """HTTP headers in their order; names are compared without case."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def get(self, name: str) -> str | None:
        """The first value of a header."""
        name = name.lower()
        return next((value for key, value in self.pairs if key.lower() == name), None)

    def get_all(self, name: str) -> list[str]:
        """All values of a header, such as several `X-Robots-Tag` lines."""
        name = name.lower()
        return [value for key, value in self.pairs if key.lower() == name]


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


class _Stream(Protocol):
    def read(self, n: int, /) -> bytes: ...

    def seek(self, position: int, /) -> object: ...


def _read_stream(stream: _Stream, warc_file: str, max_page_bytes: int) -> Iterator[Item]:
    try:
        head = _read_fully(stream, 512)
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
        packed = head.startswith(_GZIP) or _GZIP.startswith(head)
        feed = _GzipFeed(stream) if packed else _PlainFeed(stream)
        yield from _Pass(feed, warc_file, max_page_bytes).items()


# -- the bytes of a file, inflated -----------------------------------------------------------------


@dataclass(slots=True)
class _Damage:
    """Why a feed ends although its file goes on, or ends inside something."""

    reason: str
    message: str
    raw: int  # byte of the file at which the damaged member begins
    position: int  # and where that is in the feed


class _Feed:
    """The bytes of a WARC without its compression, and where in the file they come from.

    A position counts the bytes of the feed. Once `damage` is set nothing follows, until `recover` goes
    on behind it.
    """

    proves_end = False
    """Whether a file that was cut shows it: a feed without damage is then whole."""

    def __init__(self, stream: _Stream) -> None:
        self.stream = stream
        self.buffer = bytearray()
        self.at = 0  # index in the buffer of the next byte
        self.base = 0  # position of the buffer's first byte
        self.damage: _Damage | None = None

    @property
    def position(self) -> int:
        return self.base + self.at

    def ensure(self, n: int) -> bool:
        """Have `n` bytes ready in the buffer; False where the feed ends before."""
        while len(self.buffer) - self.at < n:
            piece = b"" if self.damage else self.pull()
            if not piece:
                return False
            self.buffer += piece
        return True

    def take(self, n: int) -> bytes:
        """The next `n` bytes, fewer where the feed ends."""
        self.ensure(n)
        piece = bytes(memoryview(self.buffer)[self.at : self.at + n])
        self.at += len(piece)
        return piece

    def skip(self, n: int) -> int:
        """Pass over `n` bytes without keeping them; returns how many were missing."""
        while n and self.ensure(1):
            step = min(n, len(self.buffer) - self.at)
            self.at += step
            n -= step
            self.forget()
        return n

    def rewind(self, position: int) -> None:
        """Go back to a position, or as far as bytes are kept."""
        self.at = max(0, position - self.base)

    def forget(self) -> None:
        """Drop the bytes that were passed."""
        del self.buffer[: self.at]
        self.base += self.at
        self.at = 0

    def pull(self) -> bytes:
        """The next piece; b"" at the end or at damage."""
        raise NotImplementedError

    def recover(self) -> bool:
        """Go on behind the damage; False where nothing readable follows."""
        raise NotImplementedError

    def origin(self, previous_end: int, nth: int) -> tuple[int, bool]:
        """Byte of the file for the record at `position`, and whether that byte is the record's alone.

        `previous_end` is the position behind the record before; `nth` tells apart records that begin in
        one gzip member.
        """
        raise NotImplementedError

    def begins_member(self, position: int) -> bool:
        """Whether a gzip member begins at this position."""
        raise NotImplementedError

    def raw_end(self) -> int:
        """The byte of the file behind everything pulled."""
        raise NotImplementedError


class _PlainFeed(_Feed):
    def pull(self) -> bytes:
        try:
            return self.stream.read(_PIECE)
        except StoreRefusedError:
            raise
        except (StoreError, OSError) as error:
            self.damage = _Damage("unreadable_file", str(error), self.raw_end(), self.raw_end())
            return b""

    def recover(self) -> bool:
        return False

    def origin(self, previous_end: int, nth: int) -> tuple[int, bool]:
        return self.position, True

    def begins_member(self, position: int) -> bool:
        return False

    def raw_end(self) -> int:
        return self.base + len(self.buffer)


class _GzipFeed(_Feed):
    proves_end = True

    def __init__(self, stream: _Stream) -> None:
        super().__init__(stream)
        self.raw = b""  # read and not yet inflated
        self.raw_at = 0  # byte of the file of raw's first
        self.pulled = 0  # position behind all that was inflated
        self.members: list[tuple[int, int]] = []  # (position, byte of the file) of their starts
        self.inflater = zlib.decompressobj(31)
        self.begin_member()

    def begin_member(self) -> None:
        self.members.append((self.pulled, self.raw_at))
        self.inflater = zlib.decompressobj(31)

    def pull(self) -> bytes:
        try:
            while not self.inflater.eof or self.next_member():
                if not self.raw:
                    self.raw = self.stream.read(_PIECE)
                    if not self.raw:
                        self.interrupt("truncated_file", "the file ends inside a gzip member")
                        break
                piece = self.inflater.decompress(self.raw, _INFLATED_PIECE)
                whole = self.inflater.eof
                rest = self.inflater.unused_data if whole else self.inflater.unconsumed_tail
                self.raw_at += len(self.raw) - len(rest)
                self.raw = rest
                if piece:
                    self.pulled += len(piece)
                    return piece
        except zlib.error as error:
            self.interrupt("damaged_gzip_member", f"gzip: {error}")
            return self.damaged_head()
        except StoreRefusedError:
            raise
        except (StoreError, OSError) as error:
            self.interrupt("unreadable_file", str(error))
        return b""

    def damaged_head(self) -> bytes:
        """The first bytes of a damaged member that gave none yet: they may tell whose record is lost."""
        position, raw = self.members[-1]
        if self.pulled != position:
            return b""
        head = bytearray()
        inflater = zlib.decompressobj(31)
        try:
            self.stream.seek(raw)
            piece = _read_fully(self.stream, _CANDIDATE)
            for at in range(0, len(piece), 16):
                head += inflater.decompress(piece[at : at + 16], _CANDIDATE)
        except (zlib.error, StoreError, OSError):
            pass
        self.pulled += len(head)
        return bytes(head)

    def next_member(self) -> bool:
        """Begin the member behind a complete one; NULs between and behind members are padding."""
        while True:
            bare = self.raw.lstrip(b"\0")
            self.raw_at += len(self.raw) - len(bare)
            self.raw = bare
            if len(bare) >= len(_GZIP):
                break
            more = self.stream.read(_PIECE)
            if not more:
                break
            self.raw += more
        if not self.raw:
            return False
        self.begin_member()
        if self.raw.startswith(_GZIP):
            return True
        if _GZIP.startswith(self.raw):
            self.interrupt("truncated_file", "the file ends inside a gzip header")
        else:
            self.interrupt("damaged_gzip_member", "no gzip member where the one before ends")
        return False

    def interrupt(self, reason: str, message: str) -> None:
        position, raw = self.members[-1]
        self.damage = _Damage(reason, message, raw, position)

    def recover(self) -> bool:
        """Find the gzip member, behind the start of the damaged one, that inflates to a WARC record."""
        damage = self.damage
        if damage is None or damage.reason == "unreadable_file":
            return False
        try:
            found = self.find_member(damage.raw + 1)
            if found is None:
                return False
            self.stream.seek(found)
        except (StoreError, OSError):
            return False
        self.at = len(self.buffer)
        self.forget()
        self.damage = None
        self.pulled = self.base
        self.raw, self.raw_at = b"", found
        self.members.clear()
        self.begin_member()
        return True

    def find_member(self, raw: int) -> int | None:
        self.stream.seek(raw)
        window = b""
        while True:
            piece = _read_fully(self.stream, _PIECE)
            window += piece
            index = window.find(_GZIP)
            # A candidate is judged with enough bytes behind it, fewer only where the file ends.
            while index >= 0 and (len(window) - index >= _CANDIDATE or not piece):
                if _begins_record(window[index : index + _CANDIDATE]):
                    return raw + index
                index = window.find(_GZIP, index + 1)
            if not piece:
                return None
            passed = index if index >= 0 else max(0, len(window) - len(_GZIP) + 1)
            window = window[passed:]
            raw += passed

    def origin(self, previous_end: int, nth: int) -> tuple[int, bool]:
        members = self.members
        while len(members) > 1 and members[1][0] <= self.position:
            members.pop(0)
        start, raw = members[0]
        if start >= previous_end:  # nothing but blank bytes lies before the record in its member
            return raw, True
        return raw + nth, False

    def begins_member(self, position: int) -> bool:
        return any(start == position for start, _ in self.members)

    def raw_end(self) -> int:
        return self.raw_at


def _begins_record(piece: bytes) -> bool:
    """Whether gzip bytes have a sane header and inflate to the beginning of a WARC record."""
    if len(piece) < 4 or piece[3] & 0xE0:  # reserved flags
        return False
    try:
        return zlib.decompressobj(31).decompress(piece, 64).lstrip(_BLANK).startswith(b"WARC/")
    except zlib.error:
        return False


def _read_fully(stream: _Stream, n: int) -> bytes:
    pieces = []
    while n > 0 and (piece := stream.read(n)):
        pieces.append(piece)
        n -= len(piece)
    return b"".join(pieces)


# -- the records in those bytes --------------------------------------------------------------------


class _Pass:
    """One pass over a feed."""

    def __init__(self, feed: _Feed, warc_file: str, max_page_bytes: int) -> None:
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
            if passed > _INFLATED_PIECE // 2:
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
        if feed.at > _INFLATED_PIECE:
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


def _read_frames(stream: _Stream, warc_file: str, max_page_bytes: int) -> Iterator[Item]:
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
    block = _read_fully(record.reader, kept)
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
    headers = HttpHeaders(_lines(block[: end.start() + 1] if end else block))
    body = block[end.end() :] if end else b""

    content_type = headers.get("content-type")
    declared = content_type or folded.get("warc-identified-payload-type") or ""
    mime = _MIME.match(declared)
    if mime and mime[1].lower() not in _HTML_TYPES:
        return _skipped(f"mime:{_mime_class(mime[1].lower())}", url)
    if cut:
        message = f"more than {max_page_bytes} bytes stored"
        return Failed("page_too_large", message, url, "", 0, 0)
    truncated = "warc-truncated" in folded
    try:
        body, early = _payload(body, headers, max_page_bytes)
    except PageRejectedError as error:
        return Failed(error.reason, str(error), url, "", 0, 0)
    if not body:
        return _skipped("http_empty", url)
    if len(body) > max_page_bytes:
        message = f"more than {max_page_bytes} bytes stored"
        return Failed("page_too_large", message, url, "", 0, 0)
    if not mime and not _looks_like_html(body):
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
    for name, value in _lines(block):
        fields.setdefault(name, value)
    return fields


def _lines(block: bytes) -> list[tuple[str, str]]:
    """(name, value) of the header lines behind the first line; folded lines are joined by a blank."""
    text = block.decode("utf-8", "replace").partition("\n")[2]
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    return [(name.rstrip(), value.strip()) for name, value in _FIELD.findall(text)]


def _mime_class(mime: str) -> str:
    if mime in _NAMED_TYPES:
        return mime
    top = mime.partition("/")[0]
    return f"{top}/*" if top in _TOP_LEVEL_TYPES else "other"


def _looks_like_html(body: bytes) -> bool:
    head = body[:2048]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.replace(b"\0", b"")[2:]
    return _HTML_START.match(head) is not None


# -- the HTTP body ---------------------------------------------------------------------------------


def _payload(body: bytes, headers: HttpHeaders, limit: int) -> tuple[bytes, bool]:
    """The body without transfer and content encoding, and whether its encoding ended early.

    A header may claim an encoding that the crawler already took off: such a body stays as it is.
    """
    early = False
    transfer = headers.get("transfer-encoding")
    if transfer and "chunked" in transfer.lower():
        body, early = _dechunked(body)
    codings = [c.strip().lower() for v in headers.get_all("content-encoding") for c in v.split(",")]
    if len(codings) > _MAX_CODINGS:
        raise PageRejectedError("bad_content_encoding", f"{len(codings)} content encodings")
    for coding in reversed(codings):
        if not body:
            break
        if coding in ("gzip", "x-gzip") and body.startswith(_GZIP):
            body, cut = _inflated(body, 31, limit)
        elif coding == "deflate":
            body, cut = _inflated_either_way(body, limit)
        elif coding == "br":
            body, cut = _read_out(BrotliReader, body, limit)
        elif coding == "zstd" and body.startswith(_FRAMES[1]):
            body, cut = _read_out(ZstdReader, body, limit)
        else:
            cut = False
        early = early or cut
    return body, early


def _dechunked(body: bytes) -> tuple[bytes, bool]:
    at = 0
    chunks: list[bytes] = []
    while match := _CHUNK_SIZE.match(body, at):
        size = int(match[1], 16)
        if size == 0:
            return b"".join(chunks), False
        at = match.end()
        chunks.append(body[at : at + size])
        at += size
        if at > len(body):
            break
        if body.startswith(b"\r\n", at):
            at += 2
        elif body.startswith(b"\n", at):
            at += 1
    if not chunks:
        return body, False  # the header is there, the chunks are not
    return b"".join(chunks), True


def _inflated(body: bytes, wbits: int, limit: int) -> tuple[bytes, bool]:
    """Inflate all gzip members, or one zlib or raw stream (`wbits` as zlib has them)."""
    pieces: list[bytes] = []
    size = 0
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(wbits)
        try:
            piece = inflater.decompress(body, limit + 1 - size)
        except zlib.error as error:
            if pieces:
                break  # bytes behind a complete member
            raise PageRejectedError("bad_content_encoding", f"body: {error}") from None
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise _bomb(limit)
        body = inflater.unused_data
        if wbits != 31 or not body.startswith(_GZIP):
            break
    return b"".join(pieces), not inflater.eof or body.startswith(_GZIP)


def _inflated_either_way(body: bytes, limit: int) -> tuple[bytes, bool]:
    for wbits in (15, -15):  # with zlib's header, as the standard wants, and without
        try:
            return _inflated(body, wbits, limit)
        except PageRejectedError as error:
            if error.reason != "bad_content_encoding":
                raise
    return _as_it_is(body, "deflate")


def _read_out(
    reader: type[BrotliReader] | type[ZstdReader], body: bytes, limit: int
) -> tuple[bytes, bool]:
    source = reader(io.BytesIO(body))
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := source.read(_INFLATED_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise _bomb(limit)
    except OSError:
        if not pieces:
            return _as_it_is(body, "br" if reader is BrotliReader else "zstd")
        return b"".join(pieces), True
    return b"".join(pieces), False


def _as_it_is(body: bytes, coding: str) -> tuple[bytes, bool]:
    if _looks_like_html(body):
        return body, False
    raise PageRejectedError("bad_content_encoding", f"body: not {coding}")


def _bomb(limit: int) -> PageRejectedError:
    return PageRejectedError("decode_bomb", f"more than {limit} bytes when decoded")
