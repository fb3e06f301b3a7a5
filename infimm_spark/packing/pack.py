"""The corpus of a run to training sequences: unit by unit, every token counted, resumable."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from infimm_spark.errors import ConfigError, InputError, ReconciliationError
from infimm_spark.export.corpus import Unit, batches, corpus_of
from infimm_spark.export.documents import Document, Picture, Pictures, documents
from infimm_spark.export.folder import OutputFolder, for_each_unit
from infimm_spark.export.pictures import pictures_of, prepare_pictures, require_pictures
from infimm_spark.export.shards import ParquetShards, Shard, Shards
from infimm_spark.packing.pieces import Part, Span, TokenizedDocument, parts, tokenize
from infimm_spark.packing.sequences import (
    UNUSED,
    WRITERS,
    SequenceWriter,
    Shape,
    arrays_of,
    numbered,
    packed,
    row_of,
)
from infimm_spark.packing.tokenizers import TokenizerSource, open_tokenizer
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.stored import stored_run
from infimm_spark.run.uses import record_use
from infimm_spark.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

_POOL_TOKENS = 16_000_000  # packed together: 64 MB, and some 4,000 sequences of 4,096 tokens
_POOL_BYTES = 256 << 20  # of images held at once
TOO_LONG = "longer than a sequence and not to be cut"


class PackCounts(BaseModel):
    """Every token of the corpus: `text_tokens + image_tokens + end_tokens` = `packed_tokens` +
    `unused_tokens`, and sequences × length = `packed_tokens` + `padding_tokens`."""

    model_config = ConfigDict(extra="forbid")

    documents: int = 0
    documents_cut: int = 0
    parts: int = 0
    sequences: int = 0
    text_tokens: int = 0
    image_tokens: int = 0
    end_tokens: int = 0
    packed_tokens: int = 0
    unused_tokens: int = 0
    padding_tokens: int = 0
    loss_tokens: int = 0
    images: int = 0
    images_packed: int = 0
    images_unused: int = 0
    images_not_fetched: int = 0

    @property
    def fill(self) -> float:
        """Share of the sequences' tokens that is no padding."""
        return self.packed_tokens / max(1, self.packed_tokens + self.padding_tokens)

    def add(self, **more: int) -> None:
        """Count on."""
        for name, number in more.items():
            setattr(self, name, getattr(self, name) + number)


class PackRecord(BaseModel):
    """What was written of one unit."""

    model_config = ConfigDict(extra="forbid")

    unit: int
    counts: PackCounts
    shards: list[Shard]


