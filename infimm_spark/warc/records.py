"""WARC records to pages: every record of a file yields exactly one `Page`, `Skipped` or `Failed`.

Plain files are read, and gzip, Zstandard, LZ4, bzip2 and xz, whether a member holds one record or
all; WARC files inside a WACZ archive, too. A file that is cut, or damaged in the middle, loses the
records that are hit and no others: after a damaged member the next one that inflates to a WARC
record is looked for.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from infimm_spark import store
from infimm_spark.errors import DamagedMemberError, InputError, StoreError, StoreRefusedError
from infimm_spark.warc import wacz
from infimm_spark.warc.codecs import codec_of, dictionary_of, with_dictionary
from infimm_spark.warc.crawl_languages import CrawlLanguages, without_other_languages
from infimm_spark.warc.feeds import INFLATED_PIECE, Feed, MemberFeed, PlainFeed, Stream, read_fully
from infimm_spark.warc.items import FAILURE_REASONS as FAILURE_REASONS
from infimm_spark.warc.items import HEADER_END, MAX_HEADER, Record
from infimm_spark.warc.items import SKIP_REASONS as SKIP_REASONS
from infimm_spark.warc.items import Failed as Failed
from infimm_spark.warc.items import Item as Item
from infimm_spark.warc.items import Page as Page
from infimm_spark.warc.items import Skipped as Skipped
from infimm_spark.warc.items import warc_id as warc_id
from infimm_spark.warc.message import header_lines

DEFAULT_MAX_PAGE_BYTES = 10 * 1024 * 1024

_RECORD_START_BYTES = 64
_RECORD_START = re.compile(rb"WARC/\d+\.\d+[ \t]*\r{0,2}\n(?=[A-Za-z-]+:)")
_NOT_BLANK = re.compile(rb"[^\r\n \t\0]")
_DIGITS = re.compile(r"[0-9]{1,18}")


def read_pages(
    source: str | BinaryIO,
    *,
    warc_file: str,
    max_page_bytes: int = DEFAULT_MAX_PAGE_BYTES,
    traffic: store.Traffic | None = None,
    languages: CrawlLanguages | None = None,
) -> Iterator[Item]:
    """One item for each record of a WARC, in file order; never raises for what the file holds.

    `source` is a location, or an open binary stream that can `read` and `seek`. `warc_file` is the
    name the records carry; `traffic` counts what reading a location costs. `languages` skips pages
    that the crawl's metadata puts in other languages; None reads them all. Raises
    `StoreRefusedError` where no file of that store could be read. Bodies of more than
    `max_page_bytes`, stored or decoded, are failures. Memory is bounded by a few times
    `max_page_bytes`.
    """
    if isinstance(source, str):
        try:
            with wacz.open_warc(source, traffic=traffic) as stream, _ahead_of(stream) as ahead:
                yield from _items(_read_stream(ahead, warc_file, max_page_bytes), languages)
        except StoreRefusedError:
            raise
        except StoreError as error:
            yield Failed("unreadable_file", str(error), None, warc_file, 0, 0)
        except InputError as error:
            yield Failed("not_a_warc", str(error), None, warc_file, 0, 0)
    else:
        yield from _items(_read_stream(source, warc_file, max_page_bytes), languages)


def _ahead_of(stream: Stream) -> contextlib.AbstractContextManager[Stream]:
    """The stream itself, or read ahead in a thread where its bytes come over a connection."""
    if isinstance(stream, store.ByteStream) and stream.remote:
        return store.ReadAhead(stream)
    return contextlib.nullcontext(stream)


def _items(records: Iterator[Record | Failed], languages: CrawlLanguages | None) -> Iterator[Item]:
    if languages is not None:
        return without_other_languages(records, languages)
    return (record.item() if isinstance(record, Record) else record for record in records)


def fetch_record(
    location: str,
    offset: int,
    length: int,
    *,
    warc_file: str = "",
    max_page_bytes: int = DEFAULT_MAX_PAGE_BYTES,
) -> Page:
    """Read one page again by its offset and length (`Page.warc_offset`, `Page.warc_length`).

    Where the length is 0 the file is read from its beginning. Raises `StoreError` when the object
    cannot be read, `InputError` when no page begins there.
    """
    item: Item | None
    if length > 0:
        piece = wacz.read_range(location, offset, length)
        dictionary = record_dictionary(location, piece)
        item = read_record(piece, offset, warc_file, max_page_bytes, dictionary)
    else:
        items = read_pages(location, warc_file=warc_file, max_page_bytes=max_page_bytes)
        item = next((i for i in items if i.warc_offset == offset), None)
    if isinstance(item, Page):
        return item
    found = item.reason if item is not None else "no record"
    raise InputError(f"{store.shown(location)} at byte {offset}: {found}; expected an HTML page")


def read_record(
    piece: bytes,
    offset: int,
    warc_file: str,
    max_page_bytes: int = DEFAULT_MAX_PAGE_BYTES,
    dictionary: bytes | None = None,
) -> Item:
    """The item of one record's own bytes, cut out of its file at `offset`."""
    records = _read_stream(io.BytesIO(piece), warc_file, max_page_bytes, dictionary)
    item = next(_items(records, None))
    item.warc_offset, item.warc_length = offset, len(piece)
    return item


