"""Formulas through the real renderers and back, with their mode: nothing lost, nothing invented.

The pages of `fixtures/rendered` are made by `make fixtures` from `fixtures/formulas.txt`. Formulas
are compared as the benchmark does (`benchmarks/formulas.py --suite renderers`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from modules import module_at

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parents[1]


fixtures = module_at(TESTS / "fixtures" / "pages.py")
scorer = module_at(REPOSITORY / "benchmarks" / "formulas.py")
PAGES = fixtures.fixture_pages()

# What is left below the targets, and why; every other page has to reach them.
FLOORS = {
    "mathjax2-svg-bare": 0.96,  # boxes and numbered rows
    "mathjax2-htmlcss-bare": 0.90,  # stretched signs above and below, numbered rows
    "pandoc-plain": 0.88,  # function names and letters are told apart by slant alone
}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_formulas_come_back_from_a_rendered_page(page: object) -> None:
    """At least 98 % of the formulas, and no more than were there, where the page holds a source;
    at least 95 % of those that are only drawn."""
    score = scorer.Score()
    score.add(page.name, page.expected, scorer.extracted(page.html))
    floor = FLOORS.get(page.name, 0.98 if page.source_bearing else 0.95)
    assert score.matched >= floor * score.expected, score.misses
    assert score.matched >= floor * score.found, score.inventions


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_text_around_formulas_keeps_its_words_and_order(page: object) -> None:
    """Each sentence of a rendered page is there, in order, and holds no leftovers of rendering."""
    from infimm_spark.extract import extract_page

    text = extract_page(page.html, url="https://example.org/").text
    position = 0
    for index, _ in enumerate(fixtures.formulas()):
        if f"Line {index} has".encode() not in page.html:
            continue
        found = text.find(f"Line {index} has", position)
        assert found >= 0, f"line {index} is gone or out of place"
        position = found
    assert text.count("in it.") >= len(page.expected) - 2
