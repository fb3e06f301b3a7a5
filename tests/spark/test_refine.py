"""The refine stage on Spark, with a classifier of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from infimm_spark import schemas
from infimm_spark.config import RulesConfig
from infimm_spark.stages import refine as stage
from infimm_spark.stages.refine import kept_clean, refine, refine_rejects
from infimm_spark.stages.segments import document_texts

pytestmark = pytest.mark.spark

FORMULA = "the derivative of x squared is 2 x by the limit of the quotient"


def document(number: int, *texts: str | None, language: str = "en") -> dict[str, Any]:
    """A row of `documents`; None among `texts` is an image."""
    row: dict[str, Any] = dict.fromkeys(schemas.DOCUMENTS.names)
    image = {"url": "https://example.org/a.png", "alt": "a graph"}
    return row | {
        "id": f"{number:032x}",
        "url": f"https://example.org/{number}",
        "snapshot": "CC-MAIN-2023-40",
        "warc_file": "a.warc.gz",
        "warc_offset": number,
        "warc_length": 10,
        "language": language,
        "segments": [
            {"text": t, "image": None} if t is not None else {"text": None, "image": image}
            for t in texts
        ],
    }


def by_length() -> Callable[[list[str], list[str]], list[float]]:
    """A classifier that likes long texts, and English."""
    return lambda texts, languages: [
        min(len(text), 100) / 100 * (0.9 if language == "en" else 0.3)
        for text, language in zip(texts, languages, strict=True)
    ]


@pytest.fixture(scope="module")
def documents(spark: SparkSession) -> DataFrame:
    rows = [
        document(1, FORMULA, None, FORMULA),
        document(2, "short"),
        document(3, "lorem ipsum dolor"),
        document(4, "free porn", FORMULA),
        document(5, "broken \ufffd text"),
        document(6, "a . b . c ."),
        document(7, "设函数连续 . . . . .", FORMULA, FORMULA, language="zh"),
        document(8, None),
        document(9),
    ]
    return spark.createDataFrame(rows, schemas.spark_schema(schemas.DOCUMENTS))


@pytest.fixture(scope="module")
def refined(documents: DataFrame) -> list[dict[str, Any]]:
    frame = refine(documents, RulesConfig(), by_length)
    return sorted((row.asDict(True) for row in frame.collect()), key=lambda row: row["id"])


def test_each_document_is_judged_once(refined: list[dict[str, Any]]) -> None:
    """Stage and reason are those of the first rule that fails, then of the classifier."""
    verdicts = [(int(r["id"], 16), r["drop_stage"], r["drop_reason"]) for r in refined]
    assert verdicts == [
        (1, None, None),
        (2, "precision", "quality_prob"),
        (3, "rules", "lorem_ipsum"),
        (4, "rules", "nsfw"),
        (5, "rules", "unicode_error"),
        (6, "rules", "punctuation_ratio"),
        (7, "precision", "quality_prob"),
        (8, "precision", "quality_prob"),
        (9, "precision", "quality_prob"),
    ]


def test_only_what_passed_the_rules_is_scored(refined: list[dict[str, Any]]) -> None:
    """`quality_prob` is null exactly where a rule dropped the document; scores say what decided."""
    for row in refined:
        assert (row["quality_prob"] is None) == (row["drop_stage"] == "rules")
    assert refined[1]["drop_score"] == float(np.float32(0.045))
    assert refined[3]["drop_score"] == 1.0


def test_metrics_are_of_the_text_alone(refined: list[dict[str, Any]]) -> None:
    """Segments are joined by a blank line; an image adds nothing."""
    assert refined[0]["size"] == 2 * len(FORMULA) + 2
    assert refined[7]["size"] == 0


def test_kept_and_rejected_are_all(spark: SparkSession, documents: DataFrame) -> None:
    """Clean rows and rejects have their tables' columns and together are the input."""
    frame = refine(documents, RulesConfig(), by_length)
    clean, rejects = kept_clean(frame), refine_rejects(frame)
    assert clean.schema.simpleString() == schemas.spark_schema(schemas.CLEAN).simpleString()
    assert rejects.schema.simpleString() == schemas.spark_schema(schemas.REJECTS).simpleString()
    ids = [row["id"] for row in clean.select("id").unionByName(rejects.select("id")).collect()]
    assert sorted(ids) == sorted(row["id"] for row in documents.select("id").collect())


def test_threshold_is_applied_late(documents: DataFrame) -> None:
    """With the threshold at zero only rules drop; the scores are the same."""
    rows = refine(documents, RulesConfig(precision_threshold=0.0), by_length).collect()
    assert {row["drop_stage"] for row in rows} == {None, "rules"}


def test_nothing_in_nothing_out(spark: SparkSession) -> None:
    """An empty table is refined to an empty table."""
    empty = spark.createDataFrame([], schemas.spark_schema(schemas.DOCUMENTS))
    assert refine(empty, RulesConfig(), by_length).count() == 0


def test_survives_parquet(documents: DataFrame, tmp_path: Path) -> None:
    """What refine writes is what is read back."""
    refine(documents, RulesConfig(), by_length).write.parquet(str(tmp_path / "scored"))
    back = documents.sparkSession.read.parquet(str(tmp_path / "scored"))
    assert kept_clean(back).count() == 1


def test_texts_of_sliced_columns() -> None:
    """Texts are read right from a slice, whose offsets do not start at zero."""
    rows = [document(n, f"a{n}", None, f"b{n}", "") for n in range(5)] + [document(9)]
    column = pa.array([r["segments"] for r in rows], pa.list_(schemas.SEGMENT))
    assert document_texts(column.slice(2, 4)) == ["a2\n\nb2", "a3\n\nb3", "a4\n\nb4", ""]
    assert document_texts(pa.array([None], pa.list_(schemas.SEGMENT))) == [""]


def test_batches_are_cut_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of many bytes is judged in slices that hold all its rows, in order."""
    monkeypatch.setattr(stage, "_BATCH_BYTES", 4_000)
    rows = [document(n, "x" * 1_000) for n in range(20)]
    batch = pa.RecordBatch.from_pylist(rows, schema=schemas.DOCUMENTS)
    parts = list(stage._parts(batch))
    assert len(parts) > 4
    assert pa.Table.from_batches(parts).equals(pa.Table.from_batches([batch]))
