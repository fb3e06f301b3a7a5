"""The bytes of a WARC file without its compression, and where in the file they come from.

A feed goes on behind what is damaged: the next member that inflates to a record is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from infimm_spark.errors import DamagedMemberError, StoreError, StoreRefusedError
from infimm_spark.warc.codecs import Codec, Inflater, NoMember

_PIECE = 1 << 16  # bytes read from the store at a time
INFLATED_PIECE = 1 << 18  # most bytes one call inflates: a bomb cannot fill the memory
_CANDIDATE = 4096  # bytes by which a possible member is judged

BLANK = b"\r\n \t\0"


class Stream(Protocol):
    """A file or an object of a store, open for reading."""

    def read(self, n: int, /) -> bytes: ...

    def seek(self, position: int, /) -> object: ...


@dataclass(slots=True)
class Damage:
    """Why a feed ends although its file goes on, or ends inside something."""

    reason: str
    message: str
    raw: int  # byte of the file at which the damaged member begins
    position: int  # and where that is in the feed


class Feed:
    """The bytes of a WARC without its compression, and where in the file they come from.

    A position counts the bytes of the feed. Once `damage` is set nothing follows, until `recover`
    goes on behind it.
    """

    proves_end = False
    """Whether a file that was cut shows it: a feed without damage is then whole."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.buffer = bytearray()
        self.at = 0  # index in the buffer of the next byte
        self.base = 0  # position of the buffer's first byte
        self.damage: Damage | None = None

    @property
    def position(self) -> int:
        """Bytes from the start of the feed to the next one to be taken."""
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
        """Byte of the file for the record at `position`, and whether that byte is the record's
        alone.

        `previous_end` is the position behind the record before; `nth` tells apart records that
        begin in one member.
        """
        raise NotImplementedError

    def begins_member(self, position: int) -> bool:
        """Whether a member begins at this position."""
        raise NotImplementedError

    def raw_end(self) -> int:
        """The byte of the file behind everything pulled."""
        raise NotImplementedError


class PlainFeed(Feed):
    """A file that is not compressed."""

    def pull(self) -> bytes:
        try:
            return self.stream.read(_PIECE)
        except StoreRefusedError:
            raise
        except (StoreError, OSError) as error:
            self.damage = Damage("unreadable_file", str(error), self.raw_end(), self.raw_end())
            return b""

    def recover(self) -> bool:
        return False

    def origin(self, previous_end: int, nth: int) -> tuple[int, bool]:
        return self.position, True

    def begins_member(self, position: int) -> bool:
        return False

    def raw_end(self) -> int:
        return self.base + len(self.buffer)


