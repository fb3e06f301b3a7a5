"""The extract stage's groups: run side by side, compacted, and committed one by one without a lock.

Each attempt at a group writes into a folder of its own. The group's manifest names the files of the
attempt that counts and is created only where there is none, which object stores do atomically; a
second driver that comes too late throws its attempt away and takes the first one's.
"""

from __future__ import annotations

import logging
import math
import random
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from infimm_spark import progress, store
from infimm_spark.classify.broadcast import ModelBytes
from infimm_spark.errors import OutputError, ReconciliationError, TooManyFailuresError
from infimm_spark.run.exclusion import KEY, excludes_more, narrowed, with_excluded
from infimm_spark.run.files import DataFile, catalogue, parquet_sizes
from infimm_spark.run.manifest import (
    Manifest,
    check_build,
    check_identity,
    claim_manifest,
    read_manifest,
    timestamp,
    write_manifest,
)
from infimm_spark.run.selection import records_of
from infimm_spark.run.tables import locations, read_ledger
from infimm_spark.schemas import spark_schema
from infimm_spark.spark.driver_gate import gate_of
from infimm_spark.spark.watching import outcome_counts, watched
from infimm_spark.stages.base import ModelKind, Stage
from infimm_spark.stages.extract import WARCS
from infimm_spark.stages.record_counts import EXCLUDED, FAILED, READ
from infimm_spark.store.gate import ConnectionGate, GateAddress
from infimm_spark.warc.listing import WarcFile

if TYPE_CHECKING:
    from pyspark import Accumulator, Broadcast
    from pyspark.sql import DataFrame, SparkSession

    from infimm_spark.run.run import Run

log = logging.getLogger(__name__)

_JOB_GROUP = "infimm-extract"

# Failures that cost a whole file, as `warc.records` names them.
_LOST_FILES = ("unreadable_file", "empty_file", "not_a_warc", "shared_offset")


