"""The file that marks a directory as a run: its id, its configuration, and the code that began
it."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

from pydantic import ValidationError

from infimm_spark import store
from infimm_spark.config import BuildConfig
from infimm_spark.errors import DamagedRunError, NoRunError
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import timestamp


def stored_run(layout: RunLayout) -> dict[str, Any] | None:
    """What the run file holds, with `run_id` and `config` at least; None where there is no run.

    Raises `DamagedRunError`.
    """
    if not store.exists(layout.run_file):
        return None
    try:
        stored: dict[str, Any] = json.loads(store.read_bytes(layout.run_file))
        _ = stored["run_id"], stored["config"]
    except (ValueError, KeyError, TypeError):
        raise DamagedRunError(
            f"{store.shown(layout.run_file)} is damaged: expected the run's JSON; begin anew in "
            "another directory, "
            "or with --overwrite"
        ) from None
    return stored


def stored_config(layout: RunLayout, stored: dict[str, Any]) -> BuildConfig:
    """The settings of a `stored_run`. Raises `DamagedRunError` for those of another version."""
    try:
        return BuildConfig.model_validate_json(json.dumps(stored["config"]))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        made_by = stored.get("code_version") or "another version"
        raise DamagedRunError(
            f"{store.shown(layout.run_file)}: {key}: {first['msg'].lower()}; expected settings "
            f"that this version knows: the run was made by {made_by}"
        ) from None


def config_of(layout: RunLayout) -> BuildConfig:
    """The settings of a run that is there. Raises `NoRunError`, `DamagedRunError`."""
    stored = stored_run(layout)
    if stored is None:
        raise NoRunError.at(layout.root)
    return stored_config(layout, stored)


def require_run(location: str) -> RunLayout:
    """The layout of the run at `location`. Raises `NoRunError` where there is none."""
    layout = RunLayout(store.normal(os.path.expanduser(location)))
    if not store.exists(layout.run_file):
        raise NoRunError.at(location)
    return layout


def new_run_id() -> str:
    """The time and a random part."""
    return f"{timestamp().replace(':', '').replace('-', '')}-{uuid.uuid4().hex[:8]}"
