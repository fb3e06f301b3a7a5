"""A proxy in front of an S3 server that fails a share of the requests, each in one of the ways real
ones do.

The client signs for the proxy's address and the proxy hands the Host header on, so signatures hold.
"""

from __future__ import annotations

import http.client
import http.server
import random
import socket
import struct
import threading
import time
from collections import Counter, deque
from typing import Any

KINDS = ("drop", "slow_down", "delay", "truncate", "wrong_length", "reset")
_SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)
_HOP = {"connection", "transfer-encoding", "expect", "keep-alive"}
_PIECE = 1 << 16


class FaultProxy:
    """Listens on loopback and forwards to `port`; use as a context manager.

    Of the requests a share of `rate` fails, chosen by `seed`; each key in `dead` answers 503
    always. `counts` tells requests by what became of them: `ok` or one of `KINDS`.
    """

    def __init__(
        self,
        port: int,
        rate: float,
        *,
        seed: int = 1,
        dead: tuple[str, ...] = (),
        kinds: tuple[str, ...] = KINDS,
    ) -> None:
        self.upstream = port
        self.rate = rate
        self.dead = dead
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._kinds = {
            True: deque(kinds),
            False: deque(kind for kind in kinds if kind in KINDS[:3]),
        }
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            faults = proxy

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def choose(self, path: str, body: bool) -> str:
        """What becomes of the next request; faults in the body need one that has a body."""
        with self._lock:
            kind = "ok"
            if any(key in path for key in self.dead):
                kind = "slow_down"
            elif self._random.random() < self.rate:
                # In turn, so that every kind comes up however few requests there are.
                kinds = self._kinds[body]
                kinds.rotate(-1)
                kind = kinds[0]
            self.counts[kind] += 1
            return kind


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: FaultProxy

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length) if length else None
        kind = self.faults.choose(self.path, body=self.command == "GET")
        if kind == "drop":
            self.hang_up()
            return
        if kind == "slow_down":
            self.send_response(503)
            self.send_header("Content-Length", str(len(_SLOW_DOWN)))
            self.send_header("Content-Type", "application/xml")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(_SLOW_DOWN)
            return
        if kind == "delay":
            time.sleep(0.5)
        upstream = http.client.HTTPConnection("127.0.0.1", self.faults.upstream, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
            upstream.request(self.command, self.path, body=sent, headers=headers)
            self.hand_on(upstream.getresponse(), kind)
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - http.server's names

    def hand_on(self, response: http.client.HTTPResponse, kind: str) -> None:
        body = b"" if self.command == "HEAD" else response.read()
        cut = len(body) // 2
        promised = len(body)
        if kind == "wrong_length" and response.status in (200, 206):
            promised = cut
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP | {"content-length", "server", "date"}:
                self.send_header(name, value)
        length = response.getheader("Content-Length") if self.command == "HEAD" else str(promised)
        if response.status not in (204, 304) and length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        if kind in ("truncate", "reset"):
            self.wfile.write(body[:cut])
            self.wfile.flush()
            if kind == "reset":
                # Closing with nothing to linger for sends RST.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.hang_up()
        elif body:
            self.wfile.write(body[:promised])

    def hang_up(self) -> None:
        self.close_connection = True
        if not self.wfile.closed:
            self.wfile.flush()
        self.connection.close()

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError, http.client.HTTPException):
            self.close_connection = True  # the client hung up

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            return

    def log_message(self, *_: Any) -> None:
        """Quiet."""
