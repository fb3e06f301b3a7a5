"""The ledger's arithmetic."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark import schemas
from infimm_spark.errors import ReconciliationError
from infimm_spark.run.ledger import FunnelStage, funnel, largest_loss, print_funnel, reconcile
from infimm_spark.stages.record_counts import WarcLedger

REASONS = st.sampled_from(["language", "recall_floor", "no_text"])


def _table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schemas.LEDGER)


def _row(warc: str, stage: str, outcome: str, reason: str | None, count: int) -> dict[str, object]:
    return {
        "warc_file": warc,
        "stage": stage,
        "outcome": outcome,
        "reason": reason,
        "count": count,
    }


@given(st.lists(st.one_of(st.just("kept"), REASONS, REASONS.map(lambda r: f"failed:{r}"))))
def test_every_record_counted_once_reconciles(records: list[str]) -> None:
    """A ledger that saw each record read and decided adds up, whatever the decisions."""
    ledger = WarcLedger("a.warc.gz", "extract")
    for record in records:
        ledger.read()
        if record == "kept":
            ledger.kept()
        elif record.startswith("failed:"):
            ledger.failed(record.removeprefix("failed:"))
        else:
            ledger.dropped(record)
    stages = reconcile(_table(ledger.rows()))
    if records:
        (stage,) = stages
        assert stage.read == len(records)
        assert stage.kept == records.count("kept")
        assert stage.kept + sum(stage.dropped.values()) + sum(stage.failed.values()) == len(records)
    else:
        assert stages == []


def test_a_record_lost_between_reading_and_deciding_is_named() -> None:
    """A record read but never decided fails reconciliation, naming file, stage and difference."""
    ledger = WarcLedger("b.warc.gz", "extract")
    ledger.read()
    ledger.read()
    ledger.kept()
    with pytest.raises(ReconciliationError, match=r"b\.warc\.gz, stage extract: .*\+1"):
        reconcile(_table(ledger.rows()))


def test_files_that_err_in_opposite_directions_do_not_cancel() -> None:
    """The check is per file: one record lost here and one doubled there is still a mismatch."""
    rows = [
        _row("a", "extract", "read", None, 2),
        _row("a", "extract", "kept", None, 1),
        _row("b", "extract", "read", None, 1),
        _row("b", "extract", "kept", None, 2),
    ]
    with pytest.raises(ReconciliationError, match="a, stage extract"):
        reconcile(_table(rows))


def test_a_stage_must_read_what_the_one_before_kept() -> None:
    """Documents that vanish between two stages fail reconciliation even if both add up."""
    rows = [
        ("extract", "read", None, 10),
        ("extract", "kept", None, 10),
        ("recall", "read", None, 9),
        ("recall", "kept", None, 9),
    ]
    with pytest.raises(ReconciliationError, match="recall read 9 but stage extract kept 10"):
        funnel(rows)


def test_an_unknown_stage_is_refused() -> None:
    """A ledger row of a stage that is not part of the funnel is an error, not ignored."""
    with pytest.raises(ReconciliationError, match="'polish'"):
        funnel([("polish", "read", None, 1)])


def test_the_printed_funnel_shows_every_reason() -> None:
    """Each reason stands below its stage with its count, most frequent first."""
    stage = FunnelStage("extract", 10, 4, {"language": 2, "recall_floor": 3}, {"timeout": 1})
    printed = print_funnel([stage])
    assert "40.00%" in printed
    assert printed.index("dropped recall_floor") < printed.index("dropped language")
    assert "failed timeout" in printed


def test_the_largest_loss_names_stage_and_reason() -> None:
    """Of an empty corpus the user hears first what took most."""
    stages = [
        FunnelStage("extract", 100, 30, {"language": 60, "no_text": 10}, {}),
        FunnelStage("recall", 30, 0, {"math_prob": 30}, {}),
    ]
    assert "stage extract dropped 60 of 100 records by language" in largest_loss(stages)
    assert largest_loss([]) == "no record was read"
