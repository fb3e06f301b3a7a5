"""How much of a text says again what it has said: pages made of one sentence with other numbers.

N-gram metrics miss them where a number stands in every few words, and rise on honest pages of code
and tables; here whole sentences are compared, the numbers between their words made alike.
"""

from __future__ import annotations

import re

from infimm_spark.extract.latex.facts import WRITTEN_FORMULA
from infimm_spark.languages import language_of

# Sentences and lines of English and Chinese; a full stop between digits or in `f(x).` of a formula
# only makes shorter pieces, on every page alike.
_SENTENCE_END = re.compile(r"[\n.!?。！？;；]+")
# Numbers of prose are made alike; those in formulas are the mathematics of a worksheet and stay.
_FORMULA_OR_NUMBER = re.compile(WRITTEN_FORMULA.pattern + r"|\d+")

_MIN_SENTENCES = 10


def repeated_share(text: str, language: str) -> float:
    """Of the characters in sentences of some length, the share in those said before, numbers apart.

    0 where there are fewer than ten such sentences: a short page may well say a thing twice.
    """
    # Shorter pieces (cells of tables, `end`, `Solution`) repeat on good pages and are not looked
    # at.
    shortest = language_of(language).min_sentence_chars
    folded = _FORMULA_OR_NUMBER.sub(_folded, text.lower())
    sentences = [s for piece in _SENTENCE_END.split(folded) if len(s := piece.strip()) >= shortest]
    if len(sentences) < _MIN_SENTENCES:
        return 0.0
    total = sum(map(len, sentences))
    return 1.0 - sum(map(len, set(sentences))) / total


def _folded(match: re.Match[str]) -> str:
    return match[0] if match[0][0] == "$" else "0"
