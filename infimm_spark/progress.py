"""What a long command is doing: a live display in a terminal, else a log line every half minute.

Work names itself with `task`; where nobody asked for a display – in a library, a notebook, a test –
that costs nothing. `show` says how to show it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

Mode = Literal["off", "lines", "live"]

SECONDS = 30.0
"""Between two log lines."""
_FRAME = 0.5  # seconds between two pictures of a live display

log = logging.getLogger(__name__)


@dataclass
class Task:
    """A piece of work: `done` of `total` units, and counts of what came out."""

    name: str
    unit: str = "tasks"
    total: int | None = None
    done: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    """More that is worth saying now, such as the slowest task."""
    started: float = field(default_factory=time.monotonic)
    begun_at: int = 0
    """What was done before this process began: a rate says nothing of it."""

    def advance(self, n: int = 1, **counts: int) -> None:
        """Add to what is done, and to counts."""
        with _lock:
            self.done += n
            for name, count in counts.items():
                self.counts[name] = self.counts.get(name, 0) + count

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """By the rate so far; None where nothing is known of it."""
        fresh = self.done - self.begun_at
        if not self.total or fresh <= 0 or self.done >= self.total:
            return None
        return self.seconds / fresh * (self.total - self.done)

    def words(self) -> str:
        """`extract: 12 of 40 WARC files, read 5,300 (177 a second), kept 120`, and so on."""
        with _lock:
            counts, notes = dict(self.counts), dict(self.notes)
        of = f" of {self.total:,}" if self.total else ""
        parts = [f"{self.name}: {self.done:,}{of} {self.unit}"]
        for place, (name, count) in enumerate(counts.items()):
            rate = f" ({count / self.seconds:,.0f} a second)" if not place and count else ""
            parts.append(f"{name} {count:,}{rate}")
        if (left := self.seconds_left) is not None:
            parts.append(f"about {_duration(left)} left")
        parts += [f"{name} {note}" for name, note in notes.items()]
        return ", ".join(parts)


_lock = threading.Lock()
_mode: Mode = "off"
_tasks: list[Task] = []
_display: _Display | None = None


def show(mode: Mode) -> None:
    """Show tasks from now on: not at all, as log lines, or live in a terminal."""
    global _mode
    _mode = mode


def is_shown() -> bool:
    """Whether tasks are shown: facts that cost something are gathered only then."""
    return _mode != "off"


@contextlib.contextmanager
def task(
    name: str, total: int | None = None, unit: str = "tasks", *, done: int = 0
) -> Iterator[Task]:
    """A piece of work for as long as the block runs; tasks may lie in each other."""
    global _display
    own = Task(name, unit, total, done=done, begun_at=done)
    with _lock:
        _tasks.append(own)
        begins = _display is None and _mode != "off"
        if begins:
            _display = _Display(_mode)
    try:
        yield own
    finally:
        with _lock:
            _tasks.remove(own)
            ends = _display if not _tasks else None
            if ends is not None:
                _display = None
        if ends is not None:
            ends.close()


class _Display:
    """Shows all tasks from a thread of its own until it is closed."""

    def __init__(self, mode: Mode) -> None:
        self._stop = threading.Event()
        loop = self._live if mode == "live" else self._lines
        self._thread = threading.Thread(target=loop, name="progress", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _lines(self) -> None:
        while not self._stop.wait(SECONDS):
            with _lock:
                current = list(_tasks)
            for own in current[-1:]:
                log.info("%s, memory %s", own.words(), _size(memory_used()))

    def _live(self) -> None:
        from rich.console import Console
        from rich.live import Live

        # A descriptor of its own: while a JVM is started the process's stderr leads elsewhere.
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(os.fdopen(os.dup(sys.stderr.fileno()), "w"))
            console = Console(file=stream, force_terminal=True)
            live = Live(console=console, auto_refresh=False, transient=True, redirect_stderr=False)
            stack.enter_context(live)
            stack.enter_context(_logs_above(console.print))
            while not self._stop.wait(_FRAME):
                live.update(_picture(), refresh=True)


def _picture() -> Table:
    """The tasks as a table: name, bar, what is done, what came out."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    with _lock:
        current = list(_tasks)
    grid = Table.grid(padding=(0, 1))
    for own in current:
        bar = ProgressBar(own.total, min(own.done, own.total or 0), width=24, pulse=not own.total)
        name, _, words = own.words().partition(": ")
        grid.add_row(Text(name, style="bold"), bar, Text(words))
    clock = max((own.seconds for own in current), default=0.0)
    about = f"{_duration(clock)}, memory {_size(memory_used())}"
    grid.add_row(Text("", style="dim"), Text(about, style="dim"), Text(""))
    return grid


@contextlib.contextmanager
def _logs_above(write: Callable[..., None]) -> Iterator[None]:
    """Log lines stand above the live display instead of through it."""

    class Above(io.TextIOBase):
        def write(self, text: str) -> int:
            if text.strip("\n"):
                write(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
            return len(text)

    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
    ]
    for handler in handlers:
        handler.setStream(Above())
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(sys.stderr)


def memory_used() -> int:
    """Bytes of memory that this process and those it started hold (0 where /proc is not)."""
    try:
        processes = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    except OSError:
        return 0
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for number in processes:
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
                # The name may hold blanks and brackets: fields count from its last bracket.
                fields = file.read().rpartition(")")[2].split()
            parents[number], sizes[number] = int(fields[1]), int(fields[21]) * page
    own, found = os.getpid(), 0
    for number in parents:
        above = number
        while above not in (own, 0, 1) and above in parents:
            above = parents[above]
        found += sizes[number] if above == own else 0
    return found


def _size(value: int) -> str:
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
