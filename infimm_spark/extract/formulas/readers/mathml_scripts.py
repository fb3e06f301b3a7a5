"""Scripts and limits of presentation MathML: `msub` to `munderover`, and `mmultiscripts`.

What stands over a base is a limit, an accent, a brace or the text of an arrow: TeX has a command
for each, MathML one element for all.
"""

from __future__ import annotations

import re

from infimm_spark.extract.formulas.readers.element import NOTHING, Element, kid_at
from infimm_spark.extract.latex.symbols import OVER_ACCENTS, UNDER_ACCENTS, WIDE_ACCENTS
from infimm_spark.extract.latex.tokenizer import join


def msub(element: Element) -> None:
    """A base and its subscript."""
    _scripted(element, kid_at(element, 0), kid_at(element, 1), NOTHING)


def msup(element: Element) -> None:
    """A base and its superscript."""
    _scripted(element, kid_at(element, 0), NOTHING, kid_at(element, 1))


def msubsup(element: Element) -> None:
    """A base and both its scripts."""
    _scripted(element, kid_at(element, 0), kid_at(element, 1), kid_at(element, 2))


def mmultiscripts(element: Element) -> None:
    """A base with scripts before and behind it, as tensors have."""
    if not element.kids:
        element.kind = "empty"
        return
    base, *scripts = element.kids
    cut = next((i for i, kid in enumerate(scripts) if kid.tag == "mprescripts"), len(scripts))
    before = _script_pairs(scripts[cut + 1 :])
    after = _script_pairs(scripts[:cut])
    parts = ["{}" + sub + sup for sub, sup in before]
    parts.append(_base(base) if after or before else base.tex)
    for index, (sub, sup) in enumerate(after):
        parts.append(("{}" if index else "") + sub + sup)
    element.tex = join(parts)
    element.kind = "row" if before or len(after) > 1 else "scripts" if after else base.kind
    element.tall = base.tall


def _script_pairs(kids: list[Element]) -> list[tuple[str, str]]:
    pairs = []
    for index in range(0, len(kids), 2):
        sub = _script("_", kids[index])
        sup = _superscript(kids[index + 1]) if index + 1 < len(kids) else ""
        if sub or sup:
            pairs.append((sub, sup))
    return pairs


def _scripted(element: Element, base: Element, sub: Element, sup: Element) -> None:
    sub_tex, sup_tex = _script("_", sub), _superscript(sup)
    if not sub_tex and not sup_tex:
        element.tex, element.kind, element.tall = base.tex, base.kind, base.tall
        return
    if (
        base.tex.endswith("'")
        and base.kind == "scripts"
        and sup_tex.startswith("'")
        and not sub_tex
    ):
        element.tex, element.kind = base.tex + sup_tex, "scripts"  # a prime on a prime: `f''`
        return
    if base.kind == "prime" and not sub_tex and sup_tex.startswith("'"):
        element.tex, element.kind = base.tex + sup_tex, "prime"
        return
    crossed = _cancelled(base) if sup.tex and not sub_tex else None
    if crossed is not None:
        element.tex, element.tall = f"\\cancelto{{{sup.tex}}}{{{crossed}}}", True
        return
    element.tex = join([_base(base), sub_tex + sup_tex])
    element.kind = "scripts"
    element.tall = base.tall or base.kind == "op" or sub.tall or sup.tall


def _cancelled(base: Element) -> str | None:
    """The content of a base that is struck out by an arrow to its superscript."""
    while base.kind != "cancelto" and len(base.kids) == 1:
        base = base.kids[0]
    return base.tex[len(r"\cancel{") : -1] if base.kind == "cancelto" else None


_ATOMIC = frozenset({"", "word", "func", "limits", "op", "mo", "prime", "open", "close", "fence", "brace",
                     "fenced", "accent"})  # fmt: skip


def _base(element: Element) -> str:
    """A base as scripts need it: one atom, or braces around it."""
    if not element.tex:
        return "{}"
    if element.kind in _ATOMIC or element.tex.isdigit():
        return element.tex
    if element.kind == "row" and _ends_in_bar(element):
        return element.tex  # `2x|_0^1`: the scripts stand at the bar whether or not in braces
    return f"{{{element.tex}}}"


