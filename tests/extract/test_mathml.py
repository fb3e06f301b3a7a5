"""MathML to LaTeX."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.extract.document import Formula
from infimm_spark.extract.formulas.readers.mathml import (
    ConversionError,
    mathml_to_latex,
    parse_mathml,
)
from infimm_spark.extract.latex import check, normal_form
from infimm_spark.extract.page import extract_page


def convert(inner: str) -> str:
    return mathml_to_latex(parse_mathml(f"<math>{inner}</math>"))


def on_a_page(mathml: str) -> Formula:
    """The one formula of a page of prose around it."""
    page = f"<html><body><p>Let {mathml} be given, as above.</p></body></html>".encode()
    (formula,) = extract_page(page, url="https://example.org/").formulas
    return formula


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x^2"),
        ("<msub><mi>x</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub>", "x_{ij}"),
        ("<msup><mrow><mi>a</mi><mi>b</mi></mrow><mn>2</mn></msup>", "{ab}^2"),
        ("<msup><mi>f</mi><mo>′</mo></msup>", "f'"),
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac>", r"\frac{a}{b}"),
        (
            "<mo>(</mo><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac><mo>)</mo>",
            r"\binom{n}{k}",
        ),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", r"\sqrt{x+1}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>",
            r"\sum_{i=1}^n",
        ),
        (
            "<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder>",
            r"\lim_{x\to 0}",
        ),
        ("<mover accent='true'><mi>x</mi><mo>^</mo></mover>", r"\hat{x}"),
        ("<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>→</mo></mover>", r"\overrightarrow{AB}"),
        (
            "<munder><munder><mi>x</mi><mo>⏟</mo></munder><mi>n</mi></munder>",
            r"\underbrace{x}_n",
        ),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", r"\sin x"),
        ("<mi>foo</mi><mo>&ApplyFunction;</mo><mi>x</mi>", r"\operatorname{foo}x"),
        (
            "<mi mathvariant='double-struck'>R</mi><mi>𝔤</mi><mi mathvariant='normal'>d</mi>",
            r"\mathbb{R}\mathfrak{g}\mathrm{d}",
        ),
        ("<mtext>if&nbsp;</mtext><mi>x</mi><mo>&lt;</mo><mn>1</mn>", r"\text{if }x<1"),
        (
            "<mmultiscripts><mi>X</mi><mi>a</mi><none/><mprescripts/><none/><mi>b</mi></mmultiscripts>",
            "{}^bX_a",
        ),
        (
            "<mo>(</mo><mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable><mo>)</mo>",
            r"\begin{pmatrix}a&b\end{pmatrix}",
        ),
        (
            "<mo>{</mo><mtable columnalign='left left'><mtr><mtd><mn>1</mn></mtd><mtd><mi>x</mi></mtd></mtr>"
            "<mtr><mtd><mn>0</mn></mtd><mtd><mi>y</mi></mtd></mtr></mtable>",
            r"\begin{cases}1&x\\0&y\end{cases}",
        ),
        (
            "<mtable columnalign='right left'><mtr><mtd><mi>a</mi></mtd><mtd><mo>=</mo><mi>b</mi></mtd></mtr>"
            "<mtr><mtd><mi>c</mi></mtd><mtd><mo>=</mo><mi>d</mi></mtd></mtr></mtable>",
            r"\begin{aligned}a&=b\\c&=d\end{aligned}",
        ),
        ("<mfenced open='[' close=')'><mi>a</mi><mi>b</mi></mfenced>", "[a,b)"),
        ("<menclose notation='box'><mi>x</mi></menclose>", r"\boxed{x}"),
        ("<menclose notation='updiagonalstrike'><mi>x</mi></menclose>", r"\cancel{x}"),
        ("<mphantom><mi>x</mi></mphantom><mi>y</mi>", r"\phantom{x}y"),
        ("<mn>50</mn><mo>%</mo>", r"50\%"),
        ("<maction selection='2'><mi>a</mi><mi>b</mi></maction>", "b"),
        ("<mrow><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>|</mo></mrow>", r"\left.\frac{a}{b}\right|"),
        ("<merror><mtext>\\foo</mtext></merror>", r"\foo"),
        ("<mo><mover><mo>=</mo><mo>!</mo></mover></mo>", r"\overset{!}{=}"),
    ],
)
def test_presentation_markup(mathml: str, tex: str) -> None:
    """Each construct of MathML Core becomes the LaTeX that draws it."""
    got = convert(mathml)
    assert normal_form(got) == normal_form(tex), got


def test_tall_content_gets_stretching_fences() -> None:
    """Fences around a fraction stretch, fences around a letter do not."""
    assert (
        convert("<mo>(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>)</mo>")
        == r"\left(\frac{a}{b}\right)"
    )
    assert convert("<mo>(</mo><mi>x</mi><mo>)</mo>") == "(x)"


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        ("<apply><eq/><ci>y</ci><apply><plus/><apply><times/><cn>2</cn><ci>x</ci></apply><cn>1</cn></apply></apply>", "y=2x+1"),
        ("<apply><power/><apply><plus/><ci>a</ci><ci>b</ci></apply><cn>2</cn></apply>", "(a+b)^2"),
        ("<apply><minus/><ci>a</ci><apply><minus/><ci>b</ci><ci>c</ci></apply></apply>", "a-(b-c)"),
        ("<apply><divide/><cn>1</cn><ci>x</ci></apply>", r"\frac{1}{x}"),
        (
            "<apply><sum/><bvar><ci>i</ci></bvar><lowlimit><cn>1</cn></lowlimit><uplimit><ci>n</ci></uplimit><ci>i</ci></apply>",
            r"\sum_{i=1}^n i",
        ),
        (
            "<apply><int/><bvar><ci>x</ci></bvar><interval><cn>0</cn><cn>1</cn></interval><apply><sin/><ci>x</ci></apply></apply>",
            r"\int_0^1\sin x\,dx",
        ),
        ("<cn type='rational'>1<sep/>2</cn>", r"\frac{1}{2}"),
        ("<apply><in/><ci>x</ci><reals/></apply>", r"x\in\mathbb{R}"),
        ("<matrix><matrixrow><cn>1</cn><cn>0</cn></matrixrow></matrix>", r"\begin{pmatrix}1&0\end{pmatrix}"),
        ("<set><ci>a</ci><ci>b</ci></set>", r"\{a,b\}"),
        ("<apply><ci>f</ci><ci>x</ci></apply>", "f(x)"),
    ],
)  # fmt: skip
def test_content_markup(mathml: str, tex: str) -> None:
    """Content markup is laid out with parentheses only where they are needed."""
    got = convert(mathml)
    assert normal_form(got) == normal_form(tex), got


@pytest.mark.parametrize(
    "xml",
    [
        "<math><msup><mi>x</mi><mn>2</mn></msup></math>",
        '<?xml version="1.0"?><!DOCTYPE math><math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>x</mi><mn>2</mn></msup></math>',
        "<mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>",
        "&lt;math&gt;&lt;msup&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;mn&gt;2&lt;/mn&gt;&lt;/msup&gt;&lt;/math&gt;",
        "<msup><mi><![CDATA[x]]></mi><mn>2</mn></msup>",
        "<root><math display='block'><msup><mi>x</mi><mn>2</mn></msup></math></root>",
    ],
)
def test_every_spelling_of_the_markup_is_parsed(xml: str) -> None:
    """Declarations, prefixes, CDATA, escaping and missing roots do not matter."""
    assert mathml_to_latex(parse_mathml(xml)) == "x^2"


def test_prefixed_elements_in_a_page_are_mended() -> None:
    """An HTML parser leaves <mml:none/> open; what it swallowed goes back beside it."""
    page = LexborHTMLParser(
        "<p>Let <mml:math><mml:mmultiscripts><mml:mi>X</mml:mi><mml:mi>a</mml:mi><mml:none/>"
        "<mml:mprescripts/><mml:none/><mml:mi>b</mml:mi></mml:mmultiscripts></mml:math> be"
    )
    assert mathml_to_latex(page.css_first(r"mml\:math")) == "{}^bX_a"


@pytest.mark.parametrize(
    "encoding",
    [
        "application/x-tex",
        "TeX",
        "LaTeX",
        "text/x-latex",
        "application/x-latex",
        "application/x-TeX",
    ],
)
def test_tex_annotations_are_found_by_any_name(encoding: str) -> None:
    """Every spelling of the TeX encoding counts."""
    mathml = (
        f"<math><semantics><mi>x</mi><annotation encoding='StarMath'>no</annotation>"
        f"<annotation encoding='{encoding}'> x^2 </annotation></semantics></math>"
    )
    assert on_a_page(mathml).tex == "x^2"
    assert mathml_to_latex(parse_mathml(mathml)) == "x"


@pytest.mark.parametrize(
    "encoding", ["StarMath 5.0", "application/mathml-content+xml", "Maple", ""]
)
def test_other_annotations_are_not_taken_for_tex(encoding: str) -> None:
    """Annotations in other languages are left alone."""
    mathml = f"<math><semantics><mi>x</mi><annotation encoding='{encoding}'>y</annotation></semantics></math>"
    assert on_a_page(mathml).tex == "x"


@pytest.mark.parametrize(
    ("attributes", "display"),
    [
        ("display='block'", True),
        ("display=' Block '", True),
        ("display='true'", True),
        ("display=inline", False),
        ("mode='display'", True),
        ("", False),
        ("displaystyle=true", False),
    ],
)
def test_display_mode_is_read_from_the_attributes(attributes: str, display: bool) -> None:
    """`display` and the old `mode` are understood; `displaystyle` enlarges a formula in its
    line."""
    assert on_a_page(f"<math {attributes}><mi>x</mi></math>").display is display


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        (
            '<msup><menclose notation="updiagonalstrike updiagonalarrow"><mi>x</mi></menclose>'
            "<mpadded><mn>0</mn></mpadded></msup>",
            r"\cancelto{0}{x}",
        ),
        (
            '<munder><mo largeop="true">⊕</mo><mi>i</mi></munder><msub><mi>V</mi><mi>i</mi></msub>',
            r"\bigoplus_iV_i",
        ),
        ("<munder><mi>lim</mi><mo>→</mo></munder><mi>A</mi>", r"\varinjlim A"),
        ('<mi>a</mi><mo class="MJX-variant">⪇</mo><mi>b</mi>', r"a\nleqslant b"),
        ('<mi>a</mi><mo data-mjx-alternate="1">⊊</mo><mi>b</mi>', r"a\varsubsetneq b"),
        (
            "<msubsup><mrow><mi>F</mi><mo>|</mo></mrow><mi>a</mi><mi>b</mi></msubsup>",
            "F|_a^b",
        ),
        (
            '<menclose notation="left right"><mtable columnlines="solid"><mtr><mtd><mi>a</mi></mtd>'
            "<mtd><mi>b</mi></mtd></mtr></mtable></menclose>",
            r"\begin{array}{|c|c|} a & b \end{array}",
        ),
    ],
)
def test_attributes_and_companions_tell_commands_that_share_a_sign(mathml: str, tex: str) -> None:
    """Arrows through terms, large operators, direct limits, variants, evaluation bars, side rules."""
    assert convert(mathml) == tex


def test_an_empty_formula_is_an_error() -> None:
    """A formula without content is reported as empty, not returned as an empty string."""
    with pytest.raises(ConversionError, match="empty"):
        convert("<mrow></mrow>")


@pytest.mark.parametrize(
    "tag", ["mrow", "msqrt", "msup", "mfrac", "mover", "mtable", "mfenced", "semantics", "apply"]
)
def test_depth_costs_nothing(tag: str) -> None:
    """Two thousand nested elements are converted without recursion."""
    page = LexborHTMLParser("<math>" + f"<{tag}>" * 1900 + "<mi>x</mi><mi>y</mi>")
    assert "x" in mathml_to_latex(page.css_first("math"))


TAGS = [
    "mi",
    "mn",
    "mo",
    "mtext",
    "ms",
    "mspace",
    "mrow",
    "mfrac",
    "msqrt",
    "mroot",
    "mstyle",
    "merror",
    "mpadded",
    "mphantom",
    "mfenced",
    "menclose",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "none",
    "mtable",
    "mtr",
    "mtd",
    "mlabeledtr",
    "maction",
    "semantics",
    "apply",
    "ci",
    "cn",
    "plus",
    "times",
    "power",
    "sum",
    "int",
    "bvar",
    "lowlimit",
    "uplimit",
    "interval",
    "matrix",
    "matrixrow",
    "piecewise",
    "piece",
    "b",
]
ATTRIBUTES = ["", " mathvariant=bold", " linethickness=0", " notation='box left'", " open='' close='|'",
              " columnalign='right left'", " stretchy=false", " columnlines=solid", " bevelled=true"]  # fmt: skip
TEXTS = [
    "",
    "x",
    "+",
    "(",
    ")",
    "|",
    "sin",
    "∑",
    "′",
    "^",
    "a b",
    "\\alpha",
    "$%",
    "𝔸",
    "é̸",
    "⏞",
    "\u2061",
    "{",
    "}",
    "\\",
]


def _element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, attributes, kids: f"<{tag}{attributes}>{''.join(kids)}</{tag}>",
        st.sampled_from(TAGS),
        st.sampled_from(ATTRIBUTES),
        st.lists(children, max_size=4),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(st.sampled_from(TEXTS), _element, max_leaves=25), st.booleans())
def test_any_tree_gives_balanced_latex_or_a_conversion_error(inner: str, prefixed: bool) -> None:
    """Whatever the markup, the result is balanced LaTeX or a ConversionError."""
    if prefixed:
        inner = inner.replace("</", "\0").replace("<", "<m:").replace("\0", "</m:")
    name = "m:math" if prefixed else "math"
    node = LexborHTMLParser(f"<p><{name}>{inner}</{name}>").css_first(name.replace(":", r"\:"))
    try:
        tex = mathml_to_latex(node)
    except ConversionError:
        return
    assert check(tex) in (None, "unknown_commands", "too_long")


@pytest.mark.shared_data
def test_most_published_pairs_come_back(shared_data: Path) -> None:
    """Of the published MathML-TeX pairs a large part has exactly the same normal form."""
    lines = (shared_data / "gold" / "mathml" / "pairs.jsonl").read_text("utf-8").split("\n")[::5]
    pairs = [json.loads(line) for line in lines if line]
    same = 0
    for pair in pairs:
        try:
            tex = mathml_to_latex(parse_mathml(pair["mathml"]))
        except ConversionError:
            continue
        same += normal_form(tex) == normal_form(pair["tex"])
    assert same / len(pairs) > 0.65
