r"""KaTeX's HTML output back to LaTeX, where neither its MathML nor its annotation was kept.

KaTeX builds everything from spans whose classes say what they are (`mord`, `mbin`, `mfrac`) and from
vertical lists whose entries say by their `top` how high they sit. Each span is read, children
first, as a few MathML elements, which the MathML converter turns into LaTeX.
"""

from __future__ import annotations

import re
import unicodedata

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers.element import MAX_ELEMENTS, ConversionError, Element
from infimm_spark.extract.formulas.readers.mathml import element_to_latex
from infimm_spark.extract.latex.symbols import names

__all__ = ["ConversionError", "katex_to_latex"]


def katex_to_latex(node: LexborNode) -> str:
    r"""LaTeX of a ``.katex`` or ``.katex-html`` element from its HTML part alone.

    Works for the class names of all KaTeX versions. What KaTeX could not parse (``.katex-error``)
    is its source and comes back as it is.

    Raises:
        ConversionError: ``empty`` or ``too_large``.
    """
    spans = _spans(node)
    for span in spans:
        if "error" in span.classes and span.text.strip():
            return span.text.strip()
    for span in reversed(spans):
        _read(span)
    math = Element("math")
    math.kids = [piece for piece in spans[0].pieces if piece.tag != "#negate"]
    return element_to_latex(math)


class _Span:
    """One span of KaTeX's output and what has been read from it so far.

    `pieces` are the MathML elements it stands for, `entries` what a vertical list holds, `marks`
    the strokes and stretched signs that KaTeX draws as SVG.
    """

    __slots__ = (
        "classes",
        "entries",
        "font",
        "in_text",
        "kids",
        "marks",
        "pieces",
        "style",
        "text",
    )

    def __init__(
        self, classes: frozenset[str], style: str, font: str | None, in_text: bool
    ) -> None:
        self.classes = classes
        self.style = style
        self.font = font
        self.in_text = in_text
        self.text = ""
        self.kids: list[_Span] = []
        self.pieces: list[Element] = []
        self.entries: list[_Entry] = []
        self.marks: set[str] = set()


class _Entry:
    """One entry of a vertical list; `shift` is its height over the baseline in em."""

    __slots__ = ("shift", "span")

    def __init__(self, shift: float, span: _Span) -> None:
        self.shift = shift
        self.span = span


_FONTS = {
    "mathbf": "bold", "textbf": "bold", "mathbb": "double-struck", "textbb": "double-struck",
    "mathcal": "script", "mathscr": "script", "textscr": "script", "mathfrak": "fraktur",
    "textfrak": "fraktur", "mathboldfrak": "bold-fraktur", "mathsf": "sans-serif",
    "textsf": "sans-serif", "mathtt": "monospace", "texttt": "monospace", "mathrm": "normal",
    "mathit": "italic", "textit": "italic", "boldsymbol": "bold-italic",
    "textboldsf": "bold-sans-serif", "mathsfit": "sans-serif-italic",
}  # fmt: skip
_IGNORED = frozenset(
    names(
        r"""
    strut pstrut vlist-s nulldelimiter arraycolsep fix tag frac-line overline-line
    underline-line hline hdashline mathml eqn-num newline
    """
    )
)
_IGNORED_ELEMENTS = frozenset({"math", "script", "style", "annotation", "img"})
_DROPPED_CHARACTERS = re.compile("[\u200b\u200c\u200d\u2060\ufeff]")


