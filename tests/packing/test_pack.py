"""Packs: every token of the corpus in one sequence, in files that a trainer reads."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from modules import module_at

from infimm_spark import schemas
from infimm_spark.errors import ConfigError, InputError, OutputError, ResumeError
from infimm_spark.export.documents import Picture
from infimm_spark.packing import pack as packing
from infimm_spark.packing.pack import pack
from infimm_spark.packing.sequences import Shape
from infimm_spark.packing.tokenizers import open_tokenizer, tokenizer_source
from infimm_spark.rules.tokens import gpt3_encoding
from infimm_spark.run.layout import RunLayout

GPT2 = tokenizer_source("tiktoken:gpt2")
SHAPE = Shape(length=128, max_images=3, image_tokens=8)
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "packed_dataset.py"


def text(number: int) -> str:
    """Some paragraphs with formulas; from number to number more of them."""
    paragraph = f"Lemma {number}. For $x_{{{number}}} > 0$ the sum $\\sum_k x^k$ is finite. 证毕。"
    return "\n\n".join([paragraph] * (1 + number % 5))


@pytest.fixture
def layout(tmp_path: Path) -> RunLayout:
    """A run of sixty documents in two snapshots; every second one has an image in the middle, and
    one has a formula that fits into no sequence."""
    root = tmp_path / "run"
    for part, snapshot in enumerate(("S1", "S2")):
        rows: list[dict[str, Any]] = []
        for number in range(part * 30, part * 30 + 30):
            texts: list[str | None] = [text(number)]
            if number % 2:
                texts += [None, "See the picture."]
            if number == 7:
                texts.append("$" + "+".join(f"y_{{{n}}}" for n in range(99)) + "$")
            images = [None if t is not None else f"https://i/{number}.png" for t in texts]
            rows.append(
                {"id": f"{number:032x}", "text_list": texts, "image_list": images, "metadata": "{}"}
            )
        file = root / "corpus" / f"snapshot={snapshot}" / "part-0.parquet"
        file.parent.mkdir(parents=True)
        table = pa.Table.from_pylist(rows, schema=schemas.CORPUS)
        pq.write_table(table.drop_columns("snapshot"), file)
    return RunLayout(str(root))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "sequences").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_every_token_is_used_once_or_listed(layout: RunLayout, tmp_path: Path) -> None:
    """Put together by their pointers, the parts of each document are its tokens; what is missing is
    in `unused`, with its reason; the counts say the same."""
    output = tmp_path / "out"
    counts = pack(layout, str(output), GPT2, SHAPE)
    tokenizer = open_tokenizer(GPT2)
    found: dict[str, dict[int, int]] = {}
    for row in rows_of(output):
        for part in row["parts"]:
            tokens = row["input_ids"][part["start"] : part["start"] + part["tokens"]]
            document = found.setdefault(part["id"], {})
            for place, token in enumerate(tokens, part["first"]):
                assert place not in document
                document[place] = token
    unused = [
        row for f in sorted(output.glob("unused/*.parquet")) for row in pq.read_table(f).to_pylist()
    ]
    assert {row["id"] for row in unused} == {f"{7:032x}"}
    assert {row["reason"] for row in unused} == {"longer than a sequence and not to be cut"}
    assert counts.unused_tokens == sum(row["tokens"] for row in unused) > 128
    for number in range(60):
        document = found[f"{number:032x}"]
        if number != 7:
            tokens = [document[place] for place in range(len(document))]
            expected = gpt3_encoding().encode_ordinary(text(number))
            if number % 2:
                expected += [tokenizer.image] * 8
                expected += gpt3_encoding().encode_ordinary("See the picture.")
            assert tokens == [*expected, tokenizer.end]
    placed = sum(len(document) for document in found.values())
    assert counts.packed_tokens == placed
    assert counts.text_tokens + counts.image_tokens + counts.end_tokens == (
        placed + counts.unused_tokens
    )


def test_rows_have_one_length_masks_and_owners(layout: RunLayout, tmp_path: Path) -> None:
    """Loss is on text and ends of documents, not on images and padding; each token names its
    part, padding none."""
    counts = pack(layout, str(tmp_path / "out"), GPT2, SHAPE)
    tokenizer = open_tokenizer(GPT2)
    loss = images = 0
    for row in rows_of(tmp_path / "out"):
        assert {len(row[name]) for name in ("input_ids", "loss_mask", "document_ids")} == {128}
        owners = Counter(row["document_ids"])
        assert [owners[n] for n in range(len(row["parts"]))] == [p["tokens"] for p in row["parts"]]
        for token, mask, owner in zip(
            row["input_ids"], row["loss_mask"], row["document_ids"], strict=True
        ):
            assert mask == (owner >= 0 and token != tokenizer.image)
        assert len(row["images"]) <= 3
        for image in row["images"]:
            span = row["input_ids"][image["start"] : image["start"] + image["tokens"]]
            assert span == [tokenizer.image] * 8
        loss += sum(row["loss_mask"])
        images += len(row["images"])
    assert (counts.loss_tokens, counts.images_packed) == (loss, images)
    assert counts.images == images == 30
    assert counts.fill > 0.97


def test_documents_that_fit_stay_whole_where_asked(layout: RunLayout, tmp_path: Path) -> None:
    """Without a least fill only documents longer than a sequence are cut, into more sequences."""
    full = pack(layout, str(tmp_path / "full"), GPT2, SHAPE)
    whole = pack(layout, str(tmp_path / "whole"), GPT2, Shape(128, 3, 8, least_fill=0))
    assert whole.sequences > full.sequences
    assert whole.documents_cut < full.documents_cut
    for row in rows_of(tmp_path / "whole"):
        for part in row["parts"]:
            assert part["parts"] == 1 or part["first"] or part["tokens"] > 40


def test_a_part_points_at_its_document(layout: RunLayout, tmp_path: Path) -> None:
    """Parts of a document are numbered, and follow each other without a gap."""
    pack(layout, str(tmp_path / "out"), GPT2, Shape(64, 3, 8))
    parts = [part for row in rows_of(tmp_path / "out") for part in row["parts"]]
    for identity in {part["id"] for part in parts if part["parts"] > 1} - {f"{7:032x}"}:
        own = sorted((p for p in parts if p["id"] == identity), key=lambda part: part["part"])
        assert [part["part"] for part in own] == list(range(own[0]["parts"]))
        ends = [part["first"] + part["tokens"] for part in own]
        assert [part["first"] for part in own] == [0, *ends[:-1]]


def test_the_seed_decides_the_order(layout: RunLayout, tmp_path: Path) -> None:
    """One seed, one result, byte for byte; another seed, another order of the same tokens."""
    first = pack(layout, str(tmp_path / "a"), GPT2, SHAPE, seed=1)
    again = pack(layout, str(tmp_path / "b"), GPT2, SHAPE, seed=1)
    other = pack(layout, str(tmp_path / "c"), GPT2, SHAPE, seed=2)
    rows = [rows_of(tmp_path / name) for name in "abc"]
    assert rows[0] == rows[1] != rows[2]
    for file in (tmp_path / "a").rglob("*.parquet"):
        other_file = tmp_path / "b" / file.relative_to(tmp_path / "a")
        assert file.read_bytes() == other_file.read_bytes()
    assert first == again
    assert other.packed_tokens == first.packed_tokens


def test_webdataset_reads_the_same_sequences(layout: RunLayout, tmp_path: Path) -> None:
    """As arrays and JSON, in the order of the Parquet files."""
    webdataset = pytest.importorskip("webdataset")
    pack(layout, str(tmp_path / "parquet"), GPT2, SHAPE)
    pack(layout, str(tmp_path / "tars"), GPT2, SHAPE, form="webdataset")
    tars = sorted(str(file) for file in (tmp_path / "tars" / "shards").glob("*.tar"))
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode())
    rows = rows_of(tmp_path / "parquet")
    assert [sample["__key__"] for sample in samples] == [row["sequence"] for row in rows]
    for sample, row in zip(samples, rows, strict=True):
        for name in ("input_ids", "loss_mask", "document_ids"):
            assert sample[f"{name}.npy"].tolist() == row[name]
        assert sample["json"]["parts"] == row["parts"]


def test_only_fetched_images_are_packed_when_bytes_are_asked_for(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images without bytes are left out and counted; the others come with the sequence."""

    def fetched(document: str, position: int) -> Picture | None:
        number = int(document, 16)
        return Picture("png", 1, 1, "", b"png %d" % number) if number % 3 == 0 else None

    monkeypatch.setattr(packing, "require_pictures", lambda layout: "digest")
    monkeypatch.setattr(packing, "prepare_pictures", lambda *_: None)
    monkeypatch.setattr(packing, "pictures_of", lambda *_: fetched)
    counts = pack(
        layout,
        str(tmp_path / "out"),
        GPT2,
        SHAPE,
        images=True,
        spark=lambda: None,  # type: ignore[arg-type,return-value]
    )
    assert (counts.images, counts.images_not_fetched) == (10, 20)
    images = [image for row in rows_of(tmp_path / "out") for image in row["images"]]
    assert {image["bytes"] for image in images} == {b"png %d" % n for n in range(3, 60, 6)}


