r"""MathJax's rendered output back to LaTeX, where no source was left in the page.

MathJax 3 and 4 name their elements after MathML (`mjx-msup`, `<g data-mml-node="msup">`), so the
MathML tree is rebuilt from the layout and given to the MathML converter; characters come from the
glyph classes (`mjx-c1D465`, `data-c="1D465"`).
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.readers.assembled import assembled
from infimm_spark.extract.formulas.readers.element import MAX_ELEMENTS, ConversionError, Element
from infimm_spark.extract.formulas.readers.mathjax_svg import svg_to_element
from infimm_spark.extract.formulas.readers.mathml import element_to_latex
from infimm_spark.extract.formulas.sources import children_of
from infimm_spark.extract.latex.symbols import names

__all__ = ["ConversionError", "mathjax_to_latex"]


def mathjax_to_latex(node: LexborNode) -> str:
    r"""LaTeX of rendered MathJax output: the container element or anything that holds it.

    Reads MathJax 3 and 4 CHTML and SVG, and MathJax 2 CommonHTML, HTML-CSS and SVG. Assistive MathML
    and `data-latex` are for the caller to look at first; they are ignored here.

    Raises:
        ConversionError: ``empty``, ``too_large``, ``too_deep``, or ``undecodable`` for output that shows
            nothing that could be read.
    """
    svg = node if node.tag == "svg" else node.css_first("svg")
    if svg is not None and node.css_first("[data-mml-node]") is None:  # of MathJax 2
        root: Element | None = svg_to_element(svg)
    else:
        root = _read(node)
    if root is None:
        raise ConversionError("undecodable")
    return element_to_latex(root)


class _Node:
    """One rendered element: the MathML name it was made from, its glyphs and its position."""

    __slots__ = ("attrs", "classes", "element", "kids", "name", "text", "y")

    def __init__(self, name: str, attrs: dict[str, str | None]) -> None:
        self.name = name
        self.attrs = attrs
        self.classes = (attrs.get("class") or "").split()
        self.kids: list[_Node] = []
        self.text = ""
        self.y = 0.0
        self.element: Element | None = None


_IGNORED = frozenset(
    {
        "mjx-assistive-mml", "mjx-spacer", "mjx-nstrut", "mjx-dstrut", "mjx-line", "mjx-surd", "mjx-tstrut",
        "mjx-strut", "mjx-labels", "mjx-mark", "mjx-tooltip", "defs", "rect", "style", "script", "title",
        "math", "mjx-ext", "mjx-end", "mjx-mid", "mjx-beg", "mjx-linestrut", "mjx-break", "mjx-itr@",
    }
)  # fmt: skip
_GLYPH_CLASS = re.compile(r"mjx-c([0-9A-F]{2,6})\Z")
_TRANSLATE = re.compile(r"translate\(\s*-?[\d.e-]+[ ,]+(-?[\d.e-]+)")
# The calligraphic font has no code points of its own: `TEX-C` in CHTML, `#MJX-1-TEX-C-4C` in SVG.
_CALLIGRAPHIC = re.compile(r"(?:TEX|NCM)-C(?:$|[- ])")
_HREF_CODE = re.compile(r"-([0-9A-F]{2,6})\Z")


def _read(node: LexborNode) -> Element | None:
    root = _Node("#root", {})
    order = [root]
    stack: list[tuple[LexborNode, _Node]] = [(node, root)]
    while stack:
        current, parent = stack.pop()
        tag = current.tag or ""
        if tag[0] == "-":
            if tag == "-text":
                parent.text += current.text_content or ""
            continue
        if tag in _IGNORED:
            if tag == "rect":
                parent.attrs["#rect"] = "1"
            continue
        if tag == "line":
            line = current.attributes
            rising = (line.get("y1") or "0") <= (line.get("y2") or "0")
            parent.attrs["#line"] = "updiagonalstrike" if rising else "downdiagonalstrike"
            continue
        attrs = dict(current.attributes)
        named = _name(tag, attrs)
        item = _Node(named, attrs)
        glyph = _glyph(tag, item)
        if glyph is not None:
            parent.text += glyph
            if _CALLIGRAPHIC.search(item.attrs.get("xlink:href") or item.attrs.get("class") or ""):
                parent.attrs["#script"] = "1"
            continue
        if tag in ("mjx-stretchy-v", "mjx-stretchy-h"):
            code = next((m[1] for name in item.classes if (m := _GLYPH_CLASS.match(name))), None)
            if code:
                parent.text += chr(int(code, 16))
                continue
        if tag == "g" and not named:
            item.name = "#group"
        match = _TRANSLATE.search(attrs.get("transform") or "")
        if match:
            item.y = float(match[1])
        parent.kids.append(item)
        order.append(item)
        if len(order) > MAX_ELEMENTS:
            raise ConversionError("too_large")
        children = list(children_of(current))
        children.reverse()
        stack.extend([(child, item) for child in children])
    order = [root]
    for item in order:
        order.extend(item.kids)
    for item in reversed(order):
        _build(item)
    math = Element("math")
    math.kids = [kid.element for kid in root.kids if kid.element is not None]
    return math if math.kids else None


def _name(tag: str, attrs: dict[str, str | None]) -> str:
    """The MathML name behind an element; empty for an element that only groups."""
    if tag.startswith("mjx-"):
        return "mrow" if tag == "mjx-texatom" else _PLAIN_NAMES.get(tag, tag[4:])
    if tag == "g":
        name = (attrs.get("data-mml-node") or "").lower()
        return "mrow" if name == "texatom" else name
    if tag in ("span", "nobr", "div"):
        for name in (attrs.get("class") or "").split():
            if name.startswith("mjx-") and name not in ("mjx-char", "mjx-chtml"):
                name = name[4:]
            if name in _MATHML_NAMES or name in _PARTS:
                return name
            if name.lower() in ("texatom", "mjxc-display"):
                return "mrow"
        if "mjx-table-row" in (attrs.get("class") or ""):
            return "row"
    return ""


_PLAIN_NAMES = {"mjx-math": "mrow", "mjx-container": "mrow"}
_PARTS = frozenset(
    names(
        r"""
    base script sup sub under over num numerator den denominator root surd box stack itable row line
    prestack prescripts op table sqrt frac presub presup
    """
    )
)
_MATHML_NAMES = frozenset(
    names(
        r"""
    mi mn mo mtext ms mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom mfenced
    menclose msub msup msubsup munder mover munderover mmultiscripts mtable mtr mlabeledtr mtd
    maction semantics math texatom mprescripts none mglyph
    """
    )
)
_TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms"})


def _glyph(tag: str, item: _Node) -> str | None:
    """The characters that a glyph element prints, None for elements that are no glyph."""
    if tag == "mjx-c":
        for name in item.classes:
            match = _GLYPH_CLASS.match(name)
            if match:
                return _char(match[1])
        return ""
    if tag in ("use", "path"):
        code = item.attrs.get("data-c")
        if not code:
            match = _HREF_CODE.search(item.attrs.get("xlink:href") or item.attrs.get("href") or "")
            code = match[1] if match else None
        return _char(code) if code else ""
    return None


def _char(code: str) -> str:
    number = _PRIVATE.get(code) or int(code, 16)
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


# The long arrow of MathJax 4's font for mhchem.
_PRIVATE = {"E429": 0x27F6}

# CHTML marks the font on the token, SVG in the glyph's id.
_VARIANT_CLASSES = {
    "mjx-n": "normal", "mjx-b": "bold", "mjx-i": "italic", "mjx-bi": "bold-italic",
    "mjx-ds": "double-struck", "mjx-cal": "script", "mjx-scr": "script", "mjx-frak": "fraktur",
    "mjx-frb": "bold-fraktur", "mjx-ss": "sans-serif", "mjx-ssb": "bold-sans-serif",
    "mjx-ssi": "sans-serif-italic", "mjx-ty": "monospace", "mjx-tt": "monospace", "mjx-mit": "italic",
    "mjx-c": "script", "mjx-cb": "bold-script", "mjx-f": "fraktur", "mjx-fb": "bold-fraktur",
    "mjx-sc": "script", "mjx-t": "monospace",
}  # fmt: skip


_VARIANT_FONTS = {
    "MJXc-TeX-main-R": "normal", "MJXc-TeX-main-B": "bold", "MJXc-TeX-math-I": "italic",
    "MJXc-TeX-math-BI": "bold-italic", "MJXc-TeX-cal-R": "script", "MJXc-TeX-frak-R": "fraktur",
    "MJXc-TeX-frak-B": "bold-fraktur", "MJXc-TeX-script-R": "script", "MJXc-TeX-ams-R": "double-struck",
    "MJXc-TeX-sans-R": "sans-serif", "MJXc-TeX-sans-B": "bold-sans-serif",
    "MJXc-TeX-sans-I": "sans-serif-italic", "MJXc-TeX-type-R": "monospace",
}  # fmt: skip


# HTML-CSS names it in the style.
_FAMILY = re.compile(r"font-family:\s*\"?MathJax_([A-Za-z-]+)")
_VARIANT_FAMILIES = {
    "Main": "normal", "Main-bold": "bold", "Math-italic": "italic", "Math-bold-italic": "bold-italic",
    "Caligraphic": "script", "Script": "script", "Fraktur": "fraktur", "AMS": "double-struck",
    "SansSerif": "sans-serif", "SansSerif-bold": "bold-sans-serif", "Typewriter": "monospace",
}  # fmt: skip


def _build(item: _Node) -> None:
    """Makes the MathML element of one rendered element from those of its children."""
    name = item.name
    if name in _TOKENS:
        _build_token(item)
    elif name in _BOXED and (boxes := _boxes(item)):
        item.element = _boxed(name, boxes)
    elif name in _BUILDERS:
        _BUILDERS[name](item)
    else:
        element = Element("mrow" if name not in ("mphantom", "menclose", "mpadded") else name)
        element.kids = _elements(item)
        if not element.kids and item.text.strip():
            element.kids = [Element("mtext", None, item.text)]
        item.element = (
            element.kids[0] if len(element.kids) == 1 and element.tag == "mrow" else element
        )


def _elements(item: _Node) -> list[Element]:
    return [kid.element for kid in item.kids if kid.element is not None]


def _build_token(item: _Node) -> None:
    text = item.text or "".join(_deep_text(kid) for kid in item.kids)
    name = item.name
    if name == "mo" and len(text) > 1:
        text = assembled(text)
    element = Element(name, None, text)
    variant = None
    for class_name in item.classes:
        variant = _VARIANT_CLASSES.get(class_name, variant)
    for kid in item.kids:  # MathJax 2 marks the font on the glyph's own span
        for class_name in kid.classes:
            variant = _VARIANT_FONTS.get(class_name, variant)
    family = _FAMILY.search(item.attrs.get("style") or "")
    if family is not None:
        variant = _VARIANT_FAMILIES.get(family[1], variant)
    if variant == "double-struck" and not text.isalpha():
        variant = None  # its AMS font holds signs too
    if "mjx-ds" in item.classes or "mjx-cal" in item.classes:
        variant = "double-struck" if "mjx-ds" in item.classes else "script"
    if "#script" in item.attrs:
        variant = "script"
    # Upright is the default of all but a single letter.
    styled = variant != "normal" or (name == "mi" and len(text) == 1)
    if variant not in (None, "italic") and name in ("mi", "mn", "mtext") and styled:
        element.attrs["mathvariant"] = variant
    item.element = element


def _deep_text(item: _Node) -> str:
    parts: list[str] = []
    stack = [item]
    while stack:
        current = stack.pop()
        parts.append(current.text)
        stack.extend(reversed(current.kids))
    return "".join(parts)


def _find(item: _Node, *names: str) -> _Node | None:
    """The first part of that name below an element, not looking into other formulas' parts."""
    level = item.kids
    for _ in range(6):
        following: list[_Node] = []
        for kid in level:
            if kid.name in names:
                return kid
            if kid.name not in _MATHML_NAMES or (
                kid.name == "munder" and item.name == "munderover"
            ):
                following.extend(kid.kids)
        level = following
    return None


