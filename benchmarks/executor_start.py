"""The environment archive: build time, size, and time until an executor works.

    python benchmarks/executor_start.py [--workers 3]

Builds the archive of this machine, starts a standalone cluster (one master, separate workers) and
submits a job whose first tasks import the package and load the shipped models from the archive.
Time runs from the driver's session to the answer of every executor: launch, fetching and unpacking
of the archive, the Python worker's start and the models' loading included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--job", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        _job(options.job)
        return
    from standalone import StandaloneCluster
    from submitting import submit_command, submitter_environment

    with tempfile.TemporaryDirectory(prefix="infimm-start-") as name:
        folder = Path(name)
        started = time.monotonic()
        build = [sys.executable, str(ROOT / "docker" / "build_environment.py"), "host"]
        build += ["--interpreter", sys.executable, "--output", str(folder)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        archive = folder / "infimm-environment-host.tar.gz"
        seconds, size = time.monotonic() - started, archive.stat().st_size / 1e6
        print(f"archive: {seconds:.0f} s, {size:.0f} MB", flush=True)
        with StandaloneCluster(folder / "cluster", workers=options.workers) as cluster:
            command = submit_command(
                cluster.url,
                *("--archives", f"{archive}#environment"),
                *("--conf", "spark.pyspark.python=./environment/bin/python"),
                *("--conf", "spark.scheduler.minRegisteredResourcesRatio=1.0"),
            )
            command = [*command[:-1], __file__, "--job", str(options.workers)]
            subprocess.run(
                command, check=True, env=submitter_environment(), stderr=subprocess.DEVNULL
            )


def _job(workers: int) -> None:
    from pyspark.sql import SparkSession

    def answer(_: object) -> list[tuple[str, str]]:
        import socket

        from infimm_spark.classify.scores import load_models

        load_models()
        time.sleep(1)  # so that no executor answers for another
        return [(sys.executable, f"{socket.gethostname()} {Path.cwd()}")]

    started = time.monotonic()
    context = SparkSession.builder.appName("executor start").getOrCreate().sparkContext
    session = time.monotonic()
    answers = context.parallelize(range(workers), workers).mapPartitions(answer).collect()
    seconds = time.monotonic() - session - 1
    places = {place for _, place in answers}
    assert all("/environment/bin/python" in python for python, _ in answers), answers
    print(
        f"session {session - started:.1f} s; then the first task of each of {len(places)} "
        "executors "
        f"(one Python worker and its models): {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
