"""What the ledger calls valid is right: properties over random formulas and over every carrier."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document
from infimm_spark.extract.formulas.carriers import CARRIERS, ORDINARY

_PROSE = "<p>A paragraph of plain words stands here, so that the page has a text of its own.</p>"


def _page(body: str) -> Document:
    return extract_page(f"{_PROSE}<div>So {body} then.</div>".encode(), url="https://example.org/")


# --- letters and digits keep their order ----------------------------------------------------------

_LEAVES = st.one_of(
    st.sampled_from("abcxyz").map(lambda letter: ("mi", letter)),
    st.integers(0, 999).map(lambda number: ("mn", str(number))),
)
_MATHML = st.recursive(
    _LEAVES.map(lambda leaf: (f"<{leaf[0]}>{leaf[1]}</{leaf[0]}>", leaf[1])),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(
            lambda kids: ("<mrow>" + "<mo>+</mo>".join(k[0] for k in kids) + "</mrow>", "".join(k[1] for k in kids))
        ),
        st.tuples(st.sampled_from(["msub", "msup", "mfrac"]), inner, inner).map(
            lambda one: (f"<{one[0]}><mrow>{one[1][0]}</mrow><mrow>{one[2][0]}</mrow></{one[0]}>", one[1][1] + one[2][1])
        ),
        st.tuples(st.sampled_from(["msqrt", "mstyle", "mpadded", "merror"]), inner).map(
            lambda one: (f"<{one[0]}>{one[1][0]}</{one[0]}>", one[1][1])
        ),
        st.lists(st.tuples(inner, inner), min_size=1, max_size=3).map(
            lambda rows: (
                "<mtable>" + "".join(f"<mtr><mtd>{a[0]}</mtd><mtd>{b[0]}</mtd></mtr>" for a, b in rows) + "</mtable>",
                "".join(a[1] + b[1] for a, b in rows),
            )
        ),
        st.lists(inner, min_size=2, max_size=4).map(
            lambda rows: (
                "<mstack>" + "".join(f"<msrow>{one[0]}</msrow>" for one in rows) + "</mstack>",
                "".join(one[1] for one in rows),
            )
        ),
    ),
    max_leaves=12,
)  # fmt: skip
_COMMANDS = re.compile(r"\\(?:begin|end)\{[a-z]+\}(?:\{[lcr|]*\})?|\\[A-Za-z]+")


def _signs(tex: str) -> str:
    return "".join(re.findall(r"[A-Za-z0-9]", _COMMANDS.sub(" ", tex)))


@given(_MATHML)
def test_letters_and_digits_of_mathml_keep_their_order(drawn: tuple[str, str]) -> None:
    """A valid formula has the letters and digits of its element, all of them, in their order."""
    mathml, signs = drawn
    for formula in _page(f"<math>{mathml}</math>").formulas:
        if formula.outcome == "valid":
            assert _signs(formula.tex) == signs


@given(_MATHML)
def test_numbers_of_mathml_never_fuse(drawn: tuple[str, str]) -> None:
    """Two numbers of different elements are never one number of the formula."""
    mathml, _ = drawn
    numbers = set(re.findall(r"<mn>(\d+)</mn>", mathml))
    for formula in _page(f"<math>{mathml}</math>").formulas:
        if formula.outcome == "valid":
            assert set(re.findall(r"\d+", formula.tex)) <= numbers | {""}


_HTML = st.lists(
    st.one_of(
        st.sampled_from("abkxyz").map(lambda letter: (f"<i>{letter}</i>", letter)),
        st.integers(0, 99).map(lambda number: (f" {number} ", str(number))),
        st.tuples(st.sampled_from(["sup", "sub"]), st.sampled_from("nm12")).map(
            lambda one: (f"<{one[0]}>{one[1]}</{one[0]}>", one[1])
        ),
        st.sampled_from(["+", "=", "−", "·"]).map(lambda sign: (sign, "")),
    ),
    min_size=2,
    max_size=8,
)


@given(_HTML)
def test_letters_and_digits_of_html_formulas_keep_their_order(drawn: list[tuple[str, str]]) -> None:
    """The same for a formula in plain HTML."""
    source = "".join(html for html, _ in drawn)
    for formula in _page(f'<span class="texhtml">x = {source}</span>').formulas:
        if formula.outcome == "valid":
            assert _signs(formula.tex) == "x" + "".join(signs for _, signs in drawn)


# --- no formula is a plain word -----------------------------------------------------------------

_WORDS = ("kernel", "inline", "Theorem", "therefore", "the", "定义")
# Sources that are TeX by their own word: what they hold was typeset as mathematics.
_BY_THEIR_WORD = {"katex-error"}


def _places(word: str) -> list[str]:
    places = [
        f"<{tag}>{word}</{tag}>"
        for one in CARRIERS
        if one.name not in _BY_THEIR_WORD
        for tag in one.tags
        if tag not in ORDINARY
    ]
    places += [
        f'<span class="{name}">{word}</span>'
        for one in CARRIERS
        if one.name not in _BY_THEIR_WORD
        for name in one.classes
    ]
    places += [
        f'<span {name}="{word}">{word}</span>' for one in CARRIERS for name in one.attributes
    ]
    places += [
        f'<img src="a.png" alt="{word}" class="tex">',
        f'<img src="https://tex.example.org/?tex={word}">',
        f'<img src="https://latex.codecogs.com/gif.latex?{word}">',
        f'<img src="a.png" data-tex="{word}">',
        f"<code>${word}$</code>",
        f"[tex]{word}[/tex]",
    ]
    return places


@pytest.mark.parametrize("word", _WORDS)
def test_no_formula_consists_of_a_plain_word(word: str) -> None:
    """A word in the place of a formula is a word, whatever element, attribute or image it stands
    in."""
    wrong = [
        place
        for place in _places(word)
        if any(one.outcome == "valid" and one.tex == word for one in _page(place).formulas)
    ]
    assert wrong == []


# --- what a renderer is given twice comes out once ----------------------------------------------

_MATH = "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
_SOURCES = (
    '<script type="math/tex">x^2</script>',
    '<span class="sr-only">\\(x^2\\)</span>',
    f'<span class="visually-hidden">{_MATH}</span>',
    '<span class="math-tex">x^2</span>',
)
_OUTPUTS = (
    f'<span class="katex"><span class="katex-mathml">{_MATH}</span></span>',
    f'<mjx-container><mjx-math></mjx-math><mjx-assistive-mml>{_MATH}</mjx-assistive-mml></mjx-container>',
    '<img class="tex" src="a.gif" alt="$x^2$">',
    '<img src="https://latex.codecogs.com/gif.latex?x%5E2">',
)  # fmt: skip


@pytest.mark.parametrize("source", _SOURCES)
@pytest.mark.parametrize("output", _OUTPUTS)
@pytest.mark.parametrize("blank", ["", " ", "\n<!-- -->"])
def test_a_formula_beside_its_rendering_comes_out_once(
    source: str, output: str, blank: str
) -> None:
    """Source and rendering in either order are one formula."""
    for twins in (output + blank + source, source + blank + output):
        assert len(_page(twins).formulas) == 1, twins


def test_the_same_formula_twice_in_a_sentence_stays_twice() -> None:
    """Only what is given in two ways is one: an author may write a formula twice."""
    assert len(_page(r"\(x^2\) \(x^2\) and <span class='math-tex'>y</span> y").formulas) == 3
