"""Two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browsed_run import PAGES, TOKEN, CrawledPage, mathematics, write_run
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient

from infimm_spark.browse.app import Browser, application
from infimm_spark.browse.differences import compared, paragraphs
from infimm_spark.browse.guard import Guard
from infimm_spark.browse.server import open_comparison
from infimm_spark.errors import InputError


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The small run; and one where a page came in, one went out, texts, formulas and scores
    changed. Both are of one crawl: ids are places, so that the pages' order and lengths stay."""
    old, new = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    more = [
        CrawledPage("https://one.example.org/", mathematics("One", "a_1")),
        CrawledPage("https://two.example.org/", mathematics("Two", "b_1", "b_2")),
        CrawledPage("https://three.example.org/", mathematics("Three", "c_1")),
    ]
    changed = [
        replace(PAGES[0], quality_prob=0.75),
        PAGES[1],
        replace(PAGES[2], fate="precision", quality_prob=0.2),
        replace(PAGES[3], fate="kept", quality_prob=0.9),
        PAGES[4],
        replace(more[0], more={"segments": [{"text": "One, in other words: $a_1$", "image": None}]}),
        replace(more[1], more={"n_formulas": 1, "formula_counts": [{"encoding": "dollar", "outcome": "valid", "count": 1}]}),
        replace(more[2], more={"title": "Three, again"}),
    ]  # fmt: skip
    return write_run(old, [*PAGES, *more]).root, write_run(new, changed).root


@pytest.fixture
def both(runs: tuple[str, str], tmp_path: Path) -> Iterator[Browser]:
    browser = open_comparison(*runs, labels=str(tmp_path / "l.jsonl"))
    yield browser
    browser.catalogue.close()


def test_changes_are_counted_by_kind(both: Browser) -> None:
    """Every page counts once, by what matters most of its changes."""
    assert both.comparison is not None
    counts = {kind: count for kind, count, _ in both.comparison.counts()}
    assert counts == {
        "came in": 1, "went out": 1, "other reason": 0, "formulas": 1, "text": 1, "pictures": 0,
        "title": 1, "scores": 1, "same": 2,
    }  # fmt: skip


def test_a_changed_page_is_shown_side_by_side(both: Browser) -> None:
    """The list by kind leads to the page, with the words that differ marked on their sides."""
    client = TestClient(Guard(application(both), TOKEN, 8000), base_url="http://127.0.0.1:8000")
    client.get("/", params={"token": TOKEN})
    page = LexborHTMLParser(client.get("/compare?kind=text").text)
    (link,) = page.css(".pages .title")
    shown = LexborHTMLParser(client.get(str(link.attributes["href"])).text)
    assert "in other words" in " ".join(node.text() for node in shown.css("ins"))
    assert "induction" in " ".join(node.text() for node in shown.css("del"))
    assert client.get("/compare?kind=nothing").status_code == 400
    assert client.get("/compare/unknown").status_code == 404
    assert len(LexborHTMLParser(client.get("/compare").text).css(".pages li")) == 6


def test_runs_of_other_crawls_are_refused(runs: tuple[str, str], tmp_path: Path) -> None:
    """Two runs without a page in common have nothing to compare."""
    other = write_run(tmp_path, [CrawledPage("https://other.org/", mathematics("O" * 99, "x^2"))])
    Path(other.root, "publish").mkdir(exist_ok=True)
    import pyarrow.parquet as pq

    (path,) = Path(other.groups).glob("**/table=documents/*.parquet")
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.set_column(0, "id", [["f" * 32]]), path)
    with pytest.raises(InputError, match="no page in common"):
        open_comparison(runs[0], other.root, labels=str(tmp_path / "l.jsonl"))


def test_differences_are_by_word_and_escaped() -> None:
    """Equal paragraphs are left out in the middle, changed ones marked by word, markup is text."""
    same = [f"Paragraph {number}." for number in range(20)]
    lines = compared([*same, "a <b>bold</b> word", "old"], [*same, "a <b>plain</b> word"])
    assert [line.kind for line in lines] == ["skipped", "equal", "equal", "changed", "gone"]
    changed = lines[3]
    assert changed.left == "a &lt;b&gt;<del>bold</del>&lt;/b&gt; word"
    assert changed.right == "a &lt;b&gt;<ins>plain</ins>&lt;/b&gt; word"


def test_pictures_are_paragraphs() -> None:
    """A picture that is gone or new shows in the difference."""
    segments = [
        {"text": "one\n\ntwo", "image": None},
        {"text": None, "image": {"url": "u", "alt": "A"}},
    ]
    assert paragraphs(segments) == ["one", "two", "[picture: A] u"]
