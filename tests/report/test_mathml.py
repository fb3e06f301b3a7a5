"""Formulas drawn as MathML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract.latex.check import MAX_LENGTH
from infimm_spark.report import mathml
from infimm_spark.report.mathml import draw


@pytest.mark.parametrize(
    "tex",
    [
        r"\frac{a}{b}",
        r"\begin{split} a &= b \\ &= c \end{split}",
        r"\begin{eqnarray} a &=& b \end{eqnarray}",
        r"\begin{pmatrix} 1 & 2 \cr 3 & 4 \cr \end{pmatrix}",
        r"E = mc^2 \label{eq:1} \tag{1.2}",
        r"a \mbox{ where } b",
        r"\color{#4169E1}{X} + \textcolor{BLUE}{Y}",
        "\\text{速度} = v",
    ],
)
def test_what_pages_write_is_drawn(tex: str) -> None:
    """Environments, labels, tags, colours and old commands of real pages become MathML."""
    drawn = draw(tex, display=True)
    assert drawn.failure is None
    assert "<math" in drawn.html
    assert "\\" not in re.sub(r'title="[^"]*"', "", drawn.html)


def test_source_stands_where_it_cannot_be_drawn() -> None:
    """A formula that TeX itself would refuse is shown by its source, marked, with the reason."""
    drawn = draw(r"\frac{a}{")
    assert drawn.failure
    assert "unrendered" in drawn.html
    assert r"<code>\frac{a}{</code>" in drawn.html


def test_rows_are_aligned_without_inline_styles() -> None:
    """Columns of aligned equations keep their sides by classes: a strict policy forbids styles."""
    html = draw(r"\begin{align} x &= 1 \\ y &= 2 \end{align}", display=True).html
    assert " style=" not in html
    assert "m-right" in html
    assert "m-left" in html


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r'\label{"><img src=x onerror=alert(1)>} x',
        r'\operatorname{"><svg onload=alert(1)>}',
        r"\text{\url{https://example.org}}",
    ],
)
def test_hostile_tex_is_text(tex: str) -> None:
    """Nothing that a formula holds becomes a tag, a link or a handler."""
    root = ET.fromstring(draw(tex).html)
    assert {element.tag for element in root.iter()} <= mathml._ELEMENTS | {"span", "code"}
    names = {name for element in root.iter() for name in element.attrib}
    assert names <= {"class", "title", *mathml._ATTRIBUTES}


@pytest.mark.parametrize(
    "tex",
    [
        "{" * 9_000 + "}" * 9_000,
        r"\frac{" * 1_900 + "x" + "}{y}" * 1_900,
        r"\sqrt " * 3_300 + "x",
        r"\left(" * 3_300,
        "x" * (MAX_LENGTH + 1),
    ],
    ids=["braces", "fractions", "roots", "delimiters", "long"],
)
def test_deep_and_long_formulas_end(tex: str) -> None:
    """Nesting that would exhaust a stack neither ends the process nor reaches a browser."""
    assert "unrendered" in draw(tex).html or draw(tex).html.count("<") < 20


def test_missing_converter_shows_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without math-core every formula is its source, and the reason says what to install."""
    monkeypatch.setattr(mathml, "_converter", lambda: None)
    mathml._converted.cache_clear()
    try:
        drawn = draw("x+1")
        assert "pip install math-core" in (drawn.failure or "")
        assert "<code>x+1</code>" in drawn.html
    finally:
        mathml._converted.cache_clear()


_TEX = st.lists(
    st.sampled_from(
        [*"xyz019+-=^_{}&<>\"'#%~$ ", r"\frac", r"\sqrt", r"\text{", r"\left(", r"\right)", "\\\\",
         r"\begin{matrix}", r"\end{matrix}", r"\color{red}", r"\href{", "数", "\x00", "\ufffe"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(_TEX, st.booleans())
def test_every_answer_is_well_formed(tex: str, display: bool) -> None:
    """Whatever the formula, the answer is one span of allowed elements."""
    root = ET.fromstring(re.sub("[\x00\ufffe]", "", draw(tex, display).html))
    assert root.tag == "span"
    allowed = mathml._ELEMENTS | mathml._TEXT_ELEMENTS | {"span", "code"}
    assert {element.tag for element in root.iter()} <= allowed
