"""What remote sources share: byte ranges, and the check that a resumed object is still the same."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import Any

from infimm_spark.errors import StoreError
from infimm_spark.store import retries
from infimm_spark.store.base import Reader, shown
from infimm_spark.store.retries import WrongLengthError

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class RangeSource:
    """An object read by byte ranges; `length` bytes of it, or all."""

    def __init__(self, location: str, length: int | None) -> None:
        self.location = location
        self.length = length
        self.size: int | None = None
        self.end: int | None = None
        self._start: int | None = None
        self._tag: str | None = None

    def range_from(self, position: int) -> str:
        """The range to ask for: also from byte 0, as the answer then tells the length twice."""
        if self._start is None:
            self._start = position
        last = "" if self.length is None else str(self._start + self.length - 1)
        return f"bytes={position}-{last}"

    def opened(self, size: int | None, tag: str | None) -> None:
        """Note the object's size and tag; raises `StoreError` where they differ from the last
        time."""
        if self.size is not None and (size != self.size or (tag or self._tag) != self._tag):
            raise StoreError(f"{shown(self.location)} changed while it was read")
        self.size, self._tag = size, tag or self._tag
        self.end = size
        if self.length is not None and self._start is not None:
            stop = self._start + self.length
            self.end = stop if size is None else min(stop, size)


class HttpSource(RangeSource):
    """A range by plain HTTP."""

    def open_at(self, position: int) -> Reader:
        try:
            response = self.answer(self.range_from(position))
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            with error:
                return Nothing()  # the range starts at or behind the end
        try:
            ranged = response.status == 206
            if not ranged and (position or self.length is not None):
                raise StoreError(f"{shown(self.location)} is on a server without byte ranges")
            length = response.headers.get("Content-Length", "")
            total = whole_size(
                response.headers.get("Content-Range", "") if ranged else "",
                int(length) if length.isdigit() else None,
            )
            self.opened(total, response.headers.get("ETag"))
        except BaseException:
            response.close()
            raise
        return response  # type: ignore[no-any-return]

    def answer(self, wanted: str) -> Any:
        """The response to a GET of the bytes `wanted` (a Range header)."""
        headers = {"Accept-Encoding": "identity", "Range": wanted}
        request = urllib.request.Request(self.location, headers=headers)
        return urllib.request.urlopen(request, timeout=retries.settings.timeout_seconds)


class Nothing:
    """A range behind the object's end."""

    def read(self, n: int, /) -> bytes:
        return b""

    def close(self) -> None:
        return None


def whole_size(content_range: str, length: int | None) -> int | None:
    """An object's size as an answer tells it. Raises `WrongLengthError` where it tells two
    lengths."""
    match = _CONTENT_RANGE.match(content_range)
    if not match:
        return length
    first, last, total = match.groups()
    if length is not None and length != int(last) + 1 - int(first):
        raise WrongLengthError("Content-Length is not the range's")
    return int(total) if total.isdigit() else None
