"""E-mail addresses and telephone numbers in prose, replaced by a word. Formulas stay as they are.

Numbers of mathematics look like telephone numbers: one without any punctuation is taken for one
only behind a word that says so ("Tel.", "电话").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Kind = Literal["email", "phone"]

# `name@example.org`, not `A@B.dot(`, `@property` or `x@y`.
_EMAIL = re.compile(
    r"(?<![\w.+%@-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}"
    r"(?:[A-Za-z]{2}|com|org|net|edu|gov|mil|int|info|biz|name|pro|museum|coop|aero|asia|cat|jobs|mobi|tel|"
    r"travel|app|dev|online|site|tech|school|academy|education|institute|university|science|cloud|shop|xyz)"
    r"(?![\w(-])",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w+.,/-])(?:"
    r"\+\d{1,3}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){1,4}"  # +49 89 1234567
    r"|(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}"  # (555) 234-5678
    r"|0\d{2,3}-\d{7,8}|400-\d{3,4}-\d{3,4}|1[3-9]\d-\d{4}-\d{4}"  # 010-12345678, 138-0013-8000
    r")(?![\w]|[.,/-]\d)"
    # Digits behind a word that says what they are.
    r"|(?P<label>(?:(?<![A-Za-z])(?:tel|telephone|phone|mobile|fax)|电话|手机|热线|传真)[.:：]{0,2}\s{0,3})"
    r"\+?\d(?:[ ./()-]{0,2}\d){6,14}(?!\d)",
    re.IGNORECASE,
)
_PATTERNS: dict[Kind, tuple[re.Pattern[str], str]] = {
    "email": (_EMAIL, "[email]"),
    "phone": (_PHONE, r"\g<label>[phone]"),
}
_FORMULA = re.compile(r"(\$\$[^$]+\$\$|\$[^$\n]+\$)")


def masked(text: str, kinds: Iterable[Kind]) -> tuple[str, dict[Kind, int]]:
    """The text with `[email]` and `[phone]` in the place of those, and how many of each there
    were."""
    counts: dict[Kind, int] = dict.fromkeys(kinds, 0)
    if "@" not in text and not any(map(str.isdigit, text)):
        return text, counts
    parts = _FORMULA.split(text)
    for kind in counts:
        pattern, word = _PATTERNS[kind]
        for place in range(0, len(parts), 2):
            parts[place], found = pattern.subn(word, parts[place])
            counts[kind] += found
    return "".join(parts), counts
