"""Word's own formulas (OMML) to MathML, and so to LaTeX.

`<m:oMath>` stands in the HTML that Word saves, between conditional comments that are opened before
the page is parsed, and in pages made from documents. Names follow ECMA-376, part 1, section 22.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers.mathml_elements import source_mark
from infimm_spark.extract.formulas.sources import Attributes, PageState

_DEEPEST = 60


def read_omml(node: LexborNode, attrs: Attributes, page: PageState) -> str | None:
    """A formula of Word; in an `<m:oMathPara>` it is displayed."""
    if node.tag == "m:omathpara":
        marks = [
            read_omml(formula, formula.attributes, page) or "" for formula in node.css("m\\:omath")
        ]
        return "".join(marks)
    body = _children(node, 0)
    if not body:
        return ""
    parent = node.parent
    display = parent is not None and parent.tag == "m:omathpara"
    return source_mark(f"<math>{body}</math>", page, display, "omml")


def _children(node: LexborNode | None, depth: int) -> str:
    """MathML of what stands below an element."""
    pieces: list[str] = []
    child = node.first_child if node is not None else None
    while child is not None:
        pieces.append(_converted(child, depth))
        child = child.next
    return "".join(pieces)


def _row(node: LexborNode | None, depth: int) -> str:
    return f"<mrow>{_children(node, depth)}</mrow>"


def _converted(node: LexborNode, depth: int) -> str:
    tag = node.tag
    if tag is None or depth > _DEEPEST:
        return ""
    if tag == "-text":
        return _tokens(node.text_content or "")
    if not tag.startswith("m:"):
        return _children(node, depth + 1)  # spans and italics of Word's HTML
    name = tag[2:]
    if name.endswith("pr"):
        return ""
    if name == "r":
        return _run(node)
    maker = _MAKERS.get(name)
    return maker(node, depth + 1) if maker is not None else _children(node, depth + 1)


def _part(node: LexborNode, name: str) -> LexborNode | None:
    """A child by its name; Word's HTML may put spans between."""
    return node.css_first(f"m\\:{name}")


def _own(node: LexborNode, name: str) -> list[LexborNode]:
    """Children with a name, spans between aside."""
    found: list[LexborNode] = []
    todo = [node.first_child]
    while todo:
        child = todo.pop()
        if child is None:
            continue
        todo.append(child.next)
        tag = child.tag or ""
        if tag == f"m:{name}":
            found.append(child)
        elif tag and not tag.startswith(("m:", "-")):
            todo.append(child.first_child)
    return found


def _first(node: LexborNode, name: str) -> LexborNode | None:
    found = _own(node, name)
    return found[0] if found else None


def _property(node: LexborNode, properties: str, name: str) -> str | None:
    """The value of a property; ``"1"`` for one that is only named."""
    holder = _first(node, properties)
    found = _part(holder, name) if holder is not None else None
    if found is None:
        return None
    for key, value in found.attributes.items():
        if key.endswith("val"):
            return value or ""
    return "1"


def _is_on(value: str | None) -> bool:
    return value is not None and value not in ("0", "off", "false")


def _run(node: LexborNode) -> str:
    properties = _first(node, "rpr")
    texts = node.css("m\\:t")
    text = "".join(t.text() or "" for t in texts) if texts else node.text() or ""
    if properties is not None and not texts:
        inside = properties.text() or ""
        text = text.removeprefix(inside) if inside else text
    if properties is not None and _part(properties, "nor") is not None:
        return f"<mtext>{escape(text)}</mtext>" if text.strip() else ""
    variant = ""
    if properties is not None:
        style = _part(properties, "sty")
        script = _part(properties, "scr")
        value = (style.attributes.get("m:val") if style is not None else None) or ""
        kind = (script.attributes.get("m:val") if script is not None else None) or ""
        variant = _SCRIPTS.get(kind) or _STYLES.get(value, "")
    return _tokens(text, variant)


_STYLES = {"p": "normal", "b": "bold", "bi": "bold-italic"}
_SCRIPTS = {
    "double-struck": "double-struck",
    "script": "script",
    "fraktur": "fraktur",
    "sans-serif": "sans-serif",
    "monospace": "monospace",
}
_TOKEN = re.compile(r"(?P<number>\d+(?:[.,]\d+)*)|(?P<name>[^\W\d_])|(?P<sign>\S)")


def _tokens(text: str, variant: str = "") -> str:
    shown = f' mathvariant="{variant}"' if variant else ""
    if variant == "normal" and re.fullmatch(r"[A-Za-z]{2,}", text.strip()):
        return f"<mi>{text.strip()}</mi>"
    pieces: list[str] = []
    for match in _TOKEN.finditer(text):
        piece = escape(match[0])
        if match["number"]:
            pieces.append(f"<mn>{piece}</mn>")
        elif match["name"]:
            pieces.append(f"<mi{shown}>{piece}</mi>")
        else:
            pieces.append(f"<mo>{piece}</mo>")
    return "".join(pieces)


