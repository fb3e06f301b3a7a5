"""Content MathML rewritten as presentation MathML.

Only the layout changes: `<apply><plus/><ci>a</ci><ci>b</ci></apply>` becomes the row a + b, with
parentheses where an argument binds weaker than the operator around it.
"""

from __future__ import annotations

from collections.abc import Callable

from infimm_spark.extract.formulas.readers.element import Element

MARKERS = frozenset(
    {
        "apply",
        "ci",
        "cn",
        "csymbol",
        "reln",
        "bind",
        "lambda",
        "set",
        "list",
        "vector",
        "matrix",
        "piecewise",
    }
)
"""Elements that occur in content markup only."""


def to_presentation(root: Element) -> None:
    """Rewrites the content elements of a tree in place; presentation elements stay as they are."""
    order = [root]
    for element in order:
        order.extend(element.kids)
    for element in reversed(order):
        convert = _CONVERTERS.get(element.tag)
        if convert is not None:
            convert(element)
        elif element.tag in _CONSTANTS and not element.kids:
            tag, text = _CONSTANTS[element.tag]
            _become(element, tag, text)


# Binding strengths: an argument is put in parentheses where it binds weaker than its operator.
_RELATION, _SUM, _PRODUCT, _NEGATION, _POWER, _ATOM = 1, 2, 3, 4, 5, 9

# n-ary operators: the sign between arguments, and how strongly it binds.
_INFIX = {
    "plus": ("+", _SUM), "minus": ("−", _SUM), "times": ("", _PRODUCT), "eq": ("=", _RELATION),
    "neq": ("≠", _RELATION), "gt": (">", _RELATION), "lt": ("<", _RELATION), "geq": ("≥", _RELATION),
    "leq": ("≤", _RELATION), "equivalent": ("≡", _RELATION), "approx": ("≈", _RELATION),
    "implies": ("⇒", _RELATION), "in": ("∈", _RELATION), "notin": ("∉", _RELATION),
    "subset": ("⊆", _RELATION), "prsubset": ("⊂", _RELATION), "notsubset": ("⊈", _RELATION),
    "notprsubset": ("⊄", _RELATION), "union": ("∪", _SUM), "intersect": ("∩", _PRODUCT),
    "setdiff": ("∖", _SUM), "cartesianproduct": ("×", _PRODUCT), "and": ("∧", _PRODUCT),
    "or": ("∨", _SUM), "xor": ("⊻", _SUM), "tendsto": ("→", _RELATION), "compose": ("∘", _PRODUCT),
    "vectorproduct": ("×", _PRODUCT), "scalarproduct": ("⋅", _PRODUCT), "outerproduct": ("⊗", _PRODUCT),
    "rem": ("mod", _PRODUCT), "factorof": ("|", _RELATION),
}  # fmt: skip

_CONSTANTS = {
    "pi": ("mi", "π"), "exponentiale": ("mi", "e"), "imaginaryi": ("mi", "i"), "infinity": ("mi", "∞"),
    "emptyset": ("mi", "∅"), "eulergamma": ("mi", "γ"), "reals": ("mi", "ℝ"), "integers": ("mi", "ℤ"),
    "rationals": ("mi", "ℚ"), "naturalnumbers": ("mi", "ℕ"), "complexes": ("mi", "ℂ"),
    "primes": ("mi", "ℙ"), "true": ("mi", "true"), "false": ("mi", "false"), "notanumber": ("mi", "NaN"),
}  # fmt: skip

_NAMES = {
    "ln": "ln", "log": "log", "exp": "exp", "sin": "sin", "cos": "cos", "tan": "tan", "sec": "sec",
    "csc": "csc", "cot": "cot", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "sech": "sech",
    "csch": "csch", "coth": "coth", "arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan",
    "arcsec": "arcsec", "arccsc": "arccsc", "arccot": "arccot", "arcsinh": "arcsinh",
    "arccosh": "arccosh", "arctanh": "arctanh", "determinant": "det", "gcd": "gcd", "lcm": "lcm",
    "max": "max", "min": "min", "arg": "arg", "real": "Re", "imaginary": "Im", "ident": "id",
    "domain": "domain", "codomain": "codomain", "image": "image", "selector": "selector",
    "divergence": "div", "curl": "curl", "variance": "Var", "sdev": "σ", "median": "median",
    "mode": "mode", "grad": "∇", "laplacian": "∇²",
}  # fmt: skip
_QUALIFIERS = frozenset(
    {
        "bvar",
        "lowlimit",
        "uplimit",
        "interval",
        "condition",
        "domainofapplication",
        "degree",
        "logbase",
    }
)
_BIG = {"sum": "∑", "product": "∏", "int": "∫", "limit": "lim", "forall": "∀", "exists": "∃"}
_STRENGTH = "#strength"


