"""The corpus as plain Parquet files of a set number of rows, outside the run's folders."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas, store
from infimm_spark.export.base import Format

ROWS_PER_FILE = 50_000
"""Documents of one file: some 150 MB of compressed mathematics pages."""


def write_parquet(batches: Iterator[pa.RecordBatch], output: str) -> int:
    """Write `part-00000.parquet`, `part-00001.parquet`, … and return the number of documents."""
    waiting: list[pa.RecordBatch] = []
    files = documents = rows = 0
    for batch in batches:
        while batch.num_rows:
            taken = batch.slice(0, ROWS_PER_FILE - rows)
            batch = batch.slice(taken.num_rows)
            waiting.append(taken)
            rows += taken.num_rows
            documents += taken.num_rows
            if rows == ROWS_PER_FILE:
                _write(waiting, output, files)
                waiting, rows, files = [], 0, files + 1
    if waiting or not files:
        _write(waiting, output, files)
    return documents


def _write(batches: list[pa.RecordBatch], output: str, number: int) -> None:
    table = pa.Table.from_batches(batches, schema=schemas.CORPUS)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_index=True)
    store.write_bytes(store.join(output, f"part-{number:05d}.parquet"), sink.getvalue())


PARQUET = Format("parquet", "the corpus's own columns, in files of 50,000 documents", write_parquet)
