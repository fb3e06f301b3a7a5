"""Local files, by path or `file://` location."""

from __future__ import annotations

import contextlib
import errno
import glob as _globbing
import os
import shutil
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from infimm_spark.errors import StoreError
from infimm_spark.store import base, retries
from infimm_spark.store.base import shown

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a file system without hard links says."""


class LocalStore:
    """The `Store` of this machine's file systems."""

    spellings: ClassVar = {"file": "file"}
    remote = False

    def normal(self, location: str) -> str:
        return path_of(location).rstrip("/") or "/"

    def source(self, location: str, length: int | None) -> base.Source:
        return _FileSource(path_of(location))

    def put(self, location: str, data: bytes) -> None:
        """A synced temporary file is renamed over the target; folders are made as needed."""
        target = Path(path_of(location))
        temporary = None
        with _told(location, "written"):
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
            finally:
                if temporary is not None:
                    with contextlib.suppress(OSError):
                        os.unlink(temporary)

    def put_new(self, location: str, data: bytes) -> bool:
        path = path_of(location)
        # Hidden, so that what a killed writer leaves is in no listing.
        folder, name = os.path.split(path)
        beside = os.path.join(folder, f".{name}.{os.getpid()}-{threading.get_ident()}.new")
        self.put(beside, data)
        with _told(location, "written"):
            try:
                os.link(beside, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                # Volumes of Databricks, and some other mounts: the new name itself is the claim.
                return _created(path, data)
            finally:
                os.unlink(beside)
        return True

    def exists(self, location: str) -> bool:
        return os.path.exists(path_of(location))

    def is_folder(self, location: str) -> bool:
        return os.path.isdir(path_of(location))

    def list_files(self, location: str) -> list[str]:
        """Links to folders are followed, each folder once."""
        path = path_of(location)
        if os.path.isfile(path):
            return [path]
        if not os.path.exists(path):
            return []
        with _told(location, "listed"):
            return sorted(_files_below(path))

    def list_sizes(self, folder: str) -> list[tuple[str, int]]:
        return [(name, os.path.getsize(name)) for name in self.list_files(folder)]

    def list_folders(self, location: str) -> list[str]:
        with _told(location, "listed"), os.scandir(path_of(location)) as entries:
            return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))

    def is_glob(self, location: str) -> bool:
        path = path_of(location)
        return _globbing.has_magic(path) and not os.path.exists(path)

    def glob(self, pattern: str) -> list[str]:
        found = _globbing.glob(path_of(pattern), recursive=True)
        return sorted(name for name in found if os.path.isfile(name))

    def delete_tree(self, location: str) -> None:
        path = path_of(location)
        with _told(location, "deleted"):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                Path(path).unlink(missing_ok=True)

    def refusal_hint(self) -> str:
        return ""


def path_of(location: str) -> str:
    """The path of a local location, `~` expanded. Raises `StoreError` for a remote one."""
    scheme, path = base.split(location)
    if scheme != "file":
        raise StoreError(f"{shown(location)} is not a local path")
    if path is location:
        return os.path.expanduser(path) if path.startswith("~") else path
    return urllib.parse.unquote("/" + path.partition("/")[2])


class _FileSource:
    def __init__(self, path: str) -> None:
        self.path = path
        self.size: int | None = None

    @property
    def end(self) -> int | None:
        return None  # a local read that returns nothing is the end

    def open_at(self, position: int) -> base.Reader:
        file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - the stream closes it
        try:
            self.size = os.fstat(file.fileno()).st_size
            file.seek(position)
        except BaseException:
            file.close()
            raise
        return file


def _files_below(top: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise error

    seen = {_identity(top)}
    for folder, folders, names in os.walk(top, onerror=refuse, followlinks=True):
        inside = []
        for name in sorted(folders):
            # A link may lead back to a folder above it, or to one that was listed already.
            identity = _identity(os.path.join(folder, name))
            if not name.startswith(".") and identity not in seen:
                seen.add(identity)
                inside.append(name)
        folders[:] = inside
        yield from (os.path.join(folder, name) for name in names if not name.startswith("."))


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def _told(location: str, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{shown(location)} cannot be {done}: {retries.reason_of(error)}"
        ) from None


def _created(path: str, data: bytes) -> bool:
    """Write a file where there is none; False where there is one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, *_NO_LINKS):  # a mount that has no folders to sync
            raise
    finally:
        os.close(descriptor)
