"""A full snapshot without its bytes: does the driver hold, and what do tasks and the ledger cost?

    python benchmarks/scale.py                    # 90,000 WARC paths, ledger of 4 million rows
    python benchmarks/scale.py --only ledger      # without Spark

A listing of 90,000 paths goes through the real extract stage with a stub in the extractor's place:
listed, grouped, ledgered, interrupted and resumed, on a driver of 1 GB. Scheduling is measured with
tasks that do nothing. `reconcile` and the funnel are measured on a ledger as long as 44 snapshots
leave.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile

SNAPSHOT = "CC-MAIN-2023-50"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=90_000)
    parser.add_argument("--group-size", type=int, default=9_000)
    parser.add_argument("--slices", type=int, default=20, help="Spark partitions of a group")
    parser.add_argument("--rows", type=int, default=4_000_000, help="of the ledger")
    parser.add_argument("--only", choices=("extract", "scheduling", "ledger"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infimm-scale-") as folder:
        if options.only in (None, "ledger"):
            _ledger(Path(folder), options.rows)
        if options.only in (None, "extract", "scheduling"):
            _with_spark(Path(folder), options)


def _ledger(folder: Path, rows: int) -> None:
    """Reconcile and funnel of a finished run's ledger, as `infimm funnel` does it."""
    layout = RunLayout(str(folder / "ledger-run"))
    target = Path(layout.table("dedup", "ledger"))
    target.mkdir(parents=True)
    files = rows // 4
    names = [
        f"crawl-data/{SNAPSHOT}/segments/{i % 100}/warc/CC-MAIN-{i:08d}.warc.gz"
        for i in range(files)
    ]
    outcomes = (("read", None, 30_000), ("kept", None, 2_500), ("dropped", "language", 17_500),
                ("failed", "timeout", 10_000))  # fmt: skip
    for outcome, reason, count in outcomes:
        table = pa.table(
            [names, ["extract"] * files, [outcome] * files, [reason] * files, [count] * files],
            schema=schemas.LEDGER,
        )
        pq.write_table(table, target / f"{outcome}.parquet", compression="zstd")
        del table
    del names
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    stages = reconcile(tables.ledger(layout))
    seconds = time.perf_counter() - started
    assert stages[0].read == files * 30_000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"reconcile and funnel over {rows:,} ledger rows: {seconds:.1f} s, target 60 s")
    print(f"  memory: {peak / 1e6:.2f} GB at most, {before / 1e6:.2f} GB before")


def _with_spark(folder: Path, options: argparse.Namespace) -> None:
    from infimm_spark.config import load_config
    from infimm_spark.run.run import Run

    listing = folder / "warc.paths.gz"
    with gzip.open(listing, "wt") as file:
        for i in range(options.files):
            file.write(f"crawl-data/{SNAPSHOT}/segments/{i % 100}/warc/CC-MAIN-{i:08d}.warc.gz\n")
    config = load_config(
        None,
        {
            "input": {"paths": [str(listing)]},
            "output": str(folder / "run"),
            "extract": {"group_size": options.group_size, "partitions": options.slices},
            "spark": {
                "master": f"local[{os.cpu_count()}]",
                "conf": {
                    "spark.driver.memory": "1g",
                    "spark.ui.enabled": "false",
                    "spark.sql.shuffle.partitions": "4",
                },
            },
        },
    )
    started = time.perf_counter()
    run = Run.begin(config, resume=False)
    print(f"{len(run.warcs):,} paths listed and checked: {time.perf_counter() - started:.1f} s")
    spark = run.spark
    if options.only in (None, "scheduling"):
        _scheduling(spark, options.files)
    if options.only in (None, "extract"):
        _extract(run, options)
    heap = _heap(spark)
    print(f"driver heap: {heap:.2f} GB in use after it all, limit (-Xmx) 1 GB, target 1 GB")
    spark.stop()


def _scheduling(spark: Any, tasks: int) -> None:
    """Wall time of tasks that do nothing, inside the JVM."""
    spark.range(0, 100, 1, 100).write.format("noop").mode("overwrite").save()
    started = time.perf_counter()
    spark.range(0, tasks, 1, tasks).write.format("noop").mode("overwrite").save()
    each = (time.perf_counter() - started) / tasks
    print(f"scheduling {tasks:,} empty tasks: {each * 1e3:.2f} ms a task, target 5 ms")


def _extract(run: Any, options: argparse.Namespace) -> None:
    import infimm_spark.stages.extract as stage
    from infimm_spark.run.pipeline import run_stage

    stage.extract = _stub  # type: ignore[assignment]
    started = time.perf_counter()
    run_stage(run, "extract")
    seconds = time.perf_counter() - started
    groups = -(-options.files // options.group_size)
    print(
        f"extract with a stub, {groups} groups: {seconds:.0f} s, "
        f"{seconds / options.files * 1e3:.2f} ms a file"
    )
    # As after a crash: the last two groups and the stage are not complete.
    for location in (
        run.layout.manifest("extract"),
        run.layout.group_manifest(groups - 1),
        run.layout.group_manifest(groups - 2),
    ):
        os.unlink(location)
    started = time.perf_counter()
    run_stage(run, "extract", resume=True)
    print(f"resumed with 2 of {groups} groups missing: {time.perf_counter() - started:.0f} s")
    started = time.perf_counter()
    run.reconciled(("extract",))
    print(f"reconciled: {time.perf_counter() - started:.1f} s")


def _stub(warcs: Any, *_: Any) -> Any:
    """The extract stage's tables for WARC files that are not there: a ledger, no document."""
    from infimm_spark.stages.extract import WIDE

    schema = schemas.spark_schema(WIDE)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [
                {"table": "ledger", "warc_file": name, "stage": "extract", "outcome": outcome,
                 "reason": reason, "count": 30_000}
                for name in batch.column("warc_file").to_pylist()
                for outcome, reason in (("read", None), ("dropped", "language"))
            ]  # fmt: skip
            yield pa.RecordBatch.from_pylist(rows, schema=WIDE)

    return warcs.mapInArrow(run, schema)


def _heap(spark: Any) -> float:
    """GB of the driver's heap in use after a collection."""
    jvm = spark.sparkContext._jvm
    jvm.java.lang.System.gc()
    memory = jvm.java.lang.management.ManagementFactory.getMemoryMXBean().getHeapMemoryUsage()
    return float(memory.getUsed()) / 1e9


if __name__ == "__main__":
    main()
