"""The two mathematics classifiers: high recall (mathematical or not), high precision (worth
keeping).

A model is a supervised fastText file with the labels ``__label__1`` and ``__label__0``, and beside
it a model card: the same name with the suffix ``.json``. A card may hold trees over the facts of a
text (`trees.py`), which then decide together with fastText.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from infimm_spark.classify.facts import facts
from infimm_spark.classify.fasttext_model import load_fasttext, predict_line
from infimm_spark.classify.features import FEATURE_VERSION, excerpt, read
from infimm_spark.classify.trees import Judgement, Walker
from infimm_spark.errors import ModelError
from infimm_spark.packaged import packaged_folder

Kind = Literal["recall", "precision"]

POSITIVE_LABEL = "__label__1"
NEGATIVE_LABEL = "__label__0"


class ModelCard(BaseModel):
    """What a model was made of and how it fares; written by the training job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    feature_version: int
    sha256: str
    max_chars: int
    """Characters of a text that are looked at (head and slices); more are not read."""
    trained: str
    """Date, ISO 8601."""
    data: dict[str, Any]
    """Where the training texts came from, and counts."""
    parameters: dict[str, Any]
    """Of fastText and of the sampling."""
    evaluation: dict[str, Any]
    """Metrics by language, view and length band, and how the split was made."""
    shift: dict[str, float]
    """Added to a language's log-odds: calibration on unseen sites."""
    default_threshold: float
    thresholds: dict[str, float] = {}
    """By language, where it has one of its own."""
    notes: list[str] = []
    judgement: Judgement | None = None
    """Trees that decide together with fastText; `shift` then has no part in it."""

    @model_serializer(mode="wrap")
    def _without_absent(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A card without trees or thresholds by language is written as it was before there were
        any: runs are known by it."""
        written: dict[str, Any] = serialise(self)
        for name in ("judgement", "thresholds"):
            if not written.get(name):
                written.pop(name, None)
        return written


class Classifier:
    """A mathematics classifier with its card.

    `score` gives the probability of mathematics (recall) or of a page worth keeping (precision).
    """

    def __init__(self, model: Any, card: ModelCard) -> None:
        self._model = model
        self.card = card
        judgement = card.judgement
        self._walker = None if judgement is None else Walker(judgement.trees)

    def score(self, text: str, language: str) -> float:
        """Probability in [0, 1]; `language` is the page's label (``en``, ``zh``). 0 without
        text."""
        if not text.strip():
            return 0.0
        reading = read(excerpt(text, self.card.max_chars), language)
        probability = self.predict(reading.line)
        if self._walker is None or self.card.judgement is None:
            return shifted(probability, self.card.shift.get(language, 0.0))
        trees = self._walker.log_odds(facts(text, language, reading))
        return self.card.judgement.probability(bounded_log_odds(probability), trees, language)

    def predict(self, line: str) -> float:
        """fastText's probability for a line that `normalise` made, not calibrated."""
        return positive_probability(self._model, line)

    def score_many(self, texts: Iterable[str], languages: Iterable[str]) -> list[float]:
        """`score` of each pair, in order; both of the same length."""
        return [self.score(*pair) for pair in zip(texts, languages, strict=True)]


def shifted(probability: float, shift: float) -> float:
    """The probability whose log-odds are higher by `shift`."""
    if not shift or not 0.0 < probability < 1.0:
        return probability
    return 1.0 / (1.0 + math.exp(-(log_odds(probability) + shift)))


def log_odds(probability: float) -> float:
    """log(p / (1 - p)); p strictly between 0 and 1."""
    return math.log(probability / (1.0 - probability))


def bounded_log_odds(probability: float) -> float:
    """`log_odds` of a probability that may be 0 or 1: between -14 and 14."""
    return log_odds(min(max(probability, 1e-6), 1 - 1e-6))


def positive_probability(model: Any, line: str) -> float:
    """Probability of the positive label for a normalised line; 0.0 where no feature is known."""
    for probability, label in predict_line(model, line, 2):
        if label == POSITIVE_LABEL:
            return min(1.0, max(0.0, probability))
    return 0.0


def load_classifier(path: str | Path | None, kind: Kind) -> Classifier:
    """The classifier at `path`, or the packaged default where it is None.

    Raises `ModelError` where the model or its card is missing, damaged, of the other kind, or was
    trained with other features than this version's.
    """
    model_path = model_file(path, kind)
    card = read_card(model_path, kind)
    return Classifier(load_fasttext(model_path), card)


def model_file(path: str | Path | None, kind: Kind) -> Path:
    """The path of the model file: `path`, or the packaged default."""
    return Path(path) if path is not None else packaged_folder(__file__, "models") / f"{kind}.ftz"


def read_card(model_path: Path, kind: Kind) -> ModelCard:
    """The card beside `model_path`, checked against the file and this version; raises
    `ModelError`."""
    try:
        data = model_path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"model {model_path} does not exist (models.{kind})") from None
    except OSError as error:
        raise ModelError(f"model {model_path} cannot be read: {error.strerror or error}") from None
    return check_card(data, card_file(model_path), str(model_path), kind)


def card_file(model_path: Path) -> Path:
    """`recall.ftz` -> `recall.json`."""
    return model_path.with_suffix(".json")


def check_card(data: bytes, card_path: Path, name: str, kind: Kind) -> ModelCard:
    """The card at `card_path`, checked against the model's bytes; raises `ModelError`."""
    try:
        text = card_path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ModelError(
            f"model {name} has no readable model card; expected {card_path.name} beside it, as the "
            "training job writes it"
        ) from None
    card = parse_card(text, name)
    if card.kind != kind:
        raise ModelError(f"model {name} is a {card.kind} classifier; expected models.{kind}")
    digest = hashlib.sha256(data).hexdigest()
    if card.sha256 != digest:
        raise ModelError(
            f"model {name} has SHA-256 {digest[:12]}…; its card expects {card.sha256[:12]}…"
        )
    return card


def parse_card(text: str, name: str) -> ModelCard:
    """A card from its JSON; raises `ModelError` on damage and on another feature version."""
    try:
        card = ModelCard.model_validate(json.loads(text))
    except (json.JSONDecodeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"model card of {name} is damaged: {first}") from None
    if card.feature_version != FEATURE_VERSION:
        raise ModelError(
            f"model {name} was trained with feature version {card.feature_version}; this version "
            "of "
            f"infimm-spark uses {FEATURE_VERSION}: train it again"
        )
    return card
