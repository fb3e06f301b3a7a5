"""Reading a remote object ahead of its reader, in a thread: parsing never waits for the network."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress

from infimm_spark.store.streams import ByteStream

_PIECE = 1 << 19  # bytes taken off the connection at a time
_PIECES = 16  # of them that may wait for the reader: 8 MB of memory
_BEHIND = 1 << 20  # bytes already read that stay: a reader goes back to look at a damaged member


class ReadAhead:
    """A stream whose next bytes are fetched while its reader works; a context manager.

    Reads like the `ByteStream` it is made of, and closes it. At most 8 MB wait at any time, and the
    last one read stays. What the fetching thread raises is raised by the `read` that would have met
    it.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._start = stream.tell()  # of the buffer, in the object
        self._buffer, self._at = b"", 0
        self._fetched: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_over = self._has_failed = False

    @property
    def location(self) -> str:
        return self._stream.location

    def read(self, n: int) -> bytes:
        """At most `n` bytes; b"" at the end."""
        if self._at == len(self._buffer):
            self._append(self._next())
        piece = self._buffer[self._at : self._at + n]
        self._at += len(piece)
        return piece

    def peek(self, n: int) -> bytes:
        """The next `n` bytes (fewer at the end), which stay to be read."""
        while len(self._buffer) - self._at < n and (piece := self._next()):
            self._append(piece)
        return self._buffer[self._at : self._at + n]

    def seek(self, position: int) -> None:
        """Go on reading at `position`; but for places read just now, what was fetched for another
        place is dropped and the object asked for anew."""
        if not self._has_failed and 0 <= position - self._start <= len(self._buffer):
            self._at = position - self._start
            return
        self._stop()
        self._stream.seek(position)
        self._start, self._buffer, self._at = position, b"", 0
        self._is_over = self._has_failed = False

    def close(self) -> None:
        """End the thread and let the connection go."""
        self._stop()
        self._stream.close()

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, piece: bytes) -> None:
        """Put a piece behind the buffer, and let go of what lies too far back."""
        if piece:
            first = max(0, self._at - _BEHIND)
            self._buffer = self._buffer[first:] + piece
            self._start += first
            self._at -= first

    def _next(self) -> bytes:
        if self._is_over:
            return b""
        if self._thread is None:
            self._thread = threading.Thread(target=self._fetch, name="read-ahead", daemon=True)
            self._thread.start()
        piece = self._fetched.get()
        if isinstance(piece, BaseException):
            self._is_over = self._has_failed = True
            raise piece
        self._is_over = not piece
        return piece

    def _fetch(self) -> None:
        """In the thread: pieces until the end, an error, or until told to stop."""
        piece: bytes | BaseException
        while not self._stopped.is_set():
            try:
                piece = self._stream.read(_PIECE)
            except BaseException as error:
                piece = error
            while not self._stopped.is_set():
                with suppress(queue.Full):
                    self._fetched.put(piece, timeout=0.1)
                    break
            if not piece or isinstance(piece, BaseException):
                return

    def _stop(self) -> None:
        if self._thread is None:
            return
        self._stopped.set()
        self._thread.join()
        self._thread = None
        self._stopped.clear()
        self._fetched = queue.Queue(_PIECES)
