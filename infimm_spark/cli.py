"""The `infimm` command."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from infimm_spark import __version__
from infimm_spark.errors import InfimmError, InputError, LockedError, OutputError
from infimm_spark.spark import logs

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build an interleaved text-and-image mathematics corpus from Common Crawl.",
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="YAML configuration; see conf/.", metavar="FILE")
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="WARC file, glob, warc.paths(.gz) listing or mirror root; may be given several times.",
    ),
]
MoreInputs = Annotated[
    list[str] | None,
    typer.Argument(help="More inputs, as a shell's globs give them.", metavar="[INPUT]..."),
]
OutputOption = Annotated[str, typer.Option("--output", help="Directory of the run.")]
SnapshotOption = Annotated[
    list[str] | None,
    typer.Option(
        "--snapshot",
        help="Only this snapshot (2023-50), year (2023) or range (2022..2023-14); may be repeated.",
    ),
]
SegmentOption = Annotated[
    list[str] | None,
    typer.Option("--segment", help="Only segments that match this pattern; may be repeated."),
]
SampleOption = Annotated[
    int | None, typer.Option(min=1, help="So many WARC files, chosen by --seed.", metavar="N")
]
SeedOption = Annotated[int | None, typer.Option(help="Seed of --sample.")]
LimitOption = Annotated[int | None, typer.Option(help="Read at most this many WARC files.")]
IndexOption = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        help="Read only records that this index chooses (input.index): cc-index Parquet, or CDXJ.",
    ),
]
UrlsOption = Annotated[
    str | None, typer.Option("--urls", help="With --index: only the URLs in this file.")
]
DomainOption = Annotated[
    list[str] | None, typer.Option("--domain", help="With --index: only these domains.")
]
MirrorOption = Annotated[
    str | None, typer.Option(help="With --index: where its WARC files are (s3://commoncrawl/).")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue; skip what is complete.")]
RedoOption = Annotated[
    bool, typer.Option("--redo", help="Discard this stage and the later ones, and do them again.")
]
TablesOption = Annotated[
    list[str] | None, typer.Option(help="Parquet or JSON Lines, local or S3; may be repeated.")
]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Earlier run to compare with: its documents stay, copies of them here go; may be "
        "repeated.",
        metavar="RUN",
    ),
]
RunOption = Annotated[str, typer.Option("--run", help="Directory of a run (--output of a build).")]


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More log lines.")] = False,
) -> None:
    if version:
        print(f"infimm-spark {__version__}")
        raise typer.Exit
    logs.configure(logging.DEBUG if verbose else logging.INFO)


@app.command()
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
    against: AgainstOption = None,
    more: MoreInputs = None,
) -> None:
    """Run every stage: WARC files in, corpus out."""
    from infimm_spark.run import pipeline
    from infimm_spark.run.ledger import print_funnel

    settings = _config(
        config,
        output,
        paths=[*(input or []), *(more or [])],
        snapshots=snapshot,
        segments=segment,
        sample=sample,
        seed=seed,
        limit=limit,
        index=_given(paths=index, urls=urls, domains=domain, mirror=mirror),
    )
    summary = pipeline.build(_compared_with(settings, against), resume=resume)
    print(print_funnel(summary.funnel))
    print(f"\ncorpus  {summary.corpus}\nreport  {summary.report}\ntime    {summary.seconds:.0f} s")


@app.command()
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
    more: MoreInputs = None,
) -> None:
    """Read WARC files: language, recall floor, mathematics-aware extraction."""
    from infimm_spark.run.pipeline import run_stage
    from infimm_spark.run.run import Run

    run = Run.begin(
        _config(
            config,
            output,
            paths=[*(input or []), *(more or [])],
            snapshots=snapshot,
            segments=segment,
            sample=sample,
            seed=seed,
            limit=limit,
            index=_given(paths=index, urls=urls, domains=domain, mirror=mirror),
        ),
        resume=resume,
    )
    run_stage(run, "extract", resume=resume)


@app.command()
def dedup(
    output: OutputOption,
    config: ConfigOption = None,
    resume: ResumeOption = False,
    redo: RedoOption = False,
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
    _run_stage("dedup", output, config, resume, redo, against, threshold)


@app.command()
def refine(
    output: OutputOption,
    config: ConfigOption = None,
    resume: ResumeOption = False,
    redo: RedoOption = False,
) -> None:
    """The four rules and the high-precision classifier, of a deduplicated run."""
    _run_stage("refine", output, config, resume, redo)


@app.command()
def publish(
    output: OutputOption,
    config: ConfigOption = None,
    resume: ResumeOption = False,
    redo: RedoOption = False,
) -> None:
    """Write the corpus in the released schema, of a refined run."""
    _run_stage("publish", output, config, resume, redo)


@app.command()
def annotate(
    documents: Annotated[str, typer.Argument(help="Parquet or JSON Lines, local or S3.")],
    output: Annotated[
        Path, typer.Option(help="Grades, JSON Lines; a file that is there is continued.")
    ],
    endpoint: Annotated[str, typer.Option(help="OpenAI-compatible address: http://HOST:PORT/v1.")],
    model: Annotated[str, typer.Option(help="Name of the model, as the endpoint knows it.")],
    api_key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the API key.")
    ] = "INFIMM_API_KEY",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = 8,
    attempts: Annotated[int, typer.Option(min=1, help="Tries of one request.")] = 6,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one answer.")] = 120.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of one answer.")] = 1_024,
    max_chars: Annotated[int, typer.Option(min=100, help="Characters sent of a text.")] = 6_000,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many documents.")] = None,
    price_in: Annotated[float, typer.Option(min=0, help="Of a million prompt tokens.")] = 0.0,
    price_out: Annotated[float, typer.Option(min=0, help="Of a million answer tokens.")] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; count.")] = False,
) -> None:
    """Grade documents 0-10 by the rubric with a language model."""
    from infimm_spark.annotation import annotate as annotation
    from infimm_spark.annotation.client import Endpoint, key_from_environment

    to = Endpoint(
        endpoint,
        model,
        api_key=key_from_environment(api_key_env),
        timeout=timeout,
        attempts=attempts,
        max_tokens=max_tokens,
    )
    settings = annotation.AnnotationSettings(
        concurrency=concurrency, max_chars=max_chars, price_in=price_in, price_out=price_out
    )
    source = annotation.ungraded(documents, limit)
    if dry_run:
        report, first = annotation.dry_run(source, output, to, settings)
    else:
        report, first = annotation.annotate(source, output, to, settings), None
    print(annotation.describe(report, settings, first))


@app.command()
def train(
    kind: Annotated[str, typer.Option(help="recall or precision.")],
    output: Annotated[Path, typer.Option(help="Folder for the model, its card and its curve.")],
    positives: TablesOption = None,
    negatives: TablesOption = None,
    labelled: Annotated[
        list[str] | None, typer.Option(help="Tables with a column label (1, 0) or score (0-10).")
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Texts taken at most of each.")] = 50_000,
    max_host_share: Annotated[
        float, typer.Option(min=1e-6, max=1.0, help="Of these, at most so much is of one host.")
    ] = 0.05,
    solver: Annotated[
        str, typer.Option(help="convex (ours), or fasttext (DeepSeekMath's parameters).")
    ] = "convex",
    parameters: Annotated[Path | None, typer.Option(help="JSON of the solver's values.")] = None,
    autotune: Annotated[
        int, typer.Option(min=0, help="fastText parameters to try on held-out hosts.")
    ] = 0,
    recall: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Choose the threshold for it.")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Choose the threshold for it.")
    ] = None,
    max_chars: Annotated[int, typer.Option(min=100, help="Characters looked at.")] = 6_000,
    folds: Annotated[int, typer.Option(min=2, help="Parts that hosts are dealt into.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 1,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="For the card.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Train a classifier on your own tables, measured on hosts it did not see."""
    from infimm_spark.training.command import train_command

    path = train_command(
        kind=kind,
        solver=solver,
        parameters=parameters,
        max_chars=max_chars,
        folds=folds,
        seed=seed,
        config=config,
        output=output,
        positives=tuple(positives or ()),
        negatives=tuple(negatives or ()),
        labelled=tuple(labelled or ()),
        sample=sample,
        max_host_share=max_host_share,
        autotune=autotune,
        recall=recall,
        precision=precision,
        date=date.date() if date else None,
    )
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


