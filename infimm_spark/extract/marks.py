"""Private-use characters that stand for things inside a run of text while a page is walked.

A formula, a code span or an image travels through the text as `OPEN + index + CLOSE`, so that no
later step can split or rewrite it. Page text is cleared of these characters before it is used.
"""

from __future__ import annotations

import re

FORMULA = "\ue000"
CODE = "\ue001"
IMAGE = "\ue002"
CLOSE = "\ue003"
BREAK = "\ue004"
"""A `<br>`."""
SUP = "\ue005"
SUB = "\ue006"
RAISED_END = "\ue007"
EMPHASIS = "\ue008"
"""Either end of `<em>` or `<i>`: kept only because Markdown turns the underscores of `$a_1 + b_2$`
into emphasis, and a formula wants them back."""

IMAGE_MARK = re.compile("\ue002([0-9]+)\ue003")
ANY_MARK = re.compile("[\ue000-\ue002][0-9]+\ue003")

_RESERVED = re.compile("[\ue000-\ue008]")


def cleared(text: str) -> str:
    """Page text without the characters reserved here (icon fonts put glyphs there)."""
    return _RESERVED.sub("", text)


def has_reserved(text: str) -> bool:
    """Whether the text holds a reserved character; a whole page is asked once."""
    return _RESERVED.search(text) is not None
