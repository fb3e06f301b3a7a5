"""Scores of one document, with the default models or given ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from infimm_spark.classify.encoder.judge import EncoderJudge, load_judge
from infimm_spark.classify.language import LanguageIdentifier
from infimm_spark.classify.mathematics import Classifier, Kind, load_classifier
from infimm_spark.classify.own_scorer import OwnScorer
from infimm_spark.config import CallableModel, EncoderModel, ModelsConfig
from infimm_spark.extract.document import Document


@dataclass(frozen=True, slots=True)
class Scores:
    """Language (lid.176 label) and its probability; of the recall and of the precision
    classifier."""

    language: str
    language_prob: float
    math_prob: float
    quality_prob: float


@dataclass(frozen=True, slots=True)
class Models:
    """The three loaded models."""

    language: LanguageIdentifier
    recall: Classifier | OwnScorer
    precision: Classifier | OwnScorer | EncoderJudge


def score_document(document: Document, *, models: Models | None = None) -> Scores:
    """Language and both classifiers' probabilities of a document's text.

    `models` defaults to the packaged ones, loaded once. Raises `ModelError` where no language model
    is installed, `TypeError` for anything else than a document.
    """
    if not isinstance(document, Document):
        raise TypeError(
            f"score_document() got {type(document).__name__}; expected a Document, as "
            "extract_page() gives it"
        )
    models = models or load_models()
    text = document.text
    language, language_prob = models.language.identify(text)
    return Scores(
        language=language,
        language_prob=language_prob,
        math_prob=models.recall.score(text, language),
        quality_prob=models.precision.score(text, language),
    )


@lru_cache(maxsize=4)
def load_models(config: ModelsConfig = ModelsConfig()) -> Models:  # noqa: B008 - frozen
    """The models a configuration names, null meaning the defaults; cached. Raises `ModelError`."""
    precision = config.precision
    return Models(
        language=LanguageIdentifier(config.language),
        recall=_classifier(config.recall, "recall"),
        precision=load_judge(precision.path, precision.encoder)
        if isinstance(precision, EncoderModel)
        else _classifier(precision, "precision"),
    )


def _classifier(model: str | CallableModel | None, kind: Kind) -> Classifier | OwnScorer:
    if isinstance(model, CallableModel):
        return OwnScorer(model.callable, kind)
    return load_classifier(model, kind)
