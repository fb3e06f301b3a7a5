"""The script that a platform submits: `job.py COMMAND …` is `infimm COMMAND …`."""

from __future__ import annotations

from infimm_spark.cli import main

if __name__ == "__main__":
    try:
        main()
    except SystemExit as end:
        # Databricks takes any SystemExit for a failure.
        if end.code:
            raise
