"""Manifests and the comparison of identities."""

from __future__ import annotations

from pathlib import Path

import pytest

from infimm_spark.errors import OutputError, ResumeError
from infimm_spark.run.manifest import Manifest, check_identity, read_manifest, write_manifest


def _manifest() -> Manifest:
    return Manifest(
        stage="extract",
        run_id="r",
        identity={"extract": {"languages": ["en"]}},
        counts={"read": 3},
        started="2026-01-01T00:00:00Z",
        finished="2026-01-01T00:00:01Z",
    )


def test_a_manifest_reads_back_as_written(tmp_path: Path) -> None:
    """Writing and reading a manifest gives the same manifest."""
    location = str(tmp_path / "extract" / "manifest.json")
    write_manifest(location, _manifest())
    assert read_manifest(location) == _manifest()


def test_absent_manifest_means_incomplete(tmp_path: Path) -> None:
    """Where no manifest is, there is no completed stage."""
    assert read_manifest(str(tmp_path / "manifest.json")) is None


def test_a_damaged_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    """A manifest that does not parse is named, without a traceback."""
    location = tmp_path / "manifest.json"
    location.write_text('{"stage": 1')
    with pytest.raises(OutputError, match=r"manifest\.json is not a manifest") as error:
        read_manifest(str(location))
    assert "\n" not in str(error.value)


def test_the_differing_key_is_named_with_both_values() -> None:
    """A changed setting is refused with its dotted key, the old value and the new one."""
    stored = {"extract": {"language_threshold": 0.5}, "models": {"recall": "aa"}}
    current = {"extract": {"language_threshold": 0.6}, "models": {"recall": "aa"}}
    with pytest.raises(ResumeError, match=r"extract\.language_threshold was 0\.5 and is now 0\.6"):
        check_identity("stage extract", stored, current)


def test_equal_identities_pass_even_as_tuples() -> None:
    """Identities are compared as JSON sees them, so a tuple equals the list it was stored as."""
    check_identity("stage", {"a": [1, 2]}, {"a": (1, 2)})
