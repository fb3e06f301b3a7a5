"""Configuration is refused before Spark starts, naming key, value and expectation."""

from __future__ import annotations

from pathlib import Path

import pytest

from infimm_spark.config import BuildConfig, config_hash, load_config
from infimm_spark.errors import ConfigError

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.mark.parametrize("name", ["local.yaml", "paper.yaml"])
def test_shipped_configurations_load(name: str) -> None:
    """Both configurations in conf/ are valid."""
    assert load_config(CONF / name).extract.languages == ["en", "zh"]


def test_paper_settings_are_the_papers() -> None:
    """conf/paper.yaml holds the figures the paper states."""
    config = load_config(CONF / "paper.yaml")
    assert config.dedup.recall_threshold == 0.4
    assert (config.dedup.minhash.ngram, config.dedup.minhash.bands, config.dedup.minhash.rows) == (
        5,
        14,
        8,
    )
    assert config.dedup.minhash.scope == "pairs"
    assert config.dedup.url.scope == "year"
    assert config.rules.max_punctuation_ratio == 0.3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dedup: {minhash: {bands: 0}}", "dedup.minhash.bands = 0: expected greater than 0"),
        (
            "dedup: {minhash: {band: 3}}",
            "unknown key 'dedup.minhash.band' (value 3), did you mean 'dedup.minhash.bands'?",
        ),
        ("extract: {languages: en}", "extract.languages = 'en': expected list"),
        ("extract: {recall_floor: '0.1'}", "extract.recall_floor = '0.1': expected number"),
        ("extract: {recall_floor: 1.5}", "extract.recall_floor = 1.5: expected less than"),
        ("extract: {recall_floor: 0.9}", "above dedup.recall_threshold 0.2"),
        ("dedup: {url: {scope: century}}", "dedup.url.scope = 'century': expected 'snapshot'"),
        ("- a\n- b", "holds a list; expected a mapping"),
        ("a: [", "is not YAML"),
    ],
)
def test_wrong_configuration_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    """Unknown keys, wrong types and impossible values are named in one line."""
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A configuration file that is not there is an error of its own."""
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(tmp_path / "none.yaml")


def test_overrides_lie_over_the_file(tmp_path: Path) -> None:
    """Command-line values replace single keys and leave their neighbours."""
    path = tmp_path / "job.yaml"
    path.write_text("input: {paths: [a], limit: 3}")
    config = load_config(path, {"input": {"paths": ["b"]}, "output": "o"})
    assert config.input.paths == ["b"]
    assert config.input.limit == 3
    assert config.output == "o"


def test_hash_depends_on_content_only() -> None:
    """Equal settings hash alike, changed ones do not."""
    changed = load_config(None, {"dedup": {"recall_threshold": 0.5}})
    assert config_hash(BuildConfig()) == config_hash(load_config(None))
    assert config_hash(changed) != config_hash(BuildConfig())


def test_thresholds_by_length() -> None:
    """A text takes the threshold of the longest band it reaches, in any order of the bands."""
    bands = [{"min_chars": 2000, "threshold": 0.3}, {"min_chars": 500, "threshold": 0.35}]
    config = load_config(None, {"dedup": {"recall_threshold_by_length": bands}})
    found = [config.dedup.recall_threshold_at(n) for n in (0, 499, 500, 1999, 2000, 10**6)]
    assert found == [0.2, 0.2, 0.35, 0.35, 0.3, 0.3]
    assert load_config(None).rules.precision_threshold_at(10) == 0.5
    stored = BuildConfig.model_validate_json(config.model_dump_json())
    assert stored == config
    with pytest.raises(ConfigError, match=r"lies above dedup\.recall_threshold_by_length 0\.1"):
        load_config(
            None, {"dedup": {"recall_threshold_by_length": [{"min_chars": 0, "threshold": 0.1}]}}
        )
