"""Evaluation sets: the questions in a file, by a published set's fields or by named columns."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import store
from infimm_spark.config import DecontaminateConfig, EvaluationSet
from infimm_spark.errors import ConfigError, InputError, MissingObjectError
from infimm_spark.rules.decontamination import Question, ngram_of
from infimm_spark.rules.units import units

KEY = "decontaminate.sets"


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a published set has its questions: the first of `columns` whose names are all there.

    `choices` follow a question that is too short to be looked for alone.
    """

    columns: tuple[tuple[str, ...], ...]
    choices: tuple[str, ...] = ()


PRESETS: dict[str, Fields] = {
    "gsm8k": Fields((("question",),)),
    "math": Fields((("problem",), ("question",))),
    "mmlu-stem": Fields((("question",),), ("choices", "options")),
    "mathverse": Fields((("question",), ("question_for_eval",))),
    "we-math": Fields((("question",),), ("option", "options")),
    "cmath": Fields((("question",), ("body",))),
    "gaokao": Fields((("passage", "question"), ("question",)), ("options",)),
    "mgsm-zh": Fields((("question",), ("messages",))),
}
"""The fields of each preset, as the sets are published."""


def load_questions(config: DecontaminateConfig) -> list[Question]:
    """All questions of all sets, in the order of the sets and their rows.

    Raises `InputError` for a file that is missing or is not what it should be, `ConfigError` for a
    column that it does not have. Each names the set, the place and what was expected.
    """
    return [question for entry in config.sets for question in _questions(entry, config)]


def set_name(entry: EvaluationSet) -> str:
    """A set's name: the one given, else its preset's, else its file's."""
    file = entry.path.rstrip("/").rpartition("/")[2]
    return entry.name or entry.preset or file.partition(".")[0]


def questions_digest(questions: Sequence[Question]) -> dict[str, str]:
    """SHA-256 of each set's questions, by name: where a file lies does not matter."""
    digests: dict[str, Any] = {}
    for question in questions:
        digest = digests.setdefault(question.set, hashlib.sha256())
        digest.update(f"{question.number}\0{question.text}\0".encode("utf-8", "surrogatepass"))
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _questions(entry: EvaluationSet, config: DecontaminateConfig) -> Iterator[Question]:
    name = set_name(entry)
    where = f"{KEY}: {name} ({store.shown(entry.path)})"
    if not entry.preset and not entry.columns:
        raise ConfigError(f"{where}: expected a preset ({', '.join(PRESETS)}) or columns")
    rows = list(_rows(entry.path, where))
    if not rows:
        raise InputError(f"{where} holds no question")
    found = {column for row in rows for column in row}
    columns, choices = _columns(entry, found, where)
    for number, row in enumerate(rows):
        text = _joined(row, columns)
        if choices and ngram_of(units(text, config.simplify_chinese), config) is None:
            text = _joined(row, (*columns, *choices))
        yield Question(name, number, text)


def _columns(
    entry: EvaluationSet, found: set[str], where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    shown = ", ".join(sorted(found))
    for column in entry.columns:
        if column not in found:
            raise ConfigError(f"{where} has no column {column!r}; expected one of {shown}")
    if entry.columns:
        return tuple(entry.columns), ()
    fields = PRESETS[str(entry.preset)]
    for columns in fields.columns:
        if found.issuperset(columns):
            return columns, tuple(name for name in fields.choices if name in found)
    expected = " or ".join("+".join(columns) for columns in fields.columns)
    raise ConfigError(f"{where} has no column {expected}, as {entry.preset} has; found {shown}")


def _joined(row: dict[str, Any], columns: Sequence[str]) -> str:
    return "\n".join(filter(None, (_text(row.get(column)) for column in columns)))


def _text(value: Any) -> str:
    """A cell as text: of a list its entries, of a conversation what the user says."""
    if value is None:
        return ""
    if isinstance(value, dict):
        if "content" in value:
            return _text(value["content"]) if value.get("role", "user") == "user" else ""
        return "\n".join(filter(None, map(_text, value.values())))
    if isinstance(value, list | tuple):
        return "\n".join(filter(None, map(_text, value)))
    return str(value)


def _rows(path: str, where: str) -> Iterator[dict[str, Any]]:
    try:
        content = store.read_bytes(path)
    except MissingObjectError:
        raise InputError(f"{where} does not exist") from None
    if path.endswith(".parquet"):
        try:
            table = pq.read_table(io.BytesIO(content))
        except (pa.ArrowInvalid, OSError):
            raise InputError(f"{where} is not Parquet") from None
        yield from table.to_pylist()
        return
    if path.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError):
            raise InputError(f"{where} is not gzip") from None
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise InputError(f"{where}: line {number} is not a JSON object")
        yield row
