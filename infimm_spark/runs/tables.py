"""Reading a run's tables without Spark, for the commands that look at a finished run."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from infimm_spark import schemas
from infimm_spark.crawl import store
from infimm_spark.runs.layout import RunLayout


def rows(
    layout: RunLayout,
    stage: str,
    name: str,
    schema: pa.Schema,
    where: ds.Expression | None = None,
    columns: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Rows of one table as dictionaries; an absent table has none."""
    table = dataset(locations(layout, stage, name), schema)
    return [] if table is None else table.to_table(columns=columns, filter=where).to_pylist()


def ledger(layout: RunLayout) -> pa.Table:
    """All ledger rows of a run (`schemas.LEDGER`)."""
    parts = [
        table.to_table()
        for stage in ("extract", "dedup", "refine", "publish")
        if (table := dataset(locations(layout, stage, "ledger"), schemas.LEDGER)) is not None
    ]
    return pa.concat_tables(parts) if parts else schemas.LEDGER.empty_table()


def locations(layout: RunLayout, stage: str, name: str) -> list[str]:
    """Parquet files of one table."""
    if stage == "extract":
        marker = f"/table={name}/"
        return [f for f in _parquet_files(layout.groups) if marker in f]
    if name == "corpus":
        return _parquet_files(layout.corpus)
    return _parquet_files(layout.table(stage, name))


def dataset(files: list[str], schema: pa.Schema) -> ds.Dataset | None:
    """The files as one dataset, or None where there are none."""
    if not files:
        return None
    filesystem, _ = fs.FileSystem.from_uri(_uri(files[0]))
    paths = [fs.FileSystem.from_uri(_uri(f))[1] for f in files]
    return ds.dataset(paths, schema=schema, filesystem=filesystem, format="parquet")


def _parquet_files(location: str) -> list[str]:
    return [f for f in store.list_files(location) if f.endswith(".parquet")]


def _uri(location: str) -> str:
    """pyarrow knows s3, not Hadoop's s3a."""
    if location.startswith("s3a://"):
        return "s3://" + location.removeprefix("s3a://")
    return location