def pack(
    layout: RunLayout,
    output: str,
    source: TokenizerSource,
    shape: Shape,
    *,
    form: str = "parquet",
    seed: int = 0,
    resume: bool = False,
    images: bool = False,
    shard_mb: float = 256,
    spark: Callable[[], SparkSession] | None = None,
) -> PackCounts:
    """Write the corpus of a finished run as sequences to `output`, a new or empty folder.

    With `images` the images that were fetched are put in, with their bytes, and the others left
    out; without it every image has its tokens and its URL. Raises `ConfigError` for an impossible
    shape, `ReconciliationError` where tokens do not add up, and what `export` raises.
    """
    if form not in WRITERS:
        raise InputError(f"unknown format {form!r}; expected one of: {', '.join(WRITERS)}")
    _check(shape)
    corpus = corpus_of(layout)
    run = stored_run(layout) or {"run_id": ""}
    identity: dict[str, Any] = {
        "what": "pack",
        "format": form,
        "run_id": run["run_id"],
        "corpus": corpus.digest,
        "tokenizer": source.digest,
        "length": shape.length,
        "max_images": shape.max_images,
        "image_tokens": shape.image_tokens,
        "least_fill": shape.least_fill,
        "seed": seed,
        "fetched": require_pictures(layout) if images else None,
        "shard_mb": shard_mb,
        "version": __version__,
    }
    folder = OutputFolder(output, "the pack")
    if (done := folder.begin(identity, resume=resume)) is not None:
        return PackCounts(**done["counts"])
    if images:
        assert spark is not None, "images are joined by Spark"
        prepare_pictures(layout, corpus, folder.at("scratch"), spark())
    written = folder.records(PackRecord)
    waiting = [unit for unit in corpus.units if unit.number not in written]
    work = _UnitWork(folder, source, shape, form, seed, int(shard_mb * (1 << 20)), images)
    for_each_unit(waiting, work, spark)
    records = [record for _, record in sorted(folder.records(PackRecord).items())]
    counts = PackCounts()
    for record in records:
        counts.add(**record.counts.model_dump())
    _reconcile(folder.output, counts, corpus.documents, shape)
    tokenizer = open_tokenizer(source)
    manifest = {
        "identity": identity,
        "tokenizer": source.name,
        "vocabulary": tokenizer.size,
        "end_token": tokenizer.end,
        "image_token": tokenizer.image,
        "fill": round(counts.fill, 6),
        "counts": counts.model_dump(),
        "files": [shard.model_dump() for record in records for shard in record.shards],
    }
    shown = ("documents", "sequences", "packed_tokens", "unused_tokens", "padding_tokens")
    used = counts.model_dump(include=set(shown))
    folder.finish(manifest, {"pack.json": (json.dumps(manifest, indent=2) + "\n").encode()})
    record_use(layout, "pack", form, folder.output, {name: used[name] for name in shown})
    return counts


def _check(shape: Shape) -> None:
    if shape.length < 16:
        raise ConfigError(f"--length {shape.length}: expected 16 tokens or more")
    if not 1 <= shape.image_tokens < shape.length:
        raise ConfigError(
            f"--image-tokens {shape.image_tokens}: expected 1 or more, and fewer than --length "
            f"{shape.length}"
        )
    if not 0 <= shape.least_fill <= 1:
        raise ConfigError(f"--least-fill {shape.least_fill}: expected 0 to 1")
    if shape.max_images < 1:
        raise ConfigError(f"--max-images {shape.max_images}: expected 1 or more")


