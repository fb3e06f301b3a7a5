"""A store that nothing in the package knows: `memory://bucket/key`, held by this process.

Spark's JVM cannot see this process's memory, so the objects lie in a folder (a RAM disk would do),
which only this store and its connector know: everything else of the package sees keys.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, ClassVar

from infimm_spark.errors import StoreConflictError
from infimm_spark.spark.connector import Connector
from infimm_spark.store import base
from infimm_spark.store.buckets import BucketStore, bucket_and_key


class MemoryStore(BucketStore):
    """Objects by bucket and key. `reads` and `writes` are the locations asked for, in order."""

    spellings: ClassVar = {"memory": "memory", "mem": "memory"}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reads: list[str] = []
        self.writes: list[str] = []

    def file(self, location: str) -> Path:
        """Where an object lies."""
        return self.folder.joinpath(*bucket_and_key(location))

    def source(self, location: str, length: int | None) -> base.Source:
        self.reads.append(location)
        return _Source(self.file(location))

    def is_key(self, bucket: str, key: str, location: str) -> bool:
        return (self.folder / bucket / key).is_file()

    def has_keys(self, bucket: str, prefix: str, location: str) -> bool:
        return bool(self.all_keys(bucket, prefix, location))

    def all_keys(self, bucket: str, prefix: str, location: str) -> list[tuple[str, int]]:
        root = self.folder / bucket
        files = [path for path in root.rglob("*") if path.is_file()]
        keys = [(path.relative_to(root).as_posix(), path.stat().st_size) for path in files]
        return sorted((key, size) for key, size in keys if key.startswith(prefix))

    def folders(self, bucket: str, prefix: str, location: str) -> set[str]:
        below = (key[len(prefix) :] for key, _ in self.all_keys(bucket, prefix, location))
        return {rest.partition("/")[0] for rest in below if "/" in rest}

    def put_key(
        self, bucket: str, key: str, data: bytes, location: str, *, only_new: bool = False
    ) -> None:
        self.writes.append(location)
        path = self.folder / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb" if only_new else "wb") as file:
                file.write(data)
        except FileExistsError:
            raise StoreConflictError(f"{location} exists already") from None

    def delete_below(self, bucket: str, key: str, location: str) -> None:
        path = self.folder / bucket / key
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


class MemoryConnector(Connector):
    """Spark's way to the same objects."""

    schemes = ("memory", "mem")

    def __init__(self, held: MemoryStore) -> None:
        self.held = held
        self.prepared = 0

    def prepare(self, spark: Any) -> None:
        self.prepared += 1

    def spark_location(self, spark: Any, location: str) -> str:
        return f"file://{self.held.file(location)}"


class _Source:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.size: int | None = None

    @property
    def end(self) -> int | None:
        return self.size

    def open_at(self, position: int) -> base.Reader:
        file = self.path.open("rb")
        self.size = os.fstat(file.fileno()).st_size
        file.seek(position)
        return file
