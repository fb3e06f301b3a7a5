r"""Facts about TeX that several modules need, each list once: environments, delimiters, matrices.

Commands, symbols and names of functions are in `symbols`.
"""

from __future__ import annotations

import re

DISPLAY_ENVIRONMENTS = frozenset(
    [
        "align",
        "alignat",
        "darray",
        "dgroup",
        "displaymath",
        "dmath",
        "empheq",
        "eqnarray",
        "equation",
        "flalign",
        "gather",
        "IEEEeqnarray",
        "math",
        "multline",
        "numcases",
        "subequations",
        "subnumcases",
        "xalignat",
        "xxalignat",
    ]
)
"""Environments that begin a formula of their own in TeX; each also with a star."""

INNER_ENVIRONMENTS = frozenset(
    [
        "aligned",
        "alignedat",
        "array",
        "Bmatrix",
        "Bsmallmatrix",
        "bmatrix",
        "bsmallmatrix",
        "cases",
        "CD",
        "crampedsubarray",
        "dcases",
        "drcases",
        "gathered",
        "matrix",
        "multlined",
        "pmatrix",
        "prooftree",
        "psmallmatrix",
        "rcases",
        "smallmatrix",
        "split",
        "subarray",
        "tikzcd",
        "Vmatrix",
        "Vsmallmatrix",
        "vmatrix",
        "vsmallmatrix",
        "xy",
    ]
)
"""Environments that stand inside formulas in TeX; MathJax typesets them by themselves, too."""

TEXT_ENVIRONMENTS = frozenset(
    [
        "abstract",
        "center",
        "comment",
        "corollary",
        "definition",
        "description",
        "document",
        "enumerate",
        "example",
        "exercise",
        "figure",
        "flushleft",
        "flushright",
        "itemize",
        "lemma",
        "letter",
        "list",
        "lstlisting",
        "minipage",
        "problem",
        "proof",
        "proposition",
        "quotation",
        "quote",
        "remark",
        "solution",
        "tabbing",
        "table",
        "tabular",
        "theorem",
        "thebibliography",
        "tikzpicture",
        "titlepage",
        "verbatim",
        "verse",
    ]
)
"""Environments of text: what they hold is no formula, whatever a library makes of them."""

ENVIRONMENTS = DISPLAY_ENVIRONMENTS | INNER_ENVIRONMENTS

_ANY_DISPLAYED = "|".join(sorted(DISPLAY_ENVIRONMENTS - {"math"}))
BEGINS_DISPLAY = re.compile(rf"\s*(?:\$\$|\\\[|\\begin\s*\{{(?:{_ANY_DISPLAYED})\*?\}})")
r"""How TeX begins that is displayed by its own word: `$$`, `\[`, `\begin{align}`."""

MATRIX_FENCES = {
    "matrix": ("", ""), "smallmatrix": ("", ""), "array": ("", ""), "subarray": ("", ""),
    "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "Bmatrix": (r"\{", r"\}"),
    "vmatrix": ("|", "|"), "Vmatrix": (r"\|", r"\|"), "cases": (r"\{", ""), "dcases": (r"\{", ""),
    "rcases": ("", r"\}"), "drcases": ("", r"\}"), "psmallmatrix": ("(", ")"),
    "bsmallmatrix": ("[", "]"), "vsmallmatrix": ("|", "|"), "tabular": ("", ""), "numcases": ("", ""),
}  # fmt: skip
"""Environment of rows → the delimiters that it sets around them."""

MATRIX_OF = {
    MATRIX_FENCES[name]: name
    for name in ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix")
}
"""Delimiters → the matrix environment that sets them."""

DELIMITERS = (
    ("$$", "$$", True),
    (r"\[", r"\]", True),
    (r"\(", r"\)", False),
    ("[tex]", "[/tex]", False),
    ("[latex]", "[/latex]", False),
    ("[math]", "[/math]", False),
    ("[itex]", "[/itex]", False),
    ("$`", "`$", False),
    ("$", "$", False),
)
"""(opening, closing, displayed) of the delimiters that enclose a formula, longest first."""

WRITTEN_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$\n]+(?:\n[^$\n]+)*)\$")
"""A formula as this package writes it into text: `$$x^2$$` (group 1) or `$x^2$` (group 2), the
inline one without blank lines."""
