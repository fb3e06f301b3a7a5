"""MathJax 2's SVG: formulas out of the places of their glyphs."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.extract import extract_page
from infimm_spark.extract.formulas.readers.element import ConversionError
from infimm_spark.extract.formulas.readers.mathjax_output import mathjax_to_latex
from infimm_spark.extract.latex import check, normal_form


def glyph(font: str, char: str, x: float = 0, y: float = 0, size: float = 1) -> str:
    scale = f'transform="scale({size})" ' if size != 1 else ""
    return f'<use {scale}xlink:href="#MJ{font}-{ord(char):X}" x="{x}" y="{y}"></use>'


def letters(text: str, x: float = 0, y: float = 0, size: float = 1, font: str = "MATHI") -> str:
    return "".join(
        glyph("MAIN" if char.isdigit() else font, char, x + 500 * place, y, size)
        for place, char in enumerate(text)
    )


def group(x: float, y: float, *boxes: str) -> str:
    return f'<g transform="translate({x},{y})">{"".join(boxes)}</g>'


def rule(x: float, y: float, width: float) -> str:
    return f'<rect stroke="none" width="{width}" height="60" x="{x}" y="{y}"></rect>'


def decoded(*boxes: str) -> str:
    svg = f'<svg><g transform="matrix(1 0 0 -1 0 0)">{"".join(boxes)}</g></svg>'
    return mathjax_to_latex(LexborHTMLParser(f"<div>{svg}</div>").css_first("div"))


DRAWN = {
    "power": ([letters("c"), glyph("MAIN", "2", 613, 513, 0.707)], "c^2"),
    "index and power": (
        [letters("b"), glyph("MAIN", "2", 607, 488, 0.707), glyph("MATHI", "i", 607, -430, 0.707)],
        "b_i^2",
    ),
    "power of a power": (
        [letters("e"), group(466, 412, glyph("MATHI", "x", 0, 0, 0.707), glyph("MAIN", "2", 809, 513, 0.5))],
        "e^{x^2}",
    ),
    "fraction": (
        [group(120, 0, rule(0, 220, 700), glyph("MATHI", "p", 60, 676), glyph("MATHI", "q", 60, -686))],
        r"\frac{p}{q}",
    ),
    "root, and what follows": (
        [glyph("MAIN", "√", 0, 61), rule(833, 800, 600), letters("x", 833), glyph("MAIN", "+", 1700), letters("y", 2700)],
        r"\sqrt{x}+y",
    ),
    "cube root": (
        [glyph("MAIN", "3", 843, 1063, 0.5), glyph("SZ1", "√", 0, 147), rule(1000, 938, 500), letters("x", 1000)],
        r"\sqrt[3]{x}",
    ),
    "accent": ([letters("v"), glyph("MAIN", "⃗", 505)], r"\vec{v}"),
    "wide hat": ([letters("xyz"), glyph("SZ3", "^", 20, 200)], r"\widehat{xyz}"),
    "limits": (
        [glyph("SZ2", "∑"), glyph("MATHI", "n", 721, 1627, 0.707), glyph("MATHI", "k", 721, -1500, 0.707), letters("k", 1700)],
        r"\sum_{k}^{n}k",
    ),
    "function": ([letters("sin", font="MAIN"), letters("x", 1600)], r"\sin x"),
    "two functions": (
        [letters("sin", font="MAIN"), letters("cos", 1723, font="MAIN"), letters("x", 3300)],
        r"\sin\cos x",
    ),
    "number": ([letters("12"), glyph("MAIN", ".", 1000), glyph("MAIN", "5", 1278)], "12.5"),
    "end of a sentence": ([letters("x"), glyph("MAIN", "=", 800), letters("1", 1900), glyph("MAIN", ".", 2400)], "x=1."),
    "matrix": (
        [
            glyph("SZ3", "("),
            group(903, 0, group(-16, 0, letters("a", 0, 650), letters("c", 0, -750)),
                  group(1513, 0, letters("b", 0, 650), letters("d", 0, -750))),
            glyph("SZ3", ")", 3107, -1),
        ],
        r"\begin{pmatrix}a&b\\c&d\end{pmatrix}",
    ),
    "binomial": (
        [glyph("SZ3", "("), group(736, 0, letters("n", 0, 676), letters("k", 0, -686)), glyph("SZ3", ")", 1337)],
        r"\binom{n}{k}",
    ),
    "double-struck": ([letters("x"), glyph("MAIN", "∈", 800), glyph("AMS", "R", 1700)], r"x\in\mathbb{R}"),
    "named arrow": (
        [letters("S"), group(900, 0, glyph("MAIN", "→"), glyph("MATHI", "f", 300, 550, 0.707)), letters("T", 2300)],
        r"S\overset{f}{\to}T",
    ),
    "not equivalent": ([letters("a"), group(800, 0, glyph("MAIN", "≡"), glyph("MAIN", "\u0338", 778)), letters("b", 2200)], r"a\not\equiv b"),
    "before its base": (
        [glyph("MAIN", "4", 0, 583, 0.707), glyph("MATHI", "H", 600)],
        "{}^4H",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_what_was_drawn_is_read(name: str) -> None:
    """Places and sizes tell what a glyph is to its neighbours."""
    boxes, tex = DRAWN[name]
    assert normal_form(decoded(*boxes)) == normal_form(tex)


def test_a_drawing_in_a_page() -> None:
    """MathJax 2's frame without its script is one formula in its place."""
    svg = "".join(DRAWN["fraction"][0])
    page = f'<p>so <span class="MathJax_SVG" id="MathJax-Element-1-Frame"><svg><g>{svg}</g></svg></span> is</p>'
    document = extract_page(page.encode(), url="https://example.org/")
    assert document.text == r"so $\frac{p}{q}$ is"


_PLACES = st.sampled_from([0, -16, 120, 500, 833, -150, 413, 676, -686, 1350, 1e9])
_BOXES = st.recursive(
    st.one_of(
        st.builds(
            glyph,
            st.sampled_from(["MAIN", "MATHI", "SZ2", "AMS", "SZ4"]),
            st.sampled_from([*"x1.(√∑^¯⃗→⎧⎨=|", "\u0338", "\ue150"]),
            _PLACES,
            _PLACES,
            st.sampled_from([1, 0.707, 0.5]),
        ),
        st.builds(rule, _PLACES, _PLACES, _PLACES),
    ),
    lambda kids: st.builds(
        lambda x, y, boxes: group(x, y, *boxes), _PLACES, _PLACES, st.lists(kids, max_size=5)
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_BOXES, max_size=6))
def test_any_drawing_gives_balanced_latex_or_a_conversion_error(boxes: list[str]) -> None:
    """Wherever glyphs stand, the result is LaTeX that closes what it opens."""
    try:
        tex = decoded(*boxes)
    except ConversionError:
        return
    assert check(tex) in (None, "unknown_commands")


@pytest.mark.parametrize(
    "unit",
    [
        glyph("MAIN", "2", 613, 513, 0.707),
        glyph("MAIN", "⃗", 505),
        glyph("SZ3", "^", 20, 200),
        group(0, 0, glyph("SZ4", "\ue150")),
        group(0, 1000, letters("x", 0, 650), letters("y", 0, -650)),
        glyph("MAIN", "√") + rule(833, 800, 1e6),
        "<g>",
    ],
)  # fmt: skip
def test_drawings_are_read_in_linear_time(unit: str) -> None:
    """Thousands of scripts, accents and columns neither nest nor hang."""
    drawing = glyph("MATHI", "x") + unit * 8_000
    with suppress(ConversionError):
        decoded(drawing)
