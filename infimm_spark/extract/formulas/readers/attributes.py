"""Formulas in attributes (`data-tex`, `data-expr`, ...) and in `katex.render` calls."""

from __future__ import annotations

import base64
import json
import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.readers.mathml_elements import source_mark
from infimm_spark.extract.formulas.sources import (
    Attributes,
    PageState,
    plain_source,
    undelimited,
)
from infimm_spark.extract.latex import is_tex
from infimm_spark.extract.latex.check import is_formula, is_word

# These names mean TeX wherever they stand; the others need a value that looks like it.
CERTAIN: tuple[str, ...] = ("data-tex", "data-latex", "data-katex")
LIKELY: tuple[str, ...] = (
    "data-eq",
    "data-eqn",
    "data-expr",
    "data-expression",
    "data-equation",
    "data-formula",
    "data-math",
    "data-mathjax",
    "data-mathquill",
    *dict.fromkeys(
        f"data-{first}-{second}"
        for kind in ("tex", "latex", "katex", "math", "mathjax", "equation", "formula")
        for part in (
            "latex",
            "tex",
            "code",
            "content",
            "expression",
            "source",
            "src",
            "text",
            "value",
            "original",
        )
        for first, second in ((kind, part), (part, kind))
    ),
)
LEXICAL = "data-lexical-equation"


def read_attribute(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """An element that carries its TeX in a `data-` attribute."""
    asciimath = attrs.get("data-asciimath")
    if asciimath:
        return _asciimath(asciimath, page, mode_of.of_element(node, attrs))
    for name, value in attrs.items():
        if name not in _NAMES or not value or not value.strip() or is_word(value):
            continue
        if value[0] == value[-1] == "`" and len(value) > 2:
            return _asciimath(value[1:-1], page, mode_of.of_element(node, attrs))
        if name == LEXICAL:
            value = from_base64(value) or value
        elif name not in CERTAIN and not (is_tex(value) or _math_class(attrs)):
            continue
        tex, display = undelimited(value)
        if name == "data-tex" and tex.endswith("\\\\"):  # Zhihu's mark of a formula on its own line
            tex, display = tex[:-2], True
        if display is None:
            display = mode_of.of_element(node, attrs)
        return page.ledger.add(tex, display, name)
    return None


_NAMES = frozenset((*CERTAIN, *LIKELY, LEXICAL))


def _asciimath(source: str, page: PageState, display: bool) -> str:
    try:
        return page.ledger.add(asciimath_to_latex(source), display, "asciimath")
    except ConversionError as error:
        return page.ledger.fail(str(error), display, "asciimath")


def from_base64(value: str) -> str | None:
    """The text that a value encodes in Base64 (either alphabet), or None."""
    if _BASE64.fullmatch(value) is None:
        return None
    try:
        padded = value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4)
        text = base64.b64decode(padded, validate=True).decode("utf-8")
    except ValueError:
        return None
    return text if text.isprintable() or "\\" in text else None


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{2,8000}={0,2}")


def read_custom(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """A custom element named after mathematics (`<tex-inline>`, `<d-math block>`), with the formula
    as its text or in an attribute; None for one that holds words."""
    source = plain_source(node, page)
    if source is None:
        return None
    names = [source] if source.strip() else [attrs.get(name) or "" for name in _OF_CUSTOM]
    tag = node.tag or ""
    for text in map(str.strip, names):
        if not text:
            continue
        if "ascii" in tag or (text[0] == text[-1] == "`" and len(text) > 2):
            return _asciimath(text.strip("`"), page, mode_of.of_element(node, attrs))
        tex, display = undelimited(text)
        if display is None:
            if _DELIMITER.search(text) or is_word(text) or not is_formula(text):
                return None
            display = mode_of.of_element(node, attrs)
        return page.ledger.add(tex, display, "math-element")
    return None


_OF_CUSTOM = ("tex", "latex", "math", "formula", "equation", "expression", "expr", "value", "source",
              "code", "content", "text", "data")  # fmt: skip
_DELIMITER = re.compile(r"(?<!\\)\$|\\[(\[]")


def read_value(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """Quill's `span.ql-formula`: its TeX is in `data-value`, whatever has been rendered inside
    it."""
    tex = attrs.get("data-value")
    return page.ledger.add(tex, False, "data-value") if tex and tex.strip() else None


def read_substack(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """Substack's LaTeX block, an empty element that its script fills: JSON in `data-attrs`."""
    try:
        tex = json.loads(attrs.get("data-attrs") or "{}")["persistentExpression"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (
        page.ledger.add(tex, True, "data-attrs") if isinstance(tex, str) and tex.strip() else None
    )


def read_mathml_attribute(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """An element that carries MathML in `data-mathml`."""
    source = attrs.get("data-mathml") or ""
    if "math" not in source:
        return None
    source = source.replace("«", "<").replace("»", ">").replace("¨", '"')
    return source_mark(source, page, False, "data-mathml")


def read_rendered(attrs: Attributes, page: PageState) -> str | None:
    """The target of a `katex.render("...", document.getElementById("id"))` call."""
    formula = page.traits.rendered.get(attrs.get("id") or "")
    return page.ledger.add(formula[0], formula[1], "katex-render") if formula else None


def _math_class(attrs: Attributes) -> bool:
    classes = (attrs.get("class") or "").lower()
    return any(word in classes for word in ("math", "tex", "formula", "equation"))
