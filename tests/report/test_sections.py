"""Sections of a run's report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infimm_spark import store
from infimm_spark.report import funnel
from infimm_spark.report.sections import SECTIONS, Section
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import FunnelStage


def test_a_section_shows_in_both_files_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A section that is listed has its place in the JSON and its lines in the text."""
    mine = Section(
        "shortest",
        lambda found: min(stage.kept for stage in found.stages),
        lambda found: f"fewest kept: {min(stage.kept for stage in found.stages)}",
    )
    monkeypatch.setattr(funnel, "SECTIONS", (*SECTIONS, mine))
    layout = RunLayout(str(tmp_path))
    stages = [FunnelStage("extract", 5, 3, {"language": 2}, {})]
    funnel.write_report(layout, "run-1", stages, [])
    content = json.loads(store.read_bytes(f"{layout.report}/funnel.json"))
    assert content["shortest"] == 3
    assert content["stages"][0]["dropped"] == {"language": 2}
    text = store.read_bytes(f"{layout.report}/funnel.txt").decode()
    assert text.endswith("fewest kept: 3\n")
    assert funnel.read_report(layout) == stages
