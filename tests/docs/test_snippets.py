"""Every Python snippet of the documentation runs as it stands, on a build of the sample crawl."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]
_SNIPPET = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
_PRINT_FOUND = {
    "duckdb": "print(len(found))",
    "polars": "print(best.height)",
    "pandas": "print(len(documents)); assert documents.str.len().min() > 0",
    "datasets": "print(len(best)); assert 0 < len(with_images) < len(best)",
}


def snippets(page: str) -> dict[str, str]:
    """The Python blocks of a documentation page by the package each imports last."""
    found: dict[str, str] = {}
    for code in _SNIPPET.findall((ROOT / page).read_text("utf-8")):
        package = re.findall(r"^(?:import|from) (\w+)", code, re.M)[-1]
        assert package not in found, f"two snippets of {page} import {package} last"
        found[package] = code
    return found


def corpus_size(run: Path, quality: float) -> int:
    """Documents of a run's corpus with at least this quality, counted by other means than the
    docs."""
    import json

    import pyarrow.parquet as pq

    metadata = pq.read_table(str(run / "corpus")).column("metadata").to_pylist()
    return sum(json.loads(fields)["math_prob_llama3"] >= quality for fields in metadata)


@pytest.mark.parametrize("reader", sorted(_PRINT_FOUND))
def test_a_reader_reads_the_corpus_as_the_page_says(
    reader: str, sample_run: Path, tmp_path: Path
) -> None:
    """Each reader's snippet runs and finds the documents that have the quality it asks for."""
    code = snippets("docs/pages/corpus.md")[reader].replace("RUN/", f"{sample_run}/")
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_PRINT_FOUND[reader]}"],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) == corpus_size(sample_run, 0.75) > 0


def test_spark_reads_the_corpus_as_the_page_says(spark: SparkSession, sample_run: Path) -> None:
    """Spark's snippet runs; its images and its counts belong to the documents it finds."""
    code = snippets("docs/pages/corpus.md")["pyspark"].replace("RUN/", f"{sample_run}/")
    names: dict[str, Any] = {"spark": spark}
    exec(code, names)
    assert names["best"].count() == corpus_size(sample_run, 0.75)
    assert names["images"].where("image_url IS NOT NULL").count() > 0
    counted = sum(row["documents"] for row in names["by_snapshot"].collect())
    assert counted == corpus_size(sample_run, 0.75)


def test_the_python_page_works_from_a_page_to_a_written_table(
    spark: SparkSession, sample_run: Path, tmp_path: Path
) -> None:
    """The snippets on one page and on a DataFrame run; the scored table is written and read
    back."""
    page = (
        "<html><body><h1>Squares</h1><p>By induction, the sum \\(1 + 3 + 5\\) of odd numbers is a "
        "square, \\[\\sum_{k=1}^{n} (2k-1) = n^2.\\] This proves the theorem for all n.</p>"
        "<img src='/squares.png' alt='Squares'></body></html>"
    )
    names: dict[str, Any] = {"html_bytes": page.encode(), "spark": spark}
    names["df"] = spark.createDataFrame([(page,), ("Bread needs an hour.",)], "text string")
    for code in _SNIPPET.findall((ROOT / "docs/pages/python.md").read_text("utf-8")):
        exec(code.replace("OUT/", f"{tmp_path}/").replace("RUN/", f"{sample_run}/"), names)
    assert names["document"].images[0].url == "https://example.org/squares.png"
    assert [formula.outcome for formula in names["document"].formulas] == ["valid", "valid"]
    assert names["scores"].math_prob > 0.5
    back = spark.read.parquet(f"{tmp_path}/scored")
    assert {"math_prob", "quality_prob", "language"} <= set(back.columns)
    assert back.count() == 2
