"""`infimm images fetch`: ask for the selected images of a run, each URL once, as a Spark job.

URLs are dealt out by host, so that one task alone asks a host. What became of a URL is a row of
`schemas.FETCHED`; a URL without a row, or whose row says that the failure may pass, is asked for in
the next run of the command, and no other.
"""

from __future__ import annotations

import json
import logging
import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from infimm_spark import schemas, store
from infimm_spark.config import FetchConfig, ImagesConfig, StoreConfig
from infimm_spark.errors import ConfigError, OutputError, ReconciliationError, StageError
from infimm_spark.images.fetched import OK, shard_files
from infimm_spark.images.fetching import ImageFetcher, Wanted
from infimm_spark.images.shards import ShardWriter, recover, shard_keys
from infimm_spark.images.statuses import DEAD, RETRIED, STATUSES
from infimm_spark.run.manifest import read_manifest, timestamp
from infimm_spark.run.run import Run
from infimm_spark.run.verify import check_files
from infimm_spark.spark.driver_gate import gate_of
from infimm_spark.spark.preflight import plain_errors
from infimm_spark.store.gate import GateAddress

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

log = logging.getLogger(__name__)

_URLS_A_TASK = 20_000
_TOLD = pa.schema([("kind", pa.string()), ("name", pa.string()), ("count", pa.int64())])
_SHOWN_HOSTS = 5


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """What became of the selected URLs: all of them by status, and what this run of the command
    did. `not_asked` were left out by a limit."""

    selected: int
    statuses: dict[str, int]
    not_asked: int
    asked_now: int
    bytes: int
    distinct: int
    hosts_left: list[tuple[str, int]]


def fetch_images(run: Run, *, limit: int | None = None) -> FetchSummary:
    """Fetch what is missing of a run's selected images, at most `limit` URLs.

    Raises `StageError` for a run without a selection or with that of another run, `OutputError`
    where its `fetched` folder is another run's, and `ReconciliationError` where a URL has no row
    afterwards.
    """
    _check_selection(run)
    with run.held(), plain_errors(run.layout.root):
        folder = run.layout.fetched
        _claim(run, folder)
        if recovered := recover(folder):
            log.info("fetched: %d journals of an interrupted fetch recovered", recovered)
        settings = run.config.images.fetch
        asked: Counter[str] = Counter()
        left: Counter[str] = Counter()
        origin = _fetch(run, folder, _missing(run, folder, limit), "origin", asked, left)
        if settings.archive_root is not None and origin:
            _fetch(run, folder, _archived(run, folder), "archive", asked, left)
        summary = _reconciled(run, folder, limit, asked, left)
        run.fence()
        content = {
            "run_id": run.run_id,
            "finished": timestamp(),
            "selected": summary.selected,
            "statuses": summary.statuses,
            "not_asked": summary.not_asked,
            "bytes": summary.bytes,
            "distinct": summary.distinct,
        }
        store.write_bytes(_about(folder), (json.dumps(content, indent=2) + "\n").encode())
    for host, count in summary.hosts_left[:_SHOWN_HOSTS]:
        log.warning("%s did not answer: %s images are left for the next fetch", host, f"{count:,}")
    return summary


def print_summary(summary: FetchSummary) -> str:
    """The statuses as a table, most frequent first, with what may be tried again."""
    meanings = {status.name: status for status in STATUSES}
    lines = [f"{'selected image URLs':<34}{summary.selected:>12,}"]
    for name, count in sorted(summary.statuses.items(), key=lambda item: (-item[1], item[0])):
        again = "; asked again by the next fetch" if meanings[name].retry else ""
        lines.append(f"  {name:<32}{count:>12,}  {meanings[name].meaning}{again}")
    if summary.not_asked:
        lines.append(f"  {'not asked':<32}{summary.not_asked:>12,}  beyond --limit")
    lines.append(
        f"{summary.bytes / 1e6:,.1f} MB of images, {summary.distinct:,} distinct; "
        f"{summary.asked_now:,} answers noted by this fetch, the archive's among them"
    )
    return "\n".join(lines)


