"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
TakeOverOption = Annotated[
    bool,
    typer.Option(
        "--take-over", help="Take the run over from a process on another machine that is dead."
    ),
]
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
