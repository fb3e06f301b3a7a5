"""Reading a run's tables without Spark, for the commands that look at a finished run."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from infimm_spark import schemas, store
from infimm_spark.run.files import parquet_files
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest


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
    """Parquet files of one table: those that the manifests name, for a stage without one what is there."""
    if stage == "extract":
        marker = f"/table={name}/"
        return [f for f in group_files(layout) if marker in f]
    folder = layout.corpus if name == "corpus" else layout.table(stage, name)
    manifest = read_manifest(layout.manifest(stage))
    if manifest is None or not manifest.files:
        return parquet_files(folder)
    named = (store.join(layout.root, file.path) for file in manifest.files)
    return [location for location in named if location.startswith(f"{folder}/")]


def group_files(layout: RunLayout) -> list[str]:
    """Files of all committed groups of the extract stage."""
    manifests = (read_manifest(f) for f in store.list_files(layout.group_manifests))
    return [
        store.join(layout.root, file.path)
        for manifest in manifests
        if manifest is not None
        for file in manifest.files
    ]


def dataset(files: list[str], schema: pa.Schema) -> ds.Dataset | None:
    """The files as one dataset, or None where there are none."""
    if not files:
        return None
    filesystem, paths = store.arrow(files)
    return ds.dataset(paths, schema=schema, filesystem=filesystem, format="parquet")
