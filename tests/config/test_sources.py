"""Where values of a configuration come from: a file, a name, `--set`; and what is refused on the
way."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import infimm
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infimm_spark.config import (
    BuildConfig,
    SparkConfig,
    config_layers,
    effective_yaml,
    load_config,
    override,
    shipped_file,
    shipped_names,
    validated,
)
from infimm_spark.errors import ConfigError


@pytest.mark.parametrize("name", shipped_names())
def test_each_configuration_of_the_package_loads_by_its_name(name: str) -> None:
    """`--config NAME` needs no path."""
    assert load_config(name) == load_config(shipped_file(name))


def test_a_name_that_the_package_has_not_is_refused_with_those_it_has() -> None:
    """A typing error in a name shows the names there are."""
    with pytest.raises(ConfigError, match=r"no configuration is called locl; .*local.*paper"):
        load_config("locl")


def test_a_file_comes_before_a_name_and_before_the_source_trees_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`conf/local.yaml` is the user's own where there is one, else the package's."""
    monkeypatch.chdir(tmp_path)
    assert load_config("conf/local.yaml").extract.group_size == 4
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "local.yaml").write_text("extract: {group_size: 7}")
    assert load_config("conf/local.yaml").extract.group_size == 7
    assert load_config("local").extract.group_size == 4
    with pytest.raises(ConfigError, match=r"conf/mine\.yaml does not exist"):
        load_config("conf/mine.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extract: {seed: 1}\nextract: {}", "key 'extract' is set at line 1 and again at line 2"),
        (
            "dedup:\n  minhash:\n    bands: 14\n    rows: 8\n    bands: 20\n",
            "key 'dedup.minhash.bands' is set at line 3 and again at line 5",
        ),
        ("dedup: {exact: true, exact: false}", "key 'dedup.exact' is set at line 1 and again"),
        (
            "rules:\n  precision_threshold_by_length:\n"
            "    - min_chars: 1\n      min_chars: 2\n      threshold: 0.5\n",
            "'rules.precision_threshold_by_length.0.min_chars' is set at line 3 and again at line "
            "4",
        ),
        ('spark: {conf: {a: "1", "a": "2"}}', "key 'spark.conf.a' is set at line 1"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(
    tmp_path: Path, text: str, said: str
) -> None:
    """YAML would take the last of the two without a word."""
    file = tmp_path / "job.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert said in str(error.value)


def test_anchors_and_merges_are_no_repetition(tmp_path: Path) -> None:
    """A key beside `<<` overrides the merged one: that is what merges are for."""
    file = tmp_path / "job.yaml"
    file.write_text(
        "extract: &e {group_size: 3}\nrules: {max_nsfw_words: 1}\n"
        "store: {buckets: {a: &a {anonymous: true}, b: {<<: *a, anonymous: false}}}\n"
    )
    config = load_config(file)
    assert [config.store.buckets[name].anonymous for name in "ab"] == [True, False]


@pytest.mark.parametrize(
    ("assignment", "found"),
    [
        ("dedup.recall_threshold=0.3", lambda c: c.dedup.recall_threshold == 0.3),
        ("dedup.recall_threshold=3e-1", lambda c: c.dedup.recall_threshold == 0.3),
        ("extract.languages=[de]", lambda c: c.extract.languages == ["de"]),
        ("input.default_snapshot=2023", lambda c: c.input.default_snapshot == "2023"),
        ("dedup.minhash.scope=year", lambda c: c.dedup.minhash.scope == "year"),
        ("input.limit=null", lambda c: c.input.limit is None),
        ("models.recall=null", lambda c: c.models.recall is None),
        ("dedup.exact=false", lambda c: c.dedup.exact is False),
        ("spark.conf.spark.ui.enabled=true", lambda c: c.spark.conf["spark.ui.enabled"] == "true"),
        ("store.buckets.a.b.anonymous=true", lambda c: c.store.buckets["a.b"].anonymous),
        ("output=a=b", lambda c: c.output == "a=b"),
        (
            "dedup.recall_threshold_by_length=[{min_chars: 9, threshold: 0.5}]",
            lambda c: c.dedup.recall_threshold_at(10) == 0.5,
        ),
    ],
)
def test_set_gives_one_key_its_value(assignment: str, found: object) -> None:
    """`--set` reads YAML, and text where the key holds text; keys of mappings may have dots."""
    assert callable(found)
    assert found(load_config("local", assignments=[assignment]))


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("dedup.recall_threshold", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("dedup..exact=true", "expected KEY=VALUE"),
        ("dedup.recal=1", "--set: unknown key 'dedup.recal' (value 1)"),
        ("dedup=1", "dedup = 1: expected"),
        ("dedup.recall_threshold=much", "dedup.recall_threshold = 'much': expected number"),
        ("dedup.recall_threshold.x=1", "dedup.recall_threshold = {'x': '1'}"),
        ("dedup.minhash.scope=century", "dedup.minhash.scope = 'century': expected 'snapshot'"),
        ("extract.languages=[en", "is not YAML"),
    ],
)
def test_a_wrong_assignment_is_one_line(assignment: str, said: str) -> None:
    """What `--set` cannot mean is refused as a configuration file is."""
    with pytest.raises(ConfigError) as error:
        load_config(None, assignments=[assignment])
    assert said.replace("{'x': '1'}", "{'x': 1}") in str(error.value)
    assert "\n" not in str(error.value)


