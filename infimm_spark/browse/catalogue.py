"""Every page of a run with what became of it, asked by DuckDB over the run's Parquet files.

Opening reads the footers of the files, no rows. After the first screen the columns of `COLUMNS` are
copied into memory by a thread of its own, for a run of up to `IN_MEMORY` pages; a question with
filters waits for that. Larger runs are asked in their files. Texts always stay in the files.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infimm_spark import schemas, store
from infimm_spark.browse.filters import IN_LIST, Filters, Lists
from infimm_spark.errors import DamagedRunError, StoreError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.run.stored import config_of
from infimm_spark.stages.registry import all_stages, stages_of

IN_MEMORY = 5_000_000
"""Pages of the largest run whose columns are copied into memory, about 300 bytes each."""

SEARCH_SECONDS = 0.5
"""How long a search for words reads texts before it answers with what it has."""

COLUMNS = (
    *schemas.POINTER, "title", "language", "language_prob", "recall_prob", "math_prob",
    "quality_prob", "n_formulas", "n_images", "text_length", "carriers", "n_invalid", "n_failed",
    "stage", "outcome", "reason", "score", "detail",
)  # fmt: skip
"""Columns of a page in the catalogue: its pointer and figures, and where it ended."""


@dataclass(frozen=True, slots=True)
class Found:
    """One screen of pages.

    `total` counts all pages that were found. For words, `searched` of `searchable` documents were
    looked through until then; both are equal when the search is over.
    """

    rows: list[dict[str, Any]]
    total: int
    searched: int = 0
    searchable: int = 0


@dataclass(slots=True)
class _Search:
    """A search for words under way: the ids found, and the texts still to be read."""

    batches: Iterator[pa.RecordBatch]
    rows: int
    """Documents of the run."""
    ids: dict[str, None] = field(default_factory=dict)
    searched: int = 0
    begun: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Catalogue:
    """The pages of one run. Safe to use from several threads; `close` ends its work."""

    def __init__(self, layout: RunLayout, *, in_memory: bool = True) -> None:
        """Raises `DamagedRunError` naming a file that is no Parquet."""
        self.layout = layout
        self._db = duckdb.connect(config={"threads": 2})
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            with contextlib.suppress(duckdb.Error):  # nothing is fetched from the network
                self._db.execute(f"SET {setting} = false")
        self._text_files: list[str] = []
        self._remote: dict[str, Any] = {}  # of other stores than the local disk, read by pyarrow
        self._copying: duckdb.DuckDBPyConnection | None = None
        self._make_views()
        self._source = "pages_of_files"
        self._choices: dict[str, list[tuple[str, int]]] | None = None
        self._searches: OrderedDict[str, _Search] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._fits = in_memory and self.pages <= IN_MEMORY

    # -- questions ------------------------------------------------------------------------------

    def find(self, filters: Filters, lists: Lists, start: int, count: int) -> Found:
        """The pages from `start` on, at most `count`, in the order of the filters."""
        if not self.in_memory:
            if not filters.words and not filters.values:
                found = self._first(start, count)
                self._start_copy()
                return found
            self.wait()  # the columns come into memory: no question is quicker
        where, parameters = filters.where(lists)
        search = self._searched(filters) if filters.words else None
        if search is not None:
            where += f" AND id {IN_LIST}"
            parameters = [*parameters, list(search.ids)]
        total = self._one(f"SELECT count(*) FROM {self._source} WHERE {where}", parameters)
        order, values = filters.order(lists)
        rows = self._rows(
            f"SELECT * FROM {self._source} WHERE {where} ORDER BY {order}"
            f" LIMIT {int(count)} OFFSET {int(start)}",
            [*parameters, *values],
        )
        if search is None:
            return Found(rows, total)
        return Found(rows, total, search.searched, search.rows)

    def _first(self, start: int, count: int) -> Found:
        """All pages in the order of their ids, from the files: the ids alone are sorted."""
        ids = self._rows(
            "SELECT id FROM (SELECT id FROM documents UNION ALL"
            " SELECT id FROM rejects WHERE stage = 'extract')"
            f" ORDER BY id LIMIT {int(count)} OFFSET {int(start)}"
        )
        pages = self.pages_of([row["id"] for row in ids])
        return Found([pages[row["id"]] for row in ids], self.pages)

    def page(self, id_: str) -> dict[str, Any] | None:
        """One page by its id, with the columns of `COLUMNS`."""
        return self.pages_of([id_]).get(id_)

    def pages_of(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        """Pages by their ids, those that are there."""
        if not ids:
            return {}
        if self.in_memory:
            found = self._rows(f"SELECT * FROM pages WHERE id {IN_LIST}", [ids])
        else:
            lists = 6 if self._unlisted else 5
            found = self._rows(self._pages_query(len(ids)), ids * lists)
        return {row["id"]: row for row in found}

    def row(self, table: str, id_: str) -> dict[str, Any] | None:
        """The whole row of a document in `documents`, `scored` or `corpus`; None if absent."""
        if table not in self._names:
            return None
        rows = self._rows(f"SELECT * FROM {table} WHERE id = ? LIMIT 1", [id_])
        return rows[0] if rows else None

    def copies(self, id_: str, limit: int = 50) -> list[dict[str, Any]]:
        """Rows of `schemas.DUPLICATES` that name the document, on either side."""
        if "duplicates" not in self._names:
            return []
        return self._rows(
            "SELECT * FROM duplicates WHERE id = ? OR kept_id = ? OR matched_id = ?"
            f" ORDER BY jaccard DESC NULLS LAST, id LIMIT {int(limit)}",
            [id_, id_, id_],
        )

    def summary(self) -> pa.Table:
        """All pages with a hash of their text, formulas and pictures, for a comparison of runs.

        Reads every document; the text is hashed without blank space at its ends.
        """
        texts = "[trim(s.text) FOR s IN segments IF s.text IS NOT NULL]"
        pictures = "[s.image.url FOR s IN segments IF s.image IS NOT NULL]"
        formulas = "list_sort([f.encoding || ' ' || f.outcome || ' ' || f.count FOR f IN coalesce(formula_counts, [])])"  # noqa: E501
        query = f"""
            SELECT p.id, url, snapshot, p.title, stage, outcome, reason, n_formulas, text_length,
                   math_prob, quality_prob, recall_prob, language_prob, h.text, h.pictures, h.formulas
            FROM {self._source} p LEFT JOIN (
                SELECT id, hash({texts}) AS text, hash({pictures}) AS pictures,
                       hash({formulas}) AS formulas
                FROM documents) h USING (id)"""  # noqa: E501
        cursor = self._cursor()
        try:
            return cursor.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise self._damaged(error) from None
        finally:
            cursor.close()

    def choices(self) -> dict[str, list[tuple[str, int]]]:
        """Values of the columns that are chosen from lists, with their counts; none while the
        columns are copied into memory."""
        if self._choices is None:
            columns = ("stage", "reason", "language", "snapshot")
            if not self.in_memory and self._fits:
                return {column: [] for column in (*columns, "carrier")}
            found = {
                column: self._pairs(
                    f"SELECT {column}, count(*) FROM {self._source} WHERE {column} IS NOT NULL"
                    " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200"
                )
                for column in columns
            }
            found["carrier"] = self._pairs(
                f"SELECT unnest(list_distinct(carriers)), count(*) FROM {self._source}"
                " GROUP BY 1 ORDER BY 2 DESC, 1"
            )
            self._choices = found
        return self._choices

    @property
    def in_memory(self) -> bool:
        """Whether the columns have been copied into memory."""
        return self._source == "pages"

    @property
    def stages(self) -> list[str]:
        """The finished stages, in order."""
        return self._finished

    @property
    def missing(self) -> list[str]:
        """Stages of this run, as it is configured, that are not finished."""
        wanted = stages_of(config_of(self.layout))
        return [stage.name for stage in wanted if stage.name not in self._finished]

    def wait(self, seconds: float = 300.0) -> None:
        """Return when the columns are in memory, or after so many seconds."""
        until = time.monotonic() + seconds
        self._start_copy()
        if self._copying is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def _start_copy(self) -> None:
        with self._lock:
            if self._fits and self._copying is None and not self._closed.is_set():
                self._copying = self._cursor()
                self._thread = threading.Thread(target=self._copy, name="catalogue", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Interrupt what is under way; the catalogue answers no more."""
        self._closed.set()
        if self._copying is not None:
            with contextlib.suppress(duckdb.Error):  # it has ended already
                self._copying.interrupt()
            self._thread.join(10)

    # -- words ----------------------------------------------------------------------------------

    def _searched(self, filters: Filters) -> _Search:
        """The search for these words, taken further by at most `SEARCH_SECONDS`."""
        words = [word.lower() for word in filters.words]
        key = "\0".join(words)
        with self._lock:
            search = self._searches.get(key)
            if search is None:
                rows = sum(_footer(file).num_rows for file in self._text_files)
                search = self._searches[key] = _Search(_texts(self._text_files), rows)
                while len(self._searches) > 20:
                    self._searches.popitem(last=False)
        until = time.monotonic() + SEARCH_SECONDS
        with search.lock:
            if not search.begun:
                search.begun = True
                if self.in_memory:
                    search.ids.update(dict.fromkeys(self._by_title(words)))
            while time.monotonic() < until and search.searched < search.rows:
                batch = next(search.batches, None)
                if batch is None:
                    search.searched = search.rows
                    break
                search.ids.update(dict.fromkeys(_holding(batch, words)))
                search.searched += len(batch)
        return search

    def _by_title(self, words: list[str]) -> list[str]:
        holds = " AND ".join("contains(lower(title), ?)" for _ in words)
        return [row["id"] for row in self._rows(f"SELECT id FROM pages WHERE {holds}", words)]

    # -- the tables -----------------------------------------------------------------------------

    def _make_views(self) -> None:
        self._names: set[str] = set()
        self._finished = [
            stage.name
            for stage in all_stages()
            if (
                tables.group_files(self.layout)
                if stage.by_group
                else read_manifest(self.layout.manifest(stage.name))
            )
        ]
        files = {
            "documents": tables.locations(self.layout, "extract", "documents"),
            "scored": tables.locations(self.layout, "refine", "scored"),
            "duplicates": tables.locations(self.layout, "dedup", "duplicates"),
            "corpus": tables.locations(self.layout, "publish", "corpus"),
            "rejects": [
                file
                for stage in all_stages()
                if "rejects" in stage.tables
                for file in tables.locations(self.layout, stage.name, "rejects")
            ],
        }
        columns = {
            "documents": schemas.DOCUMENTS,
            "scored": pa.schema(
                [*schemas.CLEAN, ("drop_stage", pa.string()), ("drop_reason", pa.string())]
            ),
            "duplicates": schemas.DUPLICATES,
            "corpus": schemas.CORPUS,
            "rejects": schemas.REJECTS,
        }
        for name, schema in columns.items():
            self._view(name, files[name], schema)
        self._text_files = files["documents"]
        listed = [
            *files["documents"],
            *tables.locations(self.layout, "extract", "rejects"),
        ]
        self.pages = sum(_footer(file).num_rows for file in listed)
        self._db.execute(f"CREATE VIEW pages_of_files AS {self._pages_query()}")

    def _view(self, name: str, files: list[str], schema: pa.Schema) -> None:
        """A view with all columns of `schema`; null where the run's version had no such column."""
        if not files:
            nothing = ", ".join(
                f"NULL::{_sql_type(field.type)} AS {field.name}" for field in schema
            )
            self._db.execute(f"CREATE VIEW {name} AS SELECT {nothing} WHERE FALSE")
            return
        has: set[str] = set()
        for file in {files[0], files[-1]}:  # a run is written by one version; its ends may differ
            has.update(_footer(file).schema.to_arrow_schema().names)
        if name == "corpus":
            has.discard("snapshot")
        columns = ", ".join(
            field.name if field.name in has else f"NULL::{_sql_type(field.type)} AS {field.name}"
            for field in schema
        )
        if store.scheme_of(files[0]) == "file":
            source = _parquet(files)
        else:
            source = f"{name}_files"
            self._remote[source] = tables.dataset(files, _present(files[0], schema))
            self._db.register(source, self._remote[source])
        self._db.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM {source}")
        self._names.add(name)

    def _pages_query(self, ids: int = 0) -> str:
        """Documents with their scores and where each ended, then pages that never became one.

        A document is dropped by its row of `rejects`; as those may be a sample, else by its row of
        `duplicates` or of `scored`, else (the corpus being written) because it is not in there.
        With `ids` only pages of that many ids, which are the parameters of each of six lists.
        """
        only = f"id IN ({', '.join('?' * ids)})" if ids else "TRUE"
        last = self._finished[-1] if self._finished else "extract"
        published = "publish" in self._finished
        self._unlisted = published and "corpus" in self._names
        unlisted = "WHEN c.id IS NULL THEN 'unlisted'" if self._unlisted else ""
        return f"""
        WITH dropped AS (
            SELECT id, any_value(stage) AS stage, any_value(outcome) AS outcome,
                   any_value(reason) AS reason, any_value(score) AS score,
                   any_value(detail) AS detail
            FROM rejects WHERE stage <> 'extract' AND {only} GROUP BY id),
        copy AS (SELECT id, any_value(reason) AS reason, any_value(kept_id) AS kept_id
                 FROM duplicates WHERE {only} GROUP BY id),
        judged AS (
            SELECT d.*, s.quality_prob, s.drop_stage, s.drop_reason,
                   r.id AS reject, r.stage AS r_stage, r.outcome AS r_outcome,
                   r.reason AS r_reason, r.score AS r_score, r.detail AS r_detail,
                   k.id AS copied, k.reason AS k_reason, k.kept_id,
                   CASE WHEN r.id IS NOT NULL THEN 'reject' WHEN k.id IS NOT NULL THEN 'copy'
                        WHEN s.drop_stage IS NOT NULL THEN 'rule' {unlisted} ELSE 'kept' END AS fate
            FROM (SELECT * FROM documents WHERE {only}) d
            LEFT JOIN (SELECT id, quality_prob, drop_stage, drop_reason FROM scored
                       WHERE {only}) s USING (id)
            LEFT JOIN dropped r USING (id)
            LEFT JOIN copy k USING (id)
            {f"LEFT JOIN (SELECT id FROM corpus WHERE {only}) c USING (id)" if unlisted else ""})
        SELECT {", ".join(schemas.POINTER)},
               title, language, language_prob, recall_prob, math_prob, quality_prob,
               n_formulas, n_images, text_length,
               [f.encoding FOR f IN coalesce(formula_counts, [])] AS carriers,
               {_formulas("invalid")} AS n_invalid, {_formulas("failed")} AS n_failed,
               CASE fate WHEN 'reject' THEN r_stage WHEN 'copy' THEN 'dedup'
                    WHEN 'rule' THEN drop_stage WHEN 'unlisted' THEN '{last}' ELSE '{last}' END
                    AS stage,
               CASE fate WHEN 'reject' THEN r_outcome WHEN 'kept' THEN 'kept' ELSE 'dropped' END
                    AS outcome,
               CASE fate WHEN 'reject' THEN r_reason WHEN 'copy' THEN k_reason
                    WHEN 'rule' THEN drop_reason WHEN 'unlisted' THEN 'not listed' END AS reason,
               r_score AS score,
               CASE WHEN fate = 'copy' THEN 'kept ' || kept_id ELSE r_detail END AS detail
        FROM judged
        UNION ALL
        SELECT {", ".join(f"r.{name}" for name in schemas.POINTER)},
               NULL, r.language, NULL, NULL, NULL, NULL, NULL, NULL, NULL, []::VARCHAR[], 0, 0,
               r.stage, r.outcome, r.reason, r.score, r.detail
        FROM rejects r WHERE r.stage = 'extract' AND {only}
        """

    def _copy(self) -> None:
        """Bring the columns into memory; ordered by id, so that one is found at once."""
        cursor = self._copying
        assert cursor is not None
        try:
            cursor.execute("CREATE TABLE pages AS SELECT * FROM pages_of_files")
            self._source = "pages"
        except duckdb.Error:
            if not self._closed.is_set():  # too little memory: the files answer
                self._source = "pages_of_files"
        finally:
            cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, for one thread."""
        cursor = self._db.cursor()
        for name, dataset in self._remote.items():
            cursor.register(name, dataset)
        return cursor

    def _rows(self, query: str, parameters: Iterable[Any] = ()) -> list[dict[str, Any]]:
        """The rows of an answer. Raises `DamagedRunError` where a table fails."""
        cursor = self._cursor()
        try:
            answer = cursor.execute(query, list(parameters))
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        except duckdb.Error as error:
            raise self._damaged(error) from None
        finally:
            cursor.close()

    def _damaged(self, error: duckdb.Error) -> DamagedRunError:
        root = store.shown(self.layout.root)
        return DamagedRunError(
            f"a table of {root} cannot be read: {str(error).strip().splitlines()[0]}"
        )

    def _one(self, query: str, parameters: Iterable[Any] = ()) -> int:
        return int(next(iter(self._rows(query, parameters)[0].values())))

    def _pairs(self, query: str) -> list[tuple[str, int]]:
        found = [tuple(row.values()) for row in self._rows(query)]
        return [(str(value), int(count)) for value, count in found]


def _texts(files: list[str]) -> Iterator[pa.RecordBatch]:
    """id, title and the texts of segments of all documents, a thousand at a time."""
    for file in files:
        filesystem, (path,) = store.arrow([file])
        with pq.ParquetFile(path, filesystem=filesystem) as parquet:
            there = set(parquet.schema_arrow.names)
            columns = [name for name in ("id", "title") if name in there]
            names = [parquet.schema.column(i).path for i in range(len(parquet.schema))]
            columns += [
                name for name in names if name.startswith("segments.") and name.endswith(".text")
            ]
            yield from parquet.iter_batches(batch_size=1_000, columns=columns)


def _holding(batch: pa.RecordBatch, words: list[str]) -> list[str]:
    """Ids of the documents whose texts or title hold all words (lower case)."""
    segments = batch.column("segments")
    texts = pc.utf8_lower(segments.flatten().field("text"))
    parents = pc.list_parent_indices(segments).to_numpy()
    titles = pc.utf8_lower(batch.column("title")) if "title" in batch.schema.names else None
    found = np.ones(len(batch), bool)
    for word in words:
        here = np.zeros(len(batch), bool)
        matches = pc.fill_null(pc.match_substring(texts, word), False)
        here[parents[matches.to_numpy(zero_copy_only=False)]] = True
        if titles is not None:
            in_title = pc.fill_null(pc.match_substring(titles, word), False)
            here |= in_title.to_numpy(zero_copy_only=False)
        found &= here
    return list(batch.column("id").filter(pa.array(found)).to_pylist())


def _formulas(outcome: str) -> str:
    return (
        "coalesce(list_sum([f.count FOR f IN coalesce(formula_counts, [])"
        f" IF f.outcome = '{outcome}']), 0)::INTEGER"
    )


def _parquet(files: list[str]) -> str:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"


def _footer(file: str) -> pq.FileMetaData:
    try:
        filesystem, (path,) = store.arrow([file])
        return pq.read_metadata(path, filesystem=filesystem)
    except FileNotFoundError:
        raise DamagedRunError(f"{store.shown(file)} is gone; the run's manifest names it") from None
    except (pa.ArrowException, OSError, StoreError) as error:
        raise DamagedRunError(
            f"{store.shown(file)} cannot be read: {str(error).splitlines()[0]}"
        ) from None


def _present(file: str, schema: pa.Schema) -> pa.Schema:
    names = set(_footer(file).schema.to_arrow_schema().names)
    return pa.schema([field for field in schema if field.name in names])


def _sql_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type of `schemas`."""
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{f.name} {_sql_type(f.type)}' for f in kind)})"
    names = {"string": "VARCHAR", "float": "FLOAT", "double": "DOUBLE", "int32": "INTEGER",
             "int64": "BIGINT", "bool": "BOOLEAN", "binary": "BLOB"}  # fmt: skip
    return names[str(kind)]
