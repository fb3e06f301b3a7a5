"""What was fetched survives a kill at any byte: journals are read back, shards appear whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from infimm_spark import schemas
from infimm_spark.errors import LockedError
from infimm_spark.images import shards
from infimm_spark.images.fetched import shard_files
from infimm_spark.images.shards import ShardWriter, recover, shard_keys


def row(number: int, size: int = 100) -> dict[str, Any]:
    """A fetched image."""
    known = {"url": f"u{number}", "key": f"k{number}", "status": "ok", "image": bytes(size)}
    return {name: known.get(name) for name in schemas.FETCHED.names}


def keys(folder: Path) -> list[str]:
    """The keys in all shards of a folder, sorted."""
    found: list[str] = []
    for file in shard_files(str(folder)):
        found += pq.read_table(file, columns=["key"])["key"].to_pylist()
    return sorted(found)


def test_a_shard_is_complete_at_its_size(tmp_path: Path) -> None:
    """Rows go to as many shards as their size needs; the journal is gone afterwards."""
    writer = ShardWriter(str(tmp_path), "job-1", 25_000, 300.0)
    for number in range(10):
        writer.add(row(number, 9_000))
    writer.seal()
    writer.seal()
    assert len(shard_files(str(tmp_path))) == 4 == writer.sealed
    assert keys(tmp_path) == [f"k{n}" for n in range(10)]
    assert shard_keys(str(tmp_path), "job-1") == {f"k{n}" for n in range(10)}
    assert shard_keys(str(tmp_path), "job-2") == set()
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".arrows", ".new")]


@given(cut=st.integers(0, 5_000))
@hypothesis_settings(max_examples=25)
def test_a_journal_cut_anywhere_gives_back_its_whole_rows(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows that were written completely are recovered, in a shard; a part of one is not."""
    folder = tmp_path_factory.mktemp("fetched")
    writer = ShardWriter(str(folder), "job-1", 1 << 30, 300.0)
    ends = []
    (journal,) = [None]
    for number in range(4):
        writer.add(row(number))
        (journal,) = (folder / ".journals").iterdir()
        ends.append(journal.stat().st_size)
    assert journal is not None
    content = journal.read_bytes()[:cut]
    journal.unlink()
    journal.write_bytes(content)
    assert recover(str(folder)) == bool(content)
    assert keys(folder) == [f"k{n}" for n, end in enumerate(ends) if end <= cut]
    assert recover(str(folder)) == 0


def test_a_journal_of_a_living_task_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds one that is being written waits, and then says who is in the way."""
    monkeypatch.setattr(shards, "_PATIENCE_SECONDS", 0.3)
    writer = ShardWriter(str(tmp_path), "job-1", 1 << 30, 300.0)
    writer.add(row(1))
    with pytest.raises(LockedError, match="still alive"):
        recover(str(tmp_path))
    writer.add(row(2))
    writer.seal()
    assert keys(tmp_path) == ["k1", "k2"]


def test_a_failed_seal_leaves_nothing_half_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for the shard there is none, and the journal keeps what was received."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = ShardWriter(str(tmp_path), "job-1", 1 << 30, 300.0)
    writer.add(row(1))
    with monkeypatch.context() as patch:
        patch.setattr(shards, "_write_groups", full)
        with pytest.raises(OSError, match="No space left"):
            writer.seal()
    assert shard_files(str(tmp_path)) == []
    del writer
    assert recover(str(tmp_path)) == 1
    assert keys(tmp_path) == ["k1"]
