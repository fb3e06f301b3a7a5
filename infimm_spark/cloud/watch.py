"""Watching a submitted build: the platform's word for it, and what its run has written so far."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from infimm_spark.cloud.api import Api
from infimm_spark.cloud.job_arguments import STAGES
from infimm_spark.cloud.platforms import Platform, State
from infimm_spark.errors import CloudError
from infimm_spark.run.layout import RunLayout


def watch(
    platform: Platform,
    say: Callable[[str], None],
    *,
    seconds: float = 30.0,
    once: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Say each change of the job's state and of its run, until it is over; its funnel at the end.

    Where steps are jobs of their own, the next one is started. Raises `CloudError` for a job that
    failed.
    """
    run = platform.known("run", f"{platform.prefix}/runs/example")
    last = ""
    while True:
        state = platform.state()
        now = f"{state}; {progress(platform.api, RunLayout(run))}"
        if now != last:
            say(f"{datetime.now(UTC):%H:%M:%S} {now}")
            last = now
        if state.is_good and (started := platform.step_over()):
            say(started)
        elif state.is_over:
            _end(platform, state, run, say)
            return
        if once:
            return
        sleep(seconds)


def _end(platform: Platform, state: State, run: str, say: Callable[[str], None]) -> None:
    if not state.is_good:
        detail = f": {' '.join(state.detail.split())}" if state.detail else ""
        raise CloudError(
            f"the job ended as {state}{detail}; its logs are in {platform.logs()}; submit again to "
            "continue where it stopped"
        )
    funnel = platform.api.read(f"{RunLayout(run).report}/funnel.txt")
    if funnel is not None:
        say("\n" + funnel.decode("utf-8").rstrip())
    say(f"\ncorpus  {RunLayout(run).corpus}")


def progress(api: Api, layout: RunLayout) -> str:
    """What a run has written: groups of WARC files and records so far, stages that are complete."""
    if api.dry_run is not None:
        return "nothing written yet"
    manifests = [name for name in api.names(layout.group_manifests) if name.endswith(".json")]
    counts = {"read": 0, "kept": 0}
    for name in manifests:
        content = json.loads(api.read(name) or b"{}").get("counts", {})
        counts = {key: counts[key] + content.get(key, 0) for key in counts}
    complete = [stage for stage in STAGES if api.read(layout.manifest(stage)) is not None]
    if not manifests:
        return "nothing written yet"
    groups = f"{len(manifests):,} group{'s' * (len(manifests) != 1)} of WARC files"
    done = f"; complete: {', '.join(complete)}" if complete else ""
    return f"{groups}, {counts['read']:,} records read, {counts['kept']:,} kept{done}"
