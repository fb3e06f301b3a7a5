"""Commands that build a corpus: the whole build, each of its stages, and the monthly increment."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from infimm_spark.cli.groups import NewRun, Source, StageRun, Start, spread
from infimm_spark.cli.options import (
    AcceptOption,
    AgainstOption,
    ConfigOption,
    InputOption,
    SetOption,
    TakeOverOption,
)
from infimm_spark.cli.settings import reconfigured
from infimm_spark.errors import LockedError


@spread
def build(new: NewRun, source: Source, start: Start, against: AgainstOption = None) -> None:
    """Run every stage: WARC files in, corpus out."""
    from infimm_spark.run import pipeline
    from infimm_spark.run.ledger import print_funnel

    settings = source.settings(new, against)
    summary = pipeline.build(settings, **start.confirmed(settings))
    print(print_funnel(summary.funnel))
    print(f"\ncorpus  {summary.corpus}\nreport  {summary.report}/index.html")
    print(f"time    {summary.seconds:.0f} s")


@spread
def extract(new: NewRun, source: Source, start: Start) -> None:
    """Extract documents from WARC files: language filter, recall floor, text and formulas."""
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    settings = source.settings(new)
    run = Run.begin(settings, **start.confirmed(settings))
    run_stage(run, "extract", resume=start.resume)


@spread
def dedup(
    stage_run: StageRun,
    against: AgainstOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1.0,
            help="Jaccard similarity at which a document is a near-duplicate; bands x rows are "
            "solved for it.",
        ),
    ] = None,
) -> None:
    """Deduplicate an extracted run: recall threshold, then exact, near and URL duplicates."""
    do_stage("dedup", stage_run, against=against, threshold=threshold)


def stage_command(
    stage: str, name: str, summary: str, settings: tuple[str, ...] = ()
) -> Callable[..., None]:
    """The command `name` that runs a stage with its recorded settings, those given and `settings`
    (`key=value`)."""

    def command(stage_run: StageRun) -> None:
        do_stage(stage, stage_run, settings)

    command.__name__, command.__doc__ = name, summary
    return spread(command)


refine = stage_command(
    "refine", "refine", "Filter a deduplicated run: the rules, then the high-precision classifier."
)
publish = stage_command(
    "publish", "publish", "Write the corpus of a refined run in the released schema."
)


def monthly(
    releases: Annotated[str, typer.Option(help="Folder of the corpus versions.")],
    runs: Annotated[str, typer.Option(help="Folder of the snapshots' runs.")],
    snapshot: Annotated[
        str, typer.Option(help="CC-MAIN-YYYY-WW, or newest: the newest one of the input.")
    ] = "newest",
    config: ConfigOption = None,
    set_: SetOption = None,
    input: InputOption = None,
    lock_minutes: Annotated[
        float, typer.Option(min=0.01, help="Minutes of silence after which a run loses its lock.")
    ] = 15.0,
    take_over: TakeOverOption = False,
    accept_code_change: AcceptOption = False,
) -> None:
    """Add a snapshot: build it against all earlier ones and publish a new version of the corpus.

    Safe to start twice: the second start publishes nothing, says so, and exits with 0.
    """
    from infimm_spark.config import load_config
    from infimm_spark.run import releases as versions

    chosen = {"paths": input} if input else {}
    settings = load_config(config, {"input": chosen}, set_ or ())
    try:
        version, made = versions.add_snapshot(
            settings,
            snapshot,
            releases=os.path.expanduser(releases),
            runs=os.path.expanduser(runs),
            lock_minutes=lock_minutes,
            take_over=take_over,
            accept_code_change=accept_code_change,
        )
    except LockedError as error:
        print(f"nothing to do: {error}")
        return
    print(versions.describe(version, made))


def do_stage(
    stage: str,
    stage_run: StageRun,
    settings: Sequence[str] = (),
    *,
    against: list[str] | None = None,
    threshold: float | None = None,
) -> None:
    """Run one stage of a run, with its recorded settings, those given and `settings`
    (`key=value`)."""
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    location = stage_run.location
    recorded = Run.open(location).config
    assignments = [*(stage_run.set_ or []), *settings]
    config = reconfigured(recorded, location, stage_run.config, assignments, against, threshold)
    run = Run.open(
        location,
        config,
        take_over=stage_run.take_over,
        accept_code_change=stage_run.accept_code_change,
    )
    run_stage(run, stage, resume=stage_run.resume, redo=stage_run.redo)
