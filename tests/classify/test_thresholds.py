"""Which threshold is used, and where it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infimm_spark.classify.mathematics import model_file
from infimm_spark.classify.thresholds import thresholds, with_thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.config.models import PACKAGED_PRECISION, PACKAGED_RECALL
from infimm_spark.errors import ConfigError, ModelError


def model_with(folder: Path, kind: str, threshold: float) -> str:
    """A card that says `threshold`, beside a model that is not looked at."""
    card = json.loads(model_file(None, kind).with_suffix(".json").read_text())  # type: ignore[arg-type]
    (folder / f"{kind}.json").write_text(json.dumps(card | {"default_threshold": threshold}))
    return str(folder / f"{kind}.ftz")


def test_the_packaged_cards_are_the_default() -> None:
    """Without a word in the configuration the cards decide, and say so."""
    found = [str(threshold) for threshold in thresholds(BuildConfig())]
    assert found == [
        f"dedup.recall_threshold {PACKAGED_RECALL} (card of the packaged model)",
        f"rules.precision_threshold {PACKAGED_PRECISION} (card of the packaged model)",
    ]


def test_a_trained_model_brings_its_threshold(tmp_path: Path) -> None:
    """The card beside the configured model decides, unless the configuration does."""
    models = {"precision": model_with(tmp_path, "precision", 0.75)}
    config = BuildConfig.model_validate({"models": models})
    assert with_thresholds(config).rules.precision_threshold == 0.75
    assert thresholds(config)[1].origin == f"card of {models['precision']}"
    config = BuildConfig.model_validate({"models": models, "rules": {"precision_threshold": 0.5}})
    assert with_thresholds(config).rules.precision_threshold == 0.5
    assert thresholds(config)[1].origin == "configuration"


def test_a_card_below_the_floor_is_refused(tmp_path: Path) -> None:
    """Pages that the threshold would keep are not extracted: the line says which two disagree."""
    config = BuildConfig.model_validate({"models": {"recall": model_with(tmp_path, "recall", 0.1)}})
    with pytest.raises(
        ConfigError, match=r"extract\.recall_floor 0\.15 lies above .* 0\.1 \(card of"
    ):
        thresholds(config)


def test_a_missing_card_is_refused_where_it_is_needed(tmp_path: Path) -> None:
    """With a threshold in the configuration no card is read."""
    models = {"recall": str(tmp_path / "recall.ftz")}
    with pytest.raises(
        ModelError, match=r"recall\.json cannot be read.*or dedup\.recall_threshold"
    ):
        thresholds(BuildConfig.model_validate({"models": models}))
    values = {"models": models, "dedup": {"recall_threshold": 0.3}}
    assert thresholds(BuildConfig.model_validate(values))[0].value == 0.3


def test_a_scorer_without_a_card() -> None:
    """A callable has the packaged model's threshold, and that is said."""
    models = {"precision": {"callable": "my_scorer:load"}}
    found = thresholds(BuildConfig.model_validate({"models": models}))[1]
    assert (found.value, found.origin) == (0.5, "default for models.precision my_scorer:load")


def test_a_card_may_have_thresholds_by_language(tmp_path: Path) -> None:
    """They apply where the configuration sets none; one for all languages there overrules them,
    and one by length comes first."""
    path = model_with(tmp_path, "precision", 0.75)
    card_path = tmp_path / "precision.json"
    card = json.loads(card_path.read_text())
    card_path.write_text(json.dumps(card | {"thresholds": {"zh": 0.6}}))
    models = {"precision": path}
    rules = with_thresholds(BuildConfig.model_validate({"models": models})).rules
    assert [rules.precision_threshold_at(100, name) for name in ("zh", "en")] == [0.6, 0.75]
    for changes, expected in (
        ({"precision_threshold": 0.5}, 0.5),
        ({"precision_threshold_by_language": {"zh": 0.2}}, 0.2),
        ({"precision_threshold_by_length": [{"min_chars": 50, "threshold": 0.9}]}, 0.9),
    ):
        config = BuildConfig.model_validate({"models": models, "rules": changes})
        assert with_thresholds(config).rules.precision_threshold_at(100, "zh") == expected
