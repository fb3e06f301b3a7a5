"""`infimm page FILE --open`: the view of one file."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from browsed_run import mathematics
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.browse.file_view import page_view
from infimm_spark.config import load_config
from infimm_spark.inspect.page import inspect_page


@pytest.fixture(scope="module")
def view() -> LexborHTMLParser:
    html = mathematics("Sums", r"\sum_{k=1}^n k", extra="<script>alert(1)</script><img src=http://x.org/a.png alt=dots>")  # fmt: skip
    config = load_config(None, {"input": {"paths": ["x"]}, "output": "out"})
    body = html.encode()
    report = inspect_page(body, url="https://a.org/", content_type=None, config=config)
    return LexborHTMLParser(page_view(body, report, config, None))


def test_document_scores_and_formulas_are_shown(view: LexborHTMLParser) -> None:
    """The drawn document, each score with its threshold, and the table of formulas."""
    assert view.css_first(".document math") is not None
    assert "dedup.recall_threshold" in view.css_first("main").text()
    assert [row.css("td")[1].text() for row in view.css("table.formulas tbody tr")] == ["dollar"]


def test_the_file_asks_nothing_and_runs_nothing(view: LexborHTMLParser) -> None:
    """No script, no address of a resource, policies in the file and in its frame."""
    assert view.css("script, link, img") == []
    assert "default-src 'none'" in str(view.css_first("meta[http-equiv]").attributes["content"])
    frame = view.css_first("iframe")
    assert frame.attributes["sandbox"] == ""
    inner = base64.b64decode(str(frame.attributes["src"]).partition("base64,")[2]).decode()
    assert "default-src 'none'" in inner
    assert "<script" not in inner
    assert "x.org" not in inner


def test_a_page_that_no_parser_takes_is_told(tmp_path: Path) -> None:
    """A hostile page has a view that says why, not a trace."""
    config = load_config(None, {"input": {"paths": ["x"]}, "output": "out"})
    body = b"<div>" * 5_000 + b"x"
    report = inspect_page(body, url="https://a.org/", content_type=None, config=config)
    page = LexborHTMLParser(page_view(body, report, config, None))
    assert "became no document" in page.css_first("main").text()
