"""The formula ledger of a run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.report.formulas import FormulaTally, print_formulas, tallies

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["mathml", "paren", "image-alt"]),
        st.sampled_from(["valid", "invalid", "failed"]),
        st.integers(1, 10**6),
    )
)


@given(ROWS)
def test_nothing_found_is_lost(rows: list[tuple[str, str, int]]) -> None:
    """Found equals recovered plus failed, over all encodings, whatever the rows."""
    found = tallies(rows)
    assert sum(tally.found for tally in found) == sum(count for _, _, count in rows)
    assert all(tally.found == tally.valid + tally.invalid + tally.failed for tally in found)
    assert len({tally.encoding for tally in found}) == len(found)


def test_the_table_ends_with_the_sum() -> None:
    """Encodings by frequency, the sum last; nothing at all without formulas."""
    printed = print_formulas(tallies([("mathml", "valid", 5), ("paren", "failed", 9)]))
    assert [line.split()[0] for line in printed.splitlines()] == [
        "formulas",
        "paren",
        "mathml",
        "all",
    ]
    assert printed.splitlines()[-1].split()[1:] == ["14", "5", "0", "9"]
    assert print_formulas([]) == ""
    assert FormulaTally("mathml", 1, 2, 3).found == 6
