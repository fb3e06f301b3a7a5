"""A killable process for pages: no page may hold a worker, whatever its bytes do to native code.

Parsers are C and cannot be interrupted from Python, and a native crash takes its process down. Each
Python worker therefore hands pages, a batch at a time, to a child that runs the cascade and answers
page by page. A page that overruns its time is ended together with the child and a page that crashes
it is named; either way a new child serves the pages behind it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Self

from infimm_spark.cascade.verdict import Verdict
from infimm_spark.errors import InfimmError, ModelError

TIMEOUT = "timeout"
CRASH = "crash"
EXTRACTOR_ERROR = "extractor_error"

_LENGTH = struct.Struct("<Q")
_STARTUP_SECONDS = 120.0
# On a crowded machine a page may wait for the processor through no fault of its own: the limit
# counts the child's processor time, and wall time only at this multiple.
_WALL_FACTOR = 4.0
_POLL_SECONDS = 0.25
_PAGES_A_COLLECTION = 256
_SMALL = 1 << 14  # bytes of a message that is sent with its length in one call


Judge = Callable[..., Verdict]
"""`Cascade.judge`: (body, *, url, content_type[, signed]) -> Verdict."""

PageBytes = tuple[bytes, str, str | None] | tuple[bytes, str, str | None, bool | None]
"""(body, url, content_type) of a page, and what is known of its `signed`."""


class PageSandbox:
    """Runs a judge in a child process with a limit on time.

    `factory` builds the judge once, in the child; it is pickled by reference, so it must be a
    module-level function or a `functools.partial` of one. `timeout_seconds` bounds a page. Use as a
    context manager, or call `close`.
    """

    def __init__(self, factory: Callable[[], Judge], timeout_seconds: float) -> None:
        self._factory = factory
        self._timeout = timeout_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._used: float | None = None  # processor seconds of the child when its page began
        self.restarts = 0

    def judge(self, body: bytes, *, url: str, content_type: str | None) -> Verdict:
        """The verdict on a page; overruns and crashes come back as `failed`.

        Raises `ModelError` when the child cannot start because of a model.
        """
        return next(self.judge_many([(body, url, content_type)]))

    def judge_many(self, pages: Sequence[PageBytes]) -> Generator[Verdict, None, None]:
        """`judge` of each page, in order; all of them are handed over at once.

        The limit on time is a page's own. What a page does to its process costs no other page.
        """
        judged = 0
        try:
            while judged < len(pages):
                if self._child is None:
                    self._start()
                    self._send(pages[judged:])
                elif judged == 0:
                    self._send(pages)
                verdict = self._verdict()
                judged += 1
                yield verdict
        finally:
            # Whoever stops early leaves answers on the way that no later page may take for its own.
            if judged < len(pages):
                self._kill()

    def _verdict(self) -> Verdict:
        """The child's answer on the page it is at; without a child where that was the end of it."""
        try:
            reply, self._used = self._receive(self._timeout)
        except TimeoutError:
            self._kill()
            return Verdict("failed", reason=TIMEOUT, detail=f"took longer than {self._timeout:g} s")
        except (EOFError, OSError):
            return Verdict("failed", reason=CRASH, detail=self._cause_of_death())
        if isinstance(reply, Verdict):
            return reply
        return Verdict("failed", reason=EXTRACTOR_ERROR, detail=str(reply))

    def close(self) -> None:
        """End the child, if there is one."""
        self._kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environment = dict(os.environ)
        # The package may have come to this process by --py-files or a relocated archive; -P, since
        # one in the working directory would come before it.
        environment["PYTHONPATH"] = os.pathsep.join(p or os.getcwd() for p in sys.path)
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "infimm_spark.cascade.sandbox", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
            )
        self._socket = ours
        self.restarts += 1
        try:
            self._send(self._factory)
            reply = self._receive(_STARTUP_SECONDS, processor_time=False)
        except (TimeoutError, EOFError, OSError) as error:
            cause = self._cause_of_death()
            raise InfimmError(f"the page process did not start: {cause or error}") from None
        if isinstance(reply, InfimmError):
            self._kill()
            raise reply
        self._used = reply

    def _send(self, message: Any) -> None:
        """A child that has ended shows when its answer is waited for."""
        assert self._socket is not None
        self._socket.settimeout(_STARTUP_SECONDS)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            _write_message(self._socket, message)

    def _receive(self, seconds: float, *, processor_time: bool = True) -> Any:
        """The child's next message; TimeoutError after `seconds` of its processor time.

        The message's bytes alone are taken: those of the next one stay in the socket.
        """
        assert self._socket is not None
        assert self._child is not None
        started = time.monotonic()
        used_before = self._used if processor_time else None
        self._socket.settimeout(min(_POLL_SECONDS, seconds))
        message = bytearray(_LENGTH.size)
        wanted: memoryview = memoryview(message)
        head = True
        while True:
            try:
                received = self._socket.recv_into(wanted)
            except TimeoutError:
                wall = time.monotonic() - started
                used = _processor_seconds(self._child.pid) if used_before is not None else None
                spent = wall if used is None or used_before is None else used - used_before
                if spent >= seconds or wall >= seconds * _WALL_FACTOR:
                    raise
                continue
            if not received:
                raise EOFError
            wanted = wanted[received:]
            if wanted:
                continue
            if not head:
                return pickle.loads(message)
            head = False
            message = bytearray(_LENGTH.unpack(message)[0])
            wanted = memoryview(message)

    def _cause_of_death(self) -> str:
        child = self._child
        self._kill(grace_seconds=1.0)
        code = child.returncode if child is not None else None
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"the page process ended with {signal.Signals(-code).name}"
        return f"the page process ended with status {code}"

    def _kill(self, grace_seconds: float = 0.0) -> None:
        child, self._child = self._child, None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if child is None:
            return
        if grace_seconds:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(grace_seconds)
        if child.poll() is None:
            child.kill()
        child.wait()


