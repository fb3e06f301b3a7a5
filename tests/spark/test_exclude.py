"""WARC files that a run leaves out, from the start or after it has read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from warc_records import pack, record

from infimm_spark import schemas
from infimm_spark.config import load_config
from infimm_spark.errors import InputError
from infimm_spark.run import tables
from infimm_spark.run.earlier import EarlierRun, check_distinct
from infimm_spark.run.exclusion import excluded_names, excludes_more
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import print_funnel, reconcile
from infimm_spark.run.pipeline import run_stage
from infimm_spark.run.run import Run
from infimm_spark.warc.listing import WarcFile

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]
TEXT = (
    b"<html lang=en><p>"
    + b"Let $x$ be a real number with $x^2 = %d$; then the proof is complete. " * 9
)
TABLES = {
    "documents": schemas.DOCUMENTS,
    "ledger": schemas.LEDGER,
    "rejects": schemas.REJECTS,
}


def _rows(output: Path, name: str) -> list[str]:
    return sorted(map(str, tables.rows(RunLayout(str(output)), "extract", name, TABLES[name])))


def test_a_file_that_was_read_is_taken_out_on_resume(spark: SparkSession, tmp_path: Path) -> None:
    """The rows are those of a run that never read it, no file is read again, and the exclusion
    stays."""
    crawl = tmp_path / "crawl"
    crawl.mkdir()

    def write(number: int) -> None:
        page = record(TEXT.replace(b"%d", b"%d" % number), url=f"http://example.org/{number}")
        (crawl / f"{number}.warc.gz").write_bytes(pack([page]))

    def extract(output: str, *exclude: str, resume: bool = False) -> None:
        config = load_config(
            ROOT / "conf" / "local.yaml",
            {
                "input": {"paths": [str(crawl)], "exclude": list(exclude)},
                "output": str(tmp_path / output),
            },
        )
        run_stage(Run.begin(config, resume=resume), "extract", resume=resume)

    for number in range(3):
        write(number)
    extract("late")
    assert len(_rows(tmp_path / "late", "documents")) == 3
    with pytest.raises(InputError, match=r"--exclude no\.warc\.gz: no WARC file"):
        extract("late", "no.warc.gz", resume=True)
    for path in crawl.iterdir():
        path.write_bytes(b"gone")  # nothing is read again
    extract("late", "1.warc.gz", resume=True)
    for number in range(3):
        write(number)
    extract("early", "*/1.warc*")

    layout = RunLayout(str(tmp_path / "late"))
    funnel = reconcile(tables.ledger(layout))
    assert (funnel[0].excluded, funnel[0].kept) == (1, 2)
    assert "excluded WARC files                        1" in print_funnel(funnel)
    for name in TABLES:
        assert _rows(tmp_path / "late", name) == _rows(tmp_path / "early", name)
    extract("late", resume=True)
    assert reconcile(tables.ledger(layout)) == funnel

    # Files with the names of an earlier run's would have its ids.
    own = [WarcFile("x/0.warc.gz", "0.warc.gz", "local")]
    earlier = [EarlierRun(layout, {})]
    with pytest.raises(InputError, match=r"has read a WARC file named 0\.warc\.gz, too"):
        check_distinct(own, {}, earlier)
    check_distinct(own, {"excluded": ["0.warc.gz"]}, earlier)
    check_distinct([WarcFile("x/0.warc.gz", "day2/0.warc.gz", "local")], {}, earlier)


def test_a_pattern_means_names_and_locations() -> None:
    """By name in the crawl, file name or location; one that means nothing, or all, is refused."""
    warcs = [WarcFile(f"/m/a/{n}.warc.gz", f"a/{n}.warc.gz", "local") for n in "xyz"]
    for pattern in ("a/x.warc.gz", "x.warc.gz", "/m/a/x.warc.gz", "x.*"):
        assert excluded_names([pattern], warcs) == ["a/x.warc.gz"]
    assert excluded_names(["?.warc.gz", "a/x.warc.gz"], [*warcs, WarcFile("/o", "o", "l")]) == [
        f"a/{n}.warc.gz" for n in "xyz"
    ]
    with pytest.raises(InputError, match="leaves no WARC file"):
        excluded_names(["*.warc.gz"], warcs)


def test_only_more_exclusions_may_change_a_run() -> None:
    """Fewer, or another setting beside them, are differences like any other."""
    one: dict[str, Any] = {"a": 1, "excluded": ["x"]}
    assert excludes_more({"a": 1}, one)
    assert excludes_more(one, {"a": 1, "excluded": ["x", "y"]})
    assert not excludes_more(one, {"a": 1})
    assert not excludes_more(one, one)
    assert not excludes_more({"a": 2}, one)
