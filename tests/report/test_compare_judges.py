"""Judges of quality side by side on the documents of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_run import document, page_id, write_run

from infimm_spark.cli.app import app
from infimm_spark.cli.ending import run_command
from infimm_spark.errors import InputError, StageError
from infimm_spark.report.html import report_html
from infimm_spark.report.judges.compare import compare_judges
from infimm_spark.report.judges.figures import comparison, page_kind
from infimm_spark.report.judges.judges import Judged, grades_of, judge_of
from infimm_spark.run.layout import RunLayout


def _judged(number: int, text: str, stored: float = 0.5) -> Judged:
    return Judged(
        f"{number:032x}", f"https://h{number % 2}.org/{number}", "en", text, len(text), stored
    )


def _run(root: Path) -> RunLayout:
    """Ten documents: number n has n formulas and the stored score 1 - n/10."""
    return write_run(
        root / "run",
        [document(n, f"Page {n}. " + "Let $x = 1$ hold. " * n) for n in range(1, 11)],
        judged={n: {"quality_prob": 1 - n / 10} for n in range(1, 11)},
    )


def test_judges_keep_as_many_documents_each() -> None:
    """Precision, recall and length are those of each judge's best half, whatever its scale."""
    documents = [_judged(n, "x" * 10 * (n + 1)) for n in range(8)]
    grades = [8.0 if n < 4 else 1.0 for n in range(8)]
    scores = {"right": -np.arange(8.0), "wrong": 100 + np.arange(8.0)}
    rate = comparison(documents, scores, grades, [0.5])["rates"][0]
    right, wrong = rate["judges"]
    assert (right["precision"], right["recall"]) == (1.0, 1.0)
    assert (wrong["precision"], wrong["recall"]) == (0.0, 0.0)
    assert (right["mean_length"], wrong["mean_length"]) == (25.0, 65.0)
    (pair,) = rate["pairs"]
    assert (pair["agreement"], pair["overlap"], pair["kappa"]) == (0.0, 0.0, -1.0)


def test_a_judge_that_favours_length_is_seen() -> None:
    """Its scores rank as the lengths do."""
    documents = [_judged(n, "x" * (n + 1)) for n in range(6)]
    figures = comparison(documents, {"long": np.arange(6.0)}, [None] * 6, [0.5])
    assert figures["rank_correlation"]["long"]["text length"] == 1.0
    assert figures["rates"][0]["judges"][0]["precision"] is None


def test_slices_add_up() -> None:
    """Each slice holds every document once."""
    documents = [_judged(n, "A sentence of prose that is long enough to count as such, here. " * 3)
                 for n in range(7)]  # fmt: skip
    slices = comparison(documents, {"a": np.arange(7.0)}, [None] * 7, [0.4])["rates"][0]["slices"]
    for members in slices.values():
        assert sum(member["documents"] for member in members) == 7
    assert {member["name"] for member in slices["host"]} == {"h0.org", "h1.org"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("```\nfor x in y: run(x)\n```", "code"),
        ("Home\nAbout\nNews\nContact", "list"),
        ("$a = 1$\n$b = 2$\n$c = 3$\n", "formulas"),
        ("We have $a = 1$ and so $b = 2$, because $c = 3$ holds for every number that we chose. " * 2,
         "worked"),
        ("A long sentence about the life of a mathematician who was born in a small town. " * 2,
         "prose"),
    ],
)  # fmt: skip
def test_kinds_of_pages(text: str, kind: str) -> None:
    """A page's kind follows from its facts."""
    assert page_kind(text, "en") == kind


def test_a_run_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Table, JSON and plot are written, and the run's report shows the judges."""
    layout = _run(tmp_path)
    grades = tmp_path / "grades.jsonl"
    grades.write_text(
        "".join(json.dumps({"id": page_id(n), "score": n}) + "\n" for n in range(1, 11))
    )
    assert "Judges" not in report_html(layout)
    code = run_command(
        lambda: app(
            ["compare-judges", "--run", layout.root, "--judges", "counting", "stored",
             f"reader={grades}", "--grades", str(grades), "--keep", "0.5"],
            standalone_mode=False,
        )
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert code == 0
    assert "keeping 50.0% (5 documents)" in printed
    figures = json.loads(Path(layout.report, "judges", "comparison.json").read_text())
    by_name = {row["judge"]: row for row in figures["rates"][0]["judges"]}
    assert figures["good"] == 5
    assert by_name["counting"]["precision"] == by_name["reader"]["recall"] == 1.0
    assert by_name["stored"]["precision"] == 0.0
    assert Path(layout.report, "judges", "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert '<section id="judges">' in report_html(layout)


def test_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    """One judge, two of one name, an unknown one, a bad rate, a run without scores."""
    layout = _run(tmp_path)
    for judges, said in (
        (["counting"], "expected at least two"),
        (["counting", "counting"], "two of one name"),
        (["counting", "magic"], "expected stored, fasttext"),
        (["counting", "=stored"], "expected NAME=JUDGE"),
    ):
        with pytest.raises(InputError, match=said):
            compare_judges(layout, judges)
    with pytest.raises(InputError, match=r"--keep 2: expected a share"):
        compare_judges(layout, ["counting", "stored"], keep=[2.0])
    with pytest.raises(StageError, match="stage refine is not complete"):
        compare_judges(RunLayout(str(tmp_path / "none")), ["counting", "stored"])


def test_grades_are_found_by_id_or_url(tmp_path: Path) -> None:
    """Labels count as the ends of the scale; a table without any is refused."""
    file = tmp_path / "g.jsonl"
    file.write_text('{"id": "a", "score": 7}\n{"url": "u", "label": 0}\n')
    assert grades_of(str(file)) == {"a": 7.0, "u": 0.0}
    file.write_text('{"id": "a"}\n')
    with pytest.raises(InputError, match="holds no grades"):
        judge_of(str(file))
