"""Files named in manifests: counted, checksummed, and the only ones that are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infimm_spark import schemas
from infimm_spark.errors import OutputError
from infimm_spark.run import tables
from infimm_spark.run.files import catalogue, parquet_files
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, claim_manifest, read_manifest, write_manifest


def _ledger(file: Path, counts: list[int]) -> None:
    rows = [
        {"warc_file": f"w{n}", "stage": "extract", "outcome": "read", "reason": None, "count": n}
        for n in counts
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schemas.LEDGER), file)


def _manifest(**fields: object) -> Manifest:
    values = {
        "stage": "extract",
        "run_id": "r",
        "identity": {},
        "counts": {},
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:00:01Z",
    }
    return Manifest.model_validate(values | fields)


def test_a_catalogue_names_rows_bytes_and_checksum(tmp_path: Path) -> None:
    """Every Parquet file below the folders, relative to the root; what a writer has in work is left
    out."""
    _ledger(tmp_path / "dedup" / "ledger" / "part-0.parquet", [1, 2, 3])
    _ledger(tmp_path / "dedup" / "ledger" / "_temporary" / "0" / "part-1.parquet", [1])
    (tmp_path / "dedup" / "ledger" / "_SUCCESS").touch()
    _ledger(tmp_path / "dedup" / "rejects" / "part-9.parquet", [])
    found = catalogue(
        str(tmp_path), [str(tmp_path / "dedup" / "ledger"), str(tmp_path / "dedup" / "rejects")]
    )
    assert [(file.path, file.rows) for file in found] == [
        ("dedup/ledger/part-0.parquet", 3),
        ("dedup/rejects/part-9.parquet", 0),
    ]
    for file in found:
        data = (tmp_path / file.path).read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_footer_larger_than_the_last_piece_is_read(tmp_path: Path) -> None:
    """A table with very many columns has megabytes of footer; its rows are counted all the same."""
    wide = pa.table({f"column-{n}-{'x' * 300}": [1, 2] for n in range(4000)})
    pq.write_table(wide, tmp_path / "wide.parquet")
    assert pq.read_metadata(tmp_path / "wide.parquet").serialized_size > 1 << 20
    assert [file.rows for file in catalogue(str(tmp_path), [str(tmp_path)])] == [2]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100, b"PAR1" + b"\xff" * 50 + b"PAR1"])
def test_what_is_not_whole_parquet_is_refused(tmp_path: Path, data: bytes) -> None:
    """A cut or foreign file never gets into a manifest."""
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(OutputError, match=r"a\.parquet is not a whole Parquet file"):
        catalogue(str(tmp_path), [str(tmp_path)])


def test_readers_take_what_the_manifest_names_and_nothing_else(tmp_path: Path) -> None:
    """A belated writer's attempt in the same group is not read, nor one without a manifest."""
    layout = RunLayout(str(tmp_path))
    for index, attempt, counts in ((0, "good", [1, 2]), (0, "late", [3, 4]), (1, "open", [5])):
        folder = Path(layout.attempt(index, attempt))
        _ledger(folder / "table=ledger" / "part-0.parquet", counts)
    files = catalogue(layout.root, [layout.attempt(0, "good")])
    write_manifest(layout.group_manifest(0), _manifest(files=files))
    rows = tables.rows(layout, "extract", "ledger", schemas.LEDGER)
    assert [row["count"] for row in rows] == [1, 2]
    assert len(parquet_files(layout.groups)) == 3


def test_a_stage_reads_by_manifest_once_it_has_one(tmp_path: Path) -> None:
    """Before the manifest what is there counts, so that a stage can read what it wrote itself."""
    layout = RunLayout(str(tmp_path))
    folder = Path(layout.table("dedup", "ledger"))
    _ledger(folder / "part-0.parquet", [1])
    files = catalogue(layout.root, [str(folder)])
    _ledger(folder / "part-1.parquet", [2])
    assert len(tables.rows(layout, "dedup", "ledger", schemas.LEDGER)) == 2
    write_manifest(layout.manifest("dedup"), _manifest(stage="dedup", files=files))
    assert [r["count"] for r in tables.rows(layout, "dedup", "ledger", schemas.LEDGER)] == [1]


def test_a_group_is_claimed_once(tmp_path: Path) -> None:
    """The second driver's manifest is not written, and the first one's stays."""
    location = str(tmp_path / "group-00000.json")
    assert claim_manifest(location, _manifest(run_id="first"))
    assert not claim_manifest(location, _manifest(run_id="second"))
    stored = read_manifest(location)
    assert stored is not None
    assert stored.run_id == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["group-00000.json"]
