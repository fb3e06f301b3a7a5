"""`infimm` as a process of its own, forked from one that has loaded its modules.

A Python that starts and imports them takes a second of processor time, a command that refuses its
input some milliseconds. What a process keeps to itself stays so: environment, working directory,
standard streams, exit code.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    ["infimm_spark.cli", "infimm_spark.run.pipeline", "infimm_spark.inspect.page"]
)


def infimm(
    *arguments: str | Path, cwd: Path | None = None, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What a command wrote and how it ended; `environment` is added to this process's own."""
    words = ["infimm", *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdout", "stderr")]
        values = {**os.environ, "COLUMNS": "200", **environment}
        process = _FORKED.Process(target=_run, args=(words, values, cwd, streams))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout)
        said = [stream.read_text("utf-8") for stream in streams]
    return subprocess.CompletedProcess(words, process.exitcode, *said)


def _run(
    words: list[str], environment: dict[str, str], cwd: Path | None, streams: list[Path]
) -> None:
    for number, stream in enumerate(streams, start=1):
        with stream.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd or os.getcwd())
    sys.argv = words
    from infimm_spark.cli import main

    main()
