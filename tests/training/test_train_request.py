"""Thresholds, curves, autotune and samples of `infimm train` that need no Spark."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.classify.mathematics import load_classifier
from infimm_spark.errors import ConfigError, InputError
from infimm_spark.training.command import TrainingRequest, solver_from_file, train_on
from infimm_spark.training.convex import ConvexParameters
from infimm_spark.training.fasttext_train import FastTextParameters
from infimm_spark.training.figures import precision_recall, precision_recall_png
from infimm_spark.training.fitting import Example, TrainingParameters
from infimm_spark.training.measures import Prediction, operating_threshold
from infimm_spark.training.sample import texts_per_host

SMALL = FastTextParameters(
    quantise=False, dim=4, epoch=10, lr=0.5, min_count=1, bucket=1_000, word_ngrams=2, cutoff=0
)


def prediction(label: int, prob: float, language: str = "en") -> Prediction:
    return Prediction("p", "s", "text", language, 100, label, True, None, prob)


@given(
    st.dictionaries(st.integers(1, 60), st.integers(1, 8), min_size=1),
    st.integers(1, 300),
    st.floats(0.02, 1),
)
def test_no_host_exceeds_its_share(histogram: dict[int, int], size: int, share: float) -> None:
    """What is taken of a host is within its share of all that is taken; refused only if one text is
    not."""
    hosts = sum(histogram.values())
    try:
        per_host = texts_per_host(histogram, size, share)
    except InputError:
        assert share * min(size, hosts) < 1
        return

    def taken(n: int) -> int:
        return min(size, sum(min(texts, n) * count for texts, count in histogram.items()))

    assert 1 <= per_host <= share * taken(per_host)
    # One more a host would add nothing, or be too much.
    more = per_host + 1
    assert taken(more) == taken(per_host) or more > share * taken(more)


def test_threshold_for_a_recall_or_precision_holds_in_each_language() -> None:
    """The threshold suits the language that is worst off; an unreachable precision is refused."""
    english = [prediction(1, p) for p in (0.9, 0.8, 0.7, 0.2)] + [prediction(0, 0.75)]
    chinese = [prediction(1, p, "zh") for p in (0.6, 0.5)] + [prediction(0, 0.1, "zh")]
    assert operating_threshold(english + chinese, recall=0.75) == 0.5
    assert operating_threshold(english + chinese, recall=1.0) == 0.2
    assert operating_threshold(english + chinese, precision=0.75) == 0.5
    assert operating_threshold(english + chinese, precision=0.85) == 0.8
    assert operating_threshold(english, precision=1.0) == 0.8
    with pytest.raises(InputError, match=r"precision 0\.9 .* en/text .* best is 0\.500"):
        operating_threshold([prediction(1, 0.4), prediction(0, 0.4)], precision=0.9)
    with pytest.raises(InputError, match="both classes"):
        operating_threshold([prediction(1, 0.4)], recall=0.9)


def test_precision_recall_curve_by_hand() -> None:
    """Texts of one score are kept together; the last point keeps all."""
    recall, precision = precision_recall(
        np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    )
    assert recall.tolist() == [0.5, 1.0, 1.0]
    assert precision.tolist() == pytest.approx([1.0, 2 / 3, 0.5])


def test_a_curve_of_one_class_is_an_empty_picture() -> None:
    """A group without both classes is left out and nothing fails."""
    assert precision_recall_png([prediction(1, 0.4)], "none").startswith(b"\x89PNG")


def examples() -> list[Example]:
    order = random.Random(3)
    return [
        Example(
            text=" ".join(order.choices(["theorem", "proof"] if n % 2 else ["bus", "river"], k=40)),
            language="en",
            label=n % 2,
            site=f"host{site}",
            page=f"{site}/{n}",
            view="text",
        )
        for site in range(8)
        for n in range(6)
    ]


def test_autotune_finds_parameters_that_train_the_same_bytes_again(tmp_path: Path) -> None:
    """The parameters found are written, and given back they make the same model without a
    search."""
    request = TrainingRequest(
        kind="recall",
        output=tmp_path,
        parameters=TrainingParameters(solver=SMALL, folds=2),
        autotune=3,
        precision=0.9,
    )
    path = train_on(examples(), {}, request)
    first = path.read_bytes()
    found = solver_from_file(tmp_path / "recall.parameters.json", FastTextParameters())
    assert load_classifier(path, "recall").card.parameters["solver"] == dataclasses.asdict(found)
    again = dataclasses.replace(
        request, autotune=0, parameters=TrainingParameters(solver=found, folds=2)
    )
    assert train_on(examples(), {}, again).read_bytes() == first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"dims": 3}', "'dims'.*unknown; expected some of dim"),
        ('{"dim": "3"}', "dim = '3'; expected int"),
        ('{"quantise": 1}', "quantise = 1; expected bool"),
    ],
)
def test_unusable_parameters_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """Unknown names and wrong types of a parameter file are named."""
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        solver_from_file(path, FastTextParameters())


def test_parameters_of_a_file_replace_the_defaults(tmp_path: Path) -> None:
    """Values that are given replace the solver's own; the rest stays."""
    path = tmp_path / "p.json"
    path.write_text('{"inverse_penalty": 10}')
    assert solver_from_file(path, ConvexParameters()) == ConvexParameters(inverse_penalty=10)
    with pytest.raises(ConfigError, match="cannot be read"):
        solver_from_file(tmp_path / "none.json", ConvexParameters())