class Extraction:
    """All groups of a stage that runs by group."""

    def __init__(
        self,
        run: Run,
        stage: Stage,
        identity: dict[str, Any],
        groups: Sequence[list[WarcFile]],
    ) -> None:
        self._run = run
        self._stage = stage
        self._identity = identity
        self._groups = groups
        self._settings = run.config.extract
        self._gate: ConnectionGate | None = None
        self._models: dict[ModelKind, Broadcast[ModelBytes]] = {}
        self._tally: Accumulator[dict[str, int]] | None = None

    def run(self) -> dict[str, int]:
        """Extract what is not extracted yet; counts over all groups."""
        done = {index: self._committed(index) for index in range(len(self._groups))}
        for index, manifest in done.items():
            if manifest is not None and KEY in self._group_identity(index):
                done[index] = self._narrowed(index, manifest)
        missing = [index for index, manifest in done.items() if manifest is None]
        if missing:
            files = sum(len(group) for group in self._groups)
            before = files - sum(len(self._groups[index]) for index in missing)
            with progress.task(self._stage.name, files, "WARC files", done=before) as shown:
                self._tally = outcome_counts(self._run.spark.sparkContext)
                with watched(self._run.spark, shown, self._tally, by_spark=False):
                    done |= self._extract(_ordered(missing, self._settings.group_order))
        totals: dict[str, int] = {}
        for manifest in done.values():
            assert manifest is not None
            for key, count in manifest.counts.items():
                totals[key] = totals.get(key, 0) + count
        return totals

    def _extract(self, indexes: list[int]) -> dict[int, Manifest]:
        context = self._run.spark.sparkContext
        self._models = {
            kind: context.broadcast(self._run.model(kind)) for kind in self._stage.models
        }
        places = self._run.config.store.max_connections
        if places is not None:
            self._gate = gate_of(context, places)
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
            for model in self._models.values():
                model.unpersist()
            if self._gate is not None:
                self._gate.close()

    def _committed(self, index: int) -> Manifest | None:
        done = read_manifest(self._run.layout.group_manifest(index))
        if done is not None:
            where = f"group {index} of stage {self._stage.name}"
            wanted = self._group_identity(index)
            if not excludes_more(done.identity, wanted):
                check_identity(where, done.identity, wanted)
            check_build(where, done.build, accept=self._run.accept_code_change)
        return done

    def _group_identity(self, index: int) -> dict[str, Any]:
        group = self._groups[index]
        ends = {"first": group[0].warc_file, "last": group[-1].warc_file}
        own = {key: value for key, value in self._identity.items() if key != KEY}
        left_out = self._left_out(index)
        return {**own, "inputs": ends, **({KEY: left_out} if left_out else {})}

    def _left_out(self, index: int) -> list[str]:
        """Names of the group's files that the run excludes, sorted."""
        every = set(self._identity.get(KEY, ()))
        return sorted(w.warc_file for w in self._groups[index] if w.warc_file in every)

    def _narrowed(self, index: int, done: Manifest) -> Manifest:
        """A committed group without the files that have been excluded since; nothing is read
        again."""
        identity = self._group_identity(index)
        if done.identity.get(KEY) == identity.get(KEY):
            return done
        run, started = self._run, timestamp()
        new = set(self._left_out(index)) - set(done.identity.get(KEY, ()))
        attempt = run.layout.attempt(index, uuid.uuid4().hex[:12])
        for name, table in narrowed(run, self._stage, done, new).items():
            run.write(table, f"{attempt}/table={name}")
        files = catalogue(run.layout.root, [attempt], run.spark)
        counts = self._counts(index, [f"{run.layout.root}/{file.path}" for file in files])
        manifest = run.manifest(self._stage.name, identity, counts, files, started)
        run.fence()
        write_manifest(run.layout.group_manifest(index), manifest)
        self._sweep(index, attempt)
        log.info("extract: group %d without %s", index + 1, ", ".join(sorted(new)))
        return manifest

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
        manifest = self._run.manifest(self._stage.name, identity, counts, files, started)
        self._run.fence()
        if not claim_manifest(layout.group_manifest(index), manifest):
            log.warning("extract: group %d was committed by another driver meanwhile", index)
            store.delete_tree(attempt)
            first = self._committed(index)
            assert first is not None
            return first
        self._sweep(index, attempt)
        self._run.count(self._stage.name, counts)
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
        self._written(index, attempt)
        files = catalogue(root, [attempt], self._run.spark)
        return attempt, files, self._counts(index, [f"{root}/{file.path}" for file in files])

    def _written(self, index: int, attempt: str) -> None:
        """Write the tables of a group, each with its own columns and in files of the configured
        size."""
        left_out = self._left_out(index)
        group = [warc for warc in self._groups[index] if warc.warc_file not in left_out]
        work = GroupWork(self._run, group, attempt, self._models, self._gate, self._tally)
        size = self._settings.file_size_mb * 1024 * 1024
        try:
            for name, table in self._stage.run(work, self._run.config).items():
                if name == "ledger" and left_out:
                    table = with_excluded(table, self._stage.name, left_out)
                sizes = work.sizes(name)
                wanted = max(1, math.ceil(sum(sizes) / size))
                if len(sizes) > max(wanted, self._settings.compact_above):
                    table = table.coalesce(wanted)
                table.write.parquet(self._run.at(f"{attempt}/table={name}"))
        finally:
            store.delete_tree(work.scratch)

    def _counts(self, index: int, files: list[str]) -> dict[str, int]:
        """Records by outcome; raises where the ledger does not hold every file of the group."""
        ledger = read_ledger([f for f in files if "/table=ledger/" in f]).unify_dictionaries()
        records = ledger.group_by("outcome").aggregate([("count", "sum")])
        is_file = pc.is_in(ledger.column("outcome").cast("string"), pa.array([READ, EXCLUDED]))
        read = ledger.filter(is_file)
        held = len(set(read.column("warc_file").to_pylist()))
        if held != len(self._groups[index]):
            raise ReconciliationError(
                f"group {index}: {len(self._groups[index])} WARC files went in, the ledger holds "
                f"{held}"
            )
        sums = {row["outcome"]: row["count_sum"] for row in records.to_pylist()}
        return {"files": held, **dict(sorted(sums.items()))}

    def _sweep(self, index: int, attempt: str) -> None:
        """Delete the attempts that do not count: killed ones, and the one that was compacted."""
        group = self._run.layout.group(index)
        for name in store.list_folders(group):
            if not attempt.endswith(f"/{name}"):
                store.delete_tree(store.join(group, name))


