"""A lock that expires: one holder at a time, takeover after silence, nothing left behind."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.errors import LockedError, LockLostError, OutputError
from infimm_spark.run.lock import Lock


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.time = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time

    def advance(self, minutes: float) -> None:
        self.time += dt.timedelta(minutes=minutes)


def test_a_second_holder_is_told_who_holds_and_until_when(tmp_path: Path) -> None:
    """While one holds the lock, another is refused; after the block it is free."""
    clock = Clock()
    location = str(tmp_path / "lock")
    with Lock(location, now=clock):
        with (
            pytest.raises(
                LockedError,
                match=r"is in use by .* since 2026-11-01T00:00:00Z; .* --take-over now or without it after "
                r"2026-11-01T00:15:00Z",
            ),
            Lock(location, now=clock),
        ):
            pass
        clock.advance(14)
        with pytest.raises(LockedError), Lock(location, now=clock):
            pass
    with Lock(location, now=clock):
        pass


def test_a_silent_holder_loses_the_lock_and_learns_it(tmp_path: Path) -> None:
    """After its term another takes over; the first may neither go on nor release the other's
    term."""
    clock = Clock()
    location = str(tmp_path / "lock")
    stalled = Lock(location, now=clock)
    stalled.__enter__()
    clock.advance(15)
    with Lock(location, now=clock) as taker:
        with pytest.raises(LockLostError, match="silent for too long"):
            stalled.check()
        stalled.extend()
        stalled.__exit__()
        taker.check()
        with pytest.raises(LockedError), Lock(location, now=clock):
            pass


def test_extending_keeps_the_lock(tmp_path: Path) -> None:
    """A holder that gives signs of life holds on beyond its first term."""
    clock = Clock()
    location = str(tmp_path / "lock")
    with Lock(location, now=clock) as holder:
        clock.advance(10)
        holder.extend()
        clock.advance(10)
        with pytest.raises(LockedError), Lock(location, now=clock):
            pass


def test_a_holder_gives_signs_of_life_by_itself(tmp_path: Path) -> None:
    """The lock outlives its term while its block runs."""
    location = str(tmp_path / "lock")
    with Lock(location, minutes=0.01) as holder:
        threading.Event().wait(1.2)
        with pytest.raises(LockedError), Lock(location, minutes=0.01):
            pass
        holder.check()


@given(takers=st.integers(2, 8))
def test_of_many_takers_one_wins(tmp_path_factory: pytest.TempPathFactory, takers: int) -> None:
    """However many start at once, one holds the lock and the others are refused."""
    location = str(tmp_path_factory.mktemp("lock") / "lock")
    start, done = threading.Barrier(takers), threading.Barrier(takers)
    outcomes: list[str] = []

    def take() -> None:
        start.wait()
        try:
            with Lock(location):
                outcomes.append("held")
                done.wait()
        except LockedError:
            outcomes.append("refused")
            done.wait()

    threads = [threading.Thread(target=take) for _ in range(takers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["held", *["refused"] * (takers - 1)]


def test_old_terms_are_forgotten(tmp_path: Path) -> None:
    """A lock used many times stays a handful of files."""
    for _ in range(8):
        with Lock(str(tmp_path / "lock")):
            pass
    assert len(list((tmp_path / "lock").iterdir())) <= 4


def test_a_damaged_term_is_named(tmp_path: Path) -> None:
    """A file that is no term is refused by name rather than taken for free."""
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock" / "00000001.json").write_text("{}")
    with (
        pytest.raises(OutputError, match=r"00000001\.json is damaged"),
        Lock(str(tmp_path / "lock")),
    ):
        pass


def _lines_of_a_holder(location: str) -> str:
    return (
        "import sys, time; from infimm_spark.run.lock import Lock\n"
        f"lock = Lock({location!r}); lock.__enter__(); print('held', flush=True); time.sleep(60)"
    )


def test_a_holder_that_was_killed_here_is_followed_at_once(tmp_path: Path) -> None:
    """A process of this machine that lives keeps the lock; once it is dead nobody waits for its
    term."""
    location = str(tmp_path / "lock")
    command = [sys.executable, "-c", _lines_of_a_holder(location)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"process {holder.pid} on "), Lock(location):
            pass
        holder.kill()
        holder.wait()
        with Lock(location):
            pass


def test_a_holder_on_another_machine_is_not_judged(tmp_path: Path) -> None:
    """The same process number says nothing where another machine, boot or container wrote it."""
    location = str(tmp_path / "lock")
    with Lock(location):
        term = next((tmp_path / "lock").glob("*.json"))
        content = json.loads(term.read_text())
        content["holder"] |= {"machine": "another", "pid": 2**22 + 1}
        term.write_text(json.dumps(content))
        with pytest.raises(LockedError), Lock(location):
            pass


def test_a_living_holder_can_be_put_out_of_its_turn(tmp_path: Path) -> None:
    """Who says that the holder is dead takes over at once; a holder that lives all the same learns
    it."""
    location = str(tmp_path / "lock")
    lost = threading.Event()
    with Lock(location, minutes=0.01, on_loss=lost.set) as first:
        Lock(location, take_over=True).__enter__()
        with pytest.raises(LockLostError):
            first.check()
        assert lost.wait(10)


def test_a_term_that_ended_unnoticed_is_followed_by_the_holders_next(tmp_path: Path) -> None:
    """A machine that slept goes on where nobody came in between; and then nobody else can have the
    lock."""
    clock = Clock()
    location = str(tmp_path / "lock")
    with Lock(location, now=clock) as holder:
        clock.advance(60)
        holder.check()
        with pytest.raises(LockedError), Lock(location, now=clock):
            pass
        holder.check()


def test_a_holder_of_long_ago_does_not_come_back(tmp_path: Path) -> None:
    """Also when all terms near its own are forgotten."""
    clock = Clock()
    location = str(tmp_path / "lock")
    stalled = Lock(location, now=clock)
    stalled.__enter__()
    clock.advance(15)
    for _ in range(6):
        with Lock(location, now=clock):
            pass
    with pytest.raises(LockLostError):
        stalled.check()
    stalled.__exit__()
    assert "00000001.json" not in os.listdir(location)


def test_what_did_nothing_leaves_no_term(tmp_path: Path) -> None:
    """A refused run takes its term along."""
    with Lock(str(tmp_path / "lock")) as lock:
        lock.leave_nothing()
    assert not list(tmp_path.rglob("*.json"))
