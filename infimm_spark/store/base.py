"""What a store is: the protocol that each scheme implements, and the registry that finds a
location's store.

A new scheme is one class and one call of `register`; nothing else in the package names a scheme.
Spark's own way to the same scheme, if it has one, is a record of `infimm_spark.spark.connectors`.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Protocol

from infimm_spark.errors import StoreError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Reader(Protocol):
    """One open connection, or file."""

    def read(self, n: int, /) -> bytes: ...

    def close(self) -> None: ...


class Source(Protocol):
    """How an object is opened. `size` and `end` (the last byte wanted, exclusive) are known once
    open."""

    size: int | None

    @property
    def end(self) -> int | None: ...

    def open_at(self, position: int) -> Reader: ...


class Store(Protocol):
    """Objects of one scheme, by location. Each method raises `StoreError` where it cannot do its
    work."""

    @property
    def spellings(self) -> Mapping[str, str]:
        """The schemes served here, in lower case, each with the spelling that this package
        writes."""
        ...

    @property
    def remote(self) -> bool:
        """Whether an open object holds a connection: such are read ahead, and the cluster's cap
        counts them."""
        ...

    def normal(self, location: str) -> str:
        """The location as this package writes it: one spelling of the scheme, no slash at the
        end."""
        ...

    def source(self, location: str, length: int | None) -> Source:
        """How to read `length` bytes of an object, or all of it."""
        ...

    def put(self, location: str, data: bytes) -> None:
        """Write an object as a whole: readers see the old one or the new one, even after a
        crash."""
        ...

    def put_new(self, location: str, data: bytes) -> bool:
        """As `put`, where there is no object yet. Of several writers exactly one succeeds."""
        ...

    def exists(self, location: str) -> bool:
        """Whether there is an object or a folder."""
        ...

    def is_folder(self, location: str) -> bool:
        """Whether there is a folder and no object."""
        ...

    def list_files(self, location: str) -> list[str]:
        """Files below a folder, recursively, sorted, without hidden ones; a file lists itself."""
        ...

    def list_sizes(self, folder: str) -> list[tuple[str, int]]:
        """`list_files` of a folder, each with its bytes."""
        ...

    def list_folders(self, location: str) -> list[str]:
        """Names of the folders directly below a folder, sorted, without hidden ones."""
        ...

    def is_glob(self, location: str) -> bool:
        """Whether the location is a pattern."""
        ...

    def glob(self, pattern: str) -> list[str]:
        """Files that match a pattern, sorted."""
        ...

    def delete_tree(self, location: str) -> None:
        """Delete a folder with all it holds, or one file; an absent one is no error."""
        ...

    def refusal_hint(self) -> str:
        """What a message about a refused request (HTTP 401, 403) adds; empty for nothing."""
        ...


_stores: dict[str, Store] = {}


def register(store: Store) -> None:
    """Serve the store's schemes from now on, in this process."""
    for scheme in store.spellings:
        _stores[scheme] = store


def unregister(store: Store) -> None:
    """Serve its schemes no longer."""
    for scheme in store.spellings:
        _stores.pop(scheme, None)


def store_of(location: str) -> Store:
    """The store of a location; a location without a scheme is a local path. Raises `StoreError`."""
    scheme, _ = split(location)
    found = _stores.get(scheme)
    if found is None:
        raise StoreError(
            f"{shown(location)}: unknown scheme {scheme!r}; expected a local path or one of "
            f"{', '.join(sorted(_stores))}"
        )
    return found


def split(location: str) -> tuple[str, str]:
    """(scheme in lower case, what follows `://`); a path without a scheme is of scheme `file`."""
    match = _SCHEME.match(location)
    return (match[1].lower(), location[match.end() :]) if match else ("file", location)


def shown(location: str) -> str:
    """The location as messages may show it: without user, password, query string and fragment."""
    if not _SCHEME.match(location):
        return location
    try:
        parts = urllib.parse.urlsplit(location)
    except ValueError:  # a broken IPv6 host, for example
        return location.partition("://")[0] + "://?"
    return urllib.parse.urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")
    )
