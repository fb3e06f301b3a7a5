"""URLs queue by host; a clock turned by hand shows whose turn it is."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.images.hosts import HostQueue


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_hosts_take_turns() -> None:
    """A host with much to do does not hold up another."""
    queue: HostQueue[int] = HostQueue(per_host=1, clock=Clock())
    for entry in range(3):
        queue.put("a", entry)
    queue.put("b", 9)
    assert queue.take() == ("a", 0)
    assert queue.take() == ("b", 9)
    assert queue.take() == float("inf")
    queue.done("a")
    assert queue.take() == ("a", 1)


def test_a_delay_keeps_requests_apart() -> None:
    """The next entry of a host waits for the seconds that are left."""
    clock = Clock()
    queue: HostQueue[int] = HostQueue(per_host=5, delay=2.0, clock=clock)
    queue.put("a", 1)
    queue.put("a", 2)
    assert queue.take() == ("a", 1)
    assert queue.take() == 2.0
    clock.now = 2.0
    assert queue.take() == ("a", 2)


def test_a_pause_holds_for_all_of_the_host() -> None:
    """Nothing of a paused host is taken, and another host's is."""
    clock = Clock()
    queue: HostQueue[int] = HostQueue(per_host=5, clock=clock)
    queue.put("a", 1)
    queue.pause("a", 30.0)
    queue.put("b", 2)
    assert queue.take() == ("b", 2)
    assert queue.take() == 30.0
    clock.now = 30.0
    assert queue.take() == ("a", 1)


def test_a_host_is_given_up_after_failures_in_a_row() -> None:
    """A success in between starts the count anew; what waits, and what comes later, is handed
    back."""
    queue: HostQueue[int] = HostQueue(per_host=1, max_failures=2, clock=Clock())
    for entry in range(6):
        queue.put("a", entry)
    for failed in (True, False, True, True):
        assert isinstance(queue.take(), tuple)
        queue.done("a", failed=failed)
    queue.put("a", 7)
    assert sorted(queue.abandoned()) == [(n, "unreachable") for n in (4, 5, 7)]
    assert queue.take() is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.0, 1.0, 7.0])), max_size=40),
    st.integers(1, 3),
    st.sampled_from([0.0, 1.5]),
)
def test_everything_is_taken_once_within_the_limits(
    entries: list[tuple[str, float]], per_host: int, delay: float
) -> None:
    """Whatever is put comes out once, and never more than allowed of a host at a time."""
    clock = Clock()
    queue: HostQueue[int] = HostQueue(per_host, delay, clock=clock)
    for number, (host, seconds) in enumerate(entries):
        queue.put(host, number, seconds)
    out: list[int] = []
    busy: list[str] = []
    last: dict[str, float] = {}
    while (found := queue.take()) is not None:
        if isinstance(found, tuple):
            host, number = found
            assert clock.now >= entries[number][1]
            assert clock.now - last.get(host, float("-inf")) >= delay
            last[host] = clock.now
            out.append(number)
            busy.append(host)
            assert max(Counter(busy).values()) <= per_host
        elif found == float("inf"):
            queue.done(busy.pop(0))
        else:
            clock.now += found
    assert sorted(out) == list(range(len(entries)))
