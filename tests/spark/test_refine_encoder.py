"""The refine stage with an encoder judge, as `models.precision: {kind: encoder, …}` has it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from encoders import onnx_checkpoint
from pyspark.sql import SparkSession

from infimm_spark import schemas
from infimm_spark.classify.broadcast import read_model
from infimm_spark.classify.encoder.judge import load_judge
from infimm_spark.config import EncoderModel, RulesConfig
from infimm_spark.stages.refine import precision_scorer, refine
from infimm_spark.training.boosting import BoostingParameters
from infimm_spark.training.command import TrainingRequest
from infimm_spark.training.encoder_command import train_encoder_on
from infimm_spark.training.encoder_fit import EncoderParameters
from infimm_spark.training.fitting import Example

pytestmark = [pytest.mark.spark, pytest.mark.slow]

pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra encoder brings it")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: in the extra onnx")


def lesson(number: int) -> str:
    return (
        f"Suppose that $x_{number} > {number}$ holds; therefore we have a proof of the claim, and "
        f"the bound follows because the sum is finite.\n\n$$x^{number} = {number}$$\n"
    )


def sheet(number: int) -> str:
    return f"Sheet {number}\n" + f"$x_{number} = {number}$ one two three\n" * (4 + number % 3)


def test_refine_judges_by_an_encoder_on_the_workers(spark: SparkSession, tmp_path: Path) -> None:
    """Each document's `quality_prob` is what the judge gives on this machine, and its threshold
    drops the sheets of formulas."""
    checkpoint = onnx_checkpoint(tmp_path / "checkpoint")
    pages = [
        Example(text(site), "en", good, f"site{site}", f"{site}/{good}", "text", score=9.0 * good)
        for site in range(12)
        for good, text in ((1, lesson), (0, sheet))
    ]
    request = TrainingRequest(
        "precision", tmp_path / "models", labelled=("t",), date=datetime.date(2026, 1, 2)
    )
    parameters = EncoderParameters(
        encoder=str(checkpoint), boosting=BoostingParameters(trees=20, rate=0.2, min_weight=0.5),
        repeats=1, folds=3, inner_folds=2,
        windows=2, window_chars=120, low=0.0, high=1.0, always_embed=True,
    )  # fmt: skip
    path = train_encoder_on(pages, {}, request, parameters)

    model = read_model(
        EncoderModel(kind="encoder", path=str(path), encoder=str(checkpoint)), "precision"
    )
    texts = [(lesson if number % 2 else sheet)(20 + number) for number in range(6)]
    rows = [_document(number, text) for number, text in enumerate(texts)]
    documents = spark.createDataFrame(rows, schemas.spark_schema(schemas.DOCUMENTS)).repartition(3)
    scorer = precision_scorer(spark.sparkContext.broadcast(model))
    refined = refine(documents, RulesConfig(precision_threshold=0.5), scorer).collect()

    found = {int(row.id, 16): (row.quality_prob, row.drop_reason) for row in refined}
    judge = load_judge(path, str(checkpoint))
    expected = judge.score_many(texts, ["en"] * len(texts))
    assert judge.asked == len(texts)
    assert [found[n][0] for n in range(6)] == pytest.approx(expected, abs=1e-6)
    assert [found[n][1] for n in range(6)] == ["quality_prob", None] * 3


def _document(number: int, text: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(schemas.DOCUMENTS.names)
    return row | {
        "id": f"{number:032x}",
        "url": f"https://example.org/{number}",
        "snapshot": "CC-MAIN-2023-40",
        "warc_file": "a.warc.gz",
        "warc_offset": number,
        "warc_length": 10,
        "language": "en",
        "segments": [{"text": text, "image": None}],
    }
