"""Exports with the bytes of fetched images, joined by Spark."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from infimm_spark import schemas
from infimm_spark.errors import ResumeError, StoreError
from infimm_spark.export import folder
from infimm_spark.export.base import export, named
from infimm_spark.export.formats import FORMATS
from infimm_spark.images.fetched import image_key
from infimm_spark.packing.pack import pack
from infimm_spark.packing.sequences import Shape
from infimm_spark.packing.tokenizers import tokenizer_source
from infimm_spark.run.layout import RunLayout

pytestmark = pytest.mark.spark

EARLY, LATE = (dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in (1, 2))


def written(rows: list[dict[str, Any]], schema: pa.Schema, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)


def fetched(url: str, image: bytes | None, when: dt.datetime, status: str = "ok") -> dict[str, Any]:
    about = {"format": "png", "width": 4, "height": 3, "sha256": f"{hash(image):x}"}
    return {
        "url": url,
        "key": image_key(url),
        "status": status,
        "fetched": when,
        "image": image,
        **(about if image else {}),
    }


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """A run of two snapshots with three files, a table of images, and two shards of fetched ones.

    Every document has the images `own` and `shared`. The third document's `own` was not selected,
    the fourth's is gone, the fifth's was fetched twice.
    """
    root = tmp_path / "run"
    images: list[dict[str, Any]] = []
    for part, snapshot in enumerate(("S=1", "S=1", "S2")):
        rows = []
        for number in range(part * 2, part * 2 + 2):
            urls = [f"https://i/{number}.png", "https://i/shared.png"]
            identity = f"{number:032x}"
            rows.append(
                {
                    "id": identity,
                    "text_list": [None, "Text.", None],
                    "image_list": [urls[0], None, urls[1]],
                    "metadata": "{}",
                }
            )
            for position, url in ((0, urls[0]), (2, urls[1])):
                reason = "too_small" if (number, position) == (2, 0) else None
                images.append(
                    {
                        "id": identity,
                        "position": position,
                        "url": url,
                        "key": image_key(url),
                        "reason": reason,
                    }
                )
        table = pa.Table.from_pylist(rows, schema=schemas.CORPUS).drop_columns("snapshot")
        place = root / "corpus" / f"snapshot={snapshot.replace('=', '%3D')}"
        place.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, place / f"part-{part:05d}.parquet")
    written(images, schemas.IMAGES, root / "images" / "images" / "part-0.parquet")
    manifest = {"stage": "images", "run_id": "r", "identity": {}, "counts": {}}
    manifest |= {"started": "", "finished": ""}
    (root / "images" / "manifest.json").write_text(json.dumps(manifest))
    (root / "run.json").write_text(json.dumps({"run_id": "r", "config": {}}))
    rows = [fetched(f"https://i/{n}.png", b"png %d" % n, EARLY) for n in (0, 1, 2, 5)]
    rows += [fetched("https://i/3.png", None, EARLY, "gone")]
    rows += [fetched("https://i/4.png", b"old", EARLY)]
    written(rows, schemas.FETCHED, root / "fetched" / "part-0.parquet")
    rows = [
        fetched("https://i/4.png", b"png 4", LATE),
        fetched("https://i/shared.png", b"shared", EARLY),
    ]
    written(rows, schemas.FETCHED, root / "fetched" / "part-1.parquet")
    return RunLayout(str(root))


EXPECTED = {
    (f"{number:032x}", position): b"shared" if position else b"png %d" % number
    for number in range(6)
    for position in (0, 2)
    if (number, position) not in {(2, 0), (3, 0)}
}


def test_selected_and_fetched_images_are_in_their_places(
    spark: SparkSession, layout: RunLayout, tmp_path: Path
) -> None:
    """The newest bytes of each selected image, in every document that shows it; none for an image
    that was left out or is gone; the same files again from the same run, and a refusal to go on
    once more images were fetched."""
    form = named(FORMATS, "nemo")
    counts = export(layout, form, str(tmp_path / "a"), images=True, spark=lambda: spark)
    assert (counts.documents, counts.images, counts.pictures) == (6, 12, len(EXPECTED))
    rows = [r for f in (tmp_path / "a").rglob("*.parquet") for r in pq.read_table(f).to_pylist()]
    found = {
        (row["sample_id"], row["position"]): row["binary_content"]
        for row in rows
        if row["binary_content"] is not None
    }
    assert found == EXPECTED
    export(layout, form, str(tmp_path / "b"), images=True, spark=lambda: spark)
    files = [
        {
            str(f.relative_to(tmp_path / name)): f.read_bytes()
            for f in (tmp_path / name).rglob("*.*")
        }
        for name in "ab"
    ]
    assert files[0] == files[1]
    more = Path(layout.fetched) / "part-2.parquet"
    written([fetched("https://i/3.png", b"png 3", LATE)], schemas.FETCHED, more)
    with pytest.raises(ResumeError, match="fetched was"):
        export(layout, form, str(tmp_path / "a"), images=True, resume=True, spark=lambda: spark)


def test_a_pack_has_the_bytes_of_its_images(
    spark: SparkSession, layout: RunLayout, tmp_path: Path
) -> None:
    """Only images with bytes have tokens; the others are counted."""
    counts = pack(
        layout,
        str(tmp_path / "out"),
        tokenizer_source("tiktoken:gpt2"),
        Shape(64, 4, 8),
        images=True,
        spark=lambda: spark,
    )
    assert (counts.images_packed, counts.images_not_fetched) == (10, 2)
    rows = [r for f in (tmp_path / "out").rglob("*.parquet") for r in pq.read_table(f).to_pylist()]
    images = {(i["id"], i["position"]): i["bytes"] for row in rows for i in row["images"]}
    assert images == EXPECTED


def test_many_units_are_work_for_spark(
    spark: SparkSession, layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Units written by Spark's workers are those that one process writes; an error of a worker is
    the one line it says."""
    form = named(FORMATS, "jsonl")
    export(layout, form, str(tmp_path / "here"))
    monkeypatch.setattr(folder, "_FEW", 0)
    export(layout, form, str(tmp_path / "spark"), spark=lambda: spark)
    files = [
        {
            str(f.relative_to(tmp_path / name)): f.read_bytes()
            for f in (tmp_path / name).rglob("*.*")
        }
        for name in ("here", "spark")
    ]
    assert files[0] == files[1]
    (tmp_path / ".broken.partial").mkdir()
    (tmp_path / ".broken.partial" / "documents").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match=r"documents.* cannot be written"):
        export(layout, form, str(tmp_path / "broken"), spark=lambda: spark)
