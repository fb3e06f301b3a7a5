r"""Rows of presentation MathML: children side by side, and the fences among them.

MathML has no pairs of fences, only signs in a row; TeX wants each pair as `\left … \right`, as it is, or
as the environment of the matrix it holds. Here pairs are found and set; every element that shows a
row uses it.
"""

from __future__ import annotations

from infimm_spark.extract.formulas.readers.element import Element
from infimm_spark.extract.formulas.readers.mathml_tokens import mi, mo
from infimm_spark.extract.latex.facts import MATRIX_OF
from infimm_spark.extract.latex.tokenizer import join


def mrow(element: Element) -> None:
    """mrow and everything that shows its children side by side."""
    if element.tag not in ("mrow", "math") and not element.kids and element.text:
        mi(element)
        return
    kids = element.kids
    if len(kids) == 1:
        kid = kids[0]
        element.tex, element.kind, element.tall = kid.tex, kid.kind, kid.tall
        if "border:" in (element.attrs.get("style") or "") and "solid" in (
            element.attrs["style"] or ""
        ):
            element.tex, element.kind = f"\\boxed{{{kid.tex}}}", ""
        return
    element.tex, element.kind, element.tall = side_by_side(kids)


def side_by_side(kids: list[Element]) -> tuple[str, str, bool]:
    """TeX, kind and height of elements in a row: words merged, fences paired and set."""
    _operator_names(kids)
    kids = [kid for kid in kids if kid.tex or kid.kind in ("open", "close")]
    if not kids:
        return "", "empty", False
    if len(kids) == 1:
        return kids[0].tex, kids[0].kind, kids[0].tall
    tall = any(kid.tall for kid in kids)
    pairs = _pairs(kids)
    parts = [kid.tex for kid in kids]
    merged = _merge_words(kids, parts)
    if pairs:
        _set_fences(kids, parts, pairs)
    tex = join(parts)
    kind = "row"
    if merged == 1:
        kind = "word"
    elif tall and kids[-1].kind in ("fence", "close") and _is_alone(len(kids) - 1, pairs):
        # \\left. ... \\right|: the bar at the end of an expression that is evaluated
        tex = join([r"\left.", *parts[:-1], r"\right", "|" if parts[-1] == r"\mid" else parts[-1]])
        kind = "fenced"
    elif pairs and pairs[-1] == (0, len(kids) - 1):
        kind = "fenced"
        if kids[0].kind == "space":
            kind = "row"
    return tex, kind, tall


def _is_alone(last: int, pairs: list[tuple[int, int]]) -> bool:
    return all(closing != last for _, closing in pairs)


def _merge_words(kids: list[Element], parts: list[str]) -> int:
    r"""Joins neighbouring letters of one font: \mathrm{d}\mathrm{e}\mathrm{t} -> \mathrm{det}."""
    count = len(parts)
    run: list[str] = []
    font = ""
    start = -1
    for index in range(len(parts) + 1):
        word = (
            _font_and_word(parts[index]) if index < len(parts) and kids[index].tag == "mi" else None
        )
        if word is not None and word[0] == font:
            run.append(word[1])
            parts[index] = ""
            count -= 1
            continue
        if len(run) > 1:
            parts[start] = f"{font}{{{''.join(run)}}}"
        font, run, start = (word[0], [word[1]], index) if word is not None else ("", [], -1)
    return count


def _font_and_word(part: str) -> tuple[str, str] | None:
    r"""``\mathrm{det}`` as its command and its plain word."""
    command, brace, rest = part.partition("{")
    if brace and command in _MERGED_FONTS and "{" not in rest and rest.find("}") == len(rest) - 1:
        return command, rest[:-1]
    return None


_MERGED_FONTS = frozenset(
    {r"\mathrm", r"\mathbf", r"\mathbb", r"\mathcal", r"\mathfrak", r"\mathsf", r"\mathtt"}
)


def _operator_names(kids: list[Element]) -> None:
    """A word that is applied (U+2061 follows) is the name of an operator."""
    for index in range(len(kids) - 1):
        after = kids[index + 1]
        if after.tag == "mo" and after.text.strip() == "\u2061":
            word = kids[index]
            while word.tag in _SCRIPTED_OR_LIMITS and word.kids:
                word = word.kids[0]
            if word.tag == "mi" and word.tex.startswith(r"\mathrm{") and len(word.tex) > 10:
                name = f"\\operatorname{word.tex[7:]}"
                kids[index].tex = kids[index].tex.replace(word.tex, name, 1)
                word.tex = name


_SCRIPTED_OR_LIMITS = frozenset(
    {"msub", "msup", "msubsup", "munder", "mover", "munderover", "mrow"}
)


def _pairs(kids: list[Element]) -> list[tuple[int, int]]:
    """Indices of fences that belong together, inner pairs first; -1 for a missing partner."""
    stack: list[int] = []
    pairs: list[tuple[int, int]] = []
    for index, kid in enumerate(kids):
        kind = kid.kind
        if kid.tag in _SCRIPTED and kid.kids and kid.kids[0].kind in ("close", "fence"):
            # `)^2`: the closing fence carries the script
            if stack and (kid.kids[0].kind == "close" or kids[stack[-1]].kind == "fence"):
                pairs.append((stack.pop(), index))
            continue
        if kind == "open":
            stack.append(index)
        elif kind == "close":
            while stack and kids[stack[-1]].kind == "fence":
                stack.pop()
            if stack:
                pairs.append((stack.pop(), index))
        elif kind == "fence":
            opened = stack[-1] if stack else -1
            if opened >= 0 and kids[opened].kind == "fence" and kids[opened].tex == kid.tex:
                if index == opened + 1:
                    continue
                pairs.append((stack.pop(), index))
            else:
                stack.append(index)
    for index in reversed(stack):
        if kids[index].kind == "open":
            pairs.append((index, -1))
    return pairs