def _row(elements: list[Element]) -> Element:
    if len(elements) == 1:
        return elements[0]
    row = Element("mrow")
    row.kids = elements
    return row


def _part(item: _Node, *names: str) -> Element | None:
    found = _find(item, *names)
    return _row(_elements(found)) if found is not None else None


def _drawn(item: _Node) -> list[_Node]:
    """Children that show something, the groups that only position them opened."""
    return [kid for kid in item.kids if kid.element is not None]


def _build_scripts(item: _Node) -> None:
    script = _find(item, "script", "stack", "sub", "sup")
    element = Element(item.name)
    if script is None:  # SVG: base first, scripts by their height
        kids = _drawn(item)
        element.tag, element.kids = _by_height(kids, "msub", "msup", "msubsup")
        item.element = element
        return
    direct = [
        kid for kid in item.kids if kid is not script and kid.name not in ("sub", "sup", "stack")
    ]
    base = _row([kid.element for kid in direct if kid.element is not None])
    sub, sup = _part(item, "sub"), _part(item, "sup")
    if sub is None and sup is None:
        scripts = _elements(script)
        if item.name == "msub":
            sub = _row(scripts)
        elif item.name == "msup" or len(scripts) < 2:
            sup = _row(scripts)
            if _below(script) and item.name != "msup":
                sub, sup = sup, None
        else:
            sup, sub = scripts[0], scripts[-1]
    _set_scripts(item, base, sub, sup, "msub", "msup", "msubsup")


