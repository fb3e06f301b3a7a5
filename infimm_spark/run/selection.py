"""The input of a run that an index chooses: read once, kept with the run, and looked up group by
group."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from infimm_spark import store
from infimm_spark.config import IndexConfig, config_hash
from infimm_spark.errors import InfimmError, InputError, MissingObjectError, StoreError
from infimm_spark.run import tables
from infimm_spark.run.files import catalogue
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import (
    check_identity,
    read_manifest,
    timestamp,
    write_manifest,
)
from infimm_spark.spark.preflight import check_readable
from infimm_spark.urls import url_host
from infimm_spark.warc.index_files import (
    cdx_letters,
    first_names,
    index_files,
    is_index_of_lines,
)
from infimm_spark.warc.listing import WarcFile, snapshot_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from infimm_spark.run.run import Run

log = logging.getLogger(__name__)

_NAMED = 10  # of what is left out, messages name the first
_STAGE = "selection"


def select(run: Run, config: IndexConfig) -> list[WarcFile]:
    """The WARC files that hold chosen records; the records are in the run's table `selection`.

    A selection that the run holds already is taken as it is. Raises `InputError` when nothing is
    chosen, or nothing of it can be read; a new run then leaves nothing behind.
    """
    manifest = read_manifest(run.layout.manifest(_STAGE))
    identity = {"index": config.model_dump(mode="json", exclude={"mirror", "max_gap_bytes"})}
    if manifest is not None:
        check_identity("the selection of records", manifest.identity, identity)
        return _warcs(run, config)
    try:
        started = timestamp()
        folder = run.layout.table(_STAGE, "records")
        run.write(_chosen(run, config), folder)
        files = catalogue(run.layout.root, [folder], run.spark)
        counts = {"files": sum(file.rows for file in files)}
        manifest = run.manifest(_STAGE, identity, counts, files, started)
        write_manifest(run.layout.manifest(_STAGE), manifest)
        warcs = _warcs(run, config)
        check_readable(warcs)
    except InfimmError:
        store.delete_tree(run.layout.table(_STAGE, ""))
        run.withdraw()
        raise
    return warcs


def check_index(config: IndexConfig) -> None:
    """What can be known of an index before Spark starts. Raises `InputError`.

    Its files are there, the list of URLs can be read, and the mirror answers for a WARC file that
    it names.
    """
    for path in config.paths:
        if not store.is_glob(path) and not store.exists(path):
            raise InputError(f"index {store.shown(path)} does not exist")
    if config.urls is not None and not store.exists(config.urls):
        raise InputError(f"list of URLs {store.shown(config.urls)} does not exist")
    mirror = store.normal(config.mirror)
    if store.scheme_of(mirror) == "file" and not store.is_folder(mirror):
        raise InputError(
            f"mirror {mirror} is not a folder; expected the folder that WARC file names are "
            "relative to"
        )
    name = next(
        (n for path in config.paths if is_index_of_lines(path) for n in first_names(path)), None
    )
    if name is None:
        return
    location = store.join(mirror, name)
    try:
        store.read_range(location, 0, 1)
    except MissingObjectError:
        # A mirror may hold a part of a crawl: its own layout is enough.
        if not name.startswith("crawl-data/"):
            raise InputError(
                f"mirror {store.shown(mirror)} does not hold {name}, which the index names; "
                "expected the folder "
                "of the WARC files (--mirror, input.index.mirror)"
            ) from None
    except StoreError as error:
        raise InputError(
            f"mirror {store.shown(mirror)} cannot be reached (--mirror, input.index.mirror): "
            f"{error}"
        ) from None


def records_of(layout: RunLayout, warcs: list[WarcFile]) -> dict[str, list[dict[str, int]]]:
    """The chosen records of some WARC files, by their names."""
    names = [warc.warc_file for warc in warcs]
    where = pc.field("warc_file").isin(names)
    return {row["warc_file"]: row["records"] for row in _rows(layout, None, where)}


def fingerprint(config: IndexConfig) -> str:
    """A hash of everything that shapes a selection but where the files are."""
    return config_hash(config.model_dump(mode="json", exclude={"mirror", "max_gap_bytes"}))


def _rows(layout: RunLayout, columns: list[str] | None, where: Any = None) -> list[dict[str, Any]]:
    from infimm_spark.run.index import SELECTION

    return tables.rows(layout, _STAGE, "records", SELECTION, where, columns)


def _warcs(run: Run, config: IndexConfig) -> list[WarcFile]:
    names = sorted(row["warc_file"] for row in _rows(run.layout, ["warc_file"]))
    if not names:
        raise InputError(f"the index {', '.join(map(store.shown, config.paths))} selects no record")
    default = run.config.input.default_snapshot
    mirror = store.normal(config.mirror)
    return [WarcFile(store.join(mirror, n), n, snapshot_of(n, default)) for n in names]


def _chosen(run: Run, config: IndexConfig) -> DataFrame:
    """The selection; rows and URLs that lead to no record are counted and named in the log."""
    from infimm_spark.run.index import grouped, hosts_of, incomplete, matching

    index = _index(run, config.paths)
    if config.urls is None:
        _tell_incomplete(incomplete(index, config))
        return grouped(matching(index, config))
    location = run.at(store.normal(config.urls))
    given = (
        run.spark.read.text(location).selectExpr("trim(value) as url").where("url != ''").distinct()
    )
    first = [row.url for row in given.limit(1_001).collect()]
    hosts = hosts_of(first)
    if hosts is not None and len(first) <= 1_000:
        config = config.model_copy(update={"hosts": sorted({*config.hosts, *hosts})})
    wanted = incomplete(index, config).join(given, on="url", how="left_semi")
    _tell_incomplete(wanted)
    # Held, as it is read twice; no more rows than URLs and snapshots.
    records = matching(index, config, given).persist()
    _tell_missing(given, records)
    return grouped(records)


def _tell_incomplete(rows: DataFrame) -> None:
    from pyspark.sql import functions as F

    for count in rows.groupBy("lacks").agg(F.count("*").alias("rows")).orderBy("lacks").collect():
        urls = rows.where(F.col("lacks") == count.lacks).orderBy("url").limit(_NAMED).collect()
        log.warning(
            "index: %d rows have no usable %s and are not read: %s",
            count.rows,
            count.lacks,
            _first_of([row.url for row in urls], count.rows),
        )


def _tell_missing(given: DataFrame, records: DataFrame) -> None:
    missing = given.join(records.select("url").distinct(), on="url", how="left_anti")
    count = missing.count()
    if not count:
        return
    urls = [row.url for row in missing.orderBy("url").limit(_NAMED).collect()]
    broken = [url for url in urls if not url_host(url)]
    log.warning(
        "index: %d of the given URLs choose no record (not in the index as they are written, or "
        "of another status "
        "or type): %s%s",
        count,
        _first_of(urls, count),
        f"; {_first_of(broken, len(broken))}: not URLs" if broken else "",
    )


def _first_of(names: list[str | None], count: int) -> str:
    return ", ".join(str(name) for name in names) + (", …" if count > len(names) else "")


def _index(run: Run, paths: list[str]) -> DataFrame:
    from infimm_spark.run.index import from_cdx, from_cdxj

    spark: SparkSession = run.spark
    paths = [store.normal(path) for path in paths]
    lines = [path for path in paths if is_index_of_lines(path)]
    if lines and len(lines) < len(paths):
        raise InputError("input.index.paths mixes CDXJ and Parquet; expected one kind")
    if lines:
        kinds: dict[str | None, list[str]] = {}
        for path in (file for line in lines for file in index_files(line)):
            kinds.setdefault(cdx_letters(path), []).append(run.at(path))
        frames = [
            from_cdxj(spark.read.text(files))
            if kind is None
            else from_cdx(spark.read.text(files), kind)
            for kind, files in kinds.items()
        ]
        whole = frames[0]
        for frame in frames[1:]:
            whole = whole.unionByName(frame)
        return whole
    # Files below one table's folder have partition columns only when Spark knows where the table
    # begins.
    base = re.sub(r"/crawl=.*", "", paths[0]) if "/crawl=" in paths[0] else None
    reader = spark.read.option("basePath", run.at(base)) if base else spark.read
    return reader.parquet(*(run.at(path) for path in paths))
