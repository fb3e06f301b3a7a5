"""The extract pass beside its limit and datatrove's reader + Trafilatura: same files, one core.

    python benchmarks/extract_pass.py --crawl ../shared/data/commoncrawl --files 2

Ours is the whole first pass as an executor runs it (read → language → recall → extraction of
survivors → Arrow batches, page process included) without Spark around it; datatrove's is WARC
reader plus Trafilatura with its defaults. The limit is what no pass that parses every page can
beat: FastWARC reads and inflates the records, Lexbor parses each page and gives its text, nothing
else. Each process has seen the file's first pages before its time is taken, since it serves for
hours: patterns are compiled and automata built by then. All are pinned to one processor and take
the files in turn, so that a machine whose speed drifts slows them alike; what counts is processor
time with all child processes, which other work on the machine disturbs little. datatrove may live
in another environment: `--peer-python`. `--package out/compiled/package` measures what
`make wheel-compiled` builds.

Three fifths of that crawl is mathematics; of Common Crawl it is far less than a hundredth, and
nearly every page is one the cascade drops. `--label nonmath` takes only the pages with this label
(all others, too, pass through both tools); `benchmarks/mix.py` builds a crawl with the
proportions of the web, which `--crawl` takes as well.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WARM_PAGES = 100


def main() -> None:
    options = _options()
    if options.worker:
        _WORKERS[options.worker](Path(options.file))
        return
    files = sorted(options.crawl.glob("crawl-data/*/segments/*/warc/*.warc.gz"))
    # One file of each snapshot in turn, so that a small --files still sees both.
    by_snapshot: dict[str, list[Path]] = {}
    for file in files:
        by_snapshot.setdefault(file.parts[-5], []).append(file)
    queues = list(by_snapshot.values())
    chosen = [queue[i] for i in range(max(map(len, queues))) for queue in queues if i < len(queue)]
    chosen = chosen[: options.files]
    if not chosen:
        sys.exit(f"no WARC files below {options.crawl}")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    workers = {"ours": sys.executable, "limit": sys.executable}
    if not options.no_peer:
        workers["datatrove"] = options.peer_python
    totals = dict.fromkeys(workers, (0, 0.0))
    heads = "".join(f"{worker:>12}" for worker in workers)
    print(f"{'pages/s of one core':<52}{heads}{'of limit':>10}{'x peer':>8}")
    scratch = tempfile.TemporaryDirectory()
    urls = _urls(options.crawl, options.label) if options.label else set()
    for file in chosen:
        if options.label:
            file = _with_urls(file, urls, Path(scratch.name))
        measured = {
            worker: _run(python, worker, file, options.package)
            for worker, python in workers.items()
        }
        for worker, (pages, seconds) in measured.items():
            totals[worker] = totals[worker][0] + pages, totals[worker][1] + seconds
        _print_line(file.name, measured)
    _print_line("all", totals)
    scratch.cleanup()


def _print_line(name: str, measured: dict[str, tuple[int, float]]) -> None:
    """Rates of a file, and ours as a share of the limit and a multiple of the peer's."""
    rates = {worker: pages / seconds for worker, (pages, seconds) in measured.items()}
    line = f"{name:<52}" + "".join(f"{rate:>12.1f}" for rate in rates.values())
    line += f"{rates['ours'] / rates['limit']:>10.3f}"
    if "datatrove" in rates:
        line += f"{rates['ours'] / rates['datatrove']:>8.1f}"
    print(line, flush=True)


def _urls(crawl: Path, label: str) -> set[str]:
    """The pages that carry a label."""
    with gzip.open(crawl / "labels.jsonl.gz", "rt") as lines:
        return {row["url"] for row in map(json.loads, lines) if row["label"] == label}


