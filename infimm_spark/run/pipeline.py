"""A build from end to end: the place where paths, configuration and stages meet.

Each stage reads the tables of the one before it, writes its own, and last its manifest. Reading this
file from top to bottom is reading the paper's funnel.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from infimm_spark import store
from infimm_spark.config import BuildConfig
from infimm_spark.errors import (
    InfimmError,
    LockLostError,
    OutputError,
    ReconciliationError,
    StageError,
    StoreError,
    TooManyFailuresError,
)
from infimm_spark.run.damage import unreadable_table
from infimm_spark.run.layout import STAGES
from infimm_spark.run.ledger import FunnelStage
from infimm_spark.run.manifest import (
    Manifest,
    check_identity,
    claim_manifest,
    read_manifest,
    timestamp,
)
from infimm_spark.run.run import Run
from infimm_spark.run.verify import check_files
from infimm_spark.spark import logs
from infimm_spark.spark.preflight import plain_errors

log = logging.getLogger(__name__)

# Failures that cost a whole file, as `crawl.records` names them.
_LOST_FILES = ("unreadable_file", "empty_file", "not_a_warc", "shared_offset")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a finished build hands back."""

    run_id: str
    output: str
    corpus: str
    report: str
    funnel: list[FunnelStage]
    seconds: float


def build(config: BuildConfig, *, resume: bool = False, take_over: bool = False) -> RunSummary:
    """Run every stage; with `resume`, skip what is complete.

    Raises the package's errors for a wrong configuration, input or model before Spark starts, `LockedError`
    where another process works on the run: `take_over` says that it is dead.
    """
    started = time.monotonic()
    run = Run.begin(config, resume=resume, take_over=take_over)
    summary = build_run(run, resume=resume)
    return replace(summary, seconds=time.monotonic() - started)


def build_run(run: Run, *, resume: bool = False) -> RunSummary:
    """`build` of a run that has begun."""
    started = time.monotonic()
    with run.held():
        for stage in STAGES:
            run_stage(run, stage, resume=resume)
        return RunSummary(
            run_id=run.run_id,
            output=run.layout.root,
            corpus=run.layout.corpus,
            report=run.layout.report,
            funnel=run.reconciled(STAGES),
            seconds=time.monotonic() - started,
        )


def run_stage(run: Run, name: str, *, resume: bool = False, redo: bool = False) -> Manifest:
    """Run one stage, or skip it if it is complete and `resume` is set.

    With `redo` the stage and all later ones are discarded first.
    """
    with logs.about(run=run.run_id, stage=name), run.held():
        return _run_stage(run, name, resume=resume, redo=redo)


def _run_stage(run: Run, name: str, *, resume: bool, redo: bool) -> Manifest:
    layout = run.layout
    index = STAGES.index(name)
    upstream = STAGES[index - 1] if index else None
    if upstream and read_manifest(layout.manifest(upstream)) is None:
        raise StageError(
            f"stage {name} needs stage {upstream}, which is not complete in {layout.root}"
        )
    check_files(layout, STAGES[:index])
    if redo:
        run.fence()
        for later in STAGES[index:]:
            run.discard(later)
    identity = run.identity(name)
    done = read_manifest(layout.manifest(name))
    if done is not None:
        if not resume:
            raise OutputError(
                f"stage {name} is complete in {layout.root}; "
                "skip it with --resume or do it again with --redo"
            )
        check_identity(f"stage {name}", done.identity, identity)
        check_files(layout, [name])
        log.info("%s: complete, skipped", name)
        return done
    run.write_run_file()
    log.info("%s: started", name)
    started, clock = timestamp(), time.monotonic()
    with plain_errors(layout.root):
        counts = _counts_of(run, name)
        files = run.stage_files(name)
    if name != "extract":  # its groups count as they are committed
        run.count(name, counts)
    manifest = run.manifest(name, identity, counts, files, started)
    run.fence()
    if not claim_manifest(layout.manifest(name), manifest):
        raise LockLostError(
            f"stage {name} of {layout.root} was completed by another process meanwhile; "
            "look at its result with infimm funnel"
        )
    seconds = time.monotonic() - clock
    log.info(
        "%s: done in %.0f s; %s",
        name,
        seconds,
        ", ".join(f"{key} {value:,}" for key, value in counts.items()),
        extra={"counts": counts, "seconds": round(seconds, 1)},
    )
    return manifest


def _counts_of(run: Run, name: str) -> dict[str, int]:
    """Run a stage; its counts. Names the file where a table cannot be read."""
    try:
        return _RUNNERS[name](run)
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


# -- the stages, in the order of the funnel ------------------------------------------------------


def _extract(run: Run) -> dict[str, int]:
    """WARC files to documents, group by group; a finished group is never read again."""
    from infimm_spark.run.groups import Extraction

    totals = Extraction(run, run.identity("extract"), run.groups()).run()
    _check_failures(run, totals)
    return totals


def _check_failures(run: Run, totals: dict[str, int]) -> None:
    """Refuse a run of which too much failed to be trusted."""
    from pyspark.sql import functions as F

    settings = run.config.extract
    rows = (
        run.ledger(("extract",))
        .where((F.col("outcome") == "failed") & F.col("reason").isin(*_LOST_FILES))
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
