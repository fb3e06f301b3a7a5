"""The first pass over a distant store beside local files: what the network costs an executor.

    python benchmarks/network.py --crawl out/mix --rounds 5

Serves the crawl's WARC files from a process of its own, over HTTP, as a store 30 ms away with 40 MB/s
a connection does (`--latency-ms`, `--megabytes`), and takes local and served files in turn. What
counts is the clock: a pass that waits for bytes uses no processor. On a machine with other work the
clock says little; the share of time not spent waiting for bytes then says more. `--no-read-ahead`
shows both without the thread that reads ahead.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import multiprocessing
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from infimm_spark import store
from infimm_spark.cascade.judge import build_judge
from infimm_spark.cascade.sandbox import PageSandbox
from infimm_spark.classify.broadcast import read_model
from infimm_spark.config import BuildConfig
from infimm_spark.stages.extract import WarcReader
from infimm_spark.warc import records
from infimm_spark.warc.listing import WarcFile

ROOT = Path(__file__).resolve().parents[1]
_PIECE = 1 << 17
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def main() -> None:
    options = _options()
    files = sorted(options.crawl.glob("crawl-data/*/segments/*/warc/*.warc.gz"))[: options.files]
    if not files:
        sys.exit(f"no WARC files below {options.crawl}")
    if options.no_read_ahead:
        records._ahead_of = contextlib.nullcontext  # type: ignore[assignment]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(
        target=_serve,
        args=(theirs, options.crawl, options.latency_ms / 1000, options.megabytes * 1e6),
        daemon=True,
    )
    server.start()
    address = f"http://127.0.0.1:{ours.recv()}"
    config = BuildConfig()
    models = [read_model(None, kind) for kind in ("language", "recall")]
    with PageSandbox(functools.partial(build_judge, *models, config.extract), 60.0) as sandbox:
        reader = WarcReader(config, lambda: sandbox)

        waiting = _Waiting()

        def seconds(location: str) -> float:
            waiting.seconds = 0.0
            started = time.perf_counter()
            for _ in reader.batches(WarcFile(location, "w", "benchmark")):
                pass
            return time.perf_counter() - started

        remote = [f"{address}/{file.relative_to(options.crawl).as_posix()}" for file in files]
        seconds(str(files[0])), seconds(remote[0])  # imports, connects, starts the page process
        shares, busy = [], []
        for _ in range(options.rounds):
            for file, location in zip(files, remote, strict=True):
                # The two orders in turn: a machine that slows down meanwhile slows both.
                first = len(shares) % 2
                walls = []
                for i in range(2):
                    place = (str(file), location)[(first + i) % 2]
                    walls.append(seconds(place))
                    if place == location:
                        busy.append(1 - waiting.seconds / walls[-1])
                local, served = walls[first], walls[1 - first]
                shares.append(local / served)
                print(
                    f"{file.name}: local {local:.2f} s, served {served:.2f} s, "
                    f"{file.stat().st_size / 1e6 / served:.1f} MB/s"
                )
    server.kill()
    quartiles = statistics.quantiles(shares, n=4)
    print(
        f"throughput of served files relative to local ones: {statistics.median(shares):.3f} "
        f"(quartiles {quartiles[0]:.3f} and {quartiles[2]:.3f}; target 0.95); "
        f"time not spent waiting for bytes {statistics.median(busy):.3f}"
    )


class _Waiting:
    """Seconds for which the reader of a remote file had no bytes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        for kind, name in ((store.ReadAhead, "_next"), (store.ByteStream, "_pull")):
            setattr(kind, name, self._timed(getattr(kind, name)))

    def _timed(self, method: Callable[..., bytes]) -> Callable[..., bytes]:
        def timed(*arguments: Any) -> bytes:
            started = time.perf_counter()
            try:
                return method(*arguments)
            finally:
                # The thread that reads ahead may wait as long as it likes.
                if threading.current_thread().name != "read-ahead":
                    self.seconds += time.perf_counter() - started

        return timed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT / "out" / "mix")
    parser.add_argument("--files", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency-ms", type=float, default=30.0, help="to the first byte")
    parser.add_argument("--megabytes", type=float, default=40.0, help="a second and connection")
    parser.add_argument("--no-read-ahead", action="store_true")
    return parser.parse_args()


def _serve(told: Connection, folder: Path, latency: float, rate: float) -> None:
    """In a process of its own: the files below `folder`, late and no faster than `rate`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            time.sleep(latency)
            content = (folder / self.path.lstrip("/")).read_bytes()
            start, end = 0, len(content)
            match = _RANGE.match(self.headers.get("Range") or "")
            if match:
                start = int(match[1])
                end = int(match[2]) + 1 if match[2] else end
            self.send_response(206 if match else 200)
            self.send_header("Content-Length", str(end - start))
            self.send_header("ETag", f'"{len(content)}"')
            self.send_header("Accept-Ranges", "bytes")
            if match:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            self.end_headers()
            if not body:
                return
            began = time.perf_counter()
            for at in range(start, end, _PIECE):
                self.wfile.write(content[at : min(at + _PIECE, end)])
                ahead = (at + _PIECE - start) / rate - (time.perf_counter() - began)
                if ahead > 0:
                    time.sleep(ahead)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
