"""Which files a finished piece of work consists of: named, counted and checksummed in its manifest.

Readers take the files a manifest names and no others, so that what a killed or belated writer left
in the same folder is never read.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from infimm_spark import store
from infimm_spark.errors import OutputError, StoreError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")

_PIECE = 1 << 20
_FEW = 32  # files that the driver reads itself, rather than a Spark job


class DataFile(BaseModel):
    """One Parquet file: its path below the run's root, rows, bytes, and SHA-256 (hex) of its
    bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    rows: int
    bytes: int
    sha256: str


def parquet_files(folder: str) -> list[str]:
    """Locations of the Parquet files below a folder, without those of a writer still at work."""
    return [location for location, _ in parquet_sizes(folder)]


def parquet_sizes(folder: str) -> list[tuple[str, int]]:
    """`parquet_files` with their bytes."""
    base = len(folder.rstrip("/")) + 1
    return [
        (location, size)
        for location, size in store.list_sizes(folder)
        if location.endswith(".parquet")
        and not any(part.startswith("_") for part in location[base:].split("/"))
    ]


def catalogue(
    root: str, folders: Iterable[str], spark: SparkSession | None = None
) -> list[DataFile]:
    """Every Parquet file below `folders` (below `root`), read once from end to end.

    Where there are many the reading is a job on `spark`. Raises `StoreError` for what cannot be
    read and `OutputError` for what is not whole Parquet.
    """
    locations = [location for folder in folders for location in parquet_files(folder)]
    found = _for_each(_measured, locations, spark)
    base = len(root.rstrip("/")) + 1
    return [
        DataFile(path=location[base:], rows=rows, bytes=size, sha256=digest)
        for location, rows, size, digest in sorted(found)
    ]


def digests(locations: list[str], spark: SparkSession | None = None) -> dict[str, str]:
    """By location `SHA-256 <hex>` of its bytes, or why it cannot be read. Many are read by a job on
    `spark`."""
    return dict(_for_each(_digest, locations, spark))


def _for_each(
    look: Callable[[str], T], locations: list[str], spark: SparkSession | None
) -> list[T]:
    """`look` at each file: here where they are few, else on executors."""
    if spark is None or len(locations) <= _FEW:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(look, locations))
    settings = store.settings()

    def looked(location: str) -> T:
        store.configure(settings)
        return look(location)

    slices = min(len(locations), 4 * spark.sparkContext.defaultParallelism)
    return spark.sparkContext.parallelize(locations, slices).map(looked).collect()


def _digest(location: str) -> tuple[str, str]:
    digest = hashlib.sha256()
    try:
        with store.open_stream(location, check=False) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    except StoreError as error:
        return location, f"what cannot be read ({error})"
    return location, f"SHA-256 {digest.hexdigest()}"


def _measured(location: str) -> tuple[str, int, int, str]:
    digest = hashlib.sha256()
    size, tail = 0, b""
    with store.open_stream(location, check=False) as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            tail = (tail + piece)[-_PIECE:]
    return location, _rows(location, size, tail), size, digest.hexdigest()


def _rows(location: str, size: int, tail: bytes) -> int:
    """Rows by the footer: thrift, its length in four bytes, and the magic."""
    if len(tail) >= 12 and tail.endswith(b"PAR1"):
        footer = struct.unpack("<I", tail[-8:-4])[0] + 8
        if footer > len(tail):
            tail = store.read_range(location, max(0, size - footer), footer)
        try:
            return int(pq.read_metadata(pa.BufferReader(tail)).num_rows)
        except (pa.ArrowException, OSError):
            pass
    raise OutputError(f"{store.shown(location)} is not a whole Parquet file")
