"""Elementary arithmetic of MathML: `mstack` and `mlongdiv`, numbers one below the other, as arrays.

Numbers of different rows never stand side by side in one row, where they would read as one number.
"""

from __future__ import annotations

from infimm_spark.extract.formulas.readers.element import ConversionError, Element
from infimm_spark.extract.latex.tokenizer import join

_RULE = r"\hline"


def mstack(element: Element) -> None:
    """A column of numbers: an array with a rule where a line is drawn."""
    _set(element, [kid.tex for kid in _rows(element)])


def mlongdiv(element: Element) -> None:
    """A long division: the quotient, the divisor before the dividend under a rule, then the
    steps."""
    rows = [kid.tex for kid in _rows(element)]
    if len(rows) < 3:
        raise ConversionError("mlongdiv")
    divisor, quotient, dividend, *steps = rows
    under = join([divisor, rf"\overline{{){dividend}}}"])
    _set(element, [quotient, under, *steps])


def msline(element: Element) -> None:
    """A line between two rows."""
    element.tex, element.kind = _RULE, ""


def unread(element: Element) -> None:
    """Carries and the like: a formula that has them is recorded as failed."""
    raise ConversionError(element.tag)


def _rows(element: Element) -> list[Element]:
    """The rows of a stack, those of groups among them."""
    rows: list[Element] = []
    todo = list(reversed(element.kids))
    while todo:
        kid = todo.pop()
        if kid.tag == "msgroup":
            todo.extend(reversed(kid.kids))
        elif kid.tex:
            rows.append(kid)
    return rows


def _set(element: Element, rows: list[str]) -> None:
    body = " ".join(
        row if row == _RULE or index + 1 == len(rows) else rf"{row} \\"
        for index, row in enumerate(rows)
    )
    element.tex = rf"\begin{{array}}{{r}} {body} \end{{array}}"
    element.kind, element.tall = "table", True