def _become(element: Element, tag: str, text: str = "", kids: list[Element] | None = None) -> None:
    element.tag, element.text, element.kids = tag, text, kids or []


def _mo(text: str) -> Element:
    return Element("mo", None, text)


def _new(tag: str, *kids: Element) -> Element:
    element = Element(tag)
    element.kids = list(kids)
    return element


def _strength(element: Element) -> int:
    value = element.attrs.get(_STRENGTH)
    return int(value) if value else _ATOM


def _bound(element: Element, strength: int) -> Element:
    """The element, in parentheses where it binds weaker than `strength`."""
    if _strength(element) >= strength:
        return element
    return _new("mrow", _mo("("), element, _mo(")"))


def _identifier(element: Element) -> None:
    if element.kids and not element.text:
        _become(element, "mrow", "", element.kids)
    else:
        kind = "mi"
        text = element.text.strip()
        if element.attrs.get("type") in ("vector", "matrix") and len(text) == 1:
            element.attrs["mathvariant"] = "bold"
        _become(element, kind, text)


def _number(element: Element) -> None:
    kind = element.attrs.get("type") or ""
    separated = [kid for kid in element.kids if kid.tag == "-text"]
    texts = [part.text.strip() for part in separated] or [element.text.strip()]
    if len(texts) == 2 and kind == "rational":
        _become(
            element, "mfrac", "", [Element("mn", None, texts[0]), Element("mn", None, texts[1])]
        )
    elif len(texts) == 2 and kind == "e-notation":
        power = _new("msup", Element("mn", None, "10"), Element("mn", None, texts[1]))
        _become(element, "mrow", "", [Element("mn", None, texts[0]), _mo("×"), power])
        element.attrs[_STRENGTH] = str(_PRODUCT)
    elif len(texts) == 2 and kind.startswith("complex"):
        row = [
            Element("mn", None, texts[0]),
            _mo("+"),
            Element("mn", None, texts[1]),
            Element("mi", None, "i"),
        ]
        _become(element, "mrow", "", row)
        element.attrs[_STRENGTH] = str(_SUM)
    elif any(char.isdigit() for char in texts[0]):
        _become(element, "mn", texts[0])
        if texts[0].startswith(("-", "−")):
            element.attrs[_STRENGTH] = str(_SUM)
    else:
        _become(
            element,
            "mi",
            {"&pi;": "π", "pi": "π", "&ee;": "e", "&ii;": "i"}.get(texts[0], texts[0]),
        )


def _apply(element: Element) -> None:
    if not element.kids:
        return
    operator, *rest = element.kids
    qualifiers = {kid.tag: kid for kid in rest if kid.tag in _QUALIFIERS}
    arguments = [kid for kid in rest if kid.tag not in _QUALIFIERS]
    name = operator.tag
    if name in ("mi", "mrow") and not operator.kids and operator.attrs.get("cd"):
        name = operator.text.strip()  # csymbol: the content dictionary's name of the operator
    builder = _BUILDERS.get(name)
    strength = _ATOM
    if name in _INFIX and len(arguments) >= 2:
        sign, strength = _INFIX[name]
        row = _joined(arguments, sign, strength)
    elif name == "minus" and arguments:
        row, strength = [_mo("−"), _bound(arguments[0], _PRODUCT)], _SUM
    elif name in _INFIX and len(arguments) == 1:
        row = arguments
    elif builder is not None and arguments:
        row, strength = builder(arguments, qualifiers)
    elif name in _BIG:
        row, strength = _big(name, arguments, qualifiers)
    else:
        row = _function(operator, name, arguments, qualifiers)
    _become(element, "mrow", "", row)
    element.attrs[_STRENGTH] = str(strength)


def _joined(arguments: list[Element], sign: str, strength: int) -> list[Element]:
    row: list[Element] = []
    for index, argument in enumerate(arguments):
        if index and sign:
            row.append(_mo(sign))
        elif index and argument.tag == "mn":
            row.append(_mo("⋅"))
        # a - (b + c), but a + b + c
        needed = strength + 1 if index and sign in ("−", "∖") else strength
        row.append(_bound(argument, needed))
    return row


