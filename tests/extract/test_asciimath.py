"""AsciiMath read by its own grammar."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.latex import check, normal_form


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("sum_(i=1)^n i^3=((n(n+1))/2)^2", r"\sum_{i=1}^n i^3=\left(\frac{n(n+1)}{2}\right)^2"),
        (
            "[[a,b],[c,d]]((x),(y))",
            r"\begin{bmatrix}a&b\\c&d\end{bmatrix}\begin{pmatrix}x\\y\end{pmatrix}",
        ),
        (
            "f(x)={(1,if x>0),(0,if x<=0):}",
            r"f(x)=\begin{cases}1&\text{if}x>0\\0&\text{if}x\le0\end{cases}",
        ),
        ("sqrt(x^2+y^2)", r"\sqrt{x^2+y^2}"),
        ("root(3)(x)", r"\sqrt[3]{x}"),
        ("a/b", r"\frac{a}{b}"),
        ("(a+b)/c", r"\frac{a+b}{c}"),
        ("x_1^2", "x_1^2"),
        ("int_0^1 f(x)dx", r"\int_0^1 f(x)dx"),
        ("hat(ab) ne vec x", r"\widehat{ab}\ne\vec{x}"),
        ("text(speed) = d/t", r"\text{speed}=\frac{d}{t}"),
        ('"if" x', r"\text{if}x"),
        ("|x|", "|x|"),
        ("lim_(x->oo) 1/x=0", r"\lim_{x\to\infty}\frac1x=0"),
        ("x in RR", r"x\in\mathbb{R}"),
        ("e^(i pi) = -1", r"e^{i\pi}=-1"),
        ("(a,b]", "(a,b]"),
        ("{x in ZZ}", r"\{x\in\mathbb{Z}\}"),
        ("d/dx f(x)", r"\frac{d}{dx}f(x)"),
        ("f'(x)", "f'(x)"),
        ('ubrace(1+2)_"three"', r"\underbrace{1+2}_{\text{three}}"),
        ("abs(x)", "|x|"),
        ("bb(x)", r"\mathbf{x}"),
        ("`x^2`", "x^2"),
    ],
)
def test_expressions_mean_what_asciimath_says(source: str, tex: str) -> None:
    """Symbols, fractions, matrices, text, accents and fonts come out as the LaTeX they stand
    for."""
    assert normal_form(asciimath_to_latex(source)) == normal_form(tex)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='xab12+-*/^_()[]{}|",.: =<>~!`\\sqrtfracsumintvec&%$#', max_size=40))
def test_any_text_has_a_balanced_reading(source: str) -> None:
    """Whatever is typed, the LaTeX has balanced braces and fences."""
    assert check(asciimath_to_latex(source)) in (None, "empty", "unknown_commands", "html_inside")


@pytest.mark.parametrize(
    "source", ["[" * 3000 + "]" * 3000, "[[a]," * 60, "|" * 5000, "a/" * 5000, "sqrt" * 3000]
)
def test_deep_nesting_exhausts_nothing(source: str) -> None:
    """Nesting beyond the limit is read flat instead of failing."""
    assert asciimath_to_latex(source)
