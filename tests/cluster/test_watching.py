"""What an operator sees of a run: the driver's Prometheus pages while it lasts, the History Server
afterwards."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pyspark
import pytest
from ports import free_port

from infimm_spark.sample import write_sample_crawl
from tests.support.submitting import ROOT, start, submit_command, submitter_environment

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_counts_are_served_while_it_runs_and_the_history_server_tells_the_run(
    tmp_path: Path,
) -> None:
    """Under conf/spark/extract.conf the UI serves the run's counts, and its event log can be
    read."""
    write_sample_crawl(tmp_path / "crawl")
    events = tmp_path / "events"
    events.mkdir()
    config = tmp_path / "build.yaml"
    config.write_text("extract: {group_size: 2}\n")
    port = free_port()
    command = submit_command(
        "local[2]",
        *("--properties-file", str(ROOT / "conf" / "spark" / "extract.conf")),
        *("--conf", f"spark.eventLog.dir={events.as_uri()}"),
        *("--conf", "spark.ui.enabled=true", "--conf", f"spark.ui.port={port}"),
        *("--conf", f"spark.pyspark.python={sys.executable}"),
    )
    command += ["--config", str(config)]
    command += ["--input", str(tmp_path / "crawl"), "--output", str(tmp_path / "run")]
    driver = start(command)
    counts: dict[str, float] = {}
    executors = ""
    while driver.poll() is None:
        counts |= _counts(_page(f"http://127.0.0.1:{port}/metrics/prometheus"))
        executors = _page(f"http://127.0.0.1:{port}/metrics/executors/prometheus") or executors
        time.sleep(0.5)
    assert driver.stdout is not None
    log = driver.stdout.read()
    assert driver.returncode == 0, log[-4000:]
    files = len(list((tmp_path / "crawl").rglob("*.warc.gz")))
    assert counts["extract_files"] == files
    assert counts["extract_kept"] > 20
    assert counts["dedup_recall_read"] == counts["extract_kept"]
    assert "metrics_executor_completedTasks_total" in executors

    (application,) = _history(events)
    assert application["attempts"][0]["completed"]


def _counts(page: str) -> dict[str, float]:
    """The run's own counters on a Prometheus page, without what Spark puts around their names."""
    found = re.findall(
        r"infimm_((?:extract|dedup|refine|publish)_\w+?)_Value\{[^}]*\} ([\d.]+)", page
    )
    return {name: float(value) for name, value in found}


def _history(events: Path) -> list[dict[str, Any]]:
    """The applications that a History Server finds in `events`."""
    port = free_port()
    home = Path(pyspark.__file__).parent
    options = f"-Dspark.history.fs.logDirectory={events.as_uri()} -Dspark.history.ui.port={port}"
    server = subprocess.Popen(
        [str(home / "bin" / "spark-class"), "org.apache.spark.deploy.history.HistoryServer"],
        env=submitter_environment(SPARK_HISTORY_OPTS=options, SPARK_DAEMON_MEMORY="512m"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            answer = _page(f"http://127.0.0.1:{port}/api/v1/applications")
            found: list[dict[str, Any]] = json.loads(answer or "[]")
            if found:
                return found
            time.sleep(0.5)
        return []
    finally:
        server.kill()
        server.wait()


def _page(url: str) -> str:
    """The page, empty while nobody serves it."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return ""
