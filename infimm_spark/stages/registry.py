"""The stages of a build. A new one is a file beside these and an entry here."""

from __future__ import annotations

from dataclasses import replace

from infimm_spark.config import BuildConfig
from infimm_spark.stages import decontaminate, dedup, extract, images, publish, refine
from infimm_spark.stages.base import Stage, in_order

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        extract.EXTRACT,
        dedup.DEDUP,
        refine.REFINE,
        decontaminate.DECONTAMINATE,
        publish.PUBLISH,
        images.IMAGES,
    )
}
"""By name. Everything else that knows of stages asks the functions below."""


def all_stages() -> list[Stage]:
    """Every stage, in the order in which they run."""
    return in_order(STAGES.values())


def stages_of(config: BuildConfig) -> list[Stage]:
    """The stages of a build with this configuration, in order; each `reads` those that it has."""
    enabled = {stage.name: stage for stage in STAGES.values() if stage.enabled(config)}
    return in_order(
        replace(stage, reads=tuple(name for name in stage.reads if name in enabled))
        for stage in enabled.values()
    )


def reads_left_out(stage: Stage, config: BuildConfig) -> list[Stage]:
    """Stages that `stage` would read but for this configuration, which does not have them."""
    declared = STAGES[stage.name].reads if stage.name in STAGES else ()
    return [STAGES[name] for name in declared if not STAGES[name].enabled(config)]


def ledger_lines() -> tuple[str, ...]:
    """The lines of the funnel, in order."""
    return tuple(line for stage in all_stages() for line in stage.ledger)


def page_lines() -> tuple[str, ...]:
    """The lines of the funnel that count pages, in order: others count images, for example."""
    return tuple(line for stage in all_stages() if stage.counts_pages for line in stage.ledger)


def command_of(stage: str) -> str:
    """The words after `infimm` by which the command line calls a stage."""
    declared = STAGES.get(stage)
    return (declared and declared.command) or stage
