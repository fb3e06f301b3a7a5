"""`<math>` elements: TeX from their annotation or alttext, else by conversion."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract import marks
from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.mathml import (
    ConversionError,
    mathml_to_latex,
    parse_mathml,
)
from infimm_spark.extract.formulas.sources import Attributes, PageState, class_of, first
from infimm_spark.extract.latex import clean, is_tex

_SCRIPT = re.compile(r"[\w)\]}][\^_][\w({\\]")  # `x^2`, `a_{n}`


def read_math(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """A `<math>` element; one without elements inside is TeX that a script would set."""
    child = node.first_child
    if child is not None and child.tag == "-text" and child.next is None:
        source = child.text_content or ""
        if is_tex(source) or _SCRIPT.search(source) is not None:
            return page.ledger.add(source, mode_of.of_mathml(node, attrs), "math-element")
    return math_mark(node, attrs, page, mode_of.of_mathml(node, attrs))


def read_wrapper(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """An element whose only meaning is the `<math>` inside it."""
    math = first(node, "math")
    if math is None:
        return None
    inner = math.attributes
    return math_mark(math, inner, page, mode_of.of_mathml(math, inner))


def read_wikimedia(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`span.mwe-math-element`: MathML (hidden) and a fallback image of one formula."""
    math = first(node, "math")
    image = first(node, "img", "meta")
    shown = class_of(image)
    if math is not None:
        inner = math.attributes
        display = mode_of.of_mathml(math, inner) or "image-display" in shown
        return math_mark(math, inner, page, display)
    if image is not None:
        alt = image.attributes.get("alt")
        if alt:
            return page.ledger.add(alt, "image-display" in shown, "image-alt")
    return None


def math_mark(
    node: LexborNode, attrs: Attributes, page: PageState, display: bool, origin: str = "mathml"
) -> str:
    """Record the formula of a `<math>` element; `origin` prefixes its encoding."""
    tex = annotation_of(node)
    if tex:
        return page.ledger.add(tex, display, f"{origin}-annotation")
    alttext = attrs.get("alttext")
    if alttext and _is_tex(alttext, node):
        return page.ledger.add(alttext, display, f"{origin}-alttext")
    try:
        tex = mathml_to_latex(node)
    except ConversionError as error:
        # Numbers of elements that were not read stay apart.
        visible = " ".join(node.text(separator=" ").split())
        if not visible:
            return ""
        return page.ledger.fail(str(error), display, origin) + marks.cleared(visible)
    if not tex.strip():
        return ""
    return page.ledger.add(tex, display, origin)


def source_mark(source: str, page: PageState, display: bool, origin: str) -> str:
    """`math_mark` of MathML that stands as text in a script or an attribute."""
    try:
        math = parse_mathml(source)
    except ConversionError as error:
        return page.ledger.fail(str(error), display, origin)
    shown = display or math.attributes.get("display") == "block"
    return math_mark(math, math.attributes, page, shown, origin)


def annotation_of(node: LexborNode) -> str | None:
    """TeX of an `<annotation>` whose encoding is any spelling of TeX or LaTeX."""
    for child in node.css("annotation, annotation-xml"):
        encoding = (child.attributes.get("encoding") or "").strip().lower()
        if encoding in _TEX_ENCODINGS or (
            "tex" in encoding and not encoding.startswith(("text/", "mathml", "application/mathml"))
        ):
            tex = clean(child.text() or "")
            if tex:
                return tex
    return None


_TEX_ENCODINGS = frozenset(
    {
        "application/x-tex",
        "application/x-latex",
        "application/tex",
        "text/x-latex",
        "text/latex",
        "text/tex",
        "text/x-tex",
    }
)
_ALTTEXT_TEX = re.compile(r"[\\^_{}]")


def _is_tex(alttext: str, node: LexborNode) -> bool:
    """LaTeXML's alttext is TeX; that of publishers is often words for a screen reader."""
    alttext = alttext.strip()
    if not alttext:
        return False
    if _ALTTEXT_TEX.search(alttext):
        return True
    return "ltx_Math" in class_of(node) or (
        len(alttext) <= 30 and _SHORT.fullmatch(alttext) is not None
    )


_SHORT = re.compile(r"[A-Za-z]|[\d.,]+|(?:[A-Za-z]|\d+)(?:\s*[-+=<>/*,]\s*(?:[A-Za-z]|\d+))+")
