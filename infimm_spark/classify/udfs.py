"""The classifiers as column functions for any DataFrame. Spark-side: pyspark is imported on use.

    from infimm_spark.classify.udfs import language, math_prob, quality_prob

    df.select("*", language("text")["label"], math_prob("text"), quality_prob("text"))

These use the packaged models and the active session; `ModelColumns` takes others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from infimm_spark.classify.broadcast import (
    ModelBytes,
    load_language,
    load_mathematics,
    read_model,
)
from infimm_spark.classify.mathematics import Kind
from infimm_spark.config import ModelsConfig
from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.languages import ENGLISH

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession


def language(text: Column | str) -> Column:
    """`language`, struct<label: string, prob: float>, of a text column; null for null."""
    return _active().language(text)


def math_prob(text: Column | str, language: Column | str | None = None) -> Column:
    """`math_prob`, float: how likely a text is mathematical; its language is identified where it is
    not given."""
    return _active().math_prob(text, language)


def quality_prob(text: Column | str, language: Column | str | None = None) -> Column:
    """`quality_prob`, float: how likely a text is worth keeping; its language is identified where
    it is not given."""
    return _active().quality_prob(text, language)


class ModelColumns:
    """Broadcasts a session's models, each when first used; its methods give columns.

    Null texts give null. The models' bytes travel once per executor, never inside a task, and are
    loaded once per Python worker. Raises `ModelError` on the driver for a model that cannot be
    used.
    """

    def __init__(self, spark: SparkSession, models: ModelsConfig | None = None) -> None:
        self._spark = spark
        self._models = models or ModelsConfig()
        self._broadcasts: dict[str, Any] = {}

    def language(self, text: Column | str) -> Column:
        """`language`, struct<label: string, prob: float>, as `LanguageIdentifier.identify`."""
        return self._identified(text).alias("language")

    def math_prob(self, text: Column | str, language: Column | str | None = None) -> Column:
        """`math_prob`, float: the recall classifier's probability of a text, in the language
        labelled or identified."""
        return self._probability("recall", text, language).alias("math_prob")

    def quality_prob(self, text: Column | str, language: Column | str | None = None) -> Column:
        """`quality_prob`, float: the precision classifier's probability, likewise."""
        return self._probability("precision", text, language).alias("quality_prob")

    def _identified(self, text: Column | str) -> Column:
        identify = _identify(self._broadcast("language"))
        return _column(identify, "label string, prob float", text)

    def _probability(self, kind: Kind, text: Column | str, language: Column | str | None) -> Column:
        if language is None:
            language = self._identified(text)["label"]
        return _column(_score(self._broadcast(kind), kind), "float", text, language)

    def _broadcast(self, name: str) -> Any:
        if name not in self._broadcasts:
            model = read_model(getattr(self._models, name), name)  # type: ignore[arg-type]
            self._broadcasts[name] = self._spark.sparkContext.broadcast(model)
        return self._broadcasts[name]


_SESSIONS: dict[str, ModelColumns] = {}
"""By Spark application: models are broadcast once in each."""


def _active() -> ModelColumns:
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession()
    if spark is None:
        raise EnvironmentMissingError(
            "no Spark session is active; expected SparkSession.builder.getOrCreate() before"
        )
    application = spark.sparkContext.applicationId
    if application not in _SESSIONS:
        _SESSIONS.clear()
        _SESSIONS[application] = ModelColumns(spark)
    return _SESSIONS[application]


def _column(function: Any, returns: str, *columns: Column | str) -> Column:
    from pyspark.sql.pandas.functions import pandas_udf

    make: Any = pandas_udf  # its overloads do not know hints set at run time
    column: Column = make(function, returns)(*columns)
    return column


def _identify(broadcast: Any) -> Callable[[Iterator[pd.Series]], Iterator[pd.DataFrame]]:
    def identify(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        model: ModelBytes = broadcast.value
        identifier = load_language(model)
        for texts in batches:
            rows = [(None, None) if text is None else identifier.identify(text) for text in texts]
            yield pd.DataFrame(rows, columns=["label", "prob"])

    # pyspark reads the type hints at run time, where pandas must be visible in them.
    identify.__annotations__ = {
        "batches": Iterator[pd.Series],
        "return": Iterator[pd.DataFrame],
    }
    return identify


def _score(
    broadcast: Any, kind: Kind
) -> Callable[[Iterator[tuple[pd.Series, pd.Series]]], Iterator[pd.Series]]:
    def score(batches: Iterator[tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
        model: ModelBytes = broadcast.value
        classifier = load_mathematics(model, kind)
        for texts, languages in batches:
            yield pd.Series(
                [
                    None if text is None else classifier.score(text, language or ENGLISH.code)
                    for text, language in zip(texts, languages, strict=True)
                ],
                dtype="float32",
            )

    score.__annotations__ = {
        "batches": Iterator[tuple[pd.Series, pd.Series]],
        "return": Iterator[pd.Series],
    }
    return score
