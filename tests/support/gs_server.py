"""Servers of Google Cloud Storage's JSON API for tests.

`FakeGs` holds objects in this process, so that its tests run everywhere; it knows what `store.gs`
asks for. `fake-gcs-server` is others' work and serves pyarrow and Google's Hadoop connector too
(where Go is installed: `go install github.com/fsouza/fake-gcs-server@latest`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ports import free_port
from s3_server import ROOT

MISSING = "no fake-gcs-server (FAKE_GCS_SERVER, .tools/bin, PATH)"


def find_server() -> str | None:
    """The server's executable: FAKE_GCS_SERVER's, the one in .tools/bin, else the PATH's."""
    built = ROOT / ".tools" / "bin" / "fake-gcs-server"
    named = os.environ.get("FAKE_GCS_SERVER")
    return shutil.which(named or (str(built) if built.exists() else "fake-gcs-server"))


class GsServer:
    """A running fake-gcs-server, its objects in `folder`."""

    def __init__(self, folder: Path) -> None:
        binary = find_server()
        if binary is None:
            raise FileNotFoundError(MISSING)
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [binary, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
        command += [
            "-backend",
            "filesystem",
            "-filesystem-root",
            str(folder),
            "-log-level",
            "error",
        ]
        command += ["-public-host", f"127.0.0.1:{port}", "-external-url", self.endpoint]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{self.endpoint}/storage/v1/b?project=p", timeout=2).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.close()
                    raise RuntimeError("fake-gcs-server did not start") from None
                time.sleep(0.1)

    def create_bucket(self, name: str) -> None:
        request = urllib.request.Request(
            f"{self.endpoint}/storage/v1/b?project=p",
            data=json.dumps({"name": name}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class FakeGs:
    """Buckets in memory; `statuses` are answered, in order, instead of what was asked for."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.statuses: list[int] = []
        self.lost: list[
            bool
        ] = []  # whether the answer to the next write is a 503, though it was written
        self.tokens: list[str | None] = []
        self.requests = 0
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"fake": self})
        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._httpd.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._httpd.server_port}"
        threading.Thread(target=self._httpd.serve_forever, args=(0.01,), daemon=True).start()

    def create_bucket(self, name: str) -> None:
        self.buckets[name] = {}

    def write(self, bucket: str, key: str, data: bytes, *, only_new: bool) -> int:
        with self._lock:
            objects = self.buckets.get(bucket)
            if objects is None:
                return 404
            if only_new and key in objects:
                return 412
            objects[key] = data
        return 503 if self.lost and self.lost.pop(0) else 200

    def close(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeGs

    def _route(self) -> tuple[str, str | None, dict[str, str]] | None:
        """(bucket, key or None, query), or None where the request was answered already."""
        fake = self.fake
        fake.requests += 1
        fake.tokens.append(self.headers.get("Authorization"))
        path, _, query = self.path.partition("?")
        if fake.statuses:
            self._send(fake.statuses.pop(0))
            return None
        names = path.partition("/storage/v1/b/")[2].split("/")
        key = urllib.parse.unquote(names[2]) if len(names) > 2 else None
        return urllib.parse.unquote(names[0]), key, dict(urllib.parse.parse_qsl(query))

    def do_GET(self) -> None:
        route = self._route()
        if route is None:
            return
        bucket, key, query = route
        objects = self.fake.buckets.get(bucket)
        if objects is None or (key is not None and key not in objects):
            self._send(404)
        elif key is None:
            self._send(200, json.dumps(_listing(objects, query)).encode())
        elif query.get("alt") == "media":
            first, _, last = (
                self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            )
            data = objects[key]
            if int(first) >= len(data):
                self._send(416)
                return
            piece = data[int(first) : int(last) + 1 if last else None]
            end = int(first) + len(piece) - 1
            self._send(206, piece, {"Content-Range": f"bytes {first}-{end}/{len(data)}"})
        else:
            entry = {"name": key, "bucket": bucket, "size": str(len(objects[key]))}
            self._send(200, json.dumps({**entry, "kind": "storage#object"}).encode())

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        route = self._route()
        if route is not None:
            bucket, _, query = route
            only_new = query.get("ifGenerationMatch") == "0"
            self._send(self.fake.write(bucket, query["name"], data, only_new=only_new), b"{}")

    def do_DELETE(self) -> None:
        route = self._route()
        if route is not None:
            bucket, key, _ = route
            gone = self.fake.buckets.get(bucket, {}).pop(str(key), None)
            self._send(404 if gone is None else 204)

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


def _listing(objects: dict[str, bytes], query: dict[str, str]) -> dict[str, Any]:
    """Two entries a page, so that every listing has several."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    entries: dict[str, Any] = {}
    for key in sorted(objects):
        if key.startswith(prefix):
            folder = key[len(prefix) :].partition(delimiter)[:2] if delimiter else ("", "")
            if folder[1]:
                entries[prefix + "".join(folder)] = None
            else:
                entries[key] = {"name": key, "size": str(len(objects[key]))}
    start = int(query.get("pageToken", "0"))
    chosen = list(entries.items())[start : start + 2]
    page: dict[str, Any] = {
        "items": [item for _, item in chosen if item],
        "prefixes": [name for name, item in chosen if not item],
    }
    if start + 2 < len(entries):
        page["nextPageToken"] = str(start + 2)
    return page