def test_overrides_of_a_recorded_configuration_are_validated() -> None:
    """No copy of a model takes what the model would refuse."""
    config = load_config("local")
    assert override(config, {}) == config
    assert override(config, {"dedup": {"against": ["r"]}}).dedup.against == ["r"]
    with pytest.raises(ConfigError, match=r"dedup\.minhash\.bands 99 x rows 8"):
        override(config, {"dedup": {"minhash": {"bands": 99}}})
    with pytest.raises(ConfigError, match="lies above"):
        override(config, {}, ["dedup.recall_threshold=0.01"])
    with pytest.raises(ValidationError):
        SparkConfig().replaced(conf={"spark.ui.enabled": True})


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Quoted in YAML or after an equals sign no shell expands it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    config = load_config(
        None,
        {
            "input": {"paths": ["~/crawl", "s3://b/~x"]},
            "output": "~/run",
            "dedup": {"against": ["~"]},
        },
        ["models.recall=~/m.ftz"],
    )
    assert config.input.paths == [f"{tmp_path}/crawl", "s3://b/~x"]
    assert (config.output, config.models.recall) == (f"{tmp_path}/run", f"{tmp_path}/m.ftz")
    assert config.dedup.against == [str(tmp_path)]


@settings(max_examples=25)  # YAML in Python takes its time
@given(
    threshold=st.floats(0.2, 1.0),
    languages=st.lists(st.text(max_size=5), max_size=3),
    app_name=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
)
def test_what_is_shown_reads_back_as_the_same_configuration(
    threshold: float, languages: list[str], app_name: str
) -> None:
    """The output of `infimm config show` is a configuration file."""
    values = {
        "dedup": {"recall_threshold": threshold},
        "extract": {"languages": languages},
        "spark": {"app_name": app_name, "conf": {"a: b": "#c"}},
    }
    layers = config_layers("paper", values)
    config = validated(layers)
    assert BuildConfig.model_validate(yaml.safe_load(effective_yaml(config, layers))) == config


def test_show_names_the_source_of_each_value(tmp_path: Path) -> None:
    """Default, file, `--set`: a reader sees why a key has its value."""
    (tmp_path / "mine.yaml").write_text("dedup: {exact: false}")
    shown = infimm(
        "config", "show", "--config", "mine.yaml", "--set", "input.limit=3", cwd=tmp_path
    )
    assert shown.returncode == 0, shown.stderr
    assert "  exact: false  # mine.yaml\n" in shown.stdout
    assert "  limit: 3  # --set\n" in shown.stdout
    assert "  seed: 1  # default\n" in shown.stdout
    refused = infimm("config", "show", "--set", "dedup.exact=3", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "infimm: --set: dedup.exact = 3: expected boolean\n"


def test_a_plan_needs_no_checkout(tmp_path: Path) -> None:
    """Rates, and the example of prices, come with the package."""
    planned = infimm("plan", "--price-file", "prices", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert "cost in USD" in planned.stdout
