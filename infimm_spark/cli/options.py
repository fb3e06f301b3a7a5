"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from infimm_spark.errors import InputError

ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        help="YAML file, or a configuration of the package: local, paper, s3, standalone, emr, "
        "dataproc.",
        metavar="FILE|NAME",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override one key, such as dedup.recall_threshold=0.3; may be repeated.",
        metavar="KEY=VALUE",
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="WARC file, glob, warc.paths(.gz) listing or mirror root; may be repeated.",
    ),
]
MoreInputs = Annotated[
    list[str] | None,
    typer.Argument(help="More inputs, as a shell expands a glob.", metavar="[INPUT]..."),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        help="Directory of the new run; may stand in the configuration.",
        metavar="RUN",
    ),
]
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
    int | None,
    typer.Option(min=1, help="Process a random sample of N WARC files.", metavar="N"),
]
SeedOption = Annotated[int | None, typer.Option(help="Seed for --sample.")]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        help="Leave out this WARC file, or those that match a pattern, with --resume even after they were read; may "  # noqa: E501
        "be repeated.",
        metavar="FILE",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="Read at most N WARC files.", metavar="N")
]
IndexOption = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        help="Read only the records this index selects (see input.index): columnar index in "
        "Parquet, or CDXJ.",
    ),
]
UrlsOption = Annotated[
    str | None, typer.Option("--urls", help="With --index: only the URLs in this file.")
]
DomainOption = Annotated[
    list[str] | None,
    typer.Option("--domain", help="With --index: only this domain; may be repeated."),
]
MirrorOption = Annotated[
    str | None,
    typer.Option(help="With --index: root of its WARC files (default s3://commoncrawl/)."),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Continue the run; skip what is complete.")
]
TakeOverOption = Annotated[
    bool,
    typer.Option("--take-over", help="Take the run over from a dead process on another machine."),
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-code-change", help="Resume a run that another build of this package began."
    ),
]
RedoOption = Annotated[
    bool,
    typer.Option("--redo", help="Run this stage again; later ones are discarded once it is done."),
]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Earlier run to deduplicate against: its documents are kept, copies of them in this "
        "run are removed; may be repeated.",
        metavar="RUN",
    ),
]
RunArgument = Annotated[
    str | None, typer.Argument(help="Directory of a run.", metavar="RUN", show_default=False)
]
RunOption = Annotated[
    str | None, typer.Option("--run", help="The run, as an option.", hidden=True, metavar="RUN")
]
UrlArgument = Annotated[
    str | None,
    typer.Argument(help="URL as it stands in the crawl.", metavar="URL", show_default=False),
]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="The URL, as an option.", hidden=True, metavar="URL")
]


def required(argument: str | None, option: str | None, name: str) -> str:
    """The one value given, as an argument or as the option of that name; raises `InputError`."""
    given = [value for value in (argument, option) if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise InputError(f"{name}: expected one, found {found}")
    return given[0]


def run_and_url(
    run: str | None, url: str | None, run_option: str | None, url_option: str | None
) -> tuple[str, str]:
    """Run and URL of `RUN URL`; a single argument is the one that no option gives."""
    if run_option is not None and url is None and url_option is None:
        run, url = None, run
    return required(run, run_option, "RUN"), required(url, url_option, "URL")
