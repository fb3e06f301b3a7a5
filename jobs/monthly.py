"""spark-submit entry point: `infimm monthly` with the same options."""

from __future__ import annotations

import sys

from infimm_spark.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "monthly")
    main()