def _function(
    operator: Element, name: str, arguments: list[Element], qualifiers: dict[str, Element]
) -> list[Element]:
    symbol = Element("mi", None, _NAMES[name]) if name in _NAMES else operator
    if name == "log" and "logbase" in qualifiers:
        symbol = _new("msub", symbol, _row(qualifiers["logbase"].kids))
    row = [symbol]
    simple = len(arguments) == 1 and arguments[0].tag in ("mi", "mn") and name in _NAMES
    if simple:
        return [*row, arguments[0]]
    row.append(_mo("("))
    for index, argument in enumerate(arguments):
        if index:
            row.append(_mo(","))
        row.append(argument)
    row.append(_mo(")"))
    return row


def _row(kids: list[Element]) -> Element:
    return kids[0] if len(kids) == 1 else _new("mrow", *kids)


_Built = tuple[list[Element], int]
_Builder = Callable[[list[Element], dict[str, Element]], _Built]


def _divide(arguments: list[Element], _: dict[str, Element]) -> _Built:
    lower = arguments[1] if len(arguments) > 1 else Element("mrow")
    return [_new("mfrac", arguments[0], lower)], _ATOM


def _power(arguments: list[Element], _: dict[str, Element]) -> _Built:
    exponent = arguments[1] if len(arguments) > 1 else Element("mrow")
    return [_new("msup", _bound(arguments[0], _POWER + 1), exponent)], _POWER


def _root(arguments: list[Element], qualifiers: dict[str, Element]) -> _Built:
    degree = qualifiers.get("degree")
    if degree is None or (len(degree.kids) == 1 and degree.kids[0].text.strip() == "2"):
        return [_new("msqrt", arguments[0])], _ATOM
    return [_new("mroot", arguments[0], _row(degree.kids))], _ATOM


def _fenced(left: str, right: str) -> _Builder:
    return lambda arguments, _: ([_mo(left), arguments[0], _mo(right)], _ATOM)


def _prefix(sign: str) -> _Builder:
    return lambda arguments, _: ([_mo(sign), _bound(arguments[0], _NEGATION)], _NEGATION)


def _postfix(sign: str) -> _Builder:
    return lambda arguments, _: ([_bound(arguments[0], _ATOM), _mo(sign)], _POWER)


def _raised(sign: str) -> _Builder:
    return lambda arguments, _: (
        [_new("msup", _bound(arguments[0], _POWER + 1), Element("mi", None, sign))],
        _POWER,
    )


def _inverse(arguments: list[Element], _: dict[str, Element]) -> _Built:
    exponent = _new("mrow", _mo("−"), Element("mn", None, "1"))
    return [_new("msup", _bound(arguments[0], _POWER + 1), exponent)], _POWER


def _over(sign: str) -> _Builder:
    return lambda arguments, _: ([_new("mover", arguments[0], _mo(sign))], _ATOM)


def _derivative(sign: str) -> _Builder:
    def build(arguments: list[Element], qualifiers: dict[str, Element]) -> _Built:
        variable = qualifiers.get("bvar")
        if variable is None:
            return [_new("msup", _bound(arguments[0], _POWER), _mo("′"))], _POWER
        degree = next((kid for kid in variable.kids if kid.tag == "degree"), None)
        names = [kid for kid in variable.kids if kid.tag != "degree"]
        upper, lower = Element("mi", None, sign), _row(names)
        if degree is not None:
            upper = _new("msup", upper, _row(list(degree.kids)))
            lower = _new("msup", lower, _row(list(degree.kids)))
        below = _new("mrow", Element("mi", None, sign), lower)
        return [_new("mfrac", _new("mrow", upper), below), _bound(arguments[0], _PRODUCT)], _PRODUCT

    return build


