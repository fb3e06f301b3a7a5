"""Commands that build a corpus: the whole build, each of its stages, and the monthly increment."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

from infimm_spark.cli.options import (
    AcceptOption,
    AgainstOption,
    ConfigOption,
    DomainOption,
    ExcludeOption,
    IndexOption,
    InputOption,
    LimitOption,
    MirrorOption,
    MoreInputs,
    OutputOption,
    RedoOption,
    ResumeOption,
    RunArgument,
    RunOption,
    SampleOption,
    SeedOption,
    SegmentOption,
    SetOption,
    SnapshotOption,
    TakeOverOption,
    UrlsOption,
    required,
)
from infimm_spark.cli.overwrite import OverwriteOption, YesOption, confirm
from infimm_spark.cli.settings import configured, given, reconfigured
from infimm_spark.errors import LockedError


def build(
    output: OutputOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    input: InputOption = None,
    snapshot: SnapshotOption = None,
    segment: SegmentOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    limit: LimitOption = None,
    exclude: ExcludeOption = None,
    index: IndexOption = None,
    urls: UrlsOption = None,
    domain: DomainOption = None,
    mirror: MirrorOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    yes: YesOption = False,
    take_over: TakeOverOption = False,
    accept_code_change: AcceptOption = False,
    against: AgainstOption = None,
    more: MoreInputs = None,
) -> None:
    """Run every stage: WARC files in, corpus out."""
    from infimm_spark.run import pipeline
    from infimm_spark.run.ledger import print_funnel

    settings = configured(
        config,
        set_,
        output,
        against,
        paths=[*(input or []), *(more or [])],
        snapshots=snapshot,
        segments=segment,
        sample=sample,
        seed=seed,
        limit=limit,
        exclude=exclude,
        index=given(paths=index, urls=urls, domains=domain, mirror=mirror),
    )
    confirm(settings, overwrite=overwrite, resume=resume, yes=yes)
    summary = pipeline.build(
        settings,
        resume=resume,
        overwrite=overwrite,
        take_over=take_over,
        accept_code_change=accept_code_change,
    )
    print(print_funnel(summary.funnel))
    print(f"\ncorpus  {summary.corpus}\nreport  {summary.report}/index.html")
    print(f"time    {summary.seconds:.0f} s")


def extract(
    output: OutputOption = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    input: InputOption = None,
    snapshot: SnapshotOption = None,
    segment: SegmentOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    limit: LimitOption = None,
    exclude: ExcludeOption = None,
    index: IndexOption = None,
    urls: UrlsOption = None,
    domain: DomainOption = None,
    mirror: MirrorOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    yes: YesOption = False,
    take_over: TakeOverOption = False,
    accept_code_change: AcceptOption = False,
    more: MoreInputs = None,
) -> None:
    """Extract documents from WARC files: language filter, recall floor, text and formulas."""
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    settings = configured(
        config,
        set_,
        output,
        paths=[*(input or []), *(more or [])],
        snapshots=snapshot,
        segments=segment,
        sample=sample,
        seed=seed,
        limit=limit,
        exclude=exclude,
        index=given(paths=index, urls=urls, domains=domain, mirror=mirror),
    )
    confirm(settings, overwrite=overwrite, resume=resume, yes=yes)
    run = Run.begin(
        settings,
        resume=resume,
        overwrite=overwrite,
        take_over=take_over,
        accept_code_change=accept_code_change,
    )
    run_stage(run, "extract", resume=resume)


def dedup(
    run: RunArgument = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    resume: ResumeOption = False,
    accept_code_change: AcceptOption = False,
    redo: RedoOption = False,
    take_over: TakeOverOption = False,
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
    run_option: RunOption = None,
) -> None:
    """Deduplicate an extracted run: recall threshold, then exact, near and URL duplicates."""
    location = required(run, run_option, "RUN")
    do_stage(
        "dedup",
        location,
        config,
        set_,
        resume,
        redo,
        take_over,
        accept_code_change,
        against,
        threshold,
    )


def stage_command(
    stage: str, name: str, summary: str, settings: tuple[str, ...] = ()
) -> Callable[..., None]:
    """The command `name` that runs a stage with its recorded settings, those given and `settings`
    (`key=value`)."""

    def command(
        run: RunArgument = None,
        config: ConfigOption = None,
        set_: SetOption = None,
        resume: ResumeOption = False,
        accept_code_change: AcceptOption = False,
        redo: RedoOption = False,
        take_over: TakeOverOption = False,
        run_option: RunOption = None,
    ) -> None:
        location = required(run, run_option, "RUN")
        assignments = [*(set_ or []), *settings]
        do_stage(stage, location, config, assignments, resume, redo, take_over, accept_code_change)

    command.__name__, command.__doc__ = name, summary
    return command


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
    location: str,
    config: str | None,
    assignments: list[str] | None,
    resume: bool,
    redo: bool,
    take_over: bool,
    accept_code_change: bool,
    against: list[str] | None = None,
    threshold: float | None = None,
) -> None:
    """Run one stage of the run at `location`, with its recorded settings and those given."""
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    location = os.path.expanduser(location)
    recorded = Run.open(location).config
    settings = reconfigured(recorded, location, config, assignments, against, threshold)
    run = Run.open(location, settings, take_over=take_over, accept_code_change=accept_code_change)
    run_stage(run, stage, resume=resume, redo=redo)
