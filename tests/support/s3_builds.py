"""Runs a list of builds in one Spark session, and says of each what came of it.

    python tests/support/s3_builds.py PLAN.json

The plan is a list of {name, config, stage, resume}: `config` is laid over conf/local.yaml, `stage` is null for a
whole build. The answer, on stdout, is JSON: by name, `seconds` and the error's class and line, if any.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from infimm_spark.config import load_config
from infimm_spark.errors import InfimmError
from infimm_spark.pipeline import Run, build

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    results: dict[str, Any] = {}
    for step in json.loads(Path(sys.argv[1]).read_text()):
        started = time.monotonic()
        results[step["name"]] = result = {"error": None}
        try:
            config = load_config(ROOT / "conf" / "local.yaml", step["config"])
            resume = step.get("resume", False)
            if step.get("stage"):
                Run.begin(config, resume=resume).stage(step["stage"], resume=resume)
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
