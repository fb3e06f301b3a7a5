"""Dedup under faults: damaged checkpoints, an executor that dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dedup_corpus import corpus, frame
from pyspark.sql import DataFrame, SparkSession

from infimm_spark.config import DedupConfig, MinHashConfig
from infimm_spark.dedup.survivors import Checkpoint
from infimm_spark.run.damage import unreadable_table
from infimm_spark.stages.dedup import deduplicate

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut_in_half, Path.unlink], ids=["cut", "deleted"])
def test_a_damaged_checkpoint_is_never_taken_for_a_result(
    spark: SparkSession, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """A part of a checkpoint that is cut or gone fails dedup, and the failure names the file."""

    def checkpoint(frame: DataFrame, name: str) -> DataFrame:
        path = tmp_path / name
        frame.write.parquet(str(path))
        read = spark.read.parquet(str(path))
        if name == "near-1-buckets":
            read.count()
            for file in path.glob(".*.crc"):
                file.unlink()
            damage(max(path.glob("*.parquet"), key=lambda file: file.stat().st_size))
        return read

    documents = frame(spark, corpus(40, 2))
    config = DedupConfig(minhash=MinHashConfig(scope="all", local_documents=0))
    with pytest.raises(Exception, match="parquet") as caught:
        deduplicate(documents, config, checkpoint).collect()
    file = unreadable_table(caught.value)
    assert file is not None
    assert "near-1-buckets" in file


def test_other_failures_are_no_damaged_tables() -> None:
    """An error that has nothing to do with a file is not explained away as a damaged table."""
    assert unreadable_table(ValueError("division by zero in part-0.parquet")) is None
    assert unreadable_table(RuntimeError("[FAILED_READ_FILE] while reading a socket")) is None


_WITH_A_LOST_EXECUTOR = """
import json, os, signal, sys, threading
from pathlib import Path
sys.path.insert(0, {support!r})
from dedup_corpus import corpus, frame
from infimm_spark.config import DedupConfig, MinHashConfig, SparkConfig
from infimm_spark.spark.session import open_session
from infimm_spark.stages.dedup import deduplicate

conf = {{"spark.sql.shuffle.partitions": "4", "spark.ui.enabled": "false"}}
spark = open_session(SparkConfig(master="local-cluster[2,1,1024]", conf=conf))
killed = []

def executors():
    driver = spark.sparkContext._gateway.proc.pid
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = int(status.read_text().partition("PPid:")[2].split()[0])
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == driver and b"CoarseGrainedExecutorBackend" in command:
            yield int(status.parent.name)

def kill_one():
    victim = min(executors())
    os.kill(victim, signal.SIGKILL)
    killed.append(victim)

def checkpoint(frame, name):
    path = {folder!r} + "/" + name
    if name == "near-1-removed":
        threading.Timer(0.7, kill_one).start()
    frame.write.mode("overwrite").parquet(path)
    return spark.read.parquet(path)

config = DedupConfig(minhash=MinHashConfig(scope="all", local_documents=0, local_limit=0))
rows = deduplicate(frame(spark, corpus(80, 6)), config, checkpoint).collect()
spark.stop()
print(json.dumps({{"killed": killed, "rows": sorted(tuple(row) for row in rows)}}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds executors in /proc (Linux)")
def test_a_lost_executor_changes_nothing(
    spark: SparkSession, tmp_path: Path, checkpoint: Checkpoint
) -> None:
    """With an executor killed in the middle of a round the evidence is that of an undisturbed
    run."""
    script = _WITH_A_LOST_EXECUTOR.format(
        support=str(ROOT / "tests" / "support"), folder=str(tmp_path / "disturbed")
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert len(result["killed"]) == 1
    config = DedupConfig(minhash=MinHashConfig(scope="all", local_documents=0, local_limit=0))
    undisturbed = deduplicate(frame(spark, corpus(80, 6)), config, checkpoint).collect()
    assert result["rows"] == sorted(list(row) for row in undisturbed)
