"""Formulas in attributes (`data-tex`, `data-expr`, ...) and in `katex.render` calls."""

from __future__ import annotations

import json

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.readers.mathml_elements import source_mark
from infimm_spark.extract.formulas.sources import Attributes, PageState, undelimited
from infimm_spark.extract.latex import is_tex

# These names mean TeX wherever they stand; the others need a value that looks like it.
CERTAIN = ("data-tex", "data-latex", "data-katex")
LIKELY = (
    "data-expr",
    "data-equation",
    "data-formula",
    "data-math",
    "data-math-content",
    "data-value-tex",
)


def read_attribute(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """An element that carries its TeX in a `data-` attribute."""
    asciimath = attrs.get("data-asciimath")
    if asciimath:
        try:
            return page.ledger.add(asciimath_to_latex(asciimath), False, "asciimath")
        except ConversionError as error:
            return page.ledger.fail(str(error), False, "asciimath")
    for name in (*CERTAIN, *LIKELY):
        value = attrs.get(name)
        if not value or not value.strip():
            continue
        if name in LIKELY and not (is_tex(value) or _math_class(attrs)):
            continue
        tex, display = undelimited(value)
        if name == "data-tex" and tex.endswith("\\\\"):  # Zhihu's mark of a formula on its own line
            tex, display = tex[:-2], True
        if display is None:
            display = mode_of.of_element(node, attrs)
        return page.ledger.add(tex, display, name)
    return None


def read_value(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """Quill's `span.ql-formula`: its TeX is in `data-value`, whatever has been rendered inside it."""
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
