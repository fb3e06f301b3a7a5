"""The sections of a run's report: each has a place in the JSON and a text for people.

A new section is one `Section` in `SECTIONS`; both files of the report derive from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from infimm_spark.classify.thresholds import Threshold
from infimm_spark.report.formulas import FormulaTally, print_formulas
from infimm_spark.run.ledger import FunnelStage, print_funnel


@dataclasses.dataclass(frozen=True, slots=True)
class Findings:
    """What a build hands to its report; `stages` are reconciled."""

    run_id: str
    stages: list[FunnelStage]
    formulas: list[FormulaTally]
    thresholds: Sequence[Threshold] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One part of the report."""

    name: str
    """Its key in the JSON."""
    content: Callable[[Findings], Any]
    """Plain JSON values."""
    text: Callable[[Findings], str]
    """Lines for people; empty where there is nothing to say."""


def _print_thresholds(found: Findings) -> str:
    lines = [f"  {threshold}" for threshold in found.thresholds]
    return "\n".join(["thresholds", *lines]) if lines else ""


SECTIONS: tuple[Section, ...] = (
    Section(
        "stages",
        lambda found: [dataclasses.asdict(stage) for stage in found.stages],
        lambda found: print_funnel(found.stages),
    ),
    Section(
        "thresholds",
        lambda found: [dataclasses.asdict(threshold) for threshold in found.thresholds],
        _print_thresholds,
    ),
    Section(
        "formulas",
        lambda found: [dataclasses.asdict(tally) for tally in found.formulas],
        lambda found: print_formulas(found.formulas),
    ),
)
"""In the order of the text."""
