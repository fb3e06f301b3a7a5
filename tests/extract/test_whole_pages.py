"""Pages whose text a plain HTML parser loses: XHTML, decks, shadow roots, noscript, JSON state,
Word."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract import extract_page
from infimm_spark.extract.document import Document
from infimm_spark.extract.markdown import render
from infimm_spark.extract.repairs import repaired

_SENTENCE = (
    "A continuous function on a closed interval takes every value between two of its values."
)


def _document(html: str, content_type: str | None = None) -> Document:
    return extract_page(html.encode(), url="https://example.org/", content_type=content_type)


def test_xhtml_closes_elements_in_themselves() -> None:
    """What follows `<a/>`, `<script/>` and `<title/>` is on the page, and CDATA is text."""
    page = _document(
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title>'
        '<script src="x.js"/></head><body><h2><a id="i"/>Values</h2><span class="n"/>'
        f"<p>{_SENTENCE}</p><p><![CDATA[a < b]]> holds.</p><br/><em/>End of it.</body></html>"
    )
    assert "## Values" in page.text
    assert _SENTENCE in page.text
    assert "a < b holds." in page.text
    assert "End of it." in page.text


def test_html_keeps_its_reading_of_a_slash() -> None:
    """Without a sign of XHTML nothing is rewritten, and never inside scripts."""
    html = f'<html><body><div class="a"/><p>{_SENTENCE}</p></body></html>'
    assert repaired(html) == html
    script = '<html xmlns="x"><body><script>s = "<b/>";</script><p>x</p></body></html>'
    assert '"<b/>"' in repaired(script)


def test_declarative_shadow_root_is_shown() -> None:
    """A browser shows it in its host; an ordinary template is not shown."""
    page = _document(
        f"<body><my-card><template shadowrootmode=open><h2>Roots</h2><p>{_SENTENCE}</p><template>"
        "<p>NEVER</p></template></template></my-card><template><p>NEVER</p></template></body>"
    )
    assert "## Roots" in page.text
    assert _SENTENCE in page.text
    assert "NEVER" not in page.text


def test_slides_in_a_textarea_are_rendered() -> None:
    """A remark deck: separators and slide properties go, lists and formulas stay."""
    page = _document(
        "<body><textarea id=source>\nclass: center\n# Groups\n---\n"
        f"- {_SENTENCE}\n- $a_1 * b_1 = e$\n\n???\n</textarea>"
        "<script src='remark.min.js'></script></body>"
    )
    assert "# Groups" in page.text
    assert f"- {_SENTENCE}" in page.text
    assert [formula.tex for formula in page.formulas] == ["a_1 * b_1 = e"]
    assert "class: center" not in page.text
    assert "---" not in page.text


def test_a_form_s_textarea_and_a_program_s_template_are_no_text() -> None:
    """Only decks are Markdown: what a visitor may edit and what a script fills in are not read."""
    page = _document(
        f"<body><p>{_SENTENCE}</p><textarea name=comment>TYPED</textarea>"
        "<script type='text/template'><li>{{ FILLED }}</li></script></body>"
    )
    assert "TYPED" not in page.text
    assert "FILLED" not in page.text


def test_noscript_is_read_where_the_page_is_empty_without_it() -> None:
    """A forum's thread in a `<noscript>`; on a page with text of its own it is a notice."""
    thread = f"<noscript><div><h1>Values</h1><p>{_SENTENCE}</p><p>{_SENTENCE[::-1]}</p><p>{'More words here. ' * 20}</p></div></noscript>"
    assert _SENTENCE in _document(f"<body><div id=app></div>{thread}</body>").text
    own = "<p>" + "This page tells all that it has to tell without any script. " * 8 + "</p>"
    assert _SENTENCE not in _document(f"<body>{own}{thread}</body>").text


def _state(value: object) -> str:
    return (
        "<body><div id=__next></div><script id=__NEXT_DATA__ type=application/json>"
        f"{json.dumps(value)}</script></body>"
    )


