"""Commands that show a run's figures: the report, its numbers, and what other settings would do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from infimm_spark.cli.options import RunArgument, RunOption, required
from infimm_spark.cli.settings import whole_run

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def report(
    run: RunArgument = None,
    output: Annotated[
        str | None,
        typer.Option(help="Write the page here (default: report/index.html in the run)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed by which the pages shown are drawn.")] = 1,
    run_option: RunOption = None,
) -> None:
    """Write one HTML file that shows the run: funnel, scores, formulas, duplicates, pages."""
    from infimm_spark import store
    from infimm_spark.report.html import write_html

    layout = whole_run(required(run, run_option, "RUN"))
    target = store.normal(output) if output else f"{layout.report}/index.html"
    write_html(layout, target, seed=seed)
    print(store.shown(target))


def stats(
    run: RunArgument = None, as_json: JsonOption = False, run_option: RunOption = None
) -> None:
    """Print the figures of the report: as tables, or with --json for scripts."""
    from infimm_spark.report.figures import run_figures
    from infimm_spark.report.query import RunQueries
    from infimm_spark.report.stats import print_stats

    layout = whole_run(required(run, run_option, "RUN"))
    with RunQueries(layout) as queries:
        figures = run_figures(layout, queries)
    print(json.dumps(figures, ensure_ascii=False, indent=2) if as_json else print_stats(figures))
