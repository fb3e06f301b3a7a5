"""Manifests: what a stage read, with which settings and models, and what it wrote.

A stage is complete when, and only when, its manifest exists; it is written last and in one step, and names
every file of the stage's tables with its rows and checksum. A
manifest's `identity` holds everything that shapes the stage's rows. Continuing a run compares
identities key by key.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from infimm_spark import __version__, store
from infimm_spark.errors import OutputError, ResumeError
from infimm_spark.run.files import DataFile


class Manifest(BaseModel):
    """One completed unit of work: a stage, or a group of WARC files of the extract stage."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    run_id: str
    code_version: str = __version__
    identity: dict[str, Any]
    counts: dict[str, int]
    files: list[DataFile] = []
    started: str
    finished: str


def read_manifest(location: str) -> Manifest | None:
    """The manifest at `location`, or None where the work is not complete."""
    if not store.exists(location):
        return None
    try:
        return Manifest.model_validate_json(store.read_bytes(location))
    except ValueError as error:
        raise OutputError(
            f"{location} is not a manifest of this version: {str(error).splitlines()[0]}"
        ) from None


def write_manifest(location: str, manifest: Manifest) -> None:
    """Write `manifest` in one step; the work counts as complete from then on."""
    store.write_bytes(location, (manifest.model_dump_json(indent=2) + "\n").encode())


def claim_manifest(location: str, manifest: Manifest) -> bool:
    """As `write_manifest`, unless the work is complete already: then nothing is written and False given."""
    return store.write_new(location, (manifest.model_dump_json(indent=2) + "\n").encode())


def check_identity(where: str, stored: dict[str, Any], current: dict[str, Any]) -> None:
    """Raise `ResumeError` naming the first key in which two identities differ."""
    # Through JSON, since that is what the stored one went through.
    difference = _first_difference("", stored, json.loads(json.dumps(current)))
    if difference is not None:
        key, before, now = difference
        raise ResumeError(
            f"cannot resume {where}: {key} was {_brief(before)} and is now {_brief(now)}; "
            "use the run's own settings, or a new output directory"
        )


def timestamp() -> str:
    """Now, UTC, to the second."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_difference(prefix: str, a: Any, b: Any) -> tuple[str, Any, Any] | None:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            path = f"{prefix}.{key}" if prefix else key
            found = _first_difference(path, a.get(key), b.get(key))
            if found is not None:
                return found
        return None
    return None if a == b else (prefix, a, b)


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
