"""The report of a run: one HTML file."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from small_run import document, page_id, reject, write_run

from infimm_spark.cli.app import app
from infimm_spark.cli.ending import run_command
from infimm_spark.errors import ResourceError
from infimm_spark.report.figures import run_figures
from infimm_spark.report.html import MAX_BYTES, report_html, write_html
from infimm_spark.report.query import RunQueries
from infimm_spark.report.stats import print_stats
from infimm_spark.run.layout import RunLayout

HOSTILE = (
    '<script>alert(1)</script> <img src=x onerror="alert(2)"> <svg onload=alert(3)> '
    "</script><base href=//evil.example> [a](javascript:alert(4)) $x^{2}$ {{ 7*7 }}"
)


def _run(root: Path, **more: object) -> RunLayout:
    """Twelve documents: one below the recall threshold, two copies, one dropped by each stage."""
    return write_run(
        root / "run",
        [
            document(1, HOSTILE, title="<b>bold</b>", license="CC-BY-4.0"),
            document(2, consent=["robots:noindex"]),
            document(3, math_prob=0.15),
            *(document(n) for n in range(4, 13)),
        ],
        unextracted=[
            reject(20, "extract", "recall_floor", score=0.05),
            reject(21, "extract", "language", score=0.9, language="de"),
        ],
        below_recall=[3],
        duplicates={4: (5, "near", 0.91), 6: (5, "exact", 1.0)},
        judged={
            7: {"drop_stage": "rules", "drop_reason": "punctuation_ratio", "drop_score": 0.4}
            | {"punctuation_ratio": 0.4, "quality_prob": None},
            8: {"drop_stage": "precision", "drop_reason": "quality_prob", "drop_score": 0.2}
            | {"quality_prob": 0.2},
        },
        **more,  # type: ignore[arg-type]
    )


class _Elements(HTMLParser):
    """Start tags with their attributes, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_a_report_shows_the_whole_run(tmp_path: Path) -> None:
    """Funnel, reasons, formulas, duplicates, consent, licences and pages stand in the file."""
    html = report_html(_run(tmp_path))
    for said in (
        "recall_floor",
        "punctuation_ratio",
        "quality_prob",
        "robots:noindex",
        "CC-BY-4.0",
        "site1.example.org",
        "<math",
        "extract.language_threshold",
        "Reconciled",
    ):
        assert said in html, said
    assert len(html.encode()) < MAX_BYTES


def test_a_report_shows_the_evaluation_questions_found(tmp_path: Path) -> None:
    """Each set that was looked for has its row, with what was found of it and the closest match;
    a run without the stage has no such section."""
    found = {
        "id": page_id(1),
        "set": "gsm8k",
        "question_number": 17,
        "question": "How many apples are in nine boxes of twelve?",
        "start": 0,
        "end": 12,
        "span": "How many apples lie in nine boxes of twelve?",
        "share": 0.875,
        "longest": 5,
    }
    layout = write_run(
        tmp_path / "run",
        [document(n) for n in range(3)],
        questions=[found],
        stages=("extract", "dedup", "refine", "decontaminate", "publish"),
        settings={
            "decontaminate": {
                "sets": [
                    {"path": "asked.jsonl", "preset": "gsm8k"},
                    {"path": "other.jsonl", "preset": "cmath"},
                ]
            }
        },
    )
    with RunQueries(layout) as queries:
        figures = run_figures(layout, queries)
    by_name = {row["name"]: row for row in figures["decontamination"]["sets"]}
    assert (by_name["gsm8k"]["questions"], by_name["gsm8k"]["documents"]) == (1, 1)
    assert by_name["cmath"]["documents"] == 0
    assert "cmath" in print_stats(figures)
    html = report_html(layout)
    assert found["question"] in html
    assert found["span"] in html
    assert 'id="decontamination"' not in report_html(_run(tmp_path / "without"))


def test_a_report_says_why_formulas_are_not_valid(tmp_path: Path) -> None:
    """Faults are summed over documents by outcome, reason and carrier; runs without the column
    have none."""
    fault = {"encoding": "mathml", "outcome": "failed", "reason": "empty after cleaning"}
    rows = [
        document(1, formula_faults=[{**fault, "count": 2}]),
        document(2, formula_faults=[{**fault, "count": 1}]),
        document(3, formula_faults=None),
    ]
    layout = write_run(tmp_path / "run", rows)
    with RunQueries(layout) as queries:
        (row,) = run_figures(layout, queries)["formulas"]["faults"]
    assert row == {**fault, "formulas": 3, "documents": 2}
    assert "empty after cleaning" in report_html(layout)


def test_crawled_text_becomes_no_markup(tmp_path: Path) -> None:
    """Of a hostile page only escaped text is left: no element, no handler, no second script."""
    found = _Elements(report_html(_run(tmp_path))).tags
    assert [
        tag for tag, _ in found if tag in ("img", "base", "iframe", "object", "link", "form")
    ] == []
    assert sum(tag == "script" for tag, _ in found) == 2  # the data and the sliders
    assert not [name for _, attrs in found for name in attrs if name.startswith("on")]
    assert not [attrs for tag, attrs in found if tag == "svg" and "viewbox" not in attrs]
    links = [attrs["href"] or "" for tag, attrs in found if tag == "a"]
    assert links
    assert all(link.startswith("#") for link in links)


