"""Exports read back with the programs they are for; a program that is not installed is skipped."""

from __future__ import annotations

import json
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from infimm_spark.export import base
from infimm_spark.export.base import export, named
from infimm_spark.export.documents import Picture
from infimm_spark.export.formats import FORMATS
from infimm_spark.run.layout import RunLayout

Exported = Callable[..., Path]
Row = dict[str, Any]
ABSENT = "{} is not installed: pip install 'infimm-spark[consumers]'"


def needed(module: str) -> Any:
    """The module, or skip and say how to get it."""
    return pytest.importorskip(module, reason=ABSENT.format(module))


@pytest.fixture
def exported(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Any
) -> Exported:
    """Exports the small run: `exported("hf", images=True)`; the folder."""

    def make(form: str, *, images: bool = False, shard_mb: float = 256) -> Path:
        folder = tmp_path / form
        monkeypatch.setattr(base, "require_pictures", lambda layout: "digest")
        monkeypatch.setattr(base, "prepare_pictures", lambda *_: None)
        monkeypatch.setattr(base, "pictures_of", lambda *_: pictures)
        export(
            layout,
            named(FORMATS, form),
            str(folder),
            images=images,
            shard_mb=shard_mb,
            spark=lambda: None,  # type: ignore[arg-type,return-value]
        )
        return folder

    return make


