"""The run's report: the reconciled funnel as JSON for machines and as text for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from infimm_spark import store
from infimm_spark.classify.thresholds import Threshold
from infimm_spark.errors import DamagedRunError, StageError
from infimm_spark.report.formulas import FormulaTally
from infimm_spark.report.sections import SECTIONS, Findings
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import FunnelStage
from infimm_spark.version import __version__, build_id


def write_report(
    layout: RunLayout,
    run_id: str,
    stages: list[FunnelStage],
    formulas: list[FormulaTally],
    thresholds: Sequence[Threshold] = (),
) -> None:
    """Write `report/funnel.json` and `report/funnel.txt`; `stages` must be reconciled."""
    found = Findings(run_id, stages, formulas, thresholds)
    content = {
        "run_id": run_id,
        "code_version": __version__,
        "build": build_id(),
        "reconciled": True,
        **{section.name: section.content(found) for section in SECTIONS},
    }
    store.write_bytes(
        f"{layout.report}/funnel.json", (json.dumps(content, indent=2) + "\n").encode()
    )
    text = "\n\n".join(filter(None, (section.text(found) for section in SECTIONS)))
    store.write_bytes(f"{layout.report}/funnel.txt", (text + "\n").encode())


def has_report(layout: RunLayout) -> bool:
    """Whether the run has a report."""
    return store.exists(f"{layout.report}/funnel.json")


def read_formulas(layout: RunLayout) -> list[FormulaTally]:
    """The formula ledger of a finished run; empty for a run whose report has none."""
    return [FormulaTally(**tally) for tally in _content(layout).get("formulas", [])]


def read_report(layout: RunLayout) -> list[FunnelStage]:
    """The funnel of a finished run; raises `StageError` where the run has none yet."""
    location = f"{layout.report}/funnel.json"
    if not store.exists(location):
        raise StageError(f"{layout.root} has no report: expected the --output of a finished build")
    return [FunnelStage(**stage) for stage in _content(layout)["stages"]]


def _content(layout: RunLayout) -> dict[str, Any]:
    location = f"{layout.report}/funnel.json"
    try:
        content: dict[str, Any] = json.loads(store.read_bytes(location))
        _ = content["stages"]
    except (ValueError, KeyError, TypeError):
        raise DamagedRunError(
            f"{store.shown(location)} is damaged: expected the funnel as JSON; delete it, and the "
            "build's command with "
            "--resume writes it anew"
        ) from None
    return content
