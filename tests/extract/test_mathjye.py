"""MathJye: formulas of Chinese question banks, laid out in tables or named by class."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document


def extracted(body: str) -> Document:
    html = f"<!doctype html><html><head><meta charset=utf-8></head><body>{body}</body></html>"
    return extract_page(html.encode(), url="https://example.cn/ques/1")


def span(inside: str, name: str = "MathJye") -> str:
    return f'<span dealflag="1" class="{name}" mathtag="math" style="whiteSpace:nowrap">{inside}</span>'


def fraction(top: str, bottom: str) -> str:
    return (
        '<table cellpadding="-1" cellspacing="-1" style="margin-right:1px"><tr>'
        f'<td style="border-bottom:1px solid black;padding-bottom:1px;font-size:90%">{top}</td></tr>'
        f'<tr><td style="padding-top:1px;font-size:90%">{bottom}</td></tr></table>'
    )


def sign(*pictures: str) -> str:
    """A large sign: pictures named after its code point."""
    divisions = "".join(
        f"<div style=\"width:6px;background: url('http://img.example.net/images/formula/part/{name}.png')\">"
        "</div>"
        for name in pictures
    )
    return f'<div hassize="7">{divisions}</div>'


def root(inside: str) -> str:
    return (
        f'<table cellpadding="-1" cellspacing="-1"><tr><td style="font-size: 0px">{sign("8730U", "8730D")}</td>'
        f'<td style="padding:0;border-top: 1px solid black">{inside}</td></tr></table>'
    )


def letter(name: str) -> str:
    return f'<font class="MathJye_mi">{name}</font>'


def raised(base: str, above: str) -> str:
    return f'<span><span>{base}</span><span style="vertical-align:super;font-size:90%">{above}</span></span>'


def lowered(base: str, below: str) -> str:
    return f'<span><span>{base}</span><span style="vertical-align:sub;font-size:90%">{below}</span></span>'


def rows(*cells: str, style: str = "") -> str:
    inside = "".join(f'<tr><td style="{style}">{cell}</td></tr>' for cell in cells)
    return f'<table cellpadding="-1" cellspacing="-1">{inside}</table>'


TALL = {
    "fraction": (fraction("1", "5"), r"\frac{1}{5}"),
    "percentage": (f"25%×3.6+{fraction('1', '4')}", r"25\%\times3.6+\frac{1}{4}"),
    "powers": (
        fraction(raised("x", "2") + "y-x" + raised("y", "2"), "3"),
        r"\frac{x^{2}y-xy^{2}}{3}",
    ),
    "root of a fraction": (fraction("1", f"{root('a')}+{root('b')}"), r"\frac{1}{\sqrt{a}+\sqrt{b}}"),
    "letters set one by one": (f"{letter('l')}{letter('g')}|{letter('x')}|", r"\lg|x|"),
    "function and letter": (f"sinA+{lowered(letter('a'), 'n')}", r"\sin A+a_{n}"),
    "full width": ("A＝{１，３}", r"A=\{1,3\}"),
    "angle": ("∠ABC=30°", r"\angle ABC=30^\circ"),
    "words": (f"速度＝{fraction('路程', '时间')}", r"\text{速度}=\frac{\text{路程}}{\text{时间}}"),
    "typed root": (
        '<table cellpadding="-1" cellspacing="-1"><tr><td><div hassize="7" class="sqrt">⎷</div></td>'
        '<td style="border-top: black 1px solid">m</td></tr></table>',
        r"\sqrt{m}",
    ),
    "cube root": (
        '<table cellpadding="-1" cellspacing="-1"><tr><td style="font-size:60%">3</td><td>x</td></tr>'
        f"<tr><td>{sign('8730D')}</td></tr></table>",
        r"\sqrt[3]{x}",
    ),
    "system": (
        f'<table cellpadding="-1" cellspacing="-1"><tr><td>{sign("123U", "123L")}</td>'
        f"<td>{rows('x+y=1', 'x-y=3')}</td><td></td></tr></table>",
        r"\begin{cases} x+y=1 \\ x-y=3 \end{cases}",
    ),
    "system, brace as a letter": (
        f'<table cellpadding="-1" cellspacing="-1"><tr><td>{sign("{M")}</td><td>{rows("x=1", "y=3")}</td>'
        "</tr></table>",
        r"\begin{cases} x=1 \\ y=3 \end{cases}",
    ),
    "matrix": (
        f'<table cellpadding="-1" cellspacing="-1"><tr><td>{sign("40U")}</td><td><table><tr><td>1</td><td>2</td>'
        f"</tr><tr><td>3</td><td>4</td></tr></table></td><td>{sign('41U')}</td></tr></table>",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
    ),
    "vector": (rows(sign("8594"), "AB"), r"\overrightarrow{AB}"),
    "limit": (
        '<table cellpadding="-1" cellspacing="-1"><tr><td>lim</td></tr>'
        '<tr><td style="font-size:90%">n→∞</td></tr></table>',
        r"\lim_{n\rightarrow\infty}",
    ),
    "sum": (rows("n", sign("8721"), "i=1") + lowered("x", "i"), r"\sum_{i=1}^{n}x_{i}"),
    "reaction": (rows("加热", sign("8594"), ""), r"\xrightarrow{\text{加热}}"),
    "integral": (
        '<table cellpadding="-1" cellspacing="-1"><tr><td>∫</td><td><div hassize="-1" mathtag="msubsup_sup">1'
        '</div><div mathtag="msubsup_sub">0</div></td></tr></table>xdx',
        r"\int^{1}_{0}xdx",
    ),
    "index of a word": (
        '<table cellpadding="-1" cellspacing="-1"><tr><td>v</td></tr><tr><td style="font-size:90%">1</td></tr>'
        "</table>",
        "v_{1}",
    ),
    "parts named by class": (
        '<span class="mrow"><span class="math-letter">f</span><span class="mfrac"><span class="fracZi">1</span>'
        '<span class="fracMu">x+<span class="msubsup"><span class="msubsupCont">a</span><span class="msub">1</span>'
        '<span class="msup">2</span></span></span></span><span class="msqrt"><span class="msqrtBox">3</span></span>'
        '<span class="mover"><span class="stretchArrow"></span><span class="base">AB</span></span></span>',
        r"f\frac{1}{x+a_{1}^{2}}\sqrt{3}\overrightarrow{AB}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TALL)
def test_layout_becomes_latex(name: str) -> None:
    """One formula, in its place, and no picture of its signs."""
    markup, tex = TALL[name]
    document = extracted(f"<div class=pt1>已知{span(markup)}，求其值是多少？</div>")
    assert document.text == f"已知${tex}$，求其值是多少？"
    [formula] = document.formulas
    assert (formula.encoding, formula.outcome, formula.display) == ("mathjye", "valid", False)
    assert document.images == []


def test_copies_with_other_names() -> None:
    """Sites that copy the questions rename the class, or lose the span and keep the table."""
    for markup in (span(fraction("1", "2"), "OtherMath"), fraction("1", "2")):
        assert extracted(f"<div>设{markup}为解</div>").text == r"设$\frac{1}{2}$为解"


def test_other_tables_are_tables() -> None:
    """Cells that do not overlap are no formula."""
    table = '<table cellpadding="0" cellspacing="-1"><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>'
    document = extracted(table)
    assert document.formulas == []
    assert "| a | b |" in document.text


def test_too_deep_is_a_failure_on_record() -> None:
    """A bomb is counted, not followed."""
    document = extracted("<div>设" + span("<span>" * 300 + "x" + "</span>" * 300) + "为解</div>")
    assert [(f.outcome, f.reason) for f in document.formulas] == [("failed", "too_deep")]