def _with_urls(file: Path, urls: set[str], folder: Path) -> Path:
    """A WARC file of those responses of `file` that are of `urls`, each as it stands there."""
    from mix import responses

    target = folder / file.name
    target.write_bytes(b"".join(member for url, member in responses(file) if url in urls))
    return target


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--files", type=int, default=2, help="WARC files to take (default 2)")
    parser.add_argument("--peer-python", default=sys.executable, help="Python that has datatrove")
    parser.add_argument("--label", help="only pages with this label: math, mixed or nonmath")
    parser.add_argument(
        "--package", type=Path, default=ROOT, help="folder of the infimm_spark to measure"
    )
    parser.add_argument("--no-peer", action="store_true", help="leave datatrove out")
    parser.add_argument("--worker", choices=tuple(_WORKERS), help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(python: str, worker: str, file: Path, package: Path) -> tuple[int, float]:
    """Pages and processor seconds of one file; start-up of interpreter and models is not
    counted."""
    command = [python, __file__, "--worker", worker, "--file", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(package.resolve())}
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    report = json.loads(answer.stdout.splitlines()[-1])
    return report["pages"], report["seconds"]


def _processor_seconds() -> float:
    """User and system time of this process and its descendants so far, ended ones included
    (Linux)."""
    ticks = 0
    todo = [os.getpid()]
    while todo:
        process = Path(f"/proc/{todo.pop()}")
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
        for task in (process / "task").iterdir():
            todo += map(int, (task / "children").read_text().split())
    return ticks / os.sysconf("SC_CLK_TCK")


def _ours(file: Path) -> None:
    import pyarrow as pa

    from infimm_spark.cascade.judge import build_judge
    from infimm_spark.cascade.sandbox import PageSandbox
    from infimm_spark.cascade.source_floor import SourceFloor
    from infimm_spark.classify.broadcast import read_model
    from infimm_spark.classify.evidence import Evidence
    from infimm_spark.config import BuildConfig
    from infimm_spark.stages.extract import WarcReader
    from infimm_spark.warc.listing import WarcFile
    from infimm_spark.warc.records import Page, read_pages

    config = BuildConfig()
    models = [read_model(None, kind) for kind in ("language", "recall")]
    sandbox = PageSandbox(functools.partial(build_judge, *models, config.extract), 5.0)
    pa.array([{"warm": 1}])  # Arrow imports pandas for the first value it converts
    reader = WarcReader(config, lambda: sandbox)
    floor = SourceFloor(config.extract)
    first = (item for item in read_pages(str(file), warc_file=file.name) if isinstance(item, Page))
    for page in itertools.islice(first, WARM_PAGES):
        floor.verdict(Evidence(page.body), page.content_type)
        sandbox.judge(page.body, url=page.url, content_type=page.content_type)
    started = _processor_seconds()
    pages = 0
    for batch in reader.batches(WarcFile(str(file), file.name, "benchmark")):
        tables = batch.column("table").to_pylist()
        outcomes = batch.column("outcome").to_pylist()
        counts = batch.column("count").to_pylist()
        reasons = batch.column("reason").to_pylist()
        pages += sum(
            count
            for table, outcome, reason, count in zip(tables, outcomes, reasons, counts, strict=True)
            if table == "ledger"
            and outcome != "read"
            and not (reason or "").startswith("record_type:")
        )
    print(json.dumps({"pages": pages, "seconds": _processor_seconds() - started}))


def _limit(file: Path) -> None:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from selectolax.lexbor import LexborHTMLParser

    def parsed() -> Iterator[str]:
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                yield LexborHTMLParser(record.reader.read()).text()

    for _ in itertools.islice(parsed(), WARM_PAGES):
        pass
    started = _processor_seconds()
    pages = sum(1 for _ in parsed())
    print(json.dumps({"pages": pages, "seconds": _processor_seconds() - started}))


def _datatrove(file: Path) -> None:
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader

    def documents(limit: int = -1) -> Iterator[Any]:
        reader = WarcReader(str(file.parent), glob_pattern=file.name, limit=limit)
        return reader.run(None, 0, 1)

    trafilatura = Trafilatura()
    for _ in trafilatura.run(documents(WARM_PAGES)):
        pass
    counted = _Counted(documents())
    started = _processor_seconds()
    for _ in trafilatura.run(counted):
        pass
    print(json.dumps({"pages": counted.pages, "seconds": _processor_seconds() - started}))


class _Counted:
    """Counts the pages a reader hands on, whatever the extractor makes of them."""

    def __init__(self, documents):  # type: ignore[no-untyped-def]
        self._documents = documents
        self.pages = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        for document in self._documents:
            self.pages += 1
            yield document


_WORKERS = {"ours": _ours, "limit": _limit, "datatrove": _datatrove}

if __name__ == "__main__":
    main()
