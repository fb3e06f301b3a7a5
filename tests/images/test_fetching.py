"""Images are fetched from a server that misbehaves in every way: each URL gets its row, none
hangs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from image_server import ImageServer, png

from infimm_spark.config import FetchConfig
from infimm_spark.images.fetched import image_key
from infimm_spark.images.fetching import ImageFetcher, Wanted, archive_address
from infimm_spark.images.statuses import STATUSES

SETTINGS = FetchConfig(
    allow_networks=["127.0.0.1/32"],
    connections_per_host=8,
    timeout_seconds=2.0,
    total_timeout_seconds=3.0,
    attempts=2,
    backoff_seconds=0.01,
    max_bytes=1_000_000,
    host_failures=1_000,
)


@pytest.fixture(scope="module")
def server() -> Iterator[ImageServer]:
    """The misbehaving server."""
    started = ImageServer()
    yield started
    started.close()


def fetch(
    urls: list[str], settings: FetchConfig = SETTINGS, threads: int = 16, **more: Any
) -> dict[str, dict[str, Any]]:
    """The rows of some URLs, by URL; each comes once."""
    rows: list[dict[str, Any]] = []
    fetcher = ImageFetcher(settings, threads=threads, **more)
    fetcher.run([Wanted(url, image_key(url), "2023-12-01T02:03:04Z") for url in urls], rows.append)
    assert sorted(row["url"] for row in rows) == sorted(urls)
    return {row["url"]: row for row in rows}


EXPECTED = {
    "/ok/1.png": ("ok", 1),
    "/moved/2.png": ("ok", 1),
    "/too-many/3.png": ("ok", 2),
    "/unwell/4.png": ("ok", 2),
    "/called-html/5.png": ("ok", 1),
    "/zipped/7.png": ("ok", 1),
    "/other-bot/8.png": ("ok", 1),
    "/closing/9.png": ("ok", 1),
    "/old/10.png": ("ok", 1),
    "/chunks/11.png": ("ok", 1),
    "/missing/1.png": ("gone", 1),
    "/gone/1.png": ("gone", 1),
    "/forbidden/1.png": ("refused", 1),
    "/secret/1.png": ("disallowed", 1),
    "/noai/1.png": ("disallowed", 1),
    "/broken/1.png": ("server_error", 2),
    "/silent/1.png": ("timeout", 2),
    "/drip/1.png": ("timeout", 2),
    "/drip-headers/1.png": ("timeout", 2),
    "/short/1.png": ("broken_answer", 2),
    "/reset/1.png": ("broken_answer", 2),
    "/garbage/1.png": ("broken_answer", 2),
    "/circle/0": ("redirects", 1),
    "/corridor/0": ("redirects", 1),
    "/to-file/1.png": ("redirects", 1),
    "/to-loopback/1.png": ("private_address", 1),
    "/to-metadata/1.png": ("private_address", 1),
    "/announced/1.png": ("too_large", 1),
    "/endless/1.png": ("too_large", 1),
    "/zip-bomb/1.png": ("too_large", 1),
    "/bomb/1.png": ("bomb", 1),
    "/pixel/1.png": ("too_small", 1),
    "/page/1.png": ("not_an_image", 1),
    "/half/1.png": ("not_an_image", 1),
}


def test_every_misbehaviour_has_its_status(server: ImageServer) -> None:
    """Whatever the server does, the URL's row says it, after the attempts that it is worth."""
    rows = fetch([server.url(path) for path in EXPECTED], min_side=2)
    found = {path: rows[server.url(path)] for path in EXPECTED}
    assert {path: (row["status"], row["attempts"]) for path, row in found.items()} == EXPECTED
    for path, row in found.items():
        assert (row["image"] is not None) == (row["status"] == "ok"), path
        assert row["status"] == "ok" or row["detail"], path
        assert row["key"] == image_key(server.url(path))
    assert {row["status"] for row in found.values()} <= {status.name for status in STATUSES}


def test_an_image_comes_with_what_its_bytes_say(server: ImageServer) -> None:
    """Format, size and hashes are read from the bytes, which are kept as they came."""
    row = fetch([server.url("/called-html/9.png")])[server.url("/called-html/9.png")]
    body = png(9)
    assert row["image"] == body
    assert (row["format"], row["width"], row["height"]) == ("png", 64, 48)
    assert (row["content_type"], row["size"]) == ("text/html", len(body))
    assert row["sha256"] == hashlib.sha256(body).hexdigest()
    assert row["archive_url"] is None


def test_a_dead_link_names_its_archive_address(server: ImageServer) -> None:
    """The pointer is the image's address in the archive as of the page's crawl."""
    url = server.url("/missing/2.png")
    row = fetch([url])[url]
    assert row["archive_url"] == f"https://web.archive.org/web/20231201020304id_/{url}"
    assert archive_address(url, None) is None


