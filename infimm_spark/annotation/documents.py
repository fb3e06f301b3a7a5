"""Documents out of Parquet or JSON Lines files, local or in an object store, a row at a time.

What a row must hold is its text: a `text` column, or `segments` as in this project's own tables.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import store
from infimm_spark.errors import InputError
from infimm_spark.languages import CHINESE, ENGLISH

PARQUET = (".parquet",)
JSON_LINES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".ndjson")

_COLUMNS = ("id", "url", "URL", "language", "lang", "text", "segments", "text_list")
_BATCH_ROWS = 256


def read_rows(location: str, columns: Iterable[str] = _COLUMNS) -> Iterator[dict[str, Any]]:
    """Rows of a file, or of all Parquet and JSON Lines files below a folder, in the order of their
    names.

    Of Parquet only those of `columns` that are there are read. Raises `InputError` where nothing is
    found or a file is damaged, naming file and line.
    """
    for file in data_files(location):
        if file.endswith(PARQUET):
            yield from _parquet_rows(file, frozenset(columns))
        else:
            yield from _json_rows(file)


def data_files(location: str) -> list[str]:
    """The Parquet or JSON Lines files at `location`; raises `InputError` where there are none."""
    found = [
        file
        for file in store.list_files(location)
        if file.endswith((*PARQUET, *JSON_LINES)) and not _hidden(file[len(location) :])
    ]
    if not found:
        raise InputError(
            f"{store.shown(location)} holds no data; expected *.parquet or *.jsonl(.gz) files"
        )
    return found


def text_of(row: Mapping[str, Any]) -> str | None:
    """A row's text: `text`, or the texts of `segments` (or `text_list`) joined by blank lines."""
    text = row.get("text")
    if isinstance(text, str):
        return text
    if isinstance(row.get("segments"), list):
        texts = [segment.get("text") for segment in row["segments"] if segment]
    elif isinstance(row.get("text_list"), list):
        texts = row["text_list"]
    else:
        return None
    return "\n\n".join(text for text in texts if text)


def identity_of(row: Mapping[str, Any]) -> str:
    """`id`, else the URL, else a hash of the text."""
    for name in ("id", "url", "URL"):
        if row.get(name):
            return str(row[name])
    text = text_of(row) or ""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def url_of(row: Mapping[str, Any]) -> str:
    """`url` or, as in the released schema, `URL`; empty where there is none."""
    return str(row.get("url") or row.get("URL") or "")


def language_of(row: Mapping[str, Any]) -> str:
    """`language` or `lang`, else ``zh`` for a text that is mostly Chinese and ``en`` for
    another."""
    named = row.get("language") or row.get("lang")
    if named:
        return str(named)
    head = (text_of(row) or "")[:2_000]
    chinese = sum("\u3400" <= char <= "\u9fff" for char in head)
    return (CHINESE if chinese * 5 > len(head) else ENGLISH).code


def _hidden(path: str) -> bool:
    return any(part.startswith(("_", ".")) for part in path.split("/"))


def _parquet_rows(file: str, columns: frozenset[str]) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(pa.BufferReader(store.read_bytes(file))) as parquet:
            wanted = [name for name in parquet.schema_arrow.names if name in columns]
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"{store.shown(file)} cannot be read as Parquet: {problem}") from None


def _json_rows(file: str) -> Iterator[dict[str, Any]]:
    data = store.read_bytes(file)
    if file.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            raise InputError(f"{store.shown(file)} is truncated or damaged gzip") from None
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise InputError(f"{store.shown(file)}, line {number}, is not JSON") from None
        if not isinstance(row, dict):
            raise InputError(f"{store.shown(file)}, line {number}, is no JSON object")
        yield row
