r"""Cleaning TeX as pages write it, and checking that it is a formula."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from infimm_spark.extract.latex.facts import DELIMITERS
from infimm_spark.extract.latex.symbols import FUNCTIONS, KNOWN_COMMANDS, OPERATOR_NAMES
from infimm_spark.extract.latex.tokenizer import group_end, tokens, without_comments

MAX_LENGTH = 20_000
"""Characters of the longest formula that counts as valid."""

# --- cleaning ---------------------------------------------------------------------------------

_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffe]"
)
# What image services accept beside TeX: \dpi{150} \bg_white \fn_jvn \inline \pagecolor{white}
_SERVICE = re.compile(
    r"\\(?:dpi\s*\{[^{}]*\}|\d+dpi|(?:bg|fn|fg)_[A-Za-z]+|(?:bg|fg)\{[^{}]*\}|inline(?![A-Za-z])"
    r"|pagecolor\s*\{[^{}]*\}|png(?![A-Za-z])|gif(?![A-Za-z]))"
)
# Text sizes mean nothing in a formula: \large \LARGE at its beginning.
_SIZE = re.compile(
    r"\\(?:tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge)(?![A-Za-z])\s*"
)
# `\hline\cr` and `\begin{array}[]{c}`
_ARRAY = re.compile(r"(\\hline)\s*\\cr(?![A-Za-z])|(?<=\\begin\{array\})\[\]")
_LINE_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_WRAPPERS = (
    *((left, right) for left, right, _ in DELIMITERS),
    *(
        (rf"\begin{{{name}}}", rf"\end{{{name}}}")
        for name in ("math", "displaymath", "equation", "equation*")
    ),
)

_WRAPPER_STARTS = ("\\", "$", "[", "{")
"""How everything begins that `_without_wrapper` takes away."""


def clean(tex: str) -> str:
    r"""The formula itself: without delimiters, comments, image-service commands and stray entities.

    Never changes what the formula says: ``$\bg_white\dpi{150} x^2$`` and
    ``{\displaystyle x^2}`` both give ``x^2``; an unescaped ``%`` in a formula of one line is a
    percent sign, not a comment.
    """
    for _ in range(3):  # entities are escaped once, and sometimes once more
        if "&" not in tex or _ENTITY.search(tex) is None:
            break
        tex = _ENTITY.sub(lambda match: html.unescape(match[0]), tex)
    tex = _CONTROL.sub("", tex).replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    if not tex.isascii() and _TYPOGRAPHER.search(tex):
        tex = _untypeset(tex)
    if "%" in tex:
        tex = without_comments(tex) if "\n" in tex.strip() else _escaped_percent(tex.strip())
    if "<" in tex:
        tex = _LINE_BREAK_TAG.sub(" ", tex)
    if "\\" in tex:
        tex = _SERVICE.sub("", tex)
        if "\\hline" in tex or "[]" in tex:  # LaTeXML's spelling of arrays
            tex = _ARRAY.sub(r"\1", tex)
    for _ in range(8):
        before = tex
        tex = _without_wrapper(_stripped(tex))
        if tex == before:
            break
    return tex


# Primes, dashes and dots as a typographer sets them, outside text groups.
_TYPOGRAPHER = re.compile("[\u2013\u2018\u2019\u201d\u2026\u2032\u2033]")
_TEXT_GROUP = re.compile(r"\\(?:text\w*|mbox|hbox|tag\*?|label|ref|ce|pu)\s*\{[^{}]*\}")
_CURLY_PRIMES = re.compile("(?<=[A-Za-z0-9)\\]}'\u0370-\u03ff])[\u2019\u2032\u2033\u201d]+")
_PRIMES_OF = {"\u2019": "'", "\u2032": "'", "\u2033": "''", "\u201d": "''"}


def _untypeset(tex: str) -> str:
    """`f\u2019(x) = 3 \u2013 x` as `f'(x) = 3 - x`; words in text groups keep their signs."""
    pieces: list[str] = []
    at = 0
    for group in _TEXT_GROUP.finditer(tex):
        pieces += [_straight(tex[at : group.start()]), group[0]]
        at = group.end()
    return "".join([*pieces, _straight(tex[at:])])


def _straight(tex: str) -> str:
    if "\u2018" not in tex and "\u201c" not in tex:  # opening quotation marks: these are quotations
        tex = _CURLY_PRIMES.sub(lambda run: "".join(_PRIMES_OF[sign] for sign in run[0]), tex)
    return tex.replace("\u2013", "-").replace("\u2026", r"\ldots ")


def _stripped(tex: str) -> str:
    """Without surrounding space; a backslash-space at the end keeps its space."""
    tex = tex.strip()
    if tex.endswith("\\") and not tex.endswith("\\\\"):
        tex = tex[:-1].rstrip() if _trailing_backslashes(tex) % 2 else tex
    while tex.startswith(("\\ ", "~")):
        tex = tex[2:].lstrip() if tex[0] == "\\" else tex[1:].lstrip()
    return tex


def _trailing_backslashes(tex: str) -> int:
    return len(tex) - len(tex.rstrip("\\"))


def _without_wrapper(tex: str) -> str:
    if not tex.startswith(_WRAPPER_STARTS):
        return tex
    match = _SIZE.match(tex)
    if match:
        return tex[match.end() :]
    for opening, closing in _WRAPPERS:
        if tex.startswith(opening) and tex.endswith(closing) and len(tex) >= len(opening + closing):
            inner = tex[len(opening) : len(tex) - len(closing)]
            # `$a$ and $b$` is not one formula, nor is `\[a\] \[b\]`.
            if closing in inner.replace("\\$", "") or inner.endswith("\\"):
                continue
            return inner
    # Wikimedia wraps every formula: {\displaystyle ...}
    for style in (r"{\displaystyle", r"{\textstyle"):
        if tex.startswith(style) and tex.endswith("}") and group_end(tex, 1) == len(tex) - 1:
            rest = tex[len(style) : -1]
            if not rest[:1].isalpha():
                return rest
    return tex


def _escaped_percent(tex: str) -> str:
    """Of a formula on one line: whoever writes `50% of` there means the sign. Nothing but a comment
    (after a definition, say) is nothing."""
    if tex.startswith("%"):
        return ""
    if tex.endswith("%") and _trailing_backslashes(tex[:-1]) % 2 == 0:
        tex = tex[:-1]
    return re.sub(r"(?<!\\)((?:\\\\)*)%", r"\1\\%", tex)


# --- checking ---------------------------------------------------------------------------------

_TAG = re.compile(
    r"</?(?:[a-zA-Z][a-zA-Z0-9-]*)(?:\s+[a-zA-Z-]+\s*=|\s*/?>)|<!--|&(?:[a-z]{2,8}|#\d+);"
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{([^{}\\]*)\}")
_WORD = re.compile(r"\\([A-Za-z]+)")


def check(tex: str) -> str | None:
    r"""None for LaTeX that can be typeset, else the reason it cannot.

    Reasons: ``empty``, ``too_long`` (over `MAX_LENGTH` characters), ``control_bytes``,
    ``html_inside``, ``unbalanced_braces``, ``unbalanced_left_right``, ``unclosed_environment``,
    ``unknown_commands`` (fewer than half of its distinct commands are known to TeX, AMS, MathJax
    or KaTeX). Linear in the input.
    """
    if not tex.strip():
        return "empty"
    if len(tex) > MAX_LENGTH:
        return "too_long"
    if _CONTROL.search(tex) or "\ufffd" in tex:
        return "control_bytes"
    if ("<" in tex or "&" in tex) and _TAG.search(tex):
        return "html_inside"
    return _unbalanced(tokens(tex)) or _unknown(tex)


def _unbalanced(toks: Iterable[str]) -> str | None:
    stack: list[str] = []
    for token in toks:
        if token == "{" or token == r"\left":
            stack.append(token)
        elif token == "}":
            if not stack or stack.pop() != "{":
                return _mismatch(stack, "unbalanced_braces")
        elif token == r"\right":
            if not stack or stack.pop() != r"\left":
                return "unbalanced_left_right"
        elif token.startswith(r"\begin"):
            stack.append(token[6:].strip())
        elif (
            token.startswith(r"\end")
            and token.endswith("}")
            and (not stack or stack.pop() != token[4:].strip())
        ):
            return "unclosed_environment"
    return _mismatch(stack, None)


def _mismatch(stack: list[str], otherwise: str | None) -> str | None:
    for opened in reversed(stack):
        if opened == r"\left":
            return "unbalanced_left_right"
        if opened == "{":
            return "unbalanced_braces"
        return "unclosed_environment"
    return otherwise


def _unknown(tex: str) -> str | None:
    names = set(_WORD.findall(tex))
    known = sum(name in KNOWN_COMMANDS for name in names)
    return "unknown_commands" if known * 2 < len(names) else None


# --- is it TeX? -------------------------------------------------------------------------------

_TEX_PROOF = re.compile(
    r"\\(?:frac|sqrt|sum|int|begin|left|mathbb|mathrm|mathcal|mathbf|text|alpha|beta|gamma|delta|theta"
    r"|lambda|mu|pi|sigma|phi|omega|infty|partial|cdot|times|leq?|geq?|neq?|in|to|displaystyle|lim|log"
    r"|sin|cos|hat|bar|vec|overline)(?![A-Za-z])"
)
_SCRIPT = re.compile(r"[A-Za-z0-9)\]}][_^](?:\{[^{}]*\}|[A-Za-z0-9])")
_EQUATION = re.compile(r"[A-Za-z0-9)\]]\s*[=<>]\s*[-+(A-Za-z0-9\\]")
_PROSE_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_FILE_NAME = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|bmp)\b|^https?:|[\w-]+_[\w-]+_[\w-]+$", re.IGNORECASE
)


def is_tex(text: str) -> bool:
    r"""Whether an image's alternative text is a TeX formula and not prose.

    True for text between TeX delimiters, with TeX commands, or built like a formula (``x^2+1``,
    ``a_{ij} = 0``, ``E = mc^2``); false for sentences, file names and single words.
    """
    text = text.strip()
    if not text or len(text) > MAX_LENGTH or _FILE_NAME.search(text):
        return False
    inner = clean(text)
    delimited = inner != text and text[0] in "$\\[{" and text[-1] in "$]})"
    words = [word for word in _PROSE_WORD.findall(_without_text(inner)) if word not in FUNCTIONS]
    if _TEX_PROOF.search(inner):
        return len(words) <= 3 + inner.count("\\")
    if delimited:
        return len(words) <= 2
    if words:
        return False
    known = [name for name in _WORD.findall(inner) if name in KNOWN_COMMANDS]
    return bool(known or _SCRIPT.search(inner) or _EQUATION.search(inner))


def is_formula(text: str) -> bool:
    """Whether text that stands where a formula is expected is one: `is_tex`, or short and without
    words.

    True for `n`, `2k + 1`, `O(n)`; false for words and sentences.
    """
    text = text.strip()
    if is_tex(text):
        return True
    return (
        0 < len(text) <= 60
        and _PICTURE_NAME.search(text) is None
        and all(word in FUNCTIONS for word in _PROSE_WORD.findall(text))
        and _SYMBOL.search(text) is not None
    )


_PICTURE_NAME = re.compile(r"[.](?:png|jpe?g|gif|svg|webp)$", re.I)
_SYMBOL = re.compile(r"[A-Za-z0-9\u0370-\u03ff\u2100-\u22ff]")
_ONE_WORD = re.compile(r"[A-Za-z][a-z]{3,}|[\u4e00-\u9fff]{2,}")
_VOWEL = re.compile(r"[aeiouAEIOU]|[\u4e00-\u9fff]")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_SHORT_WORDS = frozenset(
    [
        "all",
        "and",
        "any",
        "are",
        "but",
        "can",
        "did",
        "for",
        "had",
        "has",
        "her",
        "him",
        "his",
        "how",
        "its",
        "let",
        "may",
        "new",
        "not",
        "now",
        "off",
        "one",
        "our",
        "out",
        "own",
        "say",
        "see",
        "she",
        "the",
        "too",
        "two",
        "use",
        "was",
        "way",
        "who",
        "why",
        "yes",
        "yet",
        "you",
    ]
)


def is_word(text: str) -> bool:
    """Whether a text is a plain word, which is no formula by itself: `kernel`, but not `sin` or
    `ABCD`."""
    text = text.strip()
    if text.lower() in _SHORT_WORDS:
        return True
    return (
        _ONE_WORD.fullmatch(text) is not None
        and _VOWEL.search(text) is not None
        and text.lower() not in _ALPHABET  # `abcd` is a product
        and text not in FUNCTIONS
        and text not in OPERATOR_NAMES
    )


_TEXT_ARGUMENT = re.compile(
    r"\\(?:text(?:rm|it|bf|sf|tt|normal)?|mbox|hbox|mathrm|mathit|mathbf|mathsf|operatorname\*?|begin|end"
    r"|label|tag|color|mathop)\s*\{[^{}]*\}"
)


def _without_text(tex: str) -> str:
    return _TEXT_ARGUMENT.sub(" ", tex)
