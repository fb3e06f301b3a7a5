"""Two texts side by side: paragraphs that are equal, changed, gone and new."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape
from typing import Any

from infimm_spark.report.documents import picture_words

MAX_PARAGRAPHS = 3_000
"""Paragraphs of each text that are compared; the rest is left out, with a note."""

_WORD = re.compile(r"\\[A-Za-z]+|\w+|\s+|[^\w\s]")
_LONGEST_BY_WORD = 4_000
_AROUND = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the comparison: safe HTML of both sides, empty where a side has nothing.

    `kind` is ``equal``, ``changed``, ``gone`` (left only), ``new`` (right only) or ``skipped``
    (equal paragraphs left out; `left` says how many).
    """

    kind: str
    left: str
    right: str


def paragraphs(segments: Sequence[Mapping[str, Any]]) -> list[str]:
    """The paragraphs of a document; a picture is one of its own."""
    found: list[str] = []
    for segment in segments:
        image = segment.get("image")
        if image is not None:
            found.append(f"[picture: {picture_words(image)}] {image.get('url') or ''}")
        else:
            found += [part for part in re.split(r"\n{2,}", segment.get("text") or "") if part]
    return found


def compared(left: Sequence[str], right: Sequence[str]) -> list[Line]:
    """The paragraphs of two texts side by side; long equal stretches are left out."""
    a, b = left[:MAX_PARAGRAPHS], right[:MAX_PARAGRAPHS]
    lines: list[Line] = []
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += _equal(a[a1:a2], first=a1 == 0, last=a2 == len(a))
        else:
            lines += _changed(a[a1:a2], b[b1:b2])
    if len(left) > MAX_PARAGRAPHS or len(right) > MAX_PARAGRAPHS:
        note = f"only the first {MAX_PARAGRAPHS:,} paragraphs are compared"
        lines.append(Line("skipped", note, note))
    return lines


def _equal(shared: Sequence[str], *, first: bool, last: bool) -> Iterator[Line]:
    lead, tail = 0 if first else _AROUND, 0 if last else _AROUND
    left_out = len(shared) - lead - tail
    if left_out < 2:
        yield from (Line("equal", escape(part), escape(part)) for part in shared)
        return
    yield from (Line("equal", escape(part), escape(part)) for part in shared[:lead])
    note = f"{left_out:,} equal paragraphs"
    yield Line("skipped", note, note)
    for part in shared[len(shared) - tail :]:
        yield Line("equal", escape(part), escape(part))


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    for left, right in zip(old, new, strict=False):
        yield Line("changed", *_by_word(left, right))
    for left in old[len(new) :]:
        yield Line("gone", f"<del>{escape(left)}</del>", "")
    for right in new[len(old) :]:
        yield Line("new", "", f"<ins>{escape(right)}</ins>")


def _by_word(old: str, new: str) -> tuple[str, str]:
    if len(old) + len(new) > _LONGEST_BY_WORD:
        return f"<del>{escape(old)}</del>", f"<ins>{escape(new)}</ins>"
    a, b = _WORD.findall(old), _WORD.findall(new)
    left: list[str] = []
    right: list[str] = []
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        before, after = escape("".join(a[a1:a2])), escape("".join(b[b1:b2]))
        if tag == "equal":
            left.append(before)
            right.append(after)
        else:
            left.append(f"<del>{before}</del>" if before else "")
            right.append(f"<ins>{after}</ins>" if after else "")
    return "".join(left), "".join(right)
