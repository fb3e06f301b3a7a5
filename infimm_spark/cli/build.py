"""Commands that build a corpus: the whole build, each of its stages, and the monthly increment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infimm_spark.cli.options import (
    AgainstOption,
    ConfigOption,
    DomainOption,
    IndexOption,
    InputOption,
    LimitOption,
    MirrorOption,
    MoreInputs,
    OutputOption,
    RedoOption,
    ResumeOption,
    SampleOption,
    SeedOption,
    SegmentOption,
    SnapshotOption,
    TakeOverOption,
    UrlsOption,
)
from infimm_spark.cli.settings import compared_with, configured, given, with_threshold
from infimm_spark.errors import LockedError


def build(
    output: OutputOption,
    config: ConfigOption = None,
    input: InputOption = None,
    snapshot: SnapshotOption = None,
    segment: SegmentOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    limit: LimitOption = None,
    index: IndexOption = None,
    urls: UrlsOption = None,
    domain: DomainOption = None,
    mirror: MirrorOption = None,
    resume: ResumeOption = False,
    take_over: TakeOverOption = False,
    against: AgainstOption = None,
    more: MoreInputs = None,
) -> None:
    """Run every stage: WARC files in, corpus out."""
    from infimm_spark.run import pipeline
    from infimm_spark.run.ledger import print_funnel

    settings = configured(
        config,
        output,
        paths=[*(input or []), *(more or [])],
        snapshots=snapshot,
        segments=segment,
        sample=sample,
        seed=seed,
        limit=limit,
        index=given(paths=index, urls=urls, domains=domain, mirror=mirror),
    )
    summary = pipeline.build(compared_with(settings, against), resume=resume, take_over=take_over)
    print(print_funnel(summary.funnel))
    print(f"\ncorpus  {summary.corpus}\nreport  {summary.report}\ntime    {summary.seconds:.0f} s")


def extract(
    output: OutputOption,
    config: ConfigOption = None,
    input: InputOption = None,
    snapshot: SnapshotOption = None,
    segment: SegmentOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    limit: LimitOption = None,
    index: IndexOption = None,
    urls: UrlsOption = None,
    domain: DomainOption = None,
    mirror: MirrorOption = None,
    resume: ResumeOption = False,
    take_over: TakeOverOption = False,
    more: MoreInputs = None,
) -> None:
    """Read WARC files: language, recall floor, mathematics-aware extraction."""
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    run = Run.begin(
        configured(
            config,
            output,
            paths=[*(input or []), *(more or [])],
            snapshots=snapshot,
            segments=segment,
            sample=sample,
            seed=seed,
            limit=limit,
            index=given(paths=index, urls=urls, domains=domain, mirror=mirror),
        ),
        resume=resume,
        take_over=take_over,
    )
    run_stage(run, "extract", resume=resume)


def dedup(
    output: OutputOption,
    config: ConfigOption = None,
    resume: ResumeOption = False,
    redo: RedoOption = False,
    take_over: TakeOverOption = False,
    against: AgainstOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1.0,
            help="Jaccard similarity of a near-duplicate; solves bands x rows for it.",
        ),
    ] = None,
) -> None:
    """Recall threshold, then exact, near and URL duplicates, of an extracted run."""
    _run_stage("dedup", output, config, resume, redo, take_over, against, threshold)


def refine(
    output: OutputOption,
    config: ConfigOption = None,
    resume: ResumeOption = False,
    redo: RedoOption = False,
    take_over: TakeOverOption = False,
) -> None:
    """The four rules and the high-precision classifier, of a deduplicated run."""
    _run_stage("refine", output, config, resume, redo, take_over)


def publish(
    output: OutputOption,
    config: ConfigOption = None,
    resume: ResumeOption = False,
    redo: RedoOption = False,
    take_over: TakeOverOption = False,
) -> None:
    """Write the corpus in the released schema, of a refined run."""
    _run_stage("publish", output, config, resume, redo, take_over)


def monthly(
    releases: Annotated[str, typer.Option(help="Where the versions of the corpus are kept.")],
    runs: Annotated[str, typer.Option(help="Where the runs of the snapshots are kept.")],
    snapshot: Annotated[
        str, typer.Option(help="CC-MAIN-YYYY-WW, or the newest one of the input.")
    ] = "newest",
    config: ConfigOption = None,
    input: InputOption = None,
    lock_minutes: Annotated[
        float, typer.Option(min=0.01, help="A run silent for so long loses its lock.")
    ] = 15.0,
    take_over: TakeOverOption = False,
) -> None:
    """Add a snapshot: build it against all before it and publish a new version of the corpus.

    Fired twice, also at once, it publishes once: the second run says so and ends well.
    """
    from infimm_spark.config import load_config
    from infimm_spark.run import releases as versions

    chosen = {"paths": input} if input else {}
    settings = load_config(config, {"input": chosen})
    try:
        version, made = versions.add_snapshot(
            settings,
            snapshot,
            releases=releases,
            runs=runs,
            lock_minutes=lock_minutes,
            take_over=take_over,
        )
    except LockedError as error:
        print(f"nothing to do: {error}")
        return
    print(versions.describe(version, made))


def _run_stage(
    stage: str,
    output: str,
    config: Path | None,
    resume: bool,
    redo: bool,
    take_over: bool,
    against: list[str] | None = None,
    threshold: float | None = None,
) -> None:
    from infimm_spark.config import load_config
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    run = Run.open(output)
    settings = run.config
    if config is not None:
        # What was read stays as it was recorded; the settings come from the file.
        stored = run.config.input.model_dump()
        settings = load_config(config, {"output": output, "input": stored})
    settings = compared_with(settings, against)
    if threshold is not None:
        settings = with_threshold(settings, threshold)
    run = Run.open(output, settings, take_over=take_over)
    run_stage(run, stage, resume=resume, redo=redo)
