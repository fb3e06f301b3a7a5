"""Fetched images: what became of each URL, and where its bytes are.

Shards are Parquet files of `schemas.FETCHED`, `RUN/fetched/part-*.parquet`. A shard is written in
one step, so that each file in the folder is complete. A URL may have several rows, of several runs
of the command; the one that counts is an `ok` if there is one, else the newest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import store

OK = "ok"
_KEY_DIGITS = 32


def image_key(url: str) -> str:
    """The key of an image URL in `schemas.IMAGES` and `schemas.FETCHED`, and its name in tars."""
    return hashlib.sha256(url.encode()).hexdigest()[:_KEY_DIGITS]


@dataclass(frozen=True, slots=True)
class FetchedImage:
    """An image with its bytes as received; `format` is `jpeg`, `png`, …; sizes in pixels."""

    key: str
    format: str
    width: int
    height: int
    sha256: str
    image: bytes


class FetchedImages:
    """Bytes of fetched images by URL, without Spark: for exports that run in one process.

    In memory are a row's place for each image that was fetched (about 150 bytes) and the last few
    row groups that were read. `folder` is the run's `fetched` folder; one that does not exist holds
    no image.
    """

    def __init__(self, folder: str, cached_groups: int = 8) -> None:
        self._places: dict[str, tuple[str, int, int]] = {}
        self._groups: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()
        self._cached = cached_groups
        newest: dict[str, dt.datetime] = {}
        for file in shard_files(folder):
            with _opened(file) as shard:
                for number in range(shard.num_row_groups):
                    group = shard.read_row_group(number, ["key", "status", "fetched"])
                    rows = zip(
                        *(group.column(c).to_pylist() for c in group.column_names), strict=True
                    )
                    for row, (key, status, when) in enumerate(rows):
                        if status == OK and (key not in newest or when > newest[key]):
                            newest[key] = when
                            self._places[key] = (file, number, row)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, url: str) -> bool:
        return image_key(url) in self._places

    def get(self, url: str) -> FetchedImage | None:
        """The image of a URL; None where it was not fetched. Fast for neighbours of a shard."""
        key = image_key(url)
        place = self._places.get(key)
        if place is None:
            return None
        file, group, row = place
        (values,) = self._group(file, group).slice(row, 1).to_pylist()
        return FetchedImage(**values)

    def _group(self, file: str, number: int) -> pa.Table:
        found = self._groups.pop((file, number), None)
        if found is None:
            with _opened(file) as shard:
                found = shard.read_row_group(number, list(FetchedImage.__slots__))
        self._groups[file, number] = found
        if len(self._groups) > self._cached:
            self._groups.popitem(last=False)
        return found


def shard_files(folder: str) -> list[str]:
    """The shards in a folder, sorted."""
    return [
        file
        for file in store.list_files(folder)
        if file.endswith(".parquet") and file.rpartition("/")[2].startswith("part-")
    ]


def _opened(file: str) -> pq.ParquetFile:
    filesystem, (path,) = store.arrow([file])
    return pq.ParquetFile(filesystem.open_input_file(path))
