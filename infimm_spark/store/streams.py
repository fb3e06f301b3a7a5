"""Reading an object as a stream that goes on where its connection broke."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.request
from typing import Any, Protocol

from infimm_spark.errors import StoreError
from infimm_spark.store import gs, retries, s3
from infimm_spark.store.gate import take_place
from infimm_spark.store.locations import bucket_and_key, scheme_and_path
from infimm_spark.store.retries import Traffic, WrongLengthError, shown

_READ_AHEAD = 1 << 19  # bytes taken off a connection at once: each call through HTTP's layers costs
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def open_at(
    location: str,
    position: int = 0,
    *,
    length: int | None = None,
    traffic: Traffic | None = None,
) -> ByteStream:
    """A stream over an object from `position`, over `length` bytes or to its end."""
    source = _source(location, length=length)
    return ByteStream(location, source, position=position, traffic=traffic)


class ByteStream:
    """A binary stream over one object; a context manager.

    `size` is the object's length in bytes, None where the server does not tell. `read(n)` returns at
    most `n` bytes (all that is left for a negative `n`) and b"" only at the end of the object: a
    connection that breaks, or ends early, is resumed at the byte where it broke. Raises `StoreError`
    after `StoreConfig.attempts` reconnections without progress, or when the object changed meanwhile.
    """

    def __init__(
        self,
        location: str,
        source: _Source,
        *,
        position: int = 0,
        traffic: Traffic | None = None,
    ) -> None:
        self.location = location
        self.traffic = traffic or Traffic()
        self._source = source
        self._position = position  # of the next byte of the connection
        # What came before `_position` last, and how much of that the caller has.
        self._buffer, self._at = b"", 0
        remote_source = not isinstance(source, _FileSource)
        self._at_once = _READ_AHEAD if remote_source else 0
        self._place = take_place(retries.gate) if remote_source and retries.gate else None
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
        """Go on reading at `position`; a remote object is reconnected, but for places read just now: a reader
        goes back to look at a damaged member, and each connection is a request."""
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

    def _connect(self) -> _Reader:
        position = self._position
        return retries.retried(
            lambda: self._source.open_at(position), "open", self.location, self.traffic
        )

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(
            f"{shown(self.location)} cannot be read at byte {self._position}: {retries.reason_of(error)}"
        )


def _source(location: str, *, length: int | None = None) -> _Source:
    scheme, path = scheme_and_path(location)
    if scheme == "file":
        return _FileSource(path)
    if scheme == "s3":
        return _S3Source(location, length)
    return (_GcsSource if scheme == "gs" else _HttpSource)(location, length)


class _Reader(Protocol):
    def read(self, n: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Source(Protocol):
    """How an object is opened. `size` and `end` (the last byte wanted, exclusive) are known once open."""

    size: int | None

    @property
    def end(self) -> int | None: ...

    def open_at(self, position: int) -> _Reader: ...


class _FileSource:
    def __init__(self, path: str) -> None:
        self.path = path
        self.size: int | None = None

    @property
    def end(self) -> int | None:
        return None  # a local read that returns nothing is the end

    def open_at(self, position: int) -> _Reader:
        file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - the stream closes it
        try:
            self.size = os.fstat(file.fileno()).st_size
            file.seek(position)
        except BaseException:
            file.close()
            raise
        return file


class _RemoteSource:
    """What HTTP and S3 share: byte ranges, and the check that a resumed object is still the same."""

    def __init__(self, location: str, length: int | None) -> None:
        self.location = location
        self.length = length
        self.size: int | None = None
        self.end: int | None = None
        self._start: int | None = None
        self._tag: str | None = None

    def _range(self, position: int) -> str:
        """The range to ask for: also from byte 0, as the answer then tells the length twice."""
        if self._start is None:
            self._start = position
        last = "" if self.length is None else str(self._start + self.length - 1)
        return f"bytes={position}-{last}"

    def _opened(self, size: int | None, tag: str | None) -> None:
        if self.size is not None and (size != self.size or (tag or self._tag) != self._tag):
            raise StoreError(f"{shown(self.location)} changed while it was read")
        self.size, self._tag = size, tag or self._tag
        self.end = size
        if self.length is not None and self._start is not None:
            stop = self._start + self.length
            self.end = stop if size is None else min(stop, size)


class _HttpSource(_RemoteSource):
    def open_at(self, position: int) -> _Reader:
        try:
            response = self._answer(self._range(position))
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            with error:
                return _Nothing()  # the range starts at or behind the end
        try:
            ranged = response.status == 206
            if not ranged and (position or self.length is not None):
                raise StoreError(f"{shown(self.location)} is on a server without byte ranges")
            length = response.headers.get("Content-Length", "")
            total = _whole_size(
                response.headers.get("Content-Range", "") if ranged else "",
                int(length) if length.isdigit() else None,
            )
            self._opened(total, response.headers.get("ETag"))
        except BaseException:
            response.close()
            raise
        return response  # type: ignore[no-any-return]

    def _answer(self, wanted: str) -> Any:
        headers = {"Accept-Encoding": "identity", "Range": wanted}
        request = urllib.request.Request(self.location, headers=headers)
        return urllib.request.urlopen(request, timeout=retries.settings.timeout_seconds)


class _GcsSource(_HttpSource):
    def _answer(self, wanted: str) -> Any:
        return gs.open_media(*bucket_and_key(self.location), wanted)


class _S3Source(_RemoteSource):
    def open_at(self, position: int) -> _Reader:
        bucket, key = bucket_and_key(self.location)
        wanted = self._range(position)
        try:
            answer = s3.client(bucket).get_object(
                Bucket=bucket, Key=key, Range=wanted, **s3.request_options(bucket)
            )
        except Exception as error:
            if retries.error_code(error) == "InvalidRange":
                return _Nothing()
            raise
        body: _Reader = answer["Body"]
        try:
            total = _whole_size(answer.get("ContentRange", ""), answer["ContentLength"])
            self._opened(total, answer.get("ETag"))
        except BaseException:
            body.close()
            raise
        return body


class _Nothing:
    """A range behind the object's end."""

    def read(self, n: int, /) -> bytes:
        return b""

    def close(self) -> None:
        return None


def _whole_size(content_range: str, length: int | None) -> int | None:
    """An object's size as an answer tells it. Raises `WrongLengthError` where it tells two lengths."""
    match = _CONTENT_RANGE.match(content_range)
    if not match:
        return length
    first, last, total = match.groups()
    if length is not None and length != int(last) + 1 - int(first):
        raise WrongLengthError("Content-Length is not the range's")
    return int(total) if total.isdigit() else None
