"""General layout of presentation MathML: fractions, roots, styles, boxes, and wrappers of a row.

These elements say how a row is drawn, not what stands in it: each puts a command around the TeX of
its children, or leaves it as it is.
"""

from __future__ import annotations

import re

from infimm_spark.extract import marks
from infimm_spark.extract.formulas.readers.element import ConversionError, Element, kid_at
from infimm_spark.extract.formulas.readers.mathml_rows import mrow, side_by_side
from infimm_spark.extract.formulas.readers.mathml_tokens import LENGTH
from infimm_spark.extract.latex.check import check
from infimm_spark.extract.latex.tokenizer import join


def mfrac(element: Element) -> None:
    """A fraction: with its line, without (a stack of two), or bevelled."""
    upper, lower = kid_at(element, 0), kid_at(element, 1)
    element.tall = True
    if _is_zero(element.attrs.get("linethickness")):
        element.tex, element.kind = "{" + join([upper.tex, r"\atop", lower.tex]) + "}", "stack"
        if not upper.tex and not lower.tex:
            element.kind = ""
        return
    if element.attrs.get("bevelled") == "true":
        element.tex, element.kind = join([_operand(upper), "/", _operand(lower)]), "row"
        return
    element.tex = f"\\frac{{{upper.tex}}}{{{lower.tex}}}"


def _operand(element: Element) -> str:
    return (
        f"{{{element.tex}}}" if element.kind == "row" and not element.tex.isdigit() else element.tex
    )


def _is_zero(thickness: str | None) -> bool:
    if not thickness:
        return False
    match = LENGTH.match(thickness)
    return match is not None and match[1].strip("+-0.") == "" and match[1].strip("+-.") != ""


def msqrt(element: Element) -> None:
    """A square root."""
    tex, _, _ = side_by_side(element.kids)
    element.tex, element.tall = f"\\sqrt{{{tex}}}", True


def mroot(element: Element) -> None:
    """A root and its degree."""
    degree = kid_at(element, 1).tex
    if "]" in degree:
        degree = f"{{{degree}}}"
    index = f"[{degree}]" if degree else ""
    element.tex, element.tall = f"\\sqrt{index}{{{kid_at(element, 0).tex}}}", True


def mstyle(element: Element) -> None:
    """A row in another style, of which only a small fraction keeps a trace."""
    if element.attrs.get("class") in ("maketag", "label"):
        element.kind = "empty"  # TeX4ht's equation number
        return
    mrow(element)
    kids = element.kids
    if len(kids) == 1 and kids[0].tag == "mfrac" and element.tex.startswith(r"\frac"):
        display = element.attrs.get("displaystyle")
        level = element.attrs.get("scriptlevel")
        if display == "false" and level in (None, "0"):
            element.tex = r"\t" + element.tex[1:]


def mphantom(element: Element) -> None:
    """A row that takes room and is not shown."""
    tex, _, _ = side_by_side(element.kids)
    element.tex, element.kind = (f"\\phantom{{{tex}}}", "") if tex else ("", "empty")


def mpadded(element: Element) -> None:
    """A row with other room around it; a phantom without width or height is a strut."""
    kids = element.kids
    if len(kids) == 1 and kids[0].tag == "mphantom" and kids[0].tex:
        width, height = element.attrs.get("width"), element.attrs.get("height")
        if width in ("0", "0em", "0px"):
            element.tex, element.kind = r"\v" + kids[0].tex[1:], "empty"
            return
        if height in ("0", "0em", "0px"):
            element.tex, element.kind = r"\h" + kids[0].tex[1:], ""
            return
    mrow(element)


