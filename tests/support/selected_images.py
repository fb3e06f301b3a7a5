"""A run that has come as far as selected images: for tests of what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas
from infimm_spark.config import load_config
from infimm_spark.images.fetched import image_key
from infimm_spark.run.files import catalogue
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import write_manifest
from infimm_spark.run.run import Run


def selected_run(root: Path, urls: list[str], fetch: dict[str, Any] | None = None) -> RunLayout:
    """A run at `root` with these images selected, and one that was left out."""
    config = load_config(
        None,
        {
            "output": str(root),
            "images": {"enabled": True, "fetch": fetch or {}},
            "spark": {"master": "local[2]", "conf": {"spark.sql.shuffle.partitions": "2"}},
        },
    )
    layout = RunLayout(str(root))
    run = Run(f"run-{root.name}", config, layout)
    root.mkdir(parents=True)
    run.write_run_file()
    folder = root / "images" / "images" / "attempt-1"
    folder.mkdir(parents=True)
    rows = [_row(number, url) for number, url in enumerate(urls)]
    rows.append(_row(len(urls), "https://example.org/logo.png") | {"reason": "url_word"})
    pq.write_table(pa.Table.from_pylist(rows, schema=schemas.IMAGES), folder / "part-0.parquet")
    files = catalogue(layout.root, [str(folder)])
    write_manifest(layout.manifest("images"), run.manifest("images", {}, {}, files, "now"))
    return layout


def _row(number: int, url: str) -> dict[str, Any]:
    known = {
        "id": f"{number:032x}",
        "position": 1,
        "url": url,
        "key": image_key(url),
        "date": "2023-12-01T02:03:04Z",
        "uses": 1,
    }
    return {name: known.get(name) for name in schemas.IMAGES.names}
