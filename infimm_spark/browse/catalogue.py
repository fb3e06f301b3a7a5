"""Every page of a run with what became of it, asked by DuckDB over the run's Parquet files.

Opening reads the footers of the files, no rows. For a run of up to `IN_MEMORY` pages the columns of
`COLUMNS` are then copied into memory by a thread of their own; until that is done, and for larger
runs, questions go to the files. Texts always stay in the files.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas, store
from infimm_spark.browse.filters import IN_LIST, Filters, Lists
from infimm_spark.errors import DamagedRunError, StoreError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.stages.registry import all_stages

T = TypeVar("T")

IN_MEMORY = 5_000_000
"""Pages of the largest run whose columns are copied into memory, about 300 bytes each."""

SEARCH_SECONDS = 0.7
"""How long a search for words reads texts before it answers with what it has."""

COLUMNS = (
    *schemas.POINTER, "host", "title", "language", "language_prob", "recall_prob", "math_prob",
    "quality_prob", "n_formulas", "n_images", "text_length", "carriers", "n_invalid", "n_failed",
    "stage", "outcome", "reason", "score", "detail",
)  # fmt: skip
"""Columns of a page in the catalogue: its pointer and figures, and where it ended."""

_CHUNK_ROWS = 20_000


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
    """A search for words under way: ids found, and the pieces of the text files still to read."""

    pieces: list[tuple[str, int, int]]
    rows: int
    ids: list[str] = field(default_factory=list)
    at: int = 0
    searched: int = 0
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
        self._searches: OrderedDict[str, _Search] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        if in_memory and self.pages <= IN_MEMORY:
            self._copying = self._cursor()
            self._thread = threading.Thread(target=self._copy, name="catalogue", daemon=True)
            self._thread.start()

    # -- questions ------------------------------------------------------------------------------

    def find(self, filters: Filters, lists: Lists, start: int, count: int) -> Found:
        """The pages from `start` on, at most `count`, in the order of the filters."""
        where, parameters = filters.where(lists)
        search = self._searched(filters) if filters.words else None
        if search is not None:
            where += f" AND id {IN_LIST}"
            parameters = [*parameters, search.ids]
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

    def page(self, id_: str) -> dict[str, Any] | None:
        """One page by its id, with the columns of `COLUMNS`."""
        rows = self._rows(f"SELECT * FROM {self._source} WHERE id = ? LIMIT 1", [id_])
        return rows[0] if rows else None

    def pages_of(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        """Pages by their ids, those that are there."""
        found = self._rows(f"SELECT * FROM {self._source} WHERE id {IN_LIST}", [ids])
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
        return self._asked(query, lambda answer: answer.to_arrow_table())

    def choices(self) -> dict[str, list[tuple[str, int]]]:
        """Values of the columns that are chosen from lists, with their counts."""
        found: dict[str, list[tuple[str, int]]] = {}
        for column in ("stage", "reason", "language", "snapshot"):
            found[column] = self._pairs(
                f"SELECT {column}, count(*) FROM {self._source} WHERE {column} IS NOT NULL"
                " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200"
            )
        found["carrier"] = self._pairs(
            f"SELECT unnest(carriers), count(*) FROM {self._source} GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return found

    @property
    def stages(self) -> list[str]:
        """The finished stages, in order."""
        return self._finished

    @property
    def missing(self) -> list[str]:
        """Stages of a build that this run has not finished."""
        return [stage.name for stage in all_stages() if stage.name not in self._finished]

    def wait(self, seconds: float = 60.0) -> None:
        """Return when the columns are in memory, or after so many seconds."""
        until = time.monotonic() + seconds
        while self._source != "pages" and time.monotonic() < until and not self._closed.is_set():
            time.sleep(0.01)

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
        words = filters.words
        key = "\0".join(words).lower()
        with self._lock:
            search = self._searches.get(key)
            if search is None:
                pieces = self._pieces()
                search = self._searches[key] = _Search(pieces, sum(p[2] for p in pieces))
                while len(self._searches) > 20:
                    self._searches.popitem(last=False)
        until = time.monotonic() + SEARCH_SECONDS
        with search.lock:
            if search.at == 0 and not search.ids:
                search.ids += self._by_title(words)
            while search.at < len(search.pieces) and time.monotonic() < until:
                search.ids += self._holding(search.pieces[search.at], words)
                search.searched += search.pieces[search.at][2]
                search.at += 1
            search.ids = list(dict.fromkeys(search.ids))
        return search

    def _pieces(self) -> list[tuple[str, int, int]]:
        """(file, first row, rows) of the documents' files, in pieces that are read in one go."""
        pieces = []
        for file in self._text_files:
            rows = _footer(file).num_rows
            step = rows if self._remote else _CHUNK_ROWS
            for first in range(0, rows, max(step, 1)):
                pieces.append((file, first, min(step, rows - first)))
        return pieces

    def _by_title(self, words: list[str]) -> list[str]:
        holds = " AND ".join("contains(lower(title), ?)" for _ in words)
        rows = self._rows(
            f"SELECT id FROM {self._source} WHERE {holds} LIMIT 100000", [w.lower() for w in words]
        )
        return [row["id"] for row in rows]

    def _holding(self, piece: tuple[str, int, int], words: list[str]) -> list[str]:
        """Ids of the piece's documents whose text or title holds all words."""
        file, first, rows = piece
        text = "lower(concat_ws(' ', title, array_to_string([s.text FOR s IN segments], ' ')))"
        holds = " AND ".join("contains(words, ?)" for _ in words)
        lowered = [word.lower() for word in words]
        cursor = self._cursor()
        try:
            if self._remote:
                source = tables.dataset([file], _present(file, schemas.DOCUMENTS))
                cursor.register("piece", source)
                between, parameters = "TRUE", lowered
            else:
                cursor.execute(f"CREATE TEMP VIEW piece AS SELECT * FROM {_parquet([file], True)}")
                between = f"file_row_number BETWEEN {first} AND {first + rows - 1}"
                parameters = lowered
            query = f"SELECT id FROM (SELECT id, {text} AS words FROM piece WHERE {between}) WHERE {holds}"  # noqa: E501
            return [row[0] for row in cursor.execute(query, parameters).fetchall()]
        finally:
            cursor.close()

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
        self.pages = sum(
            _footer(file).num_rows for name in ("documents", "rejects") for file in files[name]
        )
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

    def _pages_query(self) -> str:
        """Documents with their scores and where each ended, then pages that never became one.

        A document is dropped by its row of `rejects`; as those may be a sample, else by its row of
        `duplicates` or of `scored`, else (the corpus being written) because it is not in there.
        """
        last = self._finished[-1] if self._finished else "extract"
        published = "publish" in self._finished
        unlisted = (
            "WHEN c.id IS NULL THEN 'unlisted'" if published and "corpus" in self._names else ""
        )
        return f"""
        WITH dropped AS (
            SELECT id, any_value(stage) AS stage, any_value(outcome) AS outcome,
                   any_value(reason) AS reason, any_value(score) AS score,
                   any_value(detail) AS detail
            FROM rejects GROUP BY id),
        copy AS (SELECT id, any_value(reason) AS reason, any_value(kept_id) AS kept_id
                 FROM duplicates GROUP BY id),
        judged AS (
            SELECT d.*, s.quality_prob, s.drop_stage, s.drop_reason,
                   r.id AS reject, r.stage AS r_stage, r.outcome AS r_outcome,
                   r.reason AS r_reason, r.score AS r_score, r.detail AS r_detail,
                   k.id AS copied, k.reason AS k_reason, k.kept_id,
                   CASE WHEN r.id IS NOT NULL THEN 'reject' WHEN k.id IS NOT NULL THEN 'copy'
                        WHEN s.drop_stage IS NOT NULL THEN 'rule' {unlisted} ELSE 'kept' END AS fate
            FROM documents d
            LEFT JOIN (SELECT id, quality_prob, drop_stage, drop_reason FROM scored) s USING (id)
            LEFT JOIN dropped r USING (id)
            LEFT JOIN copy k USING (id)
            {"LEFT JOIN (SELECT id FROM corpus) c USING (id)" if unlisted else ""})
        SELECT {", ".join(schemas.POINTER)}, {_host("url")} AS host,
               title, language, language_prob, recall_prob, math_prob, quality_prob,
               n_formulas, n_images, text_length,
               list_distinct([f.encoding FOR f IN coalesce(formula_counts, [])]) AS carriers,
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
        SELECT {", ".join(f"r.{name}" for name in schemas.POINTER)}, {_host("r.url")} AS host,
               NULL, r.language, NULL, NULL, NULL, NULL, NULL, NULL, NULL, []::VARCHAR[], 0, 0,
               r.stage, r.outcome, r.reason, r.score, r.detail
        FROM rejects r WHERE r.stage = 'extract'
        """

    def _copy(self) -> None:
        """Bring the columns into memory; ordered by id, so that one is found at once."""
        cursor = self._copying
        assert cursor is not None
        try:
            cursor.execute("CREATE TABLE pages AS SELECT * FROM pages_of_files ORDER BY id")
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
        def rows(answer: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

        return self._asked(query, rows, parameters)

    def _asked(
        self,
        query: str,
        read: Callable[[duckdb.DuckDBPyConnection], T],
        parameters: Iterable[Any] = (),
    ) -> T:
        """What `read` makes of an answer. Raises `DamagedRunError` where a table fails."""
        cursor = self._cursor()
        try:
            return read(cursor.execute(query, list(parameters)))
        except duckdb.Error as error:
            raise DamagedRunError(
                f"a table of {store.shown(self.layout.root)} cannot be read:"
                f" {str(error).strip().splitlines()[0]}"
            ) from None
        finally:
            cursor.close()

    def _one(self, query: str, parameters: Iterable[Any] = ()) -> int:
        return int(next(iter(self._rows(query, parameters)[0].values())))

    def _pairs(self, query: str) -> list[tuple[str, int]]:
        found = [tuple(row.values()) for row in self._rows(query)]
        return [(str(value), int(count)) for value, count in found]


def _host(url: str) -> str:
    """`urls.site_host` of a column."""
    return (
        f"regexp_replace(lower(regexp_extract({url},"
        r" '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?\[?([^\]/:?#\[]+)', 1)), '^www\.', '')"
    )


def _formulas(outcome: str) -> str:
    return (
        "coalesce(list_sum([f.count FOR f IN coalesce(formula_counts, [])"
        f" IF f.outcome = '{outcome}']), 0)::INTEGER"
    )


def _parquet(files: list[str], numbered: bool = False) -> str:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}]{', file_row_number = true' if numbered else ''}, hive_partitioning = false, union_by_name = true)"  # noqa: E501


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