_SCRIPTED = frozenset({"msup", "msub", "msubsup"})


def _set_fences(kids: list[Element], parts: list[str], pairs: list[tuple[int, int]]) -> None:
    """Sets each pair of fences: as a matrix environment, as \\left \\right, or as they are."""
    # Sums over the children before each position, so that a pair costs the same at any length.
    shown, tall, at = [0], [0], [0] * (len(kids) + 1)
    for index, kid in enumerate(kids):
        shown.append(shown[-1] + (kid.kind not in ("empty", "space")))
        tall.append(tall[-1] + kid.tall)
        at[shown[-1]] = at[shown[-1]] if shown[-1] == shown[-2] else index
    unclosed = 0
    for opening, closing in pairs:
        last = closing if closing >= 0 else len(kids)
        content = None
        if shown[last] - shown[opening + 1] == 1:
            content = at[shown[last]]
        if content is not None and _set_around_one(kids, parts, opening, closing, content):
            continue
        if tall[last] == tall[opening + 1] or kids[opening].attrs.get("stretchy") == "false":
            continue
        if closing < 0:
            unclosed += 1
        else:
            right = parts[closing]
            right = "|" + right[4:] if right.startswith(r"\mid") else right
            parts[closing] = join([r"\right", right])
        parts[opening] = join([r"\left", "|" if parts[opening] == r"\mid" else parts[opening]])
    parts.append(r"\right." * unclosed)


def _set_around_one(
    kids: list[Element], parts: list[str], opening: int, closing: int, content: int
) -> bool:
    """Fences around a single table or a fraction without a line; whether they were set."""
    left, right = parts[opening], parts[closing] if closing >= 0 else ""
    if kids[content].kind == "table" and left:
        environment = _matrix_environment(left, right, parts[content])
        if environment is None:
            return False
        parts[opening], parts[content] = "", environment
    elif kids[content].kind == "stack" and (left, right) == ("(", ")"):
        parts[opening], parts[content] = "", _binomial(kids[content])
    else:
        return False
    if closing >= 0:
        parts[closing] = ""
    return True


_MATRICES = {**MATRIX_OF, (r"\mid", r"\mid"): MATRIX_OF["|", "|"]}


def _matrix_environment(left: str, right: str, table: str) -> str | None:
    if table.startswith(r"\begin{matrix}"):
        body = table[len(r"\begin{matrix}") : -len(r"\end{matrix}")]
        name = _MATRICES.get((left, right))
        if name is not None and name != "matrix":
            return f"\\begin{{{name}}}{body}\\end{{{name}}}"
    if (left, right) == (r"\{", "") and table.startswith((r"\begin{matrix}", r"\begin{array}{l")):
        body = table[table.index("}") + 1 : table.rindex(r"\end{")]
        if table.startswith(r"\begin{array}"):
            body = body[body.index("}") + 1 :]
        if "\\begin" not in body and max(row.count("&") for row in body.split(r"\\")) <= 1:
            return f"\\begin{{cases}}{body}\\end{{cases}}"
    return None


def _binomial(stack: Element) -> str:
    element: Element = stack
    while element.tag != "mfrac" and element.kids:
        element = next((kid for kid in element.kids if kid.kind == "stack"), element.kids[0])
    if element.tag == "mfrac" and len(element.kids) == 2:
        return f"\\binom{{{element.kids[0].tex}}}{{{element.kids[1].tex}}}"
    return stack.tex


def mfenced(element: Element) -> None:
    """A row in fences, with separators between its children."""
    opening = _attribute(element, "open", "(")
    closing = _attribute(element, "close", ")")
    separators = "".join(_attribute(element, "separators", ",").split())
    row: list[Element] = [_operator_of(opening, "open")] if opening else []
    kids = [kid for kid in element.kids if kid.tex]
    for index, kid in enumerate(kids):
        if index and separators:
            row.append(_operator_of(separators[min(index - 1, len(separators) - 1)], "mo"))
        row.append(kid)
    if closing:
        row.append(_operator_of(closing, "close"))
    tall = any(kid.tall for kid in element.kids)
    if not opening and closing and tall:
        tex = join([r"\left.", *(kid.tex for kid in row[:-1]), r"\right", row[-1].tex])
        element.tex, element.kind, element.tall = tex, "fenced", True
        return
    element.tex, element.kind, element.tall = side_by_side(row)
    if element.kind == "row" and opening and closing:
        element.kind = "fenced"


def _attribute(element: Element, name: str, default: str) -> str:
    value = element.attrs.get(name, default)
    return "" if value is None else value.strip()


def _operator_of(text: str, kind: str) -> Element:
    element = Element("mo", None, text)
    mo(element)
    if kind != "mo" and element.kind in ("open", "close", "fence", "mo"):
        if element.tex == r"\mid":
            element.tex = "|"
        if text in ("<", ">"):
            element.tex = r"\langle" if text == "<" else r"\rangle"
        element.kind = kind
    return element