def _fraction(node: LexborNode, depth: int) -> str:
    kind = _property(node, "fpr", "type")
    upper, lower = _row(_first(node, "num"), depth), _row(_first(node, "den"), depth)
    if kind == "lin":
        return f"{upper}<mo>/</mo>{lower}"
    line = ' linethickness="0"' if kind == "noBar" else ""
    return f"<mfrac{line}>{upper}{lower}</mfrac>"


def _scripts(element: str, *names: str) -> Callable[[LexborNode, int], str]:
    def made(node: LexborNode, depth: int) -> str:
        parts = "".join(_row(_first(node, name), depth) for name in ("e", *names))
        return f"<{element}>{parts}</{element}>"

    return made


def _before(node: LexborNode, depth: int) -> str:
    base, lower, upper = (_row(_first(node, name), depth) for name in ("e", "sub", "sup"))
    return f"<mmultiscripts>{base}<mprescripts/>{lower}{upper}</mmultiscripts>"


def _root(node: LexborNode, depth: int) -> str:
    degree = _children(_first(node, "deg"), depth)
    base = _row(_first(node, "e"), depth)
    if not degree or _is_on(_property(node, "radpr", "deghide")):
        return f"<msqrt>{base}</msqrt>"
    return f"<mroot>{base}<mrow>{degree}</mrow></mroot>"


def _large(node: LexborNode, depth: int) -> str:
    sign = _property(node, "narypr", "chr") or "∫"
    lower, upper = _children(_first(node, "sub"), depth), _children(_first(node, "sup"), depth)
    over = "over" if sign not in "∫∬∭∮∯∰" else "sup"
    under = "under" if over == "over" else "sub"
    operator = f"<mo>{escape(sign)}</mo>"
    if lower and upper:
        operator = (
            f"<m{under}{over}>{operator}<mrow>{lower}</mrow><mrow>{upper}</mrow></m{under}{over}>"
        )
    elif lower:
        operator = f"<m{under}>{operator}<mrow>{lower}</mrow></m{under}>"
    elif upper:
        operator = f"<m{over}>{operator}<mrow>{upper}</mrow></m{over}>"
    return operator + _row(_first(node, "e"), depth)


def _fence(node: LexborNode, depth: int) -> str:
    opening = _property(node, "dpr", "begchr")
    closing = _property(node, "dpr", "endchr")
    separator = _property(node, "dpr", "sepchr") or "|"
    inside = f"<mo>{escape(separator)}</mo>".join(_row(e, depth) for e in _own(node, "e"))
    left = "(" if opening is None else opening
    right = ")" if closing is None else closing
    return f'<mrow><mo fence="true">{escape(left)}</mo>{inside}<mo fence="true">{escape(right)}</mo></mrow>'


def _matrix(node: LexborNode, depth: int) -> str:
    rows = "".join(
        "<mtr>" + "".join(f"<mtd>{_children(e, depth)}</mtd>" for e in _own(row, "e")) + "</mtr>"
        for row in _own(node, "mr")
    )
    return f"<mtable>{rows}</mtable>"


def _equations(node: LexborNode, depth: int) -> str:
    rows = "".join(f"<mtr><mtd>{_children(e, depth)}</mtd></mtr>" for e in _own(node, "e"))
    return f"<mtable>{rows}</mtable>"


def _function(node: LexborNode, depth: int) -> str:
    return f"{_row(_first(node, 'fname'), depth)}<mo>&#x2061;</mo>{_row(_first(node, 'e'), depth)}"


def _accent(node: LexborNode, depth: int) -> str:
    sign = _property(node, "accpr", "chr") or "\u0302"
    base = _row(_first(node, "e"), depth)
    return f'<mover accent="true">{base}<mo>{escape(_SPACING.get(sign, sign))}</mo></mover>'


# Combining accents as the signs that MathML puts over a base.
_SPACING = {
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "\u00af",
    "\u0305": "\u00af",
    "\u0307": "\u02d9",
    "\u0308": "\u00a8",
    "\u030c": "\u02c7",
    "\u20d7": "\u2192",
}


def _bar(node: LexborNode, depth: int) -> str:
    base = _row(_first(node, "e"), depth)
    if _property(node, "barpr", "pos") == "top":
        return f"<mover>{base}<mo>\u00af</mo></mover>"
    return f"<munder>{base}<mo>_</mo></munder>"


def _group(node: LexborNode, depth: int) -> str:
    sign = escape(_property(node, "groupchrpr", "chr") or "\u23df")
    base = _row(_first(node, "e"), depth)
    if _property(node, "groupchrpr", "pos") == "top":
        return f"<mover>{base}<mo>{sign}</mo></mover>"
    return f"<munder>{base}<mo>{sign}</mo></munder>"


_MAKERS: dict[str, Callable[[LexborNode, int], str]] = {
    "f": _fraction,
    "ssup": _scripts("msup", "sup"),
    "ssub": _scripts("msub", "sub"),
    "ssubsup": _scripts("msubsup", "sub", "sup"),
    "spre": _before,
    "rad": _root,
    "nary": _large,
    "d": _fence,
    "m": _matrix,
    "eqarr": _equations,
    "func": _function,
    "acc": _accent,
    "bar": _bar,
    "limlow": _scripts("munder", "lim"),
    "limupp": _scripts("mover", "lim"),
    "groupchr": _group,
}
