r"""MathML to LaTeX: presentation markup, and content markup where there is no other.

The converter is a table of small functions, one a MathML element, which the modules beside this one
hold by subject. Elements are converted children first, each into TeX and a `kind` that tells its
parent what it is: an atom, a row, an operator.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from selectolax.lexbor import LexborHTMLParser, LexborNode

from infimm_spark.extract.formulas.readers import content_mathml
from infimm_spark.extract.formulas.readers.element import (
    ConversionError,
    Element,
    from_lexbor,
    in_order,
)
from infimm_spark.extract.formulas.readers.mathml_elementary import (
    mlongdiv,
    msline,
    mstack,
    unread,
)
from infimm_spark.extract.formulas.readers.mathml_layout import (
    maction,
    menclose,
    merror,
    mfrac,
    mpadded,
    mphantom,
    mroot,
    msqrt,
    mstyle,
    nothing,
    semantics,
)
from infimm_spark.extract.formulas.readers.mathml_rows import mfenced, mrow
from infimm_spark.extract.formulas.readers.mathml_scripts import (
    mmultiscripts,
    mover,
    msub,
    msubsup,
    msup,
    munder,
    munderover,
)
from infimm_spark.extract.formulas.readers.mathml_tables import mtable
from infimm_spark.extract.formulas.readers.mathml_tokens import (
    mglyph,
    mi,
    mn,
    mo,
    ms,
    mspace,
    mtext,
)

__all__ = [
    "ConversionError",
    "element_to_latex",
    "mathml_to_latex",
    "parse_mathml",
]

MAX_LENGTH = 100_000
"""Characters of TeX beyond which a conversion is given up."""


def mathml_to_latex(node: LexborNode) -> str:
    r"""LaTeX of a ``<math>`` node without delimiters; annotations and `alttext` are not looked at.

    Raises:
        ConversionError: ``empty`` for a formula without content, ``too_large`` beyond the limits.
    """
    return element_to_latex(from_lexbor(node))


def element_to_latex(root: Element) -> str:
    """LaTeX of a MathML element tree; see `mathml_to_latex`."""
    elements = in_order(root)
    if any(element.tag in content_mathml.MARKERS for element in elements):
        content_mathml.to_presentation(root)
        elements = in_order(root)
    for element in elements:
        _inherit(element)
    if any("linethickness" in element.attrs for element in elements):
        _inherit_thickness(elements)
    for element in reversed(elements):
        if element.kids and element.tag in _TOKEN_CONVERTERS:
            mrow(element)
        else:
            _CONVERTERS.get(element.tag, mrow)(element)
        if len(element.tex) > MAX_LENGTH:
            raise ConversionError("too_large")
    if root.kind == "prime":
        root.tex = root.tex.replace("'", r"\prime")
    tex = root.tex.strip()
    if not tex:
        raise ConversionError("empty")
    if "{}_" in tex or "{}^" in tex or "phantom" in tex:
        tex = _CHEMICAL_BASE.sub(r"\1", tex)
    return tex


# mhchem hangs indices on an empty base, or an invisible A or X, beside the element: `H{}_{2}`.
_CHEMICAL_BASE = re.compile(
    r"(\\mathrm\{[A-Z][A-Za-z]*\}(?:[_^]\{[\w+-]{1,4}\}|[_^]\w)?|[)\]])\s*(?:\{\}|\\[vh]?phantom\{[AX]\})(?=[_^])"
)


def _inherit(element: Element) -> None:
    variant = element.attrs.get("mathvariant") or element.variant
    element.variant = variant
    if variant and element.tag in _INHERITED:
        for kid in element.kids:
            kid.variant = variant


def _inherit_thickness(elements: list[Element]) -> None:
    """The thickness of a fraction's line is inherited from any element around but a fraction's
    own."""
    inherited: dict[int, str | None] = {}
    for element in elements:
        own = element.attrs.get("linethickness")
        around = inherited.get(id(element))
        if element.tag == "mfrac":
            if own is None and around is not None:
                element.attrs["linethickness"] = around
        elif own is not None:
            around = own
        if around is not None:
            for kid in element.kids:
                inherited[id(kid)] = around


_INHERITED = frozenset(
    {"mstyle", "math", "mrow", "semantics", "mpadded", "merror", "mtd", "mtr", "mtable"}
)

_CONVERTERS: dict[str, Callable[[Element], None]] = {
    "mi": mi, "mn": mn, "mo": mo, "mtext": mtext, "ms": ms, "mspace": mspace, "mglyph": mglyph,
    "-text": mi,
    "mfenced": mfenced,
    "msub": msub, "msup": msup, "msubsup": msubsup, "mmultiscripts": mmultiscripts,
    "munder": munder, "mover": mover, "munderover": munderover,
    "mfrac": mfrac, "msqrt": msqrt, "mroot": mroot, "mstyle": mstyle, "mphantom": mphantom,
    "mpadded": mpadded, "menclose": menclose, "merror": merror, "semantics": semantics,
    "maction": maction, "none": nothing, "mprescripts": nothing, "malignmark": nothing,
    "maligngroup": nothing,
    "mtable": mtable, "mstack": mstack, "mlongdiv": mlongdiv, "msline": msline, "mscarries": unread,
    "msgroup": mrow, "msrow": mrow,
}  # fmt: skip
"""One function an element; of all others the children stand side by side."""

_TOKEN_CONVERTERS = frozenset({"mi", "mn", "mo", "mtext", "ms"})


# --- around the formula -----------------------------------------------------------------------

_PROLOGUE = re.compile(r"<\?.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_PREFIX = re.compile(r"(</?)[A-Za-z][\w.-]*:(?=[A-Za-z])")


def parse_mathml(xml: str) -> LexborNode:
    """The ``<math>`` node of a MathML string.

    Takes XML declarations, DOCTYPEs, CDATA, any namespace prefix, HTML and MathML entities, markup
    escaped once more, and fragments without a ``<math>`` around them.

    Raises:
        ConversionError: ``no_mathml`` where there is no element at all.
    """
    xml = xml.strip()
    if xml.startswith("&lt;"):
        xml = html.unescape(xml)
    xml = _PROLOGUE.sub("", xml) if "<?" in xml or "<!" in xml[:500] else xml
    if "<![CDATA[" in xml:
        xml = _CDATA.sub(lambda match: html.escape(match[1]), xml)
    if ":" in xml:
        xml = _PREFIX.sub(r"\1", xml)
    tree = LexborHTMLParser(xml)
    node = tree.css_first("math")
    if node is None:
        if "<" not in xml:
            raise ConversionError("no_mathml")
        tree = LexborHTMLParser(f"<math>{xml}</math>")
        node = tree.css_first("math")
    if node is None:
        raise ConversionError("no_mathml")
    return node
