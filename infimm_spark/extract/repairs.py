"""A page's source made ready for an HTML parser: what browsers, XML and scripts read otherwise.

Each repair looks for a sign of its case first; `signs.py` looks for all of them at once, so that
ordinary pages pay for one search.

- XHTML: elements closed in themselves are opened and closed, CDATA sections become text.
- What React streams in late is shown.
- Declarative shadow roots become ordinary elements.
- Word's conditional comments with OMML take the place of the pictures beside them.
- Slides and other Markdown in `<textarea>`, `<script>` and `<xmp>` are rendered.
"""

from __future__ import annotations

import re
from html import escape, unescape

from infimm_spark.extract import markdown
from infimm_spark.extract.signs import ALL, Sign


def repaired(text: str, content_type: str | None = None, signs: frozenset[Sign] = ALL) -> str:
    """The source of a page after every repair that applies; `signs` are those of `text`."""
    if Sign.REPAIR not in signs:
        return _opened(text, content_type)
    if "msEquation" in text:
        text = _with_word_formulas(text)
    text = _opened(text, content_type)
    if 'hidden id="S:' in text:
        text = _STREAMED.sub(r"<\1 ", text)
    if "shadowroot" in text:
        text = _without_shadow_roots(text)
    if "text/template" in text or "text/markdown" in text or "text/x-markdown" in text:
        text = _SCRIPT_TEMPLATE.sub(_rendered_script, text)
    if "<textarea" in text:
        text = _with_decks(text)
    if "<xmp" in text and "strapdown" in text:
        text = _STRAPDOWN.sub(lambda match: f"<div>{markdown.render(match[1])}</div>", text)
    return text


def _opened(text: str, content_type: str | None) -> str:
    """XHTML with its elements opened and closed, its CDATA as text; any other page as it is."""
    if _is_xhtml(text, content_type) and (
        "<![CDATA[" in text or _closes_elements_in_themselves(text)
    ):
        return _XHTML_PIECE.sub(_opened_and_closed, text)
    return text


# --- XHTML --------------------------------------------------------------------------------------

_XHTML_SIGN = re.compile(r"<html[^>]{0,300}\sxmlns\s*=|<!DOCTYPE[^>]{0,80}XHTML|<\?xml\s", re.I)
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "basefont",
        "frame",
        "keygen",
        "command",
        "bgsound",
        "isindex",
    ]
)
# Parsers close these themselves: MathML and SVG are XML within HTML.
# All alternatives begin with a `<` in any case, so that the search goes from one to the next.
_XHTML_PIECE = re.compile(
    r"<(?i:"
    r"!--.*?-->"
    r"|!\[CDATA\[(?P<data>.*?)\]\]>"
    r"|(?P<raw>script|style|textarea|title|xmp)\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*(?<!/)>.*?</(?P=raw)\s*>"
    r"|(?P<foreign>math|svg)\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*(?<!/)>.*?</(?P=foreign)\s*>"
    r"|(?P<name>[A-Za-z][\w.-]*)(?P<attributes>(?:\s+[^\s<>/=\"']+(?:\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'<>=]+))?)*)\s*/>"
    r")",
    re.S,
)


# A sign that an element other than `<br/>` and its like is closed in itself.
_CLOSED_ELEMENT = re.compile(
    r"<(?:a|div|span|p|script|style|title|td|th|i|b|em|li|ul|ol|h[1-6]|section|textarea|iframe|canvas|object|video)"
    r"(?:\s[^<>]*)?/>"
)


def _closes_elements_in_themselves(text: str) -> bool:
    """Whether `_CLOSED_ELEMENT` is found; only what ends in `/>` is looked at."""
    before = 0
    at = text.find("/>")
    while at >= 0:
        start = text.rfind("<", before, at)
        if start >= 0 and _CLOSED_ELEMENT.match(text, start) is not None:
            return True
        before = at + 2
        at = text.find("/>", before)
    return False


def _is_xhtml(text: str, content_type: str | None) -> bool:
    if content_type is not None and "xhtml" in content_type.lower():
        return True
    return _XHTML_SIGN.search(text, 0, 2_000) is not None


def _opened_and_closed(match: re.Match[str]) -> str:
    if match["data"] is not None:
        return escape(match["data"], quote=False)
    name = match["name"]
    if name is None or name.lower() in _VOID:
        return match[0]
    return f"<{name}{match['attributes']}></{name}>"


