"""From a finished run to training data, every step killed once: do all counts still add up?

    python benchmarks/chain.py --run RUN --data ../shared/data --folder OUT

Takes a copy of RUN through decontamination, image selection and fetching, six exports with the
fetched images, and packing. Each command is killed with SIGKILL at a random moment (seeded) and
given once more, as its documentation says; then the counts of every step are compared. As the
hosts of a crawl should not be asked by a benchmark, the images come from an archive on loopback
that has a picture for every address: names do not resolve, and the fetcher goes on to the archive.
Prints a line a step; exit status 1 where counts differ or a command fails.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import io
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

FORMATS = ("hf", "obelics", "energon", "mint", "nemo", "jsonl")
SETS = {
    "gsm8k": {"preset": "gsm8k"},
    "mmlu_stem": {"preset": "mmlu-stem"},
    "cmath": {"preset": "cmath"},
}
_LONGEST = 1800.0


class Archive(http.server.BaseHTTPRequestHandler):
    """Answers every path with a small picture of its own; robots.txt allows all."""

    def do_GET(self) -> None:
        if self.path.endswith("/robots.txt") and "id_/" not in self.path:
            self.send_error(404)
            return
        colour = tuple(random.Random(self.path).randbytes(3))
        picture = io.BytesIO()
        Image.new("RGB", (64, 48), colour).save(picture, "PNG")
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(picture.tell()))
        self.end_headers()
        self.wfile.write(picture.getvalue())

    def log_message(self, *_: object) -> None:
        """Say nothing: the figures are the output."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # connections that wait to be accepted


@contextlib.contextmanager
def archive() -> Iterator[str]:
    """The address of a running `Archive`."""
    server = _Server(("127.0.0.1", 0), Archive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/web"
    server.shutdown()


class Chain:
    """Runs commands, each killed once where it lasts long enough."""

    def __init__(self, seed: int, log: Path) -> None:
        self._random = random.Random(seed)
        self._log = log

    def step(self, name: str, first: list[str], again: list[str]) -> None:
        """Give `first`, kill it, and give `again` until it ends; exits where that fails."""
        begun = time.monotonic()
        kills = 0
        with self._log.open("a") as log:
            running = _start(first, log)
            try:
                code = running.wait(self._random.uniform(4.0, 20.0))
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
                running.wait()
                kills += 1
                code = _start(again, log).wait(_LONGEST)
        if code:
            sys.exit(f"{name} ended with exit status {code}: see {self._log}")
        print(f"{name:<16}{kills:>6}{time.monotonic() - begun:>10.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, type=Path, help="a finished run; it is copied")
    parser.add_argument("--data", required=True, type=Path, help="holds benchmarks/*.jsonl")
    parser.add_argument("--folder", required=True, type=Path, help="new folder for all results")
    parser.add_argument("--tokenizer", default="tiktoken:gpt2")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    run = options.folder / "run"
    shutil.copytree(options.run, run)
    chain = Chain(options.seed, options.folder / "commands.log")
    print(f"{'step':<16}{'kills':>6}{'seconds':>10}", flush=True)
    with archive() as address:
        _commands(chain, run, options, address)
    faults = list(_faults(run, options.folder))
    print("\n".join(faults) or "all counts add up")
    sys.exit(1 if faults else 0)


def _commands(chain: Chain, run: Path, options: argparse.Namespace, address: str) -> None:
    config = json.loads((run / "run.json").read_text())["config"]
    config["output"] = str(run)
    config["decontaminate"] = {
        "sets": [
            {"path": str((options.data / "benchmarks" / f"{name}.jsonl").resolve()), **fields}
            for name, fields in SETS.items()
        ]
    }
    config["images"] = {
        "fetch": {
            "allow_networks": ["127.0.0.1/32"],
            "attempts": 1,
            "connect_timeout_seconds": 2.0,
            "host_failures": 1,
        }
    }
    settings = options.folder / "chain.yaml"
    settings.write_text(yaml.safe_dump(config))
    given = ["--config", str(settings)]
    resume = [*given, "--resume", "--accept-code-change"]
    chain.step("decontaminate", ["build", *resume], ["build", *resume])
    chain.step(
        "images select",
        ["images", "select", str(run), *given, "--accept-code-change"],
        ["images", "select", str(run), *resume],
    )
    fetch = ["images", "fetch", str(run), *given, "--archive-root", address]
    chain.step("images fetch", fetch, fetch)
    for name in FORMATS:
        pictures = [] if name == "jsonl" else ["--images"]
        export = ["export", str(run), "--format", name, *pictures]
        export += ["--output", str(options.folder / name)]
        chain.step(f"export {name}", export, [*export, "--resume"])
    pack = ["pack", str(run), "--tokenizer", options.tokenizer]
    pack += ["--output", str(options.folder / "pack")]
    chain.step("pack", pack, [*pack, "--resume"])


def _faults(run: Path, folder: Path) -> Iterator[str]:
    """What does not add up, a line each; prints the funnel."""
    from infimm_spark.run import tables
    from infimm_spark.run.layout import RunLayout
    from infimm_spark.run.ledger import reconcile

    layout = RunLayout(str(run))
    funnel = {line.stage: line for line in reconcile(tables.ledger(layout))}
    subprocess.run([sys.executable, "-m", "infimm_spark.cli", "funnel", str(run)], check=True)
    kept = funnel["publish"].kept
    if funnel["decontaminate"].kept != funnel["publish"].read:
        yield "publish did not read what decontaminate kept"
    images = None
    for name in FORMATS:
        counts = _manifest(folder / name)["counts"]
        if counts["documents"] != kept:
            yield f"{name} has {counts['documents']} documents, the corpus {kept}"
        if name != "jsonl":
            images = images or counts["images"]
            if counts["images"] != images:
                yield f"{name} has {counts['images']} images, hf {images}"


def _manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "_export" / "manifest.json").read_text())
    return found


def _start(arguments: list[str], log: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "infimm_spark.cli", *arguments]
    print("$", *command, file=log, flush=True)
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    main()
