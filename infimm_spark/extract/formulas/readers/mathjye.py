r"""MathJye, the HTML mathematics of Chinese question banks (jyeoo.com, and the many sites that copy it).

A formula is `<span class="MathJye" mathtag="math">`; copies rename the class and keep the attribute, or
lose both and keep the tables with ``cellpadding="-1"``. The older form lays formulas out in tables – a
fraction is two rows with a rule between them – with large signs as background pictures named after
their code point (``part/8730D.png`` is √); the newer one names its parts by class (``mfrac``, ``msqrt``).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers.element import ConversionError
from infimm_spark.extract.formulas.sources import Attributes, PageState, children_of, class_of
from infimm_spark.extract.latex.facts import MATRIX_OF
from infimm_spark.extract.latex.symbols import char_to_tex
from infimm_spark.extract.latex.tokenizer import join

_ENCODING = "mathjye"
_DEEPEST = 60
_MOST_NODES = 20_000


def read_mathjye(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """A span that is one formula."""
    if attrs.get("mathtag") not in ("math", None):
        return None
    try:
        tex = mathjye_to_latex(node)
    except ConversionError as error:
        return page.ledger.fail(error.reason, False, _ENCODING)
    return page.ledger.add(tex, False, _ENCODING) if tex else None


def read_table(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """A table of a formula whose span was lost: its cells overlap by a pixel, as no other table's
    do."""
    if attrs.get("cellpadding") != "-1" or attrs.get("cellspacing") != "-1":
        return None
    return read_mathjye(node, attrs, page)


def mathjye_to_latex(root: LexborNode) -> str:
    """LaTeX of a formula's element; raises `ConversionError` for one too large or too deep."""
    return _joined(_Reader().tokens(root, 0))


def _joined(pieces: list[str]) -> str:
    """One formula of its pieces; letters set one by one are looked at together: `l`, `g` is lg."""
    together: list[str] = []
    letters = ""
    for piece in [*pieces, ""]:
        if piece.isalpha() and piece.isascii():
            letters += piece
            continue
        if letters:
            together += _word_tokens(letters)
            letters = ""
        together.append(piece)
    return join(together).strip()


