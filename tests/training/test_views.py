"""Views of a small crawl: what classifiers are trained on is what the cascade shows them."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest

from infimm_spark.config import ExtractConfig
from infimm_spark.errors import InputError, OutputError
from infimm_spark.training.views import load_views, page_views

SNAPSHOT = "CC-MAIN-2023-40"
ARTICLE = (
    "<html><body><p>The square of a number is never negative.</p>"
    "<p>So $$x^2 + 1 \\ge 1$$ for every real number.</p></body></html>"
)


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """A mirror of one WARC file: an article, a picture, and bytes that are no HTML."""
    folder = tmp_path / "commoncrawl"
    warc = folder / f"crawl-data/{SNAPSHOT}/segments/1.2/warc/a.warc.gz"
    warc.parent.mkdir(parents=True)
    warc.write_bytes(
        _response("https://a.example/1", "text/html", ARTICLE.encode())
        + _response("https://a.example/2", "image/png", b"\x89PNG")
        + _response("https://a.example/3", "text/html", b"%PDF-1.4 \x00\x01\x02")
    )
    listing = folder / f"crawl-data/{SNAPSHOT}/warc.paths.gz"
    listing.write_bytes(gzip.compress(f"{warc.relative_to(folder)}\n".encode()))
    return folder


def _response(url: str, kind: str, body: bytes) -> bytes:
    http = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Date: 2023-09-21T00:00:00Z\r\n"
        "WARC-Record-ID: <urn:uuid:11111111-1111-4111-8111-111111111111>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
        file.write(head.encode() + http + b"\r\n\r\n")
    return buffer.getvalue()


def test_each_page_is_seen_before_and_after_extraction(crawl: Path) -> None:
    """A page has its quick and its extracted text; a picture and refused bytes have none."""
    views = list(page_views([str(crawl)]))
    assert [(v["url"], v["snapshot"]) for v in views] == [("https://a.example/1", SNAPSHOT)]
    assert "never negative" in views[0]["quick"]
    assert views[0]["shown"]
    assert not views[0]["hidden"]
    assert "$$x^2 + 1 \\ge 1$$" in views[0]["text"]


def test_quick_text_is_as_long_as_the_cascade_reads(crawl: Path) -> None:
    """The configured length of quick text bounds the view, and not the extracted text."""
    (view,) = page_views([str(crawl)], ExtractConfig(quick_text_chars=10))
    assert 0 < len(view["quick"]) <= 10 < len(view["text"])


def test_views_are_kept_in_a_file(crawl: Path, tmp_path: Path) -> None:
    """Views are written once and read back; without a file they are made anew, and are equal."""
    file = tmp_path / "kept" / "views.jsonl.gz"
    made = load_views(crawl.parent, file)
    assert made == load_views(crawl.parent, None)
    changed = [row | {"quick": "edited"} for row in made]
    with gzip.open(file, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in changed)
    assert [v["quick"] for v in load_views(crawl.parent, file)] == ["edited"]


def test_unusable_paths_are_named(crawl: Path, tmp_path: Path) -> None:
    """No WARC files, and a file that cannot be written, are errors of one line."""
    with pytest.raises(InputError, match="missing"):
        load_views(tmp_path / "missing", None)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="views cannot be written"):
        load_views(crawl.parent, tmp_path / "file" / "views.jsonl.gz")


def test_pages_of_many_sites_are_viewed_too(crawl: Path) -> None:
    """WARC files in `sites/` beside the crawl give views of their own."""
    (crawl.parent / "sites").mkdir()
    (crawl.parent / "sites" / "pages-0.warc.gz").write_bytes(
        _response("https://b.example/1", "text/html", ARTICLE.encode())
    )
    urls = [view["url"] for view in load_views(crawl.parent, None)]
    assert urls == ["https://a.example/1", "https://b.example/1"]
