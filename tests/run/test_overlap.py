"""Of two processes on one output one works, and one that lost its run publishes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from infimm_spark.config import load_config
from infimm_spark.errors import LockedError, LockLostError, OutputError
from infimm_spark.run.lock import holding, run_lock
from infimm_spark.run.run import Run
from infimm_spark.sample import write_sample_crawl


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that was begun."""
    write_sample_crawl(tmp_path / "crawl")
    return _begun(tmp_path)


def _begun(folder: Path, **options: bool) -> Run:
    values = {"input": {"paths": [str(folder / "crawl")]}, "output": str(folder / "out")}
    return Run.begin(load_config(None, values), **{"resume": False, **options})


def test_a_second_build_is_told_who_works_there(run: Run, tmp_path: Path) -> None:
    """With --resume and without, as a scheduler that fires twice gives it."""
    with run.held():
        for resume in (False, True):
            with pytest.raises(LockedError, match=r"is in use by .* since .*--take-over"):
                _begun(tmp_path, resume=resume)
        with pytest.raises(LockedError), Run.open(run.layout.root).held():
            pass
    with pytest.raises(OutputError, match="holds run"):
        _begun(tmp_path)
    with _begun(tmp_path, resume=True).held():
        pass


def test_a_run_that_was_taken_over_publishes_nothing(run: Run, tmp_path: Path) -> None:
    """The first one is stopped at its next commit; whatever failed since, the loss is what it
    says."""
    other = _begun(tmp_path, resume=True, take_over=True)

    def work_and_lose_it() -> None:
        with run.held(), other.held():
            assert not run.holds()
            run.fence()

    with pytest.raises(LockLostError, match="took over; nothing more is written"):
        work_and_lose_it()

    def fail_after_losing_it() -> None:
        with _begun(tmp_path, resume=True).held():
            run_lock(run.layout.root, take_over=True).__enter__()
            raise ValueError("a job that was cancelled")

    with pytest.raises(LockLostError):
        fail_after_losing_it()


def test_readers_need_no_lock(run: Run) -> None:
    """While one works, others look at the run."""
    with holding(run.layout.root):
        assert Run.open(run.layout.root).run_id == run.run_id
