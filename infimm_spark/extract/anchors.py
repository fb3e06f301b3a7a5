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
    """A link to a place of a page that shows no word: `#`, `¶`, `[link]` or nothing at all."""
    target = attrs.get("href")
    if not target or "#" not in target:
        return False
    if node.first_child is None:
        return target[0] == "#"
    text = text_of(node)
    return (
        len(text) < (_LONGEST_PERMALINK if target[0] == "#" else _LONGEST_SIGN)
        and (_PERMALINK if target[0] == "#" else _PERMALINK_SIGN).fullmatch(text) is not None
        and (node.css_first("img, math, script") is None)
    )


_LONGEST_PERMALINK = 120
_LONGEST_SIGN = 16
_SIGNS = (
    "\\s\u200b\u200c\u200d\ufeff\ufe0e\ufe0f"
    "#\u00b6\u00a7\u2020\U0001f517\u2693\u221e\u21a9\u21b5\u23ce\u2191"
)
_PERMALINK = re.compile(
    f"[{_SIGNS}]*|\\s*\\[(?:link|#|\u00b6|back)\\]\\s*"
    f"|[{_SIGNS}]*(?:permalink|copy link|(?:permanent |direct )?link to this "
    f"(?:section|heading|headline|definition)|section titled .{{1,80}})[{_SIGNS}]*",
    re.I,
)
# To a place of another address, perhaps the page's own.
_PERMALINK_SIGN = re.compile("[\\s\u200b\ufe0f]*[#\u00b6\u00a7\U0001f517][\\s\u200b\ufe0f]*")


def note_mark(node: LexborNode, attrs: Attributes) -> str | None:
    """`[1]` for a link to a note: one that raises its number (Pandoc, Word, TeX4ht), or is named so
    (Substack)."""
    child = node.first_child
    target = attrs.get("href") or ""
    if child is None or child.next is not None or "#" not in target:
        return None
    if child.tag == "sup":
        if target[0] != "#" and _NOTE_TARGET.search(target) is None:
            return None
    elif child.tag != "-text" or not _is_called_note(node, attrs):
        return None
    number = text_of(node).strip("[]() \n\t")
    if not number or len(number) > _LONGEST_NOTE_MARK:
        return None
    return f"[{number}]"


_LONGEST_NOTE_MARK = 4
_NOTE_TARGET = re.compile(r"#(?:fn|ftn|_ftn|footnote|note|endnote|en\d)", re.I)
_NOTE_CLASS = re.compile(r"footnote-(?:anchor|number|ref|link)", re.I)


def _is_called_note(node: LexborNode, attrs: Attributes) -> bool:
    """Whether the class of a link calls it the number of a note that no bracket is around yet."""
    if _NOTE_CLASS.search(attrs.get("class") or "") is None:
        return False
    parent, before = node.parent, node.prev
    if parent is not None and parent.tag == "sup":
        return False
    return before is None or before.tag != "-text" or (before.text_content or "")[-1:] not in "[("
