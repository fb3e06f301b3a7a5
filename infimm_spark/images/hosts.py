"""Whose turn it is: URLs queue by host, so that no host is asked by too many at once.

Nothing here waits or connects; the clock is given, and tests turn it by hand.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Host(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    later: list[tuple[float, int, T]] = field(default_factory=list)
    busy: int = 0
    free_at: float = 0.0
    failures: int = 0
    given_up: str | None = None
    delay: float = 0.0


class HostQueue(Generic[T]):
    """Work by host. `put` what is to be done, `take` what may be done now, `done` when it is.

    A host has at most `per_host` of its entries taken at the same time, at least `delay` seconds
    apart, and none before a pause is over. After `max_failures` failures in a row it is given up:
    its entries come out of `abandoned`.
    """

    def __init__(
        self,
        per_host: int,
        delay: float = 0.0,
        max_failures: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_host = per_host
        self._delay = delay
        self._max_failures = max_failures
        self._clock = clock
        self._hosts: dict[str, _Host[T]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()
        self._abandoned: list[tuple[T, str]] = []
        self.size = 0
        """Entries that wait, those taken not among them."""

    def put(self, host: str, entry: T, seconds: float = 0.0) -> None:
        """Queue an entry, to be taken in `seconds` at the earliest."""
        queue = self._hosts.setdefault(host, _Host(delay=self._delay))
        if queue.given_up is not None:
            self._abandoned.append((entry, queue.given_up))
            return
        self.size += 1
        if seconds > 0:
            heapq.heappush(queue.later, (self._clock() + seconds, next(self._numbers), entry))
        else:
            queue.waiting.append(entry)
        self._offer(host, queue)

    def take(self) -> tuple[str, T] | float | None:
        """(host, entry) to work on now; else the seconds after which to ask again; None when
        nothing waits. With nothing to wait for but work in hand, infinity."""
        now = self._clock()
        while self._ready:
            when, _, host = self._ready[0]
            if when > now:
                return when - now
            heapq.heappop(self._ready)
            queue = self._hosts.get(host)
            if queue is None:
                continue
            entry = self._next(queue, now)
            if entry is None:
                self._offer(host, queue)
                continue
            self.size -= 1
            queue.busy += 1
            queue.free_at = max(queue.free_at, now + queue.delay)
            self._offer(host, queue)
            return host, entry
        return float("inf") if self.size else None

    def done(self, host: str, *, failed: bool = False) -> None:
        """An entry of the host was worked on; `failed` says that the host could not be reached."""
        queue = self._hosts[host]
        queue.busy -= 1
        queue.failures = queue.failures + 1 if failed else 0
        if queue.failures >= self._max_failures:
            self.give_up(host, "unreachable")
        self._offer(host, queue)
        is_idle = not (queue.busy or queue.waiting or queue.later or queue.failures)
        is_usual = queue.given_up is None and queue.delay == self._delay
        if is_idle and is_usual and queue.free_at <= self._clock():
            del self._hosts[host]

    def pause(self, host: str, seconds: float) -> None:
        """Take nothing of the host for so long."""
        queue = self._hosts.setdefault(host, _Host(delay=self._delay))
        queue.free_at = max(queue.free_at, self._clock() + seconds)

    def slow_down(self, host: str, delay: float) -> None:
        """Keep at least `delay` seconds between two entries of the host."""
        queue = self._hosts.setdefault(host, _Host(delay=self._delay))
        queue.delay = max(queue.delay, delay)

    def give_up(self, host: str, why: str) -> None:
        """Take nothing more of the host: what waits, and whatever is put later, is abandoned."""
        queue = self._hosts.setdefault(host, _Host(delay=self._delay))
        queue.given_up = given_up = queue.given_up or why
        left = [*queue.waiting, *(entry for _, _, entry in queue.later)]
        self.size -= len(left)
        self._abandoned += ((entry, given_up) for entry in left)
        queue.waiting.clear()
        queue.later.clear()

    def abandoned(self) -> Iterator[tuple[T, str]]:
        """(entry, why) of hosts that were given up, each once."""
        while self._abandoned:
            yield self._abandoned.pop()

    def _offer(self, host: str, queue: _Host[T]) -> None:
        """Let the host be looked at when its next entry may be taken."""
        if queue.busy >= self._per_host or not (queue.waiting or queue.later):
            return
        when = queue.free_at if queue.waiting else max(queue.free_at, queue.later[0][0])
        heapq.heappush(self._ready, (when, next(self._numbers), host))

    def _next(self, queue: _Host[T], now: float) -> T | None:
        """The host's next entry, if one may be taken now."""
        if queue.busy >= self._per_host or queue.free_at > now:
            return None
        if queue.later and queue.later[0][0] <= now:
            return heapq.heappop(queue.later)[2]
        return queue.waiting.popleft() if queue.waiting else None
