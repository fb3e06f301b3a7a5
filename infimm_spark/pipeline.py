"""A build from end to end: the place where paths, configuration and stages meet.

Each stage reads the tables of the one before it, writes its own, and last its manifest. Reading this
file from top to bottom is reading the paper's funnel.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from infimm_spark import __version__, logs
from infimm_spark.classify.broadcast import ModelBytes, read_model
from infimm_spark.config import BuildConfig, config_hash
from infimm_spark.crawl import store
from infimm_spark.crawl.listing import WarcFile, list_warcs
from infimm_spark.errors import (
    BrokenAnswerError,
    ConfigError,
    InfimmError,
    OutputError,
    ReconciliationError,
    StageError,
    StoreError,
    TooManyFailuresError,
)
from infimm_spark.metrics import Counters
from infimm_spark.preflight import check_readable, plain_errors
from infimm_spark.runs import tables
from infimm_spark.runs.damage import unreadable_table
from infimm_spark.runs.earlier import EarlierRun, earlier_runs
from infimm_spark.runs.files import DataFile, catalogue
from infimm_spark.runs.layout import STAGE_TABLES, STAGES, RunLayout
from infimm_spark.runs.ledger import FunnelStage, funnel, mismatch
from infimm_spark.runs.manifest import (
    Manifest,
    check_identity,
    read_manifest,
    timestamp,
    write_manifest,
)
from infimm_spark.s3a import require_jars, spark_location
from infimm_spark.selection import fingerprint, select
from infimm_spark.session import is_local, open_session
from infimm_spark.submission import check_executors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger("infimm_spark")

T = TypeVar("T")
ModelKind = Literal["language", "recall", "precision"]
MODELS: tuple[ModelKind, ...] = ("language", "recall", "precision")

# Failures that cost a whole file, as `crawl.records` names them.
_LOST_FILES = ("unreadable_file", "empty_file", "not_a_warc")

# Settings that shape how the work is cut and judged but none of its rows; they may change on resume.
_OPERATIONAL = {
    "extract": {
        "partitions",
        "batch_bytes",
        "max_failure_ratio",
        "min_failures",
        "groups_in_flight",
        "group_order",
        "file_size_mb",
        "compact_above",
    },
    "dedup": {"partitions", "against"},  # `against` is told by the runs' own identities
    "rules": set[str](),
    "publish": set[str](),
}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a finished build hands back."""

    run_id: str
    output: str
    corpus: str
    report: str
    funnel: list[FunnelStage]
    seconds: float


def build(config: BuildConfig, *, resume: bool = False) -> RunSummary:
    """Run every stage; with `resume`, skip what is complete.

    Raises the package's errors for a wrong configuration, input or model before Spark starts.
    """
    started = time.monotonic()
    run = Run.begin(config, resume=resume)
    for stage in STAGES:
        run.stage(stage, resume=resume)
    return run.summary(time.monotonic() - started)


