"""Refine stage: the paper's four rules, then the high-precision classifier.

Every document comes out with its metrics and what became of it, so that kept and dropped rows are two
views of one table, and a threshold can be changed without reading a document again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.classify.broadcast import ModelBytes, load_mathematics
from infimm_spark.config import RulesConfig
from infimm_spark.rules.filters import first_failed
from infimm_spark.rules.metrics import text_metrics

RULES, PRECISION = "rules", "precision"
LOW_QUALITY = "quality_prob"

REFINED = pa.schema(
    [
        *schemas.CLEAN,
        ("drop_stage", pa.string()),  # rules, precision; null for a kept document
        ("drop_reason", pa.string()),  # the rule, or quality_prob
        ("drop_score", pa.float64()),  # the value that decided
    ]
)
"""A judged document; `quality_prob` is null where a rule dropped it, as it was not scored."""

Scorer = Callable[[list[str], list[str]], list[float]]
"""Texts and their languages (`en`, `zh`) to the high-precision classifier's probabilities."""

_BATCH_BYTES = 16 * 1024 * 1024


def refine(
    documents: DataFrame, config: RulesConfig, load_scorer: Callable[[], Scorer]
) -> DataFrame:
    """Judge `documents` (`schemas.DOCUMENTS`); rows of `REFINED`, one a document.

    `load_scorer` is called once a task, on the executor; see `precision_scorer`.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        score = load_scorer()
        for batch in batches:
            for part in _parts(batch):
                yield _judged(part, config, score)

    return documents.select(*schemas.DOCUMENTS.names).mapInArrow(run, schemas.spark_schema(REFINED))


def precision_scorer(model: Broadcast[ModelBytes]) -> Callable[[], Scorer]:
    """What `refine` takes, for a broadcast high-precision classifier."""

    def load() -> Scorer:
        return load_mathematics(model.value, "precision").score_many

    return load


def kept_clean(refined: DataFrame) -> DataFrame:
    """The documents that passed: `schemas.CLEAN`."""
    return refined.where(F.col("drop_stage").isNull()).select(*schemas.CLEAN.names)


def refine_rejects(refined: DataFrame) -> DataFrame:
    """The documents that were dropped: `schemas.REJECTS`."""
    return refined.where(F.col("drop_stage").isNotNull()).select(
        "id",
        "url",
        "snapshot",
        "warc_file",
        "warc_offset",
        "warc_length",
        F.col("drop_stage").alias("stage"),
        F.lit("dropped").alias("outcome"),
        F.col("drop_reason").alias("reason"),
        F.col("drop_score").alias("score"),
        "language",
        F.lit(None).cast("string").alias("detail"),
    )


def document_texts(segments: pa.ListArray) -> list[str]:
    """`Document.text` of each row of a `segments` column: its texts joined by blank lines."""
    texts = pc.struct_field(segments.flatten(), "text").to_pylist()
    joined: list[str] = []
    start = 0
    for length in segments.value_lengths().to_pylist():
        stop = start + (length or 0)
        joined.append("\n\n".join(text for text in texts[start:stop] if text))
        start = stop
    return joined


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in slices of about `_BATCH_BYTES`: Spark cuts batches by rows, whatever their size."""
    if not batch.num_rows:
        return
    rows = max(1, batch.num_rows * _BATCH_BYTES // max(batch.get_total_buffer_size(), 1))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _judged(batch: pa.RecordBatch, config: RulesConfig, score: Scorer) -> pa.RecordBatch:
    texts = document_texts(batch.column("segments"))
    languages = batch.column("language").to_pylist()
    lengths = batch.column("text_length").to_pylist()
    metrics = [text_metrics(text, lang) for text, lang in zip(texts, languages, strict=True)]
    verdicts: list[tuple[str | None, str | None, float | None]] = []
    for text, language, measured in zip(texts, languages, metrics, strict=True):
        failed = first_failed(text, language, measured, config)
        verdicts.append((None, None, None) if failed is None else (RULES, *failed))

    passed = [row for row, (stage, _, _) in enumerate(verdicts) if stage is None]
    quality: list[float | None] = [None] * len(texts)
    scores = score([texts[row] for row in passed], [languages[row] for row in passed])
    for row, probability in zip(passed, scores, strict=True):
        # Judge the float32 that is stored, so that the stored value always explains the verdict.
        quality[row] = stored = float(np.float32(probability))
        if stored < config.precision_threshold_at(lengths[row] or 0):
            verdicts[row] = (PRECISION, LOW_QUALITY, stored)

    columns: dict[str, list[Any]] = {
        name: [values[i] for values in map(astuple, metrics)]
        for i, (name, _) in enumerate(schemas.METRICS)
    }
    columns["quality_prob"] = quality
    for i, name in enumerate(("drop_stage", "drop_reason", "drop_score")):
        columns[name] = [verdict[i] for verdict in verdicts]
    return pa.RecordBatch.from_arrays(
        [
            *batch.columns,
            *(pa.array(values, REFINED.field(name).type) for name, values in columns.items()),
        ],
        names=[*batch.schema.names, *columns],
    )