def _spans(node: LexborNode) -> list[_Span]:
    """All spans below and with `node`, every parent before its children."""
    root = _Span(_classes(node), "", None, False)
    count = 0
    pending: list[tuple[LexborNode, _Span]] = [(node, root)]
    while pending:
        parent_node, parent = pending.pop()
        child = parent_node.first_child
        while child is not None:
            tag = child.tag or ""
            if tag == "-text":
                leaf = _Span(parent.classes, parent.style, parent.font, parent.in_text)
                leaf.text = _DROPPED_CHARACTERS.sub("", child.text_content or "")
                if leaf.text:
                    parent.kids.append(leaf)
            elif tag == "svg":
                parent.marks.update(_svg_marks(child))
            elif tag[0] != "-" and tag not in _IGNORED_ELEMENTS:
                classes = _classes(child)
                if not classes & _IGNORED or "pstrut" in classes:
                    font = next((_FONTS[name] for name in classes if name in _FONTS), parent.font)
                    in_text = parent.in_text or "text" in classes
                    span = _Span(classes, child.attributes.get("style") or "", font, in_text)
                    parent.kids.append(span)
                    pending.append((child, span))
                    count += 1
                    if count > MAX_ELEMENTS:
                        raise ConversionError("too_large")
            child = child.next
    return _parents_first(root)


def _parents_first(root: _Span) -> list[_Span]:
    spans = [root]
    for span in spans:
        if len(span.kids) == 1 and span.kids[0].text:
            # A span that holds nothing but text is that text.
            span.text, span.kids = span.kids[0].text, []
        spans.extend(span.kids)
    return spans


def _classes(node: LexborNode) -> frozenset[str]:
    """Class names as older KaTeX versions write them: without the `katex-` prefix."""
    names = (node.attributes.get("class") or "").split()
    return frozenset(name.removeprefix("katex-") for name in names)


_VIEW_BOX = re.compile(r"0 0 ([\d.]+) ([\d.]+)")
_MARK_OF_WIDTH = {
    "1062": "^",
    "2364": "^",
    "600": "~",
    "1033": "~",
    "2339": "~",
    "2340": "~",
    "471": "→",
}


def _svg_marks(svg: LexborNode) -> set[str]:
    """What a KaTeX SVG draws: an accent, an arrow head, a strike, a tall delimiter."""
    marks: set[str] = set()
    lines = svg.css("line")
    if lines:
        return {
            "cancel" if line.attributes.get("y1") not in ("0", "0%") else "bcancel"
            for line in lines
        }
    attributes = {name.lower(): value or "" for name, value in svg.attributes.items()}
    match = _VIEW_BOX.match(attributes.get("viewbox", ""))
    if match is None:
        return marks
    width, height = match[1], match[2]
    path = svg.css_first("path")
    drawing = (path.attributes.get("d") or "") if path is not None else ""
    if width in _MARK_OF_WIDTH:
        mark = _MARK_OF_WIDTH[width]
        # KaTeX's check is its hat upside down, written with commas
        marks.add("ˇ" if mark == "^" and re.match(r"M\d+,", drawing) else mark)
    elif width == "400000":
        position = attributes.get("preserveaspectratio", "")
        double = height == "560"
        if height == "334":
            marks.add("=")
        elif position.startswith("xMax"):
            marks.add("⇒" if double else "→")
        elif position.startswith("xMin"):
            marks.add("⇐" if double else "←")
        else:
            marks.add("middle")
    elif float(width) < 1000 and float(height) > 1000:
        marks.add("tall" + width)
    return marks


_TOP = re.compile(r"(?:^|;)\s*top:\s*(-?[\d.]+)em")
_HEIGHT = re.compile(r"(?:^|;)\s*height:\s*(-?[\d.]+)em")
_MARGIN = re.compile(r"margin-(?:right|left):\s*(-?[\d.]+)em")


def _length(pattern: re.Pattern[str], style: str) -> float:
    match = pattern.search(style)
    return float(match[1]) if match else 0.0