_VERTICAL = re.compile(r"vertical-align:\s*(-?[\d.]+)em")


def _below(script: _Node) -> bool:
    match = _VERTICAL.search(script.attrs.get("style") or "")
    return match is not None and match[1].startswith("-")


def _set_scripts(
    item: _Node, base: Element, under: Element | None, over: Element | None, *names: str
) -> None:
    element = Element(names[2] if under and over else names[0] if under else names[1])
    element.kids = [base, *(part for part in (under, over) if part is not None)]
    item.element = element if under or over else base


def _by_height(kids: list[_Node], low: str, high: str, both: str) -> tuple[str, list[Element]]:
    """SVG: the base, then what is set below and above it."""
    base = kids[0].element if kids and kids[0].element is not None else Element("mrow")
    scripts = sorted(kids[1:3], key=lambda kid: kid.y)
    elements = [base, *(kid.element for kid in scripts if kid.element is not None)]
    if len(scripts) == 2:
        return both, elements
    if not scripts:
        return "mrow", elements
    return (high if scripts[0].y > 0 else low), elements


def _build_limits(item: _Node) -> None:
    if _find(item, "script") is not None:
        item.name = {"munder": "msub", "mover": "msup"}.get(item.name, "msubsup")
        _build_scripts(item)
        return
    under = _part(item, "under") if item.name != "mover" else None
    over = _part(item, "over") if item.name != "munder" else None
    if under is None and over is None:
        kids = _drawn(item)
        element = Element(item.name)
        element.tag, element.kids = _by_height(kids, "munder", "mover", "munderover")
        if len(element.kids) == 2 and item.name in ("munder", "mover"):
            element.tag = item.name
        item.element = element
        return
    base = _part(item, "base", "op") or Element("mrow")
    _set_scripts(item, base, under, over, "munder", "mover", "munderover")