def _ends_in_bar(row: Element) -> bool:
    """A row whose last sign is its only bar: the end of an evaluation, not of an absolute value."""
    return row.tex.count("|") == 1 and row.tex.endswith("|") and not row.tex.endswith(r"\|")


def _script(mark: str, element: Element) -> str:
    tex = element.tex
    if not tex:
        return ""
    if len(tex) == 1:
        return mark + tex
    return f"{mark}{{{tex}}}"


def _superscript(element: Element) -> str:
    """A superscript, primes in TeX's way."""
    if element.kind == "prime":
        return element.tex
    if element.kids and all(kid.kind in ("prime", "empty") for kid in element.kids) and element.tex:
        return element.tex
    if (
        element.kind in ("row", "word")
        and "'" in element.tex
        and element.kids
        and element.kids[0].kind == "prime"
    ):
        primes = element.kids[0].tex.count("'")
        rest = join([r"\prime"] * primes + [element.tex[primes:]])
        return f"^{{{rest}}}"
    if element.tex == "'":
        return "'"
    return _script("^", element)


def munder(element: Element) -> None:
    """A base and what stands below it: a limit, an accent, a brace, text."""
    if len(element.kids) > 2:  # Temml puts the sign of application between base and limit
        element.kids = [kid for kid in element.kids if kid.kind not in ("empty", "space")]
    _limits(element, kid_at(element, 0), kid_at(element, 1), NOTHING)


def mover(element: Element) -> None:
    """A base and what stands above it."""
    _limits(element, kid_at(element, 0), NOTHING, kid_at(element, 1))


def munderover(element: Element) -> None:
    """A base and what stands below and above it."""
    _limits(element, kid_at(element, 0), kid_at(element, 1), kid_at(element, 2))


def _limits(element: Element, base: Element, under: Element, over: Element) -> None:
    element.tall = base.tall or under.tall or over.tall
    if under.kind in ("space", "empty") and over.kind in ("space", "empty"):
        # A strut under or over the base only makes room.
        element.tex, element.kind = base.tex, base.kind
        return
    if base.tex in (r"\lim", r"\mathrm{lim}", r"\text{lim}") and not (under.tex and over.tex):
        sign = _accent(over, OVER_ACCENTS) or _accent(under, UNDER_ACCENTS)
        named = _LIMITS_WITH_SIGN.get(sign or "")
        if named is not None:
            element.tex, element.kind = named, "limits"
            return
    if base.kind in ("op", "limits", "brace") and not _accent(over, OVER_ACCENTS):
        _scripted(element, base, under, over)
        element.kind = "brace" if base.kind == "brace" else "scripts"
        element.tall = True
        return
    if base.kind == "func" or (base.kind == "word" and _is_operator(base) and under.tex):
        if base.kind == "word":
            base.tex = (
                f"\\operatorname*{{{base.tex[8:-1]}}}"
                if base.tex.startswith(r"\mathrm{")
                else base.tex
            )
        if not _accent(under, UNDER_ACCENTS) and not over.tex:
            _scripted(element, base, under, over)
            return
    arrow = _extensible(base, under, over)
    if arrow is not None:
        element.tex, element.kind = arrow, "mo"
        return
    tex, kind = base.tex, base.kind
    many = _is_wide(base)
    accent = _accent(over, OVER_ACCENTS)
    below = _accent(under, UNDER_ACCENTS)
    if accent is not None:
        name = WIDE_ACCENTS.get(accent, accent) if many else accent
        if accent in ("hat", "tilde") and not many and _is_stretchy(over):
            name = WIDE_ACCENTS[accent]
        tex, kind = f"\\{name}{{{tex}}}", "brace" if "brace" in name else "accent"
    if below is not None:
        tex, kind = f"\\{below}{{{tex}}}", "brace" if "brace" in below else "accent"
    if under.tex and below is None:
        tex, kind = f"\\underset{{{under.tex}}}{{{tex}}}", "accent"
    if over.tex and accent is None:
        tex, kind = f"\\overset{{{over.tex}}}{{{tex}}}", "accent"
    element.tex, element.kind = tex, kind


