"""Reading a run's tables without Spark, for the commands that look at a finished run."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from infimm_spark import schemas, store
from infimm_spark.run.files import parquet_files
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.store import gs
from infimm_spark.store.s3 import endpoint_of


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
    filesystem, paths = filesystem_of(files)
    return ds.dataset(paths, schema=schema, filesystem=filesystem, format="parquet")


def filesystem_of(files: list[str]) -> tuple[fs.FileSystem, list[str]]:
    """pyarrow's file system for locations of one store, reached as `StoreConfig` says, and their paths."""
    if not (store.is_s3(files[0]) or store.is_gs(files[0])):
        return fs.LocalFileSystem(), [store.local_path(f) for f in files]
    paths = [f.partition("://")[2] for f in files]
    bucket = paths[0].partition("/")[0]
    if store.is_gs(files[0]):
        scheme, _, server = gs.endpoint().partition("://")
        anonymous = gs.is_anonymous(bucket)
        return fs.GcsFileSystem(anonymous=anonymous, scheme=scheme, endpoint_override=server), paths
    access = store.settings().access(bucket)
    options: dict[str, Any] = {"anonymous": True} if access.anonymous else {}
    if access.profile:
        import boto3

        credentials = boto3.Session(profile_name=access.profile).get_credentials()
        frozen = credentials.get_frozen_credentials()
        options |= {
            "access_key": frozen.access_key,
            "secret_key": frozen.secret_key,
            "session_token": frozen.token,
        }
    endpoint = endpoint_of(access)
    region = access.region or os.environ.get("AWS_REGION") or "us-east-1"
    return fs.S3FileSystem(endpoint_override=endpoint, region=region, **options), paths
