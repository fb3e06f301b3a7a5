"""A scorer of the user's own in the place of a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infimm_spark import extract_page, score_document, usercode
from infimm_spark.classify import broadcast
from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.classify.scores import load_models
from infimm_spark.config import CallableModel, ModelsConfig
from infimm_spark.errors import ConfigError, ModelError

SCORERS = """
def load():
    return lambda texts, languages: [float("theorem" in text) for text in texts]

def load_wrong():
    return lambda texts, languages: [2.0 for text in texts]

def load_nothing():
    return None

def load_broken():
    raise OSError("no such weights")
"""


@pytest.fixture(autouse=True)
def scorers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`my_scorer` on the Python path, forgotten afterwards."""
    (tmp_path / "my_scorer.py").write_text(SCORERS)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("my_scorer", None)
    usercode.load.cache_clear()
    broadcast._LOADED.clear()


def test_it_scores_in_the_place_of_the_model() -> None:
    """Both ways to a score ask it."""
    model = read_model(CallableModel(callable="my_scorer:load"), "precision")
    scorer = load_mathematics(model, "precision")
    assert scorer.score_many(["a theorem", "a cake"], ["en", "en"]) == [1.0, 0.0]
    assert scorer.score("a theorem", "en") == 1.0
    config = ModelsConfig(precision=CallableModel(callable="my_scorer:load"))
    document = extract_page(b"<p>The theorem says so.</p>", url="https://e.org/")
    assert score_document(document, models=load_models(config)).quality_prob == 1.0


def test_it_is_known_by_its_source() -> None:
    """The fingerprint, which identity holds, is that of its module."""
    model = read_model(CallableModel(callable="my_scorer:load"), "precision")
    assert model.sha256 == usercode.source_digest("my_scorer:load", "k")
    assert model.origin == "my_scorer:load"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("load_broken", "raised OSError: no such weights"),
        ("load_nothing", "gave NoneType; expected a function"),
    ],
)
def test_a_factory_that_fails_is_refused_on_the_driver(name: str, says: str) -> None:
    """One line, before Spark starts."""
    with pytest.raises(ModelError, match=rf"models\.precision\.callable.*{says}"):
        read_model(CallableModel(callable=f"my_scorer:{name}"), "precision")


def test_scores_that_are_no_probabilities_are_refused() -> None:
    """Two is no probability."""
    model = read_model(CallableModel(callable="my_scorer:load_wrong"), "precision")
    with pytest.raises(ModelError, match=r"outside \[0, 1\]"):
        load_mathematics(model, "precision").score("text", "en")


def test_a_module_that_is_not_there() -> None:
    """The line names the setting."""
    with pytest.raises(ConfigError, match=r"models\.recall\.callable.*cannot be imported"):
        read_model(CallableModel(callable="nowhere:load"), "recall")


def test_anything_but_a_document_is_refused() -> None:
    """`score_document` says what it expected."""
    with pytest.raises(TypeError, match=r"score_document\(\) got str; expected a Document"):
        score_document("a theorem")  # type: ignore[arg-type]
