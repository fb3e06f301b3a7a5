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
from infimm_spark.stages.record_counts import DROPPED, EXCLUDED, FAILED, KEPT, NOT_A_PAGE, READ
from infimm_spark.stages.registry import ledger_lines, page_lines


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """One line of the funnel: what a stage read and what became of it."""

    stage: str
    read: int
    kept: int
    dropped: dict[str, int]
    failed: dict[str, int]
    excluded: int = 0
    """WARC files that were left out on request, with all their records."""

    @property
    def pages(self) -> int:
        """The pages among what was read: requests, metadata and the like are records, no pages."""
        others = (n for reason, n in self.dropped.items() if reason.startswith(NOT_A_PAGE))
        return self.read - sum(others)

    @property
    def share_kept(self) -> float:
        """Kept of read, between 0 and 1; 0 where nothing was read."""
        return self.kept / self.read if self.read else 0.0


def funnel(rows: Iterable[tuple[str, str, str | None, int]]) -> list[FunnelStage]:
    """The funnel of (stage, outcome, reason, count) rows, in stage order.

    Raises `ReconciliationError` where a stage does not add up, or read something other than what
    the stage before it kept.
    """
    counts: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    for name, outcome, reason, count in rows:
        counts[name][outcome, reason] += count
    order = ledger_lines()
    unknown = sorted(set(counts) - set(order))
    if unknown:
        raise ReconciliationError(f"the ledger names an unknown stage {unknown[0]!r}")
    stages = [_funnel_stage(name, counts[name]) for name in order if name in counts]
    for stage in stages:
        accounted = stage.kept + sum(stage.dropped.values()) + sum(stage.failed.values())
        if stage.read != accounted:
            raise ReconciliationError(
                f"stage {stage.stage}: read {stage.read:,} but kept + dropped + failed is "
                f"{accounted:,}"
            )
    for before, after in itertools.pairwise(s for s in stages if s.stage in page_lines()):
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
    # In Arrow from end to end, names as dictionaries: the ledger of 44 snapshots has millions of
    # rows.
    ledger = ledger.unify_dictionaries()
    count = ledger.column("count")
    outcome = ledger.column("outcome")
    # An excluded file is a file and no record.
    signed = pc.if_else(
        pc.equal(outcome, EXCLUDED), 0, pc.if_else(pc.equal(outcome, READ), count, pc.negate(count))
    )
    balance = (
        ledger.select(["warc_file", "stage"])
        .append_column("difference", signed)
        .group_by(["warc_file", "stage"])
        .aggregate([("difference", "sum")])
    )
    off = balance.filter(pc.not_equal(balance.column("difference_sum"), 0)).to_pylist()
    if off:
        first = min(off, key=lambda row: (row["warc_file"], row["stage"]))
        raise ReconciliationError(
            f"{first['warc_file']}, stage {first['stage']}: read differs from kept + dropped + "
            "failed "
            f"by {first['difference_sum']:+,}"
        )
    totals = ledger.group_by(["stage", "outcome", "reason"]).aggregate([("count", "sum")])
    return funnel(
        zip(
            *(totals.column(c).to_pylist() for c in ("stage", "outcome", "reason", "count_sum")),
            strict=True,
        )
    )


def documents_of(stages: list[FunnelStage]) -> int:
    """Documents that came through all stages so far: what the last line that counts pages kept."""
    kept = [stage.kept for stage in stages if stage.stage in page_lines()]
    return kept[-1] if kept else 0


def largest_loss(stages: list[FunnelStage]) -> str:
    """The stage and reason that took most records, in words."""
    losses = [
        (count, stage, verb, reason)
        for stage in stages
        for verb, reasons in (("dropped", stage.dropped), ("failed", stage.failed))
        for reason, count in reasons.items()
    ]
    if not losses:
        return "no record was read"
    count, stage, verb, reason = max(losses, key=lambda loss: loss[0])
    return (
        f"stage {stage.stage} {verb} {count:,} of {stage.read:,} records by {reason}, more than "
        "any other "
        "stage and reason"
    )


def print_funnel(stages: list[FunnelStage]) -> str:
    """The funnel as an aligned table; reasons below their stage, most frequent first."""
    lines = [f"{'stage':<34}{'read':>12}{'kept':>12}{'kept %':>9}"]
    for stage in stages:
        lines.append(f"{stage.stage:<34}{stage.read:>12,}{stage.kept:>12,}{stage.share_kept:>9.2%}")
        if stage.pages != stage.read:
            share = stage.kept / stage.pages if stage.pages else 0.0
            name = "pages among these records"
            lines.append(f"  {name:<32}{stage.pages:>12,}{stage.kept:>12,}{share:>9.2%}")
        if stage.excluded:
            lines.append(f"  {'excluded WARC files':<32}{stage.excluded:>12,}")
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
        excluded=counts[EXCLUDED, None],
    )