def _read(span: _Span) -> None:
    classes = span.classes
    if "vlist" in classes:
        for kid in span.kids:
            strut = next((strut for strut in kid.kids if "pstrut" in strut.classes), None)
            height = _length(_HEIGHT, strut.style) if strut else 0.0
            if strut is not None or kid.pieces or kid.marks:
                span.entries.append(_Entry(-_length(_TOP, kid.style) - height, kid))
        return
    if "vlist-r" in classes or "vlist-t" in classes:
        span.entries = next((kid.entries for kid in span.kids if kid.entries), [])
        return
    if "pstrut" in classes:
        return
    if "mspace" in classes:
        _read_space(span)
        return
    if span.text and not span.kids:
        _read_leaf(span)
        return
    for kid in span.kids:
        span.marks |= kid.marks
    reader = next((_READERS[name] for name in _READER_NAMES if name in classes), None)
    if reader is not None:
        reader(span)
        span.marks.clear()
        return
    lists = [kid for kid in span.kids if "vlist-t" in kid.classes]
    if lists and "msupsub" not in classes and lists[0].entries:
        _read_stack(span, lists[0].entries)
        span.marks.clear()
        return
    span.pieces = _in_sequence(span)
    if "minner" in classes or ("mord" in classes and _is_fenced(span.pieces)):
        span.pieces = [_row(span.pieces)]
    if "mop" in classes:
        _name_operator(span)
    if "llap" in classes and [p.text for p in span.pieces if p.tag != "mspace"] == ["/"]:
        span.pieces = [Element("#negate")]
    if "mclose" in classes and len(span.pieces) == 1 and span.pieces[0].text in _MIRRORED:
        span.pieces[0].text = _MIRRORED[span.pieces[0].text]
    if span.marks & {"brace"} or classes & {"brace-left", "brace-center", "brace-right"}:
        span.marks = {"brace"}


def _is_fenced(pieces: list[Element]) -> bool:
    return len(pieces) > 2 and pieces[0].tag == "mo" and pieces[0].text in "([{|‖⟨⌊⌈"


def _in_sequence(span: _Span) -> list[Element]:
    """Pieces of all children side by side, scripts attached to what comes before them."""
    pieces: list[Element] = []
    start = 0
    for kid in span.kids:
        if "msupsub" in kid.classes:
            base = _row(pieces[start:])
            del pieces[start:]
            pieces.append(_attach(base, kid))
            continue
        start = len(pieces)
        for piece in kid.pieces:
            if piece.tag == "#negate" and _base_operator(pieces):
                pieces[-1] = _negated(pieces[-1])
            elif pieces and pieces[-1].tag == "mo" and pieces[-1].text == _NOT:
                pieces[-1] = _negated(piece)
            else:
                pieces.append(piece)
        start = min(start, len(pieces))
    return pieces


_MIRRORED = {"(": ")", "[": "]", "{": "}", "⌈": "⌉", "⌊": "⌋", "⟨": "⟩"}
_NOT = "\ue020"


def _base_operator(pieces: list[Element]) -> bool:
    """Whether the last piece is an operator that a stroke can be laid over."""
    if not pieces:
        return False
    piece = pieces[-1]
    while piece.tag == "mrow" and len(piece.kids) == 1:
        piece = piece.kids[0]
    return piece.tag in ("mo", "mi")


def _negated(piece: Element) -> Element:
    """The relation with a stroke: KaTeX lays U+E020 or `/` over it."""
    while piece.tag == "mrow" and len(piece.kids) == 1:
        piece = piece.kids[0]
    return Element("mo", None, unicodedata.normalize("NFC", piece.text + "\u0338"))


def _attach(base: Element, scripts: _Span) -> Element:
    entries = next((kid.entries for kid in scripts.kids if kid.entries), [])
    sub = [entry for entry in entries if entry.shift <= 0]
    sup = [entry for entry in entries if entry.shift > 0]
    if len(entries) == 2 and len(sub) != 1:
        # Both on one side of the baseline: the higher one is the superscript.
        ordered = sorted(entries, key=lambda entry: entry.shift)
        sub, sup = ordered[:1], ordered[1:]
    element = Element("msubsup" if sub and sup else "msub" if sub else "msup")
    element.kids.append(base)
    element.kids.extend(_row(entry.span.pieces) for entry in (*sub[:1], *sup[:1]))
    return element


