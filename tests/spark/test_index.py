"""Choosing records by Common Crawl's indexes."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from infimm_spark.config import IndexConfig
from infimm_spark.run.index import from_cdxj, select_records

pytestmark = pytest.mark.spark

PAGES = [
    # url, registered domain, status, mime, languages, file, offset
    ("https://a.edu/x", "a.edu", 200, "text/html", "eng", "f1", 10),
    ("https://m.a.edu/y", "a.edu", 200, "text/html", "fra,eng", "f1", 900),
    ("https://a.edu/pdf", "a.edu", 200, "application/pdf", None, "f1", 2000),
    ("https://a.edu/gone", "a.edu", 404, "text/html", None, "f2", 10),
    ("https://b.org/math/1", "b.org", 200, "text/html", "zho", "f2", 500),
    ("https://b.org/prose", "b.org", 200, "text/html", "deu", "f2", 700),
    ("https://nota.edu/x", "nota.edu", 200, "text/html", "eng", "f3", 10),
]


def _row(page: tuple[Any, ...]) -> dict[str, Any]:
    url, domain, status, mime, languages, file, offset = page
    return {
        "url": url,
        "url_host_name": url.split("/")[2],
        "url_host_registered_domain": domain,
        "fetch_status": status,
        "content_mime_detected": mime,
        "content_languages": languages,
        "warc_filename": file,
        "warc_record_offset": offset,
        "warc_record_length": 100,
    }


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table laid out as the columnar index is, one crawl and two subsets."""
    root = tmp_path_factory.mktemp("index")
    for subset in ("warc", "robotstxt"):
        folder = root / "crawl=CC-MAIN-2023-50" / f"subset={subset}"
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([_row(p) for p in PAGES]), folder / "part.parquet")
    return str(root)


def _chosen(frame: Any) -> dict[str, list[int]]:
    return {row.warc_file: [r.offset for r in row.records] for row in frame.collect()}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"f1": [10, 900], "f2": [500, 700], "f3": [10]}),
        ({"domains": ["a.edu"]}, {"f1": [10, 900]}),
        ({"domains": ["m.a.edu"]}, {"f1": [900]}),
        ({"hosts": ["a.edu"], "domains": ["b.org"]}, {"f1": [10], "f2": [500, 700]}),
        ({"languages": ["en", "zh"]}, {"f1": [10, 900], "f2": [500], "f3": [10]}),
        ({"url_patterns": ["https://*.org/math/*"]}, {"f2": [500]}),
        ({"status": 404}, {"f2": [10]}),
        ({"domains": ["a.edu"], "mime": []}, {"f1": [10, 900, 2000]}),
        ({"crawls": ["CC-MAIN-2022-05"]}, {}),
    ],
)
def test_conditions_choose_records(
    spark: SparkSession, index: str, settings: dict[str, Any], expected: dict[str, list[int]]
) -> None:
    """Each condition narrows the records, once each, by file and in order; subsets but `warc` stay out."""
    assert _chosen(select_records(spark.read.parquet(index), IndexConfig(**settings))) == expected


def test_conditions_are_pushed_down(spark: SparkSession, index: str) -> None:
    """Parquet is asked for status, type, domain and language; other crawls are not listed."""
    config = IndexConfig(
        crawls=["CC-MAIN-2023-50"], domains=["a.edu"], languages=["en"], paths=[index]
    )
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        select_records(spark.read.parquet(index), config).explain("formatted")
    plan = out.getvalue()
    (pushed,) = (line for line in plan.splitlines() if line.startswith("PushedFilters"))
    for filter_ in (
        "EqualTo(fetch_status,200)",
        "In(content_mime_detected",
        "url_host_registered_domain,[",
        "StringContains(content_languages,eng)",
    ):
        assert filter_ in pushed.replace(
            "EqualTo(url_host_registered_domain,", "url_host_registered_domain,["
        )
    (partitions,) = (line for line in plan.splitlines() if line.startswith("PartitionFilters"))
    assert "crawl" in partitions
    assert "subset" in partitions


def test_cdxj_and_a_list_of_urls_choose_the_same_way(spark: SparkSession, tmp_path: Path) -> None:
    """CDXJ lines give the columns of the columnar index; a list of URLs keeps those URLs only."""
    lines = ["!meta header"]
    for url, _, status, mime, languages, file, offset in PAGES:
        entry = {
            "url": url,
            "mime": "text/plain",
            "mime-detected": mime,
            "status": str(status),
            "length": "100",
            "offset": str(offset),
            "filename": file,
        }
        if languages:
            entry["languages"] = languages
        lines.append(f"edu,a)/x 20231201000000 {json.dumps(entry)}")
    (tmp_path / "a.cdxj").write_text("\n".join(lines))
    index = from_cdxj(spark.read.text(str(tmp_path / "a.cdxj")))
    domain = IndexConfig(domains=["a.edu"], languages=["en"])
    assert _chosen(select_records(index, domain)) == {"f1": [10, 900]}
    urls = spark.createDataFrame([("https://b.org/prose",), ("https://none",)], "url string")
    assert _chosen(select_records(index, IndexConfig(), urls)) == {"f2": [700]}
