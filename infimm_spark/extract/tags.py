"""Lexbor's numbers of tags: asking a node for its number costs half of asking for its name.

HTML's own elements have the same number in every page, whatever their namespace; elements of other
names get one anew in each.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

_HTML = (
    "a abbr address article aside audio b blockquote body br button canvas center cite code dd del "
    "details div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head "
    "header hr html i iframe img input ins kbd label legend li link main mark meta nav noscript "
    "object ol option p picture pre q s samp script section select small source span strong style "
    "sub summary sup svg table tbody td template textarea tfoot th thead time title tr tt u ul var "
    "video wbr"
)


def _numbers() -> tuple[int, int, int, dict[int, str]]:
    """The numbers of text, comments and `<math>`, and the names of HTML's elements by number."""
    parser = LexborHTMLParser("<body>text<!-- comment -->")
    body = parser.body
    assert body is not None
    text, comment = body.first_child, body.last_child
    assert text is not None
    assert comment is not None
    names = {parser.create_node(name).tag_id: name for name in _HTML.split()}
    return text.tag_id, comment.tag_id, parser.create_node("math").tag_id, names


TEXT, COMMENT, MATH, NAMES = _numbers()