def _row(pieces: list[Element]) -> Element:
    if len(pieces) == 1:
        return pieces[0]
    row = Element("mrow")
    row.kids = pieces
    return row


def _read_space(span: _Span) -> None:
    width = _length(_MARGIN, span.style)
    if span.kids:
        span.pieces = _in_sequence(span)
    # Up to 5/18 em KaTeX spaces operators by itself.
    if abs(width) > 0.28:
        span.pieces.append(Element("mspace", {"width": f"{width}em"}))
    elif span.text == "\u00a0" or ("nobreak" in span.classes and span.text):
        span.pieces.append(Element("mtext", None, "\u00a0"))


_OPERATOR_CLASSES = frozenset(
    ["mbin", "mrel", "mopen", "mclose", "mpunct", "minner", "op-symbol", "delimsizing"]
)


# What KaTeX calls the font of variables since 0.12, and in 0.10 and 0.11.
_VARIABLE = frozenset({"mathnormal", "mathdefault"})


def _read_leaf(span: _Span) -> None:
    text, classes = span.text, span.classes
    if span.in_text and _VARIABLE.isdisjoint(classes):
        span.pieces = [_styled(Element("mtext", None, text), span.font)]
    elif text == _NOT or classes & _OPERATOR_CLASSES:
        span.pieces = [Element("mo", None, _joined_fence(text))]
    elif "mop" in classes:
        span.pieces = [Element("mi" if text.isalpha() else "mo", None, text)]
        _name_operator(span)
    elif text.isdigit():
        span.pieces = [_styled(Element("mn", None, text), span.font)]
    elif not _VARIABLE.isdisjoint(classes):
        span.pieces = [Element("mi", None, char) for char in text]
    elif any(char.isalpha() for char in text):
        variant = span.font or ("normal" if text.isascii() else None)
        span.pieces = [_styled(Element("mi", None, text), variant)]
    else:
        span.pieces = [_styled(Element("mo", None, text), span.font)]
    if "color:transparent" in span.style.replace(" ", ""):
        phantom = Element("mphantom")
        phantom.kids = span.pieces
        span.pieces = [phantom]


def _styled(element: Element, variant: str | None) -> Element:
    if variant is not None:
        element.attrs["mathvariant"] = variant
    return element


def _name_operator(span: _Span) -> None:
    """A word set as an operator: `lim sup` is one name, and it is applied to what follows."""
    words = [piece for piece in span.pieces if piece.tag != "mspace"]
    if words and all(piece.tag == "mi" and piece.text.isalpha() for piece in words):
        name = "".join(piece.text for piece in words)
        if len(name) > 1:
            span.pieces = [Element("mi", {"class": "operator"}, name)]


_FENCE_PIECES = {
    "⎛": "(", "⎜": "(", "⎝": "(", "⎞": ")", "⎟": ")", "⎠": ")", "⎧": "{", "⎨": "{", "⎩": "{", "⎫": "}",
    "⎬": "}", "⎭": "}", "∣": "|", "∥": "‖",
}  # fmt: skip


def _joined_fence(text: str) -> str:
    return _FENCE_PIECES.get(text, text)


def _read_delimiter(span: _Span) -> None:
    """A tall delimiter put together from pieces: the pieces tell which one it is."""
    pieces = "".join(entry.span.text or _texts(entry.span) for entry in _entries(span))
    marks = {mark for mark in _all_marks(span) if mark.startswith("tall")}
    if "⎡" in pieces or "⎣" in pieces:
        fence = "[" if "⎡" in pieces and "⎣" in pieces else "⌈" if "⎡" in pieces else "⌊"
    elif "⎤" in pieces or "⎦" in pieces:
        fence = "]" if "⎤" in pieces and "⎦" in pieces else "⌉" if "⎤" in pieces else "⌋"
    elif pieces:
        fence = _joined_fence(pieces[0])
    elif marks:
        fence = _TALL_FENCES.get(marks.pop()[4:], "|")
    else:
        span.pieces = _in_sequence(span)
        return
    span.pieces = [Element("mo", None, fence)]


