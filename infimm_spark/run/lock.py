"""A lock that expires, on any store that can create an object only where there is none.

A lock is a folder of numbered terms, `<lock>/00000007.json`. To take it, one creates the next term
once the last is released, has expired, or its holder has ended; of several takers exactly one
succeeds. The holder extends its own term from time to time. Whoever stalls past its term finds the
next one there, and must stop. A holder whose term ran out unnoticed takes the next one like anybody
else: nobody worked in between if it gets the number that follows its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from infimm_spark import store
from infimm_spark.errors import (
    ConfigError,
    LockedError,
    LockLostError,
    MissingObjectError,
    OutputError,
    StoreError,
)
from infimm_spark.run.holder import Holder

log = logging.getLogger(__name__)

TERM_MINUTES = 15.0
"""How long a holder may be silent. Clocks of two machines must differ by far less."""

TERM_VARIABLE = "INFIMM_LOCK_MINUTES"
"""Environment variable that sets another length for the lock of a run."""


@dataclass(frozen=True, slots=True)
class Term:
    """One holder's turn; `holder` is None in terms of earlier versions."""

    number: int
    owner: str
    expires: dt.datetime
    since: dt.datetime | None = None
    holder: Holder | None = None
    released: bool = False

    def is_over(self, now: dt.datetime) -> bool:
        """Whether the lock may be taken: given back, expired, or its process is gone."""
        ended = self.holder is not None and self.holder.has_ended()
        return self.released or now >= self.expires or ended


