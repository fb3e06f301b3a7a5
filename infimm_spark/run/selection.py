"""The input of a run that an index chooses: read once, kept with the run, and looked up group by group."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from infimm_spark import store
from infimm_spark.config import IndexConfig
from infimm_spark.errors import InputError
from infimm_spark.run import tables
from infimm_spark.run.files import catalogue
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import (
    check_identity,
    read_manifest,
    timestamp,
    write_manifest,
)
from infimm_spark.warc.listing import WarcFile, snapshot_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from infimm_spark.run.run import Run

_CDX = re.compile(r"\.cdxj?(?:\.gz)?$|/cdx-\d+\.gz$")
_STAGE = "selection"


def select(run: Run, config: IndexConfig) -> list[WarcFile]:
    """The WARC files that hold chosen records; the records are in the run's table `selection`.

    A selection that the run holds already is taken as it is. Raises `InputError` when nothing is chosen.
    """
    manifest = read_manifest(run.layout.manifest(_STAGE))
    identity = {"index": config.model_dump(mode="json", exclude={"mirror", "max_gap_bytes"})}
    if manifest is not None:
        check_identity("the selection of records", manifest.identity, identity)
    else:
        started = timestamp()
        folder = run.layout.table(_STAGE, "records")
        chosen = _chosen(run, config)
        run.write(chosen, folder)
        files = catalogue(run.layout.root, [folder], run.spark)
        counts = {"files": sum(file.rows for file in files)}
        manifest = run.manifest(_STAGE, identity, counts, files, started)
        write_manifest(run.layout.manifest(_STAGE), manifest)
    names = sorted(row["warc_file"] for row in _rows(run.layout, ["warc_file"]))
    if not names:
        raise InputError(f"the index {', '.join(map(store.shown, config.paths))} chooses no record")
    default = run.config.input.default_snapshot
    return [
        WarcFile(store.join(store.normal(config.mirror), name), name, snapshot_of(name, default))
        for name in names
    ]


def records_of(layout: RunLayout, warcs: list[WarcFile]) -> dict[str, list[dict[str, int]]]:
    """The chosen records of some WARC files, by their names."""
    names = [warc.warc_file for warc in warcs]
    where = pc.field("warc_file").isin(names)
    return {row["warc_file"]: row["records"] for row in _rows(layout, None, where)}


def fingerprint(config: IndexConfig) -> str:
    """SHA-256 of everything that shapes a selection but where the files are."""
    values = config.model_dump(mode="json", exclude={"mirror", "max_gap_bytes"})
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _rows(layout: RunLayout, columns: list[str] | None, where: Any = None) -> list[dict[str, Any]]:
    from infimm_spark.run.index import SELECTION

    return tables.rows(layout, _STAGE, "records", SELECTION, where, columns)


def _chosen(run: Run, config: IndexConfig) -> DataFrame:
    from infimm_spark.run.index import hosts_of, select_records

    for path in config.paths:
        if not store.is_glob(path) and not store.exists(path):
            raise InputError(f"index {store.shown(path)} does not exist")
    index = _index(run, config.paths)
    if config.urls is None:
        return select_records(index, config)
    urls = (
        run.spark.read.text(run.at(config.urls)).selectExpr("trim(value) as url").where("url != ''")
    )
    hosts = hosts_of([row.url for row in urls.limit(1_001).collect()])
    if hosts is not None and urls.count() <= 1_000:
        config = config.replaced(hosts=sorted({*config.hosts, *hosts}))
    return select_records(index, config, urls)


def _index(run: Run, paths: list[str]) -> DataFrame:
    from infimm_spark.run.index import from_cdxj

    spark: SparkSession = run.spark
    lines = [run.at(path) for path in paths if _CDX.search(path)]
    parquet = [path for path in paths if not _CDX.search(path)]
    if lines and parquet:
        raise InputError("input.index.paths mixes CDXJ and Parquet; expected one kind")
    if lines:
        return from_cdxj(spark.read.text(lines))
    # Files below one table's folder have partition columns only when Spark knows where the table begins.
    base = re.sub(r"/crawl=.*", "", parquet[0]) if "/crawl=" in parquet[0] else None
    reader = spark.read.option("basePath", run.at(base)) if base else spark.read
    return reader.parquet(*(run.at(path) for path in parquet))
