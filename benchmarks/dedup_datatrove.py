"""MinHash dedup of the same documents by ours and datatrove's four steps, 2 workers.

    python benchmarks/dedup_datatrove.py --texts texts.jsonl --datatrove ENV/bin/python [--documents 60000]

The documents are those of `seeded_corpus.py`. Both read its Parquet files and write the documents
that stay; both use word 5-grams, 14 x 8. datatrove, whose time is that of tokenising and so grows
with the number of documents, may be given a part of the files (`--peer-files`); the ratio is one of
documents a second. Times are from process start to process end, the start of the JVM and of the
session included. Ours also finds exact duplicates, verifies every pair and writes its evidence.
Removals are judged by the exact Jaccard of word 5-grams: *recall* is the share of documents with a
better copy (Jaccard >= 0.8) that are gone, *precision* the share of those gone that have such a
copy among the documents that stay.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from seeded_corpus import SCHEMA, true_jaccard, write_corpus  # noqa: E402

WORKERS = 2
TRUE_DUPLICATE = 0.8


def main() -> None:
    options = _options()
    if options.ours:
        _ours(*options.ours)
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        corpus = Path(scratch) / "documents"
        write_corpus(options.texts, corpus, options.documents, WORKERS)
        names = pq.read_table(corpus, columns=["id"])["id"].to_pylist()
        truth = list(true_jaccard(corpus))
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        commands = {"ours": [sys.executable, __file__, "--ours", str(corpus), f"{scratch}/ours"]}
        shares = {"ours": set(names)}
        if options.datatrove:
            files = sorted(corpus.glob("*.parquet"))[: options.peer_files]
            theirs = Path(scratch) / "for-datatrove"
            theirs.mkdir()
            for file in files:
                (theirs / file.name).symlink_to(file)
            shares["datatrove"] = set(pq.read_table(files, columns=["id"])["id"].to_pylist())
            script = str(ROOT / "benchmarks" / "peers" / "datatrove_minhash.py")
            peer = [options.datatrove, script, str(theirs), f"{scratch}/datatrove"]
            commands["datatrove"] = [*peer, str(WORKERS), str(len(files))]
        print(
            f"{len(names):,} documents, {sum(t[2] >= TRUE_DUPLICATE for t in truth):,} true pairs"
        )
        speed = {}
        for name, command in commands.items():
            started = time.monotonic()
            with (Path(scratch) / f"{name}.log").open("w") as log:
                done = subprocess.run(command, env=environment, stdout=log, stderr=log)
            seconds = time.monotonic() - started
            if done.returncode:
                sys.exit((Path(scratch) / f"{name}.log").read_text()[-3_000:])
            share = shares[name]
            speed[name] = len(share) / seconds
            within = [pair for pair in truth if pair[0] in share]
            removed = share - _kept(Path(scratch) / name / "kept")
            print(
                f"{name:>10}: {len(share):,} documents in {seconds:.1f} s, "
                f"{speed[name]:,.0f} a second; {_judged(removed, within)}",
                flush=True,
            )
        if "datatrove" in speed:
            print(f"     ratio: {speed['ours'] / speed['datatrove']:.1f}")


def _ours(corpus: str, output: str) -> None:
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    from infimm_spark.config import DedupConfig, MinHashConfig, SparkConfig, UrlConfig
    from infimm_spark.schemas import spark_schema
    from infimm_spark.spark.session import open_session
    from infimm_spark.stages.dedup import deduplicate

    conf = {
        "spark.sql.shuffle.partitions": str(2 * WORKERS),
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # as conf/local.yaml
    }
    spark = open_session(SparkConfig(master=f"local[{WORKERS}]", conf=conf))

    def checkpoint(frame: DataFrame, name: str) -> DataFrame:
        frame.write.parquet(f"{output}/scratch/{name}")
        return spark.read.schema(frame.schema).parquet(f"{output}/scratch/{name}")

    texts = spark.read.schema(spark_schema(SCHEMA)).parquet(corpus)
    documents = texts.select(
        "id",
        "url",
        F.lit("CC-MAIN-2023-50").alias("snapshot"),
        F.lit("2023-12-01T00:00:00Z").alias("warc_date"),
        F.lit("en").alias("language"),
        F.lit(0).alias("n_formulas"),
        "text_length",
        F.array(F.struct("text")).alias("segments"),
    )
    config = DedupConfig(minhash=MinHashConfig(scope="all"), url=UrlConfig(enabled=False))
    found = deduplicate(documents, config, checkpoint)
    duplicates = checkpoint(found, "duplicates")
    kept = texts.join(duplicates.select("id"), on="id", how="left_anti")
    kept.write.json(f"{output}/kept")
    spark.stop()


def _kept(folder: Path) -> set[str]:
    return {
        json.loads(line)["id"]
        for file in folder.glob("[!.]*.json*")
        for line in file.open(encoding="utf-8")
    }


def _judged(removed: set[str], truth: list[tuple[str, str, float]]) -> str:
    similar: dict[str, list[str]] = {}
    for one, other, jaccard in truth:
        if jaccard >= TRUE_DUPLICATE:
            similar.setdefault(one, []).append(other)
            similar.setdefault(other, []).append(one)
    right = sum(any(o not in removed for o in similar.get(name, ())) for name in removed)
    # Of two similar documents that both stay, one should have gone.
    missed = {
        max(name, other)
        for name, others in similar.items()
        for other in others
        if name not in removed and other not in removed
    }
    recall = right / max(1, right + len(missed))
    precision = right / max(1, len(removed))
    return f"removed {len(removed):,}, recall {recall:.4f}, precision {precision:.4f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--texts", type=Path, help="what dedup_quality.py --texts keeps")
    parser.add_argument("--datatrove", help="Python of an environment with datatrove 0.10")
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument(
        "--peer-files", type=int, help="files of 5,000 documents that datatrove gets (all)"
    )
    parser.add_argument("--scratch", help="directory for temporary files")
    parser.add_argument("--ours", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
