"""`kill -9` while a build writes to S3, at random moments: `--resume` gives the undisturbed
corpus."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from s3_builds import corpus, environment_of

from infimm_spark import store
from infimm_spark.config import StoreConfig
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.sample import write_sample_crawl
from infimm_spark.spark.s3_connector import local_jars

pytestmark = [pytest.mark.spark, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def _command(output: str, *more: str) -> list[str]:
    config = ROOT / "tests" / "support" / "small_groups.yaml"
    command = [sys.executable, "-m", "infimm_spark.cli", "build", "--config", str(config)]
    return [*command, "--input", "s3://kill-crawl", "--output", output, *more]


@pytest.fixture(scope="module")
def undisturbed(s3_server: Any, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds of a build of the sample crawl that nobody disturbs, into s3://kill-out/whole."""
    import pyspark

    if not local_jars(pyspark.__version__):
        pytest.skip("no S3A jars; `make jars` fetches them from Maven Central")
    crawl = tmp_path_factory.mktemp("crawl")
    write_sample_crawl(crawl)
    s3_server.upload_tree(crawl, "kill-crawl")
    s3_server.client().create_bucket(Bucket="kill-out")
    started = time.monotonic()
    done = subprocess.run(
        _command("s3://kill-out/whole"),
        env=environment_of(s3_server),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return time.monotonic() - started


@pytest.mark.parametrize("moment", range(10))
def test_killed_while_writing_and_resumed_equals_undisturbed(
    s3: Any, undisturbed: float, moment: int
) -> None:
    """Driver and executor die together at a random moment; nothing is lost, doubled or left
    half-written."""
    store.configure(StoreConfig())
    output = f"s3://kill-out/run-{moment}"
    victim = subprocess.Popen(
        _command(output),
        env=environment_of(s3),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        # Nothing is written before the session is up, so the moment counts from the run's first
        # object.
        while not store.exists(f"{output}/run.json"):
            assert victim.poll() is None
            time.sleep(0.2)
        time.sleep(random.Random(moment).uniform(0.2, 0.8) * undisturbed)
    finally:
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    again = subprocess.run(
        _command(output, "--resume"),
        env=environment_of(s3),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert again.returncode == 0, again.stderr
    assert corpus(output) == corpus("s3://kill-out/whole")
    funnels = [reconcile(tables.ledger(RunLayout(o))) for o in (output, "s3://kill-out/whole")]
    assert funnels[0] == funnels[1]