# Widths of KaTeX's tall delimiters drawn as SVG; brackets of either side share one width.
_TALL_FENCES = {"333": "|", "556": "‖", "875": "(", "889": "{", "667": "["}


def _texts(span: _Span) -> str:
    return "".join(inner.text for inner in _parents_first(span))


def _all_marks(span: _Span) -> set[str]:
    marks: set[str] = set()
    for inner in _parents_first(span):
        marks |= inner.marks
    return marks


def _entries(span: _Span) -> list[_Entry]:
    return next((kid.entries for kid in span.kids if kid.entries), [])


def _read_fraction(span: _Span) -> None:
    entries = sorted(_entries(span), key=lambda entry: -entry.shift)
    parts = [entry for entry in entries if entry.span.pieces]
    fraction = Element("mfrac")
    # The line is an entry of its own without content.
    if len(entries) == len(parts) == 2 or (len(entries) < 3 and len(parts) < 2):
        fraction.attrs["linethickness"] = "0"
    if len(parts) == 2:
        fraction.kids = [_row(part.span.pieces) for part in parts]
    else:
        upper = _row(entries[0].span.pieces) if entries else Element("mrow")
        lower = _row(entries[-1].span.pieces) if len(entries) > 1 else Element("mrow")
        fraction.kids = [upper, lower]
    span.pieces = [fraction]


def _read_root(span: _Span) -> None:
    degree = next((kid for kid in span.kids if "root" in kid.classes), None)
    content = [entry for kid in span.kids if "root" not in kid.classes for entry in kid.entries]
    inner = [piece for entry in content for piece in entry.span.pieces]
    if degree is None:
        element = Element("msqrt")
        element.kids = inner
    else:
        element = Element("mroot")
        element.kids = [_row(inner), _row([p for e in _entries(degree) for p in e.span.pieces])]
    span.pieces = [element]


def _read_index(span: _Span) -> None:
    """The degree of a root is read by the root."""


def _read_accent(span: _Span) -> None:
    entries = _entries(span)
    bodies = [e for e in entries if any("accent-body" in kid.classes for kid in e.span.kids)]
    base = next((e for e in entries if e not in bodies and e.span.pieces), None)
    sign: str | None = None
    over = True
    for entry in entries:
        if entry is base:
            continue
        marks = _all_marks(entry.span)
        text = _texts(entry.span).strip()
        sign = text or _arrow(marks)
        over = base is None or entry.shift >= base.shift
    element = Element("mover" if over else "munder")
    mark = Element("mo", {"stretchy": "true"} if not bodies else None, sign or "")
    element.kids = [_row(base.span.pieces) if base else Element("mrow"), mark]
    span.pieces = [element]


def _arrow(marks: set[str]) -> str | None:
    """The sign that a set of SVG parts makes: two heads are a double arrow."""
    if "brace" in marks:
        return "brace"
    if {"→", "←"} <= marks:
        return "↔"
    if {"⇒", "⇐"} <= marks:
        return "⇔"
    return next((mark for mark in sorted(marks) if mark != "middle"), None)


def _read_line(span: _Span) -> None:
    element = Element("mover" if "overline" in span.classes else "munder")
    inner = [piece for entry in _entries(span) for piece in entry.span.pieces]
    element.kids = [_row(inner), Element("mo", None, "‾" if element.tag == "mover" else "_")]
    span.pieces = [element]


def _read_arrow(span: _Span) -> None:
    entries = _entries(span)
    drawn = next((e for e in entries if not e.span.pieces), None)
    arrow = Element(
        "mo", {"minsize": "3em"}, _arrow(_all_marks(drawn.span) if drawn else set()) or "→"
    )
    level = drawn.shift if drawn else 0.0
    over = [e for e in entries if e.span.pieces and e.shift > level]
    under = [e for e in entries if e.span.pieces and e.shift <= level]
    span.pieces = [_stacked(arrow, under, over)]


