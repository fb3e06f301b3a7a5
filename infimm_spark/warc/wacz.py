"""WARC files inside a WACZ archive (a ZIP file of the Webrecorder project).

Such a file is named `ARCHIVE.wacz#archive/NAME.warc.gz`; every other location is read as it is.
"""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO, cast

from infimm_spark import store
from infimm_spark.errors import InputError
from infimm_spark.warc.feeds import Stream, read_fully

_INSIDE = re.compile(r"(.+\.wacz)#(.+)", re.IGNORECASE)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What `zipfile` raises for an archive that it cannot read."""


def warc_names(location: str) -> list[str]:
    """The names of all files of an archive's folder `archive/`, sorted. Raises `InputError`,
    `StoreError`."""
    with _archive(location) as archive:
        names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    return [name for name in names if name.startswith("archive/")]


def inside(location: str, name: str) -> str:
    """The location of a file in an archive."""
    return f"{location}#{name}"


def open_warc(
    location: str, *, traffic: store.Traffic | None = None
) -> AbstractContextManager[Stream]:
    """Open a WARC file for reading. Raises `StoreError`, and `InputError` for an archive without
    the file."""
    found = _INSIDE.fullmatch(location)
    if found is None:
        return store.open_stream(location, check=False, traffic=traffic)
    return _opened(found[1], found[2], traffic)


def read_range(
    location: str, offset: int, length: int, *, traffic: store.Traffic | None = None
) -> bytes:
    """`length` bytes from `offset` of a WARC file; fewer only where it ends before."""
    if not _INSIDE.fullmatch(location):
        return store.read_range(location, offset, length, traffic=traffic)
    with open_warc(location, traffic=traffic) as stream:
        stream.seek(offset)
        return read_fully(stream, length)


class _Seekable(io.RawIOBase):
    """A stream of the store as `zipfile` wants it."""

    def __init__(self, stream: store.ByteStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self.tell()
        elif whence == io.SEEK_END:
            if self._stream.size is None:
                raise InputError(
                    f"{store.shown(self._stream.location)}: the server does not send its length"
                )
            offset += self._stream.size
        if offset < 0:
            raise ValueError(
                f"seek to byte {offset}"
            )  # `zipfile` takes it for a file that is too short
        self._stream.seek(offset)
        return offset


class _Entry:
    """One file of an archive; damage of its own compression is an `OSError` to the reader."""

    def __init__(self, entry: IO[bytes]) -> None:
        self._entry = entry

    def read(self, n: int, /) -> bytes:
        try:
            return self._entry.read(n)
        except _BROKEN as error:
            raise OSError(f"WACZ: {error}") from None

    def seek(self, position: int, /) -> None:
        try:
            self._entry.seek(position)
        except _BROKEN as error:
            raise OSError(f"WACZ: {error}") from None


@contextlib.contextmanager
def _archive(location: str, traffic: store.Traffic | None = None) -> Iterator[zipfile.ZipFile]:
    with store.open_stream(location, check=False, traffic=traffic) as stream:
        try:
            archive = zipfile.ZipFile(cast("IO[bytes]", io.BufferedReader(_Seekable(stream))))
        except _BROKEN as error:
            raise InputError(f"{store.shown(location)} is not a WACZ archive: {error}") from None
        with archive:
            yield archive


@contextlib.contextmanager
def _opened(location: str, name: str, traffic: store.Traffic | None) -> Iterator[Stream]:
    with _archive(location, traffic) as archive:
        try:
            entry = archive.open(name)
        except (KeyError, *_BROKEN) as error:
            raise InputError(f"{store.shown(location)} holds no readable {name}: {error}") from None
        with entry:
            yield _Entry(entry)
