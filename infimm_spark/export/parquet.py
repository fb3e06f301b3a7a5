"""The corpus as plain Parquet files with its own columns, outside the run's folders."""

from __future__ import annotations

import pyarrow as pa

from infimm_spark import schemas
from infimm_spark.export.base import Format
from infimm_spark.export.documents import Pictures
from infimm_spark.export.shards import ParquetShards, Shards


class _Writer:
    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._unit = shards.unit
        self._rows = ParquetShards(
            shards, schemas.CORPUS, lambda n: f"part-{shards.unit:05d}-{n:04d}.parquet"
        )

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        self._rows.write(batch)

    def close(self) -> None:
        self._rows.close(even_empty=self._unit == 0)


PARQUET = Format("parquet", "the corpus's own columns", _Writer, holds_pictures=False)