def latest(fetched: DataFrame) -> DataFrame:
    """One row for each key of `schemas.FETCHED`: the newest `ok`, else the newest of all."""
    from pyspark.sql import functions as F

    others = [name for name in fetched.columns if name != "key"]
    newest = F.struct((F.col("status") == OK).alias("is_ok"), "fetched", "source")
    return (
        fetched.groupBy("key")
        .agg(F.max_by(F.struct(*others), newest).alias("row"))
        .select("key", *(F.col(f"row.{name}").alias(name) for name in others))
        .select(*fetched.columns)
    )


# -- what to ask for -------------------------------------------------------------------------------


def _selected(run: Run) -> DataFrame:
    """(url, key, date) of the selected images, each URL once, with its earliest crawl date."""
    from pyspark.sql import functions as F

    images = run.read("images", "images").where(F.col("reason").isNull())
    return images.groupBy("url", "key").agg(F.min("date").alias("date"))


def _rows(run: Run, folder: str) -> DataFrame:
    """All rows in the shards, without the images."""
    schema = pa.schema([field for field in schemas.FETCHED if field.name != "image"])
    return run.files(shard_files(folder), schemas.spark_schema(schema))


def _missing(run: Run, folder: str, limit: int | None) -> DataFrame:
    """The selected URLs that have no row, or one whose failure may pass."""
    from pyspark.sql import functions as F

    known = latest(_rows(run, folder).select("key", "status", "fetched", "source"))
    may_pass = F.col("status").isin(*sorted(RETRIED)) & (F.col("source") == "origin")
    decided = known.where(~may_pass).select("key")
    missing = _selected(run).join(decided, on="key", how="left_anti")
    return missing if limit is None else missing.orderBy("key").limit(limit)


def _archived(run: Run, folder: str) -> DataFrame:
    """The selected URLs whose place is dead, and which the archive has not answered for."""
    from pyspark.sql import functions as F

    known = latest(_rows(run, folder).select("key", "status", "fetched", "source"))
    of_origin = (F.col("source") == "origin") & F.col("status").isin(*sorted(DEAD))
    of_archive = (F.col("source") == "archive") & F.col("status").isin(*sorted(RETRIED))
    asked = known.where(of_origin | of_archive).select("key")
    return _selected(run).where(F.col("date").isNotNull()).join(asked, on="key", how="left_semi")


# -- asking ----------------------------------------------------------------------------------------


def _fetch(
    run: Run,
    folder: str,
    wanted: DataFrame,
    source: str,
    asked: Counter[str],
    left: Counter[str],
) -> bool:
    """Ask for the images; adds what the tasks tell to `asked` and `left`."""
    from pyspark.sql import functions as F

    spark = run.spark
    settings = run.config.images.fetch
    # Counted, dealt out and asked for from one result: a second look may find other rows.
    wanted = wanted.select("url", "key", "date").localCheckpoint(eager=True)
    count = wanted.count()
    if not count:
        return True
    if spark.conf.get("spark.speculation", "false") == "true":
        raise ConfigError(
            "spark.speculation is true: a second copy of a slow task would ask for its images "
            "again; expected --set spark.conf.spark.speculation=false for this command"
        )
    slots = max(1, spark.sparkContext.defaultParallelism)
    # An archive is one host, and one task alone asks a host.
    tasks = 1 if source == "archive" else max(min(slots, count), math.ceil(count / _URLS_A_TASK))
    running = min(slots, tasks)
    threads = max(1, math.ceil(settings.connections / running))
    if source == "archive":
        threads = min(threads, settings.connections_per_host)
    log.info(
        "fetched: %s images to ask for at the %s, %d tasks of %d connections",
        f"{count:,}", source, tasks, threads,
    )  # fmt: skip
    gate = gate_of(spark.sparkContext, settings.connections)
    job = uuid.uuid4().hex[:8]
    dealt = (
        wanted.withColumn("task", F.pmod(F.xxhash64(_host()), F.lit(tasks)).cast("int"))
        .repartitionByRange(tasks, "task")
        .sortWithinPartitions("key")
    )
    work = _task(folder, job, source, threads, run.config.images, run.config.store, gate.address)
    try:
        told = dealt.mapInArrow(work, schemas.spark_schema(_TOLD)).collect()
    finally:
        gate.close()
    for row in told:
        (asked if row["kind"] == "status" else left)[row["name"]] += row["count"]
    return True


