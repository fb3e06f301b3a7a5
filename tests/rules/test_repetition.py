"""Sentences said over and over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.config import RulesConfig
from infimm_spark.rules.filters import first_failed
from infimm_spark.rules.metrics import text_metrics
from infimm_spark.rules.repetition import repeated_share


def test_one_sentence_with_other_numbers_is_repetition() -> None:
    """Only digits differ: all but the first are said before."""
    text = " ".join(f"The theorem holds for {n} variables and $x^2$." for n in range(40))
    assert repeated_share(text, "en") == pytest.approx(39 / 40, abs=0.01)
    assert repeated_share(
        "".join(f"由定理可知共有{n}个变量成立。" for n in range(20)), "zh"
    ) == pytest.approx(0.95)


def test_worksheets_are_no_repetition() -> None:
    """The same words around other formulas are exercises, not repetition."""
    text = "\n".join(
        f"The greatest common divisor is $\\gcd({n}, {3 * n}) = {n}$." for n in range(40)
    )
    assert repeated_share(text, "en") < 0.1


def test_cells_and_short_pages_are_no_repetition() -> None:
    """Short pieces, as in tables and code, are not looked at; nor are a few sentences."""
    assert repeated_share("Solution\n" * 50 + "end\n" * 50, "en") == 0
    assert repeated_share("The same sentence is said again here. " * 9, "en") == 0
    assert repeated_share("The same sentence is said again here. " * 10, "en") == pytest.approx(0.9)


def test_repetition_is_a_rule() -> None:
    """A page above the configured share is dropped under the rule's name; a share of 1 drops
    none."""
    text = "Ten times the very same sentence. " * 10
    metrics = text_metrics(text, "en")
    assert first_failed(text, "en", metrics, RulesConfig()) == ("repetition", pytest.approx(0.9))
    assert first_failed(text, "en", metrics, RulesConfig(max_repeated_share=1.0)) is None


@given(st.text(max_size=400), st.sampled_from(["en", "zh"]))
def test_the_share_is_a_share(text: str, language: str) -> None:
    """Any text has a share from 0 up to, and without, 1; saying it all again raises it."""
    share = repeated_share(text, language)
    assert 0 <= share < 1
    assert repeated_share(f"{text}\n{text}", language) >= share