class Run:
    """One output directory, its configuration, and the session that works on it."""

    def __init__(self, run_id: str, config: BuildConfig, layout: RunLayout) -> None:
        self.run_id = run_id
        self.config = config
        self.layout = layout
        self._spark: SparkSession | None = None
        self._counters: Counters | None = None
        self._models: dict[ModelKind, ModelBytes] = {}
        self._warcs: list[WarcFile] | None = None
        self._is_new = False
        store.configure(config.store)

    # -- opening ---------------------------------------------------------------------------------

    @classmethod
    def begin(cls, config: BuildConfig, *, resume: bool) -> Run:
        """Start a run in `config.output`, or continue the one that is there."""
        store.configure(config.store)
        layout = _layout(config)
        stored = _read_run_file(layout)
        if stored is not None and not resume:
            raise OutputError(
                f"output {layout.root} holds run {stored['run_id']} already; "
                "continue it with --resume, or choose another directory"
            )
        if stored is None and store.list_files(layout.root):
            raise OutputError(
                f"output {layout.root} is not empty and holds no run; expected a new or empty directory"
            )
        run_id = stored["run_id"] if stored else _new_run_id()
        run = cls(run_id, config, layout)
        # Everything a user can get wrong is looked at before the output exists and Spark starts.
        if run._on(store.is_s3):
            require_jars(config.spark.conf)
        if not config.input.index.paths:  # an index is read by Spark, into the run
            check_readable(run.warcs)
        for kind in MODELS:
            run.model(kind)
        _ = run.earlier
        if stored is None:
            run._write_run_file()
            run._is_new = True
        return run

    @classmethod
    def open(cls, root: str, config: BuildConfig | None = None) -> Run:
        """Open an existing run, with its own stored configuration unless another is given."""
        if config is not None:
            store.configure(config.store)
        layout = RunLayout(store.normal(root))
        stored = _read_run_file(layout)
        if stored is None:
            raise StageError(f"{root} holds no run (no run.json); expected the --output of a build")
        if config is None:
            config = BuildConfig.model_validate_json(json.dumps(stored["config"]))
        return cls(stored["run_id"], config, layout)

    def stage(self, name: str, *, resume: bool = False, redo: bool = False) -> Manifest:
        """Run one stage, or skip it if it is complete and `resume` is set.

        With `redo` the stage and all later ones are discarded first.
        """
        with logs.about(run=self.run_id, stage=name):
            return self._stage(name, resume=resume, redo=redo)

    def _stage(self, name: str, *, resume: bool, redo: bool) -> Manifest:
        index = STAGES.index(name)
        upstream = STAGES[index - 1] if index else None
        if upstream and read_manifest(self.layout.manifest(upstream)) is None:
            raise StageError(
                f"stage {name} needs stage {upstream}, which is not complete in {self.layout.root}"
            )
        if redo:
            for later in STAGES[index:]:
                self._discard(later)
        identity = self._identity(name)
        done = read_manifest(self.layout.manifest(name))
        if done is not None:
            if not resume:
                raise OutputError(
                    f"stage {name} is complete in {self.layout.root}; "
                    "skip it with --resume or do it again with --redo"
                )
            check_identity(f"stage {name}", done.identity, identity)
            log.info("%s: complete, skipped", name)
            return done
        stored = _read_run_file(self.layout)
        if stored is None or stored["config"] != self.config.model_dump(mode="json"):
            self._write_run_file()
        log.info("%s: started", name)
        started, clock = timestamp(), time.monotonic()
        with plain_errors(self.layout.root):
            counts = self._runner(name)
            files = self._stage_files(name)
        if name != "extract":  # its groups count as they are committed
            self.count(name, counts)
        manifest = Manifest(
            stage=name,
            run_id=self.run_id,
            identity=identity,
            counts=counts,
            files=files,
            started=started,
            finished=timestamp(),
        )
        write_manifest(self.layout.manifest(name), manifest)
        seconds = time.monotonic() - clock
        log.info(
            "%s: done in %.0f s; %s",
            name,
            seconds,
            _counts_line(counts),
            extra={"counts": counts, "seconds": round(seconds, 1)},
        )
        return manifest

    def _runner(self, name: str) -> dict[str, int]:
        try:
            return _RUNNERS[name](self)
        except InfimmError:
            raise
        except Exception as error:
            file = unreadable_table(error)
            if file is None:
                raise
            raise StoreError(
                f"stage {name}: {file} is damaged or gone; expected it as it was written "
                "(a table of this stage is written anew with --resume)"
            ) from error

    def count(self, stage: str, counts: dict[str, int]) -> None:
        """Add what a unit of work committed to the session's metrics."""
        if self._counters is not None:
            self._counters.add(stage, counts)

    def summary(self, seconds: float) -> RunSummary:
        """The finished run's figures."""
        stages = self.reconciled(STAGES)
        return RunSummary(
            run_id=self.run_id,
            output=self.layout.root,
            corpus=self.layout.corpus,
            report=self.layout.report,
            funnel=stages,
            seconds=seconds,
        )

    # -- what the stages work with ---------------------------------------------------------------

    @property
    def spark(self) -> SparkSession:
        if self._spark is None:
            try:
                self._spark = self._opened()
            except Exception:
                self._withdraw()
                raise
        return self._spark

    def _opened(self) -> SparkSession:
        """A session that is fit for this run's work."""
        remote = self.config.store if self._on(store.is_s3) else None
        settings = logs.tell_executors(self.config.spark, self.run_id)
        spark = open_session(settings, remote, on_gs=self._on(store.is_gs))
        self._counters = Counters(spark)
        if not is_local(spark):
            self._preflight(spark)
        if self.config.dedup.partitions is not None:
            spark.conf.set("spark.sql.shuffle.partitions", str(self.config.dedup.partitions))
        return spark

    def _withdraw(self) -> None:
        """Take back the run file of a run that was refused before it did anything: the next try begins anew."""
        if self._is_new and store.list_files(self.layout.root) == [self.layout.run_file]:
            store.delete_tree(self.layout.run_file)

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

    def read(self, location: str, schema: Any, layout: RunLayout | None = None) -> DataFrame:
        """A table of this run, or of the one at `layout`: the files its stage's manifest names, until there is
        one all that is there."""
        layout = layout or self.layout
        stage = location[len(layout.root) + 1 :].partition("/")[0]
        manifest = read_manifest(layout.manifest(stage)) if stage in STAGES else None
        if manifest is None or not manifest.files:
            return self._table([self.at(location)], _spark_schema(schema), location)
        named = (store.join(layout.root, file.path) for file in manifest.files)
        return self._files([f for f in named if f.startswith(f"{location}/")], schema)

    def write(self, frame: DataFrame, location: str) -> DataFrame:
        """Write a table afresh and give it back as read from there."""
        place = self.at(location)
        self.repeated(lambda: frame.write.mode("overwrite").parquet(place), location)
        return self._table([place], frame.schema, location)

    def _table(self, places: list[str], schema: Any, what: str) -> DataFrame:
        """A table as Spark reads it; the driver lists it here and now."""
        return self.repeated(lambda: self.spark.read.schema(schema).parquet(*places), what)

    def repeated(self, work: Callable[[], T], what: str) -> T:
        """What `work` gives; begun anew, up to `store.attempts` times, where an answer of the store came short.

        S3A asks again for what failed and not for what arrived incomplete: its committer fails the job.
        """
        for attempt in range(1, self.config.store.attempts):
            try:
                with plain_errors(self.layout.root):
                    return work()
            except BrokenAnswerError as error:
                log.warning("%s: begun anew after attempt %d: %s", what, attempt, error)
        with plain_errors(self.layout.root):
            return work()

    def _files(self, locations: list[str], schema: Any) -> DataFrame:
        """Exactly these Parquet files as one table."""
        if not locations:
            return self.spark.createDataFrame([], _spark_schema(schema))
        return self._table([*map(self.at, locations)], _spark_schema(schema), locations[0])

    def _on(self, is_there: Callable[[str], bool]) -> bool:
        """Whether Spark itself reads or writes on a kind of store; WARC files are read by Python."""
        index = self.config.input.index
        paths = [self.layout.root, *self.config.dedup.against, *index.paths, index.urls or ""]
        return any(map(is_there, paths))

    def at(self, location: str) -> str:
        """A location as this session's Hadoop knows it."""
        return spark_location(self.spark, location)

    def _stage_files(self, stage: str) -> list[DataFile]:
        """What a stage's manifest names; the extract stage's files stand in those of its groups."""
        if stage == "extract":
            return []
        layout = self.layout
        folders = [layout.table(stage, name) for name in STAGE_TABLES[stage]]
        if stage == "publish":
            folders.append(layout.corpus)
        return catalogue(layout.root, folders, self.spark)

    def checkpoint(self, stage: str) -> Callable[[DataFrame, str], DataFrame]:
        """Writes intermediate results of `stage` to Parquet and reads them back.

        Lists of hot buckets are written beside the stage's tables, where they stay.
        """

        def write(frame: DataFrame, name: str) -> DataFrame:
            hot = self.layout.table(stage, f"hot_buckets/{name}")
            location = hot if name.endswith("-hot") else f"{self.layout.scratch(stage)}/{name}"
            return self.write(frame, location)

        return write

    def documents(self) -> DataFrame:
        """The extract stage's documents, all groups."""
        return self._extracted("documents")

    def recalled(self) -> DataFrame:
        """Documents at or above the recall threshold."""
        from infimm_spark.stages.dedup import select_recalled

        dedup = self.config.dedup
        return select_recalled(
            self.documents(), dedup.recall_threshold, dedup.recall_threshold_by_length
        )

    def _extracted(self, name: str) -> DataFrame:
        from infimm_spark.stages.extract import TABLES

        return self._files(tables.locations(self.layout, "extract", name), TABLES[name])

    def _groups(self) -> list[list[WarcFile]]:
        size = self.config.extract.group_size
        return [self.warcs[i : i + size] for i in range(0, len(self.warcs), size)]

    # -- accounting ------------------------------------------------------------------------------

    def ledger(self, stages: tuple[str, ...]) -> DataFrame:
        """Ledger rows written by `stages`."""
        from infimm_spark import schemas

        frames = [
            self._extracted("ledger")
            if stage == "extract"
            else self.read(self.layout.table(stage, "ledger"), schemas.LEDGER)
            for stage in stages
        ]
        ledger = frames[0]
        for frame in frames[1:]:
            ledger = ledger.unionByName(frame)
        return ledger

    def reconciled(self, stages: tuple[str, ...]) -> list[FunnelStage]:
        """The funnel over `stages`; raises `ReconciliationError` naming the first file that is off."""
        from pyspark.sql import functions as F

        ledger = self.ledger(stages)
        signed = F.when(F.col("outcome") == "read", F.col("count")).otherwise(-F.col("count"))
        off = (
            ledger.groupBy("warc_file", "stage")
            .agg(F.sum(signed).alias("difference"))
            .where(F.col("difference") != 0)
            .orderBy("warc_file", "stage")
            .first()
        )
        if off is not None:
            raise ReconciliationError(mismatch(off.warc_file, off.stage, off.difference))
        totals = ledger.groupBy("stage", "outcome", "reason").agg(F.sum("count").alias("count"))
        return funnel(tuple(row) for row in totals.collect())

    def _identity(self, stage: str) -> dict[str, Any]:
        """Everything that shapes the rows of `stage`."""
        names = [warc.warc_file for warc in self.warcs] if stage == "extract" else []
        config = self.config
        own: dict[str, Any]
        by_index = bool(config.input.index.paths)
        if stage == "extract":
            own = {
                "extract": _shaping(config, "extract"),
                "rejects": config.rejects.model_dump(mode="json"),
                "models": {k: self.model(k).fingerprint for k in MODELS[:2]},
                "inputs": {
                    "files": len(names),
                    "sha256": hashlib.sha256("\n".join(names).encode()).hexdigest(),
                    **({"index": fingerprint(config.input.index)} if by_index else {}),
                },
            }
        elif stage == "dedup":
            from infimm_spark.stages.dedup import signature_fingerprint

            own = {
                "dedup": _shaping(config, "dedup"),
                "signatures": signature_fingerprint(config.dedup.minhash),
                "against": [run.identity for run in self.earlier],
            }
        elif stage == "refine":
            own = {
                "boilerplate": config.boilerplate.model_dump(mode="json"),
                "rules": _shaping(config, "rules"),
                "models": {"precision": self.model("precision").fingerprint},
            }
        else:
            own = {"publish": _shaping(config, "publish")}
        own["code_version"] = __version__
        index = STAGES.index(stage)
        if index:
            before = read_manifest(self.layout.manifest(STAGES[index - 1]))
            assert before is not None
            own["upstream"] = config_hash(before.identity)
        return own

    def _write_run_file(self) -> None:
        content = {
            "run_id": self.run_id,
            "code_version": __version__,
            "created": timestamp(),
            "config": self.config.model_dump(mode="json"),
        }
        store.write_bytes(self.layout.run_file, (json.dumps(content, indent=2) + "\n").encode())

    def _discard(self, stage: str) -> None:
        # The manifest goes first: a half-deleted stage must not look complete.
        store.delete_tree(self.layout.manifest(stage))
        store.delete_tree(self.layout.table(stage, ""))
        if stage == "publish":
            store.delete_tree(self.layout.corpus)
            store.delete_tree(self.layout.report)


