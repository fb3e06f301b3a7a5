"""The page as it was crawled, made harmless, with one formula marked.

Scripts, frames, links to elsewhere, forms and every attribute that runs or loads anything are taken
out, and what is left is served under a policy that forbids scripts and requests, into a frame
without rights (`guard.FRAME_POLICY`): either alone would do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from infimm_spark.extract import marks
from infimm_spark.extract.document import Formula
from infimm_spark.extract.page import parse_page
from infimm_spark.extract.screen import ScreenLimits, screen
from infimm_spark.warc.charset import decode_html

_REMOVED = (
    "script", "iframe", "frame", "object", "embed", "applet", "link", "meta", "base", "template",
    "audio", "video", "source", "track", "portal", "animate", "animatemotion", "animatetransform",
    "set", "fencedframe", "param", "title",
)  # fmt: skip
_KEPT_ATTRIBUTES = frozenset(
    {
        "class", "id", "style", "dir", "lang", "title", "alt", "colspan", "rowspan", "scope",
        "align", "valign", "width", "height", "border", "cellpadding", "cellspacing", "size",
        "color", "face", "bgcolor", "open", "start", "reversed", "type",
        # MathML and SVG: how formulas are drawn
        "display", "mathvariant", "stretchy", "fence", "separator", "lspace", "rspace",
        "accent", "columnalign", "rowspacing", "columnspacing", "displaystyle", "scriptlevel",
        "linethickness", "close", "minsize", "maxsize", "viewbox", "xmlns", "d", "x", "y", "x1",
        "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "points", "transform", "fill", "stroke",
        "stroke-width", "text-anchor", "font-size", "font-family", "preserveaspectratio",
        "aria-hidden", "role",
    }
)  # fmt: skip
_OUTSIDE_CSS = re.compile(
    r"@import[^;]*;?|url\s*\([^)]*\)?|image-set\s*\([^)]*\)?|expression\s*\(|\\|-moz-binding|behavior\s*:",
    re.I,
)
_EMPTY = re.compile(r"\s+")

MARK_STYLE = """
mark.infimm { background: #ffe066; color: #000; outline: 3px solid #d9480f; border-radius: 2px; }
.katex-html, .MathJax_Preview { display: none; }
img { min-width: 1em; min-height: 1em; outline: 1px dashed #999; }
"""
_OPEN, _CLOSE = marks.FORMULA, marks.CLOSE
# Elements whose text or attributes hold a formula's source, or that are drawn formulas.
_SOURCES = ("math", "script", "img", "annotation", "svg")
_SOURCE_ATTRIBUTES = (
    "alt", "title", "alttext", "data-tex", "data-latex", "data-math", "aria-label", "data-expr",
    "data-formula", "src",
)  # fmt: skip


def harmless(
    body: bytes,
    content_type: str | None = None,
    formulas: Sequence[Formula] = (),
    mark: int | None = None,
) -> str:
    """A whole HTML document that shows the page and can do nothing.

    With `mark` that formula of the page (`formulas`, in page order) is marked by `<mark
    id="formula">`, if its place is found. Raises `PageRejectedError` for a page that no parser
    should be given.
    """
    screen(body, ScreenLimits())
    source = marks.sealed(decode_html(body, content_type)[0])
    parser = LexborHTMLParser(source)
    if mark is not None and 0 <= mark < len(formulas):
        _mark(parser, formulas, mark)
    for node in parser.css(", ".join(_REMOVED)):
        node.decompose()
    root = parser.root
    if root is not None:
        for node in root.traverse(include_text=False):
            _disarm(node)
    shown = parser.body.html if parser.body is not None else ""
    styles = "".join(node.html or "" for node in parser.css("head style"))
    shown = (shown or "").replace(_OPEN, '<mark class="infimm" id="formula">')
    shown = shown.replace(_CLOSE, "</mark>")
    return (
        f'<!doctype html><html><head><meta charset="utf-8">{styles}<style>{MARK_STYLE}</style>'
        f"</head>{shown}</html>"
    )


def page_formulas(body: bytes, url: str, content_type: str | None) -> list[Formula]:
    """All formulas of the page, found anew; raises `PageRejectedError`."""
    return parse_page(body, url=url, content_type=content_type).document().formulas


def numbers_in_text(formulas: Sequence[Formula], written: Sequence[str]) -> list[int | None]:
    """For each formula of the page its number among those of the document's text, if it is there.

    They are the same but for failed ones, unless other code or settings made the document.
    """
    recovered = [i for i, formula in enumerate(formulas) if formula.outcome != "failed"]
    texts = ["".join(formulas[i].tex.split()) for i in recovered]
    numbers: list[int | None] = [None] * len(formulas)
    matcher = SequenceMatcher(None, texts, ["".join(tex.split()) for tex in written], False)
    for a, b, size in matcher.get_matching_blocks():
        for step in range(size):
            numbers[recovered[a + step]] = b + step
    return numbers


# --- disarming --------------------------------------------------------------------------------


def _disarm(node: LexborNode) -> None:
    attributes = node.attributes
    for name, value in attributes.items():
        lower = name.lower()
        value = value or ""
        if lower in ("href", "xlink:href") and value.startswith("#"):
            continue  # within the page: footnotes, and the glyphs of drawn formulas
        if lower not in _KEPT_ATTRIBUTES or (
            lower == "style" and value is not None and _OUTSIDE_CSS.search(value)
        ):
            del node.attrs[name]
    if node.tag == "style":
        css = node.text() or ""
        if _OUTSIDE_CSS.search(css):
            node.inner_html = escape(_OUTSIDE_CSS.sub("", css), quote=False)


# --- the place of a formula -------------------------------------------------------------------


def _mark(parser: LexborHTMLParser, formulas: Sequence[Formula], wanted: int) -> None:
    """Put marks around the wanted formula: found one after the other, in page order."""
    places = _places(parser)
    at = 0
    for number, formula in enumerate(formulas[: wanted + 1]):
        found = _place(places, at, formula)
        if found is None:
            continue
        index, begin, end = found
        if number == wanted:
            _set_marks(places[index][0], begin, end)
            return
        # Several formulas may stand in one text: go on behind this one.
        node, text, kind = places[index]
        if kind == "text":
            places[index] = (node, " " * end + text[end:], kind)
            at = index
        else:
            at = index + 1


_Place = tuple[LexborNode, str, str]


def _places(parser: LexborHTMLParser) -> list[_Place]:
    """(node, what it holds, kind) of everything that may hold a formula, in page order."""
    places: list[_Place] = []
    root = parser.body or parser.root
    if root is None:
        return places
    for node in root.traverse(include_text=True):
        if node.tag == "-text":
            text = node.text(deep=False) or node.text_content or ""
            if text.strip():
                parent = node.parent
                inside = parent.tag if parent is not None else ""
                if inside == "script" or _within_mathml(node):
                    continue
                places.append((node, text, "text"))
        elif node.tag == "annotation" and _within_mathml(node):
            continue
        elif node.tag in _SOURCES or any(n in node.attributes for n in _SOURCE_ATTRIBUTES[3:6]):
            values = [node.attributes.get(name) or "" for name in _SOURCE_ATTRIBUTES]
            if node.tag in ("script", "annotation", "math"):
                values.append(node.text() or "")
            places.append((node, " ".join(filter(None, values)), str(node.tag)))
    return places


def _within_mathml(node: LexborNode) -> bool:
    """Whether a node is a part of a <math>, which is one place, or of what is drawn beside one."""
    parent = node.parent
    for _ in range(40):
        if parent is None or parent.tag in ("p", "div", "body", "li", "td"):
            return False
        if parent.tag == "math" or parent.attributes.get("aria-hidden") == "true":
            return True
        parent = parent.parent
    return False


_AHEAD = 3_000


def _place(places: list[_Place], start: int, formula: Formula) -> tuple[int, int, int] | None:
    """Index of the place that holds the formula, and its stretch there if the place is text."""
    pattern = _loose(formula.tex)
    drawn = formula.encoding.startswith(("math", "mml")) or "mathml" in formula.encoding
    for index in range(start, min(len(places), start + _AHEAD)):
        _, text, kind = places[index]
        if drawn and kind == "math":
            return index, 0, 0
        if pattern is None:
            continue
        found = pattern.search(text)
        if found is not None:
            if kind == "text" and len(formula.tex) < 3 and not _delimited(text, found):
                continue
            return index, found.start(), found.end()
    return None


def _loose(tex: str) -> re.Pattern[str] | None:
    """The formula's source whatever its blanks."""
    pieces = _EMPTY.sub("", tex)
    if not pieces or len(pieces) > 2_000:
        return None
    return re.compile(r"\s*".join(re.escape(char) for char in pieces))


def _delimited(text: str, found: re.Match[str]) -> bool:
    return text[: found.start()].rstrip()[-1:] in ("$", "(", "[", "`") or text.strip() == found[0]


_HIDDEN = ("script", "annotation")


def _set_marks(node: LexborNode, begin: int, end: int) -> None:
    if node.tag == "-text":
        text = node.text(deep=False) or node.text_content or ""
        node.replace_with(f"{text[:begin]}{_OPEN}{text[begin:end]}{_CLOSE}{text[end:]}")
        return
    if node.tag in _HIDDEN:
        while node.parent is not None and node.parent.tag in ("math", "semantics", "annotation"):
            node = node.parent
    # Around what is drawn: the formula's outermost element, not a part of it
    node.insert_before(_OPEN)
    node.insert_after(_CLOSE)
