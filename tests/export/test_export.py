"""Exports: every document once, counted, into a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infimm_spark import schemas, store
from infimm_spark.errors import InputError, OutputError, ReconciliationError, StageError
from infimm_spark.export import parquet
from infimm_spark.export.base import Format, export, named
from infimm_spark.export.formats import FORMATS
from infimm_spark.run.layout import RunLayout


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """A run with a corpus of 25 documents in three files."""
    root = tmp_path / "run"
    for number, rows in enumerate((10, 0, 15)):
        table = pa.Table.from_pylist(
            [{"URL": f"http://a/{number}/{row}"} for row in range(rows)],
            schema=schemas.CORPUS,
        ).drop_columns("snapshot")  # as Spark writes it: in the folder's name only
        file = root / "corpus" / "snapshot=S" / f"part-{number:05d}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
    return RunLayout(str(root))


def urls(files: list[str]) -> list[str]:
    """The URLs of Parquet files, in order."""
    return [url for file in files for url in pq.read_table(file).column("URL").to_pylist()]


def test_every_document_is_exported_once_in_order(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files hold the set number of documents, and together the corpus as it was published."""
    monkeypatch.setattr(parquet, "ROWS_PER_FILE", 12)
    output = str(tmp_path / "out")
    assert export(layout, named(FORMATS, "parquet"), output) == 25
    files = store.list_files(output)
    assert [pq.read_metadata(file).num_rows for file in files] == [12, 12, 1]
    corpus = sorted(f for f in store.list_files(layout.corpus) if f.endswith(".parquet"))
    assert urls(files) == urls(corpus)
    assert set(pq.read_table(files[0]).column("snapshot").to_pylist()) == {"S"}


def test_a_format_that_loses_documents_fails(layout: RunLayout, tmp_path: Path) -> None:
    """A writer's count is checked against the corpus."""

    def lossy(batches: Iterator[pa.RecordBatch], output: str) -> int:
        return sum(batch.num_rows for batch in batches) - 1

    with pytest.raises(ReconciliationError, match="24 documents were written"):
        export(layout, Format("lossy", "", lossy), str(tmp_path / "out"))


def test_a_folder_that_holds_files_is_left_alone(layout: RunLayout, tmp_path: Path) -> None:
    """Nothing is written into a folder with somebody's files."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="holds files"):
        export(layout, FORMATS[0], str(tmp_path / "out"))


def test_a_run_without_a_corpus_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    """Both name what was given and what was expected."""
    with pytest.raises(StageError, match="no corpus"):
        export(RunLayout(str(tmp_path)), FORMATS[0], str(tmp_path / "out"))
    with pytest.raises(InputError, match=r"'tar'.*parquet"):
        named(FORMATS, "tar")