def _build_fraction(item: _Node) -> None:
    element = Element("mfrac")
    upper, lower = _part(item, "num", "numerator"), _part(item, "den", "denominator")
    if upper is None or lower is None:
        kids = [kid.element for kid in _drawn(item) if kid.element is not None]
        element.kids = kids[:2]
        if "#rect" not in item.attrs:
            element.attrs["linethickness"] = "0"
    else:
        element.kids = [upper, lower]
        frac = _find(item, "frac")
        barless = "mjx-mfrac" in item.classes and _find(item, "line") is None
        if barless or (frac is not None and frac.attrs.get("atop") == "true"):
            element.attrs["linethickness"] = "0"
    item.element = element


def _build_root(item: _Node) -> None:
    box = _part(item, "box")
    holder = _find(item, "box")
    if holder is not None and (surd := _find(holder, "surd")) is not None:
        # MathJax 2: the sign and the radicand's own box
        inner = _find(holder, "box")
        box = _part(holder, "box") if inner is not None else None
        surd.element = None
    degree = _part(item, "root")
    if box is None:
        kids = [kid.element for kid in _drawn(item) if kid.element is not None]
        kids = [kid for kid in kids if not (kid.tag == "mo" and kid.text.strip("√⎷│") == "")]
        if item.name == "mroot" and len(kids) > 1:
            # The degree is drawn smaller and raised; MathJax 4 puts it first.
            raised = [kid for kid in _drawn(item) if "scale" in (kid.attrs.get("transform") or "")]
            degree = raised[0].element if raised else kids[1]
            box = next(kid for kid in kids if kid is not degree)
        else:
            box = _row(kids)
    element = Element("mroot" if degree is not None else "msqrt")
    element.kids = [box] if degree is None else [box, degree]
    item.element = element


