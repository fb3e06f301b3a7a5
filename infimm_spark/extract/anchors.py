"""Links that are no text: numbers of notes, and permalinks beside headings."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.sources import Attributes, text_of

_NOTE = re.compile(r"footnote|reference|noteref|fn-?ref|cite|endnote", re.I)


def is_note(node: LexborNode, attrs: Attributes) -> bool:
    """Whether a `<sup>` is the number of a footnote, which stands in brackets."""
    child = node.first_child
    while child is not None and child.tag == "-text" and not (child.text_content or "").strip():
        child = child.next
    if _NOTE.search((attrs.get("class") or "") + " " + (attrs.get("id") or "")) is not None:
        return True
    if child is None or child.tag != "a":
        return False
    target = child.attributes.get("href") or ""
    return "#" in target or _NOTE.search(child.attributes.get("class") or "") is not None


def is_permalink(node: LexborNode, attrs: Attributes) -> bool:
    """A link to the place it stands at: `#`, `¶`, `[link]` or nothing at all to be seen."""
    target = attrs.get("href")
    if not target or target[0] != "#":
        return False
    if node.first_child is None:
        return True
    text = text_of(node)
    return (
        len(text) < _LONGEST_PERMALINK
        and _PERMALINK.fullmatch(text) is not None
        and (node.css_first("img, math, script") is None)
    )


_LONGEST_PERMALINK = 16
_PERMALINK = re.compile(
    "[\\s\u200b\u200c\u200d\ufeff#\u00b6\u00a7\u2020\U0001f517\u2693\u221e\ufe0f\u21a9\u21b5\u2191\ufe0e]*|\\s*\\[(?:link|#|\u00b6)\\]\\s*|permalink",
    re.I,
)


def note_mark(node: LexborNode, attrs: Attributes) -> str | None:
    """`[1]` for a link to a note whose number it raises (Pandoc, Word)."""
    child = node.first_child
    if child is None or child.tag != "sup" or child.next is not None:
        return None
    target = attrs.get("href") or ""
    number = text_of(child).strip("[]() \n\t")
    if target[:1] != "#" or not number or len(number) > _LONGEST_NOTE_MARK:
        return None
    return f"[{number}]"


_LONGEST_NOTE_MARK = 4
