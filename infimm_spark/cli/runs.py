"""Commands that look at a run."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from infimm_spark.cli.options import (
    ResumeOption,
    RunArgument,
    RunOption,
    TakeOverOption,
    UrlArgument,
    UrlOption,
    required,
    run_and_url,
)
from infimm_spark.cli.settings import existing_run, whole_run
from infimm_spark.errors import InputError
from infimm_spark.extras import require_extra

SHARD_MB = 256.0
"""Size of a file of an export or pack, unless told otherwise."""


def funnel(
    run: RunArgument = None,
    other: Annotated[
        str | None,
        typer.Argument(
            help="Another run: print both side by side.", metavar="[OTHER]", show_default=False
        ),
    ] = None,
    run_option: RunOption = None,
) -> None:
    """Print the reconciled funnel of a run, finished or not, added up again from its ledger."""
    from infimm_spark.report.funnels import funnel_text, funnels_text

    if run_option is not None and other is None and run is not None:
        run, other = None, run
    layout = whole_run(required(run, run_option, "RUN"))
    print(funnel_text(layout) if other is None else funnels_text(layout, whole_run(other)))


def explain(
    run: RunArgument = None,
    url: Annotated[
        str | None,
        typer.Argument(
            help="A page's URL, a record's place (FILE.warc.gz@OFFSET), or a WARC file.",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    run_option: RunOption = None,
    url_option: UrlOption = None,
) -> None:
    """Say what became of a URL, stage by stage."""
    from infimm_spark.inspect.explain import explain as lines_for
    from infimm_spark.inspect.explain import failed_files
    from infimm_spark.report.funnels import missing

    location, page = run_and_url(run, url, run_option, url_option)
    layout = whole_run(location)
    lines = lines_for(layout, page)
    notes = missing(layout)
    if not lines and notes:
        raise InputError(
            f"{page} is not in what run {location} has committed so far; "
            + "; ".join(line.strip() for line in notes[0].splitlines()).replace(":;", ":")
        )
    if not lines:
        failed = failed_files(layout)
        lost = f", or in a WARC file that could not be read ({'; '.join(failed)})" if failed else ""
        raise InputError(
            f"{page} is not in run {location}: not in its input{lost}, or dropped and left out of "
            "a "
            "sampled rejects table"
        )
    print("\n".join([*lines, *notes]))


def fetch(
    run: RunArgument = None,
    url: UrlArgument = None,
    snapshot: Annotated[
        str | None, typer.Option(help="The record of this snapshot (default: the newest).")
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(help="Where the crawl is now, if it has moved.", metavar="FOLDER"),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print the page's bytes as crawled.")] = False,
    run_option: RunOption = None,
    url_option: UrlOption = None,
) -> None:
    """Read a URL's record again from its WARC file and extract it with the run's settings."""
    from infimm_spark.inspect.fetch import fetch as page_of
    from infimm_spark.inspect.fetch import fetch_report
    from infimm_spark.run.run import Run

    location, page = run_and_url(run, url, run_option, url_option)
    opened = Run.open(location)
    found = page_of(opened.layout, page, opened.config, snapshot, root)
    if raw:
        sys.stdout.buffer.write(found.body)
        sys.stdout.buffer.flush()
    else:
        print(json.dumps(fetch_report(found, opened.config), ensure_ascii=False, indent=2))


def traffic(
    run: RunArgument = None,
    files: Annotated[
        int | None,
        typer.Option(min=1, help="Forecast the bill for N WARC files.", metavar="N"),
    ] = None,
    run_option: RunOption = None,
) -> None:
    """Print the requests, retries and bytes of reading, and what a larger crawl will cost."""
    from infimm_spark.inspect.traffic import print_traffic, reads_ranges
    from infimm_spark.inspect.traffic import traffic as measured

    layout = existing_run(required(run, run_option, "RUN"))
    print(print_traffic(measured(layout), files, in_ranges=reads_ranges(layout)))


def dedup_report(
    run: RunArgument = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Approximate number of documents compared by brute force.")
    ] = 5_000,
    take_over: TakeOverOption = False,
    run_option: RunOption = None,
) -> None:
    """Measure a run's dedup: recall, precision, S-curve, hosts, largest clusters."""
    require_extra("report", "infimm dedup-report")
    from infimm_spark.report.dedup import write_dedup_report
    from infimm_spark.run.lock import holding

    layout = whole_run(required(run, run_option, "RUN"))
    with holding(layout.root, take_over=take_over):
        print(write_dedup_report(layout, sample), end="")
    print(f"\nwritten to {layout.report}/dedup")


