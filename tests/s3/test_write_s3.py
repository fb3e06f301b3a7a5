"""One build into a bucket: Spark writes by S3A, and everything reads it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyspark
import pytest
from s3_builds import REMOTE, corpus, run_builds

from infimm_spark import store
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.verify import verify
from infimm_spark.sample import write_sample_crawl
from infimm_spark.spark.s3_connector import local_jars

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_a_corpus_is_written_to_a_bucket(s3: Any, tmp_path: Path) -> None:
    """A build of local files into a bucket ends well, adds up, and is whole."""
    if not local_jars(pyspark.__version__):
        pytest.skip("no S3A jars; `make jars` fetches them from Maven Central")
    write_sample_crawl(tmp_path / "crawl")
    s3.client().create_bucket(Bucket="written")
    config = {
        "input": {"paths": [str(tmp_path / "crawl")]},
        "output": "s3a://written/run",
        "store": REMOTE,
    }
    results = run_builds([{"name": "one", "config": config}], tmp_path, s3)
    assert results["one"]["error"] is None
    layout = RunLayout("s3://written/run")
    funnel = reconcile(tables.ledger(layout))
    assert funnel[-1].stage == "publish"
    assert funnel[-1].kept == len(corpus(layout.root)) > 20
    assert verify(layout, deep=True).damage == []
    assert not [f for f in store.list_files(layout.root) if "_temporary" in f]