def test_a_page_of_a_report_loads_nothing(tmp_path: Path) -> None:
    """The policy allows its own script alone, and no address is loaded by any attribute."""
    html = report_html(_run(tmp_path))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;")
    assert "unsafe-inline" not in policy[1].partition("script-src")[2]
    for _, attrs in _Elements(html).tags:
        assert not {"src", "srcset", "data", "poster", "action"} & attrs.keys()
    assert "@import" not in html
    assert "url(" not in html.partition("</style>")[0]


def test_sliders_have_the_counts_of_every_threshold(tmp_path: Path) -> None:
    """The counts in the page add up to the values of the score, by language."""
    html = report_html(_run(tmp_path))
    block = re.search(r'<script type="application/json" id="scores">(.*?)</script>', html, re.S)
    assert block is not None
    scores = json.loads(block[1])
    recall = scores["math_prob"]["languages"]["en"]
    assert sum(recall["kept"]) == 11
    assert sum(recall["dropped"]) == 1
    assert recall["dropped"][30] == 1  # 0.15 of 200 classes
    assert sum(recall["corpus"]) == 7
    assert scores["quality_prob"]["threshold"] > 0
    assert sum(scores["recall_prob"]["languages"]["en"]["dropped"]) == 1


def test_the_same_seed_gives_the_same_report(tmp_path: Path) -> None:
    """A report is a function of the run and the seed."""
    layout = _run(tmp_path)
    assert report_html(layout, seed=3) == report_html(layout, seed=3)


def test_long_documents_are_shortened_until_the_file_is_small(tmp_path: Path) -> None:
    """Many long pages full of formulas still give a file of less than five megabytes."""
    text = r"The sum $\sum_{i=1}^{n} \frac{x_i^2 + y_i^2}{\sqrt{2\pi}}$ is large. " * 200
    layout = write_run(
        tmp_path / "run",
        [document(n, text) for n in range(60)],
        judged={n: {"drop_stage": "rules", "drop_reason": f"own_{n % 20}"} for n in range(40)},
    )
    size = len(report_html(layout).encode())
    assert size < MAX_BYTES


def test_half_a_run_has_a_report_that_says_so(tmp_path: Path) -> None:
    """A run that stopped after extraction is shown as far as it got."""
    html = report_html(_run(tmp_path, stages=("extract",)))
    assert "This run is not finished" in html
    assert "stage dedup is not complete" in html
    assert "recall_floor" in html


def test_a_run_without_any_stage_has_a_report(tmp_path: Path) -> None:
    """A run that has only begun gives a page that says so, and no error."""
    html = report_html(_run(tmp_path, stages=()))
    assert "No stage is complete yet" in html


def _command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run_command(lambda: app(list(words), standalone_mode=False))
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_writes_into_the_run_or_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`infimm report RUN` names the file it wrote; --output puts it elsewhere."""
    layout = _run(tmp_path)
    code, out, _ = _command(capsys, "report", "--run", layout.root)
    assert (code, out.strip()) == (0, f"{layout.root}/report/index.html")
    code, out, _ = _command(capsys, "report", layout.root, "--output", str(tmp_path / "r.html"))
    assert code == 0
    assert (tmp_path / "r.html").read_bytes() == Path(
        f"{layout.root}/report/index.html"
    ).read_bytes()


def test_a_damaged_table_is_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of the right size that is no Parquet is named, with what to do."""
    layout = _run(tmp_path)
    file = next(Path(layout.root).glob("refine/scored/**/*.parquet"))
    file.write_bytes(b"x" * file.stat().st_size)
    code, _, err = _command(capsys, "report", layout.root)
    assert code != 0
    assert str(file) in err
    assert len(err.strip().splitlines()) == 1
    assert "infimm verify" in err


def test_a_full_disk_is_not_taken_for_damage(tmp_path: Path) -> None:
    """A query that cannot write says that the disk is full, and where it would have written."""
    with (
        RunQueries(_run(tmp_path)) as queries,
        pytest.raises(ResourceError, match=r"has room.*TMPDIR"),
    ):
        queries.execute("COPY (SELECT range FROM range(100000)) TO '/dev/full' (FORMAT csv)")


def test_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that holds no run is named."""
    code, _, err = _command(capsys, "report", str(tmp_path))
    assert code != 0
    assert "holds no run" in err


def test_a_duplicate_is_shown_with_what_stays_for_it(tmp_path: Path) -> None:
    """A sampled copy names the URL of its kept document."""
    html = report_html(_run(tmp_path))
    assert "Stays for it: https://site2.example.org/page/5" in html
    assert page_id(4) not in html.partition('id="dropped"')[0]


def test_the_report_is_written_where_the_run_is(tmp_path: Path) -> None:
    """`write_html` gives the location of the file."""
    layout = _run(tmp_path)
    assert Path(write_html(layout)).is_file()
