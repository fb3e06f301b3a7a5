"""A small finished run with a corpus of two snapshots and two languages, and pictures for it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from infimm_spark import schemas
from infimm_spark.export.documents import Picture, Pictures
from infimm_spark.run.layout import RunLayout

RUN_ID = "20261129T100000Z-0a1b2c3d"
SNAPSHOTS = {"CC-MAIN-2023-40": (5, 3), "CC-MAIN-2023-50": (4,)}


def row(number: int, snapshot: str) -> dict[str, Any]:
    """A document: a text, its picture, an equation; every third one in Chinese, with two pictures
    at the end."""
    chinese = number % 3 == 0
    first = (
        f"勾股定理 $a^2+b^2=c_{{{number}}}^2$" if chinese else f"Theorem {number}: $x^2 = {number}$"
    )
    texts: list[str | None] = [first, None, f"$$\\int_0^{number} x\\,dx$$\n\nHence “so”."]
    images: list[str | None] = [None, f"https://img.example/{number}.png", None]
    if chinese:
        texts += [None, None]
        images += [f"https://img.example/{number}b.png", "https://img.example/shared.png"]
    metadata = {
        "ft_lang_label": "__label__zh" if chinese else "__label__en",
        "ft_lang_prob": 0.99,
        "math_prob": 0.9,
        "math_prob_llama3": 0.8,
        "text_gpt3_token_len": 40,
        "WARC_HEADER": json.dumps({"WARC-Date": "2023-11-28T09:00:00Z"}),
    }
    return {
        "URL": f"https://pages.example/{number}?q=ü",
        "text_list": texts,
        "image_list": images,
        "metadata": json.dumps(metadata, ensure_ascii=False),
        "id": f"{number:032x}",
        "title": f"Page {number}",
        "warc_file": "a.warc.gz",
        "warc_offset": number * 100,
        "warc_length": 90,
        "images": [{"url": url, "alt": f"alt {url[-5:]}", "width": 4} for url in images if url],
        "formula_counts": [{"encoding": "dollar", "outcome": "valid", "count": 2}],
        "consent": ["noai"] if number == 1 else [],
        "truncated": False,
        "snapshot": snapshot,
    }


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """A run of twelve documents in three files, as a build leaves it."""
    root = tmp_path / "run"
    number = 0
    for snapshot, sizes in SNAPSHOTS.items():
        for part, size in enumerate(sizes):
            rows = [row(number + n, snapshot) for n in range(size)]
            number += size
            table = pa.Table.from_pylist(rows, schema=schemas.CORPUS).drop_columns("snapshot")
            file = root / "corpus" / f"snapshot={snapshot}" / f"part-{part:05d}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, file)
    (root / "run.json").write_text(json.dumps({"run_id": RUN_ID, "config": {}}))
    return RunLayout(str(root))


@pytest.fixture
def corpus(layout: RunLayout) -> list[dict[str, Any]]:
    """The rows of that run, in order."""
    sizes = [(snapshot, size) for snapshot, parts in SNAPSHOTS.items() for size in parts]
    rows = []
    for snapshot, size in sizes:
        rows += [row(len(rows) + n, snapshot) for n in range(size)]
    table = pa.Table.from_pylist(rows, schema=schemas.CORPUS)
    return list(table.to_pylist())


def png(number: int) -> bytes:
    """A small picture that differs by number."""
    sink = io.BytesIO()
    Image.new("RGB", (4, 3), (number, 0, 0)).save(sink, "PNG")
    return sink.getvalue()


@pytest.fixture
def pictures() -> Pictures:
    """A picture for the first image of each document with an even number; the others are gone."""

    def found(document: str, position: int) -> Picture | None:
        number = int(document, 16)
        if number % 2 or position != 1:
            return None
        return Picture("png", 4, 3, f"{number:064x}", png(number))

    return found
