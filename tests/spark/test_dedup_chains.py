"""What holds of every removal, whatever chain of copies, near copies and URLs it stands in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dedup_corpus import (
    NEW,
    NEXT,
    OLD,
    Row,
    chains,
    document,
    evidence,
    frame,
    jaccard,
    prose,
    text,
)
from pyspark.sql import DataFrame, SparkSession

from infimm_spark.config import DedupConfig, MinHashConfig
from infimm_spark.dedup.settled import settled_documents
from infimm_spark.dedup.survivors import Checkpoint
from infimm_spark.dedup.urls import url_key
from infimm_spark.stages.dedup import (
    deduplicate,
    deduplicate_ranked,
    rank,
    signatures,
    survivor_ranks,
)

pytestmark = pytest.mark.spark
SCOPES = ("pairs", "all", "year", "snapshot")


def check(rows: list[Row], found: dict[str, Row], threshold: float) -> None:
    """Copies are represented by a document that stays, no URL is kept twice, no page is lost to a
    page that is not there."""
    by_id = {row["id"]: row for row in rows}
    kept = [row for row in rows if row["id"] not in found]
    for name, row in found.items():
        assert row["kept_id"] not in found
        if row["reason"] != "url":
            similarity = jaccard(by_id[name], by_id[row["kept_id"]])
            assert similarity >= np.float32(threshold), (name, row)
        else:
            assert row["kept_id"] == row["matched_id"]
            assert url_key(by_id[row["kept_id"]]["url"]) == url_key(by_id[name]["url"])
    pages = [(url_key(row["url"]), row["snapshot"][8:12]) for row in kept]
    assert len(set(pages)) == len(pages)
    texts = [row["segments"][0]["text"] for row in kept]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("prefer", "minhash"),
    [
        ("newer", {}),
        pytest.param("newer", {"scope": "all", "local_documents": 0}, marks=pytest.mark.slow),
        pytest.param("older", {"scope": "all"}, marks=pytest.mark.slow),
    ],
    ids=["pairs", "all, in buckets", "all, oldest first"],
)
def test_copies_are_represented_by_what_stays(
    spark: SparkSession, checkpoint: Checkpoint, prefer: Any, minhash: dict[str, Any]
) -> None:
    """In random chains of the three kinds every removal keeps its promise."""
    rows = chains(60, 7)
    config = DedupConfig(prefer=prefer, minhash=MinHashConfig(**minhash))
    found = evidence(deduplicate(frame(spark, rows), config, checkpoint))
    check(rows, found, config.minhash.threshold)
    assert {row["reason"] for row in found.values()} == {"exact", "near", "url"}


@pytest.mark.parametrize("prefer", [pytest.param("newer", marks=pytest.mark.slow), "older"])
def test_copies_are_represented_by_what_stays_in_earlier_runs(
    spark: SparkSession, checkpoints: Checkpoint, prefer: Any
) -> None:
    """So it is when each snapshot is a run of its own, compared with those before it; with `prefer:
    older` the outcome is that of one run."""
    rows = chains(40, 8)
    config = DedupConfig(prefer=prefer)
    found = in_turn(spark, rows, config, checkpoints)
    check(rows, found, config.minhash.threshold)
    if prefer == "older":
        assert found == evidence(deduplicate(frame(spark, rows), config, checkpoints))


@pytest.mark.parametrize(
    ("n_chains", "scope", "in_turns"),
    [
        (4, "pairs", False),
        *(pytest.param(50, scope, True, marks=pytest.mark.slow) for scope in SCOPES),
    ],
)
def test_one_task_and_many_give_the_same_rows(
    spark: SparkSession, checkpoints: Checkpoint, n_chains: int, scope: Any, in_turns: bool
) -> None:
    """Few documents are judged in one task, many in rounds of joins: one run a snapshot or one for
    all, the evidence is the same."""
    rows = chains(n_chains, 21)
    results = []
    for most in (100_000, 0):
        config = DedupConfig(minhash=MinHashConfig(scope=scope, local_documents=most))
        joint = evidence(deduplicate(frame(spark, rows), config, checkpoints))
        one_by_one = in_turn(spark, rows, config, checkpoints) if in_turns else {}
        results.append((joint, one_by_one))
    assert results[0] == results[1]


def test_runs_whose_evidence_leads_through_a_url(
    spark: SparkSession, checkpoints: Checkpoint
) -> None:
    """An earlier run removed a copy for a page that then went for its URL: its text counts as
    absent."""
    rows = [row for row in chains(1, 3)[:1] for _ in range(1)]
    words = rows[0]["segments"][0]["text"]
    copy, page, later, new = (dict(rows[0], id=name) for name in ("copy", "page", "later", "new"))
    page["url"] = later["url"] = "https://ex.org/a"
    later |= {"segments": [{"text": "quite another text", "image": None}], "n_formulas": 9}
    new |= {"snapshot": NEXT, "url": "https://new.org/"}
    config = DedupConfig()
    ranked = ranks_of(spark, [copy, page, later], config, checkpoints)
    old = [
        ("copy", "later", "page", "exact", 1.0, "all"),
        ("page", "later", "later", "url", None, "2023"),
    ]
    columns = (
        "id string, kept_id string, matched_id string, reason string, jaccard float, round string"
    )
    settled = settled_documents([(ranked, spark.createDataFrame(old, columns))])
    fresh = ranks_of(spark, [new], config, checkpoints)
    assert evidence(deduplicate_ranked(fresh, config, checkpoints, settled)) == {}
    assert words == new["segments"][0]["text"]


def ranks_of(
    spark: SparkSession, rows: list[Row], config: DedupConfig, checkpoints: Checkpoint
) -> DataFrame:
    documents = frame(spark, rows)
    ranks = checkpoints(survivor_ranks(documents, config), "ranks")
    return checkpoints(rank(signatures(documents, config), ranks), "signatures")


def in_turn(
    spark: SparkSession, rows: list[Row], config: DedupConfig, checkpoints: Checkpoint
) -> dict[str, Row]:
    """The evidence of one run a snapshot, each against all before it."""
    stored: list[tuple[DataFrame, DataFrame]] = []
    removed: dict[str, Row] = {}
    for snapshot in (OLD, NEW, NEXT):
        own = [row for row in rows if row["snapshot"] == snapshot]
        ranked = ranks_of(spark, own, config, checkpoints)
        settled = settled_documents(stored) if stored else None
        found = checkpoints(deduplicate_ranked(ranked, config, checkpoints, settled), "duplicates")
        stored.append((ranked, found))
        removed |= {row["id"]: row.asDict() for row in found.collect()}
    return removed


def test_a_page_captured_often_costs_a_turn_a_text(
    spark: SparkSession, checkpoint: Checkpoint
) -> None:
    """Twelve captures of one text go as copies of a better page in two turns, not in twelve."""
    words = text(prose(5))
    better = document("better", words, n_formulas=2)
    again = [document(f"again{i}", words, url="https://ex.org/a") for i in range(12)]
    other = document("other", text(prose(6)), url="https://ex.org/a", n_formulas=0)
    names: list[str] = []

    def noted(frame: DataFrame, name: str) -> DataFrame:
        names.append(name)
        return checkpoint(frame, name)

    rows = [better, *again, other | {"warc_date": "2023-11-01T00:00:00Z"}]
    config = DedupConfig(minhash=MinHashConfig(local_documents=0))
    found = evidence(deduplicate(frame(spark, rows), config, noted))
    assert {row["id"] for row in rows} - set(found) == {"better", "other"}
    assert {row["reason"] for row in found.values()} == {"exact"}
    assert len([name for name in names if name.startswith("url-")]) <= 2