# -- the stages, in the order of the funnel ------------------------------------------------------


def _extract(run: Run) -> dict[str, int]:
    """WARC files to documents, group by group; a finished group is never read again."""
    from infimm_spark.extraction import Extraction

    totals = Extraction(run, run._identity("extract"), run._groups()).run()
    _check_failures(run, totals)
    return totals


def _check_failures(run: Run, totals: dict[str, int]) -> None:
    """Refuse a run of which too much failed to be trusted."""
    from pyspark.sql import functions as F

    settings = run.config.extract
    rows = (
        run.ledger(("extract",))
        .where(
            (F.col("outcome") == "failed") & F.col("reason").isin("unreadable_file", "not_a_warc")
        )
        .agg(F.countDistinct("warc_file").alias("files"), F.min("warc_file").alias("first"))
        .first()
    )
    assert rows is not None
    files = totals["files"]
    if rows.files:
        log.warning(
            "extract: %d of %d WARC files are quarantined (first: %s); rejects name each and why",
            rows.files,
            files,
            rows["first"],
        )
    if rows.files and (rows.files == files or rows.files / files > settings.max_failure_ratio):
        raise TooManyFailuresError(
            f"{rows.files} of {files} WARC files could not be read (first: {rows['first']}); "
            f"extract.max_failure_ratio allows {settings.max_failure_ratio:.1%}"
        )
    failed, read = totals.get("failed", 0), totals.get("read", 0)
    if failed > settings.min_failures and failed > settings.max_failure_ratio * read:
        raise TooManyFailuresError(
            f"{failed:,} of {read:,} records failed; "
            f"extract.max_failure_ratio allows {settings.max_failure_ratio:.1%}"
        )


