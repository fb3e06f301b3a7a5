"""pyarrow's way to objects of any store: by this package's reads, with its retries.

pyarrow's own file systems for stores have another policy of retries, and take an answer that breaks
off for the end of the file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NoReturn

import pyarrow as pa
from pyarrow import fs

from infimm_spark.errors import MissingObjectError, StoreError
from infimm_spark.store import local
from infimm_spark.store.base import shown, store_of
from infimm_spark.store.streams import open_at, read_range


def file_system(locations: Sequence[str]) -> tuple[fs.FileSystem, list[str]]:
    """See `store.arrow`."""
    if not store_of(locations[0]).remote:
        return fs.LocalFileSystem(), [local.path_of(location) for location in locations]
    return fs.PyFileSystem(_Objects()), list(locations)


class _Objects(fs.FileSystemHandler):  # type: ignore[misc]
    """Objects by their locations; what would write or list is refused."""

    def get_type_name(self) -> str:
        return "infimm-spark"

    def normalize_path(self, path: str) -> str:
        return path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Objects)

    def __hash__(self) -> int:
        return hash(_Objects)

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(_RangeFile(path), mode="r")

    def open_input_stream(self, path: str) -> pa.NativeFile:
        return self.open_input_file(path)

    def get_file_info(self, paths: Sequence[str]) -> list[fs.FileInfo]:
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> fs.FileInfo:
        try:
            return fs.FileInfo(path, fs.FileType.File, size=_size(path))
        except MissingObjectError:
            return fs.FileInfo(path, fs.FileType.NotFound)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("tables of a store are written by Spark or `store.write_bytes`")

    get_file_info_selector = _refuse
    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse


class _RangeFile(io.RawIOBase):
    """A binary file over one object, each read a request for just these bytes."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._at = 0
        try:
            self._size = _size(location)
        except MissingObjectError as error:
            raise FileNotFoundError(str(error)) from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        found = read_range(self._location, self._at, wanted)
        if len(found) != wanted:
            raise StoreError(f"{shown(self._location)} has become shorter while it was read")
        self._at += wanted
        return found


def _size(location: str) -> int:
    with open_at(location, 0, length=1) as stream:
        if stream.size is None:
            raise StoreError(f"{shown(location)}: the server does not tell its size")
        return stream.size
