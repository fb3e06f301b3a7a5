"""Reading from S3 beside disk: throughput, memory on a large WARC, ranges or whole files.

    python benchmarks/s3.py --data ../shared/data [--gigabytes 1]

Starts MinIO on loopback (`make minio`); a large WARC is the mirror's files, one after the other, as
often as it takes. Reading is `read_pages`: inflated, parsed into records, dechunked and decoded.
With no data it uses the sample crawl, whose files are too small for figures that mean anything.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from s3_server import start

from infimm_spark import store
from infimm_spark.cascade.judge import build_judge
from infimm_spark.cascade.sandbox import PageSandbox
from infimm_spark.classify.broadcast import read_model
from infimm_spark.config import BuildConfig
from infimm_spark.stages.extract import WarcReader
from infimm_spark.warc.listing import WarcFile, list_warcs
from infimm_spark.warc.ranges import merged, read_ranges
from infimm_spark.warc.records import Page, read_pages

ROOT = Path(__file__).resolve().parents[1]
_MEMORY = """
import sys, threading, time
from infimm_spark.warc.records import read_pages
def rss():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
next(iter(read_pages(sys.argv[2], warc_file="w")))
idle = peak = rss()
half = 0.0
for n, item in enumerate(read_pages(sys.argv[1], warc_file="w")):
    if n % 50 == 0:
        peak = max(peak, rss())
    if n == 2000:
        half = rss()
print(f"{idle:.0f} {half:.0f} {peak:.0f} {n + 1}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start(Path(folder))
        os.environ.update(server.environment)
        try:
            server.client().create_bucket(Bucket="bench")
            _measure(server, Path(folder), options)
        finally:
            server.stop()


def _measure(server: Any, folder: Path, options: argparse.Namespace) -> None:
    crawl = options.data / "commoncrawl" if options.data else _sample(folder / "sample")
    warcs = list_warcs([str(crawl)])
    first = max(warcs, key=lambda warc: Path(warc.location).stat().st_size)
    server.client().upload_file(first.location, "bench", "one.warc.gz")
    remote = "s3://bench/one.warc.gz"
    size = Path(first.location).stat().st_size / 1e6
    for _ in read_pages(remote, warc_file="w"):  # the first request imports and connects
        break
    print(f"one WARC of {size:.1f} MB, median of {options.rounds} rounds in turn")
    whole = 0.0
    for name, work in (("records", _records), ("first pass", _first_pass())):
        disk, s3 = [], []
        for _ in range(options.rounds):  # in turn, so that a busy machine slows both
            disk.append(work(first.location))
            s3.append(work(remote))
        whole = whole or min(wall for wall, _ in s3)
        walls = statistics.median(d / s for (d, _), (s, _) in zip(disk, s3, strict=True))
        cpus = statistics.median(d / s for (_, d), (_, s) in zip(disk, s3, strict=True))
        print(
            f"{name:<11} disk {size / min(w for w, _ in disk):.1f} MB/s, S3 "
            f"{size / min(w for w, _ in s3):.1f} "
            f"MB/s; S3 relative to disk {walls:.2f} by the clock, {cpus:.2f} by the reader's "
            "processor time "
            "(target 0.90)"
        )

    large = folder / "large.warc.gz"
    with large.open("wb") as out:
        while out.tell() < options.gigabytes * 1e9:
            for warc in warcs:
                out.write(Path(warc.location).read_bytes())
    server.client().upload_file(str(large), "bench", "large.warc.gz")
    answer = subprocess.run(
        [sys.executable, "-c", _MEMORY, "s3://bench/large.warc.gz", remote],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    idle, half, peak, records = map(int, answer.stdout.split())
    print(
        f"a WARC of {large.stat().st_size / 1e9:.2f} GB, {records:,} records: idle {idle} MB, "
        "after 2,000 "
        f"records {half} MB, peak {peak} MB, so {peak - idle} MB above idle (target 300)"
    )
    _ranges(remote, size, whole)


def _ranges(remote: str, size: float, whole: float) -> None:
    """Seconds for a share of the pages by range, and the share at which whole files are cheaper."""
    pages = [i for i in read_pages(remote, warc_file="w") if isinstance(i, Page)]
    everything = [(page.warc_offset, page.warc_length) for page in pages]
    print("share of pages   gap kB   requests   MB read   seconds   of a whole read")
    for share in (0.01, 0.05, 0.2, 0.5):
        chosen = random.Random(1).sample(everything, max(1, round(share * len(everything))))
        for gap in (0, 64 << 10, 1 << 20):
            traffic, started = store.Traffic(), time.perf_counter()
            for _ in read_ranges(remote, chosen, warc_file="w", max_gap=gap, traffic=traffic):
                pass
            seconds = time.perf_counter() - started
            print(
                f"{share:>14.0%} {gap >> 10:>8} {traffic.requests:>10,} "
                f"{traffic.bytes / 1e6:>9.1f} "
                f"{seconds:>9.2f} {seconds / whole:>10.2f}"
            )
    spans = merged(random.Random(1).sample(everything, len(everything) // 20), 0)
    started = time.perf_counter()
    for span in spans[:100]:
        store.read_range(remote, span.start, 1)
    latency = (time.perf_counter() - started) / len(spans[:100])
    print(
        f"a request takes {latency * 1000:.1f} ms here and {size / whole:.0f} MB/s are read whole: "
        f"ranges win below one request in {latency * size / whole:.2f} MB; at 30 ms to the first "
        "byte, "
        f"as from S3 within its region, in {0.030 * size / whole:.2f} MB"
    )


def _records(location: str) -> tuple[float, float]:
    """Seconds (clock, processor) to read all records."""
    started, busy = time.perf_counter(), time.process_time()
    for _ in read_pages(location, warc_file="w"):
        pass
    return time.perf_counter() - started, time.process_time() - busy


def _first_pass() -> Callable[[str], tuple[float, float]]:
    """The extract stage's reader with its page process, as an executor runs it."""
    config = BuildConfig()
    models = [read_model(None, kind) for kind in ("language", "recall")]
    sandbox = PageSandbox(functools.partial(build_judge, *models, config.extract), 5.0)
    sandbox.judge(b"<p>warm", url="http://localhost/", content_type=None)
    reader = WarcReader(config, lambda: sandbox)

    def work(location: str) -> tuple[float, float]:
        started, busy = time.perf_counter(), time.process_time()
        for _ in reader.batches(WarcFile(location, "w", "benchmark")):
            pass
        return time.perf_counter() - started, time.process_time() - busy

    return work


def _sample(folder: Path) -> Path:
    from infimm_spark.sample import write_sample_crawl

    write_sample_crawl(folder)
    return folder


if __name__ == "__main__":
    main()
