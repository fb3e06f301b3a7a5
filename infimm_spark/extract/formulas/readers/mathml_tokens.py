r"""Presentation MathML's token elements: `mi`, `mn`, `mo`, `mtext`, `ms`, `mspace` and `mglyph`.

All TeX of a formula begins here, character by character and in the font that is in force. What a text
becomes depends on it and its font alone, and pages repeat themselves: the answers are cached.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

from infimm_spark.extract.formulas.readers.element import Element
from infimm_spark.extract.latex.symbols import (
    FONT_COMMAND,
    FONT_OF,
    FUNCTIONS,
    LARGE_OPERATORS,
    LIMIT_FUNCTIONS,
    OPERATOR_NAMES,
    OVER_ACCENTS,
    char_to_tex,
    in_font,
)
from infimm_spark.extract.latex.tokenizer import join


def mi(element: Element) -> None:
    """An identifier: a letter, the name of a function, or a word."""
    text = _trimmed(element.text)
    if len(text) <= 3 and _COMPOSED.search(text):
        text = unicodedata.normalize("NFD", text)  # TeX4ht writes `Ĥ` for `\hat{H}`
    element.tex, element.kind = _identifier_tex(text, element.variant)
    if element.attrs.get("class") == "operator" and element.tex.startswith(r"\mathrm{"):
        element.tex, element.kind = f"\\operatorname{element.tex[7:]}", "func"


_COMPOSED = re.compile("[\u00ff-\u024f\u1e00-\u1eff]")  # letters of words (é, ö, ñ) stay


def _trimmed(text: str) -> str:
    if "&" in text and len(text) > 1:
        text = html.unescape(text)  # escaped twice: `&amp;lt;`
    return _SPACES.sub(" ", text).strip(" ")


_SPACES = re.compile(r"[ \t\r\n\f]+")


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
    primed = _PRIMED.fullmatch(text)
    if primed is not None:
        return _identifier_tex(primed[1], variant)[0] + "'" * sum(
            _PRIMES[sign] for sign in primed[2]
        ), "scripts"
    parts = _characters(text)
    if variant in (None, "normal", "italic"):
        letters = sum(char.isalpha() and char.isascii() for char in text)
        if letters > 1 and variant != "italic":
            return f"\\mathrm{{{join(parts)}}}", "word"
        return join(parts), "row" if len(parts) > 1 else ""
    return _in_variant(join(parts), text, variant), "word"


_PRIMED = re.compile(r"([A-Za-z\u0370-\u03ff]+)([′″‴⁗']+)")
_PRIMES = {"′": 1, "'": 1, "’": 1, "″": 2, "‴": 3, "⁗": 4, "''": 2, "'''": 3, "′′": 2, "′′′": 3,
           "ʹ": 1, "ʺ": 2}  # fmt: skip


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
_COMBINING |= {
    "\u0331": "underbar",
    "\u0332": "underline",
    "\u20ee": "underleftarrow",
    "\u20ef": "underrightarrow",
}
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


def mn(element: Element) -> None:
    """A number: digits, or a word in their place."""
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


def mo(element: Element) -> None:
    """An operator, fence or separator; its kind says which."""
    element.tex, element.kind = _operator_tex(_trimmed(element.text), element.variant)
    if element.attrs:
        _by_attributes(element)
    form = element.attrs.get("form")
    if form is not None and element.kind in ("fence", "open", "close"):
        if form == "prefix":
            element.kind = "open"
        elif form == "postfix":
            element.kind = "close"
    if element.attrs.get("movablelimits") == "true" and element.kind in ("word", "func"):
        element.kind = "limits"


def _by_attributes(element: Element) -> None:
    """The operators that share their sign with another and differ by an attribute alone."""
    sign = element.text.strip()
    if sign in _LARGE and element.attrs.get("largeop") == "true":
        element.tex, element.kind = _LARGE[sign], "op"
    elif sign in _MATHJAX_VARIANTS and (
        "MJX-variant" in (element.attrs.get("class") or "")
        or element.attrs.get("data-mjx-alternate") == "1"
    ):
        element.tex, element.kind = _MATHJAX_VARIANTS[sign], "mo"


# The signs of sums that LaTeXML writes as large binary operators.
_LARGE = {"⊕": r"\bigoplus", "⊗": r"\bigotimes", "⊙": r"\bigodot", "⊎": r"\biguplus",
          "⊔": r"\bigsqcup", "∪": r"\bigcup", "∩": r"\bigcap", "∨": r"\bigvee", "∧": r"\bigwedge"}  # fmt: skip
# What MathJax draws by a variant of its font: Unicode has no sign of its own for these.
_MATHJAX_VARIANTS = {
    "⪇": r"\nleqslant", "⪈": r"\ngeqslant", "≰": r"\nleqq", "≱": r"\ngeqq", "⊈": r"\nsubseteqq",
    "⊉": r"\nsupseteqq", "⊊": r"\varsubsetneq", "⊋": r"\varsupsetneq", "⫋": r"\varsubsetneqq",
    "⫌": r"\varsupsetneqq", "≨": r"\lvertneqq", "≩": r"\gvertneqq", "∤": r"\nshortmid",
    "∦": r"\nshortparallel", "∣": r"\shortmid", "∥": r"\shortparallel", "∼": r"\thicksim",
    "≈": r"\thickapprox", "∝": r"\varpropto", "⌢": r"\smallfrown", "⌣": r"\smallsmile",
    "∅": r"\varnothing", "△": r"\vartriangle",
}  # fmt: skip


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
    if text[-1] == "\u0338" and len(text) == 2:
        return _negated(text), "mo"
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


def _negated(text: str) -> str:
    """A relation with a stroke through it: by its own sign, by its command, or by `\\not`."""
    single = unicodedata.normalize("NFC", text)
    if len(single) == 1:
        return char_to_tex(single)
    return _NEGATIONS.get(text[0]) or f"\\not{char_to_tex(text[0])}"


# Negations of AMS that Unicode has no sign for.
_NEGATIONS = {
    "⩽": r"\nleqslant", "⩾": r"\ngeqslant", "⪯": r"\npreceq", "⪰": r"\nsucceq", "≦": r"\nleqq",
    "≧": r"\ngeqq", "⫅": r"\nsubseteqq", "⫆": r"\nsupseteqq",
}  # fmt: skip
_OPENING = {"(": "(", "[": "[", "{": r"\{", "⟨": r"\langle", "⌈": r"\lceil", "⌊": r"\lfloor",
            "〈": r"\langle", "\u2329": r"\langle", "⟦": r"\llbracket", "⟮": r"\lgroup", "⎰": r"\lmoustache",
            "⌜": r"\ulcorner", "⌞": r"\llcorner", "<": r"\langle"}  # fmt: skip
_CLOSING = {")": ")", "]": "]", "}": r"\}", "⟩": r"\rangle", "⌉": r"\rceil", "⌋": r"\rfloor",
            "〉": r"\rangle", "\u232a": r"\rangle", "⟧": r"\rrbracket", "⟯": r"\rgroup", "⎱": r"\rmoustache",
            "⌝": r"\urcorner", "⌟": r"\lrcorner", ">": r"\rangle"}  # fmt: skip
_BARS = {"|": "|", "∣": "|", "‖": r"\|", "∥": r"\|", "||": r"\|", "❘": "|", "ǀ": "|"}


def mtext(element: Element) -> None:
    """Text inside a formula: words, blanks, or a sign."""
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
    if stripped[0] == "\\" and _CONTROL_SEQUENCE.fullmatch(stripped):
        return stripped, ""  # a macro that the renderer did not know, shown as text
    if stripped in _PRIMES and stripped != "’":
        return "'" * _PRIMES[stripped], "prime"
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


_CONTROL_SEQUENCE = re.compile(r"\\(?:[A-Za-z]+\*?|[{}%$#&_,;:!|])")


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


def ms(element: Element) -> None:
    """A string literal in its quotation marks."""
    left = element.attrs.get("lquote")
    right = element.attrs.get("rquote")
    text = (
        ('"' if left is None else left) + _trimmed(element.text) + ('"' if right is None else right)
    )
    element.tex, element.kind = _text_token(text, element.variant)


def mspace(element: Element) -> None:
    """A space by its width; the narrowest are left out."""
    element.tex = _space_tex(_ems(element.attrs.get("width") or ""))
    element.kind = "space" if element.tex else "empty"


def _ems(width: str) -> float:
    negative = width.startswith("negative")
    named = _WIDTHS.get(width.removeprefix("negative"))
    if named is not None:
        return -named if negative else named
    match = LENGTH.match(width)
    if match is None:
        return 0.0
    try:
        return float(match[1]) * _EM_OF.get(match[2] or "px", 0.0)
    except ValueError:
        return 0.0


LENGTH = re.compile(r"\s*([+-]?[\d.]+)\s*(em|ex|px|pt|pc|cm|mm|in|mu|%)?\s*\Z")
"""A length of MathML, its number and its unit: `0.5em`, `-3`, `50%`."""
_WIDTHS = {
    "veryverythinmathspace": 1 / 18, "verythinmathspace": 2 / 18, "thinmathspace": 3 / 18,
    "mediummathspace": 4 / 18, "thickmathspace": 5 / 18, "verythickmathspace": 6 / 18,
    "veryverythickmathspace": 7 / 18,
}  # fmt: skip
_EM_OF = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 0.1, "pc": 1.2, "cm": 2.8, "mm": 0.28, "in": 7.2,
          "mu": 1 / 18, "%": 0.0}  # fmt: skip


def _space_tex(ems: float) -> str:
    if ems < -0.05:
        return r"\!"
    for limit, tex in ((0.1, ""), (0.2, r"\,"), (0.25, r"\:"), (0.4, r"\;"), (0.75, r"\enspace"),
                       (1.5, r"\quad"), (3.0, r"\qquad")):  # fmt: skip
        if ems < limit:
            return tex
    return f"\\hspace{{{min(ems, 50):.3g}em}}"


def mglyph(element: Element) -> None:
    """A picture of a character: its alternative text."""
    alt = element.attrs.get("alt") or ""
    element.tex, element.kind = _identifier_tex(_trimmed(alt), None)
