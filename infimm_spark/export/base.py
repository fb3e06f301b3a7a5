"""What an export format is, and the table of those there are.

A new format is one module with a `Format` in it and one line in `FORMATS`; the command, its help
and the check of the counts derive from that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa

from infimm_spark import schemas, store
from infimm_spark.errors import InputError, OutputError, ReconciliationError, StageError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_BATCH_ROWS = 1_024
_SNAPSHOT = re.compile(r"/snapshot=([^/]+)/")  # corpus/snapshot=CC-MAIN-2023-50/part-…


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write the corpus.

    `write` takes record batches of `schemas.CORPUS`, sorted by snapshot and id as they were
    published, and a new folder (local or on a store). It returns the number of documents written.
    """

    name: str
    describes: str
    """One line for the command's help."""
    write: Callable[[Iterator[pa.RecordBatch], str], int]


def export(layout: RunLayout, form: Format, output: str) -> int:
    """Write the corpus of a finished run to `output`, which must be new or empty; return its
    documents.

    Raises `StageError` for a run without a corpus, `OutputError` for a folder that holds files, and
    `ReconciliationError` when fewer or more documents were written than the corpus holds.
    """
    corpus = tables.dataset(tables.locations(layout, "publish", "corpus"), schemas.CORPUS)
    if corpus is None:
        raise StageError(f"{layout.root} has no corpus; expected the --output of a finished build")
    if store.list_files(output):
        raise OutputError(f"{output} holds files; expected a new or empty folder")
    expected = corpus.count_rows()
    written = form.write(_batches(corpus), output)
    if written != expected:
        raise ReconciliationError(
            f"{output}: {written:,} documents were written, but the corpus holds {expected:,}"
        )
    return written


def named(formats: tuple[Format, ...], name: str) -> Format:
    """The format of this name; raises `InputError` that lists those there are."""
    for form in formats:
        if form.name == name:
            return form
    known = ", ".join(form.name for form in formats)
    raise InputError(f"unknown export format {name!r}; expected one of: {known}")


def _batches(corpus: ds.Dataset) -> Iterator[pa.RecordBatch]:
    """The corpus file by file, in order; one batch is in memory at a time.

    Spark keeps the column `snapshot` in the folder's name only; it is put back.
    """
    for fragment in corpus.get_fragments():
        folder = _SNAPSHOT.search(fragment.path)
        stored = fragment.physical_schema.get_field_index("snapshot") >= 0
        for batch in fragment.to_batches(schema=corpus.schema, batch_size=_BATCH_ROWS):
            if folder is not None and not stored:
                name = pa.array([unquote(folder[1])] * batch.num_rows, pa.string())
                place = batch.schema.get_field_index("snapshot")
                batch = batch.set_column(place, "snapshot", name)
            yield batch
