"""Commands that show a run's figures: the report, its numbers, and what other settings would do."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from infimm_spark import store
from infimm_spark.cli.options import RunArgument, RunOption, SetOption, required
from infimm_spark.cli.settings import whole_run
from infimm_spark.errors import InputError
from infimm_spark.extras import require_extra

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


def what_if(
    run: RunArgument = None,
    set_: SetOption = None,
    seed: Annotated[int, typer.Option(help="Seed by which the examples are drawn.")] = 1,
    as_json: JsonOption = False,
    run_option: RunOption = None,
) -> None:
    """Say what other thresholds would keep, from stored scores: counts, and what would go and
    come."""
    from infimm_spark.report.what_if import print_what_if
    from infimm_spark.report.what_if import what_if as answer_for

    layout = whole_run(required(run, run_option, "RUN"))
    if not set_:
        raise InputError(
            "no setting: expected at least one, such as --set rules.precision_threshold=0.9"
        )
    answer = answer_for(layout, set_, seed=seed)
    print(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else print_what_if(answer))


def compare_judges(
    run: Annotated[str, typer.Option(help="Directory of a run whose documents are judged.")],
    judges: Annotated[
        list[str],
        typer.Option(
            help="stored, fasttext, counting, a model (.ftz, .encoder.npz), grades (.jsonl), or "
            "module:factory; NAME=JUDGE names it.",
            metavar="JUDGE",
        ),
    ],
    more: Annotated[
        list[str] | None, typer.Argument(help="More judges.", metavar="[JUDGE]...")
    ] = None,
    grades: Annotated[
        str | None,
        typer.Option(help="Table of grades (id or url, score) for precision and recall."),
    ] = None,
    keep: Annotated[
        list[float] | None,
        typer.Option(help="Share that each judge keeps; may be repeated.", metavar="SHARE"),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=2, help="Judge at most N documents, graded ones first.", metavar="N")
    ] = 2_000,
    as_json: JsonOption = False,
) -> None:
    """Compare judges of quality at equal keep rates: agreement, precision, recall, length bias."""
    require_extra("report", "infimm compare-judges")
    from infimm_spark.report.judges.compare import FOLDER
    from infimm_spark.report.judges.compare import compare_judges as compare

    layout = whole_run(run)
    figures, text = compare(
        layout, [*judges, *(more or ())], grades=grades, keep=keep or (), sample=sample
    )
    if as_json:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
    else:
        print(f"{text}\nwritten to {store.shown(layout.report)}/{FOLDER}")
