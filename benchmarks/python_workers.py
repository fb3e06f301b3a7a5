"""Processor time of local Python workers: Spark's own daemon beside `infimm_spark.spark.daemon`.

    python benchmarks/python_workers.py --times 3

In pairs of sessions in one JVM: the first use of pandas and Arrow in two fresh workers, and then a
small task, the mean of many.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from infimm_spark.config import SparkConfig  # noqa: E402
from infimm_spark.spark.daemon import MODULE  # noqa: E402
from infimm_spark.spark.session import open_session  # noqa: E402

_TASKS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3, help="pairs of sessions")
    options = parser.parse_args()
    seconds = [(_measured("pyspark.daemon"), _measured(MODULE)) for _ in range(options.times)]
    for number, name in enumerate(("two workers until their first row", "a small task")):
        theirs, ours = (
            statistics.median(pair[side][number] for pair in seconds) for side in (0, 1)
        )
        print(
            f"{name}: {theirs * 1000:.0f} ms, ours {ours * 1000:.0f} ms, {ours / theirs:.2f} of it"
        )


def _measured(module: str) -> tuple[float, float]:
    """Processor seconds of the workers until the first row, and of a small task thereafter."""
    conf = {"spark.ui.enabled": "false", "spark.python.daemon.module": module}
    spark = open_session(SparkConfig(master="local[2]", conf=conf))
    try:
        before = _worker_seconds()
        for tasks in (2, _TASKS):
            spark.range(tasks, numPartitions=tasks).mapInArrow(_same, "id long").collect()
            if tasks == 2:
                first = _worker_seconds()
        return first - before, (_worker_seconds() - first) / _TASKS
    finally:
        spark.stop()
        while _worker_seconds():  # those of a session end some time after it
            time.sleep(0.1)


def _same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pandas  # noqa: F401

    return batches


def _worker_seconds() -> float:
    """User and system time of all daemons and workers there are."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"daemon\0pyspark.worker" not in (folder / "cmdline").read_bytes():
                continue
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if _is_ours(int(folder.name)):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _is_ours(pid: int) -> bool:
    """Whether a process descends from this one."""
    while pid > 1:
        if pid == os.getpid():
            return True
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        pid = int(stat.rpartition(")")[2].split()[1])
    return False


if __name__ == "__main__":
    main()
