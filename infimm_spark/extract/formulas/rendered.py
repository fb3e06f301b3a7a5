"""How mathematics looks that a renderer has typeset: names of its elements, and selectors of
them."""

from __future__ import annotations

import re

MATHJAX_CONTAINER = "mjx-container"
MATHJAX_CLASSES = (
    "MathJax",
    "MathJax_SVG",
    "MathJax_CHTML",
    "MathJax_PHTML",
    "MathJax_PlainSource",
    "MathJax_MathML",
    "mjx-chtml",
    "MathJax_Processing",
    "MathJax_Processed",
    "MathJax_Error",
)
ASSISTIVE_TAG = "mjx-assistive-mml"
ASSISTIVE_CLASS = "MJX_Assistive_MathML"
KATEX_CLASSES = ("katex",)
KATEX_DISPLAY_CLASSES = ("katex-display", "katex-block")
WIKIMEDIA_CLASS = "mwe-math-element"

MATH_SCRIPT = "script[type^='math/']"
SELECTOR = ", ".join(
    (
        MATH_SCRIPT,
        "math",
        MATHJAX_CONTAINER,
        *(f".{name}" for name in (*MATHJAX_CLASSES, *KATEX_CLASSES, WIKIMEDIA_CLASS)),
    )
)
"""CSS selector of typeset mathematics and of the scripts that MathJax 2 typesets."""

BEARER_TAGS = frozenset({"math", "script", "img", MATHJAX_CONTAINER, "svg", "mjx-math"})
BEARER_CLASS = re.compile(r"katex|MathJax|mjx|mwe-math|ql-")
"""What an element holds whose text is not the source of its formula."""

LIBRARY_MARKUP = (
    "MathJax.Hub",
    "MathJax_",
    MATHJAX_CONTAINER,
    'class="katex',
    "text/x-mathjax-config",
    'type="math/tex',
)
"""Strings in a page's source that show that a library typesets its mathematics."""
