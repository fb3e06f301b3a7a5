"""A lock that expires: one holder at a time, takeover after silence, nothing left behind."""

from __future__ import annotations

import datetime as dt
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
            pytest.raises(LockedError, match=r"is held by \S+ until 2026-11-01T00:15:00Z"),
            Lock(location, now=clock),
        ):
            pass
        clock.advance(14)
        with pytest.raises(LockedError), Lock(location, now=clock):
            pass
    with Lock(location, now=clock):
        pass


def test_a_silent_holder_loses_the_lock_and_learns_it(tmp_path: Path) -> None:
    """After its term another takes over; the first may neither go on nor release the other's term."""
    clock = Clock()
    location = str(tmp_path / "lock")
    stalled = Lock(location, now=clock)
    stalled.__enter__()
    clock.advance(15)
    with Lock(location, now=clock) as taker:
        with pytest.raises(LockLostError, match="lost the lock"):
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
