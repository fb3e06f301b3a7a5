"""Reading a run's tables without Spark, for the commands that look at a finished run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from infimm_spark import schemas, store
from infimm_spark.run.files import parquet_files
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.stages.registry import STAGES, all_stages

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_LEDGER = pa.schema(
    [
        pa.field(f.name, pa.dictionary(pa.int32(), f.type) if f.type == pa.string() else f.type)
        for f in schemas.LEDGER
    ]
)


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
    """All ledger rows of a run (`schemas.LEDGER`, names as dictionaries)."""
    files = [file for stage in all_stages() for file in locations(layout, stage.name, "ledger")]
    return read_ledger(files)


def read_ledger(files: list[str]) -> pa.Table:
    """The rows of ledger files (`schemas.LEDGER`), with names as dictionaries, which saves
    memory."""
    table = dataset(files, _LEDGER)
    return _LEDGER.empty_table() if table is None else table.to_table()


def locations(layout: RunLayout, stage: str, name: str) -> list[str]:
    """Parquet files of one table: those that the manifest names, without a manifest what is
    there."""
    declared = STAGES.get(stage)
    if declared is not None and declared.by_group:
        marker = f"/table={name}/"
        return [f for f in group_files(layout) if marker in f]
    folder = folder_of(layout, stage, name)
    manifest = read_manifest(layout.manifest(stage))
    if manifest is None or not manifest.files:
        return parquet_files(folder)
    named = (store.join(layout.root, file.path) for file in manifest.files)
    return [location for location in named if location.startswith(f"{folder}/")]


def folder_of(layout: RunLayout, stage: str, name: str) -> str:
    """The folder that a table's committed files lie in."""
    declared = STAGES.get(stage)
    if declared is not None and name in declared.tables and declared.tables[name].released:
        return layout.released(name)
    return layout.table(stage, name)


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
    names = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    import pyarrow.dataset as ds  # brings pandas: half the start of a command

    parquet = ds.ParquetFileFormat(dictionary_columns=names)
    return ds.dataset(paths, schema=schema, filesystem=filesystem, format=parquet)
