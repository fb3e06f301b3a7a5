"""How long `infimm report` takes on a large run, and how large its file is.

    python benchmarks/report.py --folder /tmp/report-run --documents 1000000 --times 10

Writes a run of that many documents as `browse.py` does, once, and lists each of its files `--times`
over (as links, which take no disk). Prints the seconds and the bytes of the report and of `stats`,
and the seconds of a what-if on the run as it was written: it joins by id, and a linked file has the
ids of the others. Targets: ten million documents in minutes, the file under 5 MB, a what-if in
seconds.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import time
from pathlib import Path

from browse import write_run  # the module beside this one

from infimm_spark.report.figures import run_figures
from infimm_spark.report.html import report_html
from infimm_spark.report.query import RunQueries
from infimm_spark.report.what_if import what_if
from infimm_spark.run.files import DataFile
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest, write_manifest


def multiplied(source: Path, target: Path, times: int) -> RunLayout:
    """A run whose tables list every file of `source` `times` over."""
    for file in sorted(source.rglob("*")):
        place = target / file.relative_to(source)
        if file.suffix == ".parquet":
            place.parent.mkdir(parents=True, exist_ok=True)
            for copy in range(times):
                os.link(file, place.with_name(f"{place.stem}-{copy}.parquet"))
        elif file.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
    layout = RunLayout(str(target))
    for manifest_file in sorted((target / "extract" / "manifests").iterdir()):
        manifest = read_manifest(str(manifest_file))
        assert manifest is not None
        files = [_copied(file, copy) for file in manifest.files for copy in range(times)]
        write_manifest(str(manifest_file), manifest.model_copy(update={"files": files}))
    return layout


def _copied(file: DataFile, copy: int) -> DataFile:
    return file.model_copy(update={"path": f"{file.path.removesuffix('.parquet')}-{copy}.parquet"})


def main() -> None:
    """Write the run if it is not there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    single = arguments.folder / "once"
    if not (single / "run.json").exists():
        write_run(single, arguments.documents)
    many = arguments.folder / f"times-{arguments.times}"
    layout = RunLayout(str(many)) if many.exists() else multiplied(single, many, arguments.times)
    began = time.perf_counter()
    with RunQueries(layout) as queries:
        documents = queries.row("SELECT count(*) AS n FROM documents")["n"]
        run_figures(layout, queries)
    print(f"stats of {documents:,} documents: {time.perf_counter() - began:.1f} s")
    began = time.perf_counter()
    html = report_html(layout)
    print(f"report: {time.perf_counter() - began:.1f} s, {len(html.encode()) / 1e6:.2f} MB")
    began = time.perf_counter()
    answer = what_if(RunLayout(str(single)), ["rules.precision_threshold=0.9"])
    print(
        f"what-if of {arguments.documents:,} documents: {time.perf_counter() - began:.1f} s, "
        f"{answer['leaving']:,} would leave"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.2f} GB, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
