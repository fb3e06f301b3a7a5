"""A build from end to end: the stages in order, each run, checked, committed, or skipped when
complete.

Each stage reads the tables of those before it, writes its own, and last its manifest. What the
stages are and do, they declare themselves (`stages.registry`).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

from infimm_spark import progress, store
from infimm_spark.classify.thresholds import thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.errors import (
    InfimmError,
    OutputError,
    ReconciliationError,
    StageError,
    StoreError,
)
from infimm_spark.report.formulas import FormulaTally, tallies
from infimm_spark.report.funnel import has_report, write_report
from infimm_spark.run.damage import unreadable_table
from infimm_spark.run.exclusion import excludes_more
from infimm_spark.run.files import DataFile
from infimm_spark.run.groups import Extraction, check_failures
from infimm_spark.run.ledger import FunnelStage, documents_of, largest_loss
from infimm_spark.run.manifest import (
    Manifest,
    check_build,
    check_identity,
    claim_manifest,
    read_manifest,
    timestamp,
    write_manifest,
)
from infimm_spark.run.run import Run
from infimm_spark.run.settings import settings_for
from infimm_spark.run.verify import check_files
from infimm_spark.run.work import StageWork, overtaken, settle
from infimm_spark.spark import logs
from infimm_spark.spark.preflight import plain_errors
from infimm_spark.spark.watching import watched
from infimm_spark.stages.base import Stage, ancestors, descendants, parents
from infimm_spark.stages.registry import reads_left_out

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a finished build hands back."""

    run_id: str
    output: str
    corpus: str
    report: str
    funnel: list[FunnelStage]
    seconds: float


def build(
    config: BuildConfig,
    *,
    resume: bool = False,
    overwrite: bool = False,
    take_over: bool = False,
    accept_code_change: bool = False,
) -> RunSummary:
    """Run every stage; with `resume`, skip what is complete; with `overwrite`, delete the run that
    is there.

    A run that other code began is resumed only with `accept_code_change`. Raises the package's
    errors for a wrong configuration, input or model before Spark starts, `LockedError` where
    another process works on the run: `take_over` says that it is dead.
    """
    if not isinstance(config, BuildConfig):
        raise TypeError(
            f"build() got {type(config).__name__}; expected a BuildConfig, as load_config(FILE, "
            "OVERRIDES) gives it"
        )
    started = time.monotonic()
    run = Run.begin(
        config,
        resume=resume,
        overwrite=overwrite,
        take_over=take_over,
        accept_code_change=accept_code_change,
    )
    summary = build_run(run, resume=resume)
    return replace(summary, seconds=time.monotonic() - started)


def build_run(run: Run, *, resume: bool = False) -> RunSummary:
    """`build` of a run that has begun."""
    started = time.monotonic()
    with run.held(), progress.task("build", len(run.stages), "stages") as shown:
        for stage in run.stages:
            run_stage(run, stage.name, resume=resume)
            shown.advance()
        funnel = run.reconciled()
    if funnel and not documents_of(funnel):
        log.warning("the corpus is empty: %s", largest_loss(funnel))
    return RunSummary(
        run_id=run.run_id,
        output=run.layout.root,
        corpus=run.layout.corpus,
        report=run.layout.report,
        funnel=funnel,
        seconds=time.monotonic() - started,
    )


def run_stage(run: Run, name: str, *, resume: bool = False, redo: bool = False) -> Manifest:
    """Run one stage, or skip it if it is complete and `resume` is set.

    With `redo` it is done again: once the new result is complete it takes the old one's place, and
    the stages that read it are discarded. Until then, and if it fails, the old result stays as it
    is.
    """
    with logs.about(run=run.run_id, stage=name), run.held():
        return _run_stage(run, run.stage(name), resume=resume, redo=redo)


def _run_stage(run: Run, stage: Stage, *, resume: bool, redo: bool) -> Manifest:
    layout, name = run.layout, stage.name
    for parent in parents(stage, run.stages):
        if read_manifest(layout.manifest(parent)) is None:
            raise StageError(
                f"stage {name} needs stage {parent}, which is not complete in {layout.root}"
            )
    if redo and stage.by_group:
        raise StageError(
            f"stage {name} reads the input group by group and cannot be repeated; "
            "expected a new output directory"
        )
    run.fence()
    settle(layout.root, stage)
    check_files(layout, ancestors(stage, run.stages))
    # Everything that can be wrong is looked at before anything changes: settings, models, earlier
    # runs.
    run.config = settings_for(run, stage)
    identity = run.identity(name)
    done = read_manifest(layout.manifest(name))
    if done is not None and not redo:
        if not resume:
            raise OutputError(
                f"stage {name} is complete in {layout.root}; "
                "skip it with --resume or repeat it with --redo"
            )
        more = stage.by_group and excludes_more(done.identity, identity)
        if not more and not _is_stale(done, identity):
            check_identity(f"stage {name}", done.identity, identity)
            check_build(f"stage {name}", done.build, accept=run.accept_code_change)
            check_files(layout, [name])
            if _shows(stage, run) and not has_report(layout):
                _report(run, stage, run.reconciled(), _formulas(run))
            log.info("%s: complete, skipped", name)
            return done
        if more:
            log.warning("%s: more WARC files are excluded; their rows are taken out", name)
            run.write_run_file()
        else:
            log.warning("%s: a stage that it reads was done again since; done again too", name)
    if done is None:
        run.write_run_file()
    log.info("%s: started", name)
    started, clock = timestamp(), time.monotonic()
    with plain_errors(layout.root):
        manifest = _carried_out(run, stage, identity, started, replaces=done is not None)
    seconds = time.monotonic() - clock
    log.info(
        "%s: done in %.0f s; %s",
        name,
        seconds,
        ", ".join(f"{key} {value:,}" for key, value in manifest.counts.items()),
        extra={"counts": manifest.counts, "seconds": round(seconds, 1)},
    )
    return manifest


