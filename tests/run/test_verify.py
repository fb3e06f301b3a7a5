"""A run whose files are gone, cut or changed says which, and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from infimm_spark.cli import app
from infimm_spark.errors import DamagedRunError
from infimm_spark.run.files import catalogue
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, read_manifest, write_manifest
from infimm_spark.run.verify import check_files, forget_damaged, verify


def _written(file: Path, rows: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"n": list(range(rows))}), file)


def _committed(layout: RunLayout, manifest: str, stage: str, folders: list[str]) -> None:
    write_manifest(
        manifest,
        Manifest(
            stage=stage,
            run_id="r",
            identity={},
            counts={},
            files=catalogue(layout.root, folders),
            started="2026-01-01T00:00:00Z",
            finished="2026-01-01T00:00:01Z",
        ),
    )


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """A run of two groups, a stage and a corpus."""
    layout = RunLayout(str(tmp_path / "run"))
    for index in range(2):
        attempt = layout.attempt(index, "a")
        _written(Path(attempt) / "table=documents" / "part-0.parquet", 10 + index)
        _committed(layout, layout.group_manifest(index), "extract", [attempt])
    _committed(layout, layout.manifest("extract"), "extract", [])
    _written(Path(layout.table("dedup", "ledger")) / "part-0.parquet", 3)
    _committed(layout, layout.manifest("dedup"), "dedup", [layout.table("dedup", "ledger")])
    _written(Path(layout.corpus) / "snapshot=s" / "part-0.parquet", 7)
    _committed(layout, layout.manifest("publish"), "publish", [layout.corpus])
    Path(layout.run_file).write_text("{}")
    return layout


def test_a_whole_run_is_whole(layout: RunLayout) -> None:
    """Every file is found, quickly and deeply."""
    for deep in (False, True):
        verdict = verify(layout, deep=deep)
        assert verdict.damage == []
        assert (verdict.files, verdict.groups) == (4, 2)
        assert sorted(verdict.stages) == ["dedup", "extract", "publish"]
    check_files(layout, ["extract", "dedup", "publish"])


def test_a_deleted_and_a_cut_file_are_named_with_the_command_that_mends(layout: RunLayout) -> None:
    """One line each: file, expected, found, command. Commands that build on the run refuse it."""
    corpus = Path(layout.corpus) / "snapshot=s" / "part-0.parquet"
    size = corpus.stat().st_size
    corpus.unlink()
    ledger = Path(layout.table("dedup", "ledger")) / "part-0.parquet"
    ledger.write_bytes(ledger.read_bytes()[:-9])
    lines = [str(damage) for damage in verify(layout).damage]
    assert lines == [
        f"corpus/snapshot=s/part-0.parquet: expected {size:,} bytes, found no such file; "
        f"mend it with infimm publish {layout.root} --redo",
        f"dedup/ledger/part-0.parquet: expected {ledger.stat().st_size + 9:,} bytes, found "
        f"{ledger.stat().st_size:,} bytes; mend it with infimm dedup {layout.root} --redo",
    ]
    with pytest.raises(DamagedRunError, match=r"run/corpus/.*part-0\.parquet: expected"):
        check_files(layout, ["publish"])
    with pytest.raises(DamagedRunError, match="dedup/ledger"):
        check_files(layout, ["dedup"])
    check_files(layout, ["extract"])


def test_a_changed_byte_is_found_by_reading(layout: RunLayout) -> None:
    """Sizes cannot tell; checksums do."""
    file = Path(layout.attempt(1, "a")) / "table=documents" / "part-0.parquet"
    content = bytearray(file.read_bytes())
    content[10] ^= 1
    file.write_bytes(bytes(content))
    assert verify(layout).damage == []
    (damage,) = verify(layout, deep=True).damage
    assert damage.expected.startswith("SHA-256 ")
    assert damage.found.startswith("SHA-256 ")
    assert "infimm verify" in damage.mend


def test_a_file_beside_the_corpus_is_damage(layout: RunLayout) -> None:
    """Who reads the folder by its name reads such a file too."""
    _written(Path(layout.corpus) / "snapshot=s" / "part-1.parquet", 7)
    (damage,) = verify(layout).damage
    assert damage.file == "corpus/snapshot=s/part-1.parquet"
    assert damage.expected == "no such file"


def test_a_damaged_group_is_forgotten_alone(layout: RunLayout) -> None:
    """Mending deletes its manifest and its stage's, so that a build resumes there, and no other."""
    (Path(layout.attempt(0, "a")) / "table=documents" / "part-0.parquet").unlink()
    forget_damaged(layout, verify(layout))
    assert read_manifest(layout.group_manifest(0)) is None
    assert read_manifest(layout.manifest("extract")) is None
    assert read_manifest(layout.group_manifest(1)) is not None
    assert read_manifest(layout.manifest("dedup")) is not None


def test_a_manifest_that_is_none_is_damage(layout: RunLayout) -> None:
    """A cut manifest is named like any other file."""
    Path(layout.manifest("dedup")).write_text("{")
    (damage,) = verify(layout).damage
    assert damage.file == "dedup/manifest.json"
    assert damage.mend == f"infimm dedup {layout.root} --redo"


def test_a_damaged_manifest_of_the_groups_stage_is_mended_without_reading_again(
    layout: RunLayout,
) -> None:
    """It only says that all groups are there, which resuming finds out."""
    Path(layout.manifest("extract")).write_text("{")
    verdict = verify(layout)
    assert "--mend" in verdict.damage[0].mend
    forget_damaged(layout, verdict)
    assert verify(layout).damage == []
    assert read_manifest(layout.group_manifest(0)) is not None


def test_a_manifest_of_an_earlier_version_is_accepted(layout: RunLayout) -> None:
    """One that names no files says nothing, which is told and is no damage."""
    _committed(layout, layout.manifest("dedup"), "dedup", [])
    verdict = verify(layout)
    assert verdict.damage == []
    assert verdict.unlisted == ["dedup"]
    check_files(layout, ["dedup"])


def test_the_command_ends_with_its_own_exit_code(layout: RunLayout) -> None:
    """Damage is listed line by line; a whole run ends well."""
    good = CliRunner().invoke(app, ["verify", layout.root, "--deep"])
    assert good.exit_code == 0, good.output
    assert good.output.strip().endswith("(size and SHA-256): whole")
    (Path(layout.corpus) / "snapshot=s" / "part-0.parquet").unlink()
    bad = CliRunner().invoke(app, ["verify", layout.root])
    assert isinstance(bad.exception, DamagedRunError)
    assert "found no such file" in bad.output
