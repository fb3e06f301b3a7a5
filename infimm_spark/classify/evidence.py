r"""What a page's source says of its formulas, before anything is extracted.

Quick text alone tells a programmer's manual from an exercise poorly; whether the source holds any
formula at all tells most pages apart. A page without one has to score more at the recall floor
(`extract.plain_floor`). Signs are looked for in the bytes: every charset but UTF-16 keeps ASCII.

Nearly every page of a crawl is asked for all signs in vain. RE2 looks for them together in one pass at
the speed of memory, where `re` and `in` pass over the page once for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

# Formulas in images and scripts leave nothing in the quick text; a page that bears these in its
# source passes the floor whatever its words score, and is judged on its extracted text.
_HIDDEN = (
    rb"math/(?:tex|asciimath|render/)",
    rb"codecogs[.]com/",
    rb"latex[.]php",
    rb"mimetex",
    rb"mathtex",
    rb"quicklatex",
    rb"equation[?]tex=",
    rb"cht=tx",
    rb"filter/tex/",
    rb"img/math/",
    rb"images/equations/",
    rb"/flx/math/",
    rb"mathtag=[\"']?math",
)

_SHOWN = (
    rb"\\(?:d?frac|sqrt|sum|prod|int|lim|math[a-z]|left|leq?|geq?|neq|in|to|infty|alpha|beta|theta"
    rb"|lambda|pi|sigma|mu|times|cdot|ldots|partial|nabla|text|begin\{|over)(?:[^a-z]|$)",
    rb"\$\\",
    rb"_\{",
    rb"\^\{",
    rb"<(?:math|[A-Za-z]{1,8}:math|me?>|var>|VAR>|su[bp]>[^<&]|SU[BP]>[^<&])",
    rb"class=[\"']?(?:math|tex|katex|mjx|reqn|intbl)[\s\"'>-]",
    rb"data-(?:latex|tex|formula|math)[=-]",
    rb"\[i?tex\](?:[^/]|$)",
    rb"\{eq\}",
    rb"khan-exercise",
    rb"asciimath",
    rb"[a-z0-9)]\^[0-9(]",
    rb"&(?:int|sum|prod|radic|le|ge|ne|alpha|beta|theta|lambda|pi|sigma|infin|part|nabla|isin|minus);",
    rb"(?:alt|ALT)=[\"']?\s*[$\\]",
    # ∀…∿, ≠…≿, α…ω in UTF-8
    rb"\xe2(?:\x88[\x80-\xbf]|\x89[\xa0-\xbf])|\xce[\xb1-\xbf]|\xcf[\x80-\x89]",
)
_LIBRARY = (rb"MathJax|mathjax|katex|KaTeX|jsMath|mathquill|temml",)
# Not the delimiters that a configuration lists in quotes.
_DELIMITED = (
    rb"(?:^|[^\\\"'])\\[(\[](?:[^\"']|$)",
    rb"(?:^|[^\\$\w\"'])\$[^\s$<\"'][^$\n<]{0,200}\$(?:[^\w$]|$)",
    rb"(?:^|[^\"'])\$\$(?:[^\"']|$)",
)


def _any_of(patterns: tuple[bytes, ...]) -> Callable[[bytes], Any]:
    """A search for all patterns at once; truthy where one of them is found."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes, whatever their charset
    options.never_capture = True
    options.max_mem = 32 << 20  # the automaton of a whole set grows beyond the default of 8 MB
    return re2.compile(b"|".join(patterns), options).search  # type: ignore[no-any-return]


_hidden = _any_of(_HIDDEN)
_shown = _any_of(_SHOWN)
_library = _any_of(_LIBRARY)
_delimited = _any_of(_DELIMITED)


def hides_formulas(body: bytes) -> bool:
    """Whether the source holds formulas that no visible text shows."""
    return bool(_hidden(body))


def shows_formulas(body: bytes) -> bool:
    """Whether the source holds anything like a formula; True where its bytes cannot be told (UTF-16)."""
    return bool(
        b"\0" in body[:200] or _shown(body) or (_library(body) is not None and _delimited(body))
    )
