"""Extraction of anything at all: no error but a refusal, no superlinear time, a stable text."""

from __future__ import annotations

import gc
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infimm_spark.errors import PageRejectedError
from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document
from infimm_spark.extract.text import formulas_in
from infimm_spark.extract.tree import Block

FRAGMENTS = [
    *[
        "<span mathtag='math'>",
        "<table cellpadding='-1' cellspacing='-1'><tr><td style='border-bottom:1px'>",
    ],
    *[
        "<span class='msubsup'>",
        "<span class='msub'>",
        "<td style=\"background:url('part/8730.png')\">",
    ],
    *["<div class='katex'>", "<span class='MathJax' id='x'>", "<mjx-container display='true'>"],
    *[
        "</div>",
        "</span>",
        "<math>",
        "<mrow>",
        "<mi>x",
        "</math>",
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
    ],
    *[
        "\\begin{align}",
        "\\end{align}",
        "{",
        "}",
        "\\",
        "`",
        "```",
        "%",
        "&",
        "<table><tr><td>",
        "</table>",
    ],
    *[
        "<script type='math/tex'>",
        "</script>",
        "<img src='/latex.php?tex=a' alt='\\x'>",
        "<li>",
        "<ol>",
    ],
    *[
        "<sup>",
        "</sup>",
        "<figure>",
        "<figcaption>",
        "<pre>",
        "</pre>",
        "<code>",
        "</code>",
        "&#xe000;",
    ],
    *[
        "\ue0003\ue003",
        "<h1>",
        "<blockquote>",
        "<noscript>",
        "<base href='//['>",
        "<img src='http://[x'>",
    ],
    *[
        "\\newcommand{\\a}{\\a\\a}",
        "\\a",
        "<span data-tex='x^{'>",
        "<span class='texhtml'>",
        "<nav>",
    ],
    *[
        "<p class='math'>x = 1",
        "<a href='#'>",
        "\x00",
        "<annotation encoding='TeX'>",
        "<svg>",
        "<br>",
    ],
    *[
        "<script>MathJax={tex:{inlineMath:[['$','$']],macros:{x:['#1',1]}}}</script>",
        "<var>",
        "<em>",
    ],
    *["x^2", "text ", "价格 ", "<div hidden>", "5", "<p>", "[tex]", "[/tex]", "\n", "~", "#"],
]


def extracted(html: bytes) -> Document | None:
    try:
        return extract_page(html, url="https://example.org/a/b")
    except PageRejectedError:
        return None


def check_text(document: Document) -> None:
    """The text holds exactly the recovered formulas, and no marks."""
    written = [(f.tex, f.display) for f in document.formulas if f.outcome != "failed"]
    read = [pair for s in document.segments if s.text for pair in formulas_in(s.text)]
    assert read == written
    assert not any("\ue000" <= character <= "\ue008" for character in document.text)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60))
def test_any_markup_is_extracted(fragments: list[str]) -> None:
    """Broken markup and broken formulas raise nothing; what was recovered can be read back."""
    document = extracted("".join(fragments).encode())
    assert document is not None
    check_text(document)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([None, "text/html", "text/html; charset=x", "\x00"])
)
def test_any_bytes_are_extracted(body: bytes, content_type: str | None) -> None:
    """Bytes that are no page at all raise nothing but a refusal."""
    reason = "accepted"
    try:
        extract_page(body, url="https://example.org/", content_type=content_type)
    except PageRejectedError as error:
        reason = error.reason
    assert reason in ("accepted", "not_html")


@pytest.mark.parametrize("url", ["", "not a url", "http://[", "javascript:x", "//x"])
def test_any_url_will_do(url: str) -> None:
    """A broken page address costs the pictures, not the page."""
    document = extract_page(b"<p>words <img src=a.png></p>", url=url)
    assert document.text == "words"


def test_an_extracted_page_is_freed_without_the_collector() -> None:
    """The page process collects seldom: what a page leaves in cycles would pile up."""
    gc.collect()
    gc.disable()
    try:
        page = b"<div><ul><li>a $x$<li>b</ul><figure><img src=a.png><figcaption>c</figcaption></figure>"
        assert extract_page(page * 20, url="https://example.org/").text
        assert not any(isinstance(alive, Block) for alive in gc.get_objects())
    finally:
        gc.enable()


def test_whole_pages_mutated(whole_pages: list[bytes]) -> None:
    """Rendered and real pages cut and garbled anywhere raise nothing and can be read back."""
    pages = [page[:80_000] for page in sorted(whole_pages) if len(page) > 2_000]
    choose = random.Random(3)
    for _ in range(60):
        page = bytearray(choose.choice(pages))
        for _ in range(choose.randint(1, 20)):
            at = choose.randrange(len(page))
            if choose.random() < 0.5:
                page[at : at + choose.randint(1, 400)] = b""
            else:
                page[at:at] = choose.choice(FRAGMENTS).encode()
        document = extracted(bytes(page))
        if document is not None:
            check_text(document)


@pytest.mark.parametrize(
    "unit",
    [
        "\\(",
        "$x ",
        "$$",
        "\\( { \\) ",
        "\\begin{align} x ",
        "[tex] ",
        "<li>x",
        "<p>$a$ <img src=a.png>",
        "<figure><img src=a><figcaption>c</figcaption></figure>",
        "<nav>x</nav><h2>h</h2>",
        "<sup>2</sup>",
        "<td>x",
        "x<br>",
        "<span class='katex'><span class='katex-html'>x</span></span>",
        "<span class=math>x^2</span> ",
        "<script>MathJax inlineMath: [[</script>",
        "`x ",
        "\\$",
        "<code>`</code>",
        "\\newcommand{\\x}{y} ",
        "<ul><li><a href=x>link</a></ul><h3>t</h3>",
        "<span mathtag=math>x<sup>2</sup></span>",
        "<span mathtag=math>",
        "<table cellpadding=-1 cellspacing=-1><tr><td>x",
        "<span class=mfrac mathtag=math><i class=fracZi>x",
    ],
)
def test_extraction_is_linear(unit: str) -> None:
    """Six times the page takes nowhere near thirty-six times as long."""

    def seconds(size: int) -> float:
        head = "<script>MathJax = {tex: {inlineMath: [['$','$']]}}</script><body>"
        page = (head + unit * (size // len(unit))).encode()
        best = 1e9
        for _ in range(2):
            start = time.process_time()
            extracted(page)
            best = min(best, time.process_time() - start)
        return best

    seconds(2_000)
    small, large = seconds(25_000), seconds(150_000)
    assert large < 18 * max(small, 0.02)
