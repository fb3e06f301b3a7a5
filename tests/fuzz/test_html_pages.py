"""Whatever a page holds: no crash, no hang, and what comes out agrees with itself.

`make fuzz` tries FUZZ_INPUTS pages from FUZZ_SEED on; a failure names its seed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

INPUTS = int(os.environ.get("FUZZ_INPUTS", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
PART = 500
CHILD = Path(__file__).parents[1] / "support" / "hostile_pages.py"


@pytest.mark.parametrize("first", range(SEED, SEED + INPUTS, PART))
def test_hostile_pages_are_extracted_or_refused(first: int) -> None:
    """In a child with limits of time and memory: formulas read back as written, no mark comes
    out."""
    count = min(PART, SEED + INPUTS - first)
    child = subprocess.run(
        [sys.executable, str(CHILD), str(first), str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    last = child.stdout.split()[-1]
    assert last == "done", (
        f"page of seed {last}, exit code {child.returncode}: {child.stderr[-2000:]}"
    )