def _dedup(run: Run) -> dict[str, int]:
    """Recall threshold, then exact, near and URL duplicates."""
    from infimm_spark import schemas
    from infimm_spark.dedup.settled import settled_documents
    from infimm_spark.stages import accounting
    from infimm_spark.stages.dedup import (
        deduplicate_ranked,
        rank,
        select_unrecalled,
        signatures,
        survivor_ranks,
    )

    config = run.config.dedup
    documents, recalled = run.documents(), run.recalled()
    below = select_unrecalled(documents, config.recall_threshold, config.recall_threshold_by_length)
    checkpoint = run.checkpoint("dedup")
    ranks = checkpoint(survivor_ranks(recalled, config), "ranks")
    signed = signatures(recalled, config)
    ranked = run.write(rank(signed, ranks), run.layout.table("dedup", "signatures"))
    settled = None
    if run.earlier:
        stored = [
            (
                run.read(before.table("dedup", "signatures"), schemas.RANKED, before),
                run.read(before.table("dedup", "duplicates"), schemas.DUPLICATES, before),
            )
            for before in (earlier.layout for earlier in run.earlier)
        ]
        settled = settled_documents(stored)
    duplicates = run.write(
        deduplicate_ranked(ranked, config, checkpoint, settled),
        run.layout.table("dedup", "duplicates"),
    )
    survivors = recalled.join(duplicates.select("id"), on="id", how="left_anti")
    run.write(
        accounting.threshold_ledger(documents, recalled, "recall", "math_prob", below).unionByName(
            accounting.duplicates_ledger(recalled, duplicates, survivors)
        ),
        run.layout.table("dedup", "ledger"),
    )
    run.write(
        accounting.sampled(
            accounting.recall_rejects(below).unionByName(
                accounting.duplicate_rejects(recalled, duplicates)
            ),
            run.config.rejects.fraction,
        ),
        run.layout.table("dedup", "rejects"),
    )
    store.delete_tree(run.layout.scratch("dedup"))
    return _stage_counts(run, "dedup", ("recall", "dedup"))


