"""What a session's jobs are doing now, for the display of progress."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyspark.accumulators import AccumulatorParam

from infimm_spark import progress

if TYPE_CHECKING:
    from pyspark import Accumulator, SparkContext
    from pyspark.sql import SparkSession

FILES = "files"
"""Key of WARC files among the counts."""

_EVERY = 1.0  # seconds between two looks


class _Counts(AccumulatorParam[dict[str, int]]):
    def zero(self, value: dict[str, int]) -> dict[str, int]:
        return {}

    def addInPlace(self, value1: dict[str, int], value2: dict[str, int]) -> dict[str, int]:  # noqa: N802
        for name, count in value2.items():
            value1[name] = value1.get(name, 0) + count
        return value1


def outcome_counts(context: SparkContext) -> Accumulator[dict[str, int]] | None:
    """Counts that tasks add to for the display, None where nothing is shown.

    They are for people to look at while a build runs: a task that is tried again counts twice. The
    account of a run is its ledger.
    """
    return context.accumulator({}, _Counts()) if progress.is_shown() else None


@contextlib.contextmanager
def watched(
    spark: SparkSession,
    task: progress.Task,
    counts: Accumulator[dict[str, int]] | None = None,
    *,
    by_spark: bool = True,
) -> Iterator[None]:
    """Keep `task` up to date while the block runs: Spark's tasks, the slowest of them, `counts`.

    With `by_spark` the task's own numbers are Spark's tasks of the jobs that run.
    """
    if not progress.is_shown():
        yield
        return
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_EVERY):
            # The display must never end a build: a context that stops answers with errors.
            with contextlib.suppress(Exception):
                _update(spark.sparkContext, task, by_spark)
                if counts is not None:
                    _count(task, dict(counts.value))

    thread = threading.Thread(target=look, name="watching Spark", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _count(task: progress.Task, counts: dict[str, int]) -> None:
    files = counts.pop(FILES, 0)
    task.done = min(task.begun_at + files, task.total or files)
    task.counts = dict(sorted(counts.items(), key=_place))


_ORDER = ("read", "kept", "dropped", "failed")


def _place(item: tuple[str, int]) -> int:
    return _ORDER.index(item[0]) if item[0] in _ORDER else len(_ORDER)


def _update(context: SparkContext, task: progress.Task, by_spark: bool) -> None:
    tracker = context.statusTracker()
    total = done = failed = 0
    slowest = 0.0
    for number in tracker.getActiveStageIds():
        stage = tracker.getStageInfo(number)
        if stage is not None:
            total += stage.numTasks
            done += stage.numCompletedTasks
            failed += stage.numFailedTasks
            slowest = max(slowest, _longest(context, number, stage.currentAttemptId))
    if by_spark:
        task.total, task.done = total or None, done
    notes = {}
    if slowest >= 1:
        notes["slowest task"] = f"{slowest:.0f} s"
    if failed:
        notes["failed tasks"] = f"{failed:,}"
    task.notes = notes


def _longest(context: SparkContext, stage: int, attempt: int) -> float:
    """Seconds that the longest running task of a stage has taken."""
    jvm: Any = context
    tasks = jvm._jsc.sc().statusStore().taskList(stage, attempt, 1000)
    now = time.time() * 1000
    begun = []
    for place in range(tasks.size()):
        one = tasks.apply(place)
        if one.status() == "RUNNING":
            begun.append(one.launchTime().getTime())
    return (now - min(begun)) / 1000 if begun else 0.0