def _write_message(connection: socket.socket, message: Any) -> None:
    payload = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    if len(payload) < _SMALL:
        connection.sendall(_LENGTH.pack(len(payload)) + payload)
    else:
        connection.sendall(_LENGTH.pack(len(payload)))
        connection.sendall(payload)


def _read_message(connection: socket.socket) -> Any:
    header = _read_exactly(connection, _LENGTH.size)
    return pickle.loads(_read_exactly(connection, _LENGTH.unpack(header)[0]))


def _read_exactly(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        received = connection.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return buffer


def _processor_seconds(pid: int) -> float | None:
    """User + system time of a process so far (Linux), None where it cannot be told."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies: a hung page must not outlive its
    worker."""
    pr_set_pdeathsig = 1
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _serve(connection: socket.socket) -> None:
    """The child: build the judge once, then a verdict a page until the parent hangs up."""
    try:
        judge: Judge = _read_message(connection)()
    except ModelError as error:
        _write_message(connection, error)
        return
    # Extraction leaves no cycles, but the collector would look through a page's tree again and
    # again while it grows. Models and modules are set aside, and what errors leave is collected now
    # and then.
    gc.collect()
    gc.freeze()
    gc.disable()
    _write_message(connection, time.process_time())
    served = itertools.count(1)
    while True:
        try:
            pages: list[PageBytes] = _read_message(connection)
        except EOFError:
            return
        for body, url, content_type, *known in pages:
            more = {"signed": known[0]} if known else {}
            if next(served) % _PAGES_A_COLLECTION == 0:
                gc.collect()
            reply: Verdict | str
            try:
                reply = judge(body, url=url, content_type=content_type, **more)
            except Exception as error:  # a defect on one page must not cost the others
                reply = f"{type(error).__name__}: {error}"
                error.__traceback__ = None  # it holds the frames, and they the page's tree
                gc.collect()
            # The next page's time begins here.
            _write_message(connection, (reply, time.process_time()))


if __name__ == "__main__":
    _die_with_parent()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        _serve(socket.socket(fileno=int(sys.argv[1])))
