"""A document as safe HTML."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from infimm_spark.extract.text import formulas_in, parts_of
from infimm_spark.report.documents import document_html, picture_words, released_segments


def _text(text: str) -> dict[str, Any]:
    return {"text": text, "image": None}


def _image(**known: Any) -> dict[str, Any]:
    return {"text": None, "image": {"url": "https://example.org/a.png", **known}}


def test_reading_order_is_kept() -> None:
    """Text, picture and text follow each other as in the segments."""
    html = document_html([_text("first"), _image(alt="a circle"), _text("last")]).html
    assert html.index("first") < html.index("a circle") < html.index("last")


def test_formulas_are_numbered_through_the_document() -> None:
    """Formulas of all segments are counted from 0; code and escaped dollars are none."""
    shown = document_html(
        [_text(r"costs \$5 and $x^2$, `$no$`"), _image(), _text("so\n\n$$y = 1$$")]
    )
    assert shown.formulas == 2
    assert 'data-formula="0"' in shown.html
    assert 'data-formula="1"' in shown.html
    assert "costs $5 and" in shown.html
    assert "<code>$no$</code>" in shown.html


def test_structure_of_the_text_is_set() -> None:
    """Headings, lists, quotations, tables and fenced code look like what they are."""
    text = "# Title\n\n- one\n- two\n\n> said\n\n| a | b |\n| --- | --- |\n| $x$ | 2 |\n\n```py\ni_0 < 1\n```"
    page = LexborHTMLParser(document_html([_text(text)]).html)
    for selector in ("h1", "ul > li", "blockquote", "td math", "code.block"):
        assert page.css_first(selector) is not None, selector
    assert page.css_first("code.block").text() == "i_0 < 1"


def test_other_signs_stay_as_they_stand() -> None:
    """Stars, underscores, brackets and addresses are text: the corpus escapes none of them."""
    text = "a_b_c *not* [link](https://example.org) <b>x</b> https://example.org"
    assert LexborHTMLParser(document_html([_text(text)]).html).css_first("p").text() == text


def test_hostile_text_is_text() -> None:
    """Markup in texts, captions and addresses of pictures makes no element."""
    hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    page = LexborHTMLParser(
        document_html(
            [_text(hostile), _image(alt=hostile, url=hostile), _text(f"`{hostile}`")]
        ).html
    )
    assert page.css("script, img, a, iframe, svg") == []


def test_a_formula_that_cannot_be_drawn_is_named() -> None:
    """`failures` tells which formulas are shown by their source, and why."""
    shown = document_html([_text(r"$a$ and $\frac{1}{$")])
    assert list(shown.failures) == [1]


def test_a_long_text_is_cut_with_a_note() -> None:
    """Beyond `max_chars` nothing is shown but a note that says so."""
    html = document_html([_text("a" * 50), _text("b" * 50)], max_chars=60).html
    assert "b" * 10 in html
    assert "b" * 11 not in html
    assert "longer than 60 characters" in html


def test_released_rows_have_the_same_segments() -> None:
    """A row of the corpus is shown like the document it was made of."""
    row = {
        "text_list": ["one", None, "two", None],
        "image_list": [None, "https://example.org/a.png", None, "https://example.org/b.png"],
        "images": [{"url": "https://example.org/a.png", "alt": "A"}],
    }
    segments = released_segments(row)
    assert [segment["text"] for segment in segments] == ["one", None, "two", None]
    assert segments[1]["image"]["alt"] == "A"
    assert segments[3]["image"] == {"url": "https://example.org/b.png"}


def test_picture_words_do_not_repeat() -> None:
    """A caption that repeats the description is said once; the size is added when known."""
    assert picture_words({"alt": "A", "caption": "A", "width": 3, "height": 4}) == "A (3 × 4)"
    assert picture_words({}) == "no description"


_PIECES = st.lists(
    st.sampled_from(
        [
            "a ",
            "$x$",
            "$$y$$",
            r"\$",
            r"\`",
            "`c`",
            "```\nd\n```",
            "\n\n",
            "# ",
            "- ",
            "| b |",
            "<i>",
        ]
    )
).map("".join)


@given(_PIECES)
def test_parts_are_the_whole_text(text: str) -> None:
    """The parts of a text hold all its formulas, in order, and lose nothing but delimiters."""
    parts = list(parts_of(text))
    formulas = [(part, kind == "display") for kind, part in parts if kind in ("inline", "display")]
    assert formulas == formulas_in(text)
    assert document_html([_text(text)]).formulas == len(formulas)
    around = {"inline": "$", "display": "$$"}
    joined = "".join(around.get(kind, "") + part + around.get(kind, "") for kind, part in parts)
    assert joined.replace("\\", "") == text.replace("\\", "")
