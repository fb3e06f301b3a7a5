"""WARC records made for tests, and how they are read."""

from __future__ import annotations

import gzip
import io

from infimm_spark.warc.records import Item, Page, read_pages

HTML = b"<!doctype html><html><body><p>Let x = 1.</p></body></html>"


def record(
    body: bytes = HTML,
    *,
    kind: str = "response",
    url: str | None = "http://example.org/",
    http: bytes | None = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n",
    extra: str = "",
    length: int | None = None,
) -> bytes:
    """One WARC record; `http` None leaves out the HTTP head, `length` lies about the block's."""
    block = body if http is None else http + b"\r\n" + body
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\n"
    if url is not None:
        head += f"WARC-Target-URI: {url}\r\n"
    head += "WARC-Date: 2023-01-01T00:00:00Z\r\nWARC-Payload-Digest: sha1:ABC\r\n" + extra
    head += f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    return head.encode() + block + b"\r\n\r\n"


def pack(records: list[bytes]) -> bytes:
    """Record-compressed gzip."""
    return b"".join(gzip.compress(r, mtime=0) for r in records)


def read(data: bytes, **options: int) -> list[Item]:
    return list(read_pages(io.BytesIO(data), warc_file="w", **options))


def reasons(items: list[Item]) -> list[str]:
    return ["page" if isinstance(item, Page) else item.reason for item in items]


def only(data: bytes, **options: int) -> Item:
    items = read(data, **options)
    assert len(items) == 1
    return items[0]


MEMBERS = [
    record(b"software: x\r\n", kind="warcinfo", url=None, http=None),
    record(b"<html>" + bytes(range(32, 127)) * 9 + b"</html>", url="http://example.org/1"),
    record(b"GET / HTTP/1.1\r\n\r\n", kind="request", http=None),
    record("<html>方程 x² = 1</html>".encode() * 40, url="http://example.org/2"),
    record(b"gone", http=b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"),
    record(b"<html>last page</html>", url="http://example.org/3"),
]
PACKED = [gzip.compress(r, mtime=0) for r in MEMBERS]
EXPECTED = ["record_type:warcinfo", "page", "record_type:request", "page", "status:404", "page"]
