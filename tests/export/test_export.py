"""Exports: every document once, counted, into a folder of its own that can be continued."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infimm_spark import store
from infimm_spark.errors import (
    InputError,
    OutputError,
    ReconciliationError,
    ResumeError,
    StageError,
    StoreError,
)
from infimm_spark.export import base
from infimm_spark.export.base import Format, export, named
from infimm_spark.export.documents import Pictures
from infimm_spark.export.formats import FORMATS
from infimm_spark.export.parquet import PARQUET
from infimm_spark.export.shards import Shards
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.uses import print_uses, uses

ALL = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by path."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def partial(output: Path) -> Path:
    """Where the unfinished export lies."""
    return output.parent / f".{output.name}.partial"


class StoppedError(Exception):
    """Stands for a kill."""


@ALL
def test_counts_are_those_of_the_corpus(
    layout: RunLayout, tmp_path: Path, form: Format, corpus: list[dict[str, Any]]
) -> None:
    """Documents, texts and images are counted, and the manifest names every file that holds
    documents."""
    counts = export(layout, form, str(tmp_path / "out"))
    texts = sum(text is not None for row in corpus for text in row["text_list"])
    images = sum(url is not None for row in corpus for url in row["image_list"])
    assert (counts.documents, counts.texts, counts.images) == (12, texts, images)
    manifest = json.loads((tmp_path / "out" / "_export" / "manifest.json").read_text())
    assert sum(file["documents"] for file in manifest["files"]) == 12
    assert manifest["counts"] == counts.model_dump()
    for file in manifest["files"]:
        assert (tmp_path / "out" / file["path"]).stat().st_size == file["bytes"]


def test_the_run_says_what_was_made_of_it(layout: RunLayout, tmp_path: Path) -> None:
    """Each export is a line below the funnel; a second one to the same place replaces the first."""
    for _ in range(2):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        export(layout, PARQUET, str(tmp_path / "out"))
    (use,) = uses(layout)
    assert use["counts"]["documents"] == 12
    assert "export parquet" in print_uses([use])
    assert print_uses([]) == ""


@ALL
def test_two_exports_are_equal_byte_for_byte(
    layout: RunLayout, tmp_path: Path, form: Format
) -> None:
    """Nothing in an export depends on when or where it was made."""
    export(layout, form, str(tmp_path / "a"))
    export(layout, form, str(tmp_path / "b" / "c"))
    assert content(tmp_path / "a") == content(tmp_path / "b" / "c")


@ALL
def test_files_are_cut_by_size(layout: RunLayout, tmp_path: Path, form: Format) -> None:
    """A small limit gives more files, and the same documents."""
    export(layout, form, str(tmp_path / "large"))
    counts = export(layout, form, str(tmp_path / "small"), shard_mb=0.0001)
    assert counts.documents == 12
    assert len(content(tmp_path / "small")) >= len(content(tmp_path / "large"))


@ALL
def test_an_interrupted_export_is_shown_only_when_it_is_whole(
    layout: RunLayout, tmp_path: Path, form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill in the second unit nothing is at the output; --resume writes the second unit
    only, and the result is that of an export without interruption."""
    export(layout, form, str(tmp_path / "whole"))
    output = tmp_path / "out"
    done: list[int] = []
    write = base._UnitWork.__call__

    def stop_at_second(work: base._UnitWork, unit: Any) -> None:
        if unit.number == 1:
            raise StoppedError
        write(work, unit)

    def watch(work: base._UnitWork, unit: Any) -> None:
        done.append(unit.number)
        write(work, unit)

    monkeypatch.setattr(base._UnitWork, "__call__", stop_at_second)
    with pytest.raises(StoppedError):
        export(layout, form, str(output))
    assert not output.exists()
    with pytest.raises(OutputError, match="not finished; continue with --resume"):
        export(layout, form, str(output))
    monkeypatch.setattr(base._UnitWork, "__call__", watch)
    export(layout, form, str(output), resume=True)
    assert done == [1]
    assert content(output) == content(tmp_path / "whole")
    assert not partial(output).exists()


