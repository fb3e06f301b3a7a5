"""`<script type="math/tex">` and its AsciiMath and MathML siblings."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex
from infimm_spark.extract.formulas.readers.mathml import ConversionError
from infimm_spark.extract.formulas.readers.mathml_elements import source_mark
from infimm_spark.extract.formulas.sources import Attributes, PageState


def read_script(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """The formula of a math script; ``""`` for every other script."""
    kind = (attrs.get("type") or "").lower()
    if not kind.startswith("math/"):
        return ""
    source = _CDATA.sub("", node.text() or "").strip()
    if not source:
        return ""
    display = "mode=display" in kind.replace(" ", "")
    language = kind[5:].partition(";")[0].strip()
    if language in ("tex", "latex", "x-tex", "x-latex"):
        return page.ledger.add(source, display, "tex-script")
    if language == "asciimath":
        try:
            return page.ledger.add(asciimath_to_latex(source), display, "asciimath-script")
        except ConversionError as error:
            return page.ledger.fail(str(error), display, "asciimath-script")
    if language in ("mml", "mathml"):
        return source_mark(source, page, display, "mathml-script")
    return ""


def quick_source(node: LexborNode) -> str | None:
    """The TeX of a math script, uncleaned; None for every other script."""
    kind = node.attributes.get("type")
    return node.text() if kind and kind.startswith("math/tex") else None


# kramdown wraps scripts as `% <![CDATA[ ... %]]>`
_CDATA = re.compile(r"%?\s*<!\[CDATA\[|%?\s*\]\]>")