def test_an_archive_is_asked_in_its_place(server: ImageServer) -> None:
    """With a root the archive's copy is fetched; the row says so, and keeps the image's URL."""
    settings = SETTINGS.replaced(archive_root=server.url("/web"))
    kept, lost = server.url("/missing/kept-3.png"), server.url("/missing/lost-3.png")
    rows = fetch([kept, lost], settings, source="archive")
    assert (rows[kept]["status"], rows[kept]["source"]) == ("ok", "archive")
    assert "/web/20231201020304id_/" in rows[kept]["final_url"]
    assert (rows[lost]["status"], rows[lost]["source"]) == ("gone", "archive")


def test_private_addresses_are_never_asked(server: ImageServer) -> None:
    """Without the test's permission nothing below is connected to, however it is spelled."""
    asked = sum(server.asked.values())
    port = server.port
    urls = [
        f"http://127.0.0.1:{port}/ok/1.png",
        f"http://localhost:{port}/ok/1.png",
        f"http://[::1]:{port}/ok/1.png",
        f"http://[::ffff:127.0.0.1]:{port}/ok/1.png",
        f"http://0.0.0.0:{port}/ok/1.png",
        f"http://2130706433:{port}/ok/1.png",
        f"http://0x7f.1:{port}/ok/1.png",
        "http://10.0.0.1/a.png",
        "http://192.168.1.1/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/a.png",
        "http://100.64.0.1/a.png",
        "http://[64:ff9b::7f00:1]/a.png",
    ]
    rows = fetch(urls, SETTINGS.replaced(allow_networks=[]))
    assert {row["status"] for row in rows.values()} == {"private_address"}
    assert sum(server.asked.values()) == asked


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/a", "http://", "http://[x/a", "http://a:b/c", ""],
)
def test_an_address_that_is_none_is_a_row(url: str) -> None:
    """No URL of a page stops the work."""
    assert fetch([url])[url]["status"] == "bad_url"


def test_a_host_has_few_requests_at_a_time() -> None:
    """The limit holds however many threads there are, and the User-Agent is the configured one."""
    server = ImageServer()
    settings = SETTINGS.replaced(connections_per_host=2, user_agent="mathbot/2 (me@example.org)")
    urls = [server.url(f"/busy-work/{number}.png") for number in range(20)]
    rows = fetch(urls, settings)
    server.close()
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert server.most_at_once == 2
    assert server.agents == {"mathbot/2 (me@example.org)"}


def test_a_host_is_left_alone_as_long_as_it_asks(server: ImageServer) -> None:
    """Retry-After pauses the whole host, not one image."""
    urls = [server.url(f"/too-many/{number}.png") for number in (100, 101, 102)]
    server.times.clear()
    settings = SETTINGS.replaced(connections_per_host=1, robots_txt=False)
    rows = fetch(urls, settings, threads=4)
    assert {row["status"] for row in rows.values()} == {"ok"}
    times = [when for when, _ in server.times]
    gaps = [after - before for before, after in pairwise(times)]
    assert sum(gap >= 0.9 for gap in gaps) >= 2


def test_a_host_that_wants_a_long_pause_is_left_for_later(server: ImageServer) -> None:
    """One request is enough; the other images of the host are not asked for, and say why."""
    urls = [server.url(f"/come-back/{number}.png") for number in range(30)]
    settings = SETTINGS.replaced(connections_per_host=1, robots_txt=False)
    rows = fetch(urls, settings)
    assert {row["status"] for row in rows.values()} == {"busy"}
    assert sum(server.asked[f"/come-back/{number}.png"] for number in range(30)) == 1


def test_a_host_that_never_answers_costs_a_few_timeouts(server: ImageServer) -> None:
    """After some failures in a row its other images are left for the next run of the command."""
    urls = [server.url(f"/silent/{number}.png") for number in range(50)]
    settings = SETTINGS.replaced(
        connections_per_host=4, timeout_seconds=0.3, host_failures=4, robots_txt=False
    )
    before = sum(server.asked.values())
    rows = fetch(urls, settings)
    assert {row["status"] for row in rows.values()} <= {"timeout", "unreachable"}
    assert sum(server.asked.values()) - before <= 12


def test_what_goes_wrong_while_keeping_ends_the_work(server: ImageServer) -> None:
    """A full disk stops the fetch at once, with its own error."""

    def full(row: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    wanted = [Wanted(server.url(f"/ok/{number}.png"), str(number)) for number in range(200)]
    with pytest.raises(OSError, match="No space left"):
        ImageFetcher(SETTINGS, threads=4).run(wanted, full)
