"""What stands before the items of numbered lists: `start`, `value`, `reversed`, letters and Roman
numbers."""

from __future__ import annotations

import re

from infimm_spark.extract.formulas.sources import Attributes
from infimm_spark.extract.tree import Block

_INTEGER = re.compile(r"\s*([+-]?\d{1,9})")
_STYLE = re.compile(
    r"list-style(?:-type)?\s*:[^;]*?\b(lower-alpha|lower-latin|upper-alpha|upper-latin|lower-roman|upper-roman"
    r"|lower-greek|none)\b",
    re.I,
)
# The classes of docutils, Asciidoctor and PreTeXt: `loweralpha`, `upper-roman`.
_CLASS = re.compile(r"(?:^|\s)(lower|upper)-?(alpha|latin|roman)(?:\s|$)")
_TYPES = {
    "lower-alpha": "a",
    "lower-latin": "a",
    "upper-alpha": "A",
    "upper-latin": "A",
    "lower-roman": "i",
    "upper-roman": "I",
}


class Numbering:
    """The running number of one numbered list."""

    def __init__(self, ordered: Block) -> None:
        attrs = ordered.attrs
        self._step = -1 if "reversed" in attrs else 1
        start = _integer(attrs, "start")
        if start is None:
            start = 1
            if self._step < 0:
                start = sum(
                    isinstance(child, Block) and child.tag == "li" for child in ordered.children
                )
        self._next = start
        self._type = _type(attrs) or "1"

    def before(self, item: Block) -> str:
        """`7. `, `c. ` or `iv. `, for the next item of the list."""
        value = _integer(item.attrs, "value")
        number = self._next if value is None else value
        self._next = number + self._step
        return f"{_written(number, _type(item.attrs) or self._type)}. "


def _integer(attrs: Attributes, name: str) -> int | None:
    match = _INTEGER.match(attrs.get(name) or "")
    return int(match[1]) if match else None


def _type(attrs: Attributes) -> str | None:
    declared = (attrs.get("type") or "").strip()
    if declared in ("1", "a", "A", "i", "I"):
        return declared
    style = attrs.get("style")
    match = _STYLE.search(style) if style else None
    if match is None:
        classes = attrs.get("class")
        match = _CLASS.search(classes) if classes else None
        return _TYPES[f"{match[1]}-{match[2]}"] if match else None
    return _TYPES.get(match[1].lower())


_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def _written(number: int, kind: str) -> str:
    written = str(number)
    if kind in "aA" and number > 0:
        letters = ""
        while number > 0:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord("a") + letter) + letters
        written = letters
    elif kind in "iI" and 0 < number < 4_000:
        written = ""
        for value, letters in _ROMAN:
            count, number = divmod(number, value)
            written += letters * count
    return written.upper() if kind in "AI" else written
