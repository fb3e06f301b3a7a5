"""Funnels of unfinished runs and of two runs; the figures as tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_run import document, reject, write_run

from infimm_spark.cli.app import app
from infimm_spark.cli.ending import run_command
from infimm_spark.report.funnels import funnel_text, funnels_text


def _command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run_command(lambda: app(list(words), standalone_mode=False))
    out, err = capsys.readouterr()
    return code, out, err


def test_a_funnel_counts_pages_beside_records(tmp_path: Path) -> None:
    """Requests and the like are records, and the share of pages stands in a line of its own."""
    layout = write_run(
        tmp_path, [document(1), document(2)], unextracted=[reject(3, "extract", "language")]
    )
    lines = [" ".join(line.split()) for line in funnel_text(layout).splitlines()]
    assert "extract 5 2 40.00%" in lines
    assert "pages among these records 3 2 66.67%" in lines


def test_the_funnel_of_half_a_run_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`infimm funnel` shows what is committed and names the stages that are not complete."""
    layout = write_run(tmp_path, [document(1)], stages=("extract",))
    code, out, _ = _command(capsys, "funnel", layout.root)
    assert code == 0
    assert "this run is not finished:\n  stage dedup is not complete" in out


def test_a_run_that_has_just_begun_has_a_funnel_without_lines(tmp_path: Path) -> None:
    """Before anything is committed the funnel says so."""
    layout = write_run(tmp_path, [], stages=())
    assert funnel_text(layout).startswith("no stage has committed anything yet")


def test_explain_works_on_half_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that extraction kept is explained as far as the run got."""
    layout = write_run(tmp_path, [document(1)], stages=("extract",))
    code, out, _ = _command(capsys, "explain", layout.root, document(1)["url"])
    assert code == 0
    assert "extract: kept" in out
    assert "this run is not finished" in out
    code, _, err = _command(capsys, "explain", layout.root, "https://elsewhere.example.org/")
    assert code != 0
    assert "has committed so far" in err
    assert len(err.strip().splitlines()) == 1


def test_two_runs_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`infimm funnel A B` gives both counts and the difference of every line."""
    a = write_run(tmp_path / "a", [document(n) for n in range(4)])
    dropped = {"drop_stage": "precision", "drop_reason": "quality_prob"}
    b = write_run(tmp_path / "b", [document(n) for n in range(4)], judged={0: dropped})
    code, out, _ = _command(capsys, "funnel", a.root, b.root)
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "dropped quality_prob 0 1 +1 new" in lines
    assert "publish: read 4 3 -1 -25.0%" in lines
    assert all("+0" in line for line in funnels_text(a, a).splitlines()[4:])


def test_stats_are_tables_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`infimm stats` prints tables; with --json every figure of the report."""
    layout = write_run(tmp_path, [document(1), document(2, language="zh")])
    code, out, _ = _command(capsys, "stats", "--run", layout.root)
    assert code == 0
    assert "site1.example.org" in out
    code, out, _ = _command(capsys, "stats", "--run", layout.root, "--json")
    figures = json.loads(out)
    assert [row["name"] for row in figures["languages"]] == ["en", "zh"]
    assert figures["lengths"]["tokens"]["total"] == 14
    assert figures["traffic"]["requests"] == 3
