"""The facts of a page that an encoder judge is fitted on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.classify.encoder.facts import page_facts

ARGUMENT = (
    "Suppose that $x > 0$ and that $y$ is a root of the equation, so that we have a bound for it.\n"
    "$$x^2 = y^2 + 1$$\n"
    "Therefore the bound holds for every root, because the square of a real number is positive.\n"
)


def test_formulas_are_counted_where_they_stand() -> None:
    """Inline and displayed formulas count, and whether prose stands beside them."""
    facts = page_facts(ARGUMENT, "en")
    assert facts["formulas"] == pytest.approx(math.log1p(3))
    assert facts["displayed formulas"] == pytest.approx(math.log1p(1))
    assert facts["formulas with a relation"] == pytest.approx(math.log1p(2))
    assert facts["formulas on their own lines"] == pytest.approx(math.log1p(1))
    assert facts["formulas beside prose"] == pytest.approx(math.log1p(2))
    assert (
        facts["reasoning words"] > page_facts("$x > 0$\n$y$\n$$x^2 = 1$$", "en")["reasoning words"]
    )


def test_a_price_is_no_formula() -> None:
    """Dollar amounts do not count."""
    facts = page_facts("It costs $5 per month; now only $10 per year.", "en")
    assert facts["formulas"] == 0.0


def test_code_is_no_prose() -> None:
    """A fenced block counts as code, and its lines as nothing else."""
    facts = page_facts("```\nfor (x = 1; x < 3; x++) { run(x); }\n```\n", "en")
    assert facts["share of code"] > 0.9
    assert facts["plain equations"] == 0.0


def test_repeated_lines_are_seen() -> None:
    """A line that stands three times is repeated twice."""
    facts = page_facts("Next page\nNext page\nNext page\nAbout\n", "en")
    assert facts["share of repeated lines"] == pytest.approx(0.5)


def test_chinese_reasoning_counts() -> None:
    """Chinese words that join an argument, and headings of worked steps."""
    facts = page_facts("例 1\n设 $x>0$，则方程有解，因此结论成立。\n解：由此可得 $x=1$。", "zh")
    assert facts["chinese"] == 1.0
    assert facts["different reasoning words"] >= 4
    assert facts["kinds of worked steps"] == 2


@given(st.text(max_size=400), st.sampled_from(["en", "zh", "fr", ""]))
def test_every_text_has_the_same_facts(text: str, language: str) -> None:
    """Names and their order never change, values are finite, shares lie in [0, 1]."""
    facts = page_facts(text, language)
    assert list(facts) == list(page_facts("", "en"))
    assert all(math.isfinite(value) for value in facts.values())
    shares = [value for name, value in facts.items() if name.startswith("share of")]
    assert all(0.0 <= value <= 1.0 for value in shares)
