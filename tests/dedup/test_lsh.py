"""The S-curve, and bands and rows for a threshold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.config import load_config
from infimm_spark.dedup.lsh import candidate_probability, solve_bands
from infimm_spark.errors import ConfigError


def test_the_default_is_solved_for_its_threshold() -> None:
    """0.8 of 112 permutations gives FineWeb's 14 x 8."""
    assert solve_bands(0.8, 112) == (14, 8)
    assert candidate_probability(0.8, 14, 8) == pytest.approx(0.9236, abs=1e-4)


@given(threshold=st.floats(0.1, 1.0), num_perm=st.integers(64, 256))
def test_solved_curves_propose_what_is_similar(threshold: float, num_perm: int) -> None:
    """The curve fits the signature and proposes pairs at the threshold, and no steeper one
    would."""
    bands, rows = solve_bands(threshold, num_perm)
    assert bands * rows <= num_perm
    assert candidate_probability(threshold, bands, rows) >= 0.92
    if rows < num_perm:
        assert candidate_probability(threshold, num_perm // (rows + 1), rows + 1) < 0.92


def test_bands_beyond_the_signature_are_refused() -> None:
    """More bands x rows than permutations is a wrong configuration, not a cut signature."""
    with pytest.raises(ConfigError, match="need 128 permutations"):
        load_config(None, {"dedup": {"minhash": {"bands": 16}}})
