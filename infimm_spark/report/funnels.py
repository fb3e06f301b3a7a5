"""The funnel of a run as far as it got, and of two runs side by side."""

from __future__ import annotations

from infimm_spark.report.figures import formula_tallies, unfinished
from infimm_spark.report.formulas import print_formulas
from infimm_spark.report.query import RunQueries
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import FunnelStage, print_funnel, reconcile
from infimm_spark.run.stored import config_of
from infimm_spark.run.uses import print_uses, uses
from infimm_spark.stages.registry import ledger_lines


def funnel_text(layout: RunLayout) -> str:
    """The reconciled funnel, the formulas and the exports of a run; of an unfinished one what is
    there, and what it lacks."""
    with RunQueries(layout) as queries:
        formulas = formula_tallies(queries)
    lines = reconcile(tables.ledger(layout))
    parts = [
        print_funnel(lines) if lines else "no stage has committed anything yet",
        print_formulas(formulas),
        print_uses(uses(layout)),
        *missing(layout),
    ]
    return "\n\n".join(part for part in parts if part)


def missing(layout: RunLayout) -> list[str]:
    """One paragraph that says what an unfinished run lacks; none for a finished one."""
    config = config_of(layout)
    lines = unfinished(layout, config)
    return ["\n".join(["this run is not finished:", *(f"  {x}" for x in lines)])] if lines else []


def funnels_text(first: RunLayout, second: RunLayout) -> str:
    """Two funnels line by line: counts of both runs, and what the second has more or less."""
    a, b = (_rows(reconcile(tables.ledger(layout))) for layout in (first, second))
    order = sorted(
        a.keys() | b.keys(), key=lambda row: (*row[:2], -max(a.get(row, 0), b.get(row, 0)), row[2])
    )
    lines = [f"first   {first.root}", f"second  {second.root}", ""]
    lines.append(f"{'stage':<40}{'first':>14}{'second':>14}{'difference':>14}{'%':>10}")
    for row in order:
        x, y = a.get(row, 0), b.get(row, 0)
        change = f"{(y - x) / x:+.1%}" if x else ("" if y == x else "new")
        name = row[2] if row[1] == _FIRST else f"  {row[2]}"
        lines.append(f"{name:<40}{x:>14,}{y:>14,}{y - x:>+14,}{change:>10}")
    for layout in (first, second):
        lines += [f"\n{layout.root}: {text}" for text in missing(layout)]
    return "\n".join(lines)


_FIRST = 0


def _rows(stages: list[FunnelStage]) -> dict[tuple[int, int, str], int]:
    """Counts by (place of the stage, place within it, words)."""
    places = {name: place for place, name in enumerate(ledger_lines())}
    rows: dict[tuple[int, int, str], int] = {}
    for stage in stages:
        place = places[stage.stage]
        rows[place, _FIRST, f"{stage.stage}: read"] = stage.read
        if stage.pages != stage.read:
            rows[place, 1, "pages among these records"] = stage.pages
        rows[place, 2, "kept"] = stage.kept
        for at, (verb, reasons) in enumerate(
            (("dropped", stage.dropped), ("failed", stage.failed)), start=3
        ):
            rows |= {(place, at, f"{verb} {reason}"): n for reason, n in reasons.items()}
        if stage.excluded:
            rows[place, 5, "excluded WARC files"] = stage.excluded
    return rows
