"""MathJax output kept in the page: version 2 leftovers beside their script, 3 and 4 containers."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.mathjax_output import mathjax_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.readers.mathml_elements import math_mark, source_mark
from infimm_spark.extract.formulas.sources import (
    Attributes,
    PageState,
    class_of,
    first,
    next_element,
    text_of,
    undelimited,
)


def read_container(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`mjx-container` of MathJax 3 and 4."""
    display = attrs.get("display") in ("true", "block")
    tex = _data_latex(node, attrs)
    if tex:
        return page.ledger.add(tex, display, "mathjax-latex")
    math = first(node, "math")
    if math is not None:
        return math_mark(math, math.attributes, page, display, "mathjax-mathml")
    if node.css_first("mjx-math, svg, mjx-itable") is None:
        source, mode = undelimited(text_of(node))
        return page.ledger.add(source, display or mode is True, "math-element")
    return _decoded(node, page, display)


def read_preview(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`MathJax_Preview`: shown until MathJax has run; its formula follows."""
    following = next_element(node)
    if following is None:
        return None
    if following.tag == "script" or "MathJax" in class_of(following):
        return ""
    return None


def read_output(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """A frame that MathJax 2 rendered; its script, when still there, is the source."""
    frame = attrs.get("id") or ""
    if frame.endswith("-Frame") and frame[:-6] in page.script_ids:
        return ""
    following = next_element(node)
    while following is not None and "MathJax" in class_of(following):
        following = next_element(following)
    if following is not None and following.tag == "script":
        kind = following.attributes.get("type") or ""
        if kind.startswith("math/"):
            return ""
    display = mode_of.of_wrapper(node, 3)
    mathml = attrs.get("data-mathml")
    if not mathml:
        carrier = node.css_first("[data-mathml]")
        mathml = carrier.attributes.get("data-mathml") if carrier is not None else None
    if mathml:
        return source_mark(mathml, page, display, "mathjax-mathml")
    embedded = first(node, "math")
    if embedded is not None:
        return math_mark(embedded, embedded.attributes, page, display, "mathjax-mathml")
    if node.css_first("span.math, mjx-math, .mjx-math, svg, nobr") is None:
        return None
    return _decoded(node, page, display)


def _data_latex(node: LexborNode, attrs: Attributes) -> str | None:
    tex = attrs.get("data-latex")
    if tex:
        return tex
    child = node.child
    while child is not None:
        if child.tag in ("mjx-math", "svg", "g", "math") and child.is_element_node:
            tex = child.attributes.get("data-latex")
            if tex:
                return tex
        child = child.next
    inner = node.css_first("mjx-math[data-latex], svg > g > g[data-mml-node=math][data-latex]")
    return inner.attributes.get("data-latex") if inner is not None else None


def _decoded(node: LexborNode, page: PageState, display: bool) -> str:
    try:
        return page.ledger.add(mathjax_to_latex(node), display, "mathjax-output")
    except ConversionError as error:
        return page.ledger.fail(str(error), display, "mathjax-output") + text_of(node).strip()
