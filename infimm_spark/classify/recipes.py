"""The recipes of the packaged models: parameters, thresholds, and examples nobody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from infimm_spark.classify.fasttext_train import FastTextParameters
from infimm_spark.classify.mathematics import Kind
from infimm_spark.classify.training import Example, TrainingParameters


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one packaged model is made."""

    parameters: TrainingParameters
    threshold: float
    notes: list[str] = field(default_factory=list)


RECIPES: dict[Kind, Recipe] = {
    "recall": Recipe(
        parameters=TrainingParameters(
            fasttext=FastTextParameters(dim=16, lr=0.1, epoch=8, word_ngrams=2, min_count=3),
            max_chars=2_000,
            site_cap=250,
        ),
        threshold=0.4,
    ),
    "precision": Recipe(
        parameters=TrainingParameters(
            fasttext=FastTextParameters(dim=16, lr=0.1, epoch=15, word_ngrams=2, min_count=3),
            max_chars=6_000,
            site_cap=250,
        ),
        threshold=0.5,
    ),
}


def extra_examples(kind: Kind, examples: Sequence[Example]) -> list[Example]:
    """Training examples made here, none of them measured: search-engine spam, in both languages."""
    return []
