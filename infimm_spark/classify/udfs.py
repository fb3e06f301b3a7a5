"""The classifiers as column functions for any DataFrame. Spark-side: pyspark is imported on use.

from infimm_spark.classify.udfs import ModelColumns

models = ModelColumns(spark)
df.select("*", models.language("text")["label"], models.math_prob("text", "language"))
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

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession


class ModelColumns:
    """Broadcasts a session's models, each when first used; its methods give columns.

    Null texts give null. The models' bytes travel once per executor, never inside a task, and are
    loaded once per Python worker. Raises `ModelError` on the driver for a model that cannot be used.
    """

    def __init__(self, spark: SparkSession, models: ModelsConfig | None = None) -> None:
        self._spark = spark
        self._models = models or ModelsConfig()
        self._broadcasts: dict[str, Any] = {}

    def language(self, text: Column | str) -> Column:
        """struct<label: string, prob: float> of a text column, as `LanguageIdentifier.identify`."""
        identify = _identify(self._broadcast("language"))
        return _column(identify, "label string, prob float", text)

    def math_prob(self, text: Column | str, language: Column | str) -> Column:
        """float: the recall classifier's probability, given the text and its language label."""
        return self._probability("recall", text, language)

    def quality_prob(self, text: Column | str, language: Column | str) -> Column:
        """float: the precision classifier's probability, given the text and its language label."""
        return self._probability("precision", text, language)

    def _probability(self, kind: Kind, text: Column | str, language: Column | str) -> Column:
        return _column(_score(self._broadcast(kind), kind), "float", text, language)

    def _broadcast(self, name: str) -> Any:
        if name not in self._broadcasts:
            model = read_model(getattr(self._models, name), name)  # type: ignore[arg-type]
            self._broadcasts[name] = self._spark.sparkContext.broadcast(model)
        return self._broadcasts[name]


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
                    None if text is None else classifier.score(text, language or "en")
                    for text, language in zip(texts, languages, strict=True)
                ],
                dtype="float32",
            )

    score.__annotations__ = {
        "batches": Iterator[tuple[pd.Series, pd.Series]],
        "return": Iterator[pd.Series],
    }
    return score
