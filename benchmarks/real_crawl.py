"""A whole build of the real crawl: every page accounted for, and what memory it took.

    python benchmarks/real_crawl.py --crawl ../shared/data/commoncrawl

Runs `infimm build`, looks at the memory of its processes meanwhile (peak resident set, by kind of
process), and compares the funnel with the WARC files themselves: the responses that FastWARC counts
in them. Exit status 1 when a page is missing from the account or a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastwarc import ArchiveIterator, WarcRecordType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from infimm_spark.stages.extract import NOT_A_PAGE  # noqa: E402

_WORKER_LIMIT = 1 << 30
_KINDS = {  # a part of the command line, in the order of looking
    "page process": "infimm_spark.cascade.sandbox",
    "Python worker": "daemon pyspark.worker",
    "driver, Python": "infimm_spark.cli",
    "driver, JVM": "org.apache.spark",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--config", type=Path, default=ROOT / "conf/local.yaml")
    parser.add_argument("--output", type=Path, help="keep the run here (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infimm-crawl-") as folder:
        sys.exit(0 if _run(options, options.output or Path(folder) / "run") else 1)


def _run(options: argparse.Namespace, output: Path) -> bool:
    started = time.monotonic()
    arguments = ["--config", options.config, "--input", options.crawl, "--output", output]
    build = subprocess.Popen(
        [sys.executable, "-m", "infimm_spark.cli", "build", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    peaks: dict[str, int] = {}
    while build.poll() is None:
        for kind, size in _resident(build.pid):
            peaks[kind] = max(size, peaks.get(kind, 0))
        time.sleep(0.5)
    seconds = time.monotonic() - started
    if build.returncode:
        print(f"the build ended with status {build.returncode}")
        return False

    report = json.loads((output / "report" / "funnel.json").read_text())
    stages = {stage["stage"]: stage for stage in report["stages"]}
    for name, stage in stages.items():
        print(f"{name:<12} read {stage['read']:>7,}  kept {stage['kept']:>7,}")
    responses, records = _counted(options.crawl)
    first = next(iter(stages.values()))
    others = sum(n for reason, n in first["dropped"].items() if reason.startswith(NOT_A_PAGE))
    accounted = first["read"] - others
    print(f"records in the WARC files {records:,}, read {first['read']:,}")
    print(f"responses in the WARC files {responses:,}, accounted for {accounted:,}")
    print(f"{seconds:.0f} s")
    for kind, size in peaks.items():
        print(f"peak of a {kind}: {size / 1e6:,.0f} MB")
    return (records, responses) == (first["read"], accounted) and (
        peaks["Python worker"] <= _WORKER_LIMIT
    )


def _counted(crawl: Path) -> tuple[int, int]:
    """Responses, and all records, of a crawl's WARC files."""
    responses = records = 0
    for path in sorted(crawl.rglob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=False):
                records += 1
                responses += record.record_type == WarcRecordType.response
    return responses, records


def _resident(session: int) -> list[tuple[str, int]]:
    """(kind, peak resident set in bytes) of the processes of a session that are alive."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if os.getsid(int(folder.name)) != session:
                continue
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            status = (folder / "status").read_text()
        except (OSError, ProcessLookupError):  # it has just ended
            continue
        kind = next((kind for kind, part in _KINDS.items() if part in command), None)
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), None)
        if kind and peak:
            found.append((kind, int(peak.split()[1]) * 1024))
    return found


if __name__ == "__main__":
    main()