@app.command()
def mine(
    run: RunOption,
    output: Annotated[str, typer.Option(help="New directory for the proposals.")],
    kind: Annotated[
        str, typer.Option(help="The classifier to teach: recall, precision.")
    ] = "recall",
    width: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How near to the threshold scores must lie.")
    ] = 0.2,
    per_stratum: Annotated[int, typer.Option(min=1, help="Pages of a stratum.")] = 50,
    per_host: Annotated[int, typer.Option(min=1, help="Pages of a host.")] = 3,
    min_pages: Annotated[int, typer.Option(min=1, help="Smaller hosts are not judged.")] = 20,
    min_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Recalled share that makes a host mathematical.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 1,
) -> None:
    """Propose pages of a scored run for annotation and the next training."""
    from infimm_spark.inspect.proposals import MiningRequest
    from infimm_spark.inspect.proposals import mine as propose

    request = MiningRequest(
        run.rstrip("/"), output, kind, width, per_stratum, per_host, min_pages, min_share, seed
    )
    print(json.dumps(propose(request), indent=1))


@app.command()
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
            settings, snapshot, releases=releases, runs=runs, lock_minutes=lock_minutes
        )
    except LockedError as error:
        print(f"nothing to do: {error}")
        return
    print(versions.describe(version, made))


