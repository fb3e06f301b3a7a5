"""How the shuffle part of dedup grows, and what a million documents cost.

    python benchmarks/dedup_growth.py --documents 250000 1000000 4000000
    python benchmarks/dedup_growth.py --documents 1000000 --texts texts.jsonl

Each size runs in a session of its own: one executor process of 2 cores with a heap of 1 GB beside
the driver, adaptive execution off, no broadcast joins. By default the input is shingle sets drawn
at random (`--shingles` each; clusters and edits as in `seeded_corpus.py`), so that the time
measured is that from signatures to evidence; with `--texts` it is the documents of
`seeded_corpus.py`, from text to evidence. Printed: seconds of signing and of judging, GB shuffled
and spilled (Spark's own counters), the driver's peak memory, the executor's peak heap, and the
exponent of time between sizes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

_SIZES = np.array([1] * 60 + [2] * 20 + [3] * 10 + [5] * 7 + [10] * 3)
_REPLACED = np.array([0.0, 0.01, 0.02, 0.05, 0.07, 0.1, 0.12, 0.15, 0.2, 0.35])  # of the shingles


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_one(options, options.documents[0])))
        return
    results = []
    for n_documents in options.documents:
        command = [sys.executable, __file__, "--one", "--documents", str(n_documents)]
        command += ["--shingles", str(options.shingles), "--partitions", str(options.partitions)]
        command += ["--scratch", options.scratch]
        command += ["--texts", str(options.texts)] if options.texts else []
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr[-3_000:])
        results.append(json.loads(done.stdout.splitlines()[-1]))
        print(_line(results[-1]), flush=True)
    for before, after in itertools.pairwise(results):
        exponent = math.log(after["judging"] / before["judging"]) / math.log(
            after["documents"] / before["documents"]
        )
        print(f"{before['documents']:,} to {after['documents']:,}: time exponent {exponent:.2f}")


def _line(result: dict[str, Any]) -> str:
    n_documents, seconds = result["documents"], result["signing"] + result["judging"]
    return (
        f"{n_documents:,} documents: signing {result['signing']:.0f} s, judging "
        f"{result['judging']:.0f} s, together {n_documents / seconds:,.0f} documents/s; removed "
        f"{result['removed']:,}; shuffled {result['shuffled'] / 1e9 / n_documents * 1e6:.2f} GB a "
        f"million, spilled {result['spilled'] / 1e9:.2f} GB; driver peak "
        f"{result['driver'] / 1e6:.0f} MB, executor heap {result['heap'] / 1e6:.0f} MB"
    )


def _one(options: argparse.Namespace, n_documents: int) -> dict[str, Any]:
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    from infimm_spark.config import DedupConfig, MinHashConfig, UrlConfig
    from infimm_spark.stages.dedup import deduplicate_ranked, rank, signatures, survivor_ranks

    folder = Path(tempfile.mkdtemp(dir=options.scratch))
    spark = open_small_session(folder, options.partitions)
    driver = spark.sparkContext._gateway.proc.pid

    def checkpoint(frame: DataFrame, name: str) -> DataFrame:
        frame.write.mode("overwrite").parquet(str(folder / name))
        return spark.read.schema(frame.schema).parquet(str(folder / name))

    config = DedupConfig(
        minhash=MinHashConfig(scope="all", local_documents=0), url=UrlConfig(enabled=False)
    )
    if options.texts:
        from seeded_corpus import write_corpus

        write_corpus(options.texts, folder / "texts", n_documents)
    started = time.monotonic()
    if options.texts:
        texts = spark.read.parquet(str(folder / "texts"))
        documents = texts.select(
            "id",
            "url",
            F.lit("CC-MAIN-2023-50").alias("snapshot"),
            F.lit("2023-12-01T00:00:00Z").alias("warc_date"),
            F.lit("en").alias("language"),
            F.lit(0).alias("n_formulas"),
            F.length("text").alias("text_length"),
            F.array(F.struct("text")).alias("segments"),
        )
        signed = checkpoint(signatures(documents, config), "unranked")
    else:
        signed = checkpoint(_drawn(spark, n_documents, options.shingles, config), "unranked")
    signing = time.monotonic() - started
    started = time.monotonic()
    ranks = checkpoint(survivor_ranks(signed, config), "ranks")
    ranked = checkpoint(rank(signed, ranks), "signatures")
    removed = checkpoint(deduplicate_ranked(ranked, config, checkpoint), "duplicates").count()
    judging = time.monotonic() - started
    peak = _peak(driver)
    spark.stop()
    counted = counters(folder / "events")
    shutil.rmtree(folder)
    return {
        "documents": n_documents,
        "signing": signing,
        "judging": judging,
        "removed": removed,
        "driver": peak,
        **counted,
    }


def open_small_session(folder: Path, partitions: int) -> Any:
    """A driver and one executor process, 1 GB of heap each; events are logged below `folder`."""
    from infimm_spark.config import SparkConfig
    from infimm_spark.spark.session import open_session

    events = folder / "events"
    events.mkdir()
    conf = {
        "spark.executor.memory": "1g",
        "spark.driver.memory": "1g",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.default.parallelism": str(partitions),
        "spark.ui.enabled": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.eventLog.logStageExecutorMetrics": "true",
        "spark.local.dir": str(folder / "local"),
    }
    return open_session(SparkConfig(master="local-cluster[1,2,1024]", conf=conf))


def _drawn(spark: Any, n_documents: int, n_shingles: int, config: Any) -> Any:
    """`schemas.SIGNATURES` of shingle sets drawn at random, in clusters."""
    from infimm_spark import schemas
    from infimm_spark.dedup import minhash
    from infimm_spark.stages.dedup import signature_fingerprint

    options, fingerprint = config.minhash, signature_fingerprint(config.minhash)
    per_batch = 1_000

    def draw(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for seed in batch.column("id").to_pylist():
                yield _batch(seed, min(per_batch, n_documents - seed * per_batch))

    def _batch(seed: int, count: int) -> pa.RecordBatch:
        generator = np.random.default_rng(seed)
        rows: list[dict[str, Any]] = []
        while len(rows) < count:
            base = generator.integers(0, 1 << 32, n_shingles, dtype=np.uint32)
            for member in range(min(int(generator.choice(_SIZES)), count - len(rows))):
                hashes = base.copy()
                replaced = int(generator.choice(_REPLACED) * n_shingles) if member else 0
                hashes[:replaced] = generator.integers(0, 1 << 32, replaced, dtype=np.uint32)
                ((signature, sketch),) = minhash.signatures_and_sketches(
                    [np.unique(hashes)], options.num_perm, options.seed, options.sketch_size
                )
                rows.append(
                    {
                        "id": generator.bytes(16).hex(),
                        "snapshot": "CC-MAIN-2023-50",
                        "warc_date": "2023-12-01T00:00:00Z",
                        "n_formulas": 0,
                        "text_length": n_shingles,
                        "text_hash": np.sort(hashes).tobytes()[:16],
                        "url_hash": None,
                        "signature": signature.tobytes(),
                        "sketch": sketch.tobytes(),
                        "n_shingles": n_shingles,
                        "fingerprint": fingerprint,
                    }
                )
        return pa.RecordBatch.from_pylist(rows, schemas.SIGNATURES)

    seeds = spark.range(0, -(-n_documents // per_batch), 1, 64)
    return seeds.mapInArrow(draw, schemas.spark_schema(schemas.SIGNATURES))


def _peak(pid: int) -> int:
    """Peak resident memory of a process, bytes (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(
        int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")
    )


def counters(events: Path) -> dict[str, int]:
    """Bytes shuffled and spilled, and the executors' peak heap, from an event log."""
    shuffled = spilled = heap = 0
    for line in next(events.iterdir()).open(encoding="utf-8"):
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            metrics = event["Task Metrics"]
            shuffled += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
            spilled += metrics["Disk Bytes Spilled"]
        if (
            event["Event"] == "SparkListenerStageExecutorMetrics"
            and event["Executor ID"] != "driver"
        ):
            heap = max(heap, event["Executor Metrics"]["JVMHeapMemory"])
    return {"shuffled": shuffled, "spilled": spilled, "heap": heap}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", type=int, nargs="+", required=True)
    parser.add_argument("--texts", type=Path, help="what dedup_quality.py --texts keeps")
    parser.add_argument("--shingles", type=int, default=200)
    parser.add_argument("--partitions", type=int, default=32)
    parser.add_argument("--scratch", default=tempfile.gettempdir())
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
