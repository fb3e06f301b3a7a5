"""Commands that look at a run."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from infimm_spark.cli.options import RunOption, TakeOverOption
from infimm_spark.cli.settings import existing_run
from infimm_spark.errors import InputError


def funnel(run: RunOption) -> None:
    """The reconciled funnel of a finished run, added up again from its ledger."""
    from infimm_spark.report.formulas import print_formulas
    from infimm_spark.report.funnel import read_formulas, read_report
    from infimm_spark.run import tables
    from infimm_spark.run.ledger import print_funnel, reconcile

    layout = existing_run(run)
    read_report(layout)
    print(print_funnel(reconcile(tables.ledger(layout))))
    if formulas := print_formulas(read_formulas(layout)):
        print(f"\n{formulas}")


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

    lines = lines_for(existing_run(run), url)
    if not lines:
        raise InputError(
            f"{url} is not in run {run}: not in its input, or dropped and left out of a sampled "
            "rejects table"
        )
    print("\n".join(lines))


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


def traffic(
    run: RunOption,
    files: Annotated[
        int | None, typer.Option(min=1, help="Forecast the bill for so many WARC files.")
    ] = None,
) -> None:
    """Requests, retries and bytes that reading cost, and what a larger crawl will cost."""
    from infimm_spark.inspect.traffic import print_traffic
    from infimm_spark.inspect.traffic import traffic as measured

    print(print_traffic(measured(existing_run(run)), files))


def dedup_report(
    run: RunOption,
    sample: Annotated[
        int, typer.Option(min=1, help="Documents compared by brute force, about.")
    ] = 5_000,
    take_over: TakeOverOption = False,
) -> None:
    """How good a run's dedup was, measured: recall, precision, S-curve, hosts, largest clusters."""
    from infimm_spark.report.dedup import write_dedup_report
    from infimm_spark.run.lock import holding

    layout = existing_run(run)
    with holding(layout.root, take_over=take_over):
        print(write_dedup_report(layout, sample), end="")
    print(f"\nwritten to {layout.report}/dedup")