def test_an_interrupted_pack_is_continued(
    layout: RunLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shown before it is whole; --resume packs only the unit that is missing; other
    settings are refused."""
    work = packing._UnitWork.__call__
    done: list[int] = []

    def stop_at_second(self: Any, unit: Any) -> None:
        if unit.number == 1:
            raise KeyboardInterrupt
        work(self, unit)

    def watch(self: Any, unit: Any) -> None:
        done.append(unit.number)
        work(self, unit)

    output = tmp_path / "out"
    monkeypatch.setattr(packing._UnitWork, "__call__", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        pack(layout, str(output), GPT2, SHAPE)
    assert not output.exists()
    monkeypatch.setattr(packing._UnitWork, "__call__", watch)
    with pytest.raises(OutputError, match="continue with --resume"):
        pack(layout, str(output), GPT2, SHAPE)
    with pytest.raises(ResumeError, match="length was 128 and is now 256"):
        pack(layout, str(output), GPT2, Shape(256, 3, 8), resume=True)
    counts = pack(layout, str(output), GPT2, SHAPE, resume=True)
    assert done == [1]
    assert counts == pack(layout, str(tmp_path / "whole"), GPT2, SHAPE)
    assert rows_of(output) == rows_of(tmp_path / "whole")
    assert json.loads((output / "pack.json").read_text())["fill"] == round(counts.fill, 6)


def test_impossible_shapes_and_formats_are_refused(layout: RunLayout, tmp_path: Path) -> None:
    """Each names the option and what was expected."""
    output = str(tmp_path / "out")
    with pytest.raises(InputError, match="'tar'; expected one of: parquet, webdataset"):
        pack(layout, output, GPT2, SHAPE, form="tar")
    for shape, option in (
        (Shape(8, 1, 1), "--length 8"),
        (Shape(64, 1, 64), "--image-tokens 64"),
        (Shape(64, 0, 8), "--max-images 0"),
    ):
        with pytest.raises(ConfigError, match=option):
            pack(layout, output, GPT2, shape)


def test_pytorch_reads_every_sequence_once_and_resumes(layout: RunLayout, tmp_path: Path) -> None:
    """The example's data set shuffles, deals sequences to ranks without overlap, and goes on where
    it stopped."""
    pytest.importorskip("torch", reason="torch is not installed: pip install torch")
    pack(layout, str(tmp_path / "out"), GPT2, SHAPE, shard_mb=0.01)
    dataset = module_at(EXAMPLE).PackedSequences

    def taken(**options: Any) -> list[tuple[int, ...]]:
        found = dataset(str(tmp_path / "out"), **options)
        return [tuple(sequence["input_ids"].tolist()) for sequence in found]

    rows = sorted(tuple(row["input_ids"]) for row in rows_of(tmp_path / "out"))
    whole = taken(seed=3)
    assert sorted(whole) == rows
    assert whole != taken(seed=4)
    assert whole == taken(seed=3)
    assert sorted(taken(rank=0, ranks=2) + taken(rank=1, ranks=2)) == rows
    for done in (1, 5, len(whole)):
        assert taken(seed=3, done=done) == whole[done:]
