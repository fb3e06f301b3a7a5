"""Notes, invisible characters and line breaks that are no part of a sentence."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page

_BEFORE = (
    "<p>Words that stand before it, so that the page has a paragraph to begin with and to keep.</p>"
)


def _text(body: str) -> str:
    return extract_page(f"<body>{_BEFORE}{body}</body>".encode(), url="https://example.org/").text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            "<p>The bound&shy;ary of the dis&#8203;c is a circle.</p>",
            "The boundary of the disc is a circle.",
        ),
        ("<p>设函数\n在区间上\n   连续。</p>", "设函数在区间上连续。"),
        ("<p>Two lines\nof English.</p>", "Two lines of English."),
        (
            '<p>It is sharp<a href="#fn1" class="footnote-ref"><sup>1</sup></a>.</p>',
            "It is sharp[1].",
        ),
        (
            '<p>It holds<span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">1</sup>'
            '<span class="ltx_note_content"><sup class="ltx_note_mark">1</sup>By a lemma.</span></span> here.</p>',
            "It holds [By a lemma.] here.",
        ),
        (
            '<p>It is sharp<a class="footnote-anchor" href="#footnote-1">1</a>.</p>',
            "It is sharp[1].",
        ),
        ('<p>It is sharp<a href="b.html#fn1x0"><sup>1</sup></a>.</p>', "It is sharp[1]."),
        ('<p>It is sharp[<a class="footnote-ref" href="#n">1</a>].</p>', "It is sharp[1]."),
        (
            "<p>It is sharp.<sup>[2,3]</sup> So <sup>[citation needed]</sup></p>",
            "It is sharp.[2,3] So [citation needed]",
        ),
        ("<p>设<em>函数</em>\n<b>连续</b>。</p>", "设函数连续。"),
        (
            '<p>Here<a href="/a#h">🔗</a> and <a href="#s"><span class="sr-only">Link to this section</span>#</a></p>',
            "Here and",
        ),
        ('<p>Add <span>1</span><span class="sr-only">/</span><span>2</span>.</p>', "Add 1/2."),
        ('<p>So<small class="sidenote">By a lemma.</small> it is.</p>', "So [By a lemma.] it is."),
        ('<p>Note one. <a href="#r1" class="footnote-back">↩</a></p>', "Note one."),
    ],
)
def test_a_sentence_is_its_words(body: str, text: str) -> None:
    """Soft hyphens, line breaks between Han characters, notes in and behind a sentence."""
    assert _text(body).split("\n\n")[-1] == text


def test_hidden_solutions_are_content_and_other_hidden_text_is_not() -> None:
    """What a reader opens belongs to the lesson."""
    text = _text(
        '<div class="solution" style="display:none"><p>Add six to both sides.</p></div>'
        '<div class="tracker" style="display:none"><p>Never shown to anybody.</p></div>'
    )
    assert "Add six to both sides." in text
    assert "Never shown" not in text
