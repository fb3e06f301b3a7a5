"""A web server of images that misbehaves in every way, by path, and counts what it is asked."""

from __future__ import annotations

import gzip
import io
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


def png(number: int = 0, width: int = 64, height: int = 48) -> bytes:
    """A small picture; another one for each number."""
    from PIL import Image

    image = Image.new("RGB", (width, height), (number % 251, number // 251 % 251, 90))
    image.paste((255, 255, 255), (number % 40, 5, number % 40 + 12, 30))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few hundred bytes that say that they are so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


_ZIP_BOMB = gzip.compress(bytes(8_000_000), 1)


class ImageServer:
    """Serves on 127.0.0.1 until closed. Behaviours are the methods of `_Handler` named `get_…`."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        """Complete answers with an image, by path."""
        self.at_once = 0
        self.most_at_once = 0
        """Of the requests for `/busy-work/…`."""
        self.times: list[tuple[float, str]] = []
        self.agents: set[str] = set()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.images = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    images: ImageServer

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        images = self.server.images
        path = urlsplit(self.path).path
        with images.lock:
            images.asked[self.path] += 1
            images.times.append((time.monotonic(), self.path))
            images.agents.add(self.headers.get("User-Agent", ""))
        name = path.split("/")[1].replace("-", "_").replace(".", "_")
        getattr(self, f"get_{name}", self.get_missing)()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    # -- parts -------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        digits = "".join(filter(str.isdigit, self.path.rpartition("/")[2]))
        return int(digits or 0)

    @property
    def times_asked(self) -> int:
        return self.server.images.asked[self.path]

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; header names with `_` for `-`."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def image(self, **headers: str) -> None:
        """The image of this path."""
        self.send(200, png(self.number), **{"Content_Type": "image/png", **headers})
        with self.server.images.lock:
            self.server.images.answered[self.path] += 1

    # -- behaviours --------------------------------------------------------------------------------

    def get_ok(self) -> None:
        self.image()

    def get_busy_work(self) -> None:
        # Not counted while it is sent: a client may ask again before this thread goes on.
        images = self.server.images
        with images.lock:
            images.at_once += 1
            images.most_at_once = max(images.most_at_once, images.at_once)
        time.sleep(0.05)
        with images.lock:
            images.at_once -= 1
        self.image()

    def get_robots_txt(self) -> None:
        self.send(200, b"User-agent: *\nDisallow: /secret/*.png\n", Content_Type="text/plain")

    get_secret = get_ok

    def get_too_many(self) -> None:
        if self.times_asked < 2:
            self.send(429, Retry_After="1")
        else:
            self.image()

    def get_come_back(self) -> None:
        self.send(503, Retry_After="86400")

    def get_unwell(self) -> None:
        if self.times_asked < 2:
            self.send(500)
        else:
            self.image()

    def get_broken(self) -> None:
        self.send(502)

    def get_missing(self) -> None:
        self.send(404)

    def get_gone(self) -> None:
        self.send(410)

    def get_forbidden(self) -> None:
        self.send(403)

    def get_web(self) -> None:
        """An archive: /web/20231201020304id_/http://…; it has what has `kept` in its name."""
        if "kept" in self.path:
            self.image()
        else:
            self.send(404)

    def get_moved(self) -> None:
        self.send(301, Location=f"/ok/{self.number}.png")

    def get_circle(self) -> None:
        self.send(302, Location=f"/circle/{(self.number + 1) % 2}")

    def get_corridor(self) -> None:
        self.send(302, Location=f"/corridor/{self.number + 1}")

    def get_to_loopback(self) -> None:
        self.send(302, Location=f"http://127.0.0.2:{self.server.images.port}/ok/1.png")

    def get_to_metadata(self) -> None:
        self.send(302, Location="http://169.254.169.254/latest/meta-data/")

    def get_to_file(self) -> None:
        self.send(302, Location="file:///etc/passwd")

    def get_silent(self) -> None:
        time.sleep(30)

    def get_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(300):
            self.wfile.write(b"\x89")
            time.sleep(0.1)

    def get_drip_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(300):
            self.wfile.write(f"X-{number}: 1\r\n".encode())
            time.sleep(0.1)

    def get_closing(self) -> None:
        """Ends the connection after the answer, as it says; the body comes after its headers."""
        body = png(self.number)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self._body_later(body)

    def get_old(self) -> None:
        """As servers of HTTP/1.0: the end of the connection is the end of the body."""
        self.protocol_version = "HTTP/1.0"
        self.send_response(200)
        self._body_later(png(self.number))

    def get_chunks(self) -> None:
        """In pieces without a length in all."""
        body = png(self.number)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self._body_later(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    def _body_later(self, body: bytes) -> None:
        self.end_headers()
        self.wfile.flush()
        time.sleep(0.2)
        self.wfile.write(body)
        self.close_connection = True

    def get_short(self) -> None:
        """Promises more bytes than come."""
        self.send(200, png(), Content_Length="100000", Connection="close")
        self.close_connection = True

    def get_reset(self) -> None:
        self.send(200, png()[:50], Content_Length="5000")
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def get_garbage(self) -> None:
        self.wfile.write(b"\x00\xff SSH-2.0 hello\r\n\r\n")
        self.close_connection = True

    def get_called_html(self) -> None:
        self.image(Content_Type="text/html")

    def get_page(self) -> None:
        self.send(200, b"<!doctype html><p>Not found", Content_Type="image/png")

    def get_half(self) -> None:
        body = png(width=300, height=300)
        self.send(200, body[: len(body) // 2], Content_Type="image/png")

    def get_announced(self) -> None:
        self.send(200, png(), Content_Length=str(10**12), Connection="close")
        self.close_connection = True

    def get_endless(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(10_000):
            self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    def get_bomb(self) -> None:
        self.send(200, png_bomb(), Content_Type="image/png")

    def get_zip_bomb(self) -> None:
        self.send(200, _ZIP_BOMB, Content_Encoding="gzip")

    def get_zipped(self) -> None:
        self.send(200, gzip.compress(png(7)), Content_Encoding="gzip")

    def get_pixel(self) -> None:
        self.send(200, png(width=1, height=1))

    def get_noai(self) -> None:
        self.image(X_Robots_Tag="noimageai")

    def get_other_bot(self) -> None:
        self.image(X_Robots_Tag="googlebot: noindex")