@app.command()
def page(
    file: Annotated[Path, typer.Argument(help="HTML file.", metavar="FILE.html")],
    url: Annotated[str, typer.Option(help="The page's URL; image links resolve against it.")],
    config: ConfigOption = None,
    content_type: Annotated[
        str | None, typer.Option(help="Content-Type header the page came with.")
    ] = None,
) -> None:
    """One page's document as JSON, and at which stage and by which rule a build would drop it."""
    from infimm_spark.cascade.trace import inspect_page
    from infimm_spark.config import load_config

    try:
        body = file.read_bytes()
    except OSError as error:
        raise InputError(f"page {file} cannot be read: {error.strerror}") from None
    report = inspect_page(body, url=url, content_type=content_type, config=load_config(config))
    print(json.dumps(report, ensure_ascii=False, indent=2))


@app.command()
def explain(
    url: Annotated[
        str,
        typer.Argument(
            help="URL as it stands in the crawl; or a record's place, FILE.warc.gz@OFFSET."
        ),
    ],
    run: RunOption,
) -> None:
    """What became of a URL, stage by stage."""
    from infimm_spark.inspect.explain import explain as lines_for

    lines = lines_for(_existing_run(run), url)
    if not lines:
        raise InputError(
            f"{url} is not in run {run}: not in its input, or dropped and left out of a sampled "
            "rejects table"
        )
    print("\n".join(lines))


@app.command()
def funnel(run: RunOption) -> None:
    """The reconciled funnel of a finished run, added up again from its ledger."""
    from infimm_spark.report.formulas import print_formulas
    from infimm_spark.report.funnel import read_formulas, read_report
    from infimm_spark.run import tables
    from infimm_spark.run.ledger import print_funnel, reconcile

    layout = _existing_run(run)
    read_report(layout)
    print(print_funnel(reconcile(tables.ledger(layout))))
    if formulas := print_formulas(read_formulas(layout)):
        print(f"\n{formulas}")


@app.command("dedup-report")
def dedup_report(
    run: RunOption,
    sample: Annotated[
        int, typer.Option(min=1, help="Documents compared by brute force, about.")
    ] = 5_000,
) -> None:
    """How good a run's dedup was, measured: recall, precision, S-curve, hosts, largest clusters."""
    from infimm_spark.report.dedup import write_dedup_report

    layout = _existing_run(run)
    print(write_dedup_report(layout, sample), end="")
    print(f"\nwritten to {layout.report}/dedup")


@app.command()
def traffic(
    run: RunOption,
    files: Annotated[
        int | None, typer.Option(min=1, help="Forecast the bill for so many WARC files.")
    ] = None,
) -> None:
    """Requests, retries and bytes that reading cost, and what a larger crawl will cost."""
    from infimm_spark.inspect.traffic import print_traffic
    from infimm_spark.inspect.traffic import traffic as measured

    print(print_traffic(measured(_existing_run(run)), files))


@app.command()
def fetch(
    run: RunOption,
    url: Annotated[str, typer.Option(help="URL as it stands in the crawl.")],
    snapshot: Annotated[
        str | None, typer.Option(help="Of this snapshot; else of the newest.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The page's bytes as crawled.")] = False,
) -> None:
    """Read a URL's record again from its WARC file, and extract it with the run's settings."""
    from infimm_spark.inspect.fetch import fetch as page_of
    from infimm_spark.inspect.fetch import fetch_report
    from infimm_spark.run.run import Run

    opened = Run.open(run)
    found = page_of(opened.layout, url, opened.config, snapshot)
    if raw:
        sys.stdout.buffer.write(found.body)
        sys.stdout.buffer.flush()
    else:
        print(json.dumps(fetch_report(found, opened.config), ensure_ascii=False, indent=2))