def _build_table(item: _Node) -> None:
    table = Element("mtable")
    rows: list[_Node] = []
    level = item.kids
    for _ in range(5):
        following: list[_Node] = []
        for kid in level:
            if kid.name in ("mtr", "mlabeledtr"):
                rows.append(kid)
            else:
                following.extend(kid.kids)
        if rows:
            break
        level = following
    for row in rows:
        line = table.add("mtr")
        for cell in row.kids:
            if cell.name == "mtd":
                made = line.add("mtd")
                made.attrs["style"] = cell.attrs.get("style") or ""
                made.kids = _elements(cell)
    if any(row.name == "mlabeledtr" for row in rows):
        table.attrs["#labelled"] = "1"  # the number itself stands outside the rows
    if "#line" in item.attrs and rows:
        table.attrs["columnlines"] = "none"
    item.element = table


def _build_space(item: _Node) -> None:
    match = re.search(
        r"(?:width|margin-left|margin-right):\s*(-?[\d.]+em)", item.attrs.get("style") or ""
    )
    item.element = Element("mspace", {"width": match[1] if match else "0"})


def _build_enclosure(item: _Node) -> None:
    notations = {_STRIKES[kid.name] for kid in item.kids if kid.name in _STRIKES}
    box = _find(item, "box")
    style = (box.attrs.get("style") or "") if box is not None else ""
    if "border:" in style or "#rect" in item.attrs:
        notations.add("box")
    if "#line" in item.attrs:
        notations.add(item.attrs["#line"] or "updiagonalstrike")
    element = Element("menclose", {"notation": " ".join(sorted(notations)) or "none"})
    element.kids = _elements(box) if box is not None else _elements(item)
    item.element = element


_STRIKES = {"ustrike": "updiagonalstrike", "dstrike": "downdiagonalstrike", "hstrike": "horizontalstrike",
            "vstrike": "verticalstrike"}  # fmt: skip


def _build_multiscripts(item: _Node) -> None:
    element = Element("mmultiscripts")
    pre, post = _find(item, "prescripts", "prestack"), _find(item, "script")
    base = [
        kid.element
        for kid in item.kids
        if kid.name not in ("prescripts", "script", "prestack") and kid.element
    ]
    element.kids = [_row([kid for kid in base if kid is not None])]
    for part, is_pre in ((post, False), (pre, True)):
        if part is None:
            continue
        if is_pre:
            element.kids.append(Element("mprescripts"))
        scripts = _elements(part)
        if len(scripts) >= 2:
            element.kids.extend([scripts[-1], scripts[0]])
        elif scripts:
            empty = Element("none")
            element.kids.extend([scripts[0], empty] if _below(part) else [empty, scripts[0]])
    item.element = element


# --- HTML-CSS of MathJax 2: boxes placed by their styles ------------------------------------

