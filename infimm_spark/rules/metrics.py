"""OBELICS's text metrics, which the release stores and the rules judge.

They are measured on `Document.text`: the text segments joined by blank lines, nothing for images.
Definitions (OBELICS, arXiv 2306.16527, its `FilteringFunctions`; what the paper changed is said):

- `size`: characters (Unicode code points).
- `punctuation_ratio`: occurrences of ``, ; : ? ! .`` over the tokens of ``[\\w']+|[,;:?!.]``.
- `special_character_ratio`: characters of `special_characters` over characters.
- `char_repetition_ratio`: of the character 5-grams, with D distinct ones of which R occur more than
  once, the occurrences of the min(floor(sqrt(D)), R) most frequent over all occurrences.
- `word_repetition_ratio`: occurrences of the word 5-grams that occur more than once over all
  occurrences; words are what white space separates. OBELICS lower-cases and strips words; the
  release does neither. Chinese has no such words: there the units are characters, and the n-grams
  are of ten, about as long as five words (ours).
- `nsfw_num_words`: occurrences of the words of `nsfw`.
- `has_unicode_error`: the page was decoded or encoded wrongly somewhere (ours; the paper names the
  rule only): see `_UNICODE_ERROR`.

A ratio of nothing is 0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from infimm_spark.languages import language_of
from infimm_spark.rules.nsfw import count_nsfw
from infimm_spark.rules.special_characters import SPECIAL_CODE_POINTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHAR_NGRAM = 5

_WORDS = re.compile(r"[\w']+")
_PUNCTUATION = ",;:?!."
_CHARACTER = re.compile(r"\S")
_UNICODE_ERROR = re.compile(
    "\ufffd"  # what a decoder writes for bytes it cannot read
    "|\u951f\u65a4\u62f7"  # 锟斤拷: two of those in UTF-8, read as GBK
    "|\u00e2\u20ac[\u2122\u0153\u009d\u02dc\u201c\u201d\u00a6\u00a2]"  # UTF-8 quotes read as cp1252
    "|[\u0080-\u0084\u0086-\u009f]"  # C1 controls: cp1252 read as Latin-1 (U+0085 is a line end)
    "|[\ufdd0-\ufdef\ufffe\uffff]"  # noncharacters
    "|[\ud800-\udfff]"  # half of a surrogate pair
)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The columns of `schemas.METRICS`, in their order."""

    size: int
    char_repetition_ratio: float
    word_repetition_ratio: float
    special_character_ratio: float
    punctuation_ratio: float
    nsfw_num_words: int
    has_unicode_error: bool


def text_metrics(text: str, language: str) -> Metrics:
    """All metrics of a text in time linear in its length (but for a sort); `language` as `en`,
    `zh`."""
    words = _WORDS.findall(text)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    distinct, ids = np.unique(points, return_inverse=True)
    return Metrics(
        size=len(text),
        char_repetition_ratio=_top_repetition(_ngram_frequencies(ids, CHAR_NGRAM)),
        word_repetition_ratio=_repetition(_unit_frequencies(text, language)),
        special_character_ratio=_special_ratio(distinct, ids),
        punctuation_ratio=_punctuation_ratio(text, len(words)),
        nsfw_num_words=count_nsfw(words, text),
        has_unicode_error=_UNICODE_ERROR.search(text) is not None,
    )


def _punctuation_ratio(text: str, n_words: int) -> float:
    # None of the six characters can stand in a word, so each is a token of its own.
    marks = sum(text.count(mark) for mark in _PUNCTUATION)
    return marks / (n_words + marks) if n_words + marks else 0.0


def _special_ratio(distinct: NDArray[np.uint32], ids: NDArray[np.intp]) -> float:
    if not ids.size:
        return 0.0
    special = np.array([point in SPECIAL_CODE_POINTS for point in distinct.tolist()])
    return int(np.count_nonzero(special[ids])) / ids.size


def _unit_frequencies(text: str, language: str) -> NDArray[np.int64]:
    """Frequencies of the n-grams of the language's units."""
    known = language_of(language)
    units = _CHARACTER.findall(text) if known.is_characters else text.split()
    numbers: dict[str, int] = {}
    ids = np.fromiter(
        (numbers.setdefault(unit, len(numbers)) for unit in units), dtype=np.int64, count=len(units)
    )
    return _ngram_frequencies(ids, known.repetition_ngram)


def _ngram_frequencies(ids: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """How often each distinct n-gram of a sequence of small non-negative numbers occurs."""
    count = ids.size - n + 1
    if count <= 0:
        return np.zeros(0, dtype=np.int64)
    base = int(ids.max()) + 1
    keys = ids[:count].astype(np.int64)
    spread = base  # keys lie in [0, spread)
    for offset in range(1, n):
        if spread * base >= 2**62:
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
            spread = int(keys.max()) + 1
        keys = keys * base + ids[offset : offset + count]
        spread *= base
    keys.sort()
    edges = np.flatnonzero(np.diff(keys)) + 1
    return np.diff(np.concatenate(([0], edges, [count]))).astype(np.int64)


def _top_repetition(frequencies: NDArray[np.int64]) -> float:
    if not frequencies.size:
        return 0.0
    repeated = int(np.count_nonzero(frequencies > 1))
    top = min(math.isqrt(frequencies.size), repeated)
    most = np.sort(frequencies)[::-1][:top]
    return int(most.sum()) / int(frequencies.sum())


def _repetition(frequencies: NDArray[np.int64]) -> float:
    if not frequencies.size:
        return 0.0
    return int(frequencies[frequencies > 1].sum()) / int(frequencies.sum())
