"""The quality report of dedup, on runs whose quality is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dedup_corpus import NEW, document, edited, prose, text
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark import schemas
from infimm_spark.config import DedupConfig, MinHashConfig
from infimm_spark.dedup import bruteforce, minhash, shingles
from infimm_spark.errors import StageError
from infimm_spark.report.dedup import write_dedup_report
from infimm_spark.run.files import catalogue
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, timestamp, write_manifest

CONFIG = DedupConfig(minhash=MinHashConfig(scope="all"))


def near(name: str, matched: str, **fields: Any) -> dict[str, Any]:
    row = {"id": name, "kept_id": matched, "matched_id": matched, "reason": "near"}
    return {**row, "jaccard": 0.9, "round": "all", **fields}


@pytest.fixture
def run(tmp_path: Path) -> RunLayout:
    """Twenty pages with a revision each: 17 revisions are removed, 3 are not, and one removal is
    wrong."""
    layout = RunLayout(str(tmp_path))
    pages = [prose(i) for i in range(20)]
    rows = [document(f"page{i:02}", text(words)) for i, words in enumerate(pages)]
    rows += [document(f"copy{i:02}", text(edited(words, 1))) for i, words in enumerate(pages)]
    rows.append(document("innocent", text(prose(99))))
    duplicates = [near(f"copy{i:02}", f"page{i:02}") for i in range(17)]
    duplicates.append(near("innocent", "page00"))
    attempt = layout.attempt(0, "a")
    write(f"{attempt}/table=documents", rows, schemas.DOCUMENTS)
    write(layout.table("dedup", "duplicates"), duplicates, schemas.DUPLICATES)
    write(layout.table("dedup", "signatures"), [signed(row) for row in rows], schemas.RANKED)
    for stage, location, folder in (
        ("extract", layout.group_manifest(0), attempt),
        ("dedup", layout.manifest("dedup"), layout.table("dedup", "")),
    ):
        manifest = Manifest(
            stage=stage,
            run_id="r",
            identity={"dedup": CONFIG.model_dump(mode="json")},
            counts={},
            files=catalogue(layout.root, [folder.rstrip("/")]),
            started=timestamp(),
            finished=timestamp(),
        )
        write_manifest(location, manifest)
    return layout


def signed(row: dict[str, Any]) -> dict[str, Any]:
    hashes = shingles.shingle_hashes(row["segments"][0]["text"], 5)
    ((signature, sketch),) = minhash.signatures_and_sketches([hashes], 112, 1, 512)
    return {
        "id": row["id"],
        "snapshot": NEW,
        "signature": signature.tobytes(),
        "sketch": sketch.tobytes(),
    }


def write(folder: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), f"{folder}/part-0.parquet")


def test_recall_and_precision_are_measured(run: RunLayout) -> None:
    """Three missed of twenty, one wrong of eighteen, and the rest of the report adds up."""
    shown = write_dedup_report(run)
    folder = Path(run.report) / "dedup"
    report = json.loads((folder / "quality.json").read_text())
    sample = report["sample"]
    assert sample["documents"] == report["documents"] == 41
    assert sample["true_pairs"] == 20
    assert sample["recall"] == pytest.approx(17 / 20)
    assert sample["precision"] == pytest.approx(17 / 18)
    assert report["by_reason"] == {"near": 18}
    assert report["by_host"]["innocent.org"] == {"near": 1}
    assert report["largest_clusters"][0]["removed"] == 2
    assert report["largest_clusters"][0]["kept"]["id"] == "page00"
    assert sum(point["pairs"] for point in sample["s_curve"]) == 20
    assert (folder / "candidates.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "index.html").read_text()
    assert page.count('<svg class="chart"') == 2
    assert "Largest clusters" in page
    assert "<script" not in page
    assert (folder / "quality.txt").read_text() == shown
    assert "0.8500" in shown


def test_a_sample_keeps_pairs_together(run: RunLayout) -> None:
    """About a third of the documents holds about a third of the pairs, not a ninth."""
    write_dedup_report(run, sample=14)
    sample = json.loads((Path(run.report) / "dedup" / "quality.json").read_text())["sample"]
    assert 6 <= sample["documents"] <= 22
    assert sample["true_pairs"] >= sample["documents"] / 2 - 4


def test_a_run_without_dedup_is_refused(tmp_path: Path) -> None:
    """Nothing to report is an error with the run's name."""
    with pytest.raises(StageError, match="not complete"):
        write_dedup_report(RunLayout(str(tmp_path)))


sets = st.lists(st.frozensets(st.integers(0, 30), max_size=20), max_size=12)


@given(drawn=sets, at_least=st.sampled_from([0.2, 0.5, 0.8]))
def test_brute_force_finds_all_similar_pairs(drawn: list[frozenset[int]], at_least: float) -> None:
    """The inverted index gives what comparing all sets one by one gives."""
    arrays = [np.array(sorted(one), np.uint32) for one in drawn]
    found = {
        (i, j): score
        for i, j, score in zip(*bruteforce.similar_pairs(arrays, at_least), strict=True)
    }
    expected = {
        (i, j): len(one & other) / len(one | other)
        for i, one in enumerate(drawn)
        for j, other in enumerate(drawn)
        if i < j and one & other and len(one & other) / len(one | other) >= at_least
    }
    assert found == pytest.approx(expected)
    for (i, j), score in expected.items():
        assert bruteforce.jaccard(arrays[i], arrays[j]) == pytest.approx(score)
