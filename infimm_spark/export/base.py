"""What an export format is, and the export itself: unit by unit, counted, resumable.

A new format is one module with a `Format` in it and one line in `FORMATS`; the command, its help
and the check of the counts derive from that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from infimm_spark import store
from infimm_spark.errors import InputError, ReconciliationError
from infimm_spark.export.corpus import Corpus, Unit, batches, corpus_of
from infimm_spark.export.documents import Picture, Pictures
from infimm_spark.export.folder import OutputFolder, for_each_unit
from infimm_spark.export.pictures import pictures_of, prepare_pictures, require_pictures
from infimm_spark.export.shards import Shard, Shards
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.stored import stored_run
from infimm_spark.run.uses import record_use
from infimm_spark.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)


class Writer(Protocol):
    """Writes the documents of one unit to its `Shards`."""

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        """Write the documents of a batch of `schemas.CORPUS`, with the bytes of their images where
        `pictures` has them."""

    def close(self) -> None:
        """Write what is left."""


class Counts(BaseModel):
    """Documents, the texts and images in them, and images whose bytes were written."""

    model_config = ConfigDict(extra="forbid")

    documents: int = 0
    texts: int = 0
    images: int = 0
    pictures: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, others = self.model_dump(), other.model_dump()
        return Counts(**{name: mine[name] + others[name] for name in mine})


class UnitRecord(BaseModel):
    """What was written of one unit."""

    model_config = ConfigDict(extra="forbid")

    unit: int
    counts: Counts
    shards: list[Shard]
    facts: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Finished:
    """A whole export, for the files that describe it."""

    run_id: str
    records: Sequence[UnitRecord]
    counts: Counts
    config: dict[str, Any]
    """The configuration of the run."""
    with_pictures: bool

    @property
    def date(self) -> str:
        """The day on which the run began, `2026-11-29`; the beginning of time if it is unknown."""
        day = self.run_id[:8]
        return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day.isdigit() else "1970-01-01"

    @property
    def shards(self) -> list[Shard]:
        """The files that hold documents, in order."""
        return [s for record in self.records for s in record.shards if s.documents]


def _no_files(finished: Finished) -> dict[str, bytes]:
    return {}


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write the corpus."""

    name: str
    describes: str
    """One line for the command's help."""
    writer: Callable[[Shards, bool], Writer]
    """The writer of a unit; the second argument says whether image bytes are wanted."""
    finish: Callable[[Finished], dict[str, bytes]] = field(default=_no_files)
    """Files that describe the whole, by path below the folder."""
    holds_pictures: bool = True
    """Whether it has a place for the bytes of images."""


def export(
    layout: RunLayout,
    form: Format,
    output: str,
    *,
    resume: bool = False,
    images: bool = False,
    shard_mb: float = 256,
    spark: Callable[[], SparkSession] | None = None,
) -> Counts:
    """Write the corpus of a finished run to `output`, which must be new or empty; the counts.

    `images` puts the bytes of fetched images into it, joined by `spark`, which also does the work
    where there are many files. Raises `StageError` for a run without a corpus or fetched images,
    `OutputError` and `ResumeError` as `OutputFolder.begin`, and `ReconciliationError` when fewer or
    more documents, texts or images were written than the corpus holds.
    """
    if images and not form.holds_pictures:
        raise InputError(f"--images: format {form.name} holds no images; expected another --format")
    corpus = corpus_of(layout)
    run = stored_run(layout) or {"run_id": "", "config": {}}
    identity: dict[str, Any] = {
        "what": "export",
        "format": form.name,
        "run_id": run["run_id"],
        "corpus": corpus.digest,
        "fetched": require_pictures(layout) if images else None,
        "shard_mb": shard_mb,
        "version": __version__,
    }
    folder = OutputFolder(output, "the export")
    if (done := folder.begin(identity, resume=resume)) is not None:
        return Counts(**done["counts"])
    if images:
        assert spark is not None, "images are joined by Spark"
        prepare_pictures(layout, corpus, folder.at("scratch"), spark())
    written = folder.records(UnitRecord)
    waiting = [unit for unit in corpus.units if unit.number not in written]
    if written:
        log.info("%s: %d of %d units are done", folder.output, len(written), len(corpus.units))
    for_each_unit(waiting, _UnitWork(form, folder, int(shard_mb * (1 << 20)), images), spark)
    records = [record for _, record in sorted(folder.records(UnitRecord).items())]
    counts = _reconciled(folder, corpus, records)
    finished = Finished(run["run_id"], records, counts, run["config"], images)
    manifest = {
        "identity": identity,
        "counts": counts.model_dump(),
        "files": [shard.model_dump() for record in records for shard in record.shards],
    }
    folder.finish(manifest, form.finish(finished))
    record_use(layout, "export", form.name, folder.output, counts.model_dump())
    return counts


def named(formats: tuple[Format, ...], name: str) -> Format:
    """The format of this name; raises `InputError` that lists those there are."""
    for form in formats:
        if form.name == name:
            return form
    known = ", ".join(form.name for form in formats)
    raise InputError(f"unknown export format {name!r}; expected one of: {known}")


@dataclass(frozen=True)
class _UnitWork:
    """The work on one unit, as it travels to a Spark worker."""

    form: Format
    folder: OutputFolder
    limit: int
    images: bool

    def __call__(self, unit: Unit) -> None:
        shards = Shards(self.folder.working, unit.number, self.limit)
        writer = self.form.writer(shards, self.images)
        found = pictures_of(self.folder.at("scratch"), unit) if self.images else None
        counts = Counts()
        pictures = _Counting(found) if found is not None else None
        for batch in batches(unit.files):
            writer.write(batch, pictures)
            counts += Counts(
                documents=batch.num_rows,
                texts=_filled(batch.column("text_list")),
                images=_filled(batch.column("image_list")),
            )
        writer.close()
        counts.pictures = pictures.given if pictures else 0
        self.folder.record(
            unit.number,
            UnitRecord(unit=unit.number, counts=counts, shards=shards.written, facts=shards.facts),
        )
        log.info("%s: unit %d, %s documents", self.folder.output, unit.number, counts.documents)


class _Counting:
    """`Pictures` that counts those it gave."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.given = 0

    def __call__(self, document: str, position: int) -> Picture | None:
        found = self._pictures(document, position)
        self.given += found is not None
        return found


def _filled(lists: pa.Array) -> int:
    values = pc.list_flatten(lists)
    return len(values) - int(values.null_count)


def _reconciled(folder: OutputFolder, corpus: Corpus, records: list[UnitRecord]) -> Counts:
    """The counts of all units, which must be those of the corpus and of the files that are there.

    Raises `ReconciliationError`.
    """
    counts = sum((record.counts for record in records), Counts())
    files = [shard for record in records for shard in record.shards]
    written = sum(shard.documents for shard in files)
    if not written == counts.documents == corpus.documents:
        raise ReconciliationError(
            f"{folder.output}: {written:,} documents were written and {counts.documents:,} read, "
            f"but the corpus holds {corpus.documents:,}"
        )
    sizes = dict(store.list_sizes(folder.working))
    for shard in files:
        size = sizes.get(store.join(folder.working, shard.path))
        if size != shard.bytes:
            raise ReconciliationError(
                f"{folder.output}: {shard.path} has {size or 0:,} bytes, but {shard.bytes:,} were "
                "written; continue is not possible: delete the folder and export again"
            )
    return counts
