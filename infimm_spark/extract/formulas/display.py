"""Whether a formula is displayed: what elements, their classes and attributes, and TeX say of
it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.sources import Attributes, class_of
from infimm_spark.extract.latex.facts import BEGINS_DISPLAY

_SWITCHES = (
    "data-display",
    "data-display-mode",
    "data-displaymode",
    "display",
    "data-block",
    "block",
)
_INLINE = ("inline", "data-inline", "data-lexical-inline")
_ON = frozenset({"true", "block", "display", ""})
# Attributes that name the mode; each with its words for displayed.
_MODES = {"data-math-style": "display", "data-katex-display": "true", "env": "displaymath"}
_DISPLAY_TAGS = frozenset({"amp-mathml", "div", "figure", "math-div", "p", "pre"})
_DISPLAY_CLASS = re.compile(r"display|block", re.I)
_WRAPPER = re.compile(
    r"MathJax_(?:\w+_)?Display|MJXc-display|katex--?display|mwe-math-mathml-display"
    r"|(?:^|\s)(?:math-display|displaymath|display-math|disp-formula|formula-display)(?:$|\s)"
)
_IMAGE_CLASS = re.compile(
    r"display|math-block|block-math|formulaDsp|(?:^|\s)(?:dispmath|block)(?:$|\s)", re.I
)


def of_element(node: LexborNode, attrs: Attributes) -> bool:
    """Mode of an element that holds TeX: its attributes, else its class, else its tag."""
    for name, displayed in _MODES.items():
        mode = attrs.get(name)
        if mode:
            return mode == displayed
    if any(name in attrs and (attrs[name] or "") in _ON for name in _SWITCHES):
        return True
    classes = attrs.get("class") or ""
    tag = node.tag or ""
    if (
        "inline" in classes
        or "inline" in tag
        or any(name in attrs and attrs[name] != "false" for name in _INLINE)
    ):
        return False
    if "-" in tag and ("block" in tag or "display" in tag):
        return True
    return _DISPLAY_CLASS.search(classes) is not None or tag in _DISPLAY_TAGS


def of_mathml(node: LexborNode, attrs: Attributes) -> bool:
    """Mode of `<math>`: `display`, the old `mode`, or the class of its parent."""
    mode = (attrs.get("display") or attrs.get("mode") or "").strip().lower()
    if mode:
        return mode in ("block", "display", "true")
    return of_wrapper(node.parent)


def of_wrapper(node: LexborNode | None, levels: int = 1) -> bool:
    """Whether an element, or one of the `levels - 1` around it, is what renderers display formulas
    in."""
    while node is not None and levels:
        if _WRAPPER.search(class_of(node)) is not None:
            return True
        node = node.parent
        levels -= 1
    return False


def of_image(attrs: Mapping[str, str | None], tex: str) -> bool:
    """Mode of an image of a formula: its class, its TeX, or Zhihu's marks."""
    if _IMAGE_CLASS.search(attrs.get("class") or "") or BEGINS_DISPLAY.match(tex):
        return True
    # Zhihu ends the source of a formula on a line of its own with `\\\\`
    return attrs.get("eeimg") == "2" or (
        "eeimg" in attrs and (attrs.get("alt") or "").endswith("\\\\")
    )