@dataclass(frozen=True)
class _UnitWork:
    """The work on one unit, as it travels to a Spark worker."""

    folder: OutputFolder
    source: TokenizerSource
    shape: Shape
    form: str
    seed: int
    limit: int
    images: bool

    def __call__(self, unit: Unit) -> None:
        shards = Shards(self.folder.working, unit.number, self.limit)
        writer = WRITERS[self.form](shards)
        unused = ParquetShards(
            shards, UNUSED, lambda n: f"unused/{unit.number:05d}-{n:04d}.parquet"
        )
        found = pictures_of(self.folder.at("scratch"), unit) if self.images else None
        counts = PackCounts()
        for pool in self._pools(unit, found, counts):
            for part in pool.unused:
                unused.write(pa.RecordBatch.from_pylist([part], schema=UNUSED), documents=0)
            self._write(pool, writer, unit, counts)
        writer.close()
        unused.close()
        record = PackRecord(unit=unit.number, counts=counts, shards=shards.written)
        self.folder.record(unit.number, record)
        log.info(
            "%s: unit %d, %s sequences, %.1f %% filled",
            self.folder.output,
            unit.number,
            f"{counts.sequences:,}",
            100 * counts.fill,
        )

    def _pools(self, unit: Unit, found: Pictures | None, counts: PackCounts) -> Iterator[_Pool]:
        """Documents of the unit that are packed together, so many as memory allows."""
        pool = _Pool()
        for batch in batches(unit.files):
            for document in documents(batch, found):
                self._add(pool, document, counts)
                if pool.tokens >= _POOL_TOKENS or pool.bytes >= _POOL_BYTES:
                    yield pool
                    pool = _Pool()
        yield pool

    def _add(self, pool: _Pool, document: Document, counts: PackCounts) -> None:
        tokenizer = open_tokenizer(self.source)
        urls = document.images
        if self.images:
            urls = [url if document.pictures[n] else None for n, url in enumerate(urls)]
        tokens = tokenize(document.id, document.texts, urls, tokenizer, self.shape.image_tokens)
        fitting, unused = parts(tokens, self.shape.length, self.shape.max_images)
        _check_whole(tokens, fitting, unused)
        for picture, image in ((document.pictures[i.position], i) for i in tokens.images):
            if picture is not None:
                pool.pictures[document.id, image.position] = picture
                pool.bytes += len(picture.image)
        pool.tokens += len(tokens.ids)
        pool.parts += [Part(tokens, span) for span in fitting]
        pool.unused += [
            {
                "id": document.id,
                "first": span.first,
                "tokens": span.end - span.first,
                "images": len(span.images),
                "reason": TOO_LONG,
            }
            for span in unused
        ]
        images = len(tokens.images)
        image_tokens = images * self.shape.image_tokens
        counts.add(
            documents=1,
            text_tokens=len(tokens.ids) - image_tokens - 1,
            image_tokens=image_tokens,
            end_tokens=1,
            unused_tokens=sum(span.end - span.first for span in unused),
            images=images,
            images_unused=sum(len(span.images) for span in unused),
            images_not_fetched=sum(url is not None for url in document.images) - images,
        )

    def _write(self, pool: _Pool, writer: SequenceWriter, unit: Unit, counts: PackCounts) -> None:
        end = open_tokenizer(self.source).end
        find = pool.find if self.images else None
        sequences = packed(pool.parts, self.shape, self.seed)
        numbers = numbered(sequences)
        counts.add(
            parts=len(numbers),
            documents_cut=sum(number == 0 and of > 1 for number, of in numbers.values()),
        )
        for sequence in sequences:
            arrays = arrays_of(sequence, self.shape, end)
            row = row_of(sequence, numbers, self.shape, find)
            writer.write(f"{unit.number:05d}-{counts.sequences:07d}", row, arrays)
            filled = int((arrays["document_ids"] >= 0).sum())
            counts.add(
                sequences=1,
                packed_tokens=filled,
                padding_tokens=self.shape.length - filled,
                loss_tokens=int(arrays["loss_mask"].sum()),
                images_packed=len(row["images"]),
            )


class _Pool:
    """Parts of documents that wait to be packed."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.unused: list[dict[str, Any]] = []
        self.pictures: dict[tuple[str, int], Picture] = {}
        self.tokens = self.bytes = 0

    def find(self, document: str, position: int) -> Picture | None:
        return self.pictures.get((document, position))


def _check_whole(tokens: TokenizedDocument, fitting: list[Span], unused: list[Span]) -> None:
    """Each token is in one span, or `ReconciliationError`."""
    at = 0
    for span in sorted([*fitting, *unused], key=lambda span: span.first):
        if span.first != at:
            break
        at = span.end
    if at != len(tokens.ids):
        raise ReconciliationError(
            f"document {tokens.id}: token {at} of {len(tokens.ids)} is in no part, or in two"
        )


def _reconcile(where: str, counts: PackCounts, documents: int, shape: Shape) -> None:
    made = counts.text_tokens + counts.image_tokens + counts.end_tokens
    problems = (
        (counts.documents, documents, "documents read", "in the corpus"),
        (counts.packed_tokens + counts.unused_tokens, made, "tokens packed or unused", "made"),
        (
            counts.images_packed + counts.images_unused,
            counts.images,
            "images packed or unused",
            "read",
        ),
        (
            counts.packed_tokens + counts.padding_tokens,
            counts.sequences * shape.length,
            "tokens packed or padding",
            "in the sequences",
        ),
    )
    for found, expected, what, of in problems:
        if found != expected:
            raise ReconciliationError(f"{where}: {found:,} {what}, but {expected:,} {of}")