def _is_stale(done: Manifest, identity: dict[str, object]) -> bool:
    """Whether a stage that it reads was done again with other rows after this one."""
    return done.identity.get("upstream") != identity.get("upstream")


def _carried_out(
    run: Run, stage: Stage, identity: dict[str, object], started: str, *, replaces: bool
) -> Manifest:
    """Run a stage and commit it. Names the file where a table cannot be read."""
    try:
        if stage.by_group:
            return _by_group(run, stage, identity, started, replaces=replaces)
        return _at_once(run, stage, identity, started, replaces=replaces)
    except InfimmError:
        raise
    except Exception as error:
        file = unreadable_table(error)
        if file is None:
            raise
        raise StoreError(
            f"stage {stage.name}: {file} is damaged or missing; expected it as written "
            "(a table of this stage is written anew with --resume)"
        ) from error


def _by_group(
    run: Run, stage: Stage, identity: dict[str, object], started: str, *, replaces: bool
) -> Manifest:
    """A stage whose groups are committed one by one; a finished group is never read again."""
    counts = Extraction(run, stage, identity, run.groups()).run()
    check_failures(run, stage, counts)
    manifest = run.manifest(stage.name, identity, counts, [], started)
    run.fence()
    if replaces:
        write_manifest(run.layout.manifest(stage.name), manifest)
    elif not claim_manifest(run.layout.manifest(stage.name), manifest):
        raise overtaken(stage.name, run.layout.root)
    return manifest


def _at_once(
    run: Run, stage: Stage, identity: dict[str, object], started: str, *, replaces: bool
) -> Manifest:
    work = StageWork(run, stage)
    run.begin_work(stage.name, work)
    try:
        with progress.task(stage.name) as shown, watched(run.spark, shown):
            work.finish(dict(stage.run(work, run.config)))
        counts = _counts(run, stage)
        files: list[DataFile] = work.catalogue()
        shows = _shows(stage, run)
        funnel = run.reconciled(_up_to(stage, run)) if shows else []
        formulas = _formulas(run) if shows else []
        manifest = run.manifest(stage.name, identity, counts, files, started)
        run.fence()
        run.write_run_file()
        work.commit(manifest, replaces=replaces)
    except BaseException:
        work.withdraw()
        raise
    finally:
        run.end_work(stage.name)
        work.close()
    run.count(stage.name, counts)
    run.fence()
    for later in descendants(stage, run.stages):
        run.discard(run.stage(later))
    for left_out in reads_left_out(stage, run.config):
        run.discard(left_out)
    if shows:
        _report(run, stage, funnel, formulas)
    return manifest


def _report(
    run: Run, stage: Stage, funnel: list[FunnelStage], formulas: list[FormulaTally]
) -> None:
    """Write the report; its page once the last stage is complete.

    A page that cannot be written is a warning: the corpus is there, and `infimm report` tries
    again.
    """
    write_report(run.layout, run.run_id, funnel, formulas, thresholds(run.config))
    if stage.name != run.stages[-1].name:
        return
    from infimm_spark.report.html import write_html

    try:
        write_html(run.layout)
    except Exception as error:
        log.warning(
            "the report's page could not be written (%s); try again with infimm report %s",
            " ".join(str(error).split())[:200],
            store.shown(run.layout.root),
        )


def _counts(run: Run, stage: Stage) -> dict[str, int]:
    """Reconcile what a stage wrote; its counts for the manifest."""
    lines = run.reconciled([stage.name])
    if [line.stage for line in lines] not in ([], list(stage.ledger)):
        raise ReconciliationError(
            f"stage {stage.name} wrote ledger rows of {[line.stage for line in lines]}, "
            f"expected {list(stage.ledger)}"
        )
    return {
        f"{line.stage}.{name}": value
        for line in lines
        for name, value in (("read", line.read), ("kept", line.kept))
    }


def _shows(stage: Stage, run: Run) -> bool:
    """Whether there is something to report once the stage is complete: the corpus."""
    before = ancestors(stage, run.stages)
    return stage.releases or any(run.stage(name).releases for name in before)


def _up_to(stage: Stage, run: Run) -> list[str]:
    """The stage and those that are complete beside it, in order."""
    later = {stage.name, *descendants(stage, run.stages)}
    return [
        other.name
        for other in run.stages
        if other.name == stage.name
        or (other.name not in later and read_manifest(run.layout.manifest(other.name)) is not None)
    ]


def _formulas(run: Run) -> list[FormulaTally]:
    """The formulas of all extracted documents."""
    from infimm_spark.stages.accounting import formula_sums

    sums = formula_sums(run.read("extract", "documents")).collect()
    return tallies((row.encoding, row.outcome, row.formulas) for row in sums)