def _refine(run: Run) -> dict[str, int]:
    """Repeated paragraphs (if so configured), the four rules, the high-precision classifier."""
    from infimm_spark import schemas
    from infimm_spark.stages import accounting
    from infimm_spark.stages.boilerplate import repeated_paragraphs, without_paragraphs
    from infimm_spark.stages.refine import precision_scorer, refine, refine_rejects

    duplicates = run.read(run.layout.table("dedup", "duplicates"), schemas.DUPLICATES)
    survivors = run.recalled().join(duplicates.select("id"), on="id", how="left_anti")
    if run.config.boilerplate.enabled:
        repeated = run.write(
            repeated_paragraphs(survivors, run.config.boilerplate),
            run.layout.table("refine", "boilerplate"),
        )
        survivors = without_paragraphs(survivors, repeated, run.config.boilerplate)
    precision = run.spark.sparkContext.broadcast(run.model("precision"))

    scored = run.write(
        refine(survivors, run.config.rules, precision_scorer(precision)),
        run.layout.table("refine", "scored"),
    )
    precision.unpersist()
    run.write(accounting.refine_ledger(scored), run.layout.table("refine", "ledger"))
    run.write(
        accounting.sampled(refine_rejects(scored), run.config.rejects.fraction),
        run.layout.table("refine", "rejects"),
    )
    return _stage_counts(run, "refine", ("rules", "precision"))