def test_an_interrupted_export_is_not_continued_with_other_settings(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another format, file size or corpus is refused by name; a finished one is confirmed."""
    output = str(tmp_path / "out")

    def stop(work: base._UnitWork, unit: Any) -> None:
        raise StoppedError

    with monkeypatch.context() as patched:
        patched.setattr(base._UnitWork, "__call__", stop)
        with pytest.raises(StoppedError):
            export(layout, PARQUET, output)
    with pytest.raises(ResumeError, match='format was "parquet" and is now "jsonl"'):
        export(layout, named(FORMATS, "jsonl"), output, resume=True)
    with pytest.raises(ResumeError, match="shard_mb was 256 and is now 1"):
        export(layout, PARQUET, output, resume=True, shard_mb=1)
    file = next(Path(layout.corpus).rglob("*.parquet"))
    whole = file.read_bytes()
    pq.write_table(pq.read_table(file).slice(1), file)
    with pytest.raises(ResumeError, match="corpus was"):
        export(layout, PARQUET, output, resume=True)
    file.write_bytes(whole)
    counts = export(layout, PARQUET, output, resume=True)
    assert export(layout, PARQUET, output, resume=True) == counts


class _Lossy:
    """A writer that forgets a document of each batch."""

    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._shards = shards
        self._documents = 0

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        self._documents += batch.num_rows - 1

    def close(self) -> None:
        self._shards.put("all", b"x", self._documents)


def test_a_format_that_loses_documents_fails(layout: RunLayout, tmp_path: Path) -> None:
    """What the files hold is compared with the corpus; nothing is shown."""
    with pytest.raises(ReconciliationError, match="but the corpus holds 12"):
        export(layout, Format("lossy", "", _Lossy), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_file_that_was_cut_afterwards_fails(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are looked at before the export is shown."""
    record = base.OutputFolder.record

    def cut(folder: base.OutputFolder, unit: int, content: Any) -> None:
        record(folder, unit, content)
        (Path(folder.working) / content.shards[0].path).write_bytes(b"PAR1")

    monkeypatch.setattr(base.OutputFolder, "record", cut)
    with pytest.raises(ReconciliationError, match="has 4 bytes"):
        export(layout, PARQUET, str(tmp_path / "out"))


def test_a_full_disk_leaves_nothing_to_see(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error passes through, the output stays absent, and --resume goes on once there is
    space."""
    written = store.write_bytes

    def full(location: str, data: bytes) -> None:
        if location.endswith(".parquet"):
            raise StoreError(f"{location} cannot be written: no space left on the device")
        written(location, data)

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_bytes", full)
        with pytest.raises(StoreError, match="no space left"):
            export(layout, PARQUET, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert export(layout, PARQUET, str(tmp_path / "out"), resume=True).documents == 12


def test_a_folder_that_holds_something_is_left_alone(layout: RunLayout, tmp_path: Path) -> None:
    """Neither somebody's files nor a finished export are touched."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="holds files"):
        export(layout, PARQUET, str(tmp_path / "out"))
    export(layout, PARQUET, str(tmp_path / "done"))
    with pytest.raises(OutputError, match=r"holds a finished export \(parquet of run 2026"):
        export(layout, named(FORMATS, "hf"), str(tmp_path / "done"))
    assert content(tmp_path / "out") == {"thesis.txt": b"precious"}


def test_a_run_without_a_corpus_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    """Both name what was given and what was expected."""
    with pytest.raises(StageError, match="no corpus"):
        export(RunLayout(str(tmp_path)), PARQUET, str(tmp_path / "out"))
    with pytest.raises(InputError, match=r"'tar'.*parquet"):
        named(FORMATS, "tar")


def test_images_need_a_format_and_a_run_that_have_them(layout: RunLayout, tmp_path: Path) -> None:
    """Text formats refuse --images; so does a run whose images were not selected, or are those of
    another run."""
    with pytest.raises(InputError, match="jsonl holds no images"):
        export(layout, named(FORMATS, "jsonl"), str(tmp_path / "out"), images=True)
    with pytest.raises(StageError, match="no table of images"):
        export(layout, named(FORMATS, "hf"), str(tmp_path / "out"), images=True)
    folder = Path(layout.root) / "images"
    folder.mkdir()
    manifest = {
        "stage": "images",
        "run_id": "another",
        "identity": {},
        "counts": {},
        "started": "",
        "finished": "",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StageError, match="is of run another"):
        export(layout, named(FORMATS, "hf"), str(tmp_path / "out"), images=True)
    manifest["run_id"] = json.loads(Path(layout.run_file).read_text())["run_id"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="infimm images fetch"):
        export(layout, named(FORMATS, "hf"), str(tmp_path / "out"), images=True)