def test_text_that_is_only_json_state_is_read() -> None:
    """The article, as HTML or Markdown, and not the site's labels beside it."""
    article = {
        "title": "Values",
        "body": f"<p>{_SENTENCE} See <b>below</b>.</p><p>So \\(x^2=2\\).</p>",
    }
    page = _document(
        _state({"props": {"pageProps": {"article": article, "nav": ["About us now"]}}})
    )
    assert f"{_SENTENCE} See below." in page.text
    assert [formula.tex for formula in page.formulas] == ["x^2=2"]
    assert "About us" not in page.text
    article["body"] = f"## Part one\n\n{_SENTENCE}\n\n- $n$ is odd"
    assert "## Part one" in _document(_state({"page": article})).text


def test_json_state_is_not_read_beside_a_page_s_own_text() -> None:
    """Most pages repeat in their state what they show."""
    own = "<p>" + "This page tells all that it has to tell without any script. " * 8 + "</p>"
    page = _document(own + _state({"body": f"<p>{_SENTENCE}</p>"}))
    assert _SENTENCE not in page.text


def test_labels_of_a_program_are_no_text() -> None:
    """A state of messages and addresses alone leaves the page empty."""
    labels = {f"label{index}": f"Press key {index}" for index in range(40)}
    assert _document(_state({"strings": labels})).text == ""


def test_word_formulas_are_read_and_their_pictures_go() -> None:
    """OMML in conditional comments, with the picture for browsers beside it."""
    page = _document(
        f"<body><p>{_SENTENCE} <!--[if gte msEquation 12]><m:oMath><m:nary><m:naryPr><m:chr m:val='∑'/>"
        "</m:naryPr><m:sub><m:r>i=1</m:r></m:sub><m:sup><m:r>n</m:r></m:sup><m:e><m:sSub><m:e><m:r>a</m:r>"
        "</m:e><m:sub><m:r>i</m:r></m:sub></m:sSub></m:e></m:nary></m:oMath><![endif]-->"
        "<![if !msEquation]><img src='e.png'><![endif]> is the sum.</p></body>"
    )
    assert [formula.tex for formula in page.formulas] == [r"\sum_{i=1}^na_i"]
    assert page.images == []


@pytest.mark.parametrize(
    ("omml", "tex"),
    [
        ("<m:rad><m:deg></m:deg><m:e><m:r>x</m:r></m:e></m:rad>", r"\sqrt{x}"),
        ("<m:d><m:e><m:r>a+b</m:r></m:e></m:d>", "(a + b)"),
        ("<m:f><m:num><m:r>1</m:r></m:num><m:den><m:r>2</m:r></m:den></m:f>", r"\frac{1}{2}"),
    ],
)
def test_elements_of_omml(omml: str, tex: str) -> None:
    """Roots, fences and fractions."""
    page = _document(f"<p>{_SENTENCE} <m:oMath>{omml}</m:oMath> is it.</p>")
    assert [
        formula.tex.replace(r"\left", "").replace(r"\right", "").replace(" ", "")
        for formula in page.formulas
    ] == [tex.replace(" ", "")]


def test_markdown_leaves_formulas_and_prices_alone() -> None:
    """Underscores and stars of a formula are no emphasis; prices are no formula."""
    html = render("Let $a_1 * b_1$ and $c_2 * d_2$; tickets cost $5 for one and US$9.")
    assert "<em>" not in html
    assert html.count("math/tex") == 2
    assert "$5 for one and US$9" in html
    assert "$HOME" in render("Run `echo $HOME $PATH`.")


@given(st.text(alphabet="ab$\\`*_-\n<>/[]() ", max_size=60))
def test_rendering_and_repairing_never_fail(text: str) -> None:
    """Whatever the source."""
    render(text)
    assert isinstance(repaired(f'<html xmlns="x">{text}'), str)
