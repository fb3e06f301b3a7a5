"""The images stage: every image of the corpus, in its place, selected or left out by name."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from sample_builds import sample_settings

from infimm_spark import schemas
from infimm_spark.config import ImagesConfig
from infimm_spark.images.fetched import image_key
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import documents_of, reconcile
from infimm_spark.run.pipeline import RunSummary, build, run_stage
from infimm_spark.run.run import Run
from infimm_spark.stages.images import image_rows

pytestmark = pytest.mark.spark

PLOT, LOGO = "https://example.org/plot.png", "https://example.org/logo.png"


def document(name: str, pictures: list[str | None], uses: list[int | None]) -> dict[str, Any]:
    """A row of CORPUS: a text for each None, an image for each address."""
    header = {"WARC-Date": "2023-12-01T02:03:04Z"}
    images = [{"url": url, "width": 300, "height": 200} for url in pictures if url is not None]
    metadata = {"im_url_duplicate_count": uses, "WARC_HEADER": json.dumps(header)}
    known = {
        "id": name,
        "snapshot": "CC-MAIN-2023-50",
        "warc_file": "a.warc.gz",
        "text_list": [None if url else "text" for url in pictures],
        "image_list": pictures,
        "images": images,
        "metadata": json.dumps(metadata),
        "consent": [],
    }
    return {column: known.get(column) for column in schemas.CORPUS.names}


def test_images_keep_their_order_and_place(spark: SparkSession) -> None:
    """Each image has its position among texts and images; its uses and the page's date are
    read."""
    rows = [
        document("a", [None, PLOT, None, LOGO, PLOT], [None, 12, None, 1, 12]),
        document("b", [None], [None]),
        document("c", [PLOT], [1]),
    ]
    corpus = spark.createDataFrame(rows, schemas.spark_schema(schemas.CORPUS))
    found = sorted(
        (row.asDict() for row in image_rows(corpus, ImagesConfig()).collect()),
        key=lambda row: (row["id"], row["position"]),
    )
    assert [(r["id"], r["position"], r["url"], r["uses"], r["reason"]) for r in found] == [
        ("a", 1, PLOT, 12, "repeated_url"),
        ("a", 3, LOGO, 1, "url_word"),
        ("a", 4, PLOT, 12, "repeated_url"),
        ("c", 0, PLOT, 1, None),
    ]
    assert {r["date"] for r in found} == {"2023-12-01T02:03:04Z"}
    assert {r["key"] for r in found if r["url"] == PLOT} == {image_key(PLOT)}
    assert {(r["width"], r["height"]) for r in found} == {(300, 200)}
    assert [r["document_images"] for r in found] == [3, 3, 3, 1]


def test_a_finished_run_gets_its_selection(
    sample_build: RunSummary, sample_crawl: Path, tmp_path: Path
) -> None:
    """The stage is absent until asked for; then the funnel counts every image of the corpus."""
    assert sample_build.funnel[-1].stage == "publish"
    shutil.copytree(sample_build.output, tmp_path / "out")
    layout = RunLayout(str(tmp_path / "out"))
    chosen = sample_settings(sample_crawl, tmp_path / "out", images={"enabled": True})
    run_stage(Run.open(layout.root, chosen), "images")

    corpus = pq.read_table(tmp_path / "out" / "corpus").to_pylist()
    pictures = Counter(
        (row["id"], position, url)
        for row in corpus
        for position, url in enumerate(row["image_list"])
        if url is not None
    )
    rows = tables.rows(layout, "images", "images", schemas.IMAGES)
    assert Counter((r["id"], r["position"], r["url"]) for r in rows) == pictures
    funnel = reconcile(tables.ledger(layout))
    assert funnel[-1].stage == "images"
    assert funnel[-1].read == len(rows) > 0
    assert funnel[-1].kept == sum(row["reason"] is None for row in rows)
    assert documents_of(funnel) == len(corpus)
    assert "images " in Path(layout.report, "funnel.txt").read_text()
    resumed = build(sample_settings(sample_crawl, tmp_path / "out"), resume=True)
    assert resumed.funnel == sample_build.funnel
