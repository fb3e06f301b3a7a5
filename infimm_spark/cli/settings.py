"""Configurations and runs that the options of a command name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infimm_spark.errors import InputError


def configured(config: Path | None, output: str, **input: Any) -> Any:
    """The configuration of a file with a run directory and the inputs that were given."""
    from infimm_spark.config import load_config

    return load_config(config, {"output": output, "input": given(**input)})


def given(**options: Any) -> dict[str, Any]:
    """The options that were given: the others are the configuration's to say."""
    return {key: value for key, value in options.items() if value not in (None, [], {})}


def compared_with(settings: Any, against: list[str] | None) -> Any:
    """The settings with the earlier runs of `--against`, if any, in the place of the file's."""
    if not against:
        return settings
    section = settings.dedup.model_copy(update={"against": against})
    return settings.model_copy(update={"dedup": section})


def with_threshold(settings: Any, threshold: float) -> Any:
    """The settings with this similarity and the bands x rows that suit it."""
    from infimm_spark.dedup.lsh import solve_bands

    minhash = settings.dedup.minhash
    bands, rows = solve_bands(threshold, minhash.num_perm)
    solved = minhash.model_copy(update={"threshold": threshold, "bands": bands, "rows": rows})
    dedup = settings.dedup.model_copy(update={"minhash": solved})
    return settings.model_copy(update={"dedup": dedup})


def existing_run(location: str) -> Any:
    """The layout of the run at `location`; raises `InputError` where there is none."""
    from infimm_spark import store
    from infimm_spark.run.layout import RunLayout

    layout = RunLayout(store.normal(location))
    if not store.exists(layout.run_file):
        raise InputError(f"{location} holds no run; expected the --output of a build")
    return layout