_BOXED = frozenset(
    {
        "msub",
        "msup",
        "msubsup",
        "munder",
        "mover",
        "munderover",
        "mfrac",
        "msqrt",
        "mroot",
        "mtable",
    }
)
_TOP = re.compile(r"(?:^|;)\s*top:\s*(-?[\d.]+)em")
_STRUT = re.compile(r"width:\s*0(?:px|em)?;.*?height:\s*(-?[\d.]+)em", re.S)


def _boxes(item: _Node) -> list[tuple[float, _Node]]:
    """The absolutely placed parts of an element, each with its baseline (downwards, in em)."""
    for holder in item.kids:
        if holder.name or "position: relative" not in (holder.attrs.get("style") or ""):
            continue
        boxes: list[tuple[float, _Node]] = []
        for kid in holder.kids:
            style = kid.attrs.get("style") or ""
            top = _TOP.search(style)
            if top is None or "position: absolute" not in style:
                continue
            struts = (_STRUT.search(strut.attrs.get("style") or "") for strut in kid.kids)
            height = next((float(strut[1]) for strut in struts if strut), 0.0)
            boxes.append((float(top[1]) + height, kid))
        return boxes
    return []


def _boxed(name: str, boxes: list[tuple[float, _Node]]) -> Element:
    """The MathML element of placed parts: what is above and below tells scripts and limits
    apart."""
    if name == "mtable":
        return _boxed_table([_cells(box) for _, box in boxes])
    parts = [(y, box) for y, box in boxes if _bears_mathml(box)]
    if not parts:
        return Element("mrow")
    baseline, base = parts[0]
    element = Element(name)
    if name == "mfrac":
        parts.sort(key=lambda part: part[0])
        element.kids = [_content(box) for _, box in (parts[0], parts[-1])]
        if not any("border-top" in (k.attrs.get("style") or "") for _, b in boxes for k in b.kids):
            element.attrs["linethickness"] = "0"
        return element
    if name in ("msqrt", "mroot"):
        element.kids = [_content(box) for _, box in parts[:2]]
        element.tag = "mroot" if len(element.kids) == 2 else "msqrt"
        return element
    low, high, both = (
        ("munder", "mover", "munderover")
        if name.startswith(("mu", "mo"))
        else ("msub", "msup", "msubsup")
    )
    below = next((box for y, box in parts[1:] if y > baseline), None)
    above = next((box for y, box in parts[1:] if y <= baseline), None)
    element.tag = both if below and above else low if below else high
    element.kids = [_content(box) for box in (base, below, above) if box is not None]
    return element if len(element.kids) > 1 else element.kids[0]


def _content(box: _Node) -> Element:
    """What stands in a box, without its struts: an accent is one only if it stands alone."""
    return _row([kid for kid in _elements(box) if kid.tag != "mrow" or kid.kids])


def _bears_mathml(box: _Node) -> bool:
    todo = [box]
    while todo:
        node = todo.pop()
        if node.name in _MATHML_NAMES:
            return True
        todo.extend(node.kids)
    return False


def _cells(column: _Node) -> list[_Node]:
    cells: list[_Node] = []
    todo = [column]
    while todo:
        node = todo.pop()
        if node.name == "mtd":
            cells.append(node)
        else:
            todo.extend(reversed(node.kids))
    return cells


def _boxed_table(columns: list[list[_Node]]) -> Element:
    """Columns stand beside one another, their cells below one another."""
    table = Element("mtable")
    columns = [column for column in columns if column]
    for index in range(max(map(len, columns), default=0)):
        row = table.add("mtr")
        for column in columns:
            row.add("mtd").kids = _elements(column[index]) if index < len(column) else []
    return table


_BUILDERS = {
    "msub": _build_scripts, "msup": _build_scripts, "msubsup": _build_scripts, "munder": _build_limits,
    "mover": _build_limits, "munderover": _build_limits, "mfrac": _build_fraction,
    "msqrt": _build_root, "mroot": _build_root, "mtable": _build_table, "mspace": _build_space,
    "menclose": _build_enclosure, "mmultiscripts": _build_multiscripts,
}  # fmt: skip