def _host() -> Column:
    from pyspark.sql import functions as F

    authority = F.regexp_extract(F.lower("url"), r"^[a-z]+://([^/?#]*)", 1)
    return F.regexp_replace(F.regexp_replace(authority, r"^.*@", ""), r":\d*$", "")


def _task(
    folder: str,
    job: str,
    source: str,
    threads: int,
    images: ImagesConfig,
    stores: StoreConfig,
    gate: GateAddress,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    settings: FetchConfig = images.fetch

    def fetch(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        store.configure(stores)
        context = TaskContext.get()
        assert context is not None
        name = f"{job}-{context.partitionId():05d}"
        done: set[str] = set()
        if context.attemptNumber():  # an attempt before this one may have received images
            recover(folder, name)
            done = shard_keys(folder, name)
        shards = ShardWriter(folder, name, settings.shard_mb << 20, settings.shard_seconds)
        fetcher = ImageFetcher(
            settings,
            threads=threads,
            min_side=images.min_side or 1,
            source=source,
            gate=gate,
        )
        wanted = (
            Wanted(url, key, date)
            for batch in batches
            for url, key, date in zip(
                *(batch.column(c).to_pylist() for c in ("url", "key", "date")), strict=True
            )
            if key not in done
        )
        told = fetcher.run(wanted, shards.add, shards.tick)
        shards.seal()
        rows = [("status", name, count) for name, count in told.statuses.items()]
        rows += [("host", name, count) for name, count in told.given_up.most_common(100)]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
        yield pa.RecordBatch.from_arrays(
            [pa.array(values, field.type) for values, field in zip(columns, _TOLD, strict=True)],
            schema=_TOLD,
        )

    return fetch


# -- accounting ------------------------------------------------------------------------------------


def _reconciled(
    run: Run, folder: str, limit: int | None, asked: Counter[str], left: Counter[str]
) -> FetchSummary:
    from pyspark.sql import functions as F

    rows = latest(_rows(run, folder).select("key", "status", "fetched", "source", "size", "sha256"))
    wanted = _selected(run)
    fates = wanted.join(rows, on="key", how="left").groupBy("status")
    counted = fates.agg(F.count("*").alias("urls"), F.sum("size").alias("bytes")).collect()
    statuses = {row["status"]: row["urls"] for row in counted if row["status"] is not None}
    selected = wanted.count()
    not_asked = sum(row["urls"] for row in counted if row["status"] is None)
    if sum(statuses.values()) + not_asked != selected or (not_asked and limit is None):
        raise ReconciliationError(
            f"{folder}: {selected:,} image URLs are selected, but {sum(statuses.values()):,} have "
            "a row; run infimm images fetch again"
        )
    distinct = rows.where(F.col("status") == OK).select("sha256").agg(F.countDistinct("sha256"))
    return FetchSummary(
        selected=selected,
        statuses=statuses,
        not_asked=not_asked,
        asked_now=sum(asked.values()),
        bytes=sum(row["bytes"] or 0 for row in counted),
        distinct=distinct.first()[0],  # type: ignore[index]
        hosts_left=left.most_common(),
    )


def _check_selection(run: Run) -> None:
    """Raises `StageError` unless the run has a selection of its own, with all its files."""
    location = run.layout.manifest("images")
    manifest = read_manifest(location)
    if manifest is None:
        raise StageError(
            f"{run.layout.root} has no selected images: infimm images select {run.layout.root}"
        )
    if manifest.run_id != run.run_id:
        raise StageError(
            f"{location} is of run {manifest.run_id}, but {run.layout.root} is run {run.run_id}; "
            f"infimm images select {run.layout.root} --redo makes the run's own"
        )
    check_files(run.layout, ["images"])


def _claim(run: Run, folder: str) -> None:
    """Make the folder this run's; raises `OutputError` where it is another's."""
    content = json.dumps({"run_id": run.run_id}).encode()
    if store.write_new(_about(folder), content):
        return
    try:
        owner = json.loads(store.read_bytes(_about(folder)))["run_id"]
    except (ValueError, KeyError, TypeError):
        raise OutputError(f"{_about(folder)} is damaged; expected the run's id as JSON") from None
    if owner != run.run_id:
        raise OutputError(
            f"{folder} holds images of run {owner}, but this is run {run.run_id}; "
            "move them away, or fetch into the run they belong to"
        )


def _about(folder: str) -> str:
    return store.join(folder, "fetched.json")
