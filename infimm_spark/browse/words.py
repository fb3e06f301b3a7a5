"""The words that moved a classifier's score: each left out in turn, and the score taken again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from infimm_spark.classify.features import excerpt, normalise
from infimm_spark.classify.mathematics import Classifier, log_odds

_MOST_WORDS = 400
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Moved:
    """A word of the text as the classifier reads it, how often it stands there, and by how much
    the log-odds fall (negative: rise) without it."""

    word: str
    count: int
    by: float


def moving_words(
    text: str, language: str, classifier: Classifier, most: int = 12
) -> tuple[list[Moved], list[Moved]]:
    """The words that raised the score most and those that lowered it most, `most` of each.

    The 400 most frequent words of the text are tried.
    """
    line = normalise(excerpt(text, classifier.card.max_chars), language)
    tokens = line.split()
    whole = _log_odds(classifier.predict(line))
    moved = []
    for word, count in Counter(tokens).most_common(_MOST_WORDS):
        without = " ".join(token for token in tokens if token != word)
        moved.append(Moved(word, count, whole - _log_odds(classifier.predict(without))))
    moved.sort(key=lambda found: -found.by)
    raised = [found for found in moved if found.by > 0][:most]
    lowered = [found for found in reversed(moved) if found.by < 0][:most]
    return raised, lowered


def _log_odds(probability: float) -> float:
    return log_odds(min(max(probability, _EDGE), 1 - _EDGE))
