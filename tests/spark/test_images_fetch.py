"""`infimm images fetch`: a run's images are asked for once each, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from image_server import ImageServer, png
from pyspark.sql import SparkSession
from selected_images import selected_run

from infimm_spark.config import load_config
from infimm_spark.errors import OutputError, StageError
from infimm_spark.images.fetched import FetchedImages, shard_files
from infimm_spark.images.shards import recover
from infimm_spark.run.fetching import fetch_images, print_summary
from infimm_spark.run.run import Run

pytestmark = pytest.mark.spark

CONNECTIONS = 8
FETCH: dict[str, Any] = {
    "allow_networks": ["127.0.0.1/32"],
    "connections": CONNECTIONS,
    "connections_per_host": CONNECTIONS,
    "timeout_seconds": 3.0,
    "total_timeout_seconds": 5.0,
    "backoff_seconds": 0.01,
    "attempts": 2,
    "host_failures": 1_000,
}


@pytest.fixture
def server() -> Iterator[ImageServer]:
    """A misbehaving server of its own, so that counts are the test's."""
    started = ImageServer()
    yield started
    started.close()


def rows(folder: str) -> list[dict[str, Any]]:
    """All rows in the shards, without the images."""
    columns = ["url", "status", "source", "attempts", "sha256"]
    return [
        row
        for file in shard_files(folder)
        for row in pq.read_table(file, columns=columns).to_pylist()
    ]


def test_a_run_gets_its_images(spark: SparkSession, tmp_path: Path, server: ImageServer) -> None:
    """Every selected URL gets one row; a second fetch asks only for what may have passed, and an
    archive only for what is dead."""
    good = [server.url(f"/ok/{number}.png") for number in range(30)]
    other = [
        server.url(path) for path in ("/missing/kept-1.png", "/forbidden/1.png", "/bomb/1.png")
    ]
    broken = server.url("/broken/1.png")
    urls = [*good, *other, broken, good[0]]  # one address stands in two documents
    layout = selected_run(tmp_path / "run", urls, FETCH)
    summary = fetch_images(Run.open(layout.root))
    expected = {"ok": 30, "gone": 1, "refused": 1, "bomb": 1, "server_error": 1}
    assert (summary.selected, summary.statuses, summary.asked_now) == (34, expected, 34)
    assert sorted(row["url"] for row in rows(layout.fetched)) == sorted(set(urls))
    assert {server.asked[f"/ok/{number}.png"] for number in range(30)} == {1}
    assert server.asked["/robots.txt"] <= 2
    assert "asked again by the next fetch" in print_summary(summary)
    images = FetchedImages(layout.fetched)
    found = images.get(good[7])
    assert found is not None
    assert found.image == png(7)

    before = Counter(server.asked)
    settings = Run.open(layout.root).config
    with_archive = {**FETCH, "archive_root": server.url("/web"), "shard_mb": 1}
    images_section = {"enabled": True, "fetch": with_archive}
    again = load_config(None, {**settings.model_dump(), "images": images_section})
    summary = fetch_images(Run.open(layout.root, again))
    assert summary.statuses == {"ok": 31, "refused": 1, "bomb": 1, "server_error": 1}
    now = server.asked - before
    assert {path for path in now if not path.startswith("/robots")} == {
        "/broken/1.png",
        f"/web/20231201020304id_/{server.url('/missing/kept-1.png')}",
    }
    archived = [row for row in rows(layout.fetched) if row["source"] == "archive"]
    assert [(row["url"], row["status"]) for row in archived] == [(other[0], "ok")]


def test_a_fetch_needs_a_selection_of_its_own_run(spark: SparkSession, tmp_path: Path) -> None:
    """A run without one, with another run's, or with another run's images, is refused in a
    line."""
    mine = selected_run(tmp_path / "mine", [], FETCH)
    other = selected_run(tmp_path / "other", [], FETCH)
    run = Run.open(mine.root)
    Path(mine.manifest("images")).rename(tmp_path / "kept.json")
    with pytest.raises(StageError, match="no selected images: infimm images select"):
        fetch_images(run)
    Path(mine.manifest("images")).write_bytes(Path(other.manifest("images")).read_bytes())
    with pytest.raises(StageError, match="is of run run-other, but"):
        fetch_images(run)
    (tmp_path / "kept.json").rename(mine.manifest("images"))
    Path(mine.fetched).mkdir()
    Path(mine.fetched, "fetched.json").write_text('{"run_id": "run-other"}')
    with pytest.raises(OutputError, match="holds images of run run-other"):
        fetch_images(run)
    assert shard_files(mine.fetched) == []


def killed_and_resumed(root: Path, server: ImageServer, count: int, kills: int) -> None:
    """Fetch `count` images in a process that is killed `kills` times, and check what was asked."""
    urls = [server.url(f"/ok/{number}.png") for number in range(count)]
    urls += [server.url(f"/unwell/{number}.png") for number in range(20)]
    urls += [server.url(f"/{kind}/1.png") for kind in ("drip", "short", "reset", "circle", "bomb")]
    layout = selected_run(root, urls, FETCH)
    command = [sys.executable, "-m", "infimm_spark.cli", "images", "fetch", layout.root]
    for kill in range(1, kills + 1):
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        target = count * kill // (kills + 1)
        deadline = time.monotonic() + 900
        while sum(server.answered.values()) < target and running.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert running.poll() is None, running.communicate()[0].decode()
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        recover(layout.fetched)  # waits for workers that die with their driver
        kept = {row["url"] for row in rows(layout.fetched)}
        asked = Counter(server.asked)
        # What was answered in the moment of the kill may be lost, one image a connection.
        lost = {server.url(path) for path in server.answered} - kept
        assert len(lost) <= CONNECTIONS
        assert len(kept) >= target - CONNECTIONS * kill
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    again = {path for path in server.asked if server.asked[path] > asked[path]}
    known = {url for url in kept if server.url("/ok/") in url or server.url("/unwell/") in url}
    assert not {server.url(path) for path in again} & known
    final = {row["url"]: row["status"] for row in rows(layout.fetched)}
    assert sorted(final) == sorted(urls)
    assert Counter(final.values())["ok"] == count + 20
    assert f"{count + 20:,}" in done.stdout
    assert max(server.answered.values()) <= 2
    images = FetchedImages(layout.fetched)
    assert len(images) == count + 20
    some = images.get(urls[count // 2])
    assert some is not None
    assert some.image == png(count // 2)
    assert not list((Path(layout.fetched) / ".journals").glob("*"))


@pytest.mark.slow
def test_a_killed_fetch_goes_on_where_it_was(tmp_path: Path, server: ImageServer) -> None:
    """After kill -9 no image that was kept is asked for again, and none is missing in the end."""
    killed_and_resumed(tmp_path / "run", server, 400, kills=1)


@pytest.mark.slow
def test_ten_thousand_images_survive_kills(tmp_path: Path, server: ImageServer) -> None:
    """The same with 10,000 images and three kills."""
    killed_and_resumed(tmp_path / "run", server, 10_000, kills=3)
