"""What became of a URL, however it is spelled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infimm_spark import schemas, store
from infimm_spark.config import load_config
from infimm_spark.inspect.explain import explain, failed_files
from infimm_spark.run.files import catalogue
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, write_manifest

URL = "https://www.example.org/Lessons/a%7Eb/?x=1"


def _reject(url: str | None, stage: str, reason: str, **columns: Any) -> dict[str, Any]:
    return {
        "id": hashlib.md5(str(url or reason).encode()).hexdigest(),
        "url": url,
        "snapshot": "s",
        "warc_file": "a.warc.gz",
        "warc_offset": 0,
        "warc_length": 1,
        "stage": stage,
        "outcome": "dropped",
        "reason": reason,
        "language": "en",
        **columns,
    }


def _write(file: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)


@pytest.fixture
def run(tmp_path: Path) -> RunLayout:
    """A run of four pages, one of each floor, one below the threshold, one in a lost file."""
    layout = RunLayout(str(tmp_path))
    config = load_config(None, {"output": str(tmp_path)})
    content = {"run_id": "r", "config": config.model_dump(mode="json")}
    store.write_bytes(layout.run_file, json.dumps(content).encode())
    attempt = Path(layout.attempt(0, "one"))
    low = _reject("http://a.org/low", "extract", "recall_floor", score=0.1)
    plain = _reject("http://a.org/plain", "extract", "plain_floor", score=0.5)
    lost = _reject(None, "extract", "empty_file", outcome="failed", detail="the file has no bytes")
    page = _reject(URL, "recall", "math_prob", score=0.17)
    kept = {**page, "math_prob": 0.17, "text_length": 300}
    _write(attempt / "table=rejects" / "0.parquet", [low, plain, lost], schemas.REJECTS)
    _write(attempt / "table=documents" / "0.parquet", [kept], schemas.DOCUMENTS)
    _write(Path(layout.table("dedup", "rejects")) / "0.parquet", [page], schemas.REJECTS)
    files = catalogue(layout.root, [layout.attempt(0, "one")])
    manifest = Manifest(
        stage="extract", run_id="r", identity={}, counts={}, files=files, started="", finished=""
    )
    write_manifest(layout.group_manifest(0), manifest)
    return layout


@pytest.mark.parametrize(
    "spelling",
    [
        "http://www.example.org/Lessons/a%7Eb/?x=1",
        "https://example.org/Lessons/a~b?x=1",
        "https://EXAMPLE.org/lessons/a%7eb/?x=1#proof",
        "example.org/Lessons/a~b/?x=1&utm_source=mail",
        "https://www.example.org:443/Lessons/a%7Eb/?x=1",
    ],
)
def test_a_url_is_found_however_it_is_spelled(run: RunLayout, spelling: str) -> None:
    """Scheme, host, slash, fragment, case and percent-encoding may differ; the match is named."""
    lines = explain(run, spelling)
    assert lines[0] == f"{spelling} is in this run as {URL}"
    assert lines[1:] == explain(run, URL)
    assert len(lines) == 3


def test_another_page_of_the_host_is_no_match(run: RunLayout) -> None:
    """A different path or query is a different page."""
    assert explain(run, "https://www.example.org/Lessons/") == []
    assert explain(run, "https://www.example.org/Lessons/a%7Eb/?x=2") == []


@pytest.mark.parametrize(
    ("url", "comparison"),
    [
        ("http://a.org/low", "recall_prob 0.1 < 0.15 (extract.recall_floor)"),
        ("http://a.org/plain", "recall_prob 0.5 < 0.7 (extract.plain_floor)"),
        (URL, "math_prob 0.17 < 0.2 (dedup.recall_threshold)"),
    ],
)
def test_a_drop_shows_its_comparison_and_key(run: RunLayout, url: str, comparison: str) -> None:
    """Score, threshold and the configuration key that set it stand in the line."""
    assert comparison in explain(run, url)[-1]


def test_files_that_could_not_be_read_are_named(run: RunLayout) -> None:
    """Who looks for a page in vain sees which files were lost, and why."""
    assert failed_files(run) == ["a.warc.gz: empty_file"]