# React sends what was not ready at first as `<div hidden id="S:1">`, and a script puts it in its
# place.
_STREAMED = re.compile(r'<(div|table|tbody|tr|svg|math)\s+hidden\s*(?:="")?\s*(?=id="S:)')

# --- shadow roots -------------------------------------------------------------------------------

_TEMPLATE = re.compile(r"<(/?)template\b([^>]*)>", re.I)


def _without_shadow_roots(text: str) -> str:
    """`<template shadowrootmode>` as a `<div>`: browsers show it in the place of its host."""
    pieces: list[str] = []
    opened: list[bool] = []
    position = 0
    for match in _TEMPLATE.finditer(text):
        if match[1]:
            shadow = opened.pop() if opened else False
        else:
            shadow = "shadowroot" in match[2].lower()
            opened.append(shadow)
        if shadow:
            pieces.append(text[position : match.start()])
            pieces.append("</div>" if match[1] else "<div>")
            position = match.end()
    pieces.append(text[position:])
    return "".join(pieces)


# --- Word ---------------------------------------------------------------------------------------

_WORD_FORMULA = re.compile(
    r"<!--\[if gte msEquation \d+\]>(?P<formula>.*?)<!\[endif\]-->"
    r"|<!\[if !msEquation\]>.*?<!\[endif\]>"
    r"|<!--\[if !msEquation\]-->.*?<!--\[endif\]-->",
    re.S,
)
_CLOSED_IN_ITSELF = re.compile(r"<(m:[A-Za-z]+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)/>")


def _with_word_formulas(text: str) -> str:
    """OMML out of the comments that hide it from browsers; its pictures go."""

    def replaced(match: re.Match[str]) -> str:
        formula = match["formula"]
        return _CLOSED_IN_ITSELF.sub(r"<\1\2></\1>", formula) if formula else ""

    return _WORD_FORMULA.sub(replaced, text)


# --- Markdown -----------------------------------------------------------------------------------

# Only the first `<` in any case: the search then goes from one to the next.
_SCRIPT_TEMPLATE = re.compile(
    r"<(?i:script\b[^>]*\btype\s*=\s*[\"']?text/(?P<kind>template|markdown|x-markdown)\b[^>]*>(?P<text>.*?)</script\s*>)",
    re.S,
)
_TEXTAREA = re.compile(r"<(?i:textarea\b(?P<attributes>[^>]*)>(?P<text>.*?)</textarea\s*>)", re.S)
_DECK_ATTRIBUTE = re.compile(
    r"\bdata-template\b|\bdata-markdown\b|\bid\s*=\s*[\"']?(?:source|input|slides)\b", re.I
)
_SLIDE_PROPERTY = re.compile(
    r"^(?:class|name|layout|template|background-\w+|count|exclude|id|title)\s*:.*$", re.M
)
_SLIDE_COMMAND = re.compile(r"^(?:--+|\?\?\?|\*\*\*+|\+\+\+)[ \t]*$", re.M)
_REMARK_CLASS = re.compile(r"\.[a-zA-Z][\w.-]*\[((?:[^\[\]]|\[[^\[\]]*\])*)\]")
_PLACEHOLDER = re.compile(r"\{\{|<%|\$\{|@@|\{%")


# strapdown.js renders the Markdown of a hidden `<xmp>`.
_STRAPDOWN = re.compile(r"<xmp\b[^>]*>(.*?)</xmp\s*>", re.S | re.I)


def _rendered_script(match: re.Match[str]) -> str:
    """Markdown of a deck or a `<zero-md>`; a template of a program, with its placeholders,
    stays."""
    text = match["text"]
    if match["kind"].lower() == "template" and (
        _PLACEHOLDER.search(text) or text.lstrip().startswith("<")
    ):
        return match[0]
    return f"<div>{markdown.render(text)}</div>"


def _with_decks(text: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        if not _DECK_ATTRIBUTE.search(match["attributes"]):
            return match[0]
        if "remark" not in text and "reveal" not in text.lower():
            return match[0]
        return f"<div>{markdown.render(_slides(unescape(match['text'])))}</div>"

    return _TEXTAREA.sub(replaced, text)


def _slides(source: str) -> str:
    """Slides as one text: without the separators, properties and class brackets of the decks."""
    source = _SLIDE_COMMAND.sub("\n", source)
    source = _SLIDE_PROPERTY.sub("", source)
    for _ in range(3):
        source, count = _REMARK_CLASS.subn(r"\1", source)
        if not count:
            break
    return source
