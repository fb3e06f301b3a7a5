"""The corpus of a run in units of work: which files there are, and their rows in order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas, store
from infimm_spark.errors import StageError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest

_BATCH_ROWS = 1_024
_UNIT_BYTES = 256 << 20  # files of a snapshot are taken together up to this size
_SNAPSHOT = re.compile(r"/snapshot=([^/]+)/")  # corpus/snapshot=CC-MAIN-2023-50/part-…


@dataclass(frozen=True, slots=True)
class Unit:
    """Corpus files of one snapshot that are worked on together, in order."""

    number: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The files of a corpus, in units; `digest` changes with any of them."""

    units: tuple[Unit, ...]
    documents: int
    digest: str


def corpus_of(layout: RunLayout) -> Corpus:
    """The corpus of a finished run. Raises `StageError` for a run without one."""
    files = sorted(tables.locations(layout, "publish", "corpus"))
    if not files:
        raise StageError(f"{layout.root} has no corpus; expected the --output of a finished build")
    manifest = read_manifest(layout.manifest("publish"))
    known = {store.join(layout.root, f.path): f for f in manifest.files} if manifest else {}
    sizes = dict(store.list_sizes(layout.corpus))
    digest = hashlib.sha256()
    documents = 0
    for file in files:
        found = known.get(file)
        documents += found.rows if found else _rows(file)
        shown = file.removeprefix(layout.root), sizes.get(file), found and found.sha256
        digest.update(repr(shown).encode())
    return Corpus(tuple(_units(files, sizes)), documents, digest.hexdigest())


def batches(files: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of corpus files in order (`schemas.CORPUS`); one batch is in memory at a time.

    Spark keeps the column `snapshot` in the folder's name only; it is put back. Columns that an
    older run lacks are null.
    """
    for file in files:
        dataset = tables.dataset([file], schemas.CORPUS)
        assert dataset is not None
        folder = _SNAPSHOT.search(file)
        for fragment in dataset.get_fragments():
            stored = fragment.physical_schema.get_field_index("snapshot") >= 0
            for batch in fragment.to_batches(schema=schemas.CORPUS, batch_size=_BATCH_ROWS):
                if folder is not None and not stored:
                    name = pa.array([unquote(folder[1])] * batch.num_rows, pa.string())
                    place = batch.schema.get_field_index("snapshot")
                    batch = batch.set_column(place, "snapshot", name)
                yield batch


def snapshot_of(file: str) -> str:
    """The snapshot that a corpus file belongs to, by its folder; empty without one."""
    folder = _SNAPSHOT.search(file)
    return unquote(folder[1]) if folder else ""


def _units(files: Sequence[str], sizes: dict[str, int]) -> Iterator[Unit]:
    taken: list[str] = []
    number = size = 0
    for file in files:
        more = sizes.get(file, 0)
        if taken and (size + more > _UNIT_BYTES or snapshot_of(file) != snapshot_of(taken[0])):
            yield Unit(number, tuple(taken))
            taken, number, size = [], number + 1, 0
        taken.append(file)
        size += more
    yield Unit(number, tuple(taken))


def _rows(file: str) -> int:
    filesystem, (path,) = store.arrow([file])
    return int(pq.read_metadata(path, filesystem=filesystem).num_rows)
