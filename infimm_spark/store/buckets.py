"""What stores of buckets and keys share: folders are prefixes, and globs are matched against
keys."""

from __future__ import annotations

import abc
import glob as _globbing
import re
from collections.abc import Mapping
from typing import ClassVar

from infimm_spark.errors import StoreConflictError, StoreError
from infimm_spark.store import base
from infimm_spark.store.base import shown


class BucketStore(abc.ABC):
    """A `Store` of `scheme://bucket/key`; a subclass says how keys are read, listed, written and
    deleted.

    `location` is passed along for messages.
    """

    spellings: ClassVar[Mapping[str, str]]
    remote = True

    @abc.abstractmethod
    def source(self, location: str, length: int | None) -> base.Source: ...

    @abc.abstractmethod
    def is_key(self, bucket: str, key: str, location: str) -> bool:
        """Whether there is an object of this very name."""

    @abc.abstractmethod
    def has_keys(self, bucket: str, prefix: str, location: str) -> bool:
        """Whether there is any key below a prefix."""

    @abc.abstractmethod
    def all_keys(self, bucket: str, prefix: str, location: str) -> list[tuple[str, int]]:
        """All keys below a prefix with their bytes, sorted; hidden ones and markers of folders
        too."""

    @abc.abstractmethod
    def folders(self, bucket: str, prefix: str, location: str) -> set[str]:
        """Names of the folders directly below a prefix."""

    @abc.abstractmethod
    def put_key(
        self, bucket: str, key: str, data: bytes, location: str, *, only_new: bool = False
    ) -> None:
        """Write an object; with `only_new` raises `StoreConflictError` where there is one
        already."""

    @abc.abstractmethod
    def delete_below(self, bucket: str, key: str, location: str) -> None:
        """Delete the object of this name and all below it as a folder."""

    def refusal_hint(self) -> str:
        return ""

    def normal(self, location: str) -> str:
        scheme, path = base.split(location)
        return f"{self.spellings[scheme]}://{path.rstrip('/')}"

    def put(self, location: str, data: bytes) -> None:
        self.put_key(*bucket_and_key(location), data, location)

    def put_new(self, location: str, data: bytes) -> bool:
        try:
            self.put_key(*bucket_and_key(location), data, location, only_new=True)
        except StoreConflictError:
            # The object may be ours: a write whose answer was lost was sent again.
            return self._read(location) == data
        return True

    def exists(self, location: str) -> bool:
        bucket, key = bucket_and_key(location)
        if key and self.is_key(bucket, key, location):
            return True
        return self.has_keys(bucket, below(key), location)

    def is_folder(self, location: str) -> bool:
        bucket, key = bucket_and_key(location)
        if _names_object(key) and self.is_key(bucket, key, location):
            return False
        return self.has_keys(bucket, below(key), location)

    def list_files(self, location: str) -> list[str]:
        bucket, key = bucket_and_key(location)
        if _names_object(key) and self.is_key(bucket, key, location):
            return [location]
        return [name for name, _ in self.list_sizes(location)]

    def list_sizes(self, folder: str) -> list[tuple[str, int]]:
        bucket, key = bucket_and_key(folder)
        prefix = below(key)
        return [
            (_spelled_as(folder, bucket, name), size)
            for name, size in self.all_keys(bucket, prefix, folder)
            if _is_plain(name, prefix)
        ]

    def list_folders(self, location: str) -> list[str]:
        bucket, key = bucket_and_key(location)
        names = self.folders(bucket, below(key), location)
        return sorted(name for name in names if not name.startswith("."))

    def is_glob(self, location: str) -> bool:
        return _globbing.has_magic(base.split(location)[1])

    def glob(self, pattern: str) -> list[str]:
        bucket, key = bucket_and_key(pattern)
        literal = re.split(r"[*?\[]", key, maxsplit=1)[0]
        matches = key_pattern(key).fullmatch
        return [
            _spelled_as(pattern, bucket, name)
            for name, _ in self.all_keys(bucket, literal, pattern)
            if matches(name) and _is_plain(name, literal)
        ]

    def delete_tree(self, location: str) -> None:
        bucket, key = bucket_and_key(location)
        if not key.strip("/"):
            raise StoreError(f"{shown(location)} is a whole bucket; expected a prefix to delete")
        self.delete_below(bucket, key, location)

    def _read(self, location: str) -> bytes:
        from infimm_spark.store.streams import open_at

        with open_at(location) as stream:
            return stream.read()


def bucket_and_key(location: str) -> tuple[str, str]:
    """Of a location in a bucket. Raises `StoreError` where it names none."""
    bucket, _, key = base.split(location)[1].partition("/")
    if not bucket:
        raise StoreError(
            f"{shown(location)} names no bucket; expected {location.partition('://')[0]}://bucket/key"
        )
    return bucket, key


def below(key: str) -> str:
    """The prefix of what lies in a folder; empty for the bucket itself."""
    return f"{key.rstrip('/')}/" if key.strip("/") else ""


def key_pattern(pattern: str) -> re.Pattern[str]:
    """`a/**/b*.gz` as a regular expression over keys."""
    out = []
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**/", i):
            out.append("(?:[^/]+/)*")
            i += 3
            continue
        if pattern.startswith("**", i):
            out.append(".*")
            i += 2
            continue
        close = pattern.find("]", i + 2) if char == "[" else -1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif close > 0:
            inside = pattern[i + 1 : close].replace("\\", r"\\")
            out.append("[" + ("^" + inside[1:] if inside[0] == "!" else inside) + "]")
            i = close
        else:
            out.append(re.escape(char))
        i += 1
    return re.compile("".join(out))


def _names_object(key: str) -> bool:
    return bool(key) and not key.endswith("/")


def _is_plain(key: str, prefix: str) -> bool:
    """Whether a key below a prefix is neither hidden, at any level, nor only the marker of a
    folder."""
    return not key.endswith("/") and not any(
        part.startswith(".") for part in key[len(prefix) :].split("/")
    )


def _spelled_as(location: str, bucket: str, key: str) -> str:
    """A key's location under the scheme that the caller uses: Spark knows `s3a` only."""
    return f"{location.partition('://')[0]}://{bucket}/{key}"