def _publish(run: Run) -> dict[str, int]:
    """Clean documents to the released schema."""
    from infimm_spark import schemas
    from infimm_spark.report.formulas import tallies
    from infimm_spark.report.funnel import write_report
    from infimm_spark.stages import accounting
    from infimm_spark.stages.publish import corpus_files, corpus_rows, partition_for_publish
    from infimm_spark.stages.refine import REFINED, kept_clean

    clean = kept_clean(run.read(run.layout.table("refine", "scored"), REFINED))
    files = corpus_files(clean, run.config.publish.file_size_mb * 1024 * 1024)
    corpus = partition_for_publish(corpus_rows(clean), files)
    writer = corpus.write.mode("overwrite").option("compression", run.config.publish.compression)
    place = run.at(run.layout.corpus)
    run.repeated(lambda: writer.partitionBy("snapshot").parquet(place), run.layout.corpus)
    written = run.read(run.layout.corpus, schemas.CORPUS)
    run.write(accounting.publish_ledger(clean, written), run.layout.table("publish", "ledger"))
    counts = _stage_counts(run, "publish", ("publish",))
    formulas = tallies(
        (row.encoding, row.outcome, row.formulas)
        for row in accounting.formula_sums(run.documents()).collect()
    )
    write_report(run.layout, run.run_id, run.reconciled(STAGES), formulas)
    return counts


_RUNNERS: dict[str, Callable[[Run], dict[str, int]]] = {
    "extract": _extract,
    "dedup": _dedup,
    "refine": _refine,
    "publish": _publish,
}


# -- helpers -------------------------------------------------------------------------------------


def _stage_counts(run: Run, stage: str, ledger_stages: tuple[str, ...]) -> dict[str, int]:
    """Reconcile what a stage wrote; its counts for the manifest."""
    stages = run.reconciled((stage,))
    if [s.stage for s in stages] not in ([], list(ledger_stages)):
        raise ReconciliationError(
            f"stage {stage} wrote ledger rows of {[s.stage for s in stages]}, "
            f"expected {list(ledger_stages)}"
        )
    return {
        f"{s.stage}.{name}": value
        for s in stages
        for name, value in (("read", s.read), ("kept", s.kept))
    }


def _shaping(config: BuildConfig, section: str) -> dict[str, Any]:
    values: dict[str, Any] = getattr(config, section).model_dump(mode="json")
    return {key: value for key, value in values.items() if key not in _OPERATIONAL[section]}


def _layout(config: BuildConfig) -> RunLayout:
    if not config.output:
        raise ConfigError("no output: give --output, or output in the configuration")
    return RunLayout(store.normal(config.output))


def _read_run_file(layout: RunLayout) -> dict[str, Any] | None:
    if not store.exists(layout.run_file):
        return None
    try:
        stored: dict[str, Any] = json.loads(store.read_bytes(layout.run_file))
        _ = stored["run_id"], stored["config"]
    except (ValueError, KeyError, TypeError):
        raise OutputError(f"{layout.run_file} is damaged: expected the run's JSON") from None
    return stored


def _new_run_id() -> str:
    return f"{timestamp().replace(':', '').replace('-', '')}-{uuid.uuid4().hex[:8]}"


def _spark_schema(schema: Any) -> Any:
    from infimm_spark import schemas

    return schemas.spark_schema(schema)


def _counts_line(counts: dict[str, int]) -> str:
    return ", ".join(f"{key} {value:,}" for key, value in counts.items())
