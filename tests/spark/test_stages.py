"""Stages declare themselves: what one file says is all that runs, reports and commands need."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from sample_builds import sample_settings
from toy_stage import TOY

from infimm_spark import store
from infimm_spark.config import load_config
from infimm_spark.errors import ModelError, ResumeError
from infimm_spark.inspect.explain import explain
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import print_funnel, reconcile
from infimm_spark.run.manifest import read_manifest
from infimm_spark.run.pipeline import build, run_stage
from infimm_spark.run.run import Run
from infimm_spark.stages.registry import STAGES
from infimm_spark.stages.sampling import id_share, share_of

pytestmark = pytest.mark.spark


def corpus(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's corpus folder, as anyone would read it."""
    return sorted(pq.read_table(run / "corpus").to_pylist(), key=lambda row: str(row["id"]))


def files(run: Path) -> dict[Path, float]:
    """What lies in a run, but for its lock, and when it was written."""
    found = [path for path in run.rglob("*") if path.is_file() and ".lock" not in path.parts]
    return {path: path.stat().st_mtime for path in found}


def test_a_stage_in_one_file_is_run_and_shown(
    sample_run: Path, sample_crawl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registered stage runs, reconciles, resumes, and shows in the funnel and in `explain`."""
    shutil.copytree(sample_run, tmp_path / "out")
    monkeypatch.setitem(STAGES, TOY.name, TOY)
    config = sample_settings(sample_crawl, tmp_path / "out")
    summary = build(config, resume=True)
    assert [line.stage for line in summary.funnel][-2:] == ["publish", "address"]
    dropped = summary.funnel[-1].dropped["short_address"]
    assert 0 < dropped < summary.funnel[-1].read == summary.funnel[-2].kept

    layout = RunLayout(str(tmp_path / "out"))
    assert reconcile(tables.ledger(layout)) == summary.funnel
    assert "dropped short_address" in store.read_bytes(f"{layout.report}/funnel.txt").decode()
    assert "dropped short_address" in print_funnel(summary.funnel)

    short = min(corpus(tmp_path / "out"), key=lambda row: len(row["URL"]))
    (line,) = (line for line in explain(layout, short["URL"]) if "address: dropped" in line)
    assert "< 35 (toy.longest)" in line
    long = max(corpus(tmp_path / "out"), key=lambda row: len(row["URL"]))
    assert any("toy: kept; characters" in line for line in explain(layout, long["URL"]))

    written = Path(layout.manifest("toy")).stat().st_mtime_ns
    assert build(config, resume=True).funnel == summary.funnel
    assert Path(layout.manifest("toy")).stat().st_mtime_ns == written
    run_stage(Run.open(layout.root), "toy", redo=True)
    assert Path(layout.manifest("toy")).stat().st_mtime_ns > written


def test_the_corpus_folder_holds_data_files_only(sample_run: Path) -> None:
    """No marker and no checksum, hidden or not, lies among the files that others read."""
    files = [path for path in (sample_run / "corpus").rglob("*") if path.is_file()]
    assert files
    assert {path.suffix for path in files} == {".parquet"}


def test_tables_have_their_own_columns(sample_run: Path) -> None:
    """A file of a group's table has the columns of that table and no others."""
    for name, table in STAGES["extract"].tables.items():
        files = tables.locations(RunLayout(str(sample_run)), "extract", name)
        assert files
        for file in files:
            assert pq.read_schema(file).names == table.schema.names


def test_what_is_wrong_with_a_redo_is_said_before_anything_changes(
    sample_run: Path, tmp_path: Path
) -> None:
    """A model that is none, or an earlier run that is none, leaves every table as it was."""
    shutil.copytree(sample_run, tmp_path / "out")
    before = files(tmp_path / "out")
    recorded = (tmp_path / "out" / "run.json").read_bytes()
    stored = json.loads(recorded)["config"]
    (tmp_path / "none.ftz").write_bytes(b"no model")
    changed = load_config(None, {**stored, "models": {"precision": str(tmp_path / "none.ftz")}})
    run = Run.open(str(tmp_path / "out"), changed)
    with pytest.raises(ModelError):
        run_stage(run, "refine", redo=True)
    assert files(tmp_path / "out") == before
    assert (tmp_path / "out" / "run.json").read_bytes() == recorded


def test_a_redo_that_fails_leaves_the_old_result(
    sample_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stage that breaks in mid-work changes neither its tables nor the corpus; a later redo
    works."""
    shutil.copytree(sample_run, tmp_path / "out")
    rows = corpus(tmp_path / "out")
    run = Run.open(str(tmp_path / "out"))
    layout = run.layout

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    for stage in ("publish", "dedup"):
        before = read_manifest(layout.manifest(stage))
        with monkeypatch.context() as patch:
            patch.setattr("infimm_spark.run.work.write_manifest", broken)
            with pytest.raises(RuntimeError, match="power cut"):
                run_stage(run, stage, redo=True)
        assert read_manifest(layout.manifest(stage)) == before
        assert corpus(tmp_path / "out") == rows
        assert before is not None
        assert all(store.exists(store.join(layout.root, file.path)) for file in before.files)
    again = run_stage(run, "publish", redo=True)
    assert corpus(tmp_path / "out") == rows
    assert all(store.exists(store.join(layout.root, file.path)) for file in again.files)
    named = {Path(layout.root, file.path) for file in again.files}
    assert set((tmp_path / "out" / "publish").rglob("*.parquet")) <= named


def test_a_stage_takes_no_other_settings_for_what_it_builds_on(
    sample_run: Path, tmp_path: Path
) -> None:
    """With another `extract` section `dedup --redo` is refused by its key, and nothing is
    recorded."""
    shutil.copytree(sample_run, tmp_path / "out")
    recorded = (tmp_path / "out" / "run.json").read_bytes()
    stored = json.loads(recorded)["config"]
    other = load_config(
        None, {**stored, "extract": {**stored["extract"], "language_threshold": 0.61}}
    )
    run = Run.open(str(tmp_path / "out"), other)
    for options in ({"redo": True}, {"resume": True}):
        with pytest.raises(
            ResumeError, match=r"extract\.language_threshold was 0\.3 and is now 0\.61"
        ):
            run_stage(run, "dedup", **options)
    assert (tmp_path / "out" / "run.json").read_bytes() == recorded


def test_python_and_spark_choose_the_same_rejects(spark: SparkSession) -> None:
    """The share of an id is one number, whichever side computes it."""
    ids = ["0" * 32, "7fffffff" + "0" * 24, "80000000" + "f" * 24, "f" * 32, "0123456789abcdef" * 2]
    frame = spark.createDataFrame([(page_id,) for page_id in ids], "id string")
    for row in frame.select("id", id_share().alias("share")).collect():
        assert row.share == share_of(row.id)