@app.command()
def plan(
    snapshots: Annotated[int, typer.Option(min=1, help="How many snapshots are built.")] = 1,
    cores: Annotated[int, typer.Option(min=1, help="Cores of the cluster.")] = 512,
    rates: Annotated[
        Path, typer.Option(help="Rates of work; conf/rates.yaml says where each comes from.")
    ] = Path("conf/rates.yaml"),
    price_file: Annotated[
        Path | None, typer.Option(help="Prices, such as conf/prices.yaml; without them no costs.")
    ] = None,
    months_stored: Annotated[float, typer.Option(min=0.0, help="Months the results are kept.")] = 1,
) -> None:
    """Tasks, core-hours, memory, requests, bytes, wall time and costs of a build."""
    from infimm_spark.inspect import plan as planning

    prices = None if price_file is None else planning.load_prices(price_file)
    made = planning.make_plan(snapshots, cores, planning.load_rates(rates), prices, months_stored)
    print(planning.print_plan(made))


@app.command()
def doctor() -> None:
    """Check what a build needs: Java, Spark, and the models with their sources and checksums."""
    import pyspark

    from infimm_spark.classify.broadcast import read_model
    from infimm_spark.spark.session import require_java

    print(f"infimm-spark  {__version__}")
    print(f"python        {sys.version.split()[0]} ({sys.executable})")
    print(f"pyspark       {pyspark.__version__}")
    for kind in ("language", "recall", "precision"):
        model = read_model(None, kind)
        print(f"{kind:<13} {model.origin}, sha256 {model.sha256}")
    print(f"java          {require_java()}")


@app.command()
def sample(
    output: Annotated[Path, typer.Argument(help="New directory for the sample crawl.")],
) -> None:
    """Write the sample crawl that comes with the package, laid out like Common Crawl's bucket."""
    from infimm_spark.sample import write_sample_crawl

    if output.exists() and any(output.iterdir()):
        raise OutputError(f"{output} is not empty; expected a new directory")
    for path in write_sample_crawl(output):
        print(path)


def main() -> None:
    """Entry point: an error of ours is one line on stderr and its own exit code."""
    try:
        app()
    except InfimmError as error:
        print(f"infimm: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # `infimm funnel | head`: the reader has gone, which is no error.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _config(config: Path | None, output: str, **input: Any) -> Any:
    from infimm_spark.config import load_config

    return load_config(config, {"output": output, "input": _given(**input)})


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given: the others are the configuration's to say."""
    return {key: value for key, value in options.items() if value not in (None, [], {})}


def _compared_with(settings: Any, against: list[str] | None) -> Any:
    """The settings with the earlier runs of `--against`, if any, in the place of the file's."""
    if not against:
        return settings
    section = settings.dedup.model_copy(update={"against": against})
    return settings.model_copy(update={"dedup": section})


def _run_stage(
    stage: str,
    output: str,
    config: Path | None,
    resume: bool,
    redo: bool,
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
    settings = _compared_with(settings, against)
    if threshold is not None:
        settings = _with_threshold(settings, threshold)
    run = Run.open(output, settings)
    run_stage(run, stage, resume=resume, redo=redo)


def _with_threshold(settings: Any, threshold: float) -> Any:
    """The settings with this similarity and the bands x rows that suit it."""
    from infimm_spark.dedup.lsh import solve_bands

    minhash = settings.dedup.minhash
    bands, rows = solve_bands(threshold, minhash.num_perm)
    solved = minhash.model_copy(update={"threshold": threshold, "bands": bands, "rows": rows})
    dedup = settings.dedup.model_copy(update={"minhash": solved})
    return settings.model_copy(update={"dedup": dedup})


def _existing_run(location: str) -> Any:
    from infimm_spark import store
    from infimm_spark.run.layout import RunLayout

    layout = RunLayout(store.normal(location))
    if not store.exists(layout.run_file):
        raise InputError(f"{location} holds no run; expected the --output of a build")
    return layout


if __name__ == "__main__":
    main()
