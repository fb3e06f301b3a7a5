"""A new snapshot against the stored signatures of earlier runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dedup_corpus import NEW, NEXT, OLD, Row, corpus, document, edited, evidence, frame, prose, text
from pyspark.sql import SparkSession

from infimm_spark import schemas
from infimm_spark.config import DedupConfig, MinHashConfig, load_config
from infimm_spark.dedup.settled import settled_documents
from infimm_spark.dedup.survivors import Checkpoint
from infimm_spark.errors import ConfigError, InputError, SignatureMismatchError, StageError
from infimm_spark.inspect.explain import explain
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.pipeline import run_stage
from infimm_spark.run.run import Run
from infimm_spark.sample import write_sample_crawl
from infimm_spark.stages.dedup import (
    deduplicate,
    deduplicate_ranked,
    rank,
    signatures,
    survivor_ranks,
)
from infimm_spark.stages.repeated_paragraphs import REPEATED

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]


def one_by_one(
    spark: SparkSession, runs: list[list[Row]], config: DedupConfig, checkpoints: Checkpoint
) -> dict[str, Row]:
    """The evidence of all runs, each made against the stored tables of those before it."""
    stored: list[tuple[Any, Any]] = []
    for rows in runs:
        documents = frame(spark, rows)
        ranks = checkpoints(survivor_ranks(documents, config), "ranks")
        ranked = checkpoints(rank(signatures(documents, config), ranks), "signatures")
        settled = settled_documents(stored) if stored else None
        found = deduplicate_ranked(ranked, config, checkpoints, settled)
        stored.append((ranked, checkpoints(found, "duplicates")))
    removed: dict[str, Row] = {}
    for _, duplicates in stored:
        removed |= {row["id"]: row.asDict() for row in duplicates.collect()}
    return removed


@pytest.mark.parametrize(
    ("scope", "local_documents"),
    [
        pytest.param("pairs", 0, marks=pytest.mark.slow),
        pytest.param("all", 0, marks=pytest.mark.slow),
        pytest.param("all", 100_000, marks=pytest.mark.slow),
    ],
)
def test_against_earlier_runs_equals_a_joint_run(
    spark: SparkSession, checkpoints: Checkpoint, scope: str, local_documents: int
) -> None:
    """Three snapshots, one run each, leave the evidence of one run in the same survivor order."""
    rows = corpus(60, 1)
    config = DedupConfig(
        prefer="older", minhash=MinHashConfig(scope=scope, local_documents=local_documents)
    )
    joint = evidence(deduplicate(frame(spark, rows), config, checkpoints))
    runs = [[row for row in rows if row["snapshot"] == name] for name in (OLD, NEW, NEXT)]
    assert one_by_one(spark, runs, config, checkpoints) == joint
    snapshot = {row["id"]: row["snapshot"] for row in rows}
    across = {
        row["reason"]
        for row in joint.values()
        if snapshot[row["id"]] != snapshot[row["matched_id"]]
    }
    assert across == {"exact", "near", "url"}


def test_what_earlier_runs_kept_stays(spark: SparkSession, checkpoints: Checkpoint) -> None:
    """Copies in a new snapshot go for settled documents even where the newer copy is preferred; a
    copy of a removed document leads to the one that was kept for it."""
    words, other = prose(21), prose(22)
    earlier = [
        document("kept", text(words), snapshot=OLD, n_formulas=2),
        document("gone", text(edited(words, 1)), snapshot=OLD),
        document("page", text(other), snapshot=OLD, url="https://page.org/a"),
    ]
    new = [
        document("copy", text(edited(words, 1))),
        document("near", text(edited(words, 1, 5)), n_formulas=9),
        document("rewritten", text(prose(23)), url="https://page.org/a"),
        document("fresh", text(prose(24))),
    ]
    found = one_by_one(spark, [earlier, new], DedupConfig(), checkpoints)
    assert {
        name: (row["reason"], row["matched_id"], row["kept_id"], row["round"])
        for name, row in found.items()
    } == {
        "gone": ("near", "kept", "kept", OLD),
        "copy": ("exact", "gone", "kept", "all"),
        "near": ("near", "kept", "kept", f"{NEW}+{OLD}"),
        "rewritten": ("url", "page", "page", "2023"),
    }


def test_a_document_of_an_earlier_run_is_refused(
    spark: SparkSession, checkpoints: Checkpoint
) -> None:
    """The same record in both runs stops the stage with its id."""
    rows = [document("twin", "a"), document("single", "b")]
    with pytest.raises(InputError, match=r"earlier ones together.*twin"):
        one_by_one(spark, [rows, rows[:1]], DedupConfig(), checkpoints)


@pytest.mark.slow
def test_a_run_against_a_run(spark: SparkSession, tmp_path: Path) -> None:
    """`dedup.against` compares with a finished run and leaves its files as they are; evidence and
    `explain` lead to its documents; a run with other signatures is refused before Spark is asked.
    Refining goes on from there, repeated paragraphs removed if so configured."""
    write_sample_crawl(tmp_path / "crawl")

    def run(name: str, snapshot: str, **dedup: Any) -> Run:
        inputs = {"paths": [str(tmp_path / "crawl")], "snapshots": [snapshot]}
        values = {"input": inputs, "output": str(tmp_path / name), "dedup": dedup}
        values["boilerplate"] = {"enabled": True, "min_documents": 2, "min_chars": 10}
        return Run.begin(load_config(ROOT / "conf" / "local.yaml", values), resume=False)

    earlier = run("earlier", OLD)
    with pytest.raises(StageError, match="not complete"):
        run("early", NEW, against=[earlier.layout.root])
    run_stage(earlier, "extract")
    run_stage(earlier, "dedup")
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted((tmp_path / "earlier").rglob("*"))
        if path.is_file()
    }
    with pytest.raises(SignatureMismatchError, match=r"seed=1 .*seed=2"):
        run("other", NEW, against=[earlier.layout.root], minhash={"seed": 2})
    with pytest.raises(ConfigError, match="given twice"):
        run("twice", NEW, against=[earlier.layout.root] * 2)

    later = run("later", NEW, against=[earlier.layout.root])
    run_stage(later, "extract")
    run_stage(later, "dedup")
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before}
    settled = {
        row["id"]: row["url"]
        for row in tables.rows(earlier.layout, "extract", "documents", schemas.DOCUMENTS)
    }
    duplicates = tables.rows(later.layout, "dedup", "duplicates", schemas.DUPLICATES)
    led_back = [row for row in duplicates if row["kept_id"] in settled]
    assert led_back
    urls = {
        row["id"]: row["url"]
        for row in tables.rows(later.layout, "extract", "documents", schemas.DOCUMENTS)
    }
    line = next(
        line
        for line in explain(RunLayout(later.layout.root), urls[led_back[0]["id"]])
        if "dedup: dropped" in line
    )
    assert settled[led_back[0]["kept_id"]] in line
    run_stage(later, "refine")
    assert tables.locations(later.layout, "refine", "boilerplate")
    assert not any(
        "$" in row["text"] for row in tables.rows(later.layout, "refine", "boilerplate", REPEATED)
    )
    with pytest.raises(StageError, match="was itself compared with run"):
        run("third", "CC-MAIN-2023-50", against=[later.layout.root])
