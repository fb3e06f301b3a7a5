"""One request for one image: redirects, time limits, size limits, opt-out headers, private
addresses.

Python's `http.client` speaks HTTP; what is ours is the socket below it: it goes only to addresses
that were checked, and gives up when the time for the whole request is over, however slowly bytes
arrive.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import io
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from infimm_spark.config import FetchConfig
from infimm_spark.errors import ImageRefusedError
from infimm_spark.extract.consent import signals_from_headers
from infimm_spark.images.addresses import connect

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_BUSY = frozenset({429, 503})
_PIECE = 64 * 1024
_IDLE_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer with HTTP status 200; `body` is decoded from its content encoding."""

    body: bytes
    final_url: str
    content_type: str | None


def web_address(url: str) -> SplitResult | None:
    """The parts of an http(s) URL with a host and a valid port; None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    plain = url.isascii() and not any(ord(char) <= 32 or ord(char) == 127 for char in url)
    return parts if plain and parts.scheme in ("http", "https") and parts.hostname else None


class Asker:
    """Asks for images, and keeps idle connections for the next request to the same host.

    Threads may share one. Close it when done.
    """

    def __init__(self, settings: FetchConfig) -> None:
        self._settings = settings
        self._agent = agent_name(settings.user_agent)
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[tuple[str, str, int], _Connection] = {}
        self._lock = threading.Lock()

    def ask(self, url: str, max_bytes: int | None = None) -> Answer:
        """The image at `url`. Raises `ImageRefusedError` with the status of the row to be."""
        limit = self._settings.max_bytes if max_bytes is None else max_bytes
        deadline = time.monotonic() + self._settings.total_timeout_seconds
        seen = {url}
        for _ in range(self._settings.max_redirects + 1):
            parts = web_address(url)
            if parts is None:
                if len(seen) > 1:
                    raise ImageRefusedError("redirects", "redirected to no web address")
                raise ImageRefusedError("bad_url", "no http(s) address")
            found = self._once(parts, url, limit, deadline)
            if isinstance(found, Answer):
                return found
            url = urljoin(url, found).partition("#")[0]
            if url in seen:
                raise ImageRefusedError("redirects", "redirected in a circle")
            seen.add(url)
        raise ImageRefusedError("redirects", f"more than {self._settings.max_redirects} redirects")

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for connection in self._idle.values():
                connection.close()
            self._idle.clear()

    def _once(self, parts: SplitResult, url: str, limit: int, deadline: float) -> Answer | str:
        """The answer, or the address it redirects to."""
        assert parts.hostname is not None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        place = (parts.scheme, parts.hostname, port)
        with self._lock:
            connection = self._idle.pop(place, None)
        try:
            if connection is not None:
                try:
                    return self._exchange(connection, place, parts, url, limit, deadline)
                except (http.client.RemoteDisconnected, ConnectionError):
                    # The server closed the idle connection; nothing was answered.
                    connection.close()
            connection = self._connected(place, deadline)
            return self._exchange(connection, place, parts, url, limit, deadline)
        except ImageRefusedError:
            _close(connection)
            raise
        except TimeoutError:
            _close(connection)
            raise ImageRefusedError("timeout", f"{parts.hostname} is silent or too slow") from None
        except ssl.SSLCertVerificationError as error:
            _close(connection)
            said = f"{parts.hostname}: certificate not valid: {error.verify_message}"
            raise ImageRefusedError("unreachable", said) from None
        except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
            _close(connection)
            said = f"{parts.hostname}: {type(error).__name__}: {error}"
            raise ImageRefusedError("broken_answer", " ".join(said.split())[:200]) from None

    def _connected(self, place: tuple[str, str, int], deadline: float) -> _Connection:
        scheme, host, port = place
        settings = self._settings
        allowed = settings.allow_networks
        opened = connect(host, port, settings.connect_timeout_seconds, deadline, allowed)
        try:
            if scheme == "https":
                if self._tls is None:
                    self._tls = ssl.create_default_context()
                opened = self._tls.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise
        return _Connection(host, port, opened, settings.timeout_seconds)

    def _exchange(
        self,
        connection: _Connection,
        place: tuple[str, str, int],
        parts: SplitResult,
        url: str,
        limit: int,
        deadline: float,
    ) -> Answer | str:
        connection.socket.deadline = deadline
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept": "image/*,*/*;q=0.5",
            "Accept-Encoding": "identity",
        }
        connection.request("GET", target, headers=headers)
        with contextlib.closing(connection.getresponse()) as response:
            found = self._read(response, url, limit)
            reusable = not response.will_close and response.isclosed()
        if reusable:
            self._keep(place, connection)
        else:
            connection.close()
        return found

    def _read(self, response: http.client.HTTPResponse, url: str, limit: int) -> Answer | str:
        status = response.status
        location = response.getheader("Location")
        if status in _REDIRECTS and location:
            return location
        if status != 200:
            raise _failure(status, response.getheader("Retry-After"))
        self._check_directives(response.getheaders())
        announced = response.getheader("Content-Length", "")
        if announced.isdigit() and int(announced) > limit:
            raise ImageRefusedError("too_large", f"{int(announced):,} bytes announced")
        body = _body(response, limit)
        encoding = (response.getheader("Content-Encoding") or "").strip().lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            body = _inflated(body, limit)
        return Answer(body, url, response.getheader("Content-Type"))

    def _check_directives(self, headers: Iterable[tuple[str, str]]) -> None:
        """Raises `disallowed` where an X-Robots-Tag for all or for us has a refused directive."""
        refused = set(self._settings.refuse_directives)
        if "noindex" in refused:
            refused.add("none")  # short for noindex, nofollow
        tags = [(name, value) for name, value in headers if name.lower() == "x-robots-tag"]
        for signal in signals_from_headers(tags):
            agent, _, directive = signal.partition(":")
            if agent in ("robots", self._agent) and directive in refused:
                raise ImageRefusedError("disallowed", f"X-Robots-Tag: {directive}", http_status=200)

    def _keep(self, place: tuple[str, str, int], connection: _Connection) -> None:
        with self._lock:
            replaced = self._idle.pop(place, None)
            self._idle[place] = connection
            oldest = next(iter(self._idle)) if len(self._idle) > _IDLE_CONNECTIONS else None
            dropped = self._idle.pop(oldest) if oldest is not None else None
        _close(replaced)
        _close(dropped)


def agent_name(user_agent: str) -> str:
    """The name by which robots rules address a User-Agent: `infimm-spark` of `infimm-spark/1.0`."""
    words = user_agent.replace("/", " ").split()
    return words[0].lower() if words else ""


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket that is connected already and watches the time."""

    def __init__(self, host: str, port: int, opened: socket.socket, silence: float) -> None:
        super().__init__(host, port)
        self.socket = _TimedSocket(opened, silence)
        self.sock: Any = self.socket

    def connect(self) -> None:
        """Never called while the socket is open, and a closed one is not opened again."""
        raise http.client.RemoteDisconnected("the connection was closed")


