"""A run that failed is built anew in its own place, when one says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infimm_spark.cli import app
from infimm_spark.config import load_config
from infimm_spark.errors import (
    ConfigError,
    DamagedRunError,
    InputError,
    LockedError,
    ModelError,
    NoRunError,
    OutputError,
)
from infimm_spark.run.earlier import earlier_runs
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.lock import holding
from infimm_spark.run.run import Run
from infimm_spark.sample import write_sample_crawl


@pytest.fixture
def burnt(tmp_path: Path) -> RunLayout:
    """A run that was begun and left some files."""
    write_sample_crawl(tmp_path / "crawl")
    Run.begin(_config(tmp_path), resume=False)
    (tmp_path / "out" / "extract").mkdir()
    (tmp_path / "out" / "extract" / "part-0.parquet").write_text("x")
    return RunLayout(str(tmp_path / "out"))


def _config(folder: Path, **more: object) -> object:
    values = {"input": {"paths": [str(folder / "crawl")]}, "output": str(folder / "out"), **more}
    return load_config(None, values)


def test_overwriting_begins_a_new_run_in_the_same_place(burnt: RunLayout, tmp_path: Path) -> None:
    """Without the option the run is refused, with a word of it; with it nothing of the old one
    stays."""
    before = Path(burnt.run_file).read_text()
    with pytest.raises(OutputError, match="with --overwrite"):
        Run.begin(_config(tmp_path), resume=False)
    Run.begin(_config(tmp_path), resume=False, overwrite=True)
    assert Path(burnt.run_file).read_text() != before
    assert not (tmp_path / "out" / "extract").exists()


def test_nothing_is_deleted_before_all_is_validated(burnt: RunLayout, tmp_path: Path) -> None:
    """A wrong model or input leaves the old run as it is."""
    wrong = {"models": {"recall": str(tmp_path / "absent.bin")}}
    with pytest.raises(ModelError):
        Run.begin(_config(tmp_path, **wrong), resume=False, overwrite=True)
    with pytest.raises(InputError):
        Run.begin(
            _config(tmp_path, input={"paths": [str(tmp_path / "nowhere")]}),
            resume=False,
            overwrite=True,
        )
    assert (tmp_path / "out" / "extract" / "part-0.parquet").exists()


def test_what_is_no_run_or_in_use_is_never_deleted(burnt: RunLayout, tmp_path: Path) -> None:
    """A folder of other files, and a run on which a process works."""
    with holding(burnt.root), pytest.raises(LockedError):
        Run.begin(_config(tmp_path), resume=False, overwrite=True)
    Path(burnt.run_file).unlink()
    with pytest.raises(OutputError, match="holds no run, so it is not overwritten"):
        Run.begin(_config(tmp_path), resume=False, overwrite=True)
    assert (tmp_path / "out" / "extract" / "part-0.parquet").exists()


def test_the_command_asks(burnt: RunLayout, tmp_path: Path) -> None:
    """Where nobody can be asked it wants --yes; --resume contradicts it."""
    arguments = ["build", "--input", str(tmp_path / "crawl"), "--output", burnt.root, "--overwrite"]
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, ConfigError)
    assert "expected --yes" in str(refused.exception)
    contradiction = CliRunner().invoke(app, [*arguments, "--resume"])
    assert "expected one of them" in str(contradiction.exception)
    assert (tmp_path / "out" / "extract" / "part-0.parquet").exists()


def test_a_damaged_run_file_is_one_line(burnt: RunLayout, tmp_path: Path) -> None:
    """For resuming and for comparing with it alike; a new run can be begun in its place."""
    Path(burnt.run_file).write_text("{")
    with pytest.raises(DamagedRunError, match=r"run\.json is damaged.*--overwrite"):
        Run.begin(_config(tmp_path), resume=True)
    with pytest.raises(DamagedRunError):
        earlier_runs([burnt.root], RunLayout("/elsewhere"), "f")
    Run.begin(_config(tmp_path), resume=False, overwrite=True)


def test_no_run_is_the_same_line_everywhere(tmp_path: Path) -> None:
    """Whoever looks for a run."""
    line = r"holds no run \(no run\.json\); expected the output directory of a build$"
    with pytest.raises(NoRunError, match=line):
        Run.open(str(tmp_path))
    with pytest.raises(NoRunError, match=line):
        earlier_runs([str(tmp_path)], RunLayout("/elsewhere"), "f")
    for command in (["funnel"], ["verify"], ["dedup"], ["traffic"]):
        result = CliRunner().invoke(app, [*command, str(tmp_path)])
        assert isinstance(result.exception, NoRunError), command