class _Reader:
    """Reads one formula; counts its nodes."""

    def __init__(self) -> None:
        self._nodes = 0

    def tokens(self, node: LexborNode, depth: int) -> list[str]:
        """The formula's TeX piece by piece, for `join`."""
        self._nodes += 1
        if depth > _DEEPEST:
            raise ConversionError("too_deep")
        if self._nodes > _MOST_NODES:
            raise ConversionError("too_large")
        tag = node.tag
        if tag == "-text":
            return _text_tokens(node.text_content or "")
        if not node.is_element_node or tag in ("script", "style"):
            return []
        if tag == "table":
            return self._table(node, depth)
        attrs = node.attributes
        classes = (attrs.get("class") or "").split()
        for name, read in _PARTS.items():
            if name in classes:
                return read(self, node, depth)
        style = attrs.get("style") or ""
        script = _script(tag or "", style, attrs)
        if script:
            inside = self.tex(node, depth)
            return [f"{script}{{{inside}}}"] if inside else []
        sign = _sign_of(node)
        if sign:
            return [char_to_tex(sign)]
        return self._inside(node, depth)

    def tex(self, node: LexborNode | None, depth: int) -> str:
        """LaTeX of what stands inside an element."""
        return "" if node is None else _joined(self._inside(node, depth))

    def _inside(self, node: LexborNode, depth: int) -> list[str]:
        pieces: list[str] = []
        for child in children_of(node):
            pieces += self.tokens(child, depth + 1)
        return pieces

    # -- tables ----------------------------------------------------------------------------------

    def _table(self, table: LexborNode, depth: int) -> list[str]:
        rows = _rows(table)
        if len(rows) == 1:
            return self._one_row(rows[0], depth)
        if len(rows) == 2:
            return self._two_rows(rows, depth)
        if len(rows) == 3 and all(len(row) == 1 for row in rows):
            over, sign, under = (self.tex(row[0], depth) for row in rows)
            return [_with_limits(sign, under, over)]
        return [self._array(rows, depth)]

    def _one_row(self, cells: list[LexborNode], depth: int) -> list[str]:
        signs = [_sign_of(cell) for cell in cells]
        if len(cells) == 2 and signs[0] == "√":
            return [f"\\sqrt{{{self.tex(cells[1], depth)}}}"]
        if len(cells) in (2, 3) and (inner := _only_table(cells[1])) is not None:
            right = signs[2] if len(cells) == 3 else ""
            if (left := signs[0]) in _FENCES or right in _FENCES:
                return [_fenced(left, self._cells(_rows(inner), depth), right)]
        pieces: list[str] = []
        for cell in cells:
            pieces += self._inside(cell, depth)
        return pieces

    def _two_rows(self, rows: list[list[LexborNode]], depth: int) -> list[str]:
        first, second = rows
        if len(first) == 2 and len(second) == 1 and _sign_of(second[0]) == "√":
            return [f"\\sqrt[{self.tex(first[0], depth)}]{{{self.tex(first[1], depth)}}}"]
        if len(first) != 1 or len(second) != 1:
            return [self._array(rows, depth)]
        upper, lower = first[0], second[0]
        top, bottom = self.tex(upper, depth), self.tex(lower, depth)
        style = upper.attributes.get("style") or ""
        if _RULE_BELOW.search(style):
            return [f"\\frac{{{top}}}{{{bottom}}}"]
        if _RULE_ABOVE.search(style):
            return [f"\\overline{{{bottom or top}}}"]
        accent = _ACCENTS.get(_sign_of(upper))
        if accent:
            return [f"{accent}{{{bottom}}}"]
        if _sign_of(lower) in _BRACES_BELOW:
            return [f"\\underbrace{{{top}}}"]
        if _SMALL.search(lower.attributes.get("style") or "") or top in _LIMITS:
            return [_with_limits(top, bottom, "")]
        if _SMALL.search(style):
            return [_with_limits(bottom, "", top)]
        return [self._array(rows, depth)]

    def _array(self, rows: list[list[LexborNode]], depth: int) -> str:
        return _fenced("", self._cells(rows, depth), "")

    def _cells(self, rows: list[list[LexborNode]], depth: int) -> list[list[str]]:
        return [[self.tex(cell, depth) for cell in row] for row in rows]

    # -- parts named by class ----------------------------------------------------------------------

    def _fraction(self, node: LexborNode, depth: int) -> list[str]:
        top = self.tex(_part(node, "fracZi"), depth + 1)
        return [f"\\frac{{{top}}}{{{self.tex(_part(node, 'fracMu'), depth + 1)}}}"]

    def _root(self, node: LexborNode, depth: int) -> list[str]:
        box = _part(node, "msqrtBox")
        return [f"\\sqrt{{{self.tex(box if box is not None else node, depth + 1)}}}"]

    def _scripts(self, node: LexborNode, depth: int) -> list[str]:
        base = self.tex(_part(node, "msubsupCont"), depth + 1)
        below = self.tex(_part(node, "msub"), depth + 1)
        above = self.tex(_part(node, "msup"), depth + 1)
        return [base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")]

    def _over(self, node: LexborNode, depth: int) -> list[str]:
        base = self.tex(_part(node, "base"), depth + 1)
        if _part(node, "stretchArrow") is not None:
            return [f"\\overrightarrow{{{base}}}"]
        return [base] if base else self._inside(node, depth)


_PARTS = {
    "mfrac": _Reader._fraction,
    "msqrt": _Reader._root,
    "msubsup": _Reader._scripts,
    "mover": _Reader._over,
}


def _part(node: LexborNode, name: str) -> LexborNode | None:
    """The nearest descendant of a class, not one of a formula nested deeper beside it."""
    todo = [node]
    for item in todo:  # breadth first
        if len(todo) > _MOST_NODES:
            raise ConversionError("too_large")
        for child in children_of(item):
            if child.is_element_node:
                if name in class_of(child).split():
                    return child
                todo.append(child)
    return None


def _rows(table: LexborNode) -> list[list[LexborNode]]:
    """Rows of cells of this table, not of those inside."""
    rows: list[list[LexborNode]] = []
    for group in children_of(table):
        for row in children_of(group) if group.tag in ("tbody", "thead", "tfoot") else (group,):
            if row.tag == "tr":
                cells = [cell for cell in children_of(row) if cell.tag in ("td", "th")]
                if cells:
                    rows.append(cells)
    return rows


def _only_table(cell: LexborNode) -> LexborNode | None:
    """The table that is all a cell holds."""
    found = None
    for child in children_of(cell):
        if child.tag == "table" and found is None:
            found = child
        elif child.tag != "-text" or (child.text_content or "").strip():
            return None
    return found


def _sign_of(node: LexborNode) -> str:
    """The large sign that is all an element holds: a picture's code point, or the character; else
    ``""``."""
    if node.css_first("table, font, span") is not None:
        return ""
    text = (node.text() or "").strip()
    if text in _TYPED_SIGNS:
        return _TYPED_SIGNS[text]
    if text:
        return ""
    source = node.html or ""
    if len(source) > 2_000:
        return ""
    match = _PICTURE.search(unquote(source))
    if match is None:
        return ""
    code, letter = match.group("code", "letter")
    if code:
        return chr(int(code))
    return {"P": "|"}.get(letter, letter)


# `part/8730U.png`, `part/123L.png`, `part/H123U.png` (a brace lying down), `part/P.png`,
# `part/{M.png`
_PICTURE = re.compile(
    r"(?:part/|url\(['\"]?)(?:H?(?P<code>\d{2,4})|(?P<letter>[P{}\[\]()|]))[A-Z]?\.(?:png|gif)"
)
_TYPED_SIGNS = {
    "√": "√", "⎷": "√", "{": "{", "⎧": "{", "⎨": "{", "}": "}", "(": "(", ")": ")", "[": "[",
    "]": "]", "|": "|", "→": "→", "∑": "∑", "∏": "∏", "∫": "∫",
}  # fmt: skip
_FENCES = frozenset("{}()[]|")
_MIRRORED = {"{": "}", "(": ")", "[": "]", "|": "|"}
_ACCENTS = {"→": "\\overrightarrow", "^": "\\widehat", "¯": "\\overline", "⌒": "\\overset{\\frown}"}
_BRACES_BELOW = frozenset("{}")
_RULE_BELOW = re.compile(r"border-bottom\s*:(?!\s*0)", re.I)
_RULE_ABOVE = re.compile(r"border-top\s*:(?!\s*0)", re.I)
_SMALL = re.compile(r"font-size\s*:\s*[5-9]\d?%", re.I)
_LIMITS = frozenset({"\\lim", "\\max", "\\min", "\\sum", "\\prod", "\\int"})


def _script(tag: str, style: str, attrs: Attributes) -> str:
    """``^``, ``_`` or nothing."""
    role = attrs.get("mathtag") or ""
    if tag == "sup" or role.endswith("_sup") or "vertical-align:super" in style.replace(" ", ""):
        return "^"
    if tag == "sub" or role.endswith("_sub") or "vertical-align:sub" in style.replace(" ", ""):
        return "_"
    return ""


def _with_limits(sign: str, under: str, over: str) -> str:
    """A sign with what stands below and above it."""
    if sign in _LIMITS:
        return sign + (f"_{{{under}}}" if under else "") + (f"^{{{over}}}" if over else "")
    if sign in ("\\to", "\\rightarrow"):
        return f"\\xrightarrow[{under}]{{{over}}}" if under else f"\\xrightarrow{{{over}}}"
    if not over:
        # Below a letter it is an index, below anything else it stands under it.
        index = len(sign) == 1 or sign.startswith("\\underbrace")
        return f"{sign}_{{{under}}}" if index else f"\\underset{{{under}}}{{{sign}}}"
    upper = f"\\overset{{{over}}}{{{sign}}}"
    return f"\\underset{{{under}}}{{{upper}}}" if under else upper


def _fenced(left: str, cells: list[list[str]], right: str) -> str:
    """Rows between signs: a system of equations, or a matrix."""
    body = " \\\\ ".join(" & ".join(row) for row in cells)
    if left == "{" and not right:
        return f"\\begin{{cases}} {body} \\end{{cases}}"
    name = MATRIX_OF.get((_escaped(left), _escaped(right)))
    if name is not None:
        return f"\\begin{{{name}}} {body} \\end{{{name}}}"
    opening, closing = _escaped(left) or ".", _escaped(right) or "."
    return f"\\left{opening}\\begin{{matrix}} {body} \\end{{matrix}}\\right{closing}"


def _escaped(sign: str) -> str:
    return f"\\{sign}" if sign and sign in "{}" else sign


def _text_tokens(text: str) -> list[str]:
    pieces: list[str] = []
    for match in _RUN.finditer(text):
        run = match[0]
        if match.lastgroup == "han":
            pieces.append(f"\\text{{{run}}}")
        elif not run.isspace():
            pieces.append(_CHARS.get(run) or char_to_tex(run))
    return pieces


def _word_tokens(run: str) -> list[str]:
    """`sinx` is the function of x; other letters are letters."""
    match = _FUNCTION.match(run)
    return ["\\" + match[0], run[match.end() :]] if match else [run]


_RUN = re.compile(r"(?P<han>[\u3400-\u9fff\uf900-\ufaff]+)|[A-Za-z]+|[0-9]+(?:\.[0-9]+)?|.", re.S)
_FUNCTION = re.compile(r"arc(?:sin|cos|tan)|sin|cos|tan|cot|sec|csc|log|ln|lg|lim|max|min")
_ASCII = {**{char: f"\\{char}" for char in "{}%#&$_"}, "\\": "\\backslash"}
_CHARS = {
    **_ASCII,
    # full width
    **{chr(ord(char) + 0xFEE0): _ASCII.get(char, char) for char in map(chr, range(0x21, 0x7F))},
    "•": "\\cdot", "。": ".", "、": ",", "﹣": "-", "−": "-", "°": "^\\circ",
}  # fmt: skip
