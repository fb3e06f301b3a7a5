"""Rules and a scorer of the user's own on a standalone cluster, shipped with --py-files."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from infimm_spark import schemas
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.sample import write_sample_crawl
from tests.support.standalone import StandaloneCluster
from tests.support.submitting import ROOT, submit, submit_command

pytestmark = [pytest.mark.spark, pytest.mark.slow]

OWN_CODE = """
def no_triangles(text, metrics):
    return "triangles" if "triangle" in text and metrics.size > 0 else None

def load():
    return lambda texts, languages: [0.9 if len(text) > 500 else 0.1 for text in texts]
"""


def test_own_code_travels_to_the_executors(environment_archive: Path, tmp_path: Path) -> None:
    """Executors import the file that --py-files names; its reasons and scores stand in the
    tables."""
    write_sample_crawl(tmp_path / "crawl")
    (tmp_path / "cluster_rules.py").write_text(OWN_CODE)
    settings = yaml.safe_load((ROOT / "conf" / "standalone.yaml").read_text())
    settings["rules"] = {"extra": ["cluster_rules:no_triangles"], "precision_threshold": 0.5}
    settings["models"] = {"precision": {"callable": "cluster_rules:load"}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(settings))
    package = environment_archive.parent / "infimm_spark.zip"
    with StandaloneCluster(tmp_path / "cluster", workers=2) as cluster:
        command = submit_command(
            cluster.url,
            *("--archives", f"{environment_archive}#environment"),
            *("--py-files", f"{package},{tmp_path / 'cluster_rules.py'}"),
            *("--conf", "spark.pyspark.python=./environment/bin/python"),
        )
        command += ["--config", str(tmp_path / "own.yaml"), "--input", str(tmp_path / "crawl")]
        done = submit([*command, "--output", str(tmp_path / "out")])
    assert done.returncode == 0, done.stdout + done.stderr
    rejected = tables.rows(RunLayout(str(tmp_path / "out")), "refine", "rejects", schemas.REJECTS)
    assert "triangles" in {row["reason"] for row in rejected}
    corpus = pq.read_table(str(tmp_path / "out" / "corpus")).to_pylist()
    assert corpus
    assert not any("triangle" in text for row in corpus for text in row["text_list"] if text)
