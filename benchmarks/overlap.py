"""Two builds on one output, killed and resumed at random moments: one corpus, or one clear refusal.

    python benchmarks/overlap.py --trials 20
    python benchmarks/overlap.py --trials 20 --s3-server
    python benchmarks/overlap.py --trials 20 --output s3://bucket/overlap --crawl s3://bucket/crawl

`--s3-server` starts the S3 server of the tests (MinIO, or moto) and keeps crawl and runs there;
`--first` goes on with the trial of that number.

Each trial (seeded) starts a build, a second one on the same output after a random while (as it is,
with --resume, or with --take-over --resume), kills the first, the second or none at another moment,
and continues with --resume until a build ends well. Every command must end with exit code 0, a
kill, or the one line of a lock or of an output in use; and the corpus must be that of an
undisturbed build, each of its files named by the manifest. Exit status 1 when a trial differs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infimm_spark import schemas, store
from infimm_spark.errors import LockedError, LockLostError, OutputError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.verify import verify
from infimm_spark.sample import write_sample_crawl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import s3_server  # noqa: E402

REFUSALS = {LockedError.exit_code, LockLostError.exit_code, OutputError.exit_code}
SECOND = ([], ["--resume"], ["--resume"], ["--resume", "--take-over"])
VICTIMS = ("first", "second", "nobody")
MOST_RESUMES = 5


@dataclass
class Trial:
    """What became of one trial; `faults` is empty for a good one."""

    number: int
    events: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", help="default: the sample crawl of the package")
    parser.add_argument("--output", help="folder or bucket of the runs; default a temporary folder")
    parser.add_argument("--config", default=str(ROOT / "tests/support/small_groups.yaml"))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--s3-server", action="store_true", help="on a server started here")
    parser.add_argument("--limit", type=int, help="WARC files read (default all)")
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with places(options) as (crawl, output):
        command = [sys.executable, "-m", "infimm_spark.cli", "build", "--config", options.config]
        command += ["--input", crawl] + (["--limit", str(options.limit)] if options.limit else [])
        seconds = undisturbed(command, f"{output}/whole")
        print(f"undisturbed: {seconds:.0f} s, {len(corpus(f'{output}/whole'))} rows", flush=True)
        trials = []
        for number in range(options.first, options.trials):
            trials.append(
                overlap(
                    command, output, number, seconds, random.Random(options.seed * 1000 + number)
                )
            )
            result = "; ".join(trials[-1].faults) or "equal to the undisturbed"
            print(f"trial {number}: {', '.join(trials[-1].events)}: {result}", flush=True)
    bad = sum(bool(trial.faults) for trial in trials)
    events = Counter(event.partition(" after")[0] for trial in trials for event in trial.events)
    print(f"{len(trials) - bad} of {len(trials)} good; {dict(events)}")
    sys.exit(1 if bad else 0)


@contextmanager
def places(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Where the crawl is and where the runs go."""
    with tempfile.TemporaryDirectory(prefix="infimm-overlap-") as folder:
        crawl, output = options.crawl, options.output or f"{folder}/runs"
        if crawl is None:
            crawl = f"{folder}/crawl"
            write_sample_crawl(Path(crawl))
        if not options.s3_server:
            yield crawl, output
            return
        server = s3_server.start(Path(folder))
        try:
            os.environ.update(server.environment)
            server.upload_tree(Path(crawl), "crawl")
            server.client().create_bucket(Bucket="runs")
            yield "s3://crawl", "s3://runs"
        finally:
            server.stop()


def undisturbed(command: list[str], output: str) -> float:
    """Build once in peace; seconds it took."""
    started = time.monotonic()
    done = subprocess.run([*command, "--output", output], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.monotonic() - started


def overlap(
    command: list[str], folder: str, number: int, seconds: float, chance: random.Random
) -> Trial:
    """One trial, against the undisturbed run `whole` of the same folder."""
    trial, output = Trial(number), f"{folder}/trial-{number}"
    first = _start(command, output)
    _pause(first, chance.uniform(0.05, 0.9) * seconds)
    second = _start(command, output, *chance.choice(SECOND))
    victim = chance.choice(VICTIMS)
    _pause(second, chance.uniform(0.02, 0.6) * seconds)
    if victim != "nobody":
        _kill(first if victim == "first" else second)
    for name, process in (("first", first), ("second", second)):
        trial.events.append(_ended(trial, name, process))
    for _ in range(MOST_RESUMES):
        again = _start(command, output, "--resume")
        trial.events.append(_ended(trial, "resumed", again))
        if again.returncode == 0:
            break
    else:
        trial.faults.append(f"not complete after {MOST_RESUMES} times --resume")
        return trial
    _compare(trial, output, f"{folder}/whole")
    return trial


def corpus(output: str) -> list[str]:
    """Rows of a run's corpus as text, sorted."""
    return sorted(map(repr, tables.rows(RunLayout(output), "publish", "corpus", schemas.CORPUS)))


def _start(command: list[str], output: str, *more: str) -> subprocess.Popen[str]:
    """Its own process group, so that killing it takes the JVM and the Python workers along."""
    return subprocess.Popen(
        [*command, "--output", output, *more],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _pause(process: subprocess.Popen[str], seconds: float) -> None:
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _ended(trial: Trial, name: str, process: subprocess.Popen[str]) -> str:
    """How a process ended, in words; anything but success, a kill and a refusal is a fault."""
    _, said = process.communicate()
    if process.returncode == 0:
        return f"{name} ended well"
    if process.returncode == -signal.SIGKILL:
        return f"{name} was killed"
    last = (said.strip().splitlines() or [""])[-1]
    if process.returncode in REFUSALS and last.startswith("infimm: "):
        return f"{name} was refused"
    trial.faults.append(f"{name} ended with {process.returncode}: {last[:300]}")
    return f"{name} failed"


def _compare(trial: Trial, output: str, whole: str) -> None:
    rows, expected = corpus(output), corpus(whole)
    if rows != expected:
        trial.faults.append(f"{len(rows)} rows, {len(expected)} expected, or other ones")
    verdict = verify(RunLayout(store.normal(output)), deep=True)
    trial.faults += [str(damage) for damage in verdict.damage]
    ours, theirs = (reconcile(tables.ledger(RunLayout(run))) for run in (output, whole))
    if ours != theirs:
        trial.faults.append("another funnel")


if __name__ == "__main__":
    main()
