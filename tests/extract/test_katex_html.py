"""KaTeX's HTML output decoded without its source.

`rendered.jsonl` holds output of the real renderers for formulas chosen here; `benchmarks/renderers`
makes it again (path data are shortened).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.extract.formulas.readers.katex_html import ConversionError, katex_to_latex
from infimm_spark.extract.latex import check, normal_form

SAMPLES = [
    row
    for line in Path(__file__).with_name("rendered.jsonl").read_text("utf-8").splitlines()
    if (row := json.loads(line))["renderer"].startswith("katex")
]


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample['renderer']} {sample['tex']}"
)
def test_output_of_katex_comes_back_as_its_source(sample: dict[str, str]) -> None:
    """Old and new KaTeX output decodes to the formula it was rendered from."""
    node = LexborHTMLParser(sample["html"]).css_first(".katex-html")
    assert normal_form(katex_to_latex(node)) == normal_form(sample["tex"])


def script(top: str) -> str:
    return (
        '<span class="katex-html"><span class="base"><span class="mord"><span class="mord mathnormal">x</span>'
        '<span class="msupsub"><span class="vlist-t"><span class="vlist-r"><span class="vlist">'
        f'<span style="top:{top}em;"><span class="pstrut" style="height:2.7em;"></span>'
        '<span class="sizing"><span class="mord mtight">2</span></span></span>'
        "</span></span></span></span></span></span></span>"
    )


@pytest.mark.parametrize(("top", "tex"), [("-3.063", "x^2"), ("-2.55", "x_2")])
def test_height_tells_exponent_from_index(top: str, tex: str) -> None:
    """A script above the baseline is an exponent, one below it an index."""
    assert katex_to_latex(LexborHTMLParser(script(top)).css_first(".katex-html")) == tex


def test_what_katex_could_not_parse_is_its_source() -> None:
    """A KaTeX error shows the source, which is returned unchanged."""
    html = '<span class="katex"><span class="katex-error" title="ParseError">\\foo{x</span></span>'
    assert katex_to_latex(LexborHTMLParser(html).css_first(".katex")) == "\\foo{x"


def test_output_without_content_is_an_error() -> None:
    """Nothing rendered is reported as empty."""
    with pytest.raises(ConversionError, match="empty"):
        katex_to_latex(LexborHTMLParser('<span class="katex-html"></span>').css_first("span"))


CLASSES = [
    "mord",
    "mbin",
    "mrel",
    "mopen",
    "mclose",
    "mop",
    "msupsub",
    "vlist-t",
    "vlist-r",
    "vlist",
    "mfrac",
    "sqrt",
    "root",
    "accent",
    "accent-body",
    "overline",
    "underline",
    "mtable",
    "col-align-c",
    "pstrut",
    "x-arrow",
    "mult",
    "mspace",
    "text",
    "mathbf",
    "llap",
    "mover",
    "op-limits",
]
TEXTS = ["", "x", "+", "(", "|", "sin", "∑", "′", "\\", "𝔸", "{", "$%"]


def _span(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda classes, kids: (
            f'<span class="{" ".join(classes)}" style="top:-3em;height:2em">{"".join(kids)}</span>'
        ),
        st.lists(st.sampled_from(CLASSES), max_size=2),
        st.lists(children, max_size=4),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.sampled_from(TEXTS), _span, max_leaves=25))
def test_any_tree_gives_balanced_latex_or_a_conversion_error(inner: str) -> None:
    """Whatever the spans, the result is balanced LaTeX or a ConversionError."""
    node = LexborHTMLParser(f"<div>{inner}</div>").css_first("div")
    try:
        tex = katex_to_latex(node)
    except ConversionError:
        return
    assert check(tex) in (None, "unknown_commands")


def test_depth_costs_nothing() -> None:
    """Two thousand nested spans are read without recursion."""
    html = "<div>" + '<span class="mord">' * 1900 + "x"
    assert katex_to_latex(LexborHTMLParser(html).css_first("div")) == r"\mathrm{x}"
