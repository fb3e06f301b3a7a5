"""Where a task keeps what it fetched: a journal while it works, complete shards afterwards.

The journal is an Arrow stream of `schemas.FETCHED`, one batch for each URL, written as soon as its
fate is known. A process that is killed leaves a journal whose complete batches are read back, so
that nothing that was received is asked for again. A shard is a Parquet file that appears in one
step.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas, store
from infimm_spark.errors import LockedError
from infimm_spark.images.fetched import shard_files

_GROUP_BYTES = 8 * 1024 * 1024
_GROUP_ROWS = 512
_JOURNALS = ".journals"
_PATIENCE_SECONDS = 60.0


class ShardWriter:
    """The shards of one task in `folder`; their names begin with `part-` and `name`.

    Rows are in the journal once `add` returns. A shard is sealed at `max_bytes`; where the journal
    does not outlive this machine (`folder` is on an object store), also after `max_seconds`.
    """

    def __init__(self, folder: str, name: str, max_bytes: int, max_seconds: float) -> None:
        self._folder = folder
        self._name = name
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds if _is_remote(folder) else float("inf")
        self._journal: _Journal | None = None
        self.sealed = 0

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row of `schemas.FETCHED`."""
        if self._journal is None:
            self._journal = _Journal(_journal_folder(self._folder), self._name)
        self._journal.append(row)
        if self._journal.bytes >= self._max_bytes:
            self.seal()
        else:
            self.tick()

    def tick(self) -> None:
        """Seal a shard that has become too old."""
        journal = self._journal
        if journal is not None and time.monotonic() - journal.begun >= self._max_seconds:
            self.seal()

    def seal(self) -> None:
        """Make a shard of what is in the journal, if anything is."""
        journal, self._journal = self._journal, None
        if journal is None:
            return
        journal.close()
        _sealed(journal.path, self._folder, self._name)
        self.sealed += 1
        journal.forget()


def recover(folder: str, name: str = "") -> int:
    """Make shards of the journals that dead tasks left whose names begin with `name`; how many.

    Raises `LockedError` where the task of a journal is alive and stays so for a minute.
    """
    journals = Path(_journal_folder(folder))
    if _is_remote(folder) or not journals.is_dir():
        return 0
    found = 0
    for path in sorted(journals.glob(f"{name}*.arrows")):
        with _held(path) as file:
            if file is None:
                continue  # another one was faster
            if os.fstat(file.fileno()).st_size:
                _sealed(path, folder, path.name.split("~")[0])
                found += 1
            path.unlink(missing_ok=True)
    return found


def shard_keys(folder: str, name: str) -> set[str]:
    """Keys of all rows in the shards whose names begin with `name`."""
    keys: set[str] = set()
    for file in shard_files(folder):
        if file.rpartition("/")[2].startswith(f"part-{name}"):
            filesystem, (path,) = store.arrow([file])
            keys.update(
                pq.read_table(path, filesystem=filesystem, columns=["key"])["key"].to_pylist()
            )
    return keys


class _Journal:
    """One journal file, locked as long as this process lives."""

    def __init__(self, folder: str, name: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self.path = Path(folder, f"{name}~{uuid.uuid4().hex[:12]}.arrows")
        self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115 - closed by `close`
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._stream = pa.ipc.new_stream(self._file, schemas.FETCHED)
        self.begun = time.monotonic()
        self.bytes = 0

    def append(self, row: dict[str, Any]) -> None:
        batch = pa.RecordBatch.from_pylist([row], schema=schemas.FETCHED)
        self._stream.write_batch(batch)
        self.bytes += batch.nbytes

    def close(self) -> None:
        self._stream.close()

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self._file.close()


def _batches(journal: Path) -> Iterator[pa.RecordBatch]:
    """The complete batches of a journal: a killed writer leaves a part of one at its end."""
    with pa.OSFile(str(journal)) as file, contextlib.suppress(pa.ArrowInvalid, OSError):
        yield from pa.ipc.open_stream(file)


def _sealed(journal: Path, folder: str, name: str) -> None:
    """A new shard of a journal's rows, in groups small enough to be read for one image."""
    shard = f"part-{name}-{uuid.uuid4().hex[:12]}.parquet"
    if not _is_remote(folder):
        hidden = Path(store.local_path(folder), f".{shard}.new")
        try:
            with open(hidden, "wb") as file:
                _write_groups(journal, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(hidden, hidden.with_name(shard))
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        return
    beside = journal.with_suffix(".parquet")
    try:
        with open(beside, "wb") as file:
            _write_groups(journal, file)
        store.write_bytes(store.join(folder, shard), beside.read_bytes())
    finally:
        beside.unlink(missing_ok=True)


def _write_groups(journal: Path, file: Any) -> None:
    waiting: list[pa.RecordBatch] = []
    size = 0
    with pq.ParquetWriter(
        file, schemas.FETCHED, compression="zstd", write_page_index=True
    ) as shard:
        for batch in _batches(journal):
            waiting.append(batch)
            size += batch.nbytes
            if size >= _GROUP_BYTES or len(waiting) >= _GROUP_ROWS:
                shard.write_table(pa.Table.from_batches(waiting))
                waiting, size = [], 0
        if waiting:
            shard.write_table(pa.Table.from_batches(waiting))


@contextlib.contextmanager
def _held(path: Path) -> Iterator[Any]:
    """The file, locked; None where it is gone. Waits for a task that is about to die."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        yield None
        return
    with file:
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while not _locked(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)):
            if time.monotonic() > give_up:
                raise LockedError(
                    f"{path} is being written: an earlier infimm images fetch of this run is "
                    "still alive; end it, or wait for it"
                )
            time.sleep(0.2)
        yield file if path.exists() else None


def _locked(lock: Callable[[], None]) -> bool:
    try:
        lock()
    except OSError:
        return False
    return True


def _journal_folder(folder: str) -> str:
    """Beside the shards where those are on a disk, else in a temporary folder of this machine."""
    if _is_remote(folder):
        return os.path.join(os.environ.get("TMPDIR", "/tmp"), f"infimm{_JOURNALS}-{os.getpid()}")
    return os.path.join(store.local_path(folder), _JOURNALS)


def _is_remote(folder: str) -> bool:
    return store.scheme_of(folder) != "file"
