"""A run's tables under SQL: one DuckDB connection in this process, wherever the run lies.

Local files are read by DuckDB itself, those of a store through Arrow's file systems; only the
columns that a query names are read. Nothing is loaded from the network: DuckDB's extensions are
those built into its wheel.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from infimm_spark import schemas, store
from infimm_spark.errors import DamagedRunError, ResourceError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.stages.registry import STAGES
from infimm_spark.urls import HOST_PATTERN

_TABLES = {
    "documents": ("extract", "documents"),
    "traffic": ("extract", "traffic"),
    "duplicates": ("dedup", "duplicates"),
    "scored": ("refine", "scored"),
    "contamination": ("decontaminate", "contamination"),
    "corpus": ("publish", "corpus"),
}
"""View -> stage and table; beside them `rejects` and `ledger`, which are of all stages."""

_FILE = re.compile(r"[^\s'\"]+\.parquet")
_NO_SPACE = "No space left on device"
_UNREADABLE = (duckdb.IOException, duckdb.InvalidInputException, pa.ArrowException)
SAMPLED_FILES = 12
"""Files of a large table that samples of whole documents are drawn from."""


class RunQueries:
    """A run's tables as views: `documents`, `traffic`, `duplicates`, `scored`, `contamination`,
    `corpus`, `rejects`, `ledger`.

    A table that is not there is a view without rows. `documents_drawn` and so on hold the rows of a
    few files, drawn by `seed`, for queries that read whole texts. Use as a context manager.
    """

    def __init__(self, layout: RunLayout, *, seed: int = 1, memory: str = "1GB") -> None:
        self.layout = layout
        self._spill = tempfile.mkdtemp(prefix="infimm-report-")
        self._connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "memory_limit": memory,
                "temp_directory": self._spill,
                "preserve_insertion_order": False,
            }
        )
        self.files: dict[str, list[str]] = {}
        for view, (stage, table) in _TABLES.items():
            schema = STAGES[stage].tables[table].schema
            self._add(view, tables.locations(layout, stage, table), schema, seed)
        for view, schema in (("rejects", schemas.REJECTS), ("ledger", schemas.LEDGER)):
            stages = [stage.name for stage in STAGES.values() if view in stage.tables]
            files = [file for name in stages for file in tables.locations(layout, name, view)]
            self._add(view, files, schema, seed)
        pattern = HOST_PATTERN.replace("'", "''")
        self._connection.execute(
            "CREATE MACRO site_host(url) AS regexp_replace(lower(coalesce(nullif(regexp_extract("
            f"url, '{pattern}', 1), ''), regexp_extract(url, '{pattern}', 2))), '^www\\.', '')"
        )

    def __enter__(self) -> RunQueries:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def has(self, view: str) -> bool:
        """Whether the run has files of this table."""
        return bool(self.files[view])

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries. Raises `DamagedRunError` naming a file that cannot
        be read, `ResourceError` when the disk or memory is full."""
        with self._plain_errors():
            cursor = self._connection.execute(query, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def row(self, query: str, parameters: Sequence[Any] = ()) -> dict[str, Any]:
        """The only row of a query."""
        (only,) = self.rows(query, parameters)
        return only

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement, such as one that makes a temporary table."""
        with self._plain_errors():
            self._connection.execute(statement, list(parameters))

    @contextlib.contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, pa.ArrowException) as error:
            text = str(error)
            if isinstance(error, duckdb.OutOfMemoryException) or _NO_SPACE in text:
                raise ResourceError(
                    f"{store.shown(self.layout.root)}: neither memory nor the disk has room for "
                    f"what a query of the run sets aside ({tempfile.gettempdir()}); free some, or "
                    "set TMPDIR to a folder on a larger disk"
                ) from error
            if not isinstance(error, _UNREADABLE):
                raise
            file = _FILE.search(text)
            raise DamagedRunError(
                f"{store.shown(file[0] if file else self.layout.root)} cannot be read: expected a "
                "whole Parquet file; infimm verify RUN --deep names all damage and how to mend it"
            ) from error

    def _add(self, view: str, files: list[str], schema: pa.Schema, seed: int) -> None:
        self.files[view] = files
        few = sorted(files, key=lambda name: _order(name, self.layout.root, seed))[:SAMPLED_FILES]
        with self._plain_errors():
            self._view(view, files, schema)
            self._view(f"{view}_drawn", few, schema)

    def _view(self, view: str, files: list[str], schema: pa.Schema) -> None:
        if not files:
            columns = [f"CAST(NULL AS {_duck_type(f.type)}) AS {_quoted(f.name)}" for f in schema]
            source = f"SELECT {', '.join(columns)} WHERE false"
        elif all("://" not in file for file in files):
            source = self._local(files, schema)
        else:
            found = tables.dataset(files, schema)
            self._connection.register(f"{view}_arrow", found)
            source = f"SELECT * FROM {view}_arrow"
        self._connection.execute(f"CREATE VIEW {view} AS {source}")

    def _local(self, files: list[str], schema: pa.Schema) -> str:
        """Read by DuckDB; columns that an older run lacks are null."""
        paths = ", ".join("'" + store.local_path(f).replace("'", "''") + "'" for f in files)
        source = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
        described = self._connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        there = {row[0] for row in described}
        columns = [
            _quoted(f.name)
            if f.name in there
            else f"CAST(NULL AS {_duck_type(f.type)}) AS {_quoted(f.name)}"
            for f in schema
        ]
        return f"SELECT {', '.join(columns)} FROM {source}"


def _order(location: str, root: str, seed: int) -> bytes:
    """Where a file stands among those drawn: by its path below the run, which may be moved."""
    return hashlib.sha256(f"{seed}:{location.removeprefix(root)}".encode()).digest()


def _quoted(name: str) -> str:
    return f'"{name}"'


def _duck_type(kind: pa.DataType) -> str:
    """DuckDB's name of an Arrow type that our schemas use."""
    if pa.types.is_list(kind):
        return f"{_duck_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{_quoted(f.name)} {_duck_type(f.type)}' for f in kind)})"
    names = {
        pa.string(): "VARCHAR",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.float32(): "FLOAT",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
        pa.binary(): "BLOB",
    }
    return names[kind]
