r"""What a page's source says of its formulas, before anything is extracted.

Quick text alone tells a programmer's manual from an exercise poorly; whether the source holds any
formula at all tells most pages apart. A page without one has to score more at the recall floor
(`extract.plain_floor`). Signs are looked for in the bytes: every charset but UTF-16 keeps ASCII.
"""

from __future__ import annotations

import re

# Formulas in images and scripts leave nothing in the quick text; a page that bears these in its
# source passes the floor whatever its words score, and is judged on its extracted text.
_HIDDEN = (
    b"math/tex",
    b"math/asciimath",
    b"codecogs.com/",
    b"latex.php",
    b"mimetex",
    b"mathtex",
    b"quicklatex",
    b"equation?tex=",
    b"cht=tx",
    b"/math/render/",
    b"filter/tex/",
    b"img/math/",
)

# Each pattern begins with a literal, so that `re` skips to the next; the likeliest stand first.
_SHOWN = tuple(
    map(
        re.compile,
        (
            rb"\\(?:d?frac|sqrt|sum|prod|int|lim|math[a-z]|left|leq?|geq?|neq|in|to|infty|alpha|beta|theta"
            rb"|lambda|pi|sigma|mu|times|cdot|ldots|partial|nabla|text|begin\{|over)(?![a-z])",
            rb"\$\\",
            rb"_\{",
            rb"\^\{",
            rb"<(?:math|[A-Za-z]{1,8}:math|me?>|var>|VAR>|su[bp]>[^<&]|SU[BP]>[^<&])",
            rb"class=[\"']?(?:math|tex|katex|mjx)[\s\"'>-]",
            rb"data-(?:latex|tex|formula|math)[=-]",
            rb"\[i?tex\](?!/)",
            rb"khan-exercise",
            rb"asciimath",
            rb"\^(?<=[a-z0-9)]\^)[0-9(]",
            rb"&(?:int|sum|prod|radic|le|ge|ne|alpha|beta|theta|lambda|pi|sigma|infin|part|nabla|isin|minus);",
            rb"alt=[\"']?\s*[$\\]",
            rb"ALT=[\"']?\s*[$\\]",
        ),
    )
)
# ∀…∿, ≠…≿, α…ω in UTF-8.
_WIDE = tuple(
    map(
        re.compile,
        (rb"\xe2(?:\x88[\x80-\xbf]|\x89[\xa0-\xbf])", rb"\xce[\xb1-\xbf]", rb"\xcf[\x80-\x89]"),
    )
)
_LIBRARY = (b"MathJax", b"mathjax", b"katex", b"KaTeX", b"jsMath", b"mathquill", b"temml")
# Not the delimiters that a configuration lists in quotes.
_DELIMITED = (
    re.compile(rb"\\(?<![\\\"']\\)[(\[](?![\"'])"),
    re.compile(rb"\$(?<![\\$\w\"']\$)[^\s$<\"'][^$\n<]{0,200}\$(?![\w$])"),
    re.compile(rb"\$\$(?<![\"']\$\$)(?![\"'])"),
)


def hides_formulas(body: bytes) -> bool:
    """Whether the source holds formulas that no visible text shows."""
    return any(sign in body for sign in _HIDDEN)


def shows_formulas(body: bytes) -> bool:
    """Whether the source holds anything like a formula; True where its bytes cannot be told (UTF-16)."""
    if b"\0" in body[:200] or any(pattern.search(body) for pattern in _SHOWN):
        return True
    if not body.isascii() and any(pattern.search(body) for pattern in _WIDE):
        return True
    if not any(name in body for name in _LIBRARY):
        return False
    return any(pattern.search(body) for pattern in _DELIMITED)
