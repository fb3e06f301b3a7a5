"""One run: its output directory, configuration and session, its tables, and the account of its
records."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from infimm_spark import store
from infimm_spark.classify.broadcast import ModelBytes, read_model
from infimm_spark.config import BuildConfig, config_hash
from infimm_spark.errors import (
    BrokenAnswerError,
    ConfigError,
    LockLostError,
    NoRunError,
    OutputError,
    StageError,
    StoreError,
)
from infimm_spark.run import tables
from infimm_spark.run.earlier import EarlierRun, check_distinct, earlier_runs
from infimm_spark.run.exclusion import KEY, excluded_names, with_recorded
from infimm_spark.run.files import DataFile
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import FunnelStage, reconcile
from infimm_spark.run.lock import Lock, holding, run_lock
from infimm_spark.run.manifest import Manifest, read_manifest, timestamp
from infimm_spark.run.overwrite import check_replaceable, remove_run
from infimm_spark.run.selection import check_index, fingerprint, select
from infimm_spark.run.stored import new_run_id, stored_config, stored_run
from infimm_spark.spark import logs
from infimm_spark.spark.connectors import connectors_of, spark_location
from infimm_spark.spark.metrics import Counters
from infimm_spark.spark.paths import require_plain
from infimm_spark.spark.preflight import check_readable, plain_errors
from infimm_spark.spark.session import is_local, open_session
from infimm_spark.spark.submission import check_executors
from infimm_spark.stages.base import ModelKind, Stage, parents
from infimm_spark.stages.checks import check_settings
from infimm_spark.stages.registry import STAGES, stages_of
from infimm_spark.version import __version__, build_id
from infimm_spark.warc.listing import WarcFile, list_warcs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from infimm_spark.run.work import StageWork

log = logging.getLogger(__name__)

T = TypeVar("T")


class Run:
    """One output directory, its configuration, and the session that works on it."""

    def __init__(
        self,
        run_id: str,
        config: BuildConfig,
        layout: RunLayout,
        *,
        take_over: bool = False,
        accept_code_change: bool = False,
    ) -> None:
        self.run_id = run_id
        self.config = config
        self.layout = layout
        self.accept_code_change = accept_code_change
        self._at_work: dict[str, StageWork] = {}
        self._spark: SparkSession | None = None
        self._counters: Counters | None = None
        self._models: dict[ModelKind, ModelBytes] = {}
        self._warcs: list[WarcFile] | None = None
        self._is_new = False
        self._is_withdrawn = False
        self._makes_root = False
        self._take_over = take_over
        self._lock: Lock | None = None
        store.configure(config.store)

    # -- opening ---------------------------------------------------------------------------------

    @classmethod
    def begin(
        cls,
        config: BuildConfig,
        *,
        resume: bool,
        overwrite: bool = False,
        take_over: bool = False,
        accept_code_change: bool = False,
    ) -> Run:
        """Start a run in `config.output`, or continue the one that is there, or with `overwrite`
        delete it first.

        Raises `LockedError` where another process works on it, unless that is to be taken over. A
        run that other code began is continued only with `accept_code_change`.
        """
        store.configure(config.store)
        layout = _layout(config)
        run_lock(layout.root, take_over=take_over).refuse()
        stored = None if overwrite else stored_run(layout)
        if stored is not None and not resume:
            raise OutputError(
                f"output {layout.root} holds run {stored['run_id']} already; continue it with "
                "--resume, begin anew "
                "with --overwrite, or choose another directory"
            )
        if overwrite:
            check_replaceable(layout)
        elif stored is None:
            _check_new(layout)
        run_id = stored["run_id"] if stored else new_run_id()
        config = with_recorded(config, stored)
        also = {"take_over": take_over, "accept_code_change": accept_code_change}
        run = cls(run_id, config, layout, **also)
        # Everything a user can get wrong is looked at before the output exists and Spark starts.
        for connector in connectors_of(run._spark_locations()):
            connector.require(config.spark.conf)
        if config.input.index.paths:  # an index is read by Spark, into the run
            check_index(config.input.index)
        else:
            check_readable(run.warcs)
            check_distinct(run.warcs, run.exclusions(), run.earlier)
        for stage in run.stages:
            for kind in stage.models:
                run.model(kind)
        check_settings(config, run.model("language"))
        _ = run.earlier
        if overwrite:
            remove_run(layout, take_over=take_over)
        if stored is None:
            run._create()
        return run

    @classmethod
    def open(
        cls,
        root: str,
        config: BuildConfig | None = None,
        *,
        take_over: bool = False,
        accept_code_change: bool = False,
    ) -> Run:
        """Open an existing run, with its own stored configuration unless another is given."""
        if config is not None:
            store.configure(config.store)
        layout = RunLayout(store.normal(root))
        stored = stored_run(layout)
        if stored is None:
            raise NoRunError.at(root)
        if config is None:
            config = stored_config(layout, stored)
        return cls(
            stored["run_id"],
            with_recorded(config, stored),
            layout,
            take_over=take_over,
            accept_code_change=accept_code_change,
        )

    @property
    def stages(self) -> list[Stage]:
        """The stages of this run, in order."""
        return stages_of(self.config)

    def stage(self, name: str) -> Stage:
        """One of the run's stages. Raises `StageError` where it has none of that name."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise StageError(
            f"this run has no stage {name}; expected one of "
            f"{', '.join(s.name for s in self.stages)}"
        )

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the run's lock while the block runs, unless this run holds it already.

        Raises `LockedError` where another process works on the run.
        """
        if self._lock is not None:
            yield
            return
        root = self.layout.root
        try:
            with holding(root, take_over=self._take_over, on_loss=self._stop) as lock:
                self._lock = lock
                try:
                    yield
                finally:
                    self._lock = None
                    if self._is_withdrawn:
                        lock.leave_nothing()
        finally:
            if self._is_withdrawn and self._makes_root:
                store.delete_empty(root)

    def holds(self) -> bool:
        """Whether this process holds the run's lock still."""
        try:
            self.fence()
        except (LockLostError, StoreError):
            return False
        return self._lock is not None

    def fence(self) -> None:
        """Let what follows publish or delete. Raises `LockLostError` where another process took the
        run over."""
        if self._lock is not None:
            self._lock.check()

    def _stop(self) -> None:
        """End the jobs that run: what they make cannot be published any more."""
        if self._spark is not None:
            self._spark.sparkContext.cancelAllJobs()

    def count(self, stage: str, counts: dict[str, int]) -> None:
        """Add what a unit of work committed to the session's metrics."""
        if self._counters is not None:
            self._counters.add(stage, counts)

    def manifest(
        self,
        stage: str,
        identity: dict[str, Any],
        counts: dict[str, int],
        files: list[DataFile],
        started: str,
    ) -> Manifest:
        """What says that a unit of this run's work, begun at `started`, is complete as of now."""
        return Manifest(
            stage=stage,
            run_id=self.run_id,
            build=build_id(),
            identity=identity,
            counts=counts,
            files=files,
            started=started,
            finished=timestamp(),
        )

    # -- what the stages work with ---------------------------------------------------------------

    @property
    def spark(self) -> SparkSession:
        if self._spark is None:
            try:
                self._spark = self._opened()
            except Exception:
                self.withdraw()
                raise
        return self._spark

    def _opened(self) -> SparkSession:
        """A session that is fit for this run's work."""
        settings = logs.tell_executors(self.config.spark, self.run_id)
        spark = open_session(settings, self.config.store, self._spark_locations())
        self._counters = Counters(spark, {stage.name: stage.counts for stage in self.stages})
        if not is_local(spark):
            self._preflight(spark)
        if self.config.dedup.partitions is not None:
            spark.conf.set("spark.sql.shuffle.partitions", str(self.config.dedup.partitions))
        return spark

    def withdraw(self) -> None:
        """Take back a run that was refused before it did anything: the next try begins anew."""
        if self._is_new and store.list_files(self.layout.root) == [self.layout.run_file]:
            store.delete_tree(self.layout.run_file)
            self._is_withdrawn = True

    def _preflight(self, spark: SparkSession) -> None:
        """Let the executors show that they can do the work, before any of it is handed out."""
        models = [spark.sparkContext.broadcast(model) for model in self._models.values()]
        expected = {str(model.name): model.fingerprint for model in self._models.values()}
        local = "://" not in self.layout.run_file
        witness = os.path.abspath(self.layout.run_file) if local else None
        try:
            check_executors(spark, models, expected, witness)
        finally:
            for model in models:
                model.unpersist()

    @property
    def warcs(self) -> list[WarcFile]:
        """The WARC files of the run, in listing order."""
        if self._warcs is None:
            settings = self.config.input
            if settings.index.paths:
                self._warcs = select(self, settings.index)
                return self._warcs
            if not settings.paths:
                raise ConfigError("no input: give --input, or input.paths in the configuration")
            self._warcs = list_warcs(
                settings.paths,
                snapshots=settings.snapshots,
                segments=settings.segments,
                sample=settings.sample,
                seed=settings.seed,
                limit=settings.limit,
                default_snapshot=settings.default_snapshot,
                prefix=settings.prefix,
            )
        return self._warcs

    @property
    def earlier(self) -> list[EarlierRun]:
        """The runs that dedup compares with, checked."""
        from infimm_spark.stages.dedup import signature_fingerprint

        settings = self.config.dedup
        return earlier_runs(settings.against, self.layout, signature_fingerprint(settings.minhash))

    def model(self, kind: ModelKind) -> ModelBytes:
        """A model's bytes, read once and checked."""
        if kind not in self._models:
            self._models[kind] = read_model(getattr(self.config.models, kind), kind)
        return self._models[kind]

    def read(self, stage: str, table: str, layout: RunLayout | None = None) -> DataFrame:
        """A table of this run, or of the one at `layout`.

        Of a stage at work the attempt's; else the files that the manifest names, without one what
        is there.
        """
        if layout is None and stage in self._at_work:
            return self._at_work[stage].table(table)
        layout = layout or self.layout
        declared = STAGES[stage].tables[table]
        schema = _spark_schema(declared.schema)
        base = tables.folder_of(layout, stage, table) if declared.partition_by else None
        return self.files(tables.locations(layout, stage, table), schema, base)

    def begin_work(self, stage: str, work: StageWork) -> None:
        """Read the tables of `stage` from this attempt from now on."""
        self._at_work[stage] = work

    def end_work(self, stage: str) -> None:
        """Read the tables of `stage` by its manifest again."""
        self._at_work.pop(stage, None)

    def write(self, frame: DataFrame, location: str) -> DataFrame:
        """Write a table afresh and give it back as read from there."""
        place = self.at(location)
        self.repeated(lambda: frame.write.mode("overwrite").parquet(place), location)
        return self.folder(location, frame.schema)

    def folder(self, location: str, schema: Any) -> DataFrame:
        """The Parquet files below a folder as one table; the driver lists it here and now."""
        place = self.at(location)
        return self.repeated(lambda: self.spark.read.schema(schema).parquet(place), location)

    def repeated(self, work: Callable[[], T], what: str) -> T:
        """What `work` gives; begun anew, up to `store.attempts` times, where an answer of the store
        came short.

        S3A asks again for what failed and not for what arrived incomplete: its committer fails the
        job.
        """
        for attempt in range(1, self.config.store.attempts):
            try:
                with plain_errors(self.layout.root):
                    return work()
            except BrokenAnswerError as error:
                log.warning("%s: begun anew after attempt %d: %s", what, attempt, error)
        with plain_errors(self.layout.root):
            return work()

    def files(self, locations: list[str], schema: Any, base: str | None = None) -> DataFrame:
        """Exactly these Parquet files as one table; folders below `base` may be columns."""
        if not locations:
            return self.spark.createDataFrame([], schema)
        places = [self.at(location) for location in locations]
        reader = self.spark.read.schema(schema)
        if base is not None:
            reader = reader.option("basePath", self.at(base))
        return self.repeated(lambda: reader.parquet(*places), locations[0])

    def _spark_locations(self) -> list[str]:
        """What Spark itself reads and writes; WARC files are read by Python."""
        index = self.config.input.index
        urls = [index.urls] if index.urls else []
        return [self.layout.root, *self.config.dedup.against, *index.paths, *urls]

    def at(self, location: str) -> str:
        """A location as this session's Hadoop knows it."""
        return spark_location(self.spark, location)

    def groups(self) -> list[list[WarcFile]]:
        """The WARC files in the groups that the extract stage commits."""
        size = self.config.extract.group_size
        return [self.warcs[i : i + size] for i in range(0, len(self.warcs), size)]

    # -- accounting ------------------------------------------------------------------------------

    def reconciled(self, stages: Sequence[str] | None = None) -> list[FunnelStage]:
        """The funnel over `stages` (all); raises `ReconciliationError` naming the first file that
        is off."""
        names = [stage.name for stage in self.stages] if stages is None else stages
        files = [
            file
            for name in names
            for file in (
                self._at_work[name].files_of("ledger")
                if name in self._at_work
                else tables.locations(self.layout, name, "ledger")
            )
        ]
        return reconcile(tables.read_ledger(files))

    def inputs(self) -> dict[str, Any]:
        """The number and a digest of the WARC files, and the index that chose their records."""
        names = "\n".join(warc.warc_file for warc in self.warcs)
        index = self.config.input.index
        return {
            "files": len(self.warcs),
            "sha256": hashlib.sha256(names.encode()).hexdigest(),
            **({"index": fingerprint(index)} if index.paths else {}),
        }

    def exclusions(self) -> dict[str, list[str]]:
        """The WARC files left out, under `excluded`; empty where there are none."""
        patterns = self.config.input.exclude
        return {KEY: excluded_names(patterns, self.warcs)} if patterns else {}

    def against(self) -> list[dict[str, str]]:
        """The identities of the earlier runs."""
        return [run.identity for run in self.earlier]

    def identity(self, name: str) -> dict[str, Any]:
        """Everything that shapes the rows of a stage."""
        stage = self.stage(name)
        own = stage.identity(self.config, self, self.model)
        own["code_version"] = __version__
        before: dict[str, str] = {}
        for parent in parents(stage, self.stages):
            manifest = read_manifest(self.layout.manifest(parent))
            assert manifest is not None
            before[parent] = config_hash(manifest.identity)
        if before:
            own["upstream"] = before if len(before) > 1 else next(iter(before.values()))
        return own

    def _create(self) -> None:
        """Make the output directory this run's; of several that try at once one succeeds."""
        self._makes_root = not store.exists(self.layout.root)
        if not store.write_new(self.layout.run_file, self._run_file()):
            run_lock(self.layout.root).refuse()
            raise OutputError(
                f"output {self.layout.root} has just become the output of another run; "
                "continue that with --resume, or choose another directory"
            )
        self._is_new = True

    def recorded_config(self) -> BuildConfig | None:
        """The configuration that the run file holds, None before there is one."""
        stored = stored_run(self.layout)
        return stored_config(self.layout, stored) if stored else None

    def write_run_file(self) -> None:
        """Record the run's identity and settings, unless they stand there already."""
        stored = stored_run(self.layout)
        if stored is None or stored["config"] != self.config.model_dump(mode="json"):
            store.write_bytes(self.layout.run_file, self._run_file())

    def _run_file(self) -> bytes:
        content = {
            "run_id": self.run_id,
            "code_version": __version__,
            "build": build_id(),
            "created": timestamp(),
            "config": self.config.model_dump(mode="json"),
        }
        return (json.dumps(content, indent=2) + "\n").encode()

    def discard(self, stage: Stage) -> None:
        """Delete all that a stage wrote."""
        # The manifest goes first: a half-deleted stage must not look complete.
        store.delete_tree(self.layout.manifest(stage.name))
        store.delete_tree(self.layout.folder(stage.name) + "/")
        for name, table in stage.tables.items():
            if table.released:
                store.delete_tree(self.layout.released(name))
        if stage.releases:
            store.delete_tree(self.layout.report)


def _check_new(layout: RunLayout) -> None:
    """Raise `OutputError` where something else is at the output's place or on the way to it."""
    expected = "expected a new or empty directory"
    if store.scheme_of(layout.root) == "file":
        place = Path(store.local_path(layout.root)).absolute()
        file = next((path for path in (place, *place.parents) if path.is_file()), None)
        if file is not None:
            raise OutputError(f"output {layout.root}: {file} is a file; {expected}")
    if store.list_files(layout.root):
        raise OutputError(f"output {layout.root} is not empty and holds no run; {expected}")


def _layout(config: BuildConfig) -> RunLayout:
    if not config.output:
        raise ConfigError("no output: give --output, or output in the configuration")
    root = store.normal(config.output)
    require_plain("output", root)
    return RunLayout(root)


def _spark_schema(schema: Any) -> Any:
    from infimm_spark import schemas

    return schemas.spark_schema(schema)
