"""The classifiers as column functions."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from infimm_spark.classify.mathematics import load_classifier
from infimm_spark.classify.udfs import ModelColumns, language, math_prob, quality_prob
from infimm_spark.config import ModelsConfig
from infimm_spark.errors import ModelError

ENGLISH = "Let $f$ be continuous. Theorem: $\\int_0^1 f(x)\\,dx = F(1) - F(0)$. The proof is short."
CHINESE = "今天下午我们一起去图书馆看书，然后回家吃饭。"


def test_columns_give_what_the_models_give(spark: SparkSession) -> None:
    """language, math_prob and quality_prob of a user's own DataFrame equal the models' scores."""
    frame = spark.createDataFrame(
        [(1, ENGLISH), (2, CHINESE), (3, None)], "id int, text string"
    ).repartition(3)
    models = ModelColumns(spark)
    rows = (
        frame.withColumn("language", models.language("text"))
        .select(
            "id",
            "language.label",
            "language.prob",
            models.math_prob("text", "language.label").alias("math"),
            models.quality_prob("text", "language.label").alias("quality"),
        )
        .orderBy("id")
        .collect()
    )
    assert [row.label for row in rows] == ["en", "zh", None]
    for row, text in zip(rows, (ENGLISH, CHINESE), strict=False):
        expected = load_classifier(None, "recall").score(text, row.label)
        assert row.math == pytest.approx(expected, abs=1e-6)
        expected = load_classifier(None, "precision").score(text, row.label)
        assert row.quality == pytest.approx(expected, abs=1e-6)
    assert (rows[2].math, rows[2].quality) == (None, None)


def test_functions_of_a_text_column_alone(spark: SparkSession) -> None:
    """language(col), math_prob(col) and quality_prob(col) work on any DataFrame of the active
    session."""
    rows = (
        spark.createDataFrame([(1, ENGLISH), (2, CHINESE), (3, None)], "id int, body string")
        .select(
            "id",
            language("body")["label"].alias("label"),
            math_prob("body").alias("math"),
            quality_prob("body").alias("quality"),
        )
        .orderBy("id")
        .collect()
    )
    assert [row.label for row in rows] == ["en", "zh", None]
    for row, text in zip(rows, (ENGLISH, CHINESE), strict=False):
        expected = load_classifier(None, "recall").score(text, row.label)
        assert row.math == pytest.approx(expected, abs=1e-6)
        expected = load_classifier(None, "precision").score(text, row.label)
        assert row.quality == pytest.approx(expected, abs=1e-6)
    assert (rows[2].math, rows[2].quality) == (None, None)


def test_tasks_carry_no_model(spark: SparkSession) -> None:
    """The models' bytes are broadcast; what travels with each task is small."""
    from pyspark import cloudpickle

    from infimm_spark.classify.udfs import _score

    models = ModelColumns(spark)
    broadcast = models._broadcast("recall")
    assert len(broadcast.value.data) > 100_000
    assert len(cloudpickle.dumps(_score(broadcast, "recall"))) < 10_000


def test_models_are_broadcast_once(spark: SparkSession) -> None:
    """A second column of the same model reuses the broadcast."""
    models = ModelColumns(spark)
    assert models._broadcast("recall") is models._broadcast("recall")


def test_unusable_model_is_refused_on_the_driver(spark: SparkSession, tmp_path: Path) -> None:
    """A wrong path fails when the column is made, before any task runs."""
    models = ModelColumns(spark, ModelsConfig(recall=str(tmp_path / "none.ftz")))
    with pytest.raises(ModelError, match="does not exist"):
        models.math_prob("text", "language")


def test_model_bytes_survive_pickling() -> None:
    """A model that was pickled and back is the same model."""
    from infimm_spark.classify.broadcast import read_model

    model = read_model(None, "recall")
    assert pickle.loads(pickle.dumps(model)) == model
