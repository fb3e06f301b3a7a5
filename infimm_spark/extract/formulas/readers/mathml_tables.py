"""Tables of presentation MathML: `mtable` as aligned lines, a matrix or an array.

MathML has one table for all of them, and renderers put margins, numbers and rules into cells of
their own: those are taken out first, then the alignment of the columns tells what TeX it was.
"""

from __future__ import annotations

import re

from infimm_spark.extract.formulas.readers.element import Element
from infimm_spark.extract.latex.tokenizer import join


def mtable(element: Element) -> None:
    """A table: an alignment, a matrix or an array by its columns, or one numbered line."""
    rows: list[list[Element]] = []
    tag = ""
    for row in element.kids:
        if row.tag not in ("mtr", "mlabeledtr"):
            if row.tex:
                rows.append([row])
            continue
        cells = [kid for kid in row.kids if kid.tag != "-text"]
        if row.tag == "mlabeledtr" and cells:
            tag = cells[0].tex
            cells = cells[1:]
        classes = row.attrs.get("class") or ""
        if classes == "array-hline":  # TeX4ht's rule
            continue
        if len(cells) > 2 and (
            classes == "tml-tageqn" or (cells[0].attrs.get("width") == "50%" and not cells[0].tex)
        ):  # Temml and KaTeX: margins at both sides, the number in the last
            tag = cells[-1].tex
            cells = [cell for cell in cells[1:-1] if cell.attrs.get("width") != "50%"]
        elif cells and cells[-1].attrs.get("class") == "align-label":
            cells = cells[:-1]
        rows.append(cells)
    if not rows:
        element.kind = "empty"
        return
    glue = _leading_empty_columns(rows)
    # Rows up to the last column that holds something in any row; tables of blanks stay.
    last = max((i for row in rows for i, cell in enumerate(row) if cell.tex), default=-1)
    rows = [row[glue : last + 1] if last >= 0 else row[glue:] for row in rows]
    width = max(len(row) for row in rows)
    body = r" \\ ".join(" & ".join(cell.tex for cell in row) for row in rows)
    element.kind, element.tall = "table", True
    alignment = _alignment(element, rows, width)
    lines = (element.attrs.get("columnlines") or "").split()
    if element.attrs.get("rowlines"):
        body = _with_row_lines(body, element.attrs["rowlines"] or "")
    if "#labelled" in element.attrs and len(rows) == 1 and width == 1:
        element.tex, element.kind = body, "row"
        return
    if tag and len(rows) == 1 and width == 1:
        element.tex, element.kind = f"{body} \\tag{{{_label(tag)}}}", "row"
        return
    if any(line != "none" for line in lines):
        bars = ["|" if line != "none" else "" for line in lines]
        bars = (bars + [bars[-1]] * width)[: width - 1]
        spec = "".join(
            column + (bars[i] if i < len(bars) else "") for i, column in enumerate(alignment)
        )
        element.tex = f"\\begin{{array}}{{{spec}}} {body} \\end{{array}}"
    elif alignment == "rcl" and element.attrs.get("displaystyle") == "true":
        # eqnarray: its relation stands in a column of its own
        body = r" \\ ".join(
            join([cell.tex + (" & " if i == 0 else "") for i, cell in enumerate(row)])
            for row in rows
        )
        element.tex = f"\\begin{{aligned}} {body} \\end{{aligned}}"
    elif (
        (element.attrs.get("class") in _ALIGNED_CLASSES and width > 1)
        or _is_aligned(alignment, rows)
        or (alignment == "c" * width and _relations_lead(rows, width))
    ):
        element.tex = f"\\begin{{aligned}} {body} \\end{{aligned}}"
    elif set(alignment) == {"c"}:
        element.tex = f"\\begin{{matrix}} {body} \\end{{matrix}}"
    else:
        element.tex = f"\\begin{{array}}{{{alignment}}} {body} \\end{{array}}"


_LABEL_TEXT = re.compile(r"\\(?:text|mathrm)\{([^{}]*)\}")


def _label(tag: str) -> str:
    """The argument of `\\tag`: text without its parentheses, mathematics between dollars."""
    words = _LABEL_TEXT.sub(r"\1", tag).strip().removeprefix("(").removesuffix(")").strip()
    return f"${words}$" if "\\" in words or "^" in words or "_" in words else words


# TeX4ht's
_ALIGNED_CLASSES = frozenset({"align", "align-star", "alignat", "aligned", "split", "eqnarray"})


def _leading_empty_columns(rows: list[list[Element]]) -> int:
    """Columns at the left that hold nothing in any row: KaTeX and Temml centre equations by
    them."""
    count = 0
    width = max(len(row) for row in rows)
    while count < width - 1 and not any(row[count].tex for row in rows if count < len(row)):
        count += 1
    return count


def _with_row_lines(body: str, lines: str) -> str:
    rows = body.split(r" \\ ")
    kinds = lines.split() or ["none"]
    if len(rows) < 2 or "\\begin" in body:
        return body
    out = [rows[0]]
    for index, row in enumerate(rows[1:]):
        line = kinds[min(index, len(kinds) - 1)]
        out.append((r"\hline " if line != "none" else "") + row)
    return r" \\ ".join(out)


def _alignment(element: Element, rows: list[list[Element]], width: int) -> str:
    declared = (element.attrs.get("columnalign") or "").split()
    if not declared:
        first = max(rows, key=len)
        declared = [_cell_alignment(cell) for cell in first]
        if not any(declared):
            return "c" * width
    letters = [{"left": "l", "right": "r"}.get(word, "c") for word in declared]
    letters += [letters[-1]] * (width - len(letters))
    return "".join(letters[:width])


def _cell_alignment(cell: Element) -> str:
    declared = cell.attrs.get("columnalign")
    if declared:
        return declared
    style = cell.attrs.get("style") or ""
    match = re.search(r"text-align:\s*(?:-webkit-)?(left|right|center)", style)
    if match:
        return match[1]
    classes = cell.attrs.get("class") or ""
    match = re.search(r"(?:ltx_align_|tml-)(left|right)", classes)
    return match[1] if match else ""


_RELATIONS = frozenset("=<>≤≥≈≡∼≃≅≠→⇒⇔←∈⊂⊆≪≫∝≦≧⩽⩾")


def _relations_lead(rows: list[list[Element]], width: int) -> bool:
    """Every second column starts with a relation: an alignment whose column layout was lost."""
    if width % 2 or len(rows) < 2:
        return False
    cells = [cell for row in rows for cell in row[1::2] if cell.tex]
    return bool(cells) and all(_first_token(cell).text.strip() in _RELATIONS for cell in cells)


def _first_token(element: Element) -> Element:
    while element.kids:
        element = next((kid for kid in element.kids if kid.tex), element.kids[0])
    return element


def _is_aligned(alignment: str, rows: list[list[Element]]) -> bool:
    """Right and left columns in turn: the layout of align and split."""
    return len(alignment) > 1 and all(
        letter == "rl"[index % 2] for index, letter in enumerate(alignment)
    )