def _is_operator(base: Element) -> bool:
    """A word that acts as an operator: one that is applied, or lower case and upright."""
    if base.tex.startswith(r"\operatorname{"):
        return True
    word = base.tex[8:-1]
    return base.tex.startswith(r"\mathrm{") and word.isalpha() and word.islower()


def _is_stretchy(over: Element) -> bool:
    return over.attrs.get("stretchy") == "true"


def _is_wide(base: Element) -> bool:
    return base.kind in ("row", "fenced", "scripts", "word") and not (
        base.kind == "word" and re.fullmatch(r"\\[a-z]+\{(?:.|\\[A-Za-z]+)\}", base.tex)
    )


def _accent(script: Element, table: dict[str, str]) -> str | None:
    """The accent command of a script that is one mark, None of any other."""
    element = script
    while element.tag in ("mrow", "mstyle", "mpadded") and len(element.kids) == 1:
        element = element.kids[0]
    if element.tag not in ("mo", "mi", "mtext", "mn"):
        return None
    text = element.text.strip()
    if element.tag != "mo" and text in ("~", "_", ".", "→", "←", "*"):
        return None if element.tag == "mn" else table.get(text)
    return table.get(text)


_LIMITS_WITH_SIGN = {
    "underrightarrow": r"\varinjlim", "underleftarrow": r"\varprojlim", "overline": r"\varlimsup",
    "bar": r"\varlimsup", "underline": r"\varliminf",
}  # fmt: skip
_EXTENSIBLE = {
    "→": "xrightarrow", "⟶": "xrightarrow", "←": "xleftarrow", "⟵": "xleftarrow",
    "↔": "xleftrightarrow", "⟷": "xleftrightarrow", "⇒": "xRightarrow", "⟹": "xRightarrow",
    "⇐": "xLeftarrow", "⟸": "xLeftarrow", "⇔": "xLeftrightarrow", "⟺": "xLeftrightarrow",
    "↦": "xmapsto", "⟼": "xmapsto", "↪": "xhookrightarrow", "↩": "xhookleftarrow",
    "⇌": "xrightleftharpoons", "⇋": "xleftrightharpoons", "⇀": "xrightharpoonup",
    "⇁": "xrightharpoondown", "↼": "xleftharpoonup", "↽": "xleftharpoondown",
    "↠": "xtwoheadrightarrow", "↞": "xtwoheadleftarrow", "=": "xlongequal",
}  # fmt: skip


def _extensible(base: Element, under: Element, over: Element) -> str | None:
    """\\xrightarrow[under]{over}: a stretching arrow that carries text."""
    element = base
    while element.tag in ("mrow", "mstyle") and len(element.kids) == 1:
        element = element.kids[0]
    command = _EXTENSIBLE.get(element.text.strip()) if element.tag == "mo" else None
    if command is None:
        return None
    padded = (
        over.tag == "mpadded" or under.tag == "mpadded" or _has_strut(over) or _has_strut(under)
    )
    if not padded and "minsize" not in element.attrs:
        return None
    below = f"[{_unpadded(under)}]" if under.tex else ""
    return f"\\{command}{below}{{{_unpadded(over)}}}"


def _has_strut(script: Element) -> bool:
    """Temml makes room for its arrows by a space over their text."""
    return (
        script.tag in ("mover", "munder")
        and len(script.kids) == 2
        and script.kids[1].tag == "mspace"
    )


def _unpadded(script: Element) -> str:
    while len(script.kids) == 1 or _has_strut(script):
        script = script.kids[0]
    kids = script.kids
    if script.tag == "mrow" and len(kids) > 2 and kids[0].tag == kids[-1].tag == "mspace":
        return join([kid.tex for kid in kids[1:-1]])
    return script.tex
