"""The extract stage's groups: run side by side, compacted, and committed one by one without a lock.

Each attempt at a group writes into a folder of its own. The group's manifest names the files of the attempt
that counts and is created only where there is none, which object stores do atomically; a second driver
that comes too late throws its attempt away and takes the first one's.
"""

from __future__ import annotations

import logging
import math
import random
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import reduce
from typing import TYPE_CHECKING, Any

from infimm_spark import store
from infimm_spark.errors import ReconciliationError
from infimm_spark.run.files import DataFile, catalogue, parquet_sizes
from infimm_spark.run.manifest import (
    Manifest,
    check_identity,
    claim_manifest,
    read_manifest,
    timestamp,
)
from infimm_spark.run.selection import records_of
from infimm_spark.schemas import spark_schema
from infimm_spark.spark.connectors import spark_location
from infimm_spark.store.gate import ConnectionGate
from infimm_spark.warc.listing import WarcFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from infimm_spark.run.run import ModelKind, Run

log = logging.getLogger(__name__)

_JOB_GROUP = "infimm-extract"
_MODELS: tuple[ModelKind, ...] = ("language", "recall")


class Extraction:
    """All groups of a run's extract stage."""

    def __init__(
        self, run: Run, identity: dict[str, Any], groups: Sequence[list[WarcFile]]
    ) -> None:
        self._run = run
        self._identity = identity
        self._groups = groups
        self._settings = run.config.extract
        self._gate: ConnectionGate | None = None
        self._models: list[Any] = []

    def run(self) -> dict[str, int]:
        """Extract what is not extracted yet; counts over all groups."""
        done = {index: self._committed(index) for index in range(len(self._groups))}
        missing = [index for index, manifest in done.items() if manifest is None]
        if missing:
            done |= self._extract(_ordered(missing, self._settings.group_order))
        totals: dict[str, int] = {}
        for manifest in done.values():
            assert manifest is not None
            for key, count in manifest.counts.items():
                totals[key] = totals.get(key, 0) + count
        return totals

    def _extract(self, indexes: list[int]) -> dict[int, Manifest]:
        context = self._run.spark.sparkContext
        self._models = [context.broadcast(self._run.model(kind)) for kind in _MODELS]
        places = self._run.config.store.max_connections
        if places is not None:
            host = context.getConf().get("spark.driver.host", "127.0.0.1") or "127.0.0.1"
            bind = context.getConf().get("spark.driver.bindAddress", host)
            self._gate = ConnectionGate(places, host, bind)
        try:
            with ThreadPoolExecutor(self._settings.groups_in_flight) as pool:
                futures = {index: pool.submit(self._group, index) for index in indexes}
                wait(futures.values(), return_when=FIRST_EXCEPTION)
                if any(f.done() and not f.cancelled() and f.exception() for f in futures.values()):
                    for future in futures.values():
                        future.cancel()
                    context.cancelJobGroup(_JOB_GROUP)
                    _raise_first([f for f in futures.values() if not f.cancelled()])
                return {index: future.result() for index, future in futures.items()}
        finally:
            for model in self._models:
                model.unpersist()
            if self._gate is not None:
                self._gate.close()

    def _committed(self, index: int) -> Manifest | None:
        done = read_manifest(self._run.layout.group_manifest(index))
        if done is not None:
            check_identity(
                f"group {index} of stage extract", done.identity, self._group_identity(index)
            )
        return done

    def _group_identity(self, index: int) -> dict[str, Any]:
        group = self._groups[index]
        ends = {"first": group[0].warc_file, "last": group[-1].warc_file}
        return {**self._identity, "inputs": ends}

    def _group(self, index: int) -> Manifest:
        layout = self._run.layout
        # Of this thread: a failure cancels these jobs and no other of the session.
        self._run.spark.sparkContext.setJobGroup(_JOB_GROUP, f"extract group {index}")
        started, clock = timestamp(), time.monotonic()
        attempt, files, counts = self._run.repeated(
            lambda: self._attempted(index), f"group {index}"
        )
        written = sum(file.rows for file in files if "/table=documents/" in file.path)
        if written != counts.get("kept", 0):
            raise ReconciliationError(
                f"group {index}: the ledger says {counts.get('kept', 0):,} kept but {written:,} "
                "documents were written"
            )
        identity = self._group_identity(index)
        manifest = self._run.manifest("extract", identity, counts, files, started)
        self._run.fence()
        if not claim_manifest(layout.group_manifest(index), manifest):
            log.warning("extract: group %d was committed by another driver meanwhile", index)
            store.delete_tree(attempt)
            first = self._committed(index)
            assert first is not None
            return first
        self._sweep(index, attempt)
        self._run.count("extract", counts)
        log.info(
            "extract: group %d of %d, %d files in %.0f s; %s",
            index + 1,
            len(self._groups),
            len(self._groups[index]),
            time.monotonic() - clock,
            ", ".join(f"{key} {value:,}" for key, value in counts.items()),
        )
        return manifest

    def _attempted(self, index: int) -> tuple[str, list[DataFile], dict[str, int]]:
        """One attempt at a group: its folder, what lies there, and records by outcome."""
        root = self._run.layout.root
        attempt = self._run.layout.attempt(index, uuid.uuid4().hex[:12])
        self._write(index, attempt)
        attempt = self._compacted(index, attempt)
        files = catalogue(root, [attempt], self._run.spark)
        return attempt, files, self._counts(index, [f"{root}/{file.path}" for file in files])

    def _write(self, index: int, attempt: str) -> None:
        from infimm_spark.stages.extract import WARCS, extract

        spark, group = self._run.spark, self._groups[index]
        slices = min(self._settings.partitions or len(group), len(group))
        chosen = records_of(self._run.layout, group) if self._run.config.input.index.paths else {}
        rows = spark.sparkContext.parallelize(
            [
                (warc.location, warc.warc_file, warc.snapshot, chosen.get(warc.warc_file))
                for warc in group
            ],
            slices,
        )
        warcs = spark.createDataFrame(rows, spark_schema(WARCS))
        gate = self._gate.address if self._gate else None
        language, recall = self._models
        wide = extract(warcs, self._run.config, language, recall, gate)
        wide.write.partitionBy("table").parquet(spark_location(spark, attempt))

    def _compacted(self, index: int, attempt: str) -> str:
        """The attempt's tables in files of the configured size; the attempt itself where they are few."""
        from infimm_spark.stages.extract import TABLES

        size = self._settings.file_size_mb * 1024 * 1024
        parts: list[DataFrame] = []
        shrinks = False
        for name, schema in TABLES.items():
            sizes = parquet_sizes(f"{attempt}/table={name}")
            if not sizes:
                continue
            wanted = math.ceil(sum(bytes_ for _, bytes_ in sizes) / size)
            shrinks = shrinks or len(sizes) > max(wanted, self._settings.compact_above)
            table = self._files([location for location, _ in sizes], schema)
            parts.append(self._wide(table.coalesce(wanted), name))
        if not shrinks:
            return attempt
        target = self._run.layout.attempt(index, uuid.uuid4().hex[:12])
        spark = self._run.spark
        whole: DataFrame = reduce(lambda a, b: a.unionByName(b), parts)
        whole.write.partitionBy("table").parquet(spark_location(spark, target))
        return target

    def _wide(self, table: DataFrame, name: str) -> DataFrame:
        """A table's rows with the columns of all tables, so that one job writes them all."""
        from pyspark.sql import functions as F

        from infimm_spark.stages.extract import WIDE

        columns = [
            F.col(field.name)
            if field.name in table.columns
            else F.lit(name if field.name == "table" else None)
            .cast(field.dataType)
            .alias(field.name)
            for field in spark_schema(WIDE)
        ]
        return table.select(*columns)

    def _counts(self, index: int, files: list[str]) -> dict[str, int]:
        """Records by outcome; raises where the ledger does not hold every file of the group."""
        from pyspark.sql import functions as F

        from infimm_spark.stages.extract import TABLES

        ledger = self._files([f for f in files if "/table=ledger/" in f], TABLES["ledger"])
        sums = ledger.groupBy("outcome").agg(
            F.sum("count").alias("records"), F.countDistinct("warc_file").alias("files")
        )
        rows = sums.orderBy("outcome").collect()
        held = next((row.files for row in rows if row.outcome == "read"), 0)
        if held != len(self._groups[index]):
            raise ReconciliationError(
                f"group {index}: {len(self._groups[index])} WARC files went in, the ledger holds {held}"
            )
        return {"files": held, **{row.outcome: row.records for row in rows}}

    def _files(self, locations: list[str], schema: Any) -> DataFrame:
        spark = self._run.spark
        reader = spark.read.schema(spark_schema(schema))
        return reader.parquet(*(spark_location(spark, location) for location in locations))

    def _sweep(self, index: int, attempt: str) -> None:
        """Delete the attempts that do not count: killed ones, and the one that was compacted."""
        group = self._run.layout.group(index)
        for name in store.list_folders(group):
            if not attempt.endswith(f"/{name}"):
                store.delete_tree(store.join(group, name))


def _ordered(indexes: list[int], order: str) -> list[int]:
    if order == "reverse":
        return indexes[::-1]
    if order == "shuffled":
        random.Random(len(indexes)).shuffle(indexes)
    return indexes


def _raise_first(futures: list[Any]) -> None:
    """Wait for what still runs; raise the error that came first in group order, ours before Spark's."""
    from infimm_spark.errors import InfimmError

    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if isinstance(error, InfimmError):
            raise error
    # A job cancelled for another one's sake says so; the cause says more.
    raise next((e for e in errors if "cancelled" not in str(e)), errors[0])
