"""Exact accounting: ledger rows, their reconciliation, and the funnel they add up to.

A ledger row is (warc_file, stage, outcome, reason, count). For every WARC file and stage,
read = kept + dropped + failed; and what one stage kept the next one read. Both are checked.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from infimm_spark.errors import ReconciliationError
from infimm_spark.stages.record_counts import DROPPED, FAILED, KEPT, READ

ORDER = ("extract", "recall", "dedup", "rules", "precision", "publish")
"""Ledger stages in the order of the funnel."""


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """One line of the funnel: what a stage read and what became of it."""

    stage: str
    read: int
    kept: int
    dropped: dict[str, int]
    failed: dict[str, int]

    @property
    def share_kept(self) -> float:
        return self.kept / self.read if self.read else 0.0


def funnel(rows: Iterable[tuple[str, str, str | None, int]]) -> list[FunnelStage]:
    """The funnel of (stage, outcome, reason, count) rows, in stage order.

    Raises `ReconciliationError` where a stage does not add up, or read something other than what the
    stage before it kept.
    """
    counts: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    for name, outcome, reason, count in rows:
        counts[name][outcome, reason] += count
    unknown = sorted(set(counts) - set(ORDER))
    if unknown:
        raise ReconciliationError(f"the ledger names an unknown stage {unknown[0]!r}")
    stages = [_funnel_stage(name, counts[name]) for name in ORDER if name in counts]
    for stage in stages:
        accounted = stage.kept + sum(stage.dropped.values()) + sum(stage.failed.values())
        if stage.read != accounted:
            raise ReconciliationError(
                f"stage {stage.stage}: read {stage.read:,} but kept + dropped + failed is "
                f"{accounted:,}"
            )
    for before, after in itertools.pairwise(stages):
        if after.read != before.kept:
            raise ReconciliationError(
                f"stage {after.stage} read {after.read:,} but stage {before.stage} kept "
                f"{before.kept:,}"
            )
    return stages


def reconcile(ledger: pa.Table) -> list[FunnelStage]:
    """Check a whole ledger (`schemas.LEDGER`) file by file and return its funnel.

    Raises `ReconciliationError` naming the WARC file and stage of a mismatch.
    """
    # In Arrow from end to end: the ledger of 44 snapshots has millions of rows.
    count = ledger.column("count")
    signed = pc.if_else(pc.equal(ledger.column("outcome"), READ), count, pc.negate(count))
    balance = (
        ledger.select(["warc_file", "stage"])
        .append_column("difference", signed)
        .group_by(["warc_file", "stage"])
        .aggregate([("difference", "sum")])
    )
    off = balance.filter(pc.not_equal(balance.column("difference_sum"), 0)).sort_by(
        [("warc_file", "ascending"), ("stage", "ascending")]
    )
    if off.num_rows:
        first = off.slice(0, 1).to_pylist()[0]
        raise ReconciliationError(
            mismatch(first["warc_file"], first["stage"], first["difference_sum"])
        )
    totals = ledger.group_by(["stage", "outcome", "reason"]).aggregate([("count", "sum")])
    return funnel(
        zip(
            *(totals.column(c).to_pylist() for c in ("stage", "outcome", "reason", "count_sum")),
            strict=True,
        )
    )


def mismatch(warc_file: str, stage: str, difference: int) -> str:
    """The one line that reports a file whose records do not add up."""
    return (
        f"{warc_file}, stage {stage}: read differs from kept + dropped + failed by {difference:+,}"
    )


def print_funnel(stages: list[FunnelStage]) -> str:
    """The funnel as an aligned table; reasons below their stage, most frequent first."""
    lines = [f"{'stage':<34}{'read':>12}{'kept':>12}{'kept %':>9}"]
    for stage in stages:
        lines.append(f"{stage.stage:<34}{stage.read:>12,}{stage.kept:>12,}{stage.share_kept:>9.2%}")
        for verb, reasons in (("dropped", stage.dropped), ("failed", stage.failed)):
            lines += [
                f"  {verb + ' ' + reason:<32}{count:>12,}"
                for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
            ]
    return "\n".join(lines)


def _funnel_stage(stage: str, counts: Counter[tuple[str, str | None]]) -> FunnelStage:
    def by_reason(wanted: str) -> dict[str, int]:
        return {
            reason or "": count for (outcome, reason), count in counts.items() if outcome == wanted
        }

    return FunnelStage(
        stage=stage,
        read=counts[READ, None],
        kept=counts[KEPT, None],
        dropped=by_reason(DROPPED),
        failed=by_reason(FAILED),
    )
