"""What Java and its Python workers print: lines of ours go on to the console, the rest into a file
of its own.

Spark says hundreds of lines where one is enough: warnings at its start, a trace for each try of a
task. They stand in the trace file, which an error names; after a run that went well the file is
removed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO

from infimm_spark.spark import logs

log = logging.getLogger(__name__)

# A line of `logs`: for people, or an object of `JsonFormatter`.
_OURS = re.compile(rb'\d\d:\d\d:\d\d (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) |\{"time": ')
_PROGRESS = re.compile(rb"\r|\[Stage \d")

_STDERR = 2

_lock = threading.Lock()
_file: BinaryIO | None = None
_named = False


def keep(text: str) -> str | None:
    """Add to the trace file and give its path, which stays from then on; None where it cannot be
    written."""
    global _named
    file = _opened()
    if file is None:
        return None
    with _lock, contextlib.suppress(OSError, ValueError):
        file.write(text.encode("utf-8", "replace") + b"\n")
    _named = True
    return str(file.name)


@contextlib.contextmanager
def of_java() -> Iterator[None]:
    """Processes started in the block, the JVM above all, print through `forward` for as long as
    they live."""
    try:
        console = os.dup(sys.stderr.fileno())
    except (
        AttributeError,
        OSError,
        ValueError,
    ):  # no stderr of a process: a notebook, a test that captures
        yield
        return
    read_end, write_end = os.pipe()
    target = sys.stderr.fileno()
    sys.stderr.flush()
    os.dup2(write_end, target)
    os.close(write_end)
    threading.Thread(
        target=forward, args=(read_end, console), name="console of Java", daemon=True
    ).start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(console, _STDERR)


def forward(read_end: int, console: int) -> None:
    """Copy lines of ours to `console` and all others to the trace file, until the writers have
    ended."""
    rest = b""
    while piece := os.read(read_end, 1 << 16):
        if _PROGRESS.match(piece):  # Spark's bar, which is no line
            _written(console, piece)
            continue
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            _forward_line(line, console)
    if rest:
        _forward_line(rest, console)
    with contextlib.suppress(OSError):
        os.close(console)
        os.close(read_end)


def _forward_line(line: bytes, console: int) -> None:
    if _OURS.match(line):
        _written(console, line + b"\n")
        return
    file = _opened()
    if file is None:
        if logs.is_json():
            said = {
                "level": "WARNING",
                "logger": "spark",
                "message": line.decode("utf-8", "replace"),
            }
            line = json.dumps(said).encode()
        _written(console, line + b"\n")
        return
    with _lock, contextlib.suppress(OSError, ValueError):
        file.write(line + b"\n")


def _written(console: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(console, data)


def _opened() -> BinaryIO | None:
    global _file
    with _lock:
        if _file is None:
            try:
                _file = open(  # noqa: SIM115 - it is written to until the process ends
                    tempfile.mkstemp(prefix="infimm-trace-", suffix=".txt")[1], "ab", buffering=0
                )
            except OSError:
                return None
            atexit.register(_forget)
        return _file


def _forget() -> None:
    if _file is not None and not _named:
        with contextlib.suppress(OSError):
            os.unlink(_file.name)
