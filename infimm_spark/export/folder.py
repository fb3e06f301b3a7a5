"""A folder that a command fills unit by unit, can go on with after a crash, and shows when it is
whole.

On a local disk the work is done in a hidden folder beside the output, which takes the output's name
in one step at the end. An object store cannot rename: there the files appear one by one, each
whole, and `_export/manifest.json` is written last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from infimm_spark import store
from infimm_spark.errors import InfimmError, OutputError, StoreError
from infimm_spark.run.manifest import check_identity

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T", bound=BaseModel)
U = TypeVar("U")

_STATE = "_export"
_FEW = 4  # units that this process does itself, rather than a Spark job


class OutputFolder:
    """The new folder `output`, filled by a command that is called `what` in messages."""

    def __init__(self, output: str, what: str) -> None:
        self.output = store.normal(os.path.expanduser(output))
        self._what = what
        self._renames = store.scheme_of(self.output) == "file"
        self.working = self.output
        if self._renames:
            parent, name = os.path.split(os.path.abspath(self.output))
            self.working = os.path.join(parent, f".{name}.partial")

    def at(self, *parts: str) -> str:
        """A place of the command's own state, while it works."""
        return store.join(self.working, _STATE, *parts)

    def begin(self, identity: dict[str, Any], *, resume: bool) -> dict[str, Any] | None:
        """Start, or go on with `resume`. Gives the manifest where all is done already.

        Raises `OutputError` where the folder holds something else or unfinished work, and
        `ResumeError` where that work was begun with other settings or another corpus.
        """
        finished = store.join(self.output, _STATE, "manifest.json")
        if store.exists(finished):
            manifest = _json(finished)
            if resume:
                check_identity(self.output, manifest["identity"], identity)
                return manifest
            made = manifest["identity"]
            raise OutputError(
                f"{self.output} holds a finished {made.get('what')} "
                f"({made.get('format')} of run {made.get('run_id') or 'unknown'}); "
                "expected a new or empty folder"
            )
        begun = store.exists(self.at("plan.json"))
        if (self._renames or not begun) and store.list_files(self.output):
            raise OutputError(f"{self.output} holds files; expected a new or empty folder")
        if begun and not resume:
            raise OutputError(
                f"{self.output}: {self._what} was begun and is not finished; continue with "
                f"--resume, or delete {self.working}"
            )
        if begun:
            check_identity(self.output, _json(self.at("plan.json")), identity)
        else:
            store.write_bytes(self.at("plan.json"), _bytes(identity))
        return None

    def records(self, kind: type[T]) -> dict[int, T]:
        """What is recorded of finished units, by number."""
        found = {}
        for location in store.list_files(self.at("units")):
            name = location.rpartition("/")[2].removesuffix(".json")
            found[int(name)] = kind.model_validate_json(store.read_bytes(location))
        return found

    def record(self, unit: int, record: BaseModel) -> None:
        """Mark a unit as finished."""
        store.write_bytes(self.at("units", f"{unit:05d}.json"), record.model_dump_json().encode())

    def finish(self, manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        """Write `files` (by path below the folder) and the manifest, and show the folder."""
        for path, content in sorted(files.items()):
            store.write_bytes(store.join(self.working, path), content)
        store.write_bytes(self.at("manifest.json"), _bytes(manifest))
        for part in ("units", "plan.json", "scratch"):
            store.delete_tree(self.at(part))
        if self._renames:
            try:
                if os.path.isdir(self.output):
                    os.rmdir(self.output)
                os.rename(self.working, self.output)
            except OSError as error:
                raise OutputError(
                    f"{self.output} cannot take its name ({error.strerror}); the finished "
                    f"{self._what} is in {self.working}"
                ) from None


def for_each_unit(
    units: Sequence[U], work: Callable[[U], None], spark: Callable[[], SparkSession] | None
) -> None:
    """`work` on each unit: here where they are few, else as a Spark job of one task a unit.

    Raises the first `InfimmError` of a unit, from a worker as `StoreError`.
    """
    if spark is None or (len(units) <= _FEW and "PYSPARK_GATEWAY_PORT" not in os.environ):
        for unit in units:
            work(unit)
        return
    settings = store.settings()

    def worked(unit: U) -> str | None:
        store.configure(settings)
        try:
            work(unit)
        except InfimmError as error:
            return str(error)
        return None

    context = spark().sparkContext
    for problem in context.parallelize(units, len(units)).map(worked).collect():
        if problem is not None:
            raise StoreError(problem)


def _json(location: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(store.read_bytes(location))
    except ValueError:
        raise OutputError(f"{store.shown(location)} is damaged: expected JSON") from None
    return content


def _bytes(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
