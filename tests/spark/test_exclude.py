"""WARC files that a run leaves out, from the start or after it has read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from infimm_spark import schemas
from infimm_spark.config import load_config
from infimm_spark.errors import InputError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import print_funnel, reconcile
from infimm_spark.run.pipeline import build
from infimm_spark.run.run import Run
from infimm_spark.sample import write_sample_crawl

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]


def _rows(output: Path, stage: str, name: str, schema: Any) -> list[str]:
    return sorted(map(str, tables.rows(RunLayout(str(output)), stage, name, schema)))


def test_a_file_that_was_read_is_taken_out_on_resume(spark: SparkSession, tmp_path: Path) -> None:
    """The rows are those of a run that never read it, no other file is read again, and the exclusion stays."""
    crawl = tmp_path / "crawl"
    write_sample_crawl(crawl)
    files = sorted(path.relative_to(crawl).as_posix() for path in crawl.rglob("*.warc.gz"))
    gone = files[0]

    def settings(output: str, *exclude: str, **more: Any) -> Any:
        values = {"paths": [str(crawl)], "exclude": list(exclude)}
        return load_config(
            ROOT / "conf" / "local.yaml",
            {"input": values, "output": str(tmp_path / output), **more},
        )

    build(settings("late"))
    with pytest.raises(InputError, match=r"--exclude no\.warc\.gz: no WARC file"):
        build(settings("late", "no.warc.gz"), resume=True)
    for path in crawl.rglob("*.warc.gz"):
        path.chmod(0o600)
        path.write_bytes(b"gone")  # nothing is read again
    late = build(settings("late", gone.rpartition("/")[2]), resume=True)
    write_sample_crawl(crawl)
    early = build(settings("early", f"*{gone}"))

    assert late.funnel == early.funnel == reconcile(tables.ledger(RunLayout(late.output)))
    assert late.funnel[0].excluded == 1
    assert "excluded WARC files" in print_funnel(late.funnel)
    for stage, name, schema in (
        ("extract", "documents", schemas.DOCUMENTS),
        ("extract", "ledger", schemas.LEDGER),
        ("extract", "rejects", schemas.REJECTS),
        ("publish", "corpus", schemas.CORPUS),
    ):
        rows = _rows(tmp_path / "late", stage, name, schema)
        assert rows == _rows(tmp_path / "early", stage, name, schema)
        assert gone not in "".join(rows) or name == "ledger"
    assert build(settings("late"), resume=True).funnel == late.funnel

    # Files with the names of an earlier run's would have its ids: refused before Spark starts, unless named apart.
    against = {"dedup": {"against": [str(tmp_path / "early")]}}
    with pytest.raises(InputError, match=r"has read a WARC file named .* and \d+ more, too"):
        Run.begin(settings("next", **against), resume=False)
    assert not (tmp_path / "next").exists()
