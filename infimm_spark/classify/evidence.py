r"""What a page's source says of its formulas, before anything is extracted.

Quick text alone tells a programmer's manual from an exercise poorly; whether the source holds any
formula at all tells most pages apart. A page without one has to score more at the recall floor
(`extract.plain_floor`), and one that names no mathematics either need not be parsed
(`extract.source_floor`). The signs follow from the carriers of formulas (`extract/formulas/carriers`),
so that no carrier can be forgotten here; what stands below are signs of formulas in plain text.

Signs are looked for in the bytes: every charset but UTF-16 keeps ASCII. Almost no page matches any
pattern. RE2 looks for all of them in one pass at the speed of memory, where `re` and `in` pass over
the page once for each.
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import re2

from infimm_spark.classify.lexicon import (
    CHINESE,
    ENGLISH,
    MATHEMATICS,
    ORDINARY_CHINESE,
    ORDINARY_ENGLISH,
    SIMPLIFIED,
    TRADITIONAL,
)
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
_LIBRARIES = (b"MathJax", b"mathjax", b"katex", b"KaTeX", b"jsMath", b"mathquill", b"temml")
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


def _any_of(patterns: Iterable[bytes]) -> Callable[..., Any]:
    """A search for all patterns at once; truthy where one of them is found."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes, whatever their charset
    options.never_capture = True
    options.max_mem = 32 << 20  # the automaton of a whole set grows beyond the default of 8 MB
    return re2.compile(b"|".join(patterns), options).search  # type: ignore[no-any-return]


_LEAST_BYTES = 8_000
_MOST_MENTIONS = 1_000
_LEAST_LETTERS = 4
"""Shorter words are parts of too many names."""


def _telling_words() -> Iterator[bytes]:
    """The terms of mathematics that ordinary pages hardly ever hold; the Chinese ones in every
    charset, as character references and as in JSON."""
    ordinary = frozenset(ORDINARY_ENGLISH.split())
    words = {word for field in MATHEMATICS for word in ENGLISH[field].split()} - ordinary
    words = {word for word in words if len(word) >= _LEAST_LETTERS}
    yield rb"[ \n\t>](?:" + _either(words) + rb")"
    terms = {term for field in MATHEMATICS for term in CHINESE.get(field, "").split()}
    terms -= frozenset(ORDINARY_CHINESE.split())
    terms |= {term.translate(_TO_TRADITIONAL) for term in terms}
    for term in sorted(terms):
        for charset in ("utf-8", "gb18030", "big5"):
            with suppress(UnicodeEncodeError):
                yield re.escape(term.encode(charset))
        for escaped in ("&#{};", "&#x{:x};", r"\u{:04x}"):
            yield re.escape("".join(map(escaped.format, map(ord, term))).encode())


_TO_TRADITIONAL = str.maketrans(SIMPLIFIED, TRADITIONAL)
_telling = _any_of([*_LIBRARIES, *_telling_words()])


_HIDDEN = signs_of(one for one in CARRIERS if one.hides)
_SHOWN = [*signs_of(one for one in CARRIERS if not one.hides), *_PLAIN_TEXT]
_signed = _any_of([*_HIDDEN, *_SHOWN])
_hidden = _any_of(_HIDDEN)
_shown = _any_of(_SHOWN)
_library = _any_of(_LIBRARIES)
_delimited = _any_of(_DELIMITED)


class Evidence:
    """What a page's source says of its formulas; each search is made when it is asked for."""

    __slots__ = ("body", "known_signed")

    def __init__(self, body: bytes, signed: bool | None = None) -> None:
        self.body = body
        self.known_signed = signed
        """`signed` as far as anybody asked."""

    @property
    def signed(self) -> bool:
        """Whether the source holds a sign of a formula; a library that may find some in its text is
        none.

        True where the bytes cannot be told (UTF-16).
        """
        if self.known_signed is None:
            self.known_signed = b"\0" in self.body[:200] or bool(_signed(self.body))
        return self.known_signed

    @property
    def hides_formulas(self) -> bool:
        """Whether the source holds formulas that no visible text shows.

        A page that hides them in images and scripts passes the floor whatever its words score, and
        is judged on its extracted text.
        """
        return self.signed and bool(_hidden(self.body))

    @property
    def shows_formulas(self) -> bool:
        """Whether the source holds anything like a formula; True where its bytes cannot be told."""
        body = self.body
        return b"\0" in body[:200] or bool(
            (self.signed and _shown(body)) or (_library(body) and _delimited(body))
        )

    def words_below(self, floor: int) -> int | None:
        """How many different words that only mathematics uses the source holds, where it shows no
        sign of a formula and they are fewer than `floor`; None for a page that is worth parsing.

        Short pages always are: they say too little to be judged, and cost little.
        """
        if not floor or len(self.body) < _LEAST_BYTES or self.signed:
            return None
        words = self._words(floor)
        return words if words < floor else None

    def _words(self, most: int) -> int:
        """Different words that only mathematics uses, counted up to `most`.

        A library that draws formulas counts for as many, since the text may hold formulas without a
        sign, and so do a thousand mentions of fewer words.
        """
        found: set[bytes] = set()
        end = 0
        for _ in range(_MOST_MENTIONS):
            match = _telling(self.body, end)
            if match is None:
                return len(found)
            end = match.end()
            found.add(match[0].lstrip(b" \n\t>"))
            if len(found) >= most or match[0] in _LIBRARIES:
                break
        return most
