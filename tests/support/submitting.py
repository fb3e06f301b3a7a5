"""Submitting the sample build to a cluster as a user does: `spark-submit jobs/build.py` in a
process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark.run.layout import RunLayout

ROOT = Path(__file__).resolve().parents[2]


def submit_command(master: str, *options: str, job: str = "build") -> list[str]:
    """`spark-submit` with small executors; arguments of the job follow."""
    import pyspark

    home = Path(pyspark.__file__).parent
    return [
        str(home / "bin" / "spark-submit"),
        "--master", master,
        "--driver-memory", "700m",
        "--executor-memory", "600m",
        "--conf", "spark.driver.host=127.0.0.1",
        "--conf", "spark.driver.bindAddress=127.0.0.1",
        "--conf", "spark.sql.shuffle.partitions=4",
        "--conf", "spark.ui.enabled=false",
        "--conf", f"spark.pyspark.driver.python={sys.executable}",
        *options,
        str(ROOT / "jobs" / f"{job}.py"),
    ]  # fmt: skip


def submitter_environment(**more: str) -> dict[str, str]:
    """The driver runs this interpreter and checkout; executors inherit neither."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYSPARK_", "SPARK_")) and key != "PYTHONPATH"
    }
    import pyspark

    return {
        **kept,
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
        **more,
    }


def start(command: list[str], **more: str) -> subprocess.Popen[str]:
    """Run in the background; the driver's output and Spark's own come as one."""
    return subprocess.Popen(
        command, env=submitter_environment(**more), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def submit(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        command, env=submitter_environment(**more), capture_output=True, text=True, timeout=900
    )


def run_with_kills(
    command: list[str], moments: list[tuple[str, Callable[[], list[int]]]], **more: str
) -> tuple[str, list[str]]:
    """Run `command`; whenever its log shows the next moment, `kill -9` one of the processes that
    the moment's second part finds.

    Gives the log, and the moments at which a process was killed. A moment waits for its victim
    until the next one comes.
    """
    killed = []
    waiting = list(moments)
    open_moment: tuple[str, Callable[[], list[int]]] | None = None
    process = start(command, **more)
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or []), daemon=True)
    reader.start()
    seen = 0
    try:
        while process.poll() is None:
            for line in lines[seen:]:
                seen += 1
                if waiting and waiting[0][0] in line:
                    open_moment = waiting.pop(0)
            if open_moment is not None:
                for victim in open_moment[1]()[:1]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                        killed.append(open_moment[0])
                        open_moment = None
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    reader.join()
    log = "".join(lines)
    assert process.returncode == 0, log[-4000:]
    return log, killed


def tables(output: Path) -> dict[str, pa.Table]:
    """The rows of a run that a user keeps, each table sorted, so that equal means the same rows."""
    layout = RunLayout(str(output))
    found = {"corpus": pq.read_table(layout.corpus).sort_by("id")}
    for stage in ("dedup", "refine", "publish"):
        ledger = pq.read_table(layout.table(stage, "ledger"))
        found[f"{stage} ledger"] = ledger.sort_by(
            [(name, "ascending") for name in ("warc_file", "stage", "outcome", "reason")]
        )
    found["duplicates"] = pq.read_table(layout.table("dedup", "duplicates")).sort_by("id")
    return found