class _TimedSocket:
    """The part of a socket that `http.client` uses; each call waits until `deadline` at most.

    As with a socket of Python's own, what was closed stays open for the files that still read it:
    `http.client` closes it before the body of the last answer is read.
    """

    def __init__(self, opened: socket.socket, silence: float) -> None:
        self._socket = opened
        self._silence = silence
        self._readers = 0
        self._is_closing = False
        self.deadline = float("inf")

    def wait(self) -> None:
        left = min(self._silence, self.deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self.wait()
        self._socket.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self.wait()
        return self._socket.recv_into(buffer)

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        self._readers += 1
        return io.BufferedReader(_TimedReader(self))

    def close(self) -> None:
        self._is_closing = True
        self._close_if_unread()

    def reader_closed(self) -> None:
        self._readers -= 1
        self._close_if_unread()

    def _close_if_unread(self) -> None:
        if self._is_closing and self._readers <= 0:
            self._socket.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, opened: _TimedSocket) -> None:
        self._socket = opened

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._socket.reader_closed()


def _failure(status: int, retry_after: str | None) -> ImageRefusedError:
    """The refusal for an HTTP status that gives no image."""
    detail = f"HTTP {status}"
    pause = _seconds(retry_after)
    if status in _GONE:
        kind = "gone"
    elif status in _BUSY:
        kind = "busy"
    elif status == 408:
        kind = "timeout"
    elif status >= 500:
        kind = "server_error"
    elif status >= 400:
        kind = "refused"
    else:
        kind = "broken_answer"
    return ImageRefusedError(kind, detail, http_status=status, pause=pause)


def _seconds(retry_after: str | None) -> float:
    """The seconds of a Retry-After header, which is a number or a date; 0 for none."""
    if not retry_after:
        return 0.0
    value = retry_after.strip()
    if value.isdigit():
        return float(value[:9])
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, when.timestamp() - time.time())


def _body(response: http.client.HTTPResponse, limit: int) -> bytes:
    pieces = []
    total = 0
    while piece := response.read1(_PIECE):
        total += len(piece)
        if total > limit:
            raise ImageRefusedError("too_large", f"more than {limit:,} bytes")
        pieces.append(piece)
    missing = response.length
    if missing:  # the server closed before the length that it announced
        raise http.client.IncompleteRead(b"", missing)
    return b"".join(pieces)


def _inflated(body: bytes, limit: int) -> bytes:
    """A body that was compressed though nobody asked for it; raises `too_large` for a bomb."""
    inflater = zlib.decompressobj(47)
    inflated = inflater.decompress(body, limit + 1)
    if len(inflated) > limit:
        raise ImageRefusedError("too_large", f"more than {limit:,} bytes when decompressed")
    return inflated


def _close(connection: _Connection | None) -> None:
    if connection is not None:
        connection.close()
