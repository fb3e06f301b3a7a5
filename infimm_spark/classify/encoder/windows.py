"""The passages of a text that a sentence encoder reads: it sees a few hundred characters at once.

Windows are spread over the text and begin at a paragraph or a word. Long formulas are shortened:
their TeX would fill a window, and the page's facts count them.
"""

from __future__ import annotations

from infimm_spark.classify.features import shortened_formulas
from infimm_spark.languages import language_of

FORMULA_CHARS = 24
"""Characters of a formula that a window shows."""

_BOUNDARY_CHARS = 80
"""How far a window's beginning is moved on to a paragraph or a word."""


def windows(text: str, language: str, count: int, chars: int) -> list[str]:
    """At most `count` passages of about `chars` English characters (fewer Chinese ones, which say
    more each), in order; shorter texts give fewer, an empty text gives none.

    Never raises; lone surrogates, which encoders refuse, become question marks.
    """
    prose = shortened_formulas(text, FORMULA_CHARS)
    prose = prose.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    width = max(20, int(chars / language_of(language).english_chars))
    wanted = min(count, -(-len(prose) // width))
    # Never the end: it is where comments, links and references stand.
    starts = [index * len(prose) // wanted for index in range(wanted)]
    found = (" ".join(prose[_moved(prose, start) : start + width].split()) for start in starts)
    return [window for window in found if window]


def _moved(text: str, start: int) -> int:
    """`start`, or a beginning of a paragraph or else of a word close behind it."""
    if not start:
        return 0
    head = text[start : start + _BOUNDARY_CHARS]
    for mark in ("\n", " "):
        found = head.find(mark)
        if found >= 0:
            return start + found + 1
    return start
