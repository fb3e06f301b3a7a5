"""Log lines for machines say which run, stage and WARC file they are about."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from infimm_spark.spark import logs


def line(**extra: object) -> dict[str, object]:
    """A record formatted as JSON and read back."""
    record = logging.LogRecord("infimm_spark", logging.INFO, __file__, 1, "read %d", (7,), None)
    record.__dict__.update(extra)
    found: dict[str, object] = json.loads(logs.JsonFormatter().format(record))
    return found


def test_a_line_holds_run_stage_and_warc(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process and the record know of run, stage and WARC is in the line."""
    monkeypatch.setenv(logs.RUN_VARIABLE, "run-of-the-session")
    with logs.about(run="20261101-ab", stage="extract"):
        found = line(warc="crawl-data/x.warc.gz", seconds=1.5)
    assert found["message"] == "read 7"
    assert found["run"] == "20261101-ab"
    assert found["stage"] == "extract"
    assert found["warc"] == "crawl-data/x.warc.gz"
    assert found["seconds"] == 1.5
    after = line()
    assert after["run"] == "run-of-the-session"
    assert "stage" not in after


def test_the_environment_chooses_the_format() -> None:
    """INFIMM_LOG_FORMAT=json makes each line one JSON object; without it lines are for people."""
    code = (
        "import logging; from infimm_spark.spark import logs; logs.configure(); logs.configure(); "
        "logging.getLogger('infimm_spark').info('a \\u00fc\\nb', extra={'warc': 'w'})"
    )
    for environment, check in (({logs.FORMAT_VARIABLE: "json"}, True), ({}, False)):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONUTF8": "1", **environment},
        )  # fmt: skip
        if check:
            (only,) = done.stderr.splitlines()
            assert json.loads(only)["warc"] == "w"
        else:
            assert "INFO a \u00fc" in done.stderr
