"""One task's share of the images: many requests at the same time, one journal.

Threads ask and check; the task's own thread feeds them and writes down what became of each URL.
Memory holds a bounded number of URLs that wait, and the images that are being received.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infimm_spark import schemas
from infimm_spark.config import FetchConfig
from infimm_spark.errors import ImageRefusedError
from infimm_spark.images.asking import Asker, agent_name, web_address
from infimm_spark.images.fetched import OK
from infimm_spark.images.hosts import HostQueue
from infimm_spark.images.picture import picture_of
from infimm_spark.images.robots import Robots
from infimm_spark.images.statuses import DEAD, RETRIED
from infimm_spark.store.gate import GateAddress, take_place

ARCHIVE = "https://web.archive.org/web"
"""Root of the archive that pointers lead to, where no other is configured."""

_WINDOW = 5_000
_TICK_SECONDS = 0.5
# Failures that say something of the host and not of one image.
_OF_HOST = frozenset({"timeout", "unreachable"})
_LEFT_ALONE = {
    "unreachable": "did not answer the requests before",
    "busy": "asked to be left alone for longer than images.fetch.max_retry_after_seconds",
}
"""Statuses of images that were not asked for, and what their host did."""


@dataclass(slots=True)
class Wanted:
    """An image to ask for: its URL and key, the page's crawl date (WARC-Date, null if unknown)."""

    url: str
    key: str
    date: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a task reports when it is done: rows written by status, entries left by host."""

    statuses: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)


class ImageFetcher:
    """Fetches the images of one task, with `threads` requests at the same time.

    `source` is `origin`, or `archive` to ask the configured web archive instead. Each thread takes
    a place at `gate`, if there is one, before it asks for anything.
    """

    def __init__(
        self,
        settings: FetchConfig,
        *,
        threads: int,
        min_side: int = 1,
        source: str = "origin",
        gate: GateAddress | None = None,
    ) -> None:
        self._settings = settings
        self._threads = threads
        self._min_side = min_side
        self._source = source
        self._gate = gate
        self._asker = Asker(settings)
        robots = settings.robots_txt and source == "origin"
        self._robots = Robots(self._asker, agent_name(settings.user_agent)) if robots else None
        self._queue: HostQueue[Wanted] = HostQueue(
            settings.connections_per_host, settings.host_delay_seconds, settings.host_failures
        )
        self._turn = threading.Condition()
        self._results: queue.Queue[dict[str, Any] | BaseException] = queue.Queue(threads + 8)
        self._is_fed = self._is_stopped = False
        self._told = Told()

    def run(
        self,
        wanted: Iterable[Wanted],
        keep: Callable[[dict[str, Any]], None],
        tick: Callable[[], None] = lambda: None,
    ) -> Told:
        """Hand a row of `schemas.FETCHED` for each of `wanted` to `keep`, in any order.

        `tick` is called now and then. What `keep` raises ends the work and is raised again.
        """
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self._threads)]
        for worker in workers:
            worker.start()
        try:
            for row in self._rows(iter(wanted)):
                self._told.statuses[row["status"]] += 1
                keep(row)
                tick()
        finally:
            with self._turn:
                self._is_stopped = True
                self._turn.notify_all()
            while any(worker.is_alive() for worker in workers):
                with contextlib.suppress(queue.Empty):
                    self._results.get(timeout=0.05)
            self._asker.close()
        return self._told

    def _rows(self, wanted: Iterator[Wanted]) -> Iterator[dict[str, Any]]:
        """The rows of all of `wanted` as they become known, feeding the queue meanwhile."""
        fed = finished = 0
        while True:
            with self._turn:
                while not self._is_fed and fed - finished < _WINDOW:
                    entry = next(wanted, None)
                    if entry is None:
                        self._is_fed = True
                        break
                    fed += 1
                    self._queue.put(_host(entry.url), entry)
                left = list(self._queue.abandoned())
                self._turn.notify_all()
            for entry, status in left:
                finished += 1
                host = _host(entry.url)
                self._told.given_up[host] += 1
                yield self._row(entry, status, f"{host} {_LEFT_ALONE[status]}")
            if self._is_fed and fed == finished:
                return
            try:
                result = self._results.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            finished += 1
            yield result

    def _work(self) -> None:
        """One thread: take what may be asked for now, until all is done."""
        try:
            place = take_place(self._gate) if self._gate is not None else None
            try:
                while (taken := self._take()) is not None:
                    row = self._fate(*taken)
                    if row is not None:
                        self._results.put(row)
            finally:
                if place is not None:
                    place.close()
        except BaseException as error:
            self._results.put(error)

    def _take(self) -> tuple[str, Wanted] | None:
        with self._turn:
            while not self._is_stopped:
                found = self._queue.take()
                if isinstance(found, tuple):
                    return found
                self._turn.wait(_TICK_SECONDS if found is None else min(found, _TICK_SECONDS))
            return None

    def _fate(self, host: str, entry: Wanted) -> dict[str, Any] | None:
        """The row of an entry; None where it was put back for another try."""
        entry.attempts += 1
        row: dict[str, Any] | None = None
        failed = False
        try:
            row = self._fetched(host, entry)
        except ImageRefusedError as error:
            failed = error.status in _OF_HOST
            pause = self._pause(entry, error)
            if pause is None:
                row = self._row(entry, error.status, str(error), error.http_status)
            with self._turn:
                if error.pause > self._settings.max_retry_after_seconds:
                    self._queue.give_up(host, "busy")
                elif error.status == "busy":
                    self._queue.pause(host, pause or error.pause)
                if pause is not None:
                    self._queue.put(host, entry, pause)
        with self._turn:
            self._queue.done(host, failed=failed)
            self._turn.notify()
        return row

    def _pause(self, entry: Wanted, error: ImageRefusedError) -> float | None:
        """Seconds until the entry is worth another try; None where it is not."""
        settings = self._settings
        if error.status not in RETRIED or entry.attempts >= settings.attempts:
            return None
        if error.pause > settings.max_retry_after_seconds:
            return None
        return error.pause or random.uniform(0, settings.backoff_seconds * 2**entry.attempts)

    def _fetched(self, host: str, entry: Wanted) -> dict[str, Any]:
        settings = self._settings
        url = entry.url
        if web_address(url) is None:
            raise ImageRefusedError("bad_url", "no http(s) address")
        if self._source == "archive":
            url = archive_address(entry.url, entry.date, settings.archive_root) or url
        if self._robots is not None:
            delay = self._robots.check(url)
            if delay:
                with self._turn:
                    self._queue.slow_down(host, delay)
        answer = self._asker.ask(url)
        picture = picture_of(answer.body, settings.formats, settings.max_pixels, self._min_side)
        return self._row(entry, OK, None, 200) | {
            "final_url": answer.final_url,
            "content_type": answer.content_type,
            "format": picture.format,
            "width": picture.width,
            "height": picture.height,
            "size": len(answer.body),
            "sha256": hashlib.sha256(answer.body).hexdigest(),
            "phash": picture.phash,
            "image": answer.body,
        }

    def _row(
        self, entry: Wanted, status: str, detail: str | None, http_status: int | None = None
    ) -> dict[str, Any]:
        archive = archive_address(entry.url, entry.date, self._settings.archive_root)
        known: dict[str, Any] = {
            "url": entry.url,
            "key": entry.key,
            "status": status,
            "detail": detail,
            "http_status": http_status,
            "attempts": entry.attempts,
            "fetched": dt.datetime.now(dt.UTC),
            "source": self._source,
            "archive_url": archive if status in DEAD else None,
        }
        return {name: known.get(name) for name in schemas.FETCHED.names}


def archive_address(url: str, date: str | None, root: str | None = None) -> str | None:
    """Where a web archive keeps an image as it was at `date` (WARC-Date); None without a date.

    `https://web.archive.org/web/20231128214805id_/https://example.org/a.png`: `id_` asks for the
    bytes as they were archived.
    """
    digits = "".join(char for char in date or "" if char.isdigit())[:14]
    return f"{(root or ARCHIVE).rstrip('/')}/{digits}id_/{url}" if len(digits) == 14 else None


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
