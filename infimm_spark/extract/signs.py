"""Signs of rare cases in a page's source, all looked for in one pass.

Most steps have something to do on few pages. A search of their own passes over the page once for
each; this one finds all signs together, at the speed of memory.
"""

from __future__ import annotations

from enum import Enum, auto

from ahocorasick_rs import BytesAhoCorasick, MatchKind


class Sign(Enum):
    """A step that a page may need."""

    PREFIX = auto()
    """MathML in a namespace of its own: `<mml:math>`."""
    REPAIR = auto()
    """What browsers and scripts read otherwise than a parser (`repairs.py`)."""
    REFERENCE = auto()
    """A character reference to a character that marks use (`marks.py`)."""
    NOSCRIPT = auto()
    """A `<noscript>`, which may hold the text of the page."""
    STATE = auto()
    """JSON in a script, which may hold it as well."""
    POSTS = auto()
    """The names that forums give to posts, and schema.org's of their pages."""


ALL = frozenset(Sign)
"""For a source that was changed: each step then looks for itself."""

_SIGNS = {
    Sign.PREFIX: (b":math",),
    Sign.REPAIR: (
        b"msEquation",
        b'hidden id="S:',
        b"shadowroot",
        b"text/template",
        b"text/markdown",
        b"text/x-markdown",
        b"<textarea",
        b"<xmp",
    ),
    # &#57344; &#057344; &#0057344; &#xe000; &#x0e000;
    Sign.REFERENCE: (
        b"&#573",
        b"&#0573",
        b"&#00",
        *(b"&#" + x + e for x in (b"x", b"X") for e in (b"e00", b"E00", b"0")),
    ),
    Sign.NOSCRIPT: (b"<noscript",),
    Sign.POSTS: (
        b"QAPage",
        b"DiscussionForumPosting",
        b"postbody",
        b"post_body",
        b"message--post",
        b"bbWrapper",
        b"post_wrapper",
        b"post_message_",
        b"js-post-body",
        b"topic-post",
        b"topic_post",
        b"cPost",
        b"forumpost",
        b"forum-post",
        b"crawler-post",
        b"Post-body",
        b'id="msg_',
        b"nestedlisting",
    ),
    Sign.STATE: (
        b"application/ld+json",
        b"application/json",
        b"_DATA__",
        b"_STATE__",
        b"__NUXT__",
        b"__remixContext",
        b"data-page=",
        b"data-react-props=",
        b"decodeURIComponent(",
    ),
}
_STEPS = [step for step, signs in _SIGNS.items() for _ in signs]
# Matches that do not overlap are found several times faster; no sign ends as one of another step
# begins.
_SEARCH = BytesAhoCorasick(
    [sign for signs in _SIGNS.values() for sign in signs], matchkind=MatchKind.LeftmostFirst
)


def signs_of(html: bytes, text: str, charset: str) -> frozenset[Sign]:
    """The steps whose signs a page's source shows; `text` is `html` decoded from `charset`.

    A sign is necessary, not sufficient: the step itself looks again.
    """
    if charset == "utf-8":
        is_plain = b"\0" not in html  # NULs are taken out of the text
    else:
        is_plain = text.isascii() and len(text) == len(html)
    source = html if is_plain else text.encode("utf-8", "replace")
    return frozenset([_STEPS[sign] for sign, _, _ in _SEARCH.find_matches_as_indexes(source)])
