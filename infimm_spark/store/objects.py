"""Objects wherever they are: the functions by which the package reads, writes, lists and deletes
them.

A location is a string: a local path, or `scheme://…` of a registered store (`store/base.py`). WARC
files, listings, manifests, locks and everything below a run go through here; a model, a
configuration or a report on this machine is opened by its path. Reading streams, and resumes at the
byte where a connection broke; every remote call is tried again with full-jitter back-off, as
`StoreConfig` says. Messages show a location without user, password and query string, and never
repeat what a server said.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from infimm_spark.config import StoreConfig
from infimm_spark.errors import StoreError
from infimm_spark.store import base, local, retries
from infimm_spark.store.base import register, shown, store_of
from infimm_spark.store.gs import GsStore
from infimm_spark.store.https import HttpsStore
from infimm_spark.store.local import LocalStore
from infimm_spark.store.retries import Traffic
from infimm_spark.store.s3 import S3Store
from infimm_spark.store.streams import ByteStream, open_at

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

for _store in (LocalStore(), S3Store(), GsStore(), HttpsStore()):
    register(_store)

_GZIP_MAGIC = b"\x1f\x8b"
_MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:[!?a-zA-Z])")


def open_stream(location: str, *, check: bool = True, traffic: Traffic | None = None) -> ByteStream:
    """Open an object for reading from its first byte; `traffic` counts what it costs.

    With `check`, a `*.gz` object that is empty, is an HTML or XML page, or is not gzip is refused.
    Raises `StoreError` where the object is missing or unreadable.
    """
    stream = open_at(location, traffic=traffic)
    if check and shown(location).endswith(".gz"):
        problem = _not_gzip(stream.peek(512))
        if problem:
            stream.close()
            raise StoreError(f"{shown(location)} {problem}; expected gzip")
    return stream


def read_bytes(location: str) -> bytes:
    """The whole object."""
    with open_stream(location, check=False) as stream:
        return stream.read()


def write_bytes(location: str, data: bytes) -> None:
    """Write an object as a whole: readers see the old one or the new one, even after a crash.

    Folders are made as needed. Raises `StoreError`.
    """
    store_of(location).put(location, data)


def write_new(location: str, data: bytes) -> bool:
    """As `write_bytes`, but only where there is no object yet; False where there is another one.

    Of several writers at the same time exactly one succeeds. Raises `StoreError`.
    """
    return store_of(location).put_new(location, data)


def exists(location: str) -> bool:
    """Whether there is an object or a folder (in a bucket: a key, or any key below the prefix)."""
    return store_of(location).exists(location)


def is_folder(location: str) -> bool:
    """Whether the location is a local folder, or a prefix of a bucket with keys below it and no key
    itself."""
    return store_of(location).is_folder(location)


def list_files(prefix: str) -> list[str]:
    """All files below a folder, recursively, sorted; a file lists itself, an absent folder nothing.

    Hidden files and folders are left out. Raises `StoreError` where it cannot be listed.
    """
    return store_of(prefix).list_files(prefix)


def list_sizes(folder: str) -> list[tuple[str, int]]:
    """`list_files` of a folder, each with its bytes."""
    return store_of(folder).list_sizes(folder)


def list_folders(prefix: str) -> list[str]:
    """Names of the folders directly below a folder, sorted, without hidden ones."""
    return store_of(prefix).list_folders(prefix)


def is_glob(location: str) -> bool:
    """Whether the location is a pattern; a `?` in an https address is its query."""
    return store_of(location).is_glob(location)


def glob(pattern: str) -> list[str]:
    """Files that match `*`, `?`, `[...]` (none of them crosses a `/`) and `**`, sorted."""
    return store_of(pattern).glob(pattern)


def delete_tree(location: str) -> None:
    """Delete a folder with all it holds, or one file; an absent one is no error."""
    store_of(location).delete_tree(location)


def delete_empty(folder: str) -> None:
    """Delete a folder that holds nothing; one that does stays. Only local stores have empty
    folders."""
    if not store_of(folder).remote:
        with contextlib.suppress(OSError, StoreError):
            os.rmdir(local.path_of(folder))


def arrow(locations: list[str]) -> tuple[FileSystem, list[str]]:
    """pyarrow's file system for locations of one store, and their paths there.

    Reads only, where the store is remote. What cannot be read raises `StoreError`, what is not
    there FileNotFoundError.
    """
    from infimm_spark.store.arrow_files import file_system

    return file_system(locations)


def normal(location: str) -> str:
    """A location as this package writes it: `s3a://` as `s3://`, `file://` as a path, no slash at
    the end."""
    return store_of(location).normal(location)


def scheme_of(location: str) -> str:
    """The scheme of a location as this package writes it, such as `file` or `s3`."""
    return store_of(location).spellings[base.split(location)[0]]


def join(location: str, *parts: str) -> str:
    """Append path parts; an absolute part is taken as relative."""
    return "/".join([location.rstrip("/"), *(part.strip("/") for part in parts)])


def local_path(location: str) -> str:
    """The path of a local file or `file://` location. Raises `StoreError` for a remote one."""
    return local.path_of(location)


def settings() -> StoreConfig:
    """How this process reaches remote stores, as `configure` set it."""
    return retries.settings


def is_markup(head: bytes) -> bool:
    """Whether an object's first bytes are those of an HTML or XML page, such as an error
    message."""
    return _MARKUP.match(head) is not None


def _not_gzip(head: bytes) -> str | None:
    if not head:
        return "is empty"
    if head.startswith(_GZIP_MAGIC):
        return None
    return "is an HTML or XML page" if is_markup(head) else "is not gzip"
