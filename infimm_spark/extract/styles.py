"""What the style of an inline element says about its text: raised, lowered, struck, under a line,
Symbol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from infimm_spark.extract import marks


class Meaning(NamedTuple):
    """The marks around an element's text, and whether its letters are those of the Symbol font."""

    opening: str
    closing: str
    symbol: bool


SUPERSCRIPT = Meaning(marks.SUP, marks.RAISED_END, False)
SUBSCRIPT = Meaning(marks.SUB, marks.RAISED_END, False)
STRUCK = Meaning(marks.STRUCK, marks.STRUCK, False)
SYMBOL = Meaning("", "", True)

_ALIGNED = re.compile(r"vertical-align\s*:\s*(?:(super|text-top)|(sub|text-bottom))\b", re.I)
# A length counts only beside smaller letters: `vertical-align: 0.5em; font-size: 70%`.
_SHIFTED = re.compile(
    r"(?:vertical-align\s*:\s*(?P<sign>-?)(?:\d*\.)?\d+(?:px|pt|em|ex|rem|%)"
    r"|(?<![\w-])(?P<side>top|bottom)\s*:\s*(?P<way>-?)(?:\d*\.)?\d+(?:px|pt|em|ex|rem|%))",
    re.I,
)
_NOTHING = re.compile(r"vertical-align\s*:\s*0+(?:\.0+)?[a-z%]*\s*(?:;|$)", re.I)
_SMALLER = re.compile(
    r"font-size\s*:\s*(?:smaller|small|x-small|xx-small|[1-8]?\d(?:\.\d+)?%|0?\.\d+r?em"
    r"|(?:[1-9]|10)(?:\.\d+)?(?:px|pt)\b)"
    r"|(?<![\w-])font\s*:\s*(?:[a-z]+\s+){0,3}(?:[1-9]|10)(?:\.\d+)?(?:px|pt)\b",
    re.I,
)
_LINE = re.compile(r"text-decoration(?:-line)?\s*:[^;]*?\b(?:(overline)|(line-through))\b", re.I)
# A line over a term that is drawn as its border: `border-top: 1px solid`.
_BORDER_ABOVE = re.compile(r"border-top\s*:[^;]*\bsolid\b", re.I)
_A_BOX = re.compile(
    r"display\s*:\s*(?:block|flex|grid|table)|border(?:-left|-right|-bottom|-color)?\s*:|padding(?:-bottom)?\s*:\s*[1-9]",
    re.I,
)
_SYMBOL_FONT = re.compile(r"font(?:-family)?\s*:[^;,]*?(?<![\w-])symbol(?![\w-])", re.I)
_OF_NOTE = re.compile(r"vertical-align|text-decoration|border-top|symbol|(?:top|bottom)\s*:", re.I)


@lru_cache(maxsize=16_384)
def meaning_of(style: str) -> Meaning | None:
    """The meaning of a style attribute or of a rule's declarations; None for most."""
    if _OF_NOTE.search(style) is None:
        return None
    opening = closing = ""
    raised = _raised(style)
    if raised:
        opening, closing = raised, marks.RAISED_END
    line = _LINE.search(style)
    if line is not None and line[1]:
        opening, closing = opening + marks.OVER, marks.RAISED_END + closing
    elif line is not None:
        opening, closing = opening + marks.STRUCK, marks.STRUCK + closing
    elif _BORDER_ABOVE.search(style) is not None and _A_BOX.search(style) is None:
        opening, closing = opening + marks.OVER, marks.RAISED_END + closing
    symbol = _SYMBOL_FONT.search(style) is not None
    return Meaning(opening, closing, symbol) if opening or symbol else None


def _raised(style: str) -> str:
    aligned = _ALIGNED.search(style)
    if aligned is not None:
        if "text-" in aligned[0].lower() and _SMALLER.search(style) is None:
            return ""
        return marks.SUP if aligned[1] else marks.SUB
    if _SMALLER.search(style) is None or _NOTHING.search(style):
        return ""
    shifted = _SHIFTED.search(style)
    if shifted is None:
        return ""
    if shifted["side"] is None:
        return marks.SUB if shifted["sign"] else marks.SUP
    if "relative" not in style.lower():
        return ""
    upwards = (shifted["side"].lower() == "top") == bool(shifted["way"])
    return marks.SUP if upwards else marks.SUB


