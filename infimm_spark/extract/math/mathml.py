r"""MathML to LaTeX: presentation markup, and content markup where there is no other.

The converter is a table of small functions, one a MathML element. Elements are converted children
first, each into TeX and a `kind` that tells its parent what it is: an atom, a row, an operator.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from infimm_spark.extract.math import content_mathml
from infimm_spark.extract.math.element import (
    ConversionError,
    Element,
    from_lexbor,
    in_order,
    local_name,
)
from infimm_spark.extract.math.symbols import (
    FONT_COMMAND,
    FONT_OF,
    FUNCTIONS,
    LARGE_OPERATORS,
    LIMIT_FUNCTIONS,
    OPERATOR_NAMES,
    OVER_ACCENTS,
    UNDER_ACCENTS,
    WIDE_ACCENTS,
    char_to_tex,
    in_font,
)
from infimm_spark.extract.math.tokenizer import join

__all__ = [
    "ConversionError",
    "annotation_tex",
    "element_to_latex",
    "is_display",
    "mathml_to_latex",
    "parse_mathml",
]

MAX_LENGTH = 100_000
"""Characters of TeX beyond which a conversion is given up."""


def mathml_to_latex(node: LexborNode) -> str:
    r"""LaTeX of a ``<math>`` node without delimiters; annotations and `alttext` are not looked at.

    Raises:
        ConversionError: ``empty`` for a formula without content, ``too_large`` beyond the limits.
    """
    return element_to_latex(from_lexbor(node))


def element_to_latex(root: Element) -> str:
    """LaTeX of a MathML element tree; see `mathml_to_latex`."""
    elements = in_order(root)
    if any(element.tag in content_mathml.MARKERS for element in elements):
        content_mathml.to_presentation(root)
        elements = in_order(root)
    for element in elements:
        _inherit(element)
    for element in reversed(elements):
        if element.kids and element.tag in _TOKEN_CONVERTERS:
            _row(element)
        else:
            _CONVERTERS.get(element.tag, _row)(element)
        if len(element.tex) > MAX_LENGTH:
            raise ConversionError("too_large")
    if root.kind == "prime":
        root.tex = root.tex.replace("'", r"\prime")
    tex = root.tex.strip()
    if not tex:
        raise ConversionError("empty")
    if "{}_" in tex or "{}^" in tex or "phantom" in tex:
        tex = _CHEMICAL_BASE.sub(r"\1", tex)
    return tex


# mhchem hangs indices on an empty base, or an invisible A or X, beside the element: `H{}_{2}`.
_CHEMICAL_BASE = re.compile(
    r"(\\mathrm\{[A-Z][A-Za-z]*\}(?:[_^]\{[\w+-]{1,4}\}|[_^]\w)?|[)\]])\s*(?:\{\}|\\[vh]?phantom\{[AX]\})(?=[_^])"
)


# --- around the formula -----------------------------------------------------------------------

_TEX_ENCODING = re.compile(
    r"^\s*(?:(?:application|text)/(?:x-)?)?(?:ams|plain|texvc|la)?-?(?:la)?tex\s*(?:;.*)?$",
    re.IGNORECASE,
)


def annotation_tex(node: LexborNode) -> str | None:
    """The TeX a ``<math>`` node is annotated with, None where there is none.

    Every spelling of the encoding counts: ``application/x-tex``, ``application/x-latex``,
    ``text/x-latex``, ``TeX``, ``LaTeX``, ``AMSLaTeX``; ``StarMath``, ``Maple`` and others do not.
    """
    stack = [node.first_child]
    while stack:
        current = stack.pop()
        while current is not None:
            name = local_name(current.tag or "")
            if name in ("annotation", "annotation-xml"):
                encoding = current.attributes.get("encoding") or ""
                if _TEX_ENCODING.match(encoding):
                    tex = current.text(deep=True).strip()
                    if tex:
                        return tex
            elif name in ("semantics", "mrow", "mstyle", "math"):
                stack.append(current.first_child)
            current = current.next
    return None


def is_display(node: LexborNode) -> bool:
    """Whether a ``<math>`` node is a display formula: `display`, the old `mode`, or its root style."""
    attributes = node.attributes
    display = (attributes.get("display") or attributes.get("mode") or "").strip().lower()
    if display:
        return display in ("block", "display", "true")
    return (attributes.get("displaystyle") or "").strip().lower() == "true"


_PROLOGUE = re.compile(r"<\?.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_PREFIX = re.compile(r"(</?)[A-Za-z][\w.-]*:(?=[A-Za-z])")


def parse_mathml(xml: str) -> LexborNode:
    """The ``<math>`` node of a MathML string.

    Takes XML declarations, DOCTYPEs, CDATA, any namespace prefix, HTML and MathML entities, markup
    escaped once more, and fragments without a ``<math>`` around them.

    Raises:
        ConversionError: ``no_mathml`` where there is no element at all.
    """
    xml = xml.strip()
    if xml.startswith("&lt;"):
        xml = html.unescape(xml)
    xml = _PROLOGUE.sub("", xml) if "<?" in xml or "<!" in xml[:500] else xml
    if "<![CDATA[" in xml:
        xml = _CDATA.sub(lambda match: html.escape(match[1]), xml)
    if ":" in xml:
        xml = _PREFIX.sub(r"\1", xml)
    tree = LexborHTMLParser(xml)
    node = tree.css_first("math")
    if node is None:
        if "<" not in xml:
            raise ConversionError("no_mathml")
        tree = LexborHTMLParser(f"<math>{xml}</math>")
        node = tree.css_first("math")
    if node is None:
        raise ConversionError("no_mathml")
    return node


# --- tokens -----------------------------------------------------------------------------------

_INHERITED = frozenset(
    {"mstyle", "math", "mrow", "semantics", "mpadded", "merror", "mtd", "mtr", "mtable"}
)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_OPENING = {"(": "(", "[": "[", "{": r"\{", "⟨": r"\langle", "⌈": r"\lceil", "⌊": r"\lfloor",
            "〈": r"\langle", "\u2329": r"\langle", "⟦": r"\llbracket", "⟮": r"\lgroup", "⎰": r"\lmoustache",
            "⌜": r"\ulcorner", "⌞": r"\llcorner", "<": r"\langle"}  # fmt: skip
_CLOSING = {")": ")", "]": "]", "}": r"\}", "⟩": r"\rangle", "⌉": r"\rceil", "⌋": r"\rfloor",
            "〉": r"\rangle", "\u232a": r"\rangle", "⟧": r"\rrbracket", "⟯": r"\rgroup", "⎱": r"\rmoustache",
            "⌝": r"\urcorner", "⌟": r"\lrcorner", ">": r"\rangle"}  # fmt: skip
_BARS = {"|": "|", "∣": "|", "‖": r"\|", "∥": r"\|", "||": r"\|", "❘": "|", "ǀ": "|"}
_PRIMES = {"′": 1, "'": 1, "’": 1, "″": 2, "‴": 3, "⁗": 4, "''": 2, "'''": 3, "′′": 2, "′′′": 3,
           "ʹ": 1, "ʺ": 2}  # fmt: skip
_EXTENSIBLE = {
    "→": "xrightarrow", "⟶": "xrightarrow", "←": "xleftarrow", "⟵": "xleftarrow",
    "↔": "xleftrightarrow", "⟷": "xleftrightarrow", "⇒": "xRightarrow", "⟹": "xRightarrow",
    "⇐": "xLeftarrow", "⟸": "xLeftarrow", "⇔": "xLeftrightarrow", "⟺": "xLeftrightarrow",
    "↦": "xmapsto", "⟼": "xmapsto", "↪": "xhookrightarrow", "↩": "xhookleftarrow",
    "⇌": "xrightleftharpoons", "⇋": "xleftrightharpoons", "⇀": "xrightharpoonup",
    "⇁": "xrightharpoondown", "↼": "xleftharpoonup", "↽": "xleftharpoondown",
    "↠": "xtwoheadrightarrow", "↞": "xtwoheadleftarrow", "=": "xlongequal",
}  # fmt: skip


def _inherit(element: Element) -> None:
    variant = element.attrs.get("mathvariant") or element.variant
    element.variant = variant
    if variant and element.tag in _INHERITED:
        for kid in element.kids:
            kid.variant = variant


def _trimmed(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ")


def _identifier(element: Element) -> None:
    text = _trimmed(element.text)
    if len(text) <= 3 and _COMPOSED.search(text):
        text = unicodedata.normalize("NFD", text)  # TeX4ht writes `Ĥ` for `\hat{H}`
    element.tex, element.kind = _identifier_tex(text, element.variant)
    if element.attrs.get("class") == "operator" and element.tex.startswith(r"\mathrm{"):
        element.tex, element.kind = f"\\operatorname{element.tex[7:]}", "func"


_COMPOSED = re.compile("[\u00ff-\u024f\u1e00-\u1eff]")  # letters of words (é, ö, ñ) stay


@lru_cache(maxsize=8192)
def _identifier_tex(text: str, variant: str | None) -> tuple[str, str]:
    if not text:
        return "", "empty"
    if text in LARGE_OPERATORS:
        return char_to_tex(text), "op"
    if text in _PRIMES and not text.isascii() and text != "’":
        return "'" * _PRIMES[text], "prime"
    if len(text) == 1:
        if text in _COMBINING:
            return f"\\{_COMBINING[text]}{{}}", ""
        tex = char_to_tex(text)
        if tex.startswith("'"):
            return tex, "prime"
        if not tex:
            return "", "empty"
        return _in_variant(tex, text, variant), _kind_of(tex)
    if text in FUNCTIONS and variant in (None, "normal"):
        return "\\" + text, "limits" if text in LIMIT_FUNCTIONS else "func"
    compact = (
        text.replace(" ", "").replace("\u00a0", "").replace("\u2006", "").replace("\u2009", "")
    )
    if compact in ("limsup", "liminf", "injlim", "projlim"):
        return "\\" + compact, "limits"
    if text[0] == "\\" and text[1:].isalpha() and text.isascii():
        return text, ""  # TeX that the producer of the MathML did not know
    plain, font = _unstyled(text)
    if font:
        variant, text = font, plain
    if all(char.isalpha() and char.isascii() for char in text):
        if variant in (None, "normal"):
            if text in OPERATOR_NAMES:
                return f"\\operatorname{{{text}}}", "limits" if text in LIMIT_FUNCTIONS else "func"
            return f"\\mathrm{{{text}}}", "word"
        if variant == "italic":
            return f"\\mathit{{{text}}}", "word"
        return _in_variant(text, text, variant), "word"
    if " " in text or "\u00a0" in text:
        words = text.replace("\u00a0", " ")
        if any(char.isalpha() for char in words):
            return f"\\text{{{_text_tex(words)}}}", "word"
    parts = _characters(text)
    if variant in (None, "normal", "italic"):
        letters = sum(char.isalpha() and char.isascii() for char in text)
        if letters > 1 and variant != "italic":
            return f"\\mathrm{{{join(parts)}}}", "word"
        return join(parts), "row" if len(parts) > 1 else ""
    return _in_variant(join(parts), text, variant), "word"


def _characters(text: str) -> list[str]:
    """TeX of every character; a run of combining marks is set as accents over its base."""
    parts: list[str] = []
    for char in text:
        accent = _COMBINING.get(char)
        if accent is not None and parts:
            parts[-1] = f"\\{accent}{{{parts[-1]}}}"
        else:
            tex = char_to_tex(char)
            if tex:
                parts.append(tex)
    return parts


_COMBINING = {
    char: name for char, name in OVER_ACCENTS.items() if "\u0300" <= char <= "\u036f" or "\u20d0" <= char <= "\u20ff"
}  # fmt: skip
_COMBINING["\u0332"] = "underline"
_COMBINING["\u0338"] = "not"


def _unstyled(text: str) -> tuple[str, str | None]:
    """A word in one mathematical alphabet as plain letters and its variant."""
    styled = [FONT_OF.get(char) for char in text]
    if not all(styled):
        return text, None
    variants = {pair[0] for pair in styled if pair}
    if len(variants) != 1:
        return text, None
    return "".join(pair[1] for pair in styled if pair), variants.pop()


def _in_variant(tex: str, text: str, variant: str | None) -> str:
    if variant is None or variant not in FONT_COMMAND or tex.startswith(("^", "_", "'")):
        return tex
    letter = text[0].isalpha()
    if variant == "normal":
        return f"\\mathrm{{{tex}}}" if letter and text.isascii() else tex
    if variant == "italic":
        return tex
    if text[0] in FONT_OF and FONT_OF[text[0]][0] != "italic":
        return tex
    if variant == "bold":
        if not text.isascii() and not text[0].isupper():
            return f"\\boldsymbol{{{tex}}}"
        return f"\\mathbf{{{tex}}}" if letter or text[0].isdigit() else f"\\boldsymbol{{{tex}}}"
    if variant in ("script", "double-struck", "fraktur") and not letter and not text[0].isdigit():
        return tex
    return in_font(variant, tex)


def _kind_of(tex: str) -> str:
    return "script" if tex[0] in "^_" else "space" if tex in _SPACE_TEX else ""


_SPACE_TEX = frozenset({r"\ ", r"\,", r"\:", r"\;", r"\quad", r"\qquad", r"\quad ", r"\enspace "})


def _number(element: Element) -> None:
    text = _trimmed(element.text)
    element.tex, element.kind = _number_tex(text, element.variant)


@lru_cache(maxsize=4096)
def _number_tex(text: str, variant: str | None) -> tuple[str, str]:
    if text.isascii() and text.isalnum():
        tex = text
    else:
        plain, font = _unstyled(text)
        if font:
            text, variant = plain, font
        tex = join(_characters(text.replace(" ", "\u2009") if " " in text else text))
    if variant not in (None, "normal", "italic"):
        tex = _in_variant(tex, text or " ", variant)
    elif (
        any(char.isalpha() and char.isascii() for char in text)
        and variant != "italic"
        and len(text) > 1
    ):
        tex = f"\\mathrm{{{tex}}}" if text.isalpha() else tex
    return tex, ("row" if len(tex) > 1 and tex[0] != "\\" else "") if tex else "empty"


def _operator(element: Element) -> None:
    element.tex, element.kind = _operator_tex(_trimmed(element.text), element.variant)
    form = element.attrs.get("form")
    if form is not None and element.kind in ("fence", "open", "close"):
        if form == "prefix":
            element.kind = "open"
        elif form == "postfix":
            element.kind = "close"
    if element.attrs.get("movablelimits") == "true" and element.kind in ("word", "func"):
        element.kind = "limits"


@lru_cache(maxsize=4096)
def _operator_tex(text: str, variant: str | None) -> tuple[str, str]:
    if not text:
        return "", "empty"
    if text in _OPENING and text != "<":
        return _OPENING[text], "open"
    if text in _CLOSING and text != ">":
        return _CLOSING[text], "close"
    if text in ("|", "‖", "||", "∥", "❘", "ǀ"):
        return _BARS[text], "fence"
    if text == "∣":
        return r"\mid", "fence"
    if text in LARGE_OPERATORS:
        return char_to_tex(text), "op"
    if text in _PRIMES:
        return "'" * _PRIMES[text], "prime"
    if text in ("∗", "*"):
        return "*", "mo"
    if text in ("...", "…"):
        return r"\ldots", "mo"
    if text == "&&":
        return r"\&\&", "mo"
    if text == "~":
        return r"\sim", "mo"
    if len(text) == 1:
        if text in _COMBINING:
            return f"\\{_COMBINING[text]}{{}}", "mo"
        tex = char_to_tex(text)
        if not tex:
            return "", "empty"
        kind = _kind_of(tex) or "mo"
        return _in_variant(tex, text, variant) if text.isalpha() or variant == "bold" else tex, kind
    if text in FUNCTIONS:
        return "\\" + text, "limits" if text in LIMIT_FUNCTIONS else "func"
    if text == "mod":
        return r"\bmod", "mo"
    if text.isascii() and text.isalpha():
        if text in OPERATOR_NAMES:
            return f"\\operatorname{{{text}}}", "limits" if text in LIMIT_FUNCTIONS else "func"
        return f"\\mathrm{{{text}}}", "word"
    if any(char.isalpha() for char in text):
        return _identifier_tex(text, variant or "normal")
    return join(_characters(text)), "row"


def _text(element: Element) -> None:
    element.tex, element.kind = _text_token(element.text, element.variant)


_TEXT_FONT = {
    "bold": r"\textbf", "italic": r"\textit", "bold-italic": r"\textbf", "monospace": r"\texttt",
    "sans-serif": r"\textsf", "bold-sans-serif": r"\textsf", "sans-serif-italic": r"\textsf",
    "sans-serif-bold-italic": r"\textsf",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _text_token(text: str, variant: str | None) -> tuple[str, str]:
    text = _SPACES.sub(" ", text)
    stripped = text.strip(" \u00a0\u2003\u2002\u2009\u200a\u2004\u2005\u200b")
    if not stripped:
        return _blank(text)
    if len(stripped) == 1 and not stripped.isalnum() and stripped not in ".,;:!?-'\"()[]":
        tex = char_to_tex(stripped)
        if tex != stripped and tex and not tex.startswith(("'", "`")):
            return tex, _kind_of(tex) or "mo"
    plain, font = _unstyled_text(text)
    if font and variant in (None, "normal", font):
        text, variant = plain, font
        stripped = text.strip()
    if variant in ("double-struck", "fraktur", "script", "bold-fraktur", "bold-script"):
        return in_font(variant, join(_characters(stripped))), "word"
    text = text.replace("\u00a0", " ").replace("\u200b", "")
    command = _TEXT_FONT.get(variant or "", r"\text")
    return f"{command}{{{_text_tex(text)}}}", "word"


def _unstyled_text(text: str) -> tuple[str, str | None]:
    """Words written in one mathematical alphabet, as plain text and its variant."""
    fonts = {FONT_OF[char][0] for char in text if char in FONT_OF}
    if len(fonts) != 1 or any(char.isalpha() and char not in FONT_OF for char in text):
        return text, None
    return "".join(FONT_OF[char][1] if char in FONT_OF else char for char in text), fonts.pop()


def _blank(text: str) -> tuple[str, str]:
    if not text:
        return "", "empty"
    parts = [char_to_tex(char) for char in text if char != " "] if text.strip(" ") else [r"\ "]
    return "".join(parts) or "", "space"


_TEXT_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "&": r"\&", "#": r"\#",
        "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "\u2061": None,
        "\u2062": None, "\u2063": None, "\n": " ",
    }
)  # fmt: skip


def _text_tex(text: str) -> str:
    return text.translate(_TEXT_ESCAPES)


def _string(element: Element) -> None:
    left = element.attrs.get("lquote")
    right = element.attrs.get("rquote")
    text = (
        ('"' if left is None else left) + _trimmed(element.text) + ('"' if right is None else right)
    )
    element.tex, element.kind = _text_token(text, element.variant)


_WIDTHS = {
    "veryverythinmathspace": 1 / 18, "verythinmathspace": 2 / 18, "thinmathspace": 3 / 18,
    "mediummathspace": 4 / 18, "thickmathspace": 5 / 18, "verythickmathspace": 6 / 18,
    "veryverythickmathspace": 7 / 18,
}  # fmt: skip
_LENGTH = re.compile(r"\s*([+-]?[\d.]+)\s*(em|ex|px|pt|pc|cm|mm|in|mu|%)?\s*\Z")
_EM_OF = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 0.1, "pc": 1.2, "cm": 2.8, "mm": 0.28, "in": 7.2,
          "mu": 1 / 18, "%": 0.0}  # fmt: skip


def _space(element: Element) -> None:
    element.tex = _space_tex(_ems(element.attrs.get("width") or ""))
    element.kind = "space" if element.tex else "empty"


def _ems(width: str) -> float:
    negative = width.startswith("negative")
    named = _WIDTHS.get(width.removeprefix("negative"))
    if named is not None:
        return -named if negative else named
    match = _LENGTH.match(width)
    if match is None:
        return 0.0
    try:
        return float(match[1]) * _EM_OF.get(match[2] or "px", 0.0)
    except ValueError:
        return 0.0


def _space_tex(ems: float) -> str:
    if ems < -0.05:
        return r"\!"
    for limit, tex in ((0.1, ""), (0.2, r"\,"), (0.25, r"\:"), (0.4, r"\;"), (0.75, r"\enspace"),
                       (1.5, r"\quad"), (3.0, r"\qquad")):  # fmt: skip
        if ems < limit:
            return tex
    return f"\\hspace{{{min(ems, 50):.3g}em}}"


# --- rows and fences --------------------------------------------------------------------------


def _row(element: Element) -> None:
    """mrow and everything that shows its children side by side."""
    if element.tag not in ("mrow", "math") and not element.kids and element.text:
        _identifier(element)
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
    element.tex, element.kind, element.tall = _side_by_side(kids)


def _side_by_side(kids: list[Element]) -> tuple[str, str, bool]:
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


_MATRICES = {("(", ")"): "pmatrix", ("[", "]"): "bmatrix", (r"\{", r"\}"): "Bmatrix", ("|", "|"): "vmatrix",
             (r"\mid", r"\mid"): "vmatrix", (r"\|", r"\|"): "Vmatrix"}  # fmt: skip


def _matrix_environment(left: str, right: str, table: str) -> str | None:
    if table.startswith(r"\begin{matrix}"):
        body = table[len(r"\begin{matrix}") : -len(r"\end{matrix}")]
        name = _MATRICES.get((left, right))
        if name is not None:
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


def _fenced(element: Element) -> None:
    opening = _attribute(element, "open", "(")
    closing = _attribute(element, "close", ")")
    separators = "".join(_attribute(element, "separators", ",").split())
    row: list[Element] = [_mo(opening, "open")] if opening else []
    kids = [kid for kid in element.kids if kid.tex]
    for index, kid in enumerate(kids):
        if index and separators:
            row.append(_mo(separators[min(index - 1, len(separators) - 1)], "mo"))
        row.append(kid)
    if closing:
        row.append(_mo(closing, "close"))
    tall = any(kid.tall for kid in element.kids)
    if not opening and closing and tall:
        tex = join([r"\left.", *(kid.tex for kid in row[:-1]), r"\right", row[-1].tex])
        element.tex, element.kind, element.tall = tex, "fenced", True
        return
    element.tex, element.kind, element.tall = _side_by_side(row)
    if element.kind == "row" and opening and closing:
        element.kind = "fenced"


def _attribute(element: Element, name: str, default: str) -> str:
    value = element.attrs.get(name, default)
    return "" if value is None else value.strip()


def _mo(text: str, kind: str) -> Element:
    element = Element("mo", None, text)
    _operator(element)
    if kind != "mo" and element.kind in ("open", "close", "fence", "mo"):
        if element.tex == r"\mid":
            element.tex = "|"
        if text in ("<", ">"):
            element.tex = r"\langle" if text == "<" else r"\rangle"
        element.kind = kind
    return element


# --- scripts ----------------------------------------------------------------------------------

_ATOMIC = frozenset({"", "word", "func", "limits", "op", "mo", "prime", "open", "close", "fence", "brace",
                     "fenced", "accent"})  # fmt: skip


def _base(element: Element) -> str:
    """A base as scripts need it: one atom, or braces around it."""
    if not element.tex:
        return "{}"
    if element.kind in _ATOMIC or element.tex.isdigit():
        return element.tex
    return f"{{{element.tex}}}"


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


def _kid(element: Element, index: int) -> Element:
    return element.kids[index] if index < len(element.kids) else _NOTHING


_NOTHING = Element("none")
_NOTHING.kind = "empty"


def _scripted(element: Element, base: Element, sub: Element, sup: Element) -> None:
    sub_tex, sup_tex = _script("_", sub), _superscript(sup)
    if not sub_tex and not sup_tex:
        element.tex, element.kind, element.tall = base.tex, base.kind, base.tall
        return
    if base.kind == "prime" and not sub_tex and sup_tex.startswith("'"):
        element.tex, element.kind = base.tex + sup_tex, "prime"
        return
    element.tex = join([_base(base), sub_tex + sup_tex])
    element.kind = "scripts"
    element.tall = base.tall or base.kind == "op" or sub.tall or sup.tall


def _sub(element: Element) -> None:
    _scripted(element, _kid(element, 0), _kid(element, 1), _NOTHING)


def _sup(element: Element) -> None:
    _scripted(element, _kid(element, 0), _NOTHING, _kid(element, 1))


def _subsup(element: Element) -> None:
    _scripted(element, _kid(element, 0), _kid(element, 1), _kid(element, 2))


def _multiscripts(element: Element) -> None:
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


def _under(element: Element) -> None:
    if len(element.kids) > 2:  # Temml puts the sign of application between base and limit
        element.kids = [kid for kid in element.kids if kid.kind not in ("empty", "space")]
    _limits(element, _kid(element, 0), _kid(element, 1), _NOTHING)


def _over(element: Element) -> None:
    _limits(element, _kid(element, 0), _NOTHING, _kid(element, 1))


def _underover(element: Element) -> None:
    _limits(element, _kid(element, 0), _kid(element, 1), _kid(element, 2))


def _limits(element: Element, base: Element, under: Element, over: Element) -> None:
    element.tall = base.tall or under.tall or over.tall
    if under.kind in ("space", "empty") and over.kind in ("space", "empty"):
        # A strut under or over the base only makes room.
        element.tex, element.kind = base.tex, base.kind
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
    if base.tex in (r"\lim", r"\mathrm{lim}", r"\text{lim}") and not (under.tex and over.tex):
        sign = _accent(over, OVER_ACCENTS) or _accent(under, UNDER_ACCENTS)
        named = _LIMITS_WITH_SIGN.get(sign or "")
        if named is not None:
            element.tex, element.kind = named, "limits"
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


# --- fractions, roots, boxes ------------------------------------------------------------------


def _fraction(element: Element) -> None:
    upper, lower = _kid(element, 0), _kid(element, 1)
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
    match = _LENGTH.match(thickness)
    return match is not None and match[1].strip("+-0.") == "" and match[1].strip("+-.") != ""


def _square_root(element: Element) -> None:
    tex, _, _ = _side_by_side(element.kids)
    element.tex, element.tall = f"\\sqrt{{{tex}}}", True


def _root(element: Element) -> None:
    degree = _kid(element, 1).tex
    if "]" in degree:
        degree = f"{{{degree}}}"
    index = f"[{degree}]" if degree else ""
    element.tex, element.tall = f"\\sqrt{index}{{{_kid(element, 0).tex}}}", True


def _style(element: Element) -> None:
    if element.attrs.get("class") in ("maketag", "label"):
        element.kind = "empty"  # TeX4ht's equation number
        return
    _row(element)
    kids = element.kids
    if len(kids) == 1 and kids[0].tag == "mfrac" and element.tex.startswith(r"\frac"):
        display = element.attrs.get("displaystyle")
        level = element.attrs.get("scriptlevel")
        if display == "false" and level in (None, "0"):
            element.tex = r"\t" + element.tex[1:]


def _phantom(element: Element) -> None:
    tex, _, _ = _side_by_side(element.kids)
    element.tex, element.kind = (f"\\phantom{{{tex}}}", "") if tex else ("", "empty")


def _padded(element: Element) -> None:
    kids = element.kids
    if len(kids) == 1 and kids[0].tag == "mphantom" and kids[0].tex:
        width, height = element.attrs.get("width"), element.attrs.get("height")
        if width in ("0", "0em", "0px"):
            element.tex, element.kind = r"\v" + kids[0].tex[1:], "empty"
            return
        if height in ("0", "0em", "0px"):
            element.tex, element.kind = r"\h" + kids[0].tex[1:], ""
            return
    _row(element)


def _enclosed(element: Element) -> None:
    inner, kind, tall = _side_by_side(element.kids)
    notations = (element.attrs.get("notation") or "longdiv").split()
    if {"updiagonalstrike", "downdiagonalstrike"} <= set(notations):
        notations = ["xcancel"]
    elif {"top", "bottom", "left", "right"} <= set(notations):
        notations = ["box"]
    tex = inner
    for notation in notations:
        if notation in _ENCLOSURES:
            tex, kind = _ENCLOSURES[notation].replace("{}", f"{{{tex}}}", 1), ""
    element.tex, element.kind, element.tall = tex, kind, tall


_ENCLOSURES = {
    "xcancel": r"\xcancel{}",
    "box": r"\boxed{}", "roundedbox": r"\boxed{}", "updiagonalstrike": r"\cancel{}",
    "downdiagonalstrike": r"\bcancel{}", "horizontalstrike": r"\enclose{horizontalstrike}{}",
    "verticalstrike": r"\enclose{verticalstrike}{}", "circle": r"\enclose{circle}{}",
    "top": r"\overline{}", "bottom": r"\underline{}", "radical": r"\sqrt{}",
    "left": r"\left|{}\right.", "right": r"\left.{}\right|", "longdiv": r"\overline{\left.\right){}}",
    "actuarial": r"\overline{\left.{}\right|}",
}  # fmt: skip


def _error(element: Element) -> None:
    """merror shows the source that its producer could not read: TeX is kept as it is."""
    text = "".join(kid.text for kid in element.kids).strip()
    if re.fullmatch(r"\\[A-Za-z]+", text):
        element.tex = text
        return
    _row(element)


def _semantics(element: Element) -> None:
    element.kids = element.kids[:1]
    _row(element)


def _action(element: Element) -> None:
    selection = element.attrs.get("selection") or "1"
    index = int(selection) - 1 if selection.isdigit() and len(selection) < 4 else 0
    kids = [kid for kid in element.kids if kid.tag != "-text"]
    if kids:
        chosen = kids[index] if 0 <= index < len(kids) else kids[0]
        element.tex, element.kind, element.tall = chosen.tex, chosen.kind, chosen.tall


def _glyph(element: Element) -> None:
    alt = element.attrs.get("alt") or ""
    element.tex, element.kind = _identifier_tex(_trimmed(alt), None)


def _nothing(element: Element) -> None:
    element.tex, element.kind = "", "empty"


# --- tables -----------------------------------------------------------------------------------


def _table(element: Element) -> None:
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
    rows = [_without_trailing_empty(row[glue:], rows, glue) for row in rows]
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
        label = re.sub(r"\\(?:text|mathrm)\{(.*)\}", r"\1", tag).strip("()")
        element.tex, element.kind = f"{body} \\tag{{{label}}}", "row"
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


# TeX4ht's
_ALIGNED_CLASSES = frozenset({"align", "align-star", "alignat", "aligned", "split", "eqnarray"})


def _leading_empty_columns(rows: list[list[Element]]) -> int:
    """Columns at the left that hold nothing in any row: KaTeX and Temml centre equations by them."""
    count = 0
    width = max(len(row) for row in rows)
    while count < width - 1 and not any(row[count].tex for row in rows if count < len(row)):
        count += 1
    return count


def _without_trailing_empty(
    row: list[Element], rows: list[list[Element]], glue: int
) -> list[Element]:
    """A row up to the last column that holds something in any row; tables of blanks stay."""
    last = max((i for other in rows for i, cell in enumerate(other) if cell.tex), default=-1)
    return row[: last + 1 - glue] if last >= 0 else row


def _with_row_lines(body: str, lines: str) -> str:
    rows = body.split(r" \\ ")
    kinds = lines.split() or ["none"]
    if len(rows) < 2 or "\\begin" in body:
        return body
    out = rows[0]
    for index, row in enumerate(rows[1:]):
        line = kinds[min(index, len(kinds) - 1)]
        out += r" \\ " + (r"\hline " if line != "none" else "") + row
    return out


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


_CONVERTERS: dict[str, Callable[[Element], None]] = {
    "mi": _identifier, "mn": _number, "mo": _operator, "mtext": _text, "ms": _string,
    "mspace": _space, "mfrac": _fraction, "msqrt": _square_root, "mroot": _root, "mstyle": _style,
    "mphantom": _phantom, "mpadded": _padded, "menclose": _enclosed, "merror": _error,
    "mfenced": _fenced, "msub": _sub, "msup": _sup, "msubsup": _subsup, "munder": _under,
    "mover": _over, "munderover": _underover, "mmultiscripts": _multiscripts, "mtable": _table,
    "maction": _action, "semantics": _semantics, "mglyph": _glyph, "none": _nothing,
    "mprescripts": _nothing, "malignmark": _nothing, "maligngroup": _nothing, "-text": _identifier,
}  # fmt: skip
_TOKEN_CONVERTERS = frozenset({"mi", "mn", "mo", "mtext", "ms"})
