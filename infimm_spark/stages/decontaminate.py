"""Decontaminate stage: documents that contain evaluation questions, with the evidence for each.

Absent unless sets are named. The index of the questions is sent to every worker; where it is too
large for that, the n-grams of documents and questions meet in a shuffle, and only the documents and
questions that share one are looked at together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import BuildConfig, DecontaminateConfig
from infimm_spark.rules.decontamination import Question, QuestionIndex, Searcher
from infimm_spark.rules.evaluation_sets import load_questions, questions_digest
from infimm_spark.stages import accounting
from infimm_spark.stages.base import Facts, Section, Stage, Table, Work
from infimm_spark.stages.page_trace import PageTrace
from infimm_spark.stages.refine import kept_clean
from infimm_spark.stages.sampling import sampled
from infimm_spark.stages.segments import document_texts

NAME = "decontaminate"

_GRAMS = pa.schema([("id", pa.string()), ("gram", pa.int64())])
_ASKED = pa.schema([("gram", pa.int64()), ("number", pa.int32())])
_SHARED = pa.schema(
    [
        ("id", pa.string()),
        ("warc_file", pa.string()),
        ("segments", schemas.CLEAN.field("segments").type),
        ("numbers", pa.list_(pa.int32())),
    ]
)


def contamination(
    documents: DataFrame, questions: Sequence[Question], config: DecontaminateConfig
) -> DataFrame:
    """`schemas.CONTAMINATION` of some documents (`schemas.CLEAN`): a row for each question in
    each."""
    index = QuestionIndex(questions, config)
    if index.ngrams <= config.broadcast_limit:
        return _by_broadcast(documents, index)
    return _by_join(documents, index)


def dropped_by(evidence: DataFrame) -> DataFrame:
    """(id, reason, score, detail) of each document in the evidence, by its best match."""
    best = F.max_by(
        F.struct("set", "question_number", "share"),
        F.struct("share", "longest", F.col("set"), F.col("question_number")),
    )
    return (
        evidence.groupBy("id")
        .agg(best.alias("best"))
        .select(
            "id",
            F.col("best.set").alias("reason"),
            F.col("best.share").cast("double").alias("score"),
            F.concat(
                F.lit("question "), F.col("best.question_number"), F.lit(" of "), F.col("best.set")
            ).alias("detail"),
        )
    )


def without_questions(clean: DataFrame, evidence: DataFrame) -> DataFrame:
    """The documents that are not in the evidence."""
    return clean.join(evidence.select("id").distinct(), on="id", how="left_anti")


def with_marks(clean: DataFrame, evidence: DataFrame) -> DataFrame:
    """All documents, with the sets of the evidence for each in a column `contaminated`."""
    sets = evidence.groupBy("id").agg(F.array_sort(F.collect_set("set")).alias("contaminated"))
    return clean.join(sets, on="id", how="left").withColumn(
        "contaminated", F.coalesce("contaminated", F.array().cast("array<string>"))
    )


def _by_broadcast(documents: DataFrame, index: QuestionIndex) -> DataFrame:
    shared = documents.sparkSession.sparkContext.broadcast(index)

    def search(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _evidence(batch, shared.value.matches)

    return documents.select("id", "warc_file", "segments").mapInArrow(
        search, schemas.spark_schema(schemas.CONTAMINATION)
    )


def _by_join(documents: DataFrame, index: QuestionIndex) -> DataFrame:
    spark = documents.sparkSession
    ngrams, simplify = index.lengths, index.config.simplify_chinese

    def grams(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        searcher = Searcher(simplify)
        for batch in batches:
            for number, text in zip(
                batch.column("id").to_pylist(),
                document_texts(batch.column("segments")),
                strict=True,
            ):
                hashes = np.unique(np.concatenate(searcher.grams(text, ngrams)))
                ids = pa.array([number] * len(hashes), pa.string())
                yield pa.RecordBatch.from_arrays(
                    [ids, pa.array(hashes.view(np.int64))], schema=_GRAMS
                )

    found = documents.select("id", "segments").mapInArrow(grams, schemas.spark_schema(_GRAMS))
    hashes, owners = index.table()
    asked = spark.createDataFrame(
        pa.table([hashes, owners], schema=_ASKED).to_pandas(), schemas.spark_schema(_ASKED)
    )
    pairs = (
        found.join(asked, on="gram", how="inner")
        .groupBy("id")
        .agg(F.array_sort(F.collect_set("number")).alias("numbers"))
    )
    shared = documents.join(pairs, on="id", how="inner").select(*_SHARED.names)
    known = spark.sparkContext.broadcast(index.questions)
    config = index.config

    def search(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = iter(batch.column("numbers").to_pylist())

            def matches(text: str, numbers: Iterator[list[int]] = numbers) -> list[Any]:
                return QuestionIndex([known.value[n] for n in next(numbers)], config).matches(text)

            yield _evidence(batch, matches)

    return shared.mapInArrow(search, schemas.spark_schema(schemas.CONTAMINATION))


def _evidence(batch: pa.RecordBatch, matches: Callable[[str], list[Any]]) -> pa.RecordBatch:
    rows: list[dict[str, Any]] = []
    texts = document_texts(batch.column("segments"))
    ids, files = batch.column("id").to_pylist(), batch.column("warc_file").to_pylist()
    for page, file, text in zip(ids, files, texts, strict=True):
        rows += (
            {
                "id": page,
                "warc_file": file,
                "set": match.question.set,
                "question_number": match.question.number,
                "question": match.question.text,
                "start": match.start,
                "end": match.end,
                "span": text[match.start : match.end],
                "share": match.share,
                "longest": match.longest,
            }
            for match in matches(text)
        )
    return pa.RecordBatch.from_pylist(rows, schema=schemas.CONTAMINATION)


# -- the stage -----------------------------------------------------------------------------------


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    settings = config.decontaminate
    clean = kept_clean(work.read("refine", "scored"))
    found = contamination(clean, load_questions(settings), settings)
    evidence = work.write("contamination", found)
    dropped = clean.join(dropped_by(evidence), on="id", how="inner")
    kept = without_questions(clean, evidence)
    if settings.action == "mark":
        dropped, kept = dropped.where(F.lit(False)), clean
    rejects = accounting.rejects(
        dropped,
        stage=F.lit(NAME),
        reason=F.col("reason"),
        score=F.col("score"),
        detail=F.col("detail"),
    )
    return {
        "ledger": accounting.dropped_ledger(clean, kept, NAME, dropped),
        "rejects": sampled(rejects, config.rejects.fraction),
    }


def _facts(facts: Facts, config: BuildConfig) -> dict[str, Any]:
    """The questions, wherever their files lie."""
    return {"questions": questions_digest(load_questions(config.decontaminate))}


def _limit(row: Any, config: BuildConfig) -> str | None:
    score = row["score"]
    threshold = config.decontaminate.threshold
    return None if score is None else f"share {score:.2f} >= {threshold:g} ({NAME}.threshold)"


def _trace(page: PageTrace, config: BuildConfig) -> None:
    """The questions in one page's text."""
    assert page.row is not None
    settings = config.decontaminate
    batch = pa.RecordBatch.from_pylist([page.row], schema=schemas.DOCUMENTS)
    (text,) = document_texts(batch.column("segments"))
    found = QuestionIndex(load_questions(settings), settings).matches(text)
    page.found["questions"] = [f"question {m.question.number} of {m.question.set}" for m in found]
    if found and settings.action == "drop":
        best = max(found, key=lambda m: (m.share, m.longest, m.question.set, m.question.number))
        page.drop(NAME, best.question.set, best.share)


DECONTAMINATE = Stage(
    name=NAME,
    summary="Documents that contain evaluation questions.",
    tables={
        "contamination": Table(schemas.CONTAMINATION),
        "ledger": Table(schemas.LEDGER),
        "rejects": Table(schemas.REJECTS),
    },
    run=_run,
    reads=("refine",),
    ledger=(NAME,),
    sections=(Section(NAME, operational=frozenset({"sets", "broadcast_limit"})),),
    facts=_facts,
    enabled=lambda config: bool(config.decontaminate.sets),
    limit=_limit,
    trace=_trace,
)
