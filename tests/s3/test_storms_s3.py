"""What takes long: a fifth of S3A's own requests failing, and the real crawl from a bucket to a
bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyspark
import pytest
from fault_proxy import KINDS
from s3_builds import REMOTE, corpus, run_builds

from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.sample import write_sample_crawl
from infimm_spark.spark.s3_connector import local_jars

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(
        not local_jars(pyspark.__version__),
        reason="no S3A jars; `make jars` fetches them from Maven Central",
    ),
]


def _build(name: str, source: str, output: str, **store: Any) -> dict[str, Any]:
    return {
        "name": name,
        "config": {"input": {"paths": [source]}, "output": output, "store": REMOTE | store},
    }


def _same_corpus(one: str, other: str) -> None:
    """Both runs published the same rows and accounted for the same records."""
    rows = corpus(one)
    assert len(rows) > 20
    assert rows == corpus(other)
    assert reconcile(tables.ledger(RunLayout(one))) == reconcile(tables.ledger(RunLayout(other)))


def test_a_fifth_of_all_requests_failing_where_it_writes_changes_no_row(
    s3: Any, fault_proxy: Any, tmp_path: Path
) -> None:
    """Every kind of fault under S3A's listings, commits and reads: no row doubled or lost."""
    write_sample_crawl(tmp_path / "crawl")
    s3.client().create_bucket(Bucket="storm-out")
    with fault_proxy(s3.port, 0.2, seed=2) as proxy:
        at = {"storm-out": {"endpoint": proxy.endpoint}}
        results = run_builds(
            [
                # The first build opens the session, which the second takes as it is.
                _build("storm", str(tmp_path / "crawl"), "s3://storm-out/run", buckets=at),
                _build("local", str(tmp_path / "crawl"), str(tmp_path / "run")),
            ],
            tmp_path,
            s3,
            timeout=3_000,
        )
    assert [result["error"] for result in results.values()] == [None, None]
    assert all(proxy.counts[kind] > 50 for kind in KINDS)
    _same_corpus("s3://storm-out/run", str(tmp_path / "run"))


def test_the_real_crawl_from_bucket_to_bucket_gives_the_local_corpus(
    s3: Any, shared_data: Path, tmp_path: Path
) -> None:
    """8,270 pages of others, read from S3 and written to S3."""
    crawl = shared_data / "commoncrawl"
    s3.upload_tree(crawl, "real-crawl")
    s3.client().create_bucket(Bucket="real-out")
    results = run_builds(
        [
            _build("s3", "s3://real-crawl", "s3://real-out/run"),
            _build("local", str(crawl), str(tmp_path / "run")),
        ],
        tmp_path,
        s3,
        timeout=3_000,
    )
    assert [result["error"] for result in results.values()] == [None, None]
    _same_corpus("s3://real-out/run", str(tmp_path / "run"))
