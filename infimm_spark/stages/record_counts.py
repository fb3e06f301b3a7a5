"""Counting the records of one WARC file by outcome, where they are read and decided."""

from __future__ import annotations

from collections import Counter
from typing import Any

READ, KEPT, DROPPED, FAILED = "read", "kept", "dropped", "failed"
NOT_A_PAGE = "record_type:"
"""Begins the reasons of records that are no pages: requests, metadata and the like."""
EXCLUDED = "excluded"
"""A WARC file that the run leaves out: its ledger counts the file, and no record of it."""


class WarcLedger:
    """Counts the records of one WARC file as they pass.

    `read` is counted where records are read and the outcomes where they are decided, so that a
    record lost in between shows as a mismatch.
    """

    def __init__(self, warc_file: str, stage: str) -> None:
        self._warc_file = warc_file
        self._stage = stage
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def read(self) -> None:
        """Count a record that was read."""
        self._counts[READ, None] += 1

    def kept(self) -> None:
        """Count a record that goes on."""
        self._counts[KEPT, None] += 1

    def dropped(self, reason: str) -> None:
        """Count a record that a rule left out."""
        self._counts[DROPPED, reason] += 1

    def failed(self, reason: str) -> None:
        """Count a record that could not be read or judged."""
        self._counts[FAILED, reason] += 1

    def totals(self) -> dict[str, int]:
        """Records by outcome so far."""
        sums: Counter[str] = Counter()
        for (outcome, _), count in self._counts.items():
            sums[outcome] += count
        return dict(sums)

    def rows(self) -> list[dict[str, Any]]:
        """Rows of `schemas.LEDGER`."""
        return [
            {
                "warc_file": self._warc_file,
                "stage": self._stage,
                "outcome": outcome,
                "reason": reason,
                "count": count,
            }
            for (outcome, reason), count in sorted(
                self._counts.items(), key=lambda item: (item[0][0], item[0][1] or "")
            )
        ]
