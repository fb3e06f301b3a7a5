"""The one place that opens files: local paths, `file://`, `s3://`, `s3a://`, `gs://` and `https://`.

A location is a string. Reading streams, and resumes at the byte where a connection broke; every remote
call is tried again with full-jitter back-off, as `StoreConfig` says. S3 takes credentials from the standard
AWS chain and reads anonymously where there are none; `gs://` takes Google's application default ones. Messages show a location without user, password and
query string, and never repeat what a server said.
"""

from __future__ import annotations

import contextlib
import glob as _globbing
import os
import re
import shutil
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import Protocol

from infimm_spark.config import StoreConfig
from infimm_spark.errors import MissingObjectError, StoreConflictError, StoreError
from infimm_spark.store import gs, retries, s3
from infimm_spark.store.locations import (
    below,
    bucket_and_key,
    key_pattern,
    path_of,
    scheme_and_path,
    with_scheme_of,
)
from infimm_spark.store.locations import is_gs as is_gs
from infimm_spark.store.locations import is_s3 as is_s3
from infimm_spark.store.locations import join as join
from infimm_spark.store.locations import local_path as local_path
from infimm_spark.store.locations import normal as normal
from infimm_spark.store.retries import Traffic as Traffic
from infimm_spark.store.retries import configure as configure
from infimm_spark.store.retries import shown as shown
from infimm_spark.store.streams import ByteStream as ByteStream
from infimm_spark.store.streams import open_at

_GZIP_MAGIC = b"\x1f\x8b"
_MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:[!?a-zA-Z])")


def open_stream(location: str, *, check: bool = True, traffic: Traffic | None = None) -> ByteStream:
    """Open an object for reading from its first byte; `traffic` counts what it costs.

    With `check`, a `*.gz` object that is empty, is an HTML or XML page, or is not gzip is refused.
    Raises `StoreError` where the object is missing or unreadable.
    """
    stream = open_at(location, traffic=traffic)
    if check and path_of(location).endswith(".gz"):
        problem = _not_gzip(stream.peek(512))
        if problem:
            stream.close()
            raise StoreError(f"{shown(location)} {problem}; expected gzip")
    return stream


def read_bytes(location: str) -> bytes:
    """The whole object."""
    with open_stream(location, check=False) as stream:
        return stream.read()


def read_range(location: str, offset: int, length: int, *, traffic: Traffic | None = None) -> bytes:
    """`length` bytes from `offset`; fewer only where the object ends before. Raises `StoreError`."""
    with open_at(location, offset, length=length, traffic=traffic) as stream:
        pieces = []
        while length > 0 and (piece := stream.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


def write_bytes(location: str, data: bytes) -> None:
    """Write an object as a whole: readers see the old one or the new one, also after a crash.

    Locally a synced temporary file is renamed over the target; folders are made as needed. Raises
    `StoreError`.
    """
    scheme, path = scheme_and_path(location)
    if scheme in _OBJECT_STORES:
        _OBJECT_STORES[scheme].put(*bucket_and_key(location), data, location)
        return
    if scheme != "file":
        raise StoreError(f"{shown(location)} cannot be written: {scheme} is read-only")
    target = Path(path)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".tmp", dir=target.parent
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise StoreError(
            f"{shown(location)} cannot be written: {retries.reason_of(error)}"
        ) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_new(location: str, data: bytes) -> bool:
    """As `write_bytes`, but only where there is no object yet; False where there is another one.

    Of several writers at the same time exactly one succeeds. Raises `StoreError`.
    """
    scheme, path = scheme_and_path(location)
    if scheme in _OBJECT_STORES:
        try:
            _OBJECT_STORES[scheme].put(*bucket_and_key(location), data, location, only_new=True)
        except StoreConflictError:
            # The object may be ours: a write whose answer was lost was sent again.
            return read_bytes(location) == data
        return True
    if scheme != "file":
        raise StoreError(f"{shown(location)} cannot be written: {scheme} is read-only")
    # Hidden, so that what a killed writer leaves is in no listing.
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.getpid()}-{threading.get_ident()}.new")
    write_bytes(beside, data)
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise StoreError(
            f"{shown(location)} cannot be written: {retries.reason_of(error)}"
        ) from None
    finally:
        os.unlink(beside)
    return True


def exists(location: str) -> bool:
    """Whether there is an object or a folder (in a bucket: a key, or any key below the prefix)."""
    scheme, path = scheme_and_path(location)
    if scheme == "file":
        return os.path.exists(path)
    if scheme in _OBJECT_STORES:
        bucket, key = bucket_and_key(location)
        if key and _OBJECT_STORES[scheme].is_key(bucket, key, location):
            return True
        return _OBJECT_STORES[scheme].has_keys(bucket, below(key), location)
    try:
        request = urllib.request.Request(location, method="HEAD")
        retries.retried(
            lambda: urllib.request.urlopen(
                request, timeout=retries.settings.timeout_seconds
            ).close(),
            "open",
            location,
        )
    except MissingObjectError:
        return False
    return True


def is_folder(location: str) -> bool:
    """Whether the location is a local folder, or a prefix of a bucket with keys below it and no key itself."""
    scheme, path = scheme_and_path(location)
    if scheme == "file":
        return os.path.isdir(path)
    if scheme in _OBJECT_STORES:
        bucket, key = bucket_and_key(location)
        named = key and not key.endswith("/")
        return not (named and _OBJECT_STORES[scheme].is_key(bucket, key, location)) and exists(
            location
        )
    return False


