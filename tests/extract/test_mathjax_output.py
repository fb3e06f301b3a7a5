"""MathJax's rendered output decoded without its source (see `test_katex_html` for the samples)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.extract.formulas.readers.mathjax_output import ConversionError, mathjax_to_latex
from infimm_spark.extract.latex import check, normal_form

SAMPLES = [
    row
    for line in Path(__file__).with_name("rendered.jsonl").read_text("utf-8").splitlines()
    if (row := json.loads(line))["renderer"].startswith("mathjax")
]


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample['renderer']} {sample['tex']}"
)
def test_output_of_mathjax_comes_back_as_its_source(sample: dict[str, str]) -> None:
    """CHTML and SVG of MathJax 3 and 4 decode to the formula they were rendered from."""
    node = LexborHTMLParser(sample["html"]).css_first("mjx-container")
    assert normal_form(mathjax_to_latex(node)) == normal_form(sample["tex"])


def test_assistive_mathml_is_not_read_twice() -> None:
    """The hidden MathML beside the drawing does not appear in the result."""
    html = (
        '<mjx-container><mjx-math><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D465"></mjx-c></mjx-mi></mjx-math>'
        "<mjx-assistive-mml><math><mi>x</mi></math></mjx-assistive-mml></mjx-container>"
    )
    assert mathjax_to_latex(LexborHTMLParser(html).css_first("mjx-container")) == "x"


def test_common_html_of_mathjax_2_is_decoded() -> None:
    """MathJax 2's CommonHTML names its parts by classes and holds its characters as text."""
    html = (
        '<span class="mjx-chtml"><span class="mjx-math"><span class="mjx-mrow"><span class="mjx-msubsup">'
        '<span class="mjx-base"><span class="mjx-mi"><span class="mjx-char MJXc-TeX-math-I">x</span></span></span>'
        '<span class="mjx-sup"><span class="mjx-mn"><span class="mjx-char MJXc-TeX-main-R">2</span></span></span>'
        '</span><span class="mjx-mo"><span class="mjx-char MJXc-TeX-main-R">+</span></span>'
        '<span class="mjx-mfrac"><span class="mjx-box MJXc-stacked"><span class="mjx-numerator"><span class="mjx-mi">'
        '<span class="mjx-char">a</span></span></span><span class="mjx-denominator"><span class="mjx-mi">'
        '<span class="mjx-char">b</span></span></span><span class="mjx-line"></span></span></span>'
        "</span></span></span>"
    )
    tex = mathjax_to_latex(LexborHTMLParser(html).css_first("span"))
    assert normal_form(tex) == normal_form(r"x^2+\frac{a}{b}")


@pytest.mark.parametrize(
    "html", ["<mjx-container></mjx-container>", "<div><svg><path d='M0'></path></svg></div>"]
)
def test_output_without_structure_is_an_error(html: str) -> None:
    """What cannot be decoded is reported, not guessed."""
    with pytest.raises(ConversionError):
        mathjax_to_latex(LexborHTMLParser(html).body.first_child)


TAGS = [
    "mjx-math",
    "mjx-mi",
    "mjx-mo",
    "mjx-mn",
    "mjx-msup",
    "mjx-script",
    "mjx-msub",
    "mjx-msubsup",
    "mjx-munder",
    "mjx-mover",
    "mjx-under",
    "mjx-over",
    "mjx-base",
    "mjx-mfrac",
    "mjx-frac",
    "mjx-num",
    "mjx-den",
    "mjx-msqrt",
    "mjx-box",
    "mjx-mroot",
    "mjx-root",
    "mjx-mtable",
    "mjx-mtr",
    "mjx-mtd",
    "mjx-c",
    "mjx-menclose",
    "mjx-mmultiscripts",
    "mjx-munderover",
    "g",
    "use",
]
ATTRIBUTES = ["", ' class="mjx-c1D465"', ' class="mjx-n"', ' data-mml-node="msup"', ' data-c="28"',
              ' data-mml-node="mroot" transform="translate(1,-3)"', ' data-mml-node="mtable"']  # fmt: skip


def _element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, attributes, kids: f"<{tag}{attributes}>{''.join(kids)}</{tag}>",
        st.sampled_from(TAGS),
        st.sampled_from(ATTRIBUTES),
        st.lists(children, max_size=4),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.sampled_from(["", "x", "(", "∑", "′", "\\", "{"]), _element, max_leaves=25))
def test_any_tree_gives_balanced_latex_or_a_conversion_error(inner: str) -> None:
    """Whatever the elements, the result is balanced LaTeX or a ConversionError."""
    node = LexborHTMLParser(f"<div>{inner}</div>").css_first("div")
    try:
        tex = mathjax_to_latex(node)
    except ConversionError:
        return
    assert check(tex) in (None, "unknown_commands")