@pytest.fixture
def load_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`datasets.load_dataset` with a cache of its own and no network."""
    datasets = needed("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    cache = str(tmp_path / "cache")
    return lambda *args, **options: datasets.load_dataset(
        *args, split="train", cache_dir=cache, **options
    )


def tars(folder: Path) -> list[str]:
    return sorted(str(file) for file in folder.glob("shards/*.tar"))


def test_datasets_reads_the_folder_as_the_corpus_row_by_row(
    exported: Exported, load_dataset: Callable[..., Any], corpus: list[Row]
) -> None:
    """`load_dataset` on the folder gives the corpus's rows, all of them and unchanged, with the
    features that the columns have."""
    loaded = load_dataset(str(exported("hf")))
    found = sorted(loaded.to_list(), key=lambda row: row["id"])
    assert found == sorted(corpus, key=lambda row: row["id"])
    features = str(loaded.features["images"]), str(loaded.features["text_list"])
    assert "'width': Value('int32')" in features[0]
    assert features[1] == "List(Value('string'))"


def test_datasets_finds_configurations_by_language_and_snapshot(
    exported: Exported, load_dataset: Callable[..., Any]
) -> None:
    """Each language, each snapshot, and each language of a snapshot can be loaded by name."""
    folder = str(exported("hf"))
    found = {name: len(load_dataset(folder, name)) for name in ("en", "zh", "CC-MAIN-2023-50")}
    assert found == {"en": 8, "zh": 4, "CC-MAIN-2023-50": 4}
    assert set(load_dataset(folder, "CC-MAIN-2023-40-zh")["title"]) == {
        "Page 0",
        "Page 3",
        "Page 6",
    }


def test_datasets_decodes_fetched_images_in_their_places(
    exported: Exported, load_dataset: Callable[..., Any], pictures: Any
) -> None:
    """The column `pictures` is parallel to `image_list` and has the feature Image; a picture that
    was not fetched is null."""
    loaded = load_dataset(str(exported("hf", images=True)))
    assert "Image" in str(loaded.features["pictures"])
    for row in loaded:
        expected = [pictures(row["id"], position) for position in range(len(row["image_list"]))]
        assert [bool(found) for found in row["pictures"]] == [bool(found) for found in expected]
        for found, wanted in zip(row["pictures"], expected, strict=True):
            if found is not None:
                assert found.size == (wanted.width, wanted.height)
                assert found.getpixel((0, 0))[0] == int(row["id"], 16)


def test_files_have_a_page_index_and_the_columns_of_the_corpus(exported: Exported) -> None:
    """Readers may skip pages; DuckDB and Polars read every row."""
    folder = exported("hf")
    file = next(folder.rglob("*.parquet"))
    column = pq.read_metadata(file).row_group(0).column(0)
    assert column.has_offset_index
    assert column.has_column_index
    rows = duckdb.sql(f"SELECT count(*), sum(len(images)) FROM '{folder}/data/*/*/*.parquet'")
    assert rows.fetchall() == [(12, 20)]
    frame = pl.scan_parquet(f"{folder}/data/*/*/*.parquet").select("URL", "snapshot").collect()
    assert frame["snapshot"].value_counts().sort("snapshot")["count"].to_list() == [8, 4]


def test_croissant_is_valid_and_gives_the_rows(exported: Exported) -> None:
    """mlcroissant finds nothing to complain about, and reads every document."""
    croissant = needed("mlcroissant")
    data = croissant.Dataset(str(exported("hf") / "croissant.json"))
    issues = data.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    rows = list(data.records("documents"))
    assert {row["documents/id"] for row in rows} == {f"{n:032x}".encode() for n in range(12)}


def test_obelics_rows_have_parallel_lists(
    exported: Exported, load_dataset: Callable[..., Any], corpus: list[Row]
) -> None:
    """Texts and image addresses as OBELICS has them, with an object for each image."""
    rows = list(load_dataset(str(exported("obelics"))))
    assert [row["texts"] for row in rows] == [row["text_list"] for row in corpus]
    assert [row["images"] for row in rows] == [row["image_list"] for row in corpus]
    for row in rows:
        about = json.loads(row["metadata"])
        assert [bool(image) for image in about] == [bool(url) for url in row["images"]]
    assert json.loads(rows[0]["general_metadata"])["url"] == corpus[0]["URL"]


def test_obelics_rows_may_carry_bytes(exported: Exported, pictures: Any) -> None:
    """`image_bytes` is parallel to `images`."""
    file = next(exported("obelics", images=True).rglob("*00000*.parquet"))
    for row in pq.read_table(file).to_pylist():
        identity = json.loads(row["general_metadata"])["id"]
        wanted = [pictures(identity, position) for position in range(len(row["images"]))]
        assert row["image_bytes"] == [found.image if found else None for found in wanted]


@pytest.mark.parametrize("form", ["mint", "energon"])
def test_webdataset_reads_texts_and_images_in_order(
    exported: Exported, corpus: list[Row], pictures: Any, form: str
) -> None:
    """A sample has its JSON and its images; the lists name them and are parallel."""
    webdataset = needed("webdataset")
    folder = exported(form, images=True, shard_mb=0.01)
    samples = list(webdataset.WebDataset(tars(folder), shardshuffle=False).decode("pil"))
    assert [sample["__key__"] for sample in samples] == [row["id"] for row in corpus]
    for sample, row in zip(samples, corpus, strict=True):
        order = sample["json"]
        assert order["texts"] == row["text_list"]
        assert order["image_urls"] == row["image_list"]
        for position, name in enumerate(order["images"]):
            wanted = pictures(row["id"], position) if row["image_list"][position] else None
            assert (name is None) == (wanted is None)
            if name is not None:
                found = sample[name.removeprefix(f"{row['id']}.")]
                assert found.getpixel((0, 0))[0] == int(row["id"], 16)


def test_the_index_of_a_tar_points_at_its_samples(exported: Exported) -> None:
    """Each entry is the offset of a sample's first member; the last is where members end."""
    (first, *_) = tars(exported("mint", images=True))
    index = Path(first + ".idx").read_bytes()
    offsets = struct.unpack(f"<{len(index) // 8}Q", index)
    with tarfile.open(first) as tar:
        members = [member for member in tar if member.name.endswith(".json")]
        assert [member.offset for member in members] == list(offsets[:-1])
        assert tar.offset == offsets[-1]


def test_energon_gives_interleaved_samples(exported: Exported, corpus: list[Row]) -> None:
    """Megatron Energon's own loader gives every document once, texts and decoded images in
    order."""
    needed("torch")
    energon = needed("megatron.energon")
    workers = energon.WorkerConfig(rank=0, world_size=1, num_workers=0)
    dataset = energon.get_val_dataset(
        str(exported("energon", images=True)),
        split_part="train",
        worker_config=workers,
        batch_size=None,
    )
    found = {sample.__key__: sample.sequence for sample in energon.get_loader(dataset)}
    assert sorted(found) == sorted(row["id"] for row in corpus)
    texts = {key: [part for part in parts if isinstance(part, str)] for key, parts in found.items()}
    assert texts == {row["id"]: [t for t in row["text_list"] if t is not None] for row in corpus}
    second = found[f"{2:032x}"]
    assert [type(part).__name__ for part in second] == ["str", "Tensor", "str"]
    assert tuple(second[1].shape) == (3, 3, 4)


