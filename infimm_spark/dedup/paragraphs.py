"""The paragraphs of a text that may be boilerplate, and the text without some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

import xxhash

from infimm_spark.extract.text import literal_spans

_BREAK = re.compile(r"\n{2,}")


def candidates(text: str, min_chars: int) -> Iterator[tuple[bytes, str]]:
    """(hash, paragraph) of the paragraphs that could go.

    Not those that bear a formula or so much as a dollar sign, nor headings, nor those under
    `min_chars` characters. Blank lines inside formulas and code end no paragraph.
    """
    for first, last, bears_formula in _paragraphs(text):
        paragraph = text[first:last]
        if not bears_formula and _may_go(paragraph, min_chars):
            yield _key(paragraph), paragraph


def without(text: str, repeated: Set[bytes], min_chars: int) -> str:
    """`text` without the `candidates` whose hash is `repeated`; the rest as it stands."""
    kept = [
        text[first:last]
        for first, last, bears_formula in _paragraphs(text)
        if bears_formula
        or not _may_go(text[first:last], min_chars)
        or _key(text[first:last]) not in repeated
    ]
    return "\n\n".join(kept)


def _paragraphs(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether a formula lies in it) of each paragraph that is not empty."""
    spans = literal_spans(text)
    first, place = 0, 0
    bears_formula = False
    for match in [*_BREAK.finditer(text), None]:
        start, end = match.span() if match else (len(text), len(text))
        while place < len(spans) and spans[place][1] <= start:
            bears_formula |= spans[place][2]
            place += 1
        if match and place < len(spans) and spans[place][0] < start:
            continue  # the blank line lies inside a formula or code
        if text[first:start].strip():
            yield first, start, bears_formula
        first, bears_formula = end, False


def _may_go(paragraph: str, min_chars: int) -> bool:
    return len(paragraph) >= min_chars and "$" not in paragraph and not paragraph.startswith("#")


def _key(paragraph: str) -> bytes:
    folded = " ".join(paragraph.split())
    return xxhash.xxh3_128_digest(folded.encode("utf-8", "surrogatepass"))
