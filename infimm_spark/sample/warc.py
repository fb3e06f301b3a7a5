"""WARC 1.0 as Common Crawl writes it: one gzip member a record, the same bytes every time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

from infimm_spark.sample.page import SamplePage

_SOFTWARE = "infimm-spark sample"


def write_warc(path: Path, pages: list[SamplePage], *, snapshot: str, date: str) -> None:
    """Write a warcinfo record, then request, response and metadata of each page.

    `date` as ``2023-09-21T08:00:00Z`` is the date of every record.
    """
    members = [_warcinfo(path.name, snapshot, date)]
    for page in pages:
        if page.revisit:
            members.append(_revisit(page, date))
            continue
        request, response, metadata = _exchange(page, date)
        members += [request, _overwritten(response) if page.damaged else response, metadata]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(members))


def _warcinfo(name: str, snapshot: str, date: str) -> bytes:
    block = f"isPartOf: {snapshot}\r\nsoftware: {_SOFTWARE}\r\nformat: WARC File Format 1.0\r\n"
    headers = {"WARC-Filename": name, "Content-Type": "application/warc-fields"}
    return _record("warcinfo", name, date, headers, block.encode())


def _exchange(page: SamplePage, date: str) -> tuple[bytes, bytes, bytes]:
    """The three records of a page."""
    host, _, path = page.url.split("://", 1)[1].partition("/")
    target = {"WARC-Target-URI": page.url, "WARC-IP-Address": "192.0.2.1"}
    http = {"Content-Type": "application/http; msgtype=response"}
    request = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sample\r\n\r\n".encode()
    return (
        _record(
            "request",
            page.url,
            date,
            target | {"Content-Type": "application/http; msgtype=request"},
            request,
        ),
        _record(
            "response",
            page.url,
            date,
            target | {"WARC-Payload-Digest": _digest(page.body)} | http,
            _http(page, page.body),
        ),
        _record(
            "metadata",
            page.url,
            date,
            {"WARC-Target-URI": page.url, "Content-Type": "application/warc-fields"},
            f"fetchTimeMs: 42\r\nlanguages-cld2: {_languages(page)}\r\n\r\n".encode(),
        ),
    )


def _languages(page: SamplePage) -> str:
    """JSON as Common Crawl's crawler writes it; `{}` where it found none."""
    found: dict[str, Any] = {}
    if page.languages:
        found = {
            "reliable": True,
            "text-bytes": len(page.body),
            "languages": [
                {"code": code, "text-covered": share, "score": 1000.0, "name": code.upper()}
                for code, share in page.languages
            ],
        }
    return json.dumps(found, separators=(",", ":"))


def _revisit(page: SamplePage, date: str) -> bytes:
    headers = {
        "WARC-Target-URI": page.url,
        "WARC-Profile": "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest",
        "WARC-Payload-Digest": _digest(page.body),
        "Content-Type": "application/http; msgtype=response",
    }
    return _record("revisit", page.url, date, headers, _http(page, b""))


def _http(page: SamplePage, body: bytes) -> bytes:
    lines = [
        f"HTTP/1.1 {page.status}",
        f"Content-Type: {page.content_type}",
        *(f"{name}: {value}" for name, value in page.headers),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _record(kind: str, subject: str, date: str, headers: dict[str, str], block: bytes) -> bytes:
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {date} {subject}")
    fields = {
        "WARC-Type": kind,
        "WARC-Date": date,
        "WARC-Record-ID": f"<urn:uuid:{identity}>",
        **headers,
        "WARC-Block-Digest": _digest(block),
        "Content-Length": str(len(block)),
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return gzip.compress(head.encode() + b"\r\n" + block + b"\r\n\r\n", mtime=0)


def _digest(content: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(content).digest()).decode()


def _overwritten(member: bytes) -> bytes:
    """A gzip member with its second half lost to zeros, as a bad disk leaves it."""
    middle = len(member) // 2
    return member[:middle] + bytes(len(member) - middle)
