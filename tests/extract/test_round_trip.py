r"""Our own text, set into a page of HTML as an author would write it, gives its formulas back."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document
from infimm_spark.extract.text import literal_spans

DELIMITERS = {
    "brackets": (("\\(", "\\)"), ("\\[", "\\]"), ""),
    "dollars": (
        ("$", "$"),
        ("$$", "$$"),
        "<script>MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']], processEscapes: true}}"
        "</script>",
    ),
}
"""Inline and display delimiters, and the configuration that declares them."""
MATHJAX = "<script src='https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-chtml.js'></script>"


def recovered(document: Document) -> list[tuple[str, bool]]:
    """(TeX, display) of the formulas that stand in the text."""
    return [(f.tex, f.display) for f in document.formulas if f.outcome != "failed"]


def page_of(text: str, style: str) -> bytes:
    """A page that says `text` in paragraphs, code as code, formulas between the style's
    delimiters."""
    inline, display, configuration = DELIMITERS[style]
    pieces: list[str] = []
    position = 0
    for start, end, formula in literal_spans(text):
        pieces.append(_prose(text[position:start]))
        span = text[start:end]
        position = end
        if not formula:
            code = html.escape(span.strip("`\n"))
            block = "```" in span
            pieces.append(f"</p><pre>{code}</pre><p>" if block else f"<code>{code}</code>")
        elif span.startswith("$$"):
            pieces.append(display[0] + html.escape(span[2:-2]) + display[1])
        else:
            pieces.append(inline[0] + html.escape(span[1:-1]) + inline[1])
    pieces.append(_prose(text[position:]))
    return f"{configuration}{MATHJAX}<body><p>{''.join(pieces)}</p></body>".encode()


def _prose(text: str) -> str:
    # MathJax begins a formula at any `\[`, unless an author says that it is none.
    text = re.sub(r"\\[(\[]", r'<span class="mathjax_ignore">\g<0></span>', html.escape(text))
    return text.replace("\n\n", "</p><p>").replace("\n", "<br>\n")


def again(document: Document, style: str) -> list[tuple[str, bool]]:
    """The formulas of a document whose text was set into a page and extracted once more."""
    return recovered(extract_page(page_of(document.text, style), url="https://example.org/"))


ATOMS = st.sampled_from(
    [
        "x", "y_{1}", "x^2", "\\alpha", "\\mathbb{R}", "n!", "\\%", "\\$", "\\#", "3.5", "\\text{if $x$}",
        "a'", "\\ldots", "\\left.", "f(x)", "[0,1)", "\\{", "\\}", "\\|", "x<y", "\\text{a and b}", "~",
        "\\ ", "\\,", "&", "\\\\", "\\\\[2pt]", "中", "é", "\\_", "\\mathrm{by}", "{:}", "\\left(", "\\right)",
    ]
)  # fmt: skip
FORMULAS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=5).map(" ".join),
        st.tuples(inner, inner).map(lambda pair: f"\\frac{{{pair[0]}}}{{{pair[1]}}}"),
        inner.map(lambda tex: f"\\sqrt{{{tex}}}"),
        inner.map(lambda tex: f"\\begin{{aligned}}{tex}\\end{{aligned}}"),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} = {pair[1]}"),
        inner.map(lambda tex: f"{tex}\n + z"),
    ),
    max_leaves=8,
).map(lambda tex: f"\\beta {tex}")
WORDS = st.sampled_from(
    [
        "costs $5", "and 10$", "$HOME/bin:$PATH", "word", "价格", "a_b*c*", "`code`", "\\", "\\\\", "x < y",
        "AT&T", "50%", "1.", "- ", "> ", "| a | b |", "#", "x^2", "{", "}", "``", "$", "$$", "\\$", ",", "5",
        "(", ")", "[", "]", "\\alpha", "e.g.", "US$3", "${name}", "~", "'", '"', "s", "\u00a0", "\n",
    ]
)  # fmt: skip
PIECES = st.lists(
    st.one_of(
        WORDS,
        st.tuples(FORMULAS, st.booleans()),
        st.sampled_from(["<p>", "<br>", "<code>a $b$</code>", "<li>", "<pre>$x$ \\(y\\)</pre>"]),
    ),
    max_size=14,
)


def source_page(pieces: list[str | tuple[str, bool]]) -> bytes:
    """A page whose formulas stand in scripts, where nothing about them can be doubted."""
    out: list[str] = []
    for piece in pieces:
        if isinstance(piece, tuple):
            mode = "; mode=display" if piece[1] else ""
            out.append(f"<script type='math/tex{mode}'>{piece[0]}</script>")
        elif piece.startswith("<"):
            out.append(piece)
        else:
            out.append(html.escape(piece))
        out.append("" if len(out) % 3 else " ")
    return f"<body><p>{''.join(out)}</p></body>".encode()


@example(["costs $5", "costs $5", "\\", "[", ("\\beta x", True)], "brackets")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PIECES, st.sampled_from(sorted(DELIMITERS)))
def test_our_text_gives_its_formulas_again(
    pieces: list[str | tuple[str, bool]], style: str
) -> None:
    """Whatever stands around them, formulas come back from our own text with their modes."""
    document = extract_page(source_page(pieces), url="https://example.org/")
    assert again(document, style) == recovered(document)


@pytest.mark.parametrize("style", sorted(DELIMITERS))
def test_text_of_whole_pages_gives_its_formulas_again(whole_pages: list[bytes], style: str) -> None:
    """The same on rendered and on real pages."""
    assert whole_pages
    for page in whole_pages:
        document = extract_page(page, url="https://example.org/")
        assert again(document, style) == recovered(document)