def menclose(element: Element) -> None:
    """A row that is boxed, struck out or lined, by its notations."""
    inner, kind, tall = side_by_side(element.kids)
    notations = (element.attrs.get("notation") or "longdiv").split()
    if {"updiagonalstrike", "downdiagonalstrike"} <= set(notations):
        notations = ["xcancel"]
    elif {"updiagonalstrike", "updiagonalarrow"} == set(notations):
        notations, kind = ["updiagonalstrike"], "cancelto"
        element.tex, element.kind, element.tall = f"\\cancel{{{inner}}}", kind, tall
        return
    elif {"top", "bottom", "left", "right"} <= set(notations):
        notations = ["box"]
    if {"left", "right"} <= set(notations) and inner.startswith((r"\begin{matrix}", _ARRAY)):
        inner, notations = _with_side_rules(inner, element), []
    tex = inner
    for notation in notations:
        if notation in _ENCLOSURES:
            tex, kind = _ENCLOSURES[notation].replace("{}", f"{{{tex}}}", 1), ""
    element.tex, element.kind, element.tall = tex, kind, tall


_ARRAY = r"\begin{array}{"


def _with_side_rules(table: str, element: Element) -> str:
    """A table that stands alone in its enclosure, with rules at both sides in its columns."""
    if table.startswith(_ARRAY):
        columns, _, body = table[len(_ARRAY) :].partition("}")
        return f"{_ARRAY}|{columns}|}}{body}"
    rows = element.kids
    while len(rows) == 1 and rows[0].tag != "mtable":
        rows = rows[0].kids
    width = max((len(row.kids) for row in rows[0].kids), default=1) if rows else 1
    body = table.removeprefix(r"\begin{matrix}").removesuffix(r"\end{matrix}")
    return f"{_ARRAY}|{'c' * width}|}}{body}\\end{{array}}"


_ENCLOSURES = {
    "xcancel": r"\xcancel{}",
    "box": r"\boxed{}", "roundedbox": r"\boxed{}", "updiagonalstrike": r"\cancel{}",
    "downdiagonalstrike": r"\bcancel{}", "horizontalstrike": r"\enclose{horizontalstrike}{}",
    "verticalstrike": r"\enclose{verticalstrike}{}", "circle": r"\enclose{circle}{}",
    "top": r"\overline{}", "bottom": r"\underline{}", "radical": r"\sqrt{}",
    "left": r"\left|{}\right.", "right": r"\left.{}\right|", "longdiv": r"\overline{\left.\right){}}",
    "actuarial": r"\overline{\left.{}\right|}",
}  # fmt: skip


def merror(element: Element) -> None:
    """merror shows the source that its producer could not read, which is kept, or only says what is
    wrong; raises `ConversionError` for a message."""
    text = " ".join("".join(kid.text for kid in element.kids).split())
    message = element.attrs.get("data-mjx-error") or element.attrs.get("title") or ""
    if text and (text == message or _MESSAGE.match(text)):
        raise ConversionError("merror")
    if (
        text
        and ("\\" in text or _SCRIPT.search(text))
        and all(not kid.kids for kid in element.kids)
    ):
        source = marks.visible_tex(text)
        if check(source) not in (None, "unknown_commands", "too_long") or source[-1:] == "\\":
            raise ConversionError("merror")
        element.tex, element.kind = source, "row"
        return
    mrow(element)


_MESSAGE = re.compile(
    r"(?:Math (?:input|processing|output) error|Undefined control sequence|Missing |Extra "
    r"|Misplaced |Unknown "
    r"|Unexpected |Double (?:sub|super)script|TeX parse error|Could(?: not|n't) )",
    re.I,
)
_SCRIPT = re.compile(r"[\w)}][_^][\w{(]")


def semantics(element: Element) -> None:
    """A formula and its annotations: the formula."""
    element.kids = element.kids[:1]
    mrow(element)


def maction(element: Element) -> None:
    """The child that an action has selected."""
    selection = element.attrs.get("selection") or "1"
    index = int(selection) - 1 if selection.isdigit() and len(selection) < 4 else 0
    kids = [kid for kid in element.kids if kid.tag != "-text"]
    if kids:
        chosen = kids[index] if 0 <= index < len(kids) else kids[0]
        element.tex, element.kind, element.tall = chosen.tex, chosen.kind, chosen.tall


def nothing(element: Element) -> None:
    """An element that shows nothing."""
    element.tex, element.kind = "", "empty"
