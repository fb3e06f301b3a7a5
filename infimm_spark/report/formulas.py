"""The formula ledger of a run: what was found in its documents, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormulaTally:
    """Formulas of one encoding: found = recovered (valid + invalid) + failed."""

    encoding: str
    valid: int = 0
    invalid: int = 0
    failed: int = 0

    @property
    def found(self) -> int:
        """All of them."""
        return self.valid + self.invalid + self.failed


def tallies(rows: Iterable[tuple[str, str, int]]) -> list[FormulaTally]:
    """Tallies of (encoding, outcome, count) rows, the most frequent encoding first."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: {"valid": 0, "invalid": 0, "failed": 0})
    for encoding, outcome, count in rows:
        sums[encoding][outcome] += count
    found = [FormulaTally(encoding, **outcomes) for encoding, outcomes in sums.items()]
    return sorted(found, key=lambda tally: (-tally.found, tally.encoding))


def print_formulas(found: list[FormulaTally]) -> str:
    """The tallies as an aligned table, the sum last; empty without formulas."""
    if not found:
        return ""
    total = FormulaTally(
        "all",
        sum(tally.valid for tally in found),
        sum(tally.invalid for tally in found),
        sum(tally.failed for tally in found),
    )
    lines = [f"{'formulas of extracted documents':<34}{'found':>12}{'valid':>12}{'invalid':>9}{'failed':>9}"]  # fmt: skip  # noqa: E501
    lines += [
        f"  {tally.encoding:<32}{tally.found:>12,}{tally.valid:>12,}{tally.invalid:>9,}{tally.failed:>9,}"  # noqa: E501
        for tally in [*found, total]
    ]
    return "\n".join(lines)