def list_files(prefix: str) -> list[str]:
    """All files below a folder, recursively, sorted; a file lists itself, what is not there nothing.

    Hidden files and folders are left out.

    Raises `StoreError` where it cannot be listed (https has no listing).
    """
    scheme, path = scheme_and_path(prefix)
    if scheme == "file":
        if os.path.isfile(path):
            return [path]
        if not os.path.exists(path):
            return []
        found = []

        def refuse(error: OSError) -> None:
            raise error

        try:
            for folder, folders, names in os.walk(path, onerror=refuse):
                folders[:] = [name for name in folders if not name.startswith(".")]
                found += [os.path.join(folder, n) for n in names if not n.startswith(".")]
        except OSError as error:
            raise StoreError(
                f"{shown(prefix)} cannot be listed: {retries.reason_of(error)}"
            ) from None
        return sorted(found)
    if scheme in _OBJECT_STORES:
        bucket, key = bucket_and_key(prefix)
        named = key and not key.endswith("/")
        if named and _OBJECT_STORES[scheme].is_key(bucket, key, prefix):
            return [prefix]
        return [name for name, _ in list_sizes(prefix)]
    raise StoreError(f"{shown(prefix)} cannot be listed: {scheme} has no listing")


def list_sizes(folder: str) -> list[tuple[str, int]]:
    """`list_files` of a folder, each with its bytes."""
    scheme, path = scheme_and_path(folder)
    if scheme == "file":
        return [(name, os.path.getsize(name)) for name in list_files(path)]
    if scheme in _OBJECT_STORES:
        bucket, key = bucket_and_key(folder)
        return [
            (with_scheme_of(folder, bucket, name), size)
            for name, size in _OBJECT_STORES[scheme].sized_keys(bucket, below(key), folder)
        ]
    raise StoreError(f"{shown(folder)} cannot be listed: {scheme} has no listing")


def settings() -> StoreConfig:
    """How this process reaches remote stores, as `configure` set it."""
    return retries.settings


def list_folders(prefix: str) -> list[str]:
    """Names of the folders directly below a folder, sorted, without hidden ones."""
    scheme, path = scheme_and_path(prefix)
    if scheme == "file":
        try:
            with os.scandir(path) as entries:
                return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        except OSError as error:
            raise StoreError(
                f"{shown(prefix)} cannot be listed: {retries.reason_of(error)}"
            ) from None
    if scheme in _OBJECT_STORES:
        bucket, key = bucket_and_key(prefix)
        names = _OBJECT_STORES[scheme].folders(bucket, below(key), prefix)
        return sorted(name for name in names if not name.startswith("."))
    raise StoreError(f"{shown(prefix)} cannot be listed: {scheme} has no listing")


def is_glob(location: str) -> bool:
    """Whether the location is a pattern; a `?` in an https address is its query."""
    scheme, path = scheme_and_path(location)
    if scheme == "file":
        return _globbing.has_magic(path) and not os.path.exists(path)
    return scheme in _OBJECT_STORES and _globbing.has_magic(path)


def glob(pattern: str) -> list[str]:
    """Files that match `*`, `?`, `[...]` (none of them crosses a `/`) and `**`, sorted."""
    scheme, path = scheme_and_path(pattern)
    if scheme == "file":
        found = _globbing.glob(path, recursive=True)
        return sorted(name for name in found if os.path.isfile(name))
    if scheme in _OBJECT_STORES:
        bucket, key = bucket_and_key(pattern)
        literal = re.split(r"[*?\[]", key, maxsplit=1)[0]
        matches = key_pattern(key).fullmatch
        return [
            with_scheme_of(pattern, bucket, name)
            for name, _ in _OBJECT_STORES[scheme].sized_keys(bucket, literal, pattern)
            if matches(name)
        ]
    raise StoreError(f"{shown(pattern)} cannot be listed: {scheme} has no listing")


def delete_tree(location: str) -> None:
    """Delete a folder with all it holds, or one file; what is not there is no error."""
    scheme, path = scheme_and_path(location)
    if scheme == "file":
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{shown(location)} cannot be deleted: {retries.reason_of(error)}"
            ) from None
        return
    if scheme not in _OBJECT_STORES:
        raise StoreError(f"{shown(location)} cannot be deleted: {scheme} is read-only")
    bucket, key = bucket_and_key(location)
    if not key.strip("/"):
        raise StoreError(f"{shown(location)} is a whole bucket; expected a prefix to delete")
    _OBJECT_STORES[scheme].delete_below(bucket, key, location)


class _ObjectStore(Protocol):
    """What a module of a bucket store offers; `location` is for messages."""

    def is_key(self, bucket: str, key: str, location: str) -> bool: ...

    def has_keys(self, bucket: str, prefix: str, location: str) -> bool: ...

    def sized_keys(
        self, bucket: str, prefix: str, location: str, *, hidden: bool = False
    ) -> list[tuple[str, int]]: ...

    def folders(self, bucket: str, prefix: str, location: str) -> set[str]: ...

    def put(
        self, bucket: str, key: str, data: bytes, location: str, *, only_new: bool = False
    ) -> None: ...

    def delete_below(self, bucket: str, key: str, location: str) -> None: ...


_OBJECT_STORES: dict[str, _ObjectStore] = {"s3": s3, "gs": gs}


def _not_gzip(head: bytes) -> str | None:
    if not head:
        return "is empty"
    if head.startswith(_GZIP_MAGIC):
        return None
    return "is an HTML or XML page" if is_markup(head) else "is not gzip"


def is_markup(head: bytes) -> bool:
    """Whether an object's first bytes are those of an HTML or XML page, such as an error message."""
    return _MARKUP.match(head) is not None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
