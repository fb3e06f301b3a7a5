"""A lock that expires, on any store that can create an object only where there is none.

A lock is a folder of numbered terms, `<lock>/00000007.json`. To take it, one creates the next term once
the last is released or has expired; of several takers exactly one succeeds. The holder extends its own
term from time to time. Whoever stalls past its term finds the next one there, and must stop.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from infimm_spark import store
from infimm_spark.errors import LockedError, LockLostError, OutputError, StoreError

log = logging.getLogger("infimm_spark")

TERM_MINUTES = 15.0
"""How long a holder may be silent. Clocks of two machines must differ by far less."""


@dataclass(frozen=True, slots=True)
class Term:
    """One holder's turn."""

    number: int
    owner: str
    expires: dt.datetime
    released: bool = False

    def is_over(self, now: dt.datetime) -> bool:
        return self.released or now >= self.expires


class Lock:
    """Holds `location` while its block runs; a context manager.

    Raises `LockedError` where another holds it, naming the holder and when its term ends; `check`
    raises `LockLostError` where it was lost meanwhile.
    """

    def __init__(
        self,
        location: str,
        *,
        minutes: float = TERM_MINUTES,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._location = location.rstrip("/")
        self._length = dt.timedelta(minutes=minutes)
        self._now = now
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._number = 0
        self._stop = threading.Event()
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        last = self._last()
        if last is not None and not last.is_over(self._now()):
            raise LockedError(self._held_by(last))
        if last is not None and not last.released:
            log.warning(
                "lock %s of %s expired at %s; taken over", self._location, last.owner, last.expires
            )
        self._number = last.number + 1 if last else 1
        if not store.write_new(self._file(self._number), self._content()):
            winner = self._last()
            assert winner is not None
            raise LockedError(self._held_by(winner))
        self._forget_old()
        self._keeper = threading.Thread(target=self._keep, name="lock keeper", daemon=True)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._keeper is not None:
            self._keeper.join()
        if not self._is_lost():
            store.write_bytes(self._file(self._number), self._content(released=True))

    def check(self) -> None:
        """Raise `LockLostError` where another took the lock over because this holder stalled."""
        if self._is_lost():
            last = self._last()
            assert last is not None
            raise LockLostError(f"lost the lock: {self._held_by(last)}")

    def extend(self) -> None:
        """Begin the term's length anew from now; does nothing once the lock is lost."""
        if not self._is_lost():
            store.write_bytes(self._file(self._number), self._content())

    def _keep(self) -> None:
        while not self._stop.wait(self._length.total_seconds() / 3):
            try:
                self.extend()
            except StoreError as error:  # tried again at the next third; the term may still end
                log.warning("lock %s could not be extended: %s", self._location, error)

    def _is_lost(self) -> bool:
        return store.exists(self._file(self._number + 1))

    def _last(self) -> Term | None:
        files = [f for f in store.list_files(self._location) if f.endswith(".json")]
        if not files:
            return None
        try:
            content = json.loads(store.read_bytes(files[-1]))
            return Term(
                number=int(files[-1].rpartition("/")[2].removesuffix(".json")),
                owner=content["owner"],
                expires=dt.datetime.fromisoformat(content["expires"]),
                released=content["released"],
            )
        except (ValueError, KeyError, TypeError):
            raise OutputError(f"{files[-1]} is damaged: expected a term of a lock") from None

    def _forget_old(self) -> None:
        """Keep the last terms only: nobody looks further back."""
        for file in store.list_files(self._location):
            number = file.rpartition("/")[2].removesuffix(".json")
            if number.isdigit() and int(number) < self._number - 2:
                store.delete_tree(file)

    def _content(self, *, released: bool = False) -> bytes:
        expires = self._now() + self._length
        record = {"owner": self._owner, "expires": expires.isoformat(), "released": released}
        return (json.dumps(record) + "\n").encode()

    def _file(self, number: int) -> str:
        return f"{self._location}/{number:08d}.json"

    def _held_by(self, term: Term) -> str:
        return (
            f"{self._location} is held by {term.owner} until "
            f"{term.expires.strftime('%Y-%m-%dT%H:%M:%SZ')}"
        )
