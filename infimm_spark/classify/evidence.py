r"""What a page's source says of its formulas, before anything is extracted.

Quick text alone tells a programmer's manual from an exercise poorly; whether the source holds any
formula at all tells most pages apart. A page without one has to score more at the recall floor
(`extract.plain_floor`). The signs follow from the carriers of formulas (`extract/formulas/carriers`),
so that no carrier can be forgotten here; what stands below are signs of formulas in plain text.

Signs are looked for in the bytes: every charset but UTF-16 keeps ASCII. Almost no page matches any
pattern. RE2 looks for all of them in one pass at the speed of memory, where `re` and `in` pass over
the page once for each.
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import re2

from infimm_spark.extract.formulas.carriers import (
    CARRIERS,
    ORDINARY,
    TELLING_COMMAND,
    Carrier,
)

_PLAIN_TEXT = (
    rb"\\" + TELLING_COMMAND,
    rb"\$\\",
    rb"_\{",
    rb"\^\{",
    rb"<(?:me?>|su[bp]>[^<&]|SU[BP]>[^<&])",
    rb"asciimath",
    rb"[a-z0-9)]\^[0-9(]",
    rb"&(?:int|sum|prod|radic|le|ge|ne|alpha|beta|theta|lambda|pi|sigma|infin|part|nabla|isin|minus);",
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


def signs_of(carriers: Iterable[Carrier]) -> list[bytes]:
    """RE2 patterns that find these carriers in a page's bytes, by their names and their own
    signs."""
    carriers = list(carriers)
    tags = {name for one in carriers for name in one.tags if name not in ORDINARY}
    classes = {name for one in carriers for name in one.classes}
    attributes = {name for one in carriers for name in one.attributes}
    signs = [sign for one in carriers for sign in one.signs]
    if tags:
        signs.append(rb"<(?i:" + _either(tags) + rb")[\s/>]")
    if classes:
        signs.append(
            rb"(?i:class)\s?=\s?(?:\"(?:[^\"<>]*\s)?|'(?:[^'<>]*\s)?|)(?:"
            + _either(classes)
            + rb")[\s\"'>]"
        )
    if attributes:
        signs.append(rb"\s(?i:" + _either(attributes) + rb")\s?=")
    return signs


def _either(names: Iterable[str]) -> bytes:
    return b"|".join(re.escape(name).encode() for name in sorted(names))


def _any_of(patterns: Iterable[bytes]) -> Callable[[bytes], Any]:
    """A search for all patterns at once; truthy where one of them is found."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes, whatever their charset
    options.never_capture = True
    options.max_mem = 32 << 20  # the automaton of a whole set grows beyond the default of 8 MB
    return re2.compile(b"|".join(patterns), options).search  # type: ignore[no-any-return]


# A page that hides its formulas in images and scripts passes the floor whatever its words score,
# and is judged on its extracted text.
_hidden = _any_of(signs_of(one for one in CARRIERS if one.hides))
_shown = _any_of([*signs_of(one for one in CARRIERS if not one.hides), *_PLAIN_TEXT])
_library = _any_of(_LIBRARY)
_delimited = _any_of(_DELIMITED)


def hides_formulas(body: bytes) -> bool:
    """Whether the source holds formulas that no visible text shows."""
    return bool(_hidden(body))


def shows_formulas(body: bytes) -> bool:
    """Whether the source holds anything like a formula; True where its bytes cannot be told
    (UTF-16)."""
    return bool(
        b"\0" in body[:200] or _shown(body) or (_library(body) is not None and _delimited(body))
    )