def _stacked(base: Element, under: list[_Entry], over: list[_Entry]) -> Element:
    if not under and not over:
        return base
    element = Element("munderover" if under and over else "munder" if under else "mover")
    element.kids.append(base)
    for entries in (under, over):
        if entries:
            element.kids.append(_row([piece for entry in entries for piece in entry.span.pieces]))
    return element


def _read_stack(span: _Span, entries: list[_Entry]) -> None:
    """Limits, braces, boxes and strikes: a base on the baseline with something above or below."""
    filled = [entry for entry in entries if entry.span.pieces]
    if not filled:
        return
    marks: set[str] = set()
    for entry in entries:
        if not entry.span.pieces:
            marks |= _all_marks(entry.span)
            if any("fbox" in inner.classes for inner in _parents_first(entry.span)):
                marks.add("fbox")
            if any("sout" in inner.classes for inner in _parents_first(entry.span)):
                marks.add("sout")
    base = min(filled, key=lambda entry: abs(entry.shift))
    # A brace and its label are lifted together: the base is what the label is centred on.
    inner = _row(base.span.pieces)
    enclosure = marks & {"cancel", "bcancel", "fbox", "sout"}
    if enclosure:
        notation = " ".join(_NOTATIONS[mark] for mark in sorted(enclosure))
        box = Element("menclose", {"notation": notation})
        box.kids = [inner]
        span.pieces = [box]
        return
    sign = _arrow(marks)
    if sign is not None:
        drawn = next(entry for entry in entries if not entry.span.pieces)
        over = drawn.shift > base.shift
        stretched = Element("mover" if over else "munder")
        mark = ("⏞" if over else "⏟") if sign == "brace" else sign
        stretched.kids = [inner, Element("mo", {"stretchy": "true"}, mark)]
        inner = stretched
    others = [entry for entry in filled if entry is not base]
    above = [entry for entry in others if entry.shift > base.shift]
    below = [entry for entry in others if entry.shift <= base.shift]
    span.pieces = [_stacked(inner, below, above)]


_NOTATIONS = {"cancel": "updiagonalstrike", "bcancel": "downdiagonalstrike", "fbox": "box",
              "sout": "horizontalstrike"}  # fmt: skip


def _read_table(span: _Span) -> None:
    columns: list[tuple[str, list[_Entry]]] = []
    bars: list[str] = []
    for kid in span.kids:
        if "vertical-separator" in kid.classes:
            if columns and len(bars) < len(columns):
                bars.append("solid")
            continue
        alignment = next((name[10:] for name in kid.classes if name.startswith("col-align-")), None)
        if alignment is None:
            continue
        while len(bars) < len(columns):
            bars.append("none")
        entries = sorted(_entries(kid), key=lambda entry: -entry.shift)
        columns.append((alignment, entries))
    if not columns:
        lists = [kid for kid in span.kids if kid.entries]
        if lists:  # a table with rules is wrapped in a list that holds the rules
            _read_stack(span, lists[0].entries)
        else:
            span.pieces = _in_sequence(span)
        return
    names = {"l": "left", "r": "right"}
    table = Element(
        "mtable", {"columnalign": " ".join(names.get(name, "center") for name, _ in columns)}
    )
    if "solid" in bars[: len(columns) - 1]:
        table.attrs["columnlines"] = " ".join(bars[: len(columns) - 1])
    for row in range(max(len(entries) for _, entries in columns)):
        line = table.add("mtr")
        for _, entries in columns:
            cell = line.add("mtd")
            if row < len(entries):
                cell.kids = list(entries[row].span.pieces)
    span.pieces = [table]


_READERS = {
    "mfrac": _read_fraction, "sqrt": _read_root, "root": _read_index, "accent": _read_accent,
    "accentunder": _read_accent, "overline": _read_line, "underline": _read_line,
    "x-arrow": _read_arrow, "mtable": _read_table, "mult": _read_delimiter,
}  # fmt: skip
_READER_NAMES = tuple(_READERS)
