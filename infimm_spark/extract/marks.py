"""Private-use characters that stand for things inside a run of text while a page is walked.

A formula, a code span or an image travels through the text as `OPEN + index + CLOSE`, so that no
later step can split or rewrite it. No page can write such a mark: `sealed` takes the characters and
the references to them out of the source before it is parsed, so that neither text nor attributes
hold them, and the ledger of formulas takes them out of what readers decode a second time.
"""

from __future__ import annotations

import re

from infimm_spark.extract.signs import ALL, Sign

FORMULA = "\ue000"
CODE = "\ue001"
IMAGE = "\ue002"
CLOSE = "\ue003"
BREAK = "\ue004"
"""A `<br>`."""
SUP = "\ue005"
SUB = "\ue006"
RAISED_END = "\ue007"
"""The end of `SUP`, `SUB` and `OVER`."""
EMPHASIS = "\ue008"
"""Either end of `<em>` or `<i>`: kept only because Markdown turns the underscores of `$a_1 + b_2$`
into emphasis, and a formula wants them back."""
STRUCK = "\ue009"
"""Either end of struck text."""
OVER = "\ue00a"
"""The start of text under a line, such as the period of a decimal."""

IMAGE_MARK = re.compile("\ue002([0-9]+)\ue003")
ANY_MARK = re.compile("[\ue000-\ue002][0-9]+\ue003")

_RESERVED = re.compile("[\ue000-\ue00a]")
# `&#xe000;`, `&#57344`, with leading zeros; not `&#xe0001`, which is another character
_REFERENCE = re.compile(
    r"&#(?:[xX]0*[eE]00[0-9aA](?![0-9a-fA-F])|0*573(?:4[4-9]|5[0-4])(?![0-9]));?"
)


def cleared(text: str) -> str:
    """Page text without the characters reserved here (icon fonts put glyphs there)."""
    return _RESERVED.sub("", text)


def has_reserved(text: str) -> bool:
    """Whether the text holds a reserved character; a whole page is asked once."""
    return not text.isascii() and _RESERVED.search(text) is not None


def sealed(source: str, utf_8: bytes | None = None, signs: frozenset[Sign] = ALL) -> str:
    """HTML whose parsed text and attributes hold no reserved character; `signs` are its own.

    `utf_8` are the bytes the source was read from as UTF-8: its first byte, which is rare, shows at
    the speed of memory that no reserved character is there.
    """
    if (
        not source.isascii()
        and (utf_8 is None or (_LEAD[:1] in utf_8 and _LEAD in utf_8))
        and has_reserved(source)
    ):
        source = cleared(source)
        signs = ALL  # `&` and `#57344;` may have met
    if Sign.REFERENCE in signs and "&#" in source:
        source, found = _REFERENCE.subn("", source)
        if found and _REFERENCE.search(source):
            # `&#&#57344;57344;`: what is put in their place now lets no other reference come about
            source = _REFERENCE.sub("\ufffd", source)
    return source


_LEAD = FORMULA.encode()[:2]


# Soft hyphens, zero-width spaces, word joiners and directional controls: nothing of the text.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# Joiners shape scripts and emoji; in a formula they are nothing either.
_INVISIBLE_IN_TEX = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufe0e\ufe0f]"
)


def visible(text: str) -> str:
    """Text without soft hyphens, zero-width spaces and directional controls."""
    return _INVISIBLE.sub("", text)


def visible_tex(tex: str) -> str:
    """TeX without them and without zero-width joiners."""
    return _INVISIBLE_IN_TEX.sub("", tex)
