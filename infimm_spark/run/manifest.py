"""Manifests: what a stage read, with which settings and models, and what it wrote.

A stage is complete when, and only when, its manifest exists; it is written last and in one step,
and names every file of the stage's tables with its rows and checksum. A
manifest's `identity` holds everything that shapes the stage's rows. Continuing a run compares
identities key by key.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from pydantic import BaseModel, ConfigDict

from infimm_spark import store
from infimm_spark.errors import OutputError, ResumeError
from infimm_spark.run.files import DataFile
from infimm_spark.version import __version__, build_id

log = logging.getLogger(__name__)


class Manifest(BaseModel):
    """One completed unit of work: a stage, or a group of WARC files of the extract stage."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    run_id: str
    code_version: str = __version__
    build: str | None = None
    """The code that did the work (`version.build_id`); runs of earlier versions have none."""
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
    """As `write_manifest`, unless the work is complete already: then nothing is written and False
    given."""
    return store.write_new(location, (manifest.model_dump_json(indent=2) + "\n").encode())


def check_identity(where: str, stored: dict[str, Any], current: dict[str, Any]) -> None:
    """Raise `ResumeError` naming the first key in which two identities differ."""
    # Through JSON, since that is what the stored one went through.
    difference = first_difference(stored, json.loads(json.dumps(current)))
    if difference is not None:
        key, before, now = difference
        raise ResumeError(
            f"cannot resume {where}: {key} was {shown_value(before)} and is now "
            f"{shown_value(now)}; "
            "use the run's own settings, or a new output directory"
        )


def check_build(where: str, stored: str | None, *, accept: bool) -> None:
    """Refuse to continue work that other code began, unless told to `accept` it.

    Raises `ResumeError`. A run written before builds were recorded is continued with a warning.
    """
    current = build_id()
    if stored == current:
        return
    if stored is None:
        log.warning(
            "%s was written by a version that recorded no build: whether the code has changed "
            "since, "
            "cannot be told",
            where,
        )
    elif accept:
        log.warning("%s was written by build %s and goes on with %s", where, stored, current)
    else:
        raise ResumeError(
            f"cannot resume {where}: it was written by build {stored}, and this is {current}; "
            "use the same code, or mix both with --accept-code-change"
        )


def timestamp() -> str:
    """Now, UTC, to the second."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def first_difference(a: Any, b: Any, prefix: str = "") -> tuple[str, Any, Any] | None:
    """The dotted key of the first difference of two nested mappings, and both values; None if
    equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            path = f"{prefix}.{key}" if prefix else key
            found = first_difference(a.get(key), b.get(key), path)
            if found is not None:
                return found
        return None
    return None if a == b else (prefix, a, b)


def shown_value(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
