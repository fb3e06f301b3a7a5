"""Refine stage: the rules, then the high-precision classifier.

Every document comes out with its metrics and what became of it, so that kept and dropped rows are
two views of one table, and a threshold can be changed without reading a document again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.classify.broadcast import ModelBytes, load_mathematics
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig, RulesConfig
from infimm_spark.rules.extra import KEY
from infimm_spark.rules.filters import RULES as RULE_LIST
from infimm_spark.rules.filters import failed_rule
from infimm_spark.rules.metrics import text_metrics
from infimm_spark.stages import accounting
from infimm_spark.stages.base import Facts, KeptRows, Section, Stage, Table, Work, below_threshold
from infimm_spark.stages.dedup import survivors
from infimm_spark.stages.page_trace import PageTrace
from infimm_spark.stages.repeated_paragraphs import (
    REPEATED,
    repeated_paragraphs,
    without_paragraphs,
    without_repeated,
)
from infimm_spark.stages.sampling import sampled
from infimm_spark.stages.segments import document_texts
from infimm_spark.usercode import source_digest

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
    documents: DataFrame,
    config: RulesConfig,
    load_scorer: Callable[[], Scorer],
    unclassified: Sequence[str] = (),
) -> DataFrame:
    """Judge `documents` (`schemas.DOCUMENTS`); rows of `REFINED`, one a document.

    Documents in an `unclassified` language are judged by the rules only. `load_scorer` is called
    once a task, on the executor; see `precision_scorer`.
    """

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        score = load_scorer()
        for batch in batches:
            for part in _parts(batch):
                yield _refined(part, config, score, unclassified)

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
    return accounting.rejects(
        refined.where(F.col("drop_stage").isNotNull()),
        stage=F.col("drop_stage"),
        reason=F.col("drop_reason"),
        score=F.col("drop_score"),
        detail=F.lit(None).cast("string"),
    )


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in slices of about `_BATCH_BYTES`: Spark cuts batches by rows, whatever their
    size."""
    if not batch.num_rows:
        return
    rows = max(1, batch.num_rows * _BATCH_BYTES // max(batch.get_total_buffer_size(), 1))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _refined(
    batch: pa.RecordBatch, config: RulesConfig, score: Scorer, unclassified: Sequence[str] = ()
) -> pa.RecordBatch:
    texts = document_texts(batch.column("segments"))
    languages = batch.column("language").to_pylist()
    lengths = batch.column("text_length").to_pylist()
    metrics = [text_metrics(text, lang) for text, lang in zip(texts, languages, strict=True)]
    verdicts: list[tuple[str | None, str | None, float | None]] = []
    signals = batch.column("consent").to_pylist()
    for text, language, measured, consent in zip(texts, languages, metrics, signals, strict=True):
        failed = failed_rule(text, language, measured, consent, config)
        verdicts.append((None, None, None) if failed is None else (RULES, *failed))

    passed = [
        row
        for row, (stage, _, _) in enumerate(verdicts)
        if stage is None and languages[row] not in unclassified
    ]
    quality: list[float | None] = [None] * len(texts)
    scores = score([texts[row] for row in passed], [languages[row] for row in passed])
    for row, probability in zip(passed, scores, strict=True):
        # Judge the float32 that is stored, so that the stored value always explains the verdict.
        quality[row] = stored = float(np.float32(probability))
        if stored < config.precision_threshold_at(lengths[row] or 0, languages[row]):
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


# -- the stage -----------------------------------------------------------------------------------


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    documents = survivors(work, config)
    tables: dict[str, DataFrame] = {}
    if config.boilerplate.enabled:
        repeated = work.write("boilerplate", repeated_paragraphs(documents, config.boilerplate))
        documents = without_paragraphs(documents, repeated, config.boilerplate)
    scorer = precision_scorer(work.model("precision"))
    rules = with_thresholds(config).rules
    judged = refine(documents, rules, scorer, config.extract.unclassified)
    scored = work.write("scored", judged)
    tables["ledger"] = accounting.refine_ledger(scored)
    tables["rejects"] = sampled(refine_rejects(scored), config.rejects.fraction)
    return tables


def _limit(row: Mapping[str, Any], config: BuildConfig) -> str | None:
    score, reason = row["score"], row["reason"]
    if score is None:
        return None
    if row["stage"] == PRECISION:
        rules = with_thresholds(config).rules
        limit = below_threshold(
            row.get("text_length") or 0,
            partial(rules.precision_threshold_at, language=row.get("language")),
            config.rules.precision_threshold_by_length,
            "rules.precision_threshold",
        )
        return f"{reason} {score:.4g} {limit}"
    limits = {rule.name: rule.limit(config.rules) for rule in RULE_LIST}
    return f"{reason} {score:.4g} {limits[reason]}" if limits.get(reason) else None


def _trace(page: PageTrace, config: BuildConfig) -> None:
    """Repeated paragraphs, as far as they are known, the rules and the classifier."""
    assert page.row is not None
    if config.boilerplate.enabled:
        if page.repeated is None:
            page.notes.append(
                "boilerplate.enabled: which paragraphs a host repeats, only a run knows (--run RUN)"
            )
        else:
            page.row = without_repeated(page.row, page.repeated(), config.boilerplate.min_chars)
    precision = load_mathematics(page.model("precision"), "precision")
    batch = pa.RecordBatch.from_pylist([page.row], schema=schemas.DOCUMENTS)
    rules = with_thresholds(config).rules
    unclassified = config.extract.unclassified
    (judged,) = _refined(batch, rules, precision.score_many, unclassified).to_pylist()
    page.scores["quality_prob"] = judged["quality_prob"]
    page.found["metrics"] = {name: judged[name] for name, _ in schemas.METRICS}
    if judged["drop_stage"] is not None:
        page.drop(judged["drop_stage"], judged["drop_reason"], judged["drop_score"])


def _facts(facts: Facts, config: BuildConfig) -> dict[str, Any]:
    """The source of the user's rules."""
    names = config.rules.extra
    return {"extra": {name: source_digest(name, KEY) for name in names}} if names else {}


REFINE = Stage(
    name="refine",
    summary="Repeated paragraphs (if so configured), the rules, the high-precision classifier.",
    tables={
        "boilerplate": Table(REPEATED),
        "scored": Table(REFINED),
        "ledger": Table(schemas.LEDGER),
        "rejects": Table(schemas.REJECTS),
    },
    run=_run,
    reads=("extract", "dedup"),
    ledger=(RULES, PRECISION),
    sections=(
        Section("boilerplate"),
        Section(
            "rules", later=frozenset({"extra", "refuse_signals", "precision_threshold_by_language"})
        ),
    ),
    facts=_facts,
    models=("precision",),
    kept=KeptRows(
        "scored", ("quality_prob", "punctuation_ratio", "word_repetition_ratio"), "drop_stage"
    ),
    limit=_limit,
    trace=_trace,
)
