"""Figures beside trivial rules, reliability, thresholds for a precision."""

from __future__ import annotations

import pytest

from infimm_spark.training.beside import (
    beside_markdown,
    compared,
    reliability,
    reliability_markdown,
    threshold_at_precision,
)
from infimm_spark.training.measures import Prediction


def graded(number: int, score: float, prob: float, formulas: int, view: str = "text") -> Prediction:
    return Prediction(
        page=str(number),
        site="a",
        view=view,
        language="en",
        chars=1000,
        label=int(score >= 6),
        measured=True,
        score=score,
        prob=prob,
        formulas=formulas,
        words=0.5,
    )


PAGES = [
    graded(1, 8, 0.9, 10),
    graded(2, 7, 0.8, 2),
    graded(3, 4, 0.3, 9),
    graded(4, 0, 0.1, 0),
    graded(5, 1, 0.2, 5),
]


def test_each_rule_has_its_figures() -> None:
    """The model ranks the pages rightly, counting does not, and a constant score ranks nothing."""
    everything, near = compared(PAGES)
    assert everything["rules"]["this model"] == {"auc": 1.0, "precision": 1.0}
    assert everything["rules"]["counting formulas"]["auc"] == pytest.approx(4 / 6, abs=1e-3)
    assert everything["rules"]["fastText alone"]["auc"] == 0.5
    assert (near["pages"], near["positive"], near["negative"]) == ("near the line", 2, 2)
    assert "| en/text | near the line | 2 / 2 |" in beside_markdown([near])


def test_pages_without_formulas_keep_their_place() -> None:
    """A page near the line is so in the view that shows none of its formulas, too."""
    bare = [p._replace(view="text without formulas", formulas=0) for p in PAGES]
    rows = {(row["texts"], row["pages"]): row for row in compared([*PAGES, *bare])}
    assert rows["en/text without formulas", "near the line"]["negative"] == 2


def test_reliability_is_by_tenths() -> None:
    """Texts are gathered by probability; the shares of positives stand beside it."""
    points = reliability([*PAGES, graded(6, 0, 0.85, 0)])["en"]
    assert [point["texts"] for point in points] == [1, 1, 1, 2, 1]
    assert points[3] == {"texts": 2, "probability": 0.825, "positive": 0.5}
    assert "| en | 2 | 0.825 | 0.500 |" in reliability_markdown({"en": points})


def test_threshold_reaches_the_precision_from_there_on() -> None:
    """Precision holds above the threshold with room for chance; too few texts decide nothing."""
    good = [graded(n, 8, 0.9, 3) for n in range(200)]
    mixed = [graded(n, 8 * (n % 2), 0.4, 3) for n in range(200)]
    assert threshold_at_precision([*good, *mixed], "en", 0.8) == pytest.approx(0.41)
    assert threshold_at_precision([*good, *mixed], "en", 0.7) == pytest.approx(0.01)
    exact = [graded(n, 8 * (n % 5 > 0), 0.9, 3) for n in range(200)]
    assert threshold_at_precision(exact, "en", 0.8) == 0.99
    assert threshold_at_precision(good[:20], "en", 0.8) == 0.99
