"""`infimm mine`: hosts, missed pages and strata on small tables, and a whole run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from small_run import document, write_run
from typer.testing import CliRunner

from infimm_spark import cli
from infimm_spark.annotation.annotate import ungraded
from infimm_spark.annotation.mining import missed_pages, near_threshold, recalled_hosts
from infimm_spark.browse.labels import Labels
from infimm_spark.errors import InputError, OutputError, StageError
from infimm_spark.inspect.proposals import MiningRequest, mine

SCHEMA = "id string, url string, language string, text_length int, math_prob double"


def test_hosts_with_a_high_share_of_recalled_pages(spark: SparkSession) -> None:
    """Pages below the floor count, sampled ones by their weight; small and poor hosts are left
    out."""
    rows = [
        (f"m{n}", f"https://www.maths.example/{n}", "en", 900, 0.9 if n < 6 else 0.2)
        for n in range(8)
    ]
    rows += [(f"n{n}", f"http://news.example:80/{n}", "en", 900, 0.9) for n in range(2)]
    rows += [("s", "http://small.example/", "en", 900, 0.9)]
    documents = spark.createDataFrame(rows, SCHEMA)
    dropped = spark.createDataFrame(
        [(f"http://NEWS.example/d{n}",) for n in range(20)], "url string"
    )
    settings = {"threshold": 0.4, "dropped_weight": 2.0, "min_pages": 5, "min_share": 0.1}
    hosts = recalled_hosts(documents, dropped, **settings).collect()
    assert [tuple(row) for row in hosts] == [("maths.example", 8, 6, 0.75)]
    hosts = recalled_hosts(documents, dropped, **(settings | {"min_share": 0.04})).collect()
    assert [(row.host, row.pages) for row in hosts] == [("maths.example", 8), ("news.example", 42)]
    found = missed_pages(
        documents, spark.createDataFrame(hosts[:1]), threshold=0.4, per_host=1, seed=1
    ).collect()
    assert [(row.host, row.math_prob, row.proposed) for row in found] == [
        ("maths.example", 0.2, "missed")
    ]


def test_pages_near_the_threshold_are_stratified(spark: SparkSession) -> None:
    """Each language, band of scores and band of lengths gives its share, no host more than its
    own."""
    rows = [
        (f"{language}{length}{n}", f"http://h{n % 4}.example/{n}", language, length, 0.2 + n * 0.04)
        for language in ("en", "zh")
        for length in (100, 3000)
        for n in range(12)
    ]
    frame = spark.createDataFrame(rows, SCHEMA)
    settings = {"threshold": 0.4, "width": 0.15, "per_stratum": 2, "per_host": 1, "seed": 3}
    found = near_threshold(frame, "math_prob", **settings).collect()
    assert all(0.25 <= row.math_prob <= 0.55 for row in found)
    strata = {row.stratum for row in found}
    assert strata == {
        f"{lang}/{band}/{low}" for lang in ("en", "zh") for band in range(4) for low in (0, 2000)
    }
    for stratum in strata:
        hosts = [row.host for row in found if row.stratum == stratum]
        assert len(hosts) == len(set(hosts)) <= 2
    again = near_threshold(frame.repartition(5), "math_prob", **settings).collect()
    assert {row.id for row in again} == {row.id for row in found}


def test_proposals_of_a_run_can_be_annotated(sample_run: Path, tmp_path: Path) -> None:
    """Hosts and candidates of a run are written, and are what `annotate` reads; pages that were
    labelled are not proposed again."""
    arguments = ["mine", str(sample_run), "--width", "0.8", "--min-pages", "2"]
    result = CliRunner().invoke(cli.app, [*arguments, "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.exception
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["hosts"] > 0
    documents = list(ungraded(str(tmp_path / "out" / "candidates.jsonl")))
    assert len(documents) == report["candidates"] > 3
    assert all(d.text and d.url and d.language in ("en", "zh") for d in documents)
    with pytest.raises(OutputError, match="holds proposals already"):
        mine(MiningRequest(str(sample_run), str(tmp_path / "out")))

    labels = Labels(tmp_path / "labels.jsonl", "run")
    for known in documents[:3]:
        page = {"id": known.id, "url": known.url, "snapshot": "s", "language": "en"}
        labels.save(page, known.text, {"score": 7})
    arguments += ["--labels", str(labels.path), "--output", str(tmp_path / "more")]
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    proposed = {d.id for d in ungraded(str(tmp_path / "more" / "candidates.jsonl"))}
    assert proposed
    assert not proposed & set(labels.ids)


def test_a_run_without_quality_scores_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    """Before refine there is nothing to mine for the precision classifier."""
    layout = write_run(tmp_path / "run", [document(1)], stages=("extract", "dedup"))
    with pytest.raises(InputError, match="no quality scores"):
        mine(MiningRequest(layout.root, str(tmp_path / "new"), kind="precision"))


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    """A directory without a run, and a classifier that there is not, are named."""
    with pytest.raises(StageError, match="holds no run"):
        mine(MiningRequest(str(tmp_path), str(tmp_path / "out")))
    with pytest.raises(InputError, match="expected recall or precision"):
        mine(MiningRequest(str(tmp_path), str(tmp_path / "out"), kind="both"))