def test_nemo_curator_reads_rows_and_tars(
    exported: Exported, corpus: list[Row], pictures: Any
) -> None:
    """Its readers give an `InterleavedBatch` that is valid, with every text and image in place, of
    the rows and of the MINT-1T tars."""
    parquet = needed("nemo_curator.stages.interleaved.io.readers.parquet")
    webdataset = needed("nemo_curator.stages.interleaved.io.readers.webdataset")
    tasks = needed("nemo_curator.tasks")
    rows = sorted(str(file) for file in exported("nemo", images=True).rglob("*.parquet"))
    read = parquet.InterleavedParquetReaderStage()
    batch = read.process(tasks.FileGroupTask(dataset_name="rows", data=rows))
    assert batch.validate()
    assert batch.num_items == 12
    assert batch.count(modality="image") == 20
    _same_bytes(batch.to_pyarrow().to_pylist(), pictures)
    shards = tars(exported("mint", images=True))
    read = webdataset.InterleavedWebdatasetReaderStage(materialize_on_read=True)
    batch = read.process(tasks.FileGroupTask(dataset_name="tars", data=shards))
    assert batch.validate()
    assert batch.num_items == 12
    found = batch.to_pyarrow().to_pylist()
    assert [r["text_content"] for r in found if r["modality"] == "text"] == [
        text for row in corpus for text in row["text_list"] if text is not None
    ]
    _same_bytes(found, pictures)


def _same_bytes(rows: list[Row], pictures: Callable[[str, int], Picture | None]) -> None:
    seen = 0
    for row in rows:
        wanted = pictures(row["sample_id"], row["position"])
        if row["modality"] == "image" and row["binary_content"] is not None:
            assert wanted is not None
            assert row["binary_content"] == wanted.image
            seen += 1
    assert seen == 6


def test_nemo_rows_are_in_order_for_any_reader(exported: Exported, corpus: list[Row]) -> None:
    """Polars puts a document together from its rows; an image without bytes names its address."""
    rows = pl.read_parquet(exported("nemo") / "data" / "*.parquet")
    texts = rows.filter(pl.col("modality") == "text").group_by("sample_id", maintain_order=True)
    assert texts.agg("text_content")["text_content"].to_list() == [
        [text for text in row["text_list"] if text is not None] for row in corpus
    ]
    sources = rows.filter(pl.col("modality") == "image")["source_ref"].to_list()
    assert [json.loads(source)["path"] for source in sources] == [
        url for row in corpus for url in row["image_list"] if url is not None
    ]


def test_jsonl_is_text_with_dolmas_fields(
    exported: Exported, load_dataset: Callable[..., Any], corpus: list[Row]
) -> None:
    """One object a line: id, text joined by blank lines, source, created, metadata."""
    folder = exported("jsonl")
    rows = list(load_dataset(str(folder), data_files="documents/*"))
    assert [row["id"] for row in rows] == [row["id"] for row in corpus]
    assert [row["text"] for row in rows] == [
        "\n\n".join(text for text in row["text_list"] if text) for row in corpus
    ]
    assert {row["metadata"]["language"] for row in rows} == {"en", "zh"}
    dated = duckdb.sql(
        f"SELECT count(*) FROM read_json('{folder}/documents/*.gz') WHERE created IS NOT NULL"
    )
    assert dated.fetchall() == [(12,)]


def test_datatrove_reads_the_lines(exported: Exported, corpus: list[Row]) -> None:
    """datatrove's JSON lines reader gives documents with text and metadata."""
    needed("orjson")
    readers = needed("datatrove.pipeline.readers")
    reader = readers.JsonlReader(str(exported("jsonl") / "documents"), compression="gzip")
    found = list(reader.run())
    assert [document.id for document in found] == [row["id"] for row in corpus]
    assert found[0].metadata["url"] == corpus[0]["URL"]


def test_parquet_keeps_the_columns(exported: Exported, corpus: list[Row]) -> None:
    """The plain format is the corpus itself, with `snapshot` as a column."""
    files = sorted(exported("parquet").glob("*.parquet"))
    assert [row for file in files for row in pq.read_table(file).to_pylist()] == corpus
