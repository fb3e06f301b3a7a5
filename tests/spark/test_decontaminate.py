"""The decontaminate stage: documents with evaluation questions are dropped or marked, with
evidence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from sample_builds import sample_settings

from infimm_spark import schemas
from infimm_spark.config import DecontaminateConfig, load_config
from infimm_spark.errors import ConfigError
from infimm_spark.inspect.explain import explain
from infimm_spark.rules.decontamination import Question
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.pipeline import RunSummary, build
from infimm_spark.sample import write_sample_crawl
from infimm_spark.stages.decontaminate import contamination

pytestmark = pytest.mark.spark

TANK = (
    "A tank holds 240 litres of water. A pump fills it at 2 litres a minute and a hole loses half "
    "a litre a minute. After how many minutes is the tank full?"
)
WELL = "一口井深18米，一只蜗牛白天爬上3米，夜里滑下1米，第几天爬出井口？"


def document(name: str, *texts: str) -> dict[str, Any]:
    """A row of CLEAN with these texts."""
    known = {
        "id": name,
        "warc_file": "a.warc.gz",
        "segments": [{"text": text, "image": None} for text in texts],
    }
    return {column: known.get(column) for column in schemas.CLEAN.names}


@pytest.mark.parametrize("broadcast_limit", [1_000_000, 0])
def test_evidence_names_question_span_and_share(spark: SparkSession, broadcast_limit: int) -> None:
    """Sent to every worker or joined, the index finds the same questions at the same places."""
    rows = [
        document("clean", "A page about tanks and pumps, how much water they hold, and for whom."),
        document("both", f"Exercise 3. {TANK}", "An image stands between.", WELL),
        document("empty"),
    ]
    documents = spark.createDataFrame(rows, schemas.spark_schema(schemas.CLEAN))
    questions = [Question("sums", 4, TANK), Question("题", 0, WELL), Question("sums", 5, "How?")]
    config = DecontaminateConfig(broadcast_limit=broadcast_limit)
    found = sorted(
        contamination(documents, questions, config).collect(), key=lambda row: row["set"]
    )
    assert [(row["id"], row["set"], row["question_number"]) for row in found] == [
        ("both", "sums", 4),
        ("both", "题", 0),
    ]
    assert [row["share"] for row in found] == [1.0, 1.0]
    assert found[0]["span"] == TANK.rstrip("?")
    assert found[0]["question"] == TANK
    text = "\n\n".join([f"Exercise 3. {TANK}", "An image stands between.", WELL])
    assert [text[row["start"] : row["end"]] for row in found] == [row["span"] for row in found]


def test_a_build_drops_or_marks_documents_with_questions(
    sample_build: RunSummary, sample_crawl: Path, tmp_path: Path
) -> None:
    """Named sets add the stage to a finished run; marked documents stay, dropped ones are
    explained."""
    before = sample_build.funnel
    shutil.copytree(sample_build.output, tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "corpus").to_pylist()
    assert {row["contaminated"] for row in rows} == {None}
    shutil.copytree(tmp_path / "out", tmp_path / "marked")

    victim = min(rows, key=lambda row: row["id"])
    words = re.findall(r"\S+", next(text for text in victim["text_list"] if text))[:30]
    asked = tmp_path / "asked.jsonl"
    asked.write_text(json.dumps({"task": " ".join(words)}) + "\n", "utf-8")
    sets = [{"path": str(asked), "columns": ["task"], "name": "asked"}]
    chosen = {"decontaminate": {"sets": sets}}
    summary = build(sample_settings(sample_crawl, tmp_path / "out", **chosen), resume=True)
    lines = {line.stage: line for line in summary.funnel}
    assert lines["decontaminate"].read == lines["precision"].kept
    dropped = lines["decontaminate"].dropped["asked"]
    assert dropped >= 1
    assert lines["publish"].kept == before[-1].kept - dropped
    layout = RunLayout(str(tmp_path / "out"))
    assert reconcile(tables.ledger(layout)) == summary.funnel
    left = pq.read_table(tmp_path / "out" / "corpus").to_pylist()
    assert victim["id"] not in {row["id"] for row in left}
    assert any(
        "decontaminate: dropped by asked" in line and "(decontaminate.threshold)" in line
        for line in explain(layout, victim["URL"])
    )
    evidence = tables.rows(layout, "decontaminate", "contamination", schemas.CONTAMINATION)
    assert victim["id"] in {row["id"] for row in evidence}

    without = build(sample_settings(sample_crawl, tmp_path / "out"), resume=True)
    assert without.funnel == before == reconcile(tables.ledger(layout))

    chosen = {"decontaminate": {"sets": sets, "action": "mark"}}
    build(sample_settings(sample_crawl, tmp_path / "marked", **chosen), resume=True)
    rows = pq.read_table(tmp_path / "marked" / "corpus").to_pylist()
    assert len(rows) == before[-1].kept
    assert {row["id"]: row["contaminated"] for row in rows}[victim["id"]] == ["asked"]
    assert sum(row["contaminated"] == ["asked"] for row in rows) == dropped


def test_a_set_without_its_column_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """The line names the set and the column; no output is made."""
    write_sample_crawl(tmp_path / "crawl")
    (tmp_path / "a.jsonl").write_text('{"task": "x"}\n')
    sets = [{"path": str(tmp_path / "a.jsonl"), "columns": ["question"]}]
    config = load_config(
        None,
        {
            "input": {"paths": [str(tmp_path / "crawl")]},
            "output": str(tmp_path / "out"),
            "decontaminate": {"sets": sets},
        },
    )
    with pytest.raises(ConfigError, match=r"no column 'question'; expected one of task"):
        build(config)
    assert not (tmp_path / "out").exists()
