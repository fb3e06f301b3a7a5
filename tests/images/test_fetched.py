"""Fetched images are found by their URL."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas
from infimm_spark.images.fetched import FetchedImages, image_key

MORNING = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)


def row(url: str, status: str, image: bytes | None = None, hours: int = 0) -> dict[str, Any]:
    """A row of FETCHED; what a test does not look at is null."""
    known = {
        "url": url,
        "key": image_key(url),
        "status": status,
        "fetched": MORNING + dt.timedelta(hours=hours),
    }
    if image is not None:
        sha256 = hashlib.sha256(image).hexdigest()
        known |= {"image": image, "format": "png", "width": 2, "height": 1, "sha256": sha256}
    return {name: known.get(name) for name in schemas.FETCHED.names}


def shard(folder: Path, name: str, rows: list[dict[str, Any]], group: int = 2) -> None:
    """A shard of these rows."""
    folder.mkdir(exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=schemas.FETCHED)
    pq.write_table(table, folder / name, row_group_size=group)


def test_an_image_is_found_by_its_url(tmp_path: Path) -> None:
    """Bytes come back as they were received, from any shard and row group; failures have none."""
    urls = [f"https://example.org/{n}.png" for n in range(7)]
    shard(tmp_path, "part-a.parquet", [row(url, "ok", url.encode()) for url in urls[:5]])
    shard(tmp_path, "part-b.parquet", [row(urls[5], "ok", b"five"), row(urls[6], "gone")])
    images = FetchedImages(str(tmp_path), cached_groups=1)
    for url in reversed(urls[:5]):
        found = images.get(url)
        assert found is not None
        assert found.image == url.encode()
    assert len(images) == 6
    assert urls[5] in images
    assert images.get(urls[6]) is None
    assert images.get("https://example.org/never-asked.png") is None


def test_the_newest_image_of_a_url_counts(tmp_path: Path) -> None:
    """A later failure does not hide an image; of two images the later one counts."""
    url = "https://example.org/a.png"
    shard(tmp_path, "part-a.parquet", [row(url, "ok", b"new", 2), row(url, "timeout", None, 3)])
    shard(tmp_path, "part-b.parquet", [row(url, "ok", b"old", 1)])
    found = FetchedImages(str(tmp_path)).get(url)
    assert found is not None
    assert found.image == b"new"


def test_a_run_without_images_has_none(tmp_path: Path) -> None:
    """A folder that is not there holds no image, and other files in one are not read."""
    assert len(FetchedImages(str(tmp_path / "absent"))) == 0
    (tmp_path / "notes.parquet").write_bytes(b"none")
    assert len(FetchedImages(str(tmp_path))) == 0