class Lock:
    """Holds `location` while its block runs; a context manager.

    `what` names what is locked in messages. With `take_over` a holder is put out of its turn.
    Raises `LockedError` where another holds it, naming the holder and when its term ends; `check`
    raises `LockLostError` where it was lost meanwhile. `on_loss` is called once, from another
    thread, when the loss is noticed.
    """

    def __init__(
        self,
        location: str,
        *,
        what: str | None = None,
        minutes: float = TERM_MINUTES,
        take_over: bool = False,
        on_loss: Callable[[], None] | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._location = location.rstrip("/")
        self._what = what or self._location
        self._length = dt.timedelta(minutes=minutes)
        self._take_over = take_over
        self._on_loss = on_loss
        self._now = now
        self._holder = Holder.this_process()
        self._nonce = uuid.uuid4().hex[:8]
        self._number = 0
        self._since = self._expires = now()
        self._guard = threading.RLock()
        self._stop = threading.Event()
        self._keeper: threading.Thread | None = None
        self._is_unused = False

    def __enter__(self) -> Self:
        last = self._last()
        if last is not None and not last.is_over(self._now()):
            if not self._take_over:
                raise LockedError(self._held_by(last))
            log.warning("%s: taken over from %s as asked", self._what, last.owner)
        elif last is not None and not last.released:
            log.warning("%s: taken over from %s, which has ended", self._what, last.owner)
        self._since = self._now()
        if not self._take(last.number + 1 if last else 1):
            winner = self._last()
            raise LockedError(self._held_by(winner) if winner else f"{self._what} is in use")
        self._forget_old()
        self._keeper = threading.Thread(target=self._keep, name="lock keeper", daemon=True)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._keeper is not None:
            self._keeper.join()
        try:
            with self._guard:
                if self._is_lost():
                    return
                if self._is_unused:
                    store.delete_tree(self._file(self._number))
                    store.delete_empty(self._location)
                else:
                    store.write_bytes(self._file(self._number), self._content(released=True))
        except StoreError as error:  # it expires by itself; what the block raised matters more
            log.warning("%s: the lock could not be released: %s", self._what, error)

    def refuse(self) -> None:
        """Raise `LockedError` where another holds the lock now; takes nothing."""
        last = self._last()
        if last is not None and not self._take_over and not last.is_over(self._now()):
            raise LockedError(self._held_by(last))

    def check(self) -> None:
        """Make sure that the lock is held for at least half a term from now, in which a result can
        be published.

        Raises `LockLostError` where another took the lock over because this holder stalled.
        """
        if self._expires - self._now() < self._length / 2:
            self.extend()
        if self._is_lost():
            last = self._last()
            taker = last.owner if last is not None and last.number != self._number else "another"
            raise LockLostError(
                f"{self._what}: this process was silent for too long and {taker} took over; "
                "nothing more is written"
            )

    def extend(self) -> None:
        """Begin the term's length anew from now; does nothing once the lock is lost."""
        with self._guard:
            if self._is_lost():
                return
            if self._now() < self._expires:
                content = self._content()
                store.write_bytes(self._file(self._number), content)
            else:
                # Someone may have seen the term end: only the next number settles who holds the
                # lock.
                self._take(self._number + 1)

    def leave_nothing(self) -> None:
        """Delete the term on release instead of keeping a record: nothing was done under the
        lock."""
        self._is_unused = True

    def _take(self, number: int) -> bool:
        content = self._content()
        if not store.write_new(self._file(number), content):
            return False
        self._number = number
        return True

    def _keep(self) -> None:
        while not self._stop.wait(self._length.total_seconds() / 3):
            try:
                self.extend()
                if self._is_lost():
                    log.error("%s: the lock was lost to another process", self._what)
                    if self._on_loss is not None:
                        self._on_loss()
                    return
            except StoreError as error:  # tried again at the next third; the term may still end
                log.warning("%s: the lock could not be extended: %s", self._what, error)

    def _is_lost(self) -> bool:
        files = self._files()
        return bool(files) and files[-1] != self._number

    def _last(self) -> Term | None:
        for number in reversed(self._files()):
            try:
                return self._read(number)
            except MissingObjectError:  # withdrawn since it was listed
                continue
        return None

    def _files(self) -> list[int]:
        """Numbers of the terms that are there."""
        names = (f.rpartition("/")[2] for f in store.list_files(self._location))
        return sorted(int(n[:-5]) for n in names if n.endswith(".json") and n[:-5].isdigit())

    def _read(self, number: int) -> Term:
        file = self._file(number)
        try:
            content: dict[str, Any] = json.loads(store.read_bytes(file))
            holder = Holder.read(content["holder"]) if "holder" in content else None
            since = content.get("since")
            return Term(
                number=number,
                owner=str(holder or content["owner"]),
                expires=dt.datetime.fromisoformat(content["expires"]),
                since=dt.datetime.fromisoformat(since) if since else None,
                holder=holder,
                released=content["released"],
            )
        except (ValueError, KeyError, TypeError):
            raise OutputError(
                f"{file} is damaged: expected a term of a lock; if nobody works on {self._what}, "
                "delete it"
            ) from None

    def _forget_old(self) -> None:
        """Keep the last terms only: nobody looks further back."""
        for number in self._files():
            if number < self._number - 2:
                store.delete_tree(self._file(number))

    def _content(self, *, released: bool = False) -> bytes:
        self._expires = self._now() + self._length
        record = {
            "owner": str(self._holder),
            "holder": self._holder.record(),
            "taker": self._nonce,  # tells two locks of one process apart
            "since": self._since.isoformat(),
            "expires": self._expires.isoformat(),
            "released": released,
        }
        return (json.dumps(record) + "\n").encode()

    def _file(self, number: int) -> str:
        return f"{self._location}/{number:08d}.json"

    def _held_by(self, term: Term) -> str:
        since = f" since {_moment(term.since)}" if term.since else ""
        return (
            f"{self._what} is in use by {term.owner}{since}; wait until it is done, or, if it is "
            "dead, "
            f"take over with --take-over now or without it after {_moment(term.expires)}"
        )


@contextlib.contextmanager
def holding(
    root: str, *, take_over: bool = False, on_loss: Callable[[], None] | None = None
) -> Iterator[Lock]:
    """Hold the run at `root`: of all processes that write into a run one works at a time.

    Raises `LockedError` at the start, and in the place of whatever the block raises `LockLostError`
    where the lock was lost.
    """
    with run_lock(root, take_over=take_over, on_loss=on_loss) as lock:
        try:
            yield lock
        except LockLostError:
            raise
        except Exception as error:
            with contextlib.suppress(StoreError):
                try:
                    lock.check()
                except LockLostError as lost:
                    raise lost from error
            raise


def run_lock(
    root: str, *, take_over: bool = False, on_loss: Callable[[], None] | None = None
) -> Lock:
    """The lock of the run at `root`, in a hidden folder of it."""
    try:
        minutes = float(os.environ.get(TERM_VARIABLE, TERM_MINUTES))
        if minutes <= 0:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"{TERM_VARIABLE}={os.environ[TERM_VARIABLE]!r}; expected a number of minutes above 0"
        ) from None
    return Lock(
        f"{root.rstrip('/')}/.lock",
        what=f"run {store.shown(root)}",
        minutes=minutes,
        take_over=take_over,
        on_loss=on_loss,
    )


def _moment(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
