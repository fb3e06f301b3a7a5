"""Reading an object as a stream that goes on where its connection broke."""

from __future__ import annotations

from infimm_spark.errors import StoreError
from infimm_spark.store import retries
from infimm_spark.store.base import Reader, Source, shown, store_of
from infimm_spark.store.gate import take_place
from infimm_spark.store.retries import Traffic

_READ_AHEAD = 1 << 19  # bytes taken off a connection at once: each call through HTTP's layers costs


def open_at(
    location: str,
    position: int = 0,
    *,
    length: int | None = None,
    traffic: Traffic | None = None,
) -> ByteStream:
    """A stream over an object from `position`, over `length` bytes or to its end."""
    place = store_of(location)
    return ByteStream(
        location,
        place.source(location, length),
        remote=place.remote,
        position=position,
        traffic=traffic,
    )


def read_range(location: str, offset: int, length: int, *, traffic: Traffic | None = None) -> bytes:
    """`length` bytes from `offset`; fewer only where the object ends before. Raises
    `StoreError`."""
    with open_at(location, offset, length=length, traffic=traffic) as stream:
        pieces = []
        while length > 0 and (piece := stream.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


class ByteStream:
    """A binary stream over one object; a context manager.

    `size` is the object's length in bytes, None where the server does not tell. `read(n)` returns
    at most `n` bytes (all that is left for a negative `n`) and b"" only at the end of the object: a
    connection that breaks, or ends early, is resumed at the byte where it broke. Raises
    `StoreError` after `StoreConfig.attempts` reconnections without progress, or when the object
    changed meanwhile.
    """

    def __init__(
        self,
        location: str,
        source: Source,
        *,
        remote: bool,
        position: int = 0,
        traffic: Traffic | None = None,
    ) -> None:
        self.location = location
        self.traffic = traffic or Traffic()
        self._source = source
        self._position = position  # of the next byte of the connection
        # What came before `_position` last, and how much of that the caller has.
        self._buffer, self._at = b"", 0
        self._at_once = _READ_AHEAD if remote else 0
        self.remote = remote
        """Whether its bytes come over a connection."""
        self._place = take_place(retries.gate) if remote and retries.gate else None
        try:
            self._reader = self._connect()
        except BaseException:
            self._give_back()
            raise

    @property
    def size(self) -> int | None:
        """The object's length in bytes, None where the server does not tell."""
        return self._source.size

    def tell(self) -> int:
        """Position of the next byte `read` returns."""
        return self._position - len(self._buffer) + self._at

    def read(self, n: int = -1) -> bytes:
        """At most `n` bytes; everything left for a negative `n`; b"" at the end."""
        if n < 0:
            pieces = []
            while piece := self.read(1 << 20):
                pieces.append(piece)
            return b"".join(pieces)
        if self._at == len(self._buffer):
            at_once = 0 < n < self._at_once
            piece = self._pull(self._at_once if at_once else n)
            if piece:  # at the object's end the buffer stays, to go back into
                self._buffer, self._at = (piece if at_once else b""), 0
            if not at_once:
                return piece
        piece = self._buffer[self._at : self._at + n]
        self._at += len(piece)
        return piece

    def peek(self, n: int) -> bytes:
        """The next `n` bytes (fewer at the end), which stay to be read."""
        end = self._at + n
        while len(self._buffer) < end and (piece := self._pull(end - len(self._buffer))):
            self._buffer += piece
        return self._buffer[self._at : end]

    def seek(self, position: int) -> None:
        """Go on reading at `position`; a remote object is reconnected, but for places read just
        now: a reader goes back to look at a damaged member, and each connection is a request."""
        first = self._position - len(self._buffer)
        if first <= position <= self._position:
            self._at = position - first
            return
        self._reader.close()
        self._position, self._buffer, self._at = position, b"", 0
        self._reader = self._connect()

    def close(self) -> None:
        """Let the connection go."""
        self._reader.close()
        self._give_back()

    def _give_back(self) -> None:
        if self._place is not None:
            self._place.close()
            self._place = None

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pull(self, n: int) -> bytes:
        if n == 0:
            return b""
        broken = 0
        while True:
            try:
                piece = self._reader.read(n)
            except Exception as error:
                if not retries.is_transient(error):
                    raise self._failure(error) from None
                reason = retries.reason_of(error)
            else:
                if piece or self._at_end():
                    self._position += len(piece)
                    self.traffic.bytes += len(piece)
                    return piece
                reason = "the connection ended early"
            broken += 1
            if broken >= retries.settings.attempts:
                raise StoreError(
                    f"{shown(self.location)} broke at byte {self._position} "
                    f"{broken} times: {reason}"
                )
            self._reader.close()
            self.traffic.retries += 1
            retries.pause(broken)
            self._reader = self._connect()

    def _at_end(self) -> bool:
        end = self._source.end
        return end is None or self._position >= end

    def _connect(self) -> Reader:
        position = self._position
        return retries.retried(
            lambda: self._source.open_at(position), "open", self.location, self.traffic
        )

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(
            f"{shown(self.location)} cannot be read at byte {self._position}: "
            f"{retries.reason_of(error)}"
        )
