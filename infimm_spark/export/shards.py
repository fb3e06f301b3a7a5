"""The files that one unit of an export writes: named, counted, and cut by size."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from infimm_spark import store

_ROW_GROUP_BYTES = 32 << 20  # of Arrow data: what a reader holds at once


class Shard(BaseModel):
    """One file of an export: path below its folder, documents, bytes and SHA-256 (hex)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    documents: int
    bytes: int
    sha256: str


class Shards:
    """Where a unit's files go. `limit` is the size in bytes at which a writer begins a new one."""

    def __init__(self, folder: str, unit: int, limit: int) -> None:
        self._folder = folder
        self.unit = unit
        self.limit = limit
        self.written: list[Shard] = []
        self.facts: dict[str, Any] = {}
        """Plain JSON values that the format's finish wants to know of this unit."""

    def put(self, path: str, content: bytes, documents: int) -> None:
        """Write a file in one step; `documents` are those in it, 0 for an index beside a shard."""
        store.write_bytes(store.join(self._folder, path), content)
        self.written.append(
            Shard(
                path=path,
                documents=documents,
                bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )


class ParquetShards:
    """Tables to Parquet files: `path_of(n)` names the nth file of this writer.

    Files have a page index and, where pyarrow can, chunks defined by content, so that stores that
    keep equal chunks once send and keep little of a changed file.
    """

    def __init__(self, shards: Shards, schema: pa.Schema, path_of: Callable[[int], str]) -> None:
        self._shards = shards
        self._schema = schema
        self._path_of = path_of
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._sink = io.BytesIO()
        self._documents = self._files = 0

    def write(self, batch: pa.RecordBatch, documents: int | None = None) -> None:
        """Add the rows of a batch, which are `documents` documents (default: one a row)."""
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        self._documents += batch.num_rows if documents is None else documents
        if self._waiting_bytes >= min(_ROW_GROUP_BYTES, self._shards.limit):
            self._end_group()
            if self._sink.tell() >= self._shards.limit:
                self._end_file()

    def close(self, *, even_empty: bool = False) -> None:
        """Write what is left; with `even_empty` a file without rows where there were none."""
        self._end_group()
        if self._writer is not None or (even_empty and not self._files):
            self._open()
            self._end_file()

    def _end_group(self) -> None:
        if not self._waiting:
            return
        table = pa.Table.from_batches(self._waiting, schema=self._schema)
        self._open().write_table(table, row_group_size=max(1, table.num_rows))
        self._waiting, self._waiting_bytes = [], 0

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._sink,
                self._schema,
                compression="zstd",
                write_page_index=True,
                **_content_defined(),
            )
        return self._writer

    def _end_file(self) -> None:
        assert self._writer is not None
        self._writer.close()
        self._shards.put(self._path_of(self._files), self._sink.getvalue(), self._documents)
        self._writer, self._sink = None, io.BytesIO()
        self._files, self._documents = self._files + 1, 0


def _content_defined() -> dict[str, bool]:
    """pyarrow has content-defined chunks from 21 on."""
    if int(pa.__version__.partition(".")[0]) >= 21:
        return {"use_content_defined_chunking": True}
    return {}