class MemberFeed(Feed):
    """A file of compressed members (frames): as a rule one a record."""

    proves_end = True

    def __init__(self, stream: Stream, codec: Codec) -> None:
        super().__init__(stream)
        self.codec = codec
        self.raw = b""  # read and not yet inflated
        self.raw_at = 0  # byte of the file of raw's first
        self.pulled = 0  # position behind all that was inflated
        self.members = [(0, 0)]  # (position, byte of the file) of their starts
        self.inflater: Inflater = NoMember()  # the first pull begins the first member

    def begin_member(self) -> None:
        self.members.append((self.pulled, self.raw_at))
        self.inflater = self.codec.inflater()

    def pull(self) -> bytes:
        try:
            while not self.inflater.eof or self.next_member():
                if self.inflater.needs_input and not self.raw:
                    self.raw = self.stream.read(_PIECE)
                    if not self.raw:
                        self.interrupt(
                            "truncated_file", f"the file ends inside a {self.codec.member}"
                        )
                        break
                given = self.raw if self.inflater.needs_input else b""
                piece = self.inflater.decompress(given, INFLATED_PIECE)
                if given or self.inflater.eof:
                    rest = self.inflater.unused_data if self.inflater.eof else b""
                    self.raw_at += len(given) - len(rest)
                    self.raw = rest
                if piece:
                    self.pulled += len(piece)
                    return piece
        except DamagedMemberError as error:
            self.interrupt(self.codec.damage, f"{self.codec.name}: {error}")
            return self.damaged_head()
        except StoreRefusedError:
            raise
        except (StoreError, OSError) as error:
            self.interrupt("unreadable_file", str(error))
        return b""

    def damaged_head(self) -> bytes:
        """The first bytes of a damaged member that gave none yet: they may tell whose record is
        lost."""
        position, raw = self.members[-1]
        if self.pulled != position:
            return b""
        head = bytearray()
        inflater = self.codec.inflater()
        try:
            self.stream.seek(raw)
            piece = read_fully(self.stream, _CANDIDATE)
            for at in range(0, len(piece), 16):
                head += inflater.decompress(piece[at : at + 16], _CANDIDATE)
        except (DamagedMemberError, StoreError, OSError):
            pass
        self.pulled += len(head)
        return bytes(head)

    def next_member(self) -> bool:
        """Begin the member behind a complete one; NULs between and behind members are padding."""
        if self.codec.skips:
            self.skip_frames()
        magic = self.codec.magic
        while True:
            bare = self.raw.lstrip(b"\0")
            self.raw_at += len(self.raw) - len(bare)
            self.raw = bare
            if len(bare) >= len(magic) or not self.read_more():
                break
        if not self.raw:
            return False
        self.begin_member()
        if self.raw.startswith(magic):
            return True
        if magic.startswith(self.raw):
            self.interrupt("truncated_file", f"the file ends inside a {self.codec.name} header")
        else:
            message = f"no {self.codec.member} where the one before ends"
            self.interrupt(self.codec.damage, message)
        return False

    def skip_frames(self) -> None:
        """Pass the frames that hold no data, such as a file's dictionary."""
        while True:
            while len(self.raw) < 8 and self.read_more():
                pass
            size = self.codec.skipped_bytes(self.raw)
            while size > len(self.raw):
                size -= len(self.raw)
                self.raw_at += len(self.raw)
                self.raw = b""
                if not self.read_more():
                    return
            if not size:
                return
            self.raw_at += size
            self.raw = self.raw[size:]

    def read_more(self) -> bool:
        more = self.stream.read(_PIECE)
        self.raw += more
        return bool(more)

    def interrupt(self, reason: str, message: str) -> None:
        position, raw = self.members[-1]
        self.damage = Damage(reason, message, raw, position)

    def recover(self) -> bool:
        """Find the member, behind the start of the damaged one, that inflates to a WARC record."""
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
            piece = read_fully(self.stream, _PIECE)
            window += piece
            index = window.find(self.codec.magic)
            # A candidate is judged with enough bytes behind it, fewer only where the file ends.
            while index >= 0 and (len(window) - index >= _CANDIDATE or not piece):
                if self.begins_record(window[index : index + _CANDIDATE]):
                    return raw + index
                index = window.find(self.codec.magic, index + 1)
            if not piece:
                return None
            passed = index if index >= 0 else max(0, len(window) - len(self.codec.magic) + 1)
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

    def begins_record(self, piece: bytes) -> bool:
        """Whether compressed bytes inflate to the beginning of a WARC record."""
        if not self.codec.is_sane(piece):
            return False
        try:
            head = self.codec.inflater().decompress(piece, 64)
        except DamagedMemberError:
            return False
        return head.lstrip(BLANK).startswith(b"WARC/")

    def begins_member(self, position: int) -> bool:
        return any(start == position for start, _ in self.members)

    def raw_end(self) -> int:
        return self.raw_at


def read_fully(stream: Stream, n: int) -> bytes:
    """`n` bytes of a stream that may give less at a time; fewer only at its end."""
    pieces = []
    while n > 0 and (piece := stream.read(n)):
        pieces.append(piece)
        n -= len(piece)
    return b"".join(pieces)
