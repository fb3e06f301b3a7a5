r"""Documents made from LaTeX by LaTeX2HTML, LaTeXML and Pandoc: what each leaves of its formulas."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.readers.mathml import ConversionError, mathml_to_latex
from infimm_spark.extract.formulas.readers.mathml_elements import annotation_of
from infimm_spark.extract.formulas.readers.platforms import html_to_latex, read_ambiguous
from infimm_spark.extract.formulas.sources import (
    Attributes,
    PageState,
    class_of,
    text_of,
    undelimited,
)
from infimm_spark.extract.latex.check import is_word
from infimm_spark.extract.latex.facts import BEGINS_DISPLAY

# --- LaTeX2HTML -------------------------------------------------------------------------------

_MATH_COMMENT = re.compile(r"<!--\s*MATH\s(.*?)-->", re.S)


def read_latex2html(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`.MATH`, `.mathdisplay` and `.displaymath`: the source stands in a comment before or inside,
    unless the formula is as plain as its HTML."""
    display = "MATH" not in (attrs.get("class") or "")
    source = _comment_before(node) or _comment_inside(node)
    if source is not None:
        tex, mode = undelimited(source)
        display = display or mode is True or BEGINS_DISPLAY.match(source) is not None
        return page.ledger.add(tex, display, "latex2html-comment")
    if display:
        return _latex2html_table(node, page)
    if node.css_first("img") is not None:
        return None
    tex = html_to_latex(node)
    return page.ledger.add(tex, display, "html-math") if tex else None


def _latex2html_table(node: LexborNode, page: PageState) -> str | None:
    """An alignment set as a table of small formulas."""
    rows: list[str] = []
    for row in node.css("table.equation tr"):
        cells: list[str] = []
        for cell in row.css("td.RIGHT, td.LEFT, td.CENTER"):
            image = cell.css_first("img")
            tex = image.attributes.get("alt") or "" if image is not None else html_to_latex(cell)
            cells.append(_STYLE.sub("", undelimited(tex)[0]))
        if any(cells):
            rows.append(" & ".join(cells))
    if not any("&" in row for row in rows):
        return None
    body = " \\\\ ".join(rows)
    return page.ledger.add(f"\\begin{{align*}} {body} \\end{{align*}}", True, "latex2html-table")


def _comment_before(node: LexborNode) -> str | None:
    """The comment right before an element, or alone in the paragraph right before it."""
    before = node.prev
    while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
        before = before.prev
    if before is not None and before.tag == "p" and not text_of(before).strip():
        before = before.first_child
        while before is not None and before.tag == "-text":
            before = before.next
    return _comment(before)


def _comment_inside(node: LexborNode) -> str | None:
    child = node.first_child
    while child is not None and child.tag == "-text" and not (child.text_content or "").strip():
        child = child.next
    return _comment(child)


def _comment(node: LexborNode | None) -> str | None:
    if node is None or node.tag != "-comment":
        return None
    match = _MATH_COMMENT.match(node.html or "")
    return match[1].strip() if match else None


# --- LaTeXML ----------------------------------------------------------------------------------


def read_latexml_group(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`table.ltx_equationgroup`: an alignment whose cells are formulas of their own, put
    together."""
    rows: list[str] = []
    numbered = False
    widest = 0
    for row in node.css("tr.ltx_eqn_row"):
        cells: list[str] = []
        cell = row.first_child
        while cell is not None:
            if cell.tag == "td":
                classes = class_of(cell)
                if "ltx_eqn_eqno" in classes:
                    numbered = True
                elif "ltx_eqn_center_pad" not in classes:
                    source = _cell_source(cell)
                    if source is None:
                        return None
                    cells.append(source)
            cell = cell.next
        if cells:
            rows.append(" & ".join(cells))
            widest = max(widest, len(cells))
    if widest < 2 or not any(row.strip(" &") for row in rows):
        return None
    name = "eqnarray" if "ltx_eqn_eqnarray" in (attrs.get("class") or "") else "align"
    name += "" if numbered else "*"
    body = " \\\\ ".join(rows)
    tex = f"\\begin{{{name}}} {body} \\end{{{name}}}"
    return page.ledger.add(tex, True, "latexml-group")


_STYLE = re.compile(r"^\s*\\displaystyle(?![A-Za-z])\s*")


def _cell_source(cell: LexborNode) -> str | None:
    """TeX of the formulas of a cell; None for a cell with text of its own."""
    pieces: list[str] = []
    maths = cell.css("math")
    words = len("".join(text_of(cell).split()))
    for math in maths:
        words -= len("".join(text_of(math).split()))
        tex = annotation_of(math) or math.attributes.get("alttext")
        if not tex:
            try:
                tex = mathml_to_latex(math)
            except ConversionError:
                tex = ""
        pieces.append(_STYLE.sub("", tex))
    return " ".join(pieces) if words <= 2 else None


# --- Pandoc -----------------------------------------------------------------------------------

_BEARERS = f"script, img, {rendered.SELECTOR}"


def read_math_class(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """`.math.inline` and `.math.display`: TeX, or plain HTML where no mathematics was asked for."""
    classes = (attrs.get("class") or "").split()
    if "inline" not in classes and "display" not in classes:
        return read_ambiguous(node, attrs, page)
    if node.css_first(_BEARERS) is not None:
        return None
    display = "display" in classes
    source = text_of(node).strip()
    if not source or len(source) > 20_000 or is_word(source):
        return None
    if node.css_first("em, sup, sub, strong, i") is not None or (
        "\\" not in source and not source.isascii()
    ):
        return page.ledger.add(html_to_latex(node), display, "html-math")
    tex, mode = undelimited(source)
    return page.ledger.add(tex, display or mode is True, "math-element")
