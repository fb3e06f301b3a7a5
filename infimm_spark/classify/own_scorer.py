"""A scorer of the user's own in the place of a fastText classifier (`models.precision: {callable:
…}`).

# my_scorer.py
def load():                      # called once in each process: load the model here
    return score

def score(texts, languages):     # two lists in step, to a list of probabilities
    return [float("theorem" in text) for text in texts]

# configuration: models: {precision: {callable: "my_scorer:load"}}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from infimm_spark import usercode
from infimm_spark.classify.mathematics import Kind
from infimm_spark.errors import ModelError


class OwnScorer:
    """Scores texts with what the factory `name` (`module:factory`) gives; raises `ModelError`."""

    def __init__(self, name: str, kind: Kind) -> None:
        self._name = name
        self._key = key(kind)
        factory = usercode.load(name, self._key)
        try:
            self._score: Callable[[list[str], list[str]], Any] = factory()
        except Exception as error:
            raise self._error("raised", error) from None
        if not callable(self._score):
            raise ModelError(
                f"{self._key}: {name} gave {type(self._score).__name__}; "
                "expected a function from texts and languages to probabilities"
            )

    def score(self, text: str, language: str) -> float:
        """Probability in [0, 1] of one text."""
        return self.score_many([text], [language])[0]

    def score_many(self, texts: Sequence[str], languages: Sequence[str]) -> list[float]:
        """Probabilities in [0, 1], in order."""
        if not texts:
            return []
        try:
            scores = [float(score) for score in self._score(list(texts), list(languages))]
        except Exception as error:
            raise self._error("raised on a list of texts", error) from None
        if len(scores) != len(texts) or not all(0.0 <= score <= 1.0 for score in scores):
            raise ModelError(
                f"{self._key}: {self._name} gave {len(scores)} numbers for {len(texts)} texts, or "
                "one outside "
                "[0, 1]; expected a probability for each"
            )
        return scores

    def _error(self, what: str, error: Exception) -> ModelError:
        message = " ".join(str(error).split())
        return ModelError(f"{self._key}: {self._name} {what} {type(error).__name__}: {message}")


def key(kind: Kind) -> str:
    """The setting that names the scorer."""
    return f"models.{kind}.callable"
