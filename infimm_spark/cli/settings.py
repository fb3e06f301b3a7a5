"""Configurations and runs that the options of a command name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infimm_spark.errors import ConfigError

if TYPE_CHECKING:
    from infimm_spark.config import BuildConfig
    from infimm_spark.run.layout import RunLayout


def configured(
    config: str | None,
    assignments: list[str] | None,
    output: str | None,
    against: list[str] | None = None,
    **inputs: Any,
) -> BuildConfig:
    """The configuration of a new run: a file, the options that were given, `--set` last.

    Raises `ConfigError`.
    """
    from infimm_spark.config import load_config

    options = {**given(output=output), "input": given(**inputs), **_dedup(against)}
    settings = load_config(config, options, assignments or ())
    if settings.output is None:
        raise ConfigError(
            "output: no directory for the run; name one by --output RUN or in the configuration"
        )
    return settings


def given(**options: Any) -> dict[str, Any]:
    """The options that were given; the configuration decides the others."""
    return {key: value for key, value in options.items() if value not in (None, [], {})}


def reconfigured(
    recorded: BuildConfig,
    run: str,
    config: str | None,
    assignments: list[str] | None,
    against: list[str] | None = None,
    threshold: float | None = None,
) -> BuildConfig:
    """The configuration of one more stage of a run: as recorded, or of a file; options over it.

    The input stays as recorded, and the output is the run. Raises `ConfigError`.
    """
    from infimm_spark.config import load_config, override

    settings = recorded
    if config is not None:
        settings = load_config(config, {"output": run, "input": recorded.input.model_dump()})
    settings = override(settings, _dedup(against))
    if threshold is not None:
        settings = _with_threshold(settings, threshold)
    return override(settings, {}, assignments or ())


def existing_run(location: str) -> RunLayout:
    """The layout of the run at `location`; raises `NoRunError` if there is none."""
    from infimm_spark.run.stored import require_run

    return require_run(location)


def whole_run(location: str) -> RunLayout:
    """`existing_run` of which no file is gone or cut; raises `DamagedRunError`."""
    from infimm_spark.run.verify import check_files
    from infimm_spark.stages.registry import STAGES

    layout = existing_run(location)
    check_files(layout, list(STAGES))
    return layout


def _dedup(against: list[str] | None) -> dict[str, Any]:
    return {"dedup": {"against": against}} if against else {}


def _with_threshold(settings: BuildConfig, threshold: float) -> BuildConfig:
    """The configuration with this similarity and the bands x rows that suit it."""
    from infimm_spark.config import override
    from infimm_spark.dedup.lsh import solve_bands

    bands, rows = solve_bands(threshold, settings.dedup.minhash.num_perm)
    minhash = {"threshold": threshold, "bands": bands, "rows": rows}
    return override(settings, {"dedup": {"minhash": minhash}})
