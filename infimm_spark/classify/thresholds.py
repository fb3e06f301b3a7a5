"""The classifiers' thresholds: the configuration's where it sets one, else what the model's card
says."""

from __future__ import annotations

from dataclasses import dataclass

from infimm_spark.classify.mathematics import Kind, ModelCard, card_file, model_file, parse_card
from infimm_spark.config import BuildConfig, CallableModel, EncoderModel
from infimm_spark.config.models import PACKAGED_PRECISION, PACKAGED_RECALL
from infimm_spark.errors import ConfigError, ModelError

_FOR_CALLABLES = {"recall": PACKAGED_RECALL, "precision": PACKAGED_PRECISION}
"""Scorers of the user's own have no card: the thresholds of the packaged models."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold in use: the key that would change it, its value, and where the value came
    from."""

    key: str
    value: float
    origin: str

    def __str__(self) -> str:
        return f"{self.key} {self.value:g} ({self.origin})"


def thresholds(config: BuildConfig) -> tuple[Threshold, Threshold]:
    """Of the recall and of the precision classifier. Raises `ModelError` for a card that is needed
    and cannot be read, `ConfigError` where the recall floor lies above the card's threshold."""
    recall = _threshold(config, "recall", "dedup.recall_threshold", config.dedup.recall_threshold)
    if config.extract.recall_floor > recall.value:
        raise ConfigError(
            f"extract.recall_floor {config.extract.recall_floor:g} lies above {recall}; "
            "expected a floor at or below the threshold"
        )
    set_one = config.rules.precision_threshold
    return recall, _threshold(config, "precision", "rules.precision_threshold", set_one)


def with_thresholds(config: BuildConfig, *, by_language: bool = True) -> BuildConfig:
    """The configuration with both thresholds filled in, and with those by language that the card
    has unless `by_language` is off: a stage's identity knows them by the card itself."""
    recall, precision = thresholds(config)
    values = config.model_dump()
    values["dedup"]["recall_threshold"] = recall.value
    values["rules"]["precision_threshold"] = precision.value
    rules = config.rules
    of_card = rules.precision_threshold is None and not rules.precision_threshold_by_language
    if by_language and of_card:
        card = _card(config, "precision", "rules.precision_threshold")
        values["rules"]["precision_threshold_by_language"] = card.thresholds if card else {}
    return BuildConfig.model_validate(values)


def _threshold(config: BuildConfig, kind: Kind, key: str, given: float | None) -> Threshold:
    if given is not None:
        return Threshold(key, given, "configuration")
    path = getattr(config.models, kind)
    card = _card(config, kind, key)
    if card is None:
        return Threshold(key, _FOR_CALLABLES[kind], f"default for models.{kind} {path.callable}")
    if isinstance(path, EncoderModel):
        path = path.path
    name = "the packaged model" if path is None else str(path)
    return Threshold(key, card.default_threshold, f"card of {name}")


def _card(config: BuildConfig, kind: Kind, key: str) -> ModelCard | None:
    """The card of a configured model; None for a scorer of the user's own. `key` is for
    messages."""
    path = getattr(config.models, kind)
    if isinstance(path, CallableModel):
        return None
    if isinstance(path, EncoderModel):
        path = path.path
    card_path = card_file(model_file(path, kind))
    try:
        return parse_card(card_path.read_text(encoding="utf-8"), str(card_path))
    except (OSError, UnicodeDecodeError):
        raise ModelError(
            f"model card {card_path} cannot be read; expected it beside the model, or {key} in "
            "the configuration"
        ) from None