def record_dictionary(location: str, piece: bytes) -> bytes | None:
    """What a record cut out of a file needs to be inflated: the dictionary that a Zstandard file
    begins with.

    Raises `StoreError`, `InputError` where the file's beginning cannot be read.
    """
    codec = codec_of(piece)
    if codec is None or not codec.skips:
        return None
    try:
        return dictionary_of(lambda n: wacz.read_range(location, 0, n))
    except DamagedMemberError as error:
        raise InputError(f"{store.shown(location)}: {error}") from None


def _read_stream(
    stream: Stream, warc_file: str, max_page_bytes: int, dictionary: bytes | None = None
) -> Iterator[Record | Failed]:
    def first(n: int) -> bytes:
        if isinstance(stream, store.ByteStream | store.ReadAhead):
            return stream.peek(n)  # going back would ask a server a second time
        head = read_fully(stream, n)
        stream.seek(0)
        return head

    try:
        head = first(512)
        codec = codec_of(head)
        if codec is not None:
            codec = with_dictionary(codec, dictionary or dictionary_of(first))
    except StoreRefusedError:
        raise
    except (StoreError, OSError) as error:
        yield Failed("unreadable_file", str(error), None, warc_file, 0, 0)
        return
    except DamagedMemberError as error:
        yield Failed("damaged_file", str(error), None, warc_file, 0, 0)
        return
    if not head:
        yield Failed("empty_file", "the file is empty", None, warc_file, 0, 0)
        return
    feed = MemberFeed(stream, codec) if codec else PlainFeed(stream)
    yield from _Pass(feed, warc_file, max_page_bytes).records()


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
        self.last = -1  # origin of the record before
        self.over = False

    def records(self) -> Iterator[Record | Failed]:
        begins = self.begins_record(0)
        if not begins and not self.feed.damage:
            yield self.failed("not_a_warc", self.instead_of_warc(), None, 0)
            return
        while not self.over:
            if begins and self.origin <= self.last:
                # Its member begins below a number that a record of the one before was given.
                self.over = True
                message = "more records than bytes in the member before: no offset tells them apart"
                yield self.failed("shared_offset", message, None, self.origin)
            elif begins:
                self.last = self.origin
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

    def record(self) -> Record | Failed:
        """The record at the feed's position; the feed then stands where the next one begins."""
        feed = self.feed
        origin, alone = self.origin, self.alone
        if feed.at > INFLATED_PIECE:
            feed.forget()
        header = self.header()
        if header is None:
            return self.failed(*self.ended("inside a WARC header"), None, origin)
        folded = {name.lower(): value for name, value in reversed(header_lines(header))}
        url = folded.get("warc-target-uri", "").removeprefix("<").removesuffix(">").strip() or None
        length = folded.get("content-length", "")
        if not _DIGITS.fullmatch(length):
            start = feed.position
            if not self.find_record() and self.is_damaged(start):
                return self.failed(*self.ended("inside this record"), url, origin)
            return self.failed("bad_warc_header", "no usable Content-Length", url, origin)

        begin = feed.position
        kept = wanted = int(length)
        if wanted > self.max_page_bytes + MAX_HEADER:
            kept = MAX_HEADER  # enough to tell a page from what is skipped anyway
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

        length_stored = 0
        if alone and begins is None:
            length_stored = (feed.damage.raw if feed.damage else feed.raw_end()) - origin
        elif alone and self.alone:
            length_stored = self.origin - origin
        return Record(
            header,
            folded,
            url,
            block,
            kept < wanted,
            self.max_page_bytes,
            self.warc_file,
            origin,
            length_stored,
        )

    def header(self) -> bytes | None:
        """Take the header block with its blank line; None where it has no end."""
        feed = self.feed
        size = 1024
        while size <= MAX_HEADER:
            more = feed.ensure(size)
            match = HEADER_END.search(feed.buffer, feed.at, feed.at + size)
            if match:
                return feed.take(match.end() - feed.at)
            if not more:
                return None
            size *= 4
        return feed.take(MAX_HEADER)

    def garbage(self) -> Failed:
        """Bytes that are no record, up to the next one."""
        origin, start = self.origin, self.feed.position
        if self.find_record() or not self.is_damaged(start + 1):
            return self.failed("bad_warc_header", "no WARC record begins here", None, origin)
        return self.failed(*self.ended("inside a record"), None, origin)

    def find_record(self) -> bool:
        """Go to the next bytes that look like the first lines of a record; False at the feed's
        end."""
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
        """(reason, message) for what the feed's end cuts; the feed then stands behind the
        damage."""
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
        if head.startswith(b"PK\x03\x04"):
            return "a ZIP archive; expected WARC (WACZ archives are known by their name, *.wacz)"
        return "no WARC record at the beginning of the file"

    def failed(self, reason: str, message: str, url: str | None, origin: int) -> Failed:
        return Failed(reason, message, url, self.warc_file, origin, 0)
