"""Scripts of plain HTML keep their meaning: raised, lowered, struck and overlined text, in code
too."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document

MATHJAX = '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-mml-chtml.js"></script>'


def extracted(body: str, head: str = "") -> Document:
    html = f"<!doctype html><html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"
    return extract_page(html.encode(), url="https://example.org/dir/page.html")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("x<sub>1</sub><sup>2</sup> + y", "x_{1}^{2} + y"),
        ("T<sup>i</sup><sub>j</sub>", "T^{i}_{j}"),
        ("<i>a</i><sub><i>n</i></sub><sup>2</sup>", "a_{n}^{2}"),
        ("e<sup>x<sup>2</sup></sup> is", "e^{x^{2}} is"),
        ("of <sup>14</sup>C and <sup>3</sup>H", "of ^{14}C and ^{3}H"),
        ("<sup>14</sup><sub>6</sub>C", "^{14}_{6}C"),
        ("<sup>1</sup> See there.", "1 See there."),
        ("log <sub>2</sub> 8", "log_{2} 8"),
        ("<i>y</i> <sup>2</sup> = 3", "y^{2} = 3"),
        ("∫<sub>0</sub><sup>1</sup> x dx", "∫_{0}^{1} x dx"),
        ("2<sup>e</sup> but XIX<sup>e</sup> siècle", "2^{e} but XIXe siècle"),
        ("f<sup>′</sup>(x) and g<sup>'</sup>", "f′(x) and g'"),
        ("z<sup>*</sup> but note<sup>*</sup>", "z^{*} but note*"),
        ("the n<sup>th</sup> and the 1<sup>st</sup>", "the nth and the 1st"),
        ('5 cm<span style="vertical-align: super">2</span>', "5 cm^{2}"),
        ('H<span style="vertical-align:sub; font-size:70%">2</span>O', "H_{2}O"),
        ('x<span style="position:relative; top:-0.4em; font-size:smaller">2</span>', "x^{2}"),
        ('x<span style="vertical-align:middle; font-size:70%">2</span>', "x2"),
        ('0.<span style="text-decoration: overline">27</span>', r"0.\overline{27}"),
        ("is <s>5</s> <ins>6</ins>", "is ~~5~~ 6"),
        ('was <span style="text-decoration:line-through">no</span>', "was ~~no~~"),
        ('angle <font face="Symbol">a</font> of a', "angle α of a"),
        ('<span style="font-family: Symbol">D</span>x', "Δx"),
        ('<span style="font-family: Arial, Symbol">D</span>x', "Dx"),
        ("<ruby>関<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>数", "関(かん)数"),
        ("<code>10<sup>5</sup></code>", "`10^{5}`"),
        ("<tt>a<sub>i</sub></tt>", "`a_{i}`"),
    ],
)
def test_scripts_and_lines(markup: str, text: str) -> None:
    """What is raised, lowered, overlined or struck can be told from what is not."""
    assert extracted(f"<p>{markup}</p>").text == text


def test_exponents_in_blocks_of_code() -> None:
    """An exponent in a block of code is no digit more."""
    document = extracted("<pre>n = 10<sup>9</sup><br>a<sub>i</sub> &lt; 2<sup>31</sup></pre>")
    assert document.text == "```\nn = 10^{9}\na_{i} < 2^{31}\n```"


def test_styles_of_the_page_s_own_sheet() -> None:
    """A class that the page's sheet raises, lowers or strikes does so to its text."""
    sheet = (
        "<style>.c1{color:red;vertical-align:super}span.c2,.c3 { vertical-align : sub }"
        "@media print{.c4{text-decoration:line-through}} .c5{vertical-align:top}</style>"
    )
    body = (
        '<p>cm<span class="c1">2</span> x<span class="b c2">1</span> <b>y</b><i class="c3">2</i> \
<span class="c4">old</span> <span class="c5">t</span></p>'
    )
    assert extracted(body, sheet).text == "cm^{2} x_{1} y_{2} ~~old~~ t"


def test_sheets_of_converters() -> None:
    """Sizes in the shorthand, positions, elements before the class, a `<sup>` in what is raised."""
    sheet = (
        "<style>span.s2{font: 8.0px Helvetica; vertical-align: 4.0px} td .e{vertical-align:super} "
        ".ft3{font: 7px 'Times';line-height:8px;position: relative; bottom: 6px;}</style>"
    )
    body = (
        '<p>r<span class="s2">3</span> x<span class="e">4</span> 10<span class="ft3">−6</span> '
        'y<span class="e"><sup>2</sup></span></p>'
    )
    assert extracted(body, sheet).text == "r^{3} x^{4} 10^{−6} y^{2}"


def test_carets_taken_for_superscripts_are_carets_again() -> None:
    """A converter that took two carets of a formula for markup does not break its braces."""
    body = r"<p>\[ (10<sup>{6})</sup>3 + a<sup>2</sup> ~~ \]</p>"
    assert [f.tex for f in extracted(body, MATHJAX).formulas] == ["(10^{6})^3 + a^{2} ~~"]


ATOMS = st.text("abcxyzABN0123456789", min_size=1, max_size=4)
PIECES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["sup", "sub", "b", "i", "span"]), inner).map(
            lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"
        ),
        st.lists(inner, min_size=1, max_size=4).map("".join),
    ),
    max_leaves=8,
)


@given(PIECES, st.sampled_from(["p", "pre", "code", "td", "li", "h2"]))
def test_letters_and_digits_keep_their_order(markup: str, tag: str) -> None:
    """Whatever is raised or lowered: the same letters and digits come out in the same order, and a
    script of one sign is never fused with its base."""
    plain = re.sub(r"<[^>]*>", "", markup)
    text = extracted(f"<{tag}>{markup}</{tag}>").text
    assert re.sub(r"[^A-Za-z0-9]", "", text) == plain


@pytest.mark.parametrize("kind", ["math inline", "texhtml"])
@given(PIECES)
def test_letters_and_digits_of_a_formula_keep_their_order(kind: str, markup: str) -> None:
    """Letters and digits of an element that is a formula stand in it in the same order."""
    plain = re.sub(r"<[^>]*>", "", markup)
    document = extracted(f'<p>so <span class="{kind}">{markup}</span> is</p>')
    written = re.sub(r"\\[A-Za-z]+", "", document.text.removeprefix("so").removesuffix("is"))
    assert re.sub(r"[^A-Za-z0-9]", "", written) == plain


def test_a_backslash_before_a_formula_escapes_nothing() -> None:
    """Text that ends in a backslash is parted from the formula behind it, emphasis or not."""
    body = "<p>so \\<em></em><script type='math/tex'>q</script> is</p>"
    assert extracted(body).text == "so \\ $q$ is"


def test_a_script_around_blocks_leaves_no_mark() -> None:
    """A `<sub>` that wraps a table is written as if it were not there."""
    assert extracted("<p>a<sub><table><tr><td>b</table></sub>c").text.split() == ["a", "b", "c"]