# Inline elements that are blocks by role or style: `<span role="cell">`, `style="display:block"`.
_BLOCK_ROLES = frozenset(
    {"cell", "gridcell", "columnheader", "rowheader", "row", "listitem", "heading", "table", "list"}
)
_BLOCK_STYLE = re.compile(r"display\s*:\s*(?:block|table|list-item|flex|grid)", re.I)


def stands_as_block(attrs: Mapping[str, str | None]) -> bool:
    """Whether role or style make a block of an inline element."""
    if "role" in attrs and attrs["role"] in _BLOCK_ROLES:
        return True
    style = attrs.get("style")
    return style is not None and "display" in style and _BLOCK_STYLE.search(style) is not None


_CLASS = re.compile(r"(?:span|font|i|em|a|small)?\.([\w-]+)")
_ELEMENTS_AROUND = re.compile(r"(?:[a-z][a-z0-9]{0,9}\s+){1,4}(?=\S)")  # `p .c3`, `table td .c3`
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
# What is searched for in a sheet, each with what must follow for its rule to be looked at.
_DECLARATIONS = (
    ("vertical-align", re.compile(r"\s*:\s*(?:super|sub|text|-?[\d.])")),
    ("text-decoration", re.compile(r"[-line]*\s*:\s*[^;}]{0,40}?(?:overline|line-through)")),
    ("border-top", re.compile(r"\s*:\s*[^;}]{0,40}?\bsolid\b")),
    # `font: 7px Times; position: relative; bottom: 6px`, of converters from PDF
    ("position", re.compile(r"\s*:\s*relative\s*;\s*(?:top|bottom)\s*:\s*-?\d")),
    ("font-family", re.compile(r"\s*:\s*[\"']?[sS]ymbol\b")),
)
_LONGEST_RULE = 2_000
_MOST_RULES = 2_000


def meanings_of_sheets(html: str) -> dict[str, Meaning]:
    """Class name → meaning, from the page's own style sheets: `.c3{vertical-align:super}`."""
    found: dict[str, Meaning] = {}
    start = html.find("<style")
    while start >= 0:
        end = html.find("</style", start)
        if end < 0:
            break
        for word, following in _DECLARATIONS:
            at = html.find(word, start, end)
            for _ in range(_MOST_RULES):
                if at < 0:
                    break
                behind = at + len(word)
                if following.match(html, behind, end):
                    _read_rule(html, start, at, end, found)
                at = html.find(word, behind, end)
        start = html.find("<style", end)
    return found


def _read_rule(html: str, start: int, at: int, end: int, found: dict[str, Meaning]) -> None:
    """Add the classes of the rule around a declaration."""
    start = max(start, at - _LONGEST_RULE)
    opening = html.rfind("{", start, at)
    closing = html.find("}", at, min(end, at + _LONGEST_RULE))
    if opening < 0 or closing < 0:
        return
    meaning = meaning_of(html[opening + 1 : closing])
    if meaning is None:
        return
    before = max(html.rfind("}", start, opening), html.rfind("{", start, opening), start)
    selectors = _COMMENT.sub("", html[before + 1 : opening])
    for selector in selectors.rpartition(">")[2].split(","):
        match = _CLASS.fullmatch(_ELEMENTS_AROUND.sub("", selector.strip()))
        if match is not None:
            found[match[1]] = meaning


# Adobe's Symbol encoding, from U+0020; what is the same as in ASCII is left out.
_SYMBOL_RUNS = {
    0x22: "∀", 0x24: "∃", 0x27: "∍", 0x2A: "∗", 0x2D: "−", 0x40: "≅",
    0x41: "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", 0x5C: "∴", 0x5E: "⊥", 0x60: "‾",
    0x61: "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", 0x7E: "∼",
    0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪",
    0xF1: "〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
}  # fmt: skip
_SYMBOLS = {
    base + start + at: sign
    for start, run in _SYMBOL_RUNS.items()
    for at, sign in enumerate(run)
    for base in (0, 0xF000)
}
_SYMBOLS.update({0xF000 + code: chr(code) for code in range(0x20, 0x7F) if code not in _SYMBOLS})
_SYMBOLS[0xA0] = "\u00a0"


def in_symbol_font(text: str) -> str:
    """Text as the Symbol font shows it: `p` is π, `å` is ∑."""
    return text.translate(_SYMBOLS)
