"""A document's text holds every visible sentence of its main block, whatever it is built from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.extract import extract_page

INLINE = (
    "{0}",
    "<b>{0}</b>",
    "<span class=a><i>{0}</i></span>",
    "<font color=red>{0}</font>",
    "<x-y>{0}</x-y>",
)
BLOCKS = (
    "<p>{0}</p>",
    "<div>{0}</div>",
    "<div><p>{0}</p></div>",
    "<section><h2>{0}</h2><p>{0}</p></section>",
    "<ul><li>{0}</li><li>{0}<ul><li>{0}</li></ul></li></ul>",
    "<ol start=3><li><p>{0}</p><p>{0}</p></li></ol>",
    "<blockquote><p>{0}</p></blockquote>",
    "<dl><dt>{0}</dt><dd>{0}</dd></dl>",
    "<table><caption>{0}</caption><tr><th>{0}<th>{0}<tr><td rowspan=2>{0}<td><ul><li>{0}<li>{0}</ul><tr><td>{0}</table>",
    "<table><tr><td><h3>{0}</h3>{0}<td>{0}</table>",
    "<table role=presentation><tr><td>{0}<td><table><tr><td>{0}<td>{0}<tr><td>{0}<td>{0}</table></table>",
    "<details><summary>{0}</summary><p>{0}</p></details>",
    "<figure><img src=a.png><figcaption>{0}</figcaption></figure>",
    "<p>{0} <del>{0}</del> and <sup>2</sup> {0}<br>{0}</p>",
    "<center>{0}</center>",
    "<pre>{0}</pre>",
)


@given(
    st.lists(st.tuples(st.sampled_from(BLOCKS), st.sampled_from(INLINE)), min_size=1, max_size=6)
)
def test_every_visible_sentence_comes_out_once_and_in_order(parts: list[tuple[str, str]]) -> None:
    """Sentences in paragraphs, lists, tables, quotations, notes, captions and code: once, in page
    order."""
    number = 0
    body = ""
    for block, inline in parts:
        pieces = block.split("{0}")
        body += pieces[0]
        for piece in pieces[1:]:
            body += inline.format(f"The {number}th known part of this page says so.") + piece
            number += 1
    page = f"<!doctype html><body><main>{body}</main></body>"
    text = " ".join(extract_page(page.encode(), url="https://example.org/").text.split())
    places = [text.find(f"The {n}th known part of this page says so.") for n in range(number)]
    assert -1 not in places
    assert places == sorted(places)
    assert all(text.count(f"The {n}th known") == 1 for n in range(number))
