"""Java's lines go into the trace file, ours to the console."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_NOISE = "26/11/28 22:28:26 WARN Utils: Your hostname, vm, resolves to a loopback address"
_OURS = "22:28:19 WARNING warc a.warc.gz is slow"

_PROGRAM = """
import subprocess, sys
from infimm_spark.spark import console
with console.of_java():
    java = subprocess.Popen(["/bin/sh", "-c", "read x; printf '%s\\\\n' \\"$@\\" >&2", "sh", *sys.argv[1:]],
                            stdin=subprocess.PIPE)
print("direct", file=sys.stderr, flush=True)
java.communicate(b"go")
import time; time.sleep(0.5)
if KEEP:
    print("kept in", console.keep("the end"), file=sys.stderr)
"""


def _said(tmp_path: Path, *, keep: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"KEEP = {keep}\n{_PROGRAM}", _NOISE, "\tat java.base/x", _OURS],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def test_sparks_noise_is_no_line_of_the_console(tmp_path: Path) -> None:
    """Workers' own lines arrive, Java's do not; a run that ends well leaves no file."""
    assert _said(tmp_path, keep=False) == ["direct", _OURS]
    assert list(tmp_path.iterdir()) == []


def test_the_trace_file_that_is_named_holds_all_of_it(tmp_path: Path) -> None:
    """Where an error names it the file stays."""
    lines = _said(tmp_path, keep=True)
    (file,) = tmp_path.iterdir()
    assert lines == ["direct", _OURS, f"kept in {file}"]
    assert file.read_text().splitlines() == [_NOISE, "\tat java.base/x", "the end"]
