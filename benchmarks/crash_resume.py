"""Builds killed and resumed, and other partitionings, beside an undisturbed build.

    python benchmarks/crash_resume.py --crawl ../shared/data/commoncrawl --kills 2

Runs `infimm build` once undisturbed, then again with the driver's whole process group killed at
random moments (seeded) and `--resume` after each, then at 1, 4 and 17 partitions (`--partitions`);
compares the corpus rows, sorted by id. Exit status 1 when any of them differ.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--config", type=Path, default=ROOT / "conf/local.yaml")
    parser.add_argument("--kills", type=int, default=2, help="times the run is killed (default 2)")
    parser.add_argument("--partitions", type=int, nargs="*", default=[], help="such as 1 4 17")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infimm-crash-") as folder:
        sys.exit(0 if _compared(options, Path(folder)) else 1)


def _compared(options: argparse.Namespace, folder: Path) -> bool:
    started = time.monotonic()
    _build(options, folder / "undisturbed").wait()
    seconds = time.monotonic() - started
    expected = _rows(folder / "undisturbed")
    print(f"undisturbed: {seconds:.0f} s, {len(expected)} rows, {_digest(expected)}", flush=True)

    random.seed(options.seed)
    output = folder / "killed"
    for number in range(options.kills):
        moment = random.uniform(0.15, 0.8) * seconds
        victim = _build(options, output, *(["--resume"] if number else []))
        try:
            victim.wait(moment)
            print(f"run {number + 1} ended before {moment:.0f} s", flush=True)
        except subprocess.TimeoutExpired:
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()
            print(f"run {number + 1} killed after {moment:.0f} s", flush=True)
    _build(options, output, "--resume").wait()
    good = _same("killed and resumed", expected, _rows(output))

    settings = yaml.safe_load(options.config.read_text())
    for partitions in options.partitions:
        changed = folder / f"{partitions}.yaml"
        spark = settings["spark"] | {"master": f"local[{min(partitions, 4)}]"}
        spark["conf"] = spark.get("conf", {}) | {"spark.sql.shuffle.partitions": str(partitions)}
        extract = settings["extract"] | {"partitions": partitions}
        changed.write_text(yaml.safe_dump(settings | {"spark": spark, "extract": extract}))
        _build(options, folder / str(partitions), config=changed).wait()
        good &= _same(f"{partitions} partitions", expected, _rows(folder / str(partitions)))
    return good


def _build(
    options: argparse.Namespace, output: Path, *more: str, config: Path | None = None
) -> subprocess.Popen[bytes]:
    """Its own process group, so that killing it takes the JVM and the Python workers along."""
    arguments = ["build", "--config", config or options.config, "--input", options.crawl]
    return subprocess.Popen(
        [sys.executable, "-m", "infimm_spark.cli", *map(str, arguments), "--output", output, *more],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _rows(run: Path) -> list[str]:
    """Corpus rows as text, sorted; none where the run left no corpus."""
    files = sorted((run / "corpus").rglob("*.parquet"))
    return sorted(repr(row) for file in files for row in pq.read_table(file).to_pylist())


def _digest(rows: list[str]) -> str:
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def _same(name: str, expected: list[str], found: list[str]) -> bool:
    same = bool(expected) and expected == found
    print(f"{name}: {len(found)} rows, {'identical' if same else 'DIFFERENT'}", flush=True)
    return same


if __name__ == "__main__":
    main()
