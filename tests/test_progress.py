"""What a long command shows of its work."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_run import document, write_run

from infimm_spark import progress
from infimm_spark.cli.app import app
from infimm_spark.cli.ending import run_command


@pytest.fixture(autouse=True)
def _mode() -> Iterator[None]:
    yield
    progress.show("off")


def test_words_say_what_is_done_and_how_long_it_takes() -> None:
    """Done of all, counts with a rate, what is left, and notes."""
    task = progress.Task("extract", "WARC files", 40, done=10, started=time.monotonic() - 100)
    task.counts = {"read": 5000, "failed": 2}
    task.notes = {"slowest task": "45 s"}
    assert task.words() == (
        "extract: 10 of 40 WARC files, read 5,000 (50 a second), failed 2, about 5 min left, "
        "slowest task 45 s"
    )


def test_what_an_earlier_process_did_is_no_rate() -> None:
    """A resumed task tells nothing of the time left before it has done something itself."""
    task = progress.Task("extract", "WARC files", 40, done=20, begun_at=20)
    assert task.seconds_left is None


def test_without_a_display_nothing_runs() -> None:
    """A library's work starts no thread."""
    with progress.task("work", 3) as task:
        task.advance(2, kept=1)
        assert not [t for t in threading.enumerate() if t.name == "progress"]
    assert task.counts == {"kept": 1}


def test_where_there_is_no_terminal_lines_are_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The innermost task is told from time to time, and not after it has ended."""
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    caplog.set_level(logging.INFO, "infimm_spark")
    progress.show("lines")
    with progress.task("build", 4, "stages"), progress.task("dedup", 7) as task:
        task.advance(3)
        until = time.monotonic() + 10
        while not caplog.messages and time.monotonic() < until:
            time.sleep(0.01)
    assert caplog.messages[0].startswith("dedup: 3 of 7 tasks")
    assert "memory" in caplog.messages[0]
    assert not [t for t in threading.enumerate() if t.name == "progress"]


_LIVE = """
import logging, sys, time
from infimm_spark import progress
from infimm_spark.spark import logs
logs.configure()
progress.show("live")
with progress.task("grading", 5, "documents") as task:
    task.advance(3, kept=2)
    time.sleep(1.2)
    logging.getLogger("infimm_spark.x").info("a line between")
    time.sleep(0.8)
print("end")
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
def test_in_a_terminal_the_display_is_live_and_log_lines_stay_whole() -> None:
    """The task is drawn with its numbers; a log line stands by itself above it."""
    reader, writer = os.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", _LIVE],
        stderr=writer,
        stdout=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(writer)
    shown = b""
    while True:
        try:
            piece = os.read(reader, 4096)
        except OSError:  # the terminal's other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(reader)
    out, _ = child.communicate(timeout=60)
    text = shown.decode()
    assert out == b"end\n"
    assert "grading" in text
    assert "3 of 5 documents" in text
    line = next(part for part in text.splitlines() if "a line between" in part)
    assert "documents" not in line


def test_quiet_may_stand_after_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of all commands are read wherever they stand."""
    modes: list[str] = []
    monkeypatch.setattr(progress, "show", modes.append)
    layout = write_run(tmp_path, [document(1)])
    for words in (["funnel", layout.root, "--quiet"], ["funnel", "--no-progress", layout.root]):
        assert run_command(lambda words=words: app(words, standalone_mode=False)) == 0
    assert run_command(lambda: app(["funnel", layout.root], standalone_mode=False)) == 0
    assert modes == ["off", "off", "lines"]


def test_memory_holds_that_of_children() -> None:
    """What a process started counts as its own."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("there is no /proc here")
    assert progress.memory_used() > 1_000_000
