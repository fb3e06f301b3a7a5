"""`infimm page`: what a build would find out about one page, stage by stage."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark.config import load_config
from infimm_spark.dedup.paragraphs import candidates
from infimm_spark.inspect.page import inspect_page
from infimm_spark.run.layout import RunLayout
from infimm_spark.stages.repeated_paragraphs import REPEATED

NOTICE = "This page is part of the collected lecture notes of our department and may be copied."
PAGE = (
    f"<html><body><h1>The derivative</h1><p>{NOTICE}</p>"
    + "<p>The derivative of a function at a point is the limit of its difference quotient. We prove "
    "the product rule from this definition, and then apply it to polynomials of any degree.</p>"
    * 3
    + r"<p>By definition \(f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}\) where it exists.</p>"
    r"<p>\[ (fg)' = f'g + fg' \]</p></body></html>"
).encode()
URL = "https://www.example.org/derivative"


def _text(report: dict) -> str:
    return "".join(segment.get("text", "") for segment in report["segments"])


def test_repeated_paragraphs_are_left_out_as_a_build_does(tmp_path: Path) -> None:
    """With a run the host's repeated paragraphs go; without one a note says that only a run
    knows."""
    ((key, paragraph),) = candidates(NOTICE, 40)
    folder = Path(RunLayout(str(tmp_path)).table("refine", "boilerplate"))
    folder.mkdir(parents=True)
    row = {"host": "example.org", "paragraph": key, "documents": 9, "of": 9, "text": paragraph}
    pq.write_table(pa.Table.from_pylist([row], schema=REPEATED), folder / "0.parquet")
    config = load_config(None, {"boilerplate": {"enabled": True}})

    alone = inspect_page(PAGE, url=URL, content_type="text/html", config=config)
    assert NOTICE in _text(alone)
    assert "--run" in alone["notes"][0]
    within = inspect_page(
        PAGE, url=URL, content_type="text/html", config=config, run=RunLayout(str(tmp_path))
    )
    assert NOTICE not in _text(within)
    assert "product rule" in _text(within)
    assert "notes" not in within
    assert within["metrics"]["size"] < alone["metrics"]["size"]


def test_a_page_is_dropped_by_the_first_stage_that_drops_it() -> None:
    """Below the recall threshold no rule and no classifier is asked any more, as in a build."""
    config = load_config(None, {"dedup": {"recall_threshold": 1.0}})
    report = inspect_page(PAGE, url=URL, content_type="text/html", config=config)
    assert report["dropped"]["stage"] == "recall"
    assert report["scores"]["quality_prob"] is None
