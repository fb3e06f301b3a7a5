r"""MathJax 2's SVG back to MathML: where glyphs stand, and nothing else.

Its output names no structure. Groups hold a row of boxes from left to right; what a box is follows from
its place and size: smaller and raised is a superscript, a rule between two boxes a fraction, boxes one
above the other a column of a table. Groups at the origin dissolve into the row around them, so that
the first element of a row has its parts beside its followers. Coordinates are thousandths of an em,
upwards.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers.assembled import assembled, is_of_pieces
from infimm_spark.extract.formulas.readers.element import MAX_ELEMENTS, ConversionError, Element

_DEEPEST = 60


class _Box:
    """A glyph (`char`, `font`), a rule (`width`), or a group (`kids`), at a place in its group."""

    __slots__ = ("char", "font", "kids", "size", "width", "x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y
        self.size = 0.0
        """Scale of its glyphs; 0 without any."""
        self.char = ""
        self.font = ""
        self.width = 0.0
        self.kids: list[_Box] = []

    def is_rule(self) -> bool:
        return self.width > 0


def svg_to_element(svg: LexborNode) -> Element:
    """The MathML element that was drawn. Raises `ConversionError`: ``undecodable``, ``too_large``,
    ``too_deep``."""
    row = _row(_Reader().boxes(svg, 0), 0)
    if not row.kids and not row.text:
        raise ConversionError("undecodable")
    return row


class _Reader:
    """The boxes of one drawing; counts its nodes."""

    def __init__(self) -> None:
        self._nodes = 0

    def boxes(self, parent: LexborNode, depth: int) -> list[_Box]:
        if depth > _DEEPEST:
            raise ConversionError("too_deep")
        found: list[_Box] = []
        node = parent.first_child
        while node is not None:
            self._nodes += 1
            if self._nodes > MAX_ELEMENTS:
                raise ConversionError("too_large")
            box = self._box(node, depth) if node.is_element_node else None
            if box is not None:
                found.append(box)
            node = node.next
        return found

    def _box(self, node: LexborNode, depth: int) -> _Box | None:
        attrs = node.attributes
        transform = attrs.get("transform") or ""
        tag = node.tag
        if tag == "g":
            moved = _TRANSLATE.search(transform)
            box = _Box(*(_number(part) for part in moved.groups())) if moved else _Box(0.0, 0.0)
            box.kids = self.boxes(node, depth + 1)
            box.size = max((kid.size for kid in box.kids), default=0.0)
            return box if box.kids else None
        if tag == "use":
            match = _GLYPH.search(attrs.get("xlink:href") or attrs.get("href") or "")
            if match is None:
                return None
            scaled = _SCALE.search(transform)
            size = _number(scaled[1]) if scaled else 1.0
            box = _Box(size * _number(attrs.get("x")), size * _number(attrs.get("y")))
            code = int(match[2], 16)
            box.size = size
            box.font = match[1]
            box.char = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
            return box if box.char else None
        if tag == "rect":
            box = _Box(_number(attrs.get("x")), _number(attrs.get("y")))
            box.width = _number(attrs.get("width"))
            return box if box.width > 0 and attrs.get("stroke") == "none" else None
        if tag == "text":
            box = _Box(_number(attrs.get("x")), _number(attrs.get("y")))
            box.char, box.font, box.size = " ".join(node.text().split()), "TEXT", 1.0
            return box if box.char else None
        return None


def _number(value: str | None) -> float:
    match = _NUMBER.match(value) if value else None
    return float(match[0]) if match else 0.0


_NUMBER = re.compile(r"\s*-?(?:\d{1,9}(?:\.\d*)?|\.\d+)")
_TRANSLATE = re.compile(r"translate\(\s*(-?[\d.]+)[ ,]+(-?[\d.]+)\s*\)")
_SCALE = re.compile(r"scale\(\s*([\d.]+)\s*\)")
_GLYPH = re.compile(r"#MJ([A-Z]+\d?)-([0-9A-F]{2,6})\Z")


# -- a row
# -------------------------------------------------------------------------------------------


def _row(boxes: Sequence[_Box], depth: int) -> Element:
    """The boxes of a group as one element."""
    if depth > _DEEPEST:
        raise ConversionError("too_deep")
    if len(boxes) == 1 and boxes[0].kids:
        # A table has a group of its own around its columns, a binomial coefficient has not.
        inner = boxes[0].kids
        return (_table(inner, depth) if len(inner) == 1 and inner[0].kids else None) or _row(
            inner, depth + 1
        )
    whole = _fraction(boxes, depth) or _column(boxes, depth) or _table(boxes, depth)
    if whole is not None:
        return whole
    return _Row(boxes, depth).element()


def _fraction(boxes: Sequence[_Box], depth: int) -> Element | None:
    rules = [box for box in boxes if box.is_rule()]
    others = [box for box in boxes if not box.is_rule()]
    if len(rules) != 1 or len(others) != 2 or boxes[0] is not rules[0]:
        return None
    upper, lower = others
    if not (upper.y > rules[0].y > lower.y):
        return None
    element = Element("mfrac")
    element.kids = [_row([upper], depth + 1), _row([lower], depth + 1)]
    return element


def _levels(boxes: Sequence[_Box]) -> bool:
    """Whether boxes stand one below the other."""
    return (
        len(boxes) > 1
        and not any(box.is_rule() for box in boxes)
        and all(
            upper.y - lower.y >= _ROW_DISTANCE * min(upper.size, lower.size, 1.0)
            and lower.size >= _SCRIPT * upper.size
            for upper, lower in itertools.pairwise(boxes)
        )
    )


_ROW_DISTANCE = 600.0
_MOST_ROWS = 200
_SCRIPT = 0.9
"""Boxes smaller than this share of their row are scripts."""


def _column(boxes: Sequence[_Box], depth: int) -> Element | None:
    """Two boxes without a rule: a binomial coefficient, but for its brackets."""
    if len(boxes) != 2 or not _levels(boxes):
        return None
    element = Element("mfrac", {"linethickness": "0"})
    element.kids = [_row([box], depth + 1) for box in boxes]
    return element


def _table(boxes: Sequence[_Box], depth: int) -> Element | None:
    """Groups side by side, each of boxes one below the other."""
    if not all(box.kids and (_levels(box.kids) or len(box.kids) == 1) for box in boxes):
        return None
    if not any(_levels(box.kids) for box in boxes):
        return None
    heights = sorted({kid.y for box in boxes for kid in box.kids}, reverse=True)
    lines: list[float] = []
    for height in heights:
        if not lines or lines[-1] - height > _ROW_DISTANCE / 2:
            lines.append(height)
    if not 2 <= len(lines) <= _MOST_ROWS:
        return None
    table = Element("mtable")
    rows = [table.add("mtr") for _ in lines]
    for box in boxes:
        cells = [row.add("mtd") for row in rows]
        for kid in box.kids:
            nearest = min(range(len(lines)), key=lambda line: abs(lines[line] - kid.y))
            cells[nearest].kids.append(_row([kid], depth + 1))
    return table


class _Row:
    """Reads boxes from left to right, gathering the elements they stand for."""

    def __init__(self, boxes: Sequence[_Box], depth: int) -> None:
        self._boxes = list(boxes)
        self._depth = depth
        self._size = max((box.size for box in boxes), default=1.0) or 1.0
        self._out: list[tuple[float, Element]] = []  # with the place where each begins
        self._at = 0

    def element(self) -> Element:
        while self._at < len(self._boxes):
            self._next()
        elements = [element for _, element in self._out]
        if len(elements) == 1:
            return elements[0]
        row = Element("mrow")
        row.kids = elements
        return row

    def _next(self) -> None:
        box = self._boxes[self._at]
        if box.is_rule():
            self._at += 1
            return
        if self._root():
            return
        stretched = _stretched(box)
        if stretched and self._out and (abs(box.y) > _RAISED or stretched in _ACCENTS):
            self._at += 1
            self._cover(box, stretched)
            return
        self._at += 1
        small = box.size < _SCRIPT * self._size
        if small and abs(box.y) > _RAISED:
            if not self._out:  # before its base
                self._out.append((box.x, Element("mrow")))
            self._script(box)
            return
        if box.kids:
            text = _glyphs(box)
            fence = Element("mo", None, assembled(text)) if is_of_pieces(text) else None
            self._add(box, fence or self._inside([box]))
            return
        if box.char == "\u0338":
            self._strike()
            return
        self._add(box, self._token(box))

    def _strike(self) -> None:
        """A stroke through what follows, or, at the end, through what came before."""
        if self._at < len(self._boxes):
            struck = self._boxes[self._at]
            if struck.char:
                struck.char = unicodedata.normalize("NFC", struck.char + "\u0338")
        elif self._out and (element := self._out[-1][1]).text:
            element.text = unicodedata.normalize("NFC", element.text + "\u0338")

    def _inside(self, boxes: Sequence[_Box]) -> Element:
        return _row(boxes, self._depth + 1)

    def _add(self, box: _Box, element: Element) -> None:
        self._out.append((box.x, element))

    def _root(self) -> bool:
        """A radical sign with its rule, its radicand, and the index before it."""
        at = self._at
        boxes = self._boxes
        index = None
        if not _is_radical(boxes[at]):
            if at + 2 >= len(boxes) or not (boxes[at].size < _SCRIPT * self._size):
                return False
            if not (_is_radical(boxes[at + 1]) and boxes[at + 2].is_rule()):
                return False
            index = boxes[at]
            at += 1
        if at + 1 >= len(boxes) or not boxes[at + 1].is_rule():
            return False
        rule = boxes[at + 1]
        end = at + 2
        while end < len(boxes) and boxes[end].x < rule.x + rule.width - 1:
            end += 1
        element = Element("mroot" if index is not None else "msqrt")
        radicand = self._inside(boxes[at + 2 : end]) if end > at + 2 else Element("mrow")
        element.kids = [radicand] if index is None else [radicand, self._inside([index])]
        self._add(boxes[self._at], element)
        self._at = end
        return True

    def _script(self, box: _Box) -> None:
        """A smaller box above or below the line belongs to what stands before it."""
        over = box.y > 0
        x, base = self._out[-1]
        script = self._inside([box])
        stacked = _nested(base) < _MOST_NESTED and (
            _braced(base) or _RELATION.match(_innermost(base).text) is not None
        )
        if stacked:
            element = Element("mover" if over else "munder")
            element.kids = [base, script]
        elif base.tag == ("msub" if over else "msup"):
            element = Element("msubsup")
            inner, other = base.kids
            element.kids = [inner, other, script] if over else [inner, script, other]
        elif base.tag in ("msub", "msup", "msubsup"):  # it has one of this kind
            element = Element("msup" if over else "msub")
            element.kids = [Element("mrow"), script]
            self._out.append((box.x, element))
            return
        else:
            element = Element("msup" if over else "msub")
            element.kids = [base, script]
        self._out[-1] = (x, element)

    def _cover(self, box: _Box, char: str) -> None:
        """An accent, a bar or a brace over or under what stands there."""
        if _nested(self._out[-1][1]) >= _MOST_NESTED:
            return
        covered = [self._out.pop()]
        while (
            (box.kids or box.font.startswith("SZ"))
            and self._out
            and self._out[-1][0] >= box.x - 100
        ):
            covered.append(self._out.pop())
        covered.reverse()
        base = covered[0][1]
        if len(covered) > 1:
            base = Element("mrow")
            base.kids = [element for _, element in covered]
        element = Element("mover" if box.y > -_RAISED else "munder", {"accent": "true"})
        element.kids = [base, Element("mo", None, char)]
        self._out.append((covered[0][0], element))

    def _token(self, box: _Box) -> Element:
        """The token a glyph begins: a number or an upright word takes its following glyphs."""
        text = box.char
        same = _DIGIT if text.isdigit() else _UPRIGHT if _is_upright(box) else None
        while same is not None and self._at < len(self._boxes):
            following = self._boxes[self._at]
            if (
                following.kids
                or following.font != box.font
                or abs(following.y - box.y) > 1
                or following.size != box.size
                or not same.fullmatch(following.char)
                or following.x - self._boxes[self._at - 1].x > _reach(text) * box.size
            ):
                break
            text += following.char
            self._at += 1
        while text.endswith(".") and len(text) > 1:  # the end of a sentence, not of the number
            text = text[:-1]
            self._at -= 1
        return _element(text, box.font)


def _reach(text: str) -> float:
    """How far behind the last glyph of a token the next one may stand, short of a thin space."""
    if text == "lim":
        return 1_060.0  # `lim sup` is one name
    last = text[-1]
    return 60.0 + (_WIDE.get(last) or (780.0 if last.isupper() else 560.0))


_WIDE = {"m": 833.0, "w": 722.0, "M": 917.0, "W": 1_028.0}
_RAISED = 60.0
_RELATION = re.compile("[=≈≅∼≡≤≥\u2190-\u21ff\u27f0-\u27ff]")
_DIGIT = re.compile(r"[0-9.]")
_UPRIGHT = re.compile(r"[A-Za-z]")


def _is_upright(box: _Box) -> bool:
    return box.font in ("MAIN", "MAINB", "SS", "TYPE") and _UPRIGHT.fullmatch(box.char) is not None


def _element(text: str, font: str) -> Element:
    if font == "TEXT":
        return Element("mtext", None, text)
    if text[0].isdigit():
        return Element("mn", _variant(font, text), text)
    if font.startswith("MATH") or text.isalpha():
        attrs = _variant(font, text)
        if len(text) == 1 and font == "MAIN" and text.isascii():
            attrs = {"mathvariant": "normal"}
        return Element("mi", attrs, text)
    return Element("mo", None, _SPELLED.get(text, text))


def _variant(font: str, text: str) -> dict[str, str | None]:
    variant = _VARIANTS.get(font)
    return {"mathvariant": variant} if variant and text[0].isalnum() and text.isascii() else {}


_VARIANTS = {
    "MAINB": "bold", "MATHBI": "bold-italic", "AMS": "double-struck", "CAL": "script", "CALB": "bold-script",
    "SCR": "script", "FRAK": "fraktur", "FRAKB": "bold-fraktur", "SS": "sans-serif", "SSB": "bold-sans-serif",
    "SSI": "sans-serif-italic", "TYPE": "monospace",
}  # fmt: skip
_SPELLED = {"∣": "|"}


# -- signs made of several glyphs
# ----------------------------------------------------------------------


def _glyphs(box: _Box) -> str:
    """All characters of a box, in order."""
    if not box.kids:
        return box.char
    pieces: list[str] = []
    todo = list(reversed(box.kids))
    while todo:
        item = todo.pop()
        if item.kids:
            todo.extend(reversed(item.kids))
        else:
            pieces.append(item.char)
    return "".join(pieces)


def _is_radical(box: _Box) -> bool:
    text = _glyphs(box)
    return bool(text) and set(text) <= _RADICAL


_RADICAL = frozenset("√⎷\ue000\ue001")


def _stretched(box: _Box) -> str:
    """The accent, bar or brace that a box is, or ``""``."""
    if not box.kids:
        return box.char if box.char in _ACCENTS and box.font in _ACCENT_FONTS else ""
    text = _glyphs(box)
    return _COVERS.get(assembled(text), "") if text else ""


_ACCENTS = frozenset("^~¯ˉ˙¨ˇ˘´`⃗˚ˆ˜")
_ACCENT_FONTS = frozenset({"MAIN", "MAINB", "SZ1", "SZ2", "SZ3", "SZ4", "AMS"})
_COVERS = {
    **dict.fromkeys("¯ˉ‾–", "¯"),
    **dict.fromkeys("^ˆ", "^"),
    **dict.fromkeys("~˜", "~"),
    **{char: char for char in "⏞⏟→←"},
}


def _nested(element: Element) -> int:
    """How many signs stand over and under an element already."""
    depth = 0
    while depth < _MOST_NESTED and element.tag in ("mover", "munder"):
        depth += 1
        element = element.kids[0]
    return depth


def _innermost(element: Element) -> Element:
    for _ in range(_nested(element)):
        element = element.kids[0]
    return element if element.tag == "mo" else Element("none")


_MOST_NESTED = 3


def _braced(element: Element) -> bool:
    return len(element.kids) == 2 and element.kids[1].text in ("⏞", "⏟")
