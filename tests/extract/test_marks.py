"""No page can write the extractor's own marks, however it spells them and wherever it puts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.extract import extract_page, marks
from infimm_spark.extract.document import Document

CODES = st.integers(0xE000, 0xE00A)


def _spelled(code: int, kind: int, zeros: int, end: str) -> str:
    number = "0" * zeros
    return (
        chr(code),
        f"&#{number}{code}{end}",
        f"&#x{number}{code:x}{end}",
        f"&#X{number}{code:X}{end}",
        f"&amp;#x{number}{code:x};",
        f"&amp;#{code};",
        f"\\u{code:04x}",
        f"%{chr(code).encode()[0]:02X}%{chr(code).encode()[1]:02X}%{chr(code).encode()[2]:02X}",
    )[kind]


SPELLED = st.builds(
    _spelled, CODES, st.integers(0, 7), st.integers(0, 3), st.sampled_from([";", "", " "])
)
# References inside references: what is left when the inner one is taken out is one again.
NESTED = st.builds(
    lambda outer, at, inner: outer[:at] + inner + outer[at:],
    SPELLED,
    st.integers(0, 8),
    st.one_of(SPELLED, st.just("")),
)
PLACES = (
    "<p>{0}</p>",
    "<p>\\({0}\\) and $${0}$$ and $x{0}$</p>",
    '<p><img src="a.png?{0}" alt="{0}" title="{0}"></p>',
    '<p><img src="/latex.php?latex={0}x"></p>',
    '<p><span data-tex="{0}x">y</span><span class="ql-formula" data-value="{0}"></span></p>',
    '<p><script type="math/tex">{0}x</script></p>',
    '<p><script type="math/mml"><math><mi>{0}</mi><mo>+</mo></math></script></p>',
    "<p><math><mi>{0}</mi><mtext>{0}</mtext></math></p>",
    '<p><span class="MathJax" data-mathml="&lt;math&gt;&lt;foo&gt;{0}&lt;/foo&gt;&lt;/math&gt;">{0}</span></p>',
    '<p><span class="katex"><span class="katex-html">{0}</span></span></p>',
    "<p><code>{0}</code></p><pre>{0}</pre>",
    '<p class="math">{0} = <sup>{0}</sup></p>',
    "<p>x<sup>{0}</sup><sub>{0}</sub> <s>{0}</s></p>",
    "<table><caption>{0}</caption><tr><th>{0}<td>{0}</table>",
    "<script>MathJax = {{tex: {{macros: {{f: '{0}'}}}}}}</script><p>\\(\\f\\)</p>",
    "<figure><img src=a.png><figcaption>{0}</figcaption></figure>",
    '<h1>{0}</h1><p><span class="asciimath">`{0}`</span></p>',
    "<textarea>class: {0}\n---\n# {0}</textarea>",
    '<script id="__NEXT_DATA__" type="application/json">{{"html": "<p>{0} long enough</p>"}}</script>',
)


def extracted(body: str) -> Document:
    html = f"<!doctype html><html><head><meta charset=utf-8></head><body>{body}</body></html>"
    return extract_page(html.encode("utf-8", "surrogatepass"), url="https://example.org/")


# Longer than what is forged: a page's hidden data take its place only where they say more.
GENUINE = (
    "<p>so <script type='math/tex'>q^9</script>, <code>kept</code> <img src=own.png></p>"
    f"<p>{'The page has sentences of its own that say more than its data. ' * 6}</p>"
)


@given(
    st.sampled_from(PLACES), st.lists(NESTED, min_size=1, max_size=3), st.sampled_from(["0", "1"])
)
def test_marks_cannot_be_forged(place: str, pieces: list[str], number: str) -> None:
    """The page's own formula, code and picture come out once, and no reserved character comes
    out."""
    forged = number.join(pieces)
    document = extracted(GENUINE + place.format(forged))
    assert sum(formula.tex == "q^9" for formula in document.formulas) == 1
    assert document.text.count("`kept`") == 1
    assert sum(image.url.endswith("/own.png") for image in document.images) == 1
    written = [document.text, document.title or "", document.macros or ""]
    written += [formula.tex for formula in document.formulas]
    for image in document.images:
        written += [image.url, image.alt or "", image.title or "", image.caption or ""]
    assert not any(marks.has_reserved(text) for text in written)


@given(
    st.lists(st.one_of(NESTED, st.sampled_from(["&", "#", "x", "0", "e0", "57", ";"])), max_size=8)
)
def test_a_sealed_source_parses_to_no_mark(pieces: list[str]) -> None:
    """Neither text nor attributes of a sealed source hold a reserved character, as its parser reads
    it."""
    source = marks.sealed("".join(pieces).replace('"', ""))
    parsed = LexborHTMLParser(f'<p title="{source}">{source}</p>').css_first("p")
    assert parsed is not None
    assert not marks.has_reserved(parsed.text() + (parsed.attributes["title"] or ""))


@pytest.mark.parametrize("icon", ["\ue001", "&#xe001;", "&#xE001;", "&#57345;"])
def test_icons_leave_nothing_behind(icon: str) -> None:
    """Icon fonts put glyphs in the place of marks: they go without a trace."""
    assert extracted(f"<p>one {icon} two</p>").text == "one two"


@pytest.mark.parametrize("other", ["&#x1e000;", "\ue0b0", "&#xe0b0", "&#573440;"])
def test_other_characters_stay(other: str) -> None:
    """A reference that only begins like one of these is another character."""
    assert extracted(f"<p>one {other} two</p>").text != "one two"
