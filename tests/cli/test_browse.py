"""`infimm browse` on the command line: what is wrong is one line."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from browsed_run import write_run
from commands import infimm


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["nothing"], "nothing holds no run", 26),
        (["run", "run", "--compare", "--port", "0", "--labels", "no/l.jsonl"], "does not exist", 11),
        (["run", "--compare"], "--compare RUN_A RUN_B", 10),
        (["run", "--queue", "nowhere"], "infimm mine", 10),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(tmp_path: Path, arguments: list[str], says: str, code: int) -> None:
    """No run, no folder for labels, one run to compare, no queue: named, with an exit code."""
    write_run(tmp_path)
    done = infimm("browse", *arguments, cwd=tmp_path)
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.returncode == code


def test_a_server_starts_and_ends(tmp_path: Path) -> None:
    """It prints its address, answers who has the token, and ends by Ctrl-C; a second server on its
    port is refused in a line."""
    write_run(tmp_path)
    command = [sys.executable, "-m", "infimm_spark.cli", "browse", "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        assert server.stdout is not None
        assert "5 pages" in server.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", server.stdout.readline())
        assert found is not None
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"Sums of numbers" in opener.open(found[0], timeout=60).read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=60)
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", int(found[1])), 5):
            pass
        refused = infimm("browse", "run", "--port", found[1], cwd=tmp_path)
        assert f"port {found[1]}" in refused.stderr
        server.send_signal(signal.SIGINT)
        server.wait(60)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run_id"] == "r"
