"""Facts of a text: its formulas, its prose, the shape of its lines."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.classify.facts import FACTS, facts
from infimm_spark.classify.features import read


def facts_of(text: str, language: str = "en") -> dict[str, float]:
    return dict(zip(FACTS, facts(text, language, read(text, language)), strict=True))


LESSON = """# Limits

Suppose that $a_n = \\frac{1}{n}$ for every $n$; we show that it tends to zero, because it is bounded.

$$|a_n| = \\frac{1}{n} < \\varepsilon$$

Therefore the limit of the sequence $a_n = \\frac{1}{n}$ is zero, and every sequence below it has that limit too.
"""


@given(st.text(st.characters(), max_size=300), st.sampled_from(["en", "zh", "de", ""]))
def test_any_text_has_all_facts(text: str, language: str) -> None:
    """Every text gives one finite number for each fact, lone surrogates and all."""
    assert all(math.isfinite(value) for value in facts_of(text, language).values())


def test_formulas_are_counted_by_kind() -> None:
    """Formulas are told apart: displayed ones, those with a relation, short ones, repeated ones."""
    found = facts_of(LESSON)
    assert found["formulas"] == pytest.approx(math.log1p(4))
    assert found["formulas_display"] == pytest.approx(math.log1p(1))
    assert found["formulas_relation"] == pytest.approx(math.log1p(3))
    assert found["short_share"] == pytest.approx(1 / 4)
    assert found["formulas_distinct"] == pytest.approx(math.log1p(2))
    assert 0 < found["formula_first"] < found["formula_last"] < 1


def test_prose_around_formulas_is_told_from_lists() -> None:
    """Formulas in whole sentences count as prose with formulas; those of a list do not."""
    listed = "\n".join(f"- ${name} = 1$" for name in "abcd")
    assert facts_of(LESSON)["formula_prose"] > 0
    assert facts_of(LESSON)["reasoning_kinds"] >= 3
    assert facts_of(listed)["formula_prose"] == 0
    assert facts_of(listed)["items"] == 1
    assert facts_of(listed)["formulas"] == facts_of(LESSON)["formulas"]


def test_shape_needs_no_words() -> None:
    """The same build in Chinese has the same formulas, headings and places."""
    chinese = "# 极限\n\n设 $a_n = \\frac{1}{n}$，所以 $n$ 很大时趋于零。\n"
    english = "# Limit\n\nLet $a_n = \\frac{1}{n}$, thus for large $n$ it tends to zero.\n"
    one, other = facts_of(chinese, "zh"), facts_of(english)
    for name in ("formulas", "headings", "formula_tenths", "relation_share", "commands"):
        assert one[name] == pytest.approx(other[name], abs=1), name
    assert one["reasoning_n"] > 0


def test_code_and_menus_show() -> None:
    """Code in fences and menus of short lines have facts of their own."""
    code = facts_of("Run it:\n\n```\nfor (i = 0; i < n; i++) { total += i; }\n```\n")
    menu = facts_of("Home\nAbout us\nCourses\nContact\nHome\n")
    assert code["code_share"] > 0.5
    assert menu["code_share"] == 0
    assert menu["short_lines"] == 1
    assert menu["repeated_lines"] == pytest.approx(0.2)


def test_worked_steps_are_marked() -> None:
    """Headings such as Example and Solution count, in both languages."""
    assert facts_of("Example 1\nSolution. Add.\nSolution. Subtract.")["mark_kinds"] == 2
    assert facts_of("例 1\n解：相加。", "zh")["mark_kinds"] == 2
