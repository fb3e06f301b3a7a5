"""The settings of a stage that is run by itself: its own from the new configuration, those before
it as recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infimm_spark.config import BuildConfig
from infimm_spark.errors import ResumeError
from infimm_spark.run.manifest import first_difference, read_manifest, shown_value
from infimm_spark.stages.base import Stage, ancestors

if TYPE_CHECKING:
    from infimm_spark.run.run import Run


def settings_for(run: Run, stage: Stage) -> BuildConfig:
    """The run's configuration, with the recorded sections of the stages that `stage` builds on.

    Raises `ResumeError` naming the first key that shapes the rows of one of those and differs from
    what it was made with: recorded, it would claim what was never done.
    """
    config = run.config
    recorded = run.recorded_config()
    if recorded is None:
        return config
    values: dict[str, Any] = config.model_dump()
    for name in ancestors(stage, run.stages):
        before = run.stage(name)
        manifest = read_manifest(run.layout.manifest(name))
        if manifest is None:
            continue
        current: dict[str, Any] = before.settings(config)
        if before.models:
            current["models"] = {kind: run.model(kind).fingerprint for kind in before.models}
        stored = {key: manifest.identity.get(key) for key in current}
        difference = first_difference(stored, current)
        if difference is not None:
            key, was, now = difference
            raise ResumeError(
                f"stage {stage.name} builds on stage {name}, which was made with another setting: "
                f"{key} was {shown_value(was)} and is now {shown_value(now)}; "
                f"give the value of the run, or do stage {name} again first"
            )
        for section in before.sections:
            values[section.name] = getattr(recorded, section.name).model_dump()
    return BuildConfig.model_validate(values)