def _big(name: str, arguments: list[Element], qualifiers: dict[str, Element]) -> _Built:
    """Sums, integrals, limits and quantifiers with their ranges."""
    sign = Element("mi" if name == "limit" else "mo", None, _BIG[name])
    variable = qualifiers.get("bvar")
    low, high = qualifiers.get("lowlimit"), qualifiers.get("uplimit")
    interval, condition = qualifiers.get("interval"), qualifiers.get("condition")
    under: list[Element] = []
    over: list[Element] = []
    if interval is not None and len(interval.kids) >= 2:
        ends = [kid for kid in interval.kids if kid.tag != "mo"] or interval.kids
        under, over = [ends[0]], [ends[-1]]
    if low is not None:
        under = list(low.kids)
    if high is not None:
        over = list(high.kids)
    names = list(variable.kids) if variable is not None else []
    if condition is not None:
        under = list(condition.kids)
    elif name == "limit" and names:
        under = [*names, _mo("→"), *under]
    elif name in ("sum", "product") and names and under:
        under = [*names, _mo("="), *under]
    if name in ("forall", "exists"):
        row = [sign, *names, *([_mo(":")] if arguments else []), *arguments]
        return row, _RELATION
    if under and over:
        sign = _new("munderover", sign, _row(under), _row(over))
    elif under:
        sign = _new("munder", sign, _row(under))
    row = [sign, *(_bound(argument, _PRODUCT) for argument in arguments)]
    if name == "int" and names:
        row += [Element("mspace", {"width": "thinmathspace"}), Element("mi", None, "d"), *names]
    return row, _SUM


_BUILDERS: dict[str, _Builder] = {
    "divide": _divide, "quotient": _divide, "power": _power, "root": _root, "abs": _fenced("|", "|"),
    "floor": _fenced("⌊", "⌋"), "ceiling": _fenced("⌈", "⌉"), "card": _fenced("|", "|"),
    "not": _prefix("¬"), "factorial": _postfix("!"), "transpose": _raised("T"), "inverse": _inverse,
    "conjugate": _over("¯"), "mean": _over("¯"), "diff": _derivative("d"), "partialdiff": _derivative("∂"),
}  # fmt: skip


def _listed(left: str, right: str) -> Callable[[Element], None]:
    def convert(element: Element) -> None:
        kids = [kid for kid in element.kids if kid.tag not in ("bvar", "condition")]
        condition = [kid for kid in element.kids if kid.tag in ("condition",)]
        names = [name for kid in element.kids if kid.tag == "bvar" for name in kid.kids]
        row = [_mo(left)]
        for index, kid in enumerate(kids or names):
            if index:
                row.append(_mo(","))
            row.append(kid)
        if condition:
            row.append(_mo("∣"))
            row.extend(condition[0].kids)
        row.append(_mo(right))
        _become(element, "mrow", "", row)

    return convert


def _interval(element: Element) -> None:
    closure = element.attrs.get("closure") or "closed"
    left = "(" if closure in ("open", "open-closed") else "["
    right = ")" if closure in ("open", "closed-open") else "]"
    _listed(left, right)(element)
    element.tag = "interval"


def _matrix(element: Element) -> None:
    table = Element("mtable")
    for row in element.kids:
        if row.tag == "matrixrow":
            line = table.add("mtr")
            line.kids = [_new("mtd", cell) for cell in row.kids]
    _become(element, "mrow", "", [_mo("("), table, _mo(")")])


def _piecewise(element: Element) -> None:
    table = Element("mtable", {"columnalign": "left left"})
    for piece in element.kids:
        if piece.tag == "piece" and len(piece.kids) >= 2:
            line = table.add("mtr")
            line.kids = [_new("mtd", piece.kids[0]), _new("mtd", piece.kids[1])]
        elif piece.tag == "otherwise":
            line = table.add("mtr")
            line.kids = [_new("mtd", *piece.kids), _new("mtd", Element("mtext", None, "otherwise"))]
    _become(element, "mrow", "", [_mo("{"), table])


def _lambda(element: Element) -> None:
    names = [name for kid in element.kids if kid.tag == "bvar" for name in kid.kids]
    body = [kid for kid in element.kids if kid.tag not in _QUALIFIERS]
    _become(element, "mrow", "", [*names, _mo("↦"), *body])


def _symbol(element: Element) -> None:
    _become(element, "mi", element.text.strip(), element.kids if not element.text else None)
    element.attrs.setdefault("cd", "1")


_CONVERTERS: dict[str, Callable[[Element], None]] = {
    "ci": _identifier, "cn": _number, "csymbol": _symbol, "apply": _apply, "reln": _apply, "bind": _apply,
    "set": _listed("{", "}"), "list": _listed("[", "]"), "vector": _listed("(", ")"),
    "interval": _interval, "matrix": _matrix, "piecewise": _piecewise, "lambda": _lambda,
}  # fmt: skip
