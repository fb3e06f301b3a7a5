"""What a page hides from its readers."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.sources import Attributes, PageState

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
MATH_HINT = re.compile(r"\\\(|\\\[|\$\$|\\begin\{")
"""Signs of a delimited formula in text."""


def is_hidden(attrs: Attributes, node: LexborNode, page: PageState) -> bool:
    """Hidden by markup, and no mathematics inside (definitions of macros are read all the same)."""
    if "hidden" not in attrs or attrs["hidden"] == "until-found":
        style = attrs.get("style")
        if style is None or _HIDDEN.search(style) is None:
            return False
    text = node.text() or ""
    return not (
        MATH_HINT.search(text)
        or "\\newcommand" in text
        or (page.traits.khan and text)
        or node.css_first(rendered.SELECTOR) is not None
    )
