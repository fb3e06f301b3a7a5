"""Why a text has its score: the facts and words that moved it."""

from __future__ import annotations

import numpy as np
import pytest

from infimm_spark.classify.facts import FACT_VERSION
from infimm_spark.classify.mathematics import load_classifier
from infimm_spark.classify.own_scorer import OwnScorer
from infimm_spark.classify.trees import NEVER, Trees, Walker
from infimm_spark.classify.why import why
from infimm_spark.config import BuildConfig
from infimm_spark.inspect.page import inspect_page

LESSON = (
    "Theorem. Suppose that $x^2 = 2$ has a root. Then the proof of the theorem follows, because "
    "the equation $x \\cdot x = 2$ holds and therefore $x > 1$.\n\n"
) * 6


def test_facts_and_words_of_a_line_are_told_apart() -> None:
    """Formulas speak for a page of mathematics; each entry says how far it moved the log-odds."""
    found = why(load_classifier(None, "recall"), LESSON, "en")
    assert found["facts"]
    assert found["words"]
    assert all("__" not in row["word"] for row in found["words"])
    for rows in found.values():
        effects = [abs(row["effect"]) for row in rows]
        assert effects == sorted(effects, reverse=True)


def test_an_empty_text_has_no_reasons() -> None:
    """There is nothing to take out."""
    assert why(load_classifier(None, "recall"), " \n", "en") == {}


def test_a_split_moves_the_score_by_its_feature() -> None:
    """The effects are what the trees give less the means of their roots; a node that does not split
    moves nothing."""
    trees = Trees(
        fact_version=FACT_VERSION,
        base=0.1,
        facts=[[1, 0, 0]],
        thresholds=[[0.5, NEVER, NEVER]],
        leaves=[[0.2, 0.0, 0.8, 0.0]],
    )
    values = np.array([9.0, 1.0])
    assert trees.effects(values) == pytest.approx([0.0, 0.3])
    assert Walker(trees).log_odds(values) - trees.base - 0.5 == pytest.approx(0.3)


def test_an_own_scorer_is_asked_without_each_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paragraph that makes the score comes first."""
    scorer = object.__new__(OwnScorer)
    monkeypatch.setattr(
        OwnScorer,
        "score_many",
        lambda self, texts, languages: [0.9 if "theorem" in text else 0.2 for text in texts],
    )
    (row,) = why(scorer, "first part\n\na theorem\n\nlast part", "en")["passages"]
    assert row["passage"] == "a theorem"
    assert row["effect"] > 0


PAGE = f"<html><head><title>A lesson</title></head><body><main>{'<p>' + LESSON + '</p>'}</main></body></html>"


def test_a_page_says_why_on_demand() -> None:
    """`infimm page --why` has a part for each score the page got."""
    options = {"url": "https://a.org/b", "content_type": "text/html", "config": BuildConfig()}
    found = inspect_page(PAGE.encode(), **options, explain=True)  # type: ignore[arg-type]
    assert found["scores"]["math_prob"] is not None
    assert found["why"]["math_prob"]["facts"]
    assert "why" not in inspect_page(PAGE.encode(), **options)  # type: ignore[arg-type]
