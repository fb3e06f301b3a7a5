"""KaTeX output: its TeX annotation, else the layout of its HTML read back."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.katex_html import katex_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.readers.mathml_elements import annotation_of, math_mark
from infimm_spark.extract.formulas.sources import Attributes, PageState, first, text_of


def read_katex(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`span.katex`."""
    return _mark(node, page, mode_of.of_wrapper(node.parent))


def read_display(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`span.katex-display` around one `span.katex`."""
    inner = node.css("span.katex")
    return _mark(inner[0], page, True) if len(inner) == 1 else None


def read_error(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`span.katex-error`: KaTeX could not parse it, and shows the source."""
    source = text_of(node).strip()
    return page.ledger.add(source, False, "katex-error") if source else None


def _mark(node: LexborNode, page: PageState, display: bool) -> str | None:
    math = first(node, "math")
    if math is not None and math.attributes.get("display") == "block":
        display = True
    tex = annotation_of(node)
    if tex:
        return page.ledger.add(tex, display, "katex-annotation")
    if node.css_first(".katex-html") is None:
        return math_mark(math, math.attributes, page, display, "katex-mathml") if math else None
    try:
        return page.ledger.add(katex_to_latex(node), display, "katex-html")
    except ConversionError as error:
        return page.ledger.fail(str(error), display, "katex-html") + text_of(node).strip()
