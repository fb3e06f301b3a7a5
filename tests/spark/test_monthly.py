"""A month goes by: the next snapshot is built against the version before it, and published."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from infimm_spark.config import load_config
from infimm_spark.run.releases import add_snapshot
from infimm_spark.sample import write_sample_crawl

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]


def test_two_months_make_two_versions_without_doubles(spark: SparkSession, tmp_path: Path) -> None:
    """The second version holds both snapshots; pages the first one has are not in the second's
    part."""
    write_sample_crawl(tmp_path / "crawl")
    config = load_config(
        ROOT / "conf" / "local.yaml", {"input": {"paths": [str(tmp_path / "crawl")]}}
    )
    names = sorted(path.name for path in (tmp_path / "crawl" / "crawl-data").iterdir())
    assert len(names) == 2
    places = {"releases": str(tmp_path / "releases"), "runs": str(tmp_path / "runs")}
    first, _ = add_snapshot(config, names[0], **places)
    second, _ = add_snapshot(config, "newest", **places)
    assert [part.snapshot for part in second.parts] == names
    assert second.parts[0] == first.parts[0]
    assert sum(second.changes.duplicates_of_earlier.values()) > 0
    ids, urls = [], []
    for part in second.parts:
        rows = pq.read_table(part.corpus).to_pylist()
        assert len(rows) == part.documents > 0
        ids += [row["id"] for row in rows]
        urls += [(row["URL"], row["text_list"]) for row in rows]
    assert len(set(ids)) == len(ids) == second.documents
    assert all(urls.count(url) == 1 for url in urls)
    again, made = add_snapshot(config, names[0], **places)
    assert not made
    assert again == first
