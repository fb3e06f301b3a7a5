"""Paragraphs that may be boilerplate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.dedup.paragraphs import candidates, without
from infimm_spark.extract.text import formulas_in
from infimm_spark.urls import site_host

NOTICE = "All rights reserved; see the terms of use for details of this site."


def keys(text: str) -> frozenset[bytes]:
    return frozenset(key for key, _ in candidates(text, 40))


@pytest.mark.parametrize(
    "paragraph",
    [
        "The derivative of a constant function is zero: $c' = 0$ for all real constants.",
        "$$\n\\frac{d}{dx} x^2 = 2x, \\qquad \\frac{d}{dx} x^3 = 3x^2\n\n + 0\n$$",
        "## Exercises for the chapter on derivatives and integrals",
        "Prices start at \\$5 for students, and that is all there is to say here.",
        "Proof.",
    ],
    ids=["inline", "display with a blank line", "heading", "dollar sign", "short"],
)
def test_what_never_goes(paragraph: str) -> None:
    """Paragraphs with formulas, headings and short ones are no candidates, whoever repeats them."""
    text = f"{paragraph}\n\n{NOTICE}"
    assert [found for _, found in candidates(text, 40)] == [NOTICE]
    assert without(text, keys(text), 40) == paragraph


def test_white_space_does_not_count() -> None:
    """Paragraphs that differ in line breaks only are the same."""
    assert keys(NOTICE) == keys(NOTICE.replace(" ", "\n", 3))


def test_code_is_one_paragraph() -> None:
    """A blank line in fenced code does not cut it."""
    code = "```\nfirst line of the example program\n\nsecond line of the example program\n```"
    assert [found for _, found in candidates(code, 10)] == [code]


def test_host() -> None:
    """The host alone, without www, port and user."""
    assert site_host("https://me@WWW.Example.org:8080/a?b") == "example.org"
    assert site_host("no url") == ""


pieces = st.sampled_from(
    [
        NOTICE,
        "$x^2$",
        "$$a\n\nb$$",
        "Some other words that are long enough to be a candidate.",
        "# H",
    ]
)


@given(parts=st.lists(pieces, max_size=8), gaps=st.sampled_from(["\n\n", "\n\n\n", "\n"]))
def test_formulas_survive_whatever_is_removed(parts: list[str], gaps: str) -> None:
    """With every candidate removed, all formulas are still there, and nothing is left to remove."""
    text = gaps.join(parts)
    rest = without(text, keys(text), 40)
    assert formulas_in(rest) == formulas_in(text)
    assert not keys(rest)
