"""A whole build of the sample crawl: accounting, schema, reproducibility, resume."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from sample_builds import sample_settings

from infimm_spark import schemas
from infimm_spark.config import load_config
from infimm_spark.errors import (
    OutputError,
    ReconciliationError,
    ResumeError,
    StageError,
    TooManyFailuresError,
)
from infimm_spark.inspect.explain import explain
from infimm_spark.report.funnel import read_formulas
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.pipeline import RunSummary, build, run_stage
from infimm_spark.run.run import Run
from infimm_spark.sample import sample_pages

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]
METADATA = {
    "ft_lang_label",
    "ft_lang_prob",
    "math_prob",
    "size",
    "snap",
    "text_gpt3_token_len",
    "char_repetition_ratio",
    "word_repetition_ratio",
    "special_character_ratio",
    "punctuation_ratio",
    "nsfw_num_words",
    "has_unicode_error",
    "math_prob_llama3",
    "pos_list",
    "im_url_duplicate_count",
    "WARC_HEADER",
}


def corpus_rows(output: str | Path) -> list[dict[str, Any]]:
    """All rows of a corpus, sorted."""
    layout = RunLayout(str(output))
    rows = pq.read_table(layout.corpus).to_pylist()
    return sorted(rows, key=lambda row: str(row["id"]))


def test_the_ledger_of_a_build_reconciles(sample_build: RunSummary) -> None:
    """Every record of every WARC file is accounted for, and the funnel ends in the corpus."""
    stages = reconcile(tables.ledger(RunLayout(sample_build.output)))
    assert [s.stage for s in stages] == [
        "extract",
        "recall",
        "dedup",
        "rules",
        "precision",
        "publish",
    ]
    assert stages == sample_build.funnel
    assert stages[-1].kept == len(corpus_rows(sample_build.output)) > 0


def test_the_report_sums_the_formulas_of_all_documents(sample_build: RunSummary) -> None:
    """Found = recovered + failed over all extracted documents, encoding by encoding."""
    layout = RunLayout(sample_build.output)
    documents = tables.rows(layout, "extract", "documents", schemas.DOCUMENTS)
    counted: Counter[tuple[str, str]] = Counter()
    for document in documents:
        for entry in document["formula_counts"]:
            counted[entry["encoding"], entry["outcome"]] += entry["count"]
    reported = {
        (tally.encoding, outcome): getattr(tally, outcome)
        for tally in read_formulas(layout)
        for outcome in ("valid", "invalid", "failed")
        if getattr(tally, outcome)
    }
    assert reported == dict(counted)
    assert sum(counted.values()) > 0


def test_every_sample_page_meets_its_expected_end(sample_build: RunSummary) -> None:
    """Each page of the sample ends where its description says, by the rule it says."""
    layout = RunLayout(sample_build.output)
    published = {(row["URL"], row["snapshot"]) for row in corpus_rows(sample_build.output)}
    found: dict[tuple[str, str], set[str]] = {key: {"corpus"} for key in published}
    for stage in ("extract", "dedup", "refine"):
        for row in tables.rows(layout, stage, "rejects", schemas.REJECTS):
            key = (row["url"], row["snapshot"])
            found.setdefault(key, set()).add(f"{row['stage']}:{row['reason']}")
    wrong = {
        (page.url, page.snapshot): (sorted(page.expected), sorted(ends))
        for page in sample_pages()
        # A damaged record has lost its URL; the ledger holds it (see the funnel's test).
        if (ends := found.get((page.url, page.snapshot), set())) and not ends <= page.expected
    }
    assert wrong == {}
    lost = [page.url for page in sample_pages() if (page.url, page.snapshot) not in found]
    assert len(lost) == 2, lost


def test_the_corpus_has_the_released_schema(sample_build: RunSummary) -> None:
    """The four released columns, exactly one of text and image a position, and all metadata."""
    rows = corpus_rows(sample_build.output)
    assert set(rows[0]) == set(schemas.CORPUS.names)
    for row in rows:
        assert len(row["text_list"]) == len(row["image_list"]) > 0
        for text, image in zip(row["text_list"], row["image_list"], strict=True):
            assert (text is None) != (image is None)
        metadata = json.loads(row["metadata"])
        assert set(metadata) == METADATA
        assert len(metadata["im_url_duplicate_count"]) == len(row["image_list"])
        assert json.loads(metadata["WARC_HEADER"])["WARC-Target-URI"] == row["URL"]
        assert json.loads(metadata["WARC_HEADER"])["warc_filename"] == row["warc_file"]
        assert [i["url"] for i in row["images"]] == [u for u in row["image_list"] if u is not None]


def test_a_published_row_leads_back_to_its_record(
    sample_build: RunSummary, sample_crawl: Path
) -> None:
    """File, offset and length of a row fetch the very record it came from."""
    from infimm_spark.warc.records import fetch_record

    row = corpus_rows(sample_build.output)[0]
    page = fetch_record(
        str(sample_crawl / row["warc_file"]), row["warc_offset"], row["warc_length"]
    )
    assert page.url == row["URL"]


def test_explain_follows_a_published_page_and_a_duplicate(sample_build: RunSummary) -> None:
    """`explain` names each step of a kept page, and for a duplicate the document that was kept."""
    layout = RunLayout(sample_build.output)
    row = corpus_rows(sample_build.output)[0]
    lines = explain(layout, row["URL"])
    assert any("extract: kept" in line for line in lines)
    assert any("publish: in the corpus" in line for line in lines)
    duplicate = tables.rows(layout, "dedup", "rejects", schemas.REJECTS)
    near = next(r for r in duplicate if r["reason"] == "near")
    (line,) = (line for line in explain(layout, near["url"]) if "by near" in line)
    kept = near["detail"].removeprefix("kept ")
    kept_url = next(
        r["url"]
        for r in tables.rows(layout, "extract", "documents", schemas.DOCUMENTS)
        if r["id"] == kept
    )
    assert kept_url in line


def test_explain_finds_a_damaged_record_by_its_place(sample_build: RunSummary) -> None:
    """A record that came without a URL is explained by its WARC file and offset, and by the file
    alone."""
    layout = RunLayout(sample_build.output)
    failed = [
        row
        for row in tables.rows(layout, "extract", "rejects", schemas.REJECTS)
        if row["outcome"] == "failed" and row["url"] is None
    ]
    assert failed
    name = failed[0]["warc_file"].rpartition("/")[2]
    (line,) = explain(layout, f"{name}@{failed[0]['warc_offset']}")
    assert f"failed by {failed[0]['reason']}" in line
    assert line in explain(layout, name)
    assert explain(layout, f"{name}@{failed[0]['warc_offset'] + 1}") == []


@pytest.mark.parametrize(
    "partitions", [*(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4)), 17]
)
def test_partitioning_does_not_change_the_corpus(
    sample_build: RunSummary, sample_crawl: Path, tmp_path: Path, partitions: int
) -> None:
    """The same input at 1, 4 and 17 partitions gives identical corpus rows."""
    config = sample_settings(
        sample_crawl,
        tmp_path / "out",
        extract={"partitions": partitions, "group_size": 100},
        dedup={"partitions": partitions},
    )
    build(config)
    assert corpus_rows(tmp_path / "out") == corpus_rows(sample_build.output)


def test_a_complete_run_is_refused_without_resume_and_skipped_with_it(
    sample_build: RunSummary, sample_crawl: Path
) -> None:
    """A second build into the same directory is refused; with resume it does nothing again."""
    config = sample_settings(sample_crawl, Path(sample_build.output))
    with pytest.raises(OutputError, match="--resume"):
        build(config)
    written = Path(sample_build.output, "refine", "manifest.json").stat().st_mtime_ns
    assert build(config, resume=True).funnel == sample_build.funnel
    assert Path(sample_build.output, "refine", "manifest.json").stat().st_mtime_ns == written


def test_resume_with_a_changed_setting_names_the_key(
    sample_build: RunSummary, sample_crawl: Path
) -> None:
    """A changed threshold is refused with its key, its old value and its new one."""
    config = sample_settings(
        sample_crawl, Path(sample_build.output), extract={"language_threshold": 0.61}
    )
    with pytest.raises(ResumeError, match=r"extract\.language_threshold was 0\.3 and is now 0\.61"):
        build(config, resume=True)


def test_resume_with_another_model_names_it(
    sample_build: RunSummary, sample_crawl: Path, tmp_path: Path
) -> None:
    """A model that scores otherwise is refused by its fingerprint."""
    from infimm_spark.classify.mathematics import card_file, model_file

    model = tmp_path / "recall.ftz"
    shutil.copyfile(model_file(None, "recall"), model)
    card = json.loads(card_file(model_file(None, "recall")).read_text())
    card_file(model).write_text(json.dumps({**card, "shift": {"en": 9.0, "zh": 9.0}}))
    config = sample_settings(sample_crawl, Path(sample_build.output), models={"recall": str(model)})
    with pytest.raises(ResumeError, match=r"models\.recall was"):
        build(config, resume=True)


def test_resume_with_fewer_inputs_names_them(sample_build: RunSummary, sample_crawl: Path) -> None:
    """Continuing with other WARC files is refused."""
    config = sample_settings(
        sample_crawl, Path(sample_build.output), input={"paths": [str(sample_crawl)], "limit": 1}
    )
    with pytest.raises(ResumeError, match=r"inputs\.files"):
        build(config, resume=True)


def test_a_stage_done_again_with_another_threshold_reads_no_warc(
    sample_build: RunSummary, sample_crawl: Path, tmp_path: Path
) -> None:
    """`redo` of refine with a threshold of 1 empties the corpus and leaves extraction alone."""
    shutil.copytree(sample_build.output, tmp_path / "out")
    extracted = (tmp_path / "out" / "extract" / "manifest.json").stat().st_mtime_ns
    strict = sample_settings(sample_crawl, tmp_path / "out", rules={"precision_threshold": 1.0})
    run = Run.open(str(tmp_path / "out"), strict)
    run_stage(run, "refine", redo=True)
    # What came after the stage is gone with it, so that no stale corpus passes for the new one.
    assert not Path(run.layout.corpus).exists()
    assert not Path(run.layout.report).exists()
    run_stage(run, "publish")
    stages = run.reconciled()
    assert stages[-1].kept == 0
    assert (tmp_path / "out" / "extract" / "manifest.json").stat().st_mtime_ns == extracted


def test_killed_and_resumed_equals_undisturbed(
    sample_build: RunSummary, sample_crawl: Path, tmp_path: Path
) -> None:
    """After `kill -9` of the driver in mid-run, resuming gives the undisturbed corpus."""
    output = tmp_path / "out"
    config = tmp_path / "small-groups.yaml"
    config.write_text(
        (ROOT / "conf" / "local.yaml").read_text().replace("group_size: 4", "group_size: 1")
    )
    command = [sys.executable, "-m", "infimm_spark.cli", "build", "--config", str(config)]
    command += ["--input", str(sample_crawl), "--output", str(output)]
    victim = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        # The first committed group is on disk and the run is not over: now.
        deadline = time.monotonic() + 180
        while not list(output.glob("extract/manifests/*.json")):
            assert victim.poll() is None, "the build ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    assert not (output / "publish" / "manifest.json").exists()
    done = {p.name for p in output.glob("extract/manifests/*.json")}
    times = {name: (output / "extract/manifests" / name).stat().st_mtime_ns for name in done}
    given = {"input": {"paths": [str(sample_crawl)]}, "output": str(output)}
    build(load_config(config, given), resume=True)
    assert corpus_rows(output) == corpus_rows(sample_build.output)
    for name, stamp in times.items():
        assert (output / "extract/manifests" / name).stat().st_mtime_ns == stamp


def test_a_crawl_of_empty_files_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    """A download that left nothing but names is no crawl without mathematics."""
    empty = tmp_path / "CC-MAIN-2023-50" / "a.warc.gz"
    empty.parent.mkdir()
    empty.touch()
    with pytest.raises(
        TooManyFailuresError, match=r"1 of 1 WARC files could not be read \(first: .*: empty_file"
    ):
        build(sample_settings(empty, tmp_path / "out"))


def test_a_stage_before_its_time_is_refused(sample_crawl: Path, tmp_path: Path) -> None:
    """A stage whose input is not complete says which stage it waits for."""
    run = Run.begin(sample_settings(sample_crawl, tmp_path / "out"), resume=False)
    with pytest.raises(StageError, match="refine needs stage dedup"):
        run_stage(run, "refine")


def test_a_tampered_ledger_fails_the_run(sample_build: RunSummary, tmp_path: Path) -> None:
    """Rows taken from the ledger make reconciliation fail, naming file and stage."""
    shutil.copytree(sample_build.output, tmp_path / "out")
    run = Run.open(str(tmp_path / "out"))
    for file in tables.locations(run.layout, "dedup", "ledger"):
        table = pq.read_table(file)
        lost = [r["stage"] == "dedup" and r["outcome"] == "kept" for r in table.to_pylist()]
        pq.write_table(table.filter([not gone for gone in lost]), file)
        Path(file).with_name(f".{Path(file).name}.crc").unlink(missing_ok=True)
    with pytest.raises(ReconciliationError, match=r"warc/CC-MAIN-\S+, stage dedup"):
        run.reconciled()
