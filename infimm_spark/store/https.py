"""`https://` and `http://`: objects of a web server, to be read; it has no listing and cannot be
written."""

from __future__ import annotations

import urllib.request
from typing import ClassVar, NoReturn

from infimm_spark.errors import MissingObjectError, StoreError
from infimm_spark.store import base, retries
from infimm_spark.store.base import shown
from infimm_spark.store.sources import HttpSource


class HttpsStore:
    """The `Store` of web servers."""

    spellings: ClassVar = {"https": "https", "http": "http"}
    remote = True

    def normal(self, location: str) -> str:
        return location.rstrip("/")

    def source(self, location: str, length: int | None) -> base.Source:
        return HttpSource(location, length)

    def put(self, location: str, data: bytes) -> NoReturn:
        raise StoreError(f"{shown(location)} cannot be written: a web server is read-only")

    def put_new(self, location: str, data: bytes) -> NoReturn:
        self.put(location, data)

    def exists(self, location: str) -> bool:
        request = urllib.request.Request(location, method="HEAD")
        seconds = retries.settings.timeout_seconds
        try:
            retries.retried(
                lambda: urllib.request.urlopen(request, timeout=seconds).close(), "open", location
            )
        except MissingObjectError:
            return False
        return True

    def is_folder(self, location: str) -> bool:
        return False

    def list_files(self, location: str) -> NoReturn:
        raise StoreError(f"{shown(location)} cannot be listed: a web server has no listing")

    def list_sizes(self, folder: str) -> NoReturn:
        self.list_files(folder)

    def list_folders(self, location: str) -> NoReturn:
        self.list_files(location)

    def is_glob(self, location: str) -> bool:
        return False  # a `?` begins the query

    def glob(self, pattern: str) -> NoReturn:
        self.list_files(pattern)

    def delete_tree(self, location: str) -> NoReturn:
        raise StoreError(f"{shown(location)} cannot be deleted: a web server is read-only")

    def refusal_hint(self) -> str:
        return ""