def export(
    output: Annotated[str, typer.Option(help="New or empty folder for the export.", metavar="DIR")],
    run: RunArgument = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="parquet, hf, obelics, energon, mint, nemo or jsonl; see the documentation.",
        ),
    ] = "parquet",
    images: Annotated[
        bool, typer.Option("--images", help="Write the bytes of fetched images, too.")
    ] = False,
    shard_mb: Annotated[
        float, typer.Option(min=0.01, help="Size in MB at which a new file is begun.")
    ] = SHARD_MB,
    resume: ResumeOption = False,
    run_option: RunOption = None,
) -> None:
    """Write the corpus of a finished run in another format; fail if a document is missing."""
    from infimm_spark.export.base import export as write
    from infimm_spark.export.base import named
    from infimm_spark.export.formats import FORMATS
    from infimm_spark.run.run import Run

    location = required(run, run_option, "RUN")
    form = named(FORMATS, format_)
    counts = write(
        whole_run(location),
        form,
        output,
        resume=resume,
        images=images,
        shard_mb=shard_mb,
        spark=lambda: Run.open(location).spark,
    )
    with_bytes = f" ({counts.pictures:,} with their bytes)" if images else ""
    print(
        f"{counts.documents:,} documents, {counts.texts:,} texts, {counts.images:,} images"
        f"{with_bytes} in {output}"
    )


def pack(
    output: Annotated[str, typer.Option(help="New or empty folder for the pack.", metavar="DIR")],
    tokenizer: Annotated[
        str,
        typer.Option(
            help="tokenizer.json of Hugging Face, or tiktoken:NAME (tiktoken:gpt2 is shipped).",
            metavar="FILE|tiktoken:NAME",
        ),
    ],
    run: RunArgument = None,
    length: Annotated[int, typer.Option(help="Tokens of a sequence.")] = 4_096,
    max_images: Annotated[int, typer.Option(help="Most images of a sequence.")] = 32,
    image_tokens: Annotated[int, typer.Option(help="Tokens that stand for an image.")] = 64,
    least_fill: Annotated[
        float,
        typer.Option(
            help="Cut documents that fit until this share of the tokens is no padding; 0 for never."
        ),
    ] = 0.97,
    end_token: Annotated[
        str | None,
        typer.Option(help="Token of the file that ends a document.", metavar="TOKEN"),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="parquet or webdataset.")] = "parquet",
    seed: Annotated[int, typer.Option(min=0, help="Seed for the order of sequences.")] = 0,
    images: Annotated[
        bool,
        typer.Option("--images", help="Keep the images that were fetched, with their bytes."),
    ] = False,
    shard_mb: Annotated[
        float, typer.Option(min=0.01, help="Size in MB at which a new file is begun.")
    ] = SHARD_MB,
    resume: ResumeOption = False,
    run_option: RunOption = None,
) -> None:
    """Pack the corpus of a finished run into training sequences of one length."""
    from infimm_spark.packing.pack import pack as write
    from infimm_spark.packing.sequences import Shape
    from infimm_spark.packing.tokenizers import tokenizer_source
    from infimm_spark.run.run import Run

    location = required(run, run_option, "RUN")
    counts = write(
        whole_run(location),
        output,
        tokenizer_source(tokenizer, end_token),
        Shape(length, max_images, image_tokens, least_fill),
        form=format_,
        seed=seed,
        resume=resume,
        images=images,
        shard_mb=shard_mb,
        spark=lambda: Run.open(location).spark,
    )
    print(
        f"{counts.documents:,} documents, {counts.packed_tokens:,} tokens in "
        f"{counts.sequences:,} sequences, {100 * counts.fill:.2f} % filled, in {output}"
    )
    if counts.documents_cut:
        print(f"{counts.documents_cut:,} documents were cut")
    if counts.unused_tokens:
        print(
            f"{counts.unused_tokens:,} tokens are in no sequence: formulas or table rows longer "
            f"than one, listed in {output}/unused"
        )
    if counts.images_not_fetched:
        print(f"{counts.images_not_fetched:,} images were left out: they were not fetched")
