"""Runs a list of builds in one Spark session of a process of its own, and says of each what came of
it.

    python tests/support/s3_builds.py PLAN.json

The plan is a list of {name, config, stage, resume}: `config` is laid over conf/local.yaml, `stage`
is null for a whole build. The answer, on stdout, is JSON: by name, `seconds` and the error's class
and line, if any.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infimm_spark import schemas
from infimm_spark.config import load_config
from infimm_spark.errors import InfimmError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.pipeline import build, run_stage
from infimm_spark.run.run import Run

ROOT = Path(__file__).resolve().parents[2]


REMOTE: dict[str, Any] = {"attempts": 10, "backoff_seconds": 0.02, "max_backoff_seconds": 0.2}
"""A store that is asked often and soon."""


def environment_of(server: Any) -> dict[str, str]:
    """A process's environment with no credentials but the server's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return kept | server.environment | {"PYTHONPATH": str(ROOT)}


def corpus(output: str) -> list[dict[str, Any]]:
    """All rows that a run published, sorted."""
    found = tables.rows(RunLayout(output), "publish", "corpus", schemas.CORPUS)
    return sorted(found, key=lambda row: str(row["id"]))


def run_builds(
    steps: list[dict[str, Any]], folder: Path, server: Any, timeout: float = 900
) -> dict[str, Any]:
    """What `steps` came to, by name; the process has no credentials but the server's."""
    plan = folder / "plan.json"
    plan.write_text(json.dumps(steps))
    done = subprocess.run(
        [sys.executable, __file__, str(plan)],
        env=environment_of(server),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert server.secret not in done.stderr
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


def main() -> None:
    results: dict[str, Any] = {}
    for step in json.loads(Path(sys.argv[1]).read_text()):
        started = time.monotonic()
        results[step["name"]] = result = {"error": None}
        try:
            config = load_config(ROOT / "conf" / "local.yaml", step["config"])
            resume = step.get("resume", False)
            if step.get("stage"):
                run_stage(Run.begin(config, resume=resume), step["stage"], resume=resume)
            else:
                build(config, resume=resume)
        except InfimmError as error:
            result["error"] = f"{type(error).__name__}: {error}"
        except Exception as error:  # Spark's own: its test fails with it, the other builds go on
            result["error"] = f"{type(error).__name__}: {str(error)[:2000]}"
        result["seconds"] = time.monotonic() - started
    print(json.dumps(results))


if __name__ == "__main__":
    main()