class GroupWork:
    """One attempt at a group of WARC files; `stages.base.Work`."""

    def __init__(
        self,
        run: Run,
        group: list[WarcFile],
        attempt: str,
        models: dict[ModelKind, Broadcast[ModelBytes]],
        gate: ConnectionGate | None,
        tally: Accumulator[dict[str, int]] | None = None,
    ) -> None:
        self._run = run
        self._group = group
        self._models = models
        self._gate = gate
        self.tally = tally
        self.scratch = f"{attempt}-scratch"

    @property
    def spark(self) -> SparkSession:
        return self._run.spark

    @property
    def gate(self) -> GateAddress | None:
        return self._gate.address if self._gate else None

    def read(self, stage: str, table: str) -> DataFrame:
        return self._run.read(stage, table)

    def read_earlier(self, stage: str, table: str) -> list[DataFrame]:
        return [self._run.read(stage, table, earlier.layout) for earlier in self._run.earlier]

    def write(self, table: str, frame: DataFrame, **options: str) -> DataFrame:
        raise OutputError(f"table {table}: the tables of a group are written together")

    def model(self, kind: ModelKind) -> Broadcast[ModelBytes]:
        return self._models[kind]

    def checkpoint(self, frame: DataFrame, name: str) -> DataFrame:
        """Rows of several tables, told apart by a column `table`, lie in a folder for each."""
        place = f"{self.scratch}/{name}"
        writer = frame.write.mode("overwrite")
        (writer.partitionBy("table") if "table" in frame.columns else writer).parquet(
            self._run.at(place)
        )
        return self.spark.read.schema(frame.schema).parquet(self._run.at(place))

    def sizes(self, table: str) -> list[int]:
        """Bytes of the files that the checkpoints hold of a table."""
        found = parquet_sizes(self.scratch)
        return [size for location, size in found if f"/table={table}/" in location]

    def warcs(self) -> DataFrame:
        settings = self._run.config.extract
        slices = max(1, min(settings.partitions or len(self._group), len(self._group)))
        by_index = bool(self._run.config.input.index.paths)
        chosen = records_of(self._run.layout, self._group) if by_index else {}
        rows = self.spark.sparkContext.parallelize(
            [
                (warc.location, warc.warc_file, warc.snapshot, chosen.get(warc.warc_file))
                for warc in self._group
            ],
            slices,
        )
        return self.spark.createDataFrame(rows, spark_schema(WARCS))


def check_failures(run: Run, stage: Stage, totals: dict[str, int]) -> None:
    """Refuse a run of which too much failed to be trusted."""
    settings = run.config.extract
    ledger = read_ledger(locations(run.layout, stage.name, "ledger")).unify_dictionaries()
    is_lost = pc.and_(
        pc.equal(ledger.column("outcome"), FAILED),
        pc.is_in(ledger.column("reason").cast("string"), pa.array(_LOST_FILES)),
    )
    lost = ledger.filter(is_lost).select(["warc_file", "reason"]).to_pylist()
    reasons = {row["warc_file"]: row["reason"] for row in lost}
    files = totals["files"]
    first = min(reasons, default="")
    named = f"{first}: {reasons[first]}" if reasons else ""
    if reasons:
        log.warning(
            "%s: %d of %d WARC files are quarantined (first: %s); rejects name each and why",
            stage.name,
            len(reasons),
            files,
            named,
        )
    if reasons and (len(reasons) == files or len(reasons) / files > settings.max_failure_ratio):
        raise TooManyFailuresError(
            f"{len(reasons)} of {files} WARC files could not be read (first: {named}); "
            f"extract.max_failure_ratio allows {settings.max_failure_ratio:.1%}"
        )
    failed, read = totals.get("failed", 0), totals.get("read", 0)
    if failed > settings.min_failures and failed > settings.max_failure_ratio * read:
        raise TooManyFailuresError(
            f"{failed:,} of {read:,} records failed; "
            f"extract.max_failure_ratio allows {settings.max_failure_ratio:.1%}"
        )


def _ordered(indexes: list[int], order: str) -> list[int]:
    if order == "reverse":
        return indexes[::-1]
    if order == "shuffled":
        random.Random(len(indexes)).shuffle(indexes)
    return indexes


def _raise_first(futures: list[Any]) -> None:
    """Wait for what still runs; raise the error that came first in group order, ours before
    Spark's."""
    from infimm_spark.errors import InfimmError

    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if isinstance(error, InfimmError):
            raise error
    # A job cancelled for another one's sake says so; the cause says more.
    raise next((e for e in errors if "cancelled" not in str(e)), errors[0])
