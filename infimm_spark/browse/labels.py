"""What a reader says of pages: a JSON Lines file that `infimm train` and `infimm mine` read.

A line is a page: id, url, snapshot, language, run; `score` (0–10) where it was graded; the marks
`wrong_formula`, `missing_text` and `boilerplate_left`; a note; and the text as classifiers and
graders see it. A page that is judged again keeps one line, the last.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infimm_spark.classify.features import excerpt
from infimm_spark.errors import InputError, OutputError
from infimm_spark.run.manifest import timestamp

MARKS = ("wrong_formula", "missing_text", "boilerplate_left")
"""What can be wrong with a document, each true or false."""

_TEXT_CHARS = 6_000
_NOTE_CHARS = 2_000


class Labels:
    """The label file, read once and written at every label. Safe to use from several threads."""

    def __init__(self, path: Path, run: str) -> None:
        """`run` is noted in each line. Raises `InputError` naming the line of a damaged file and
        `OutputError` where it cannot be written."""
        self.path = path
        self._run = run
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, Any]] = {}
        if path.is_dir():
            raise OutputError(f"labels {path} is a folder; expected a JSON Lines file")
        if not path.parent.is_dir():
            raise OutputError(f"labels {path}: the folder {path.parent} does not exist")
        if path.exists():
            self._read()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ids(self) -> list[str]:
        """Ids of the labelled pages."""
        return list(self._rows)

    def of(self, id_: str) -> dict[str, Any] | None:
        """The label of a page, None if it has none."""
        return self._rows.get(id_)

    def save(self, page: Mapping[str, Any], text: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Note a label and write it at once; an empty one removes the page's line.

        `page` names id, url, snapshot and language, `given` is what the reader said: score, marks,
        note. Raises `InputError` for another score or mark, `OutputError` if the file cannot be
        written.
        """
        said = _checked(given)
        row = {
            **{key: page.get(key) for key in ("id", "url", "snapshot", "language")},
            "run": self._run,
            **said,
            "labelled": timestamp(),
            "text": excerpt(text, _TEXT_CHARS),
        }
        empty = "score" not in said and not said["note"] and not any(said[m] for m in MARKS)
        with self._lock:
            known = str(row["id"]) in self._rows
            rows = {key: value for key, value in self._rows.items() if key != row["id"]}
            if not empty:
                rows[str(row["id"])] = row
            try:
                if known or empty:
                    self._rewrite(rows)
                else:
                    self._append(row)
            except OSError as error:
                raise OutputError(
                    f"labels {self.path} cannot be written: {error.strerror}"
                ) from None
            self._rows = rows
        return {} if empty else row

    def _append(self, row: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(row))
            file.flush()
            os.fsync(file.fileno())

    def _rewrite(self, rows: Mapping[str, dict[str, Any]]) -> None:
        beside = self.path.with_name(f".{self.path.name}.new")
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(_line(row) for row in rows.values())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)

    def _read(self) -> None:
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError as error:
            raise InputError(f"labels {self.path} cannot be read: {error.strerror}") from None
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                self._rows[str(row["id"])] = row
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"{self.path}, line {number}, is no label; expected a JSON object with an id"
                ) from None
        if lines[-1].strip():  # its last line was cut or written without its end
            self._rewrite(self._rows)


def read_queue(location: str) -> list[str]:
    """Ids of the pages that `infimm mine` proposed, in order: its folder or its candidates.jsonl.

    Raises `InputError` where there are none.
    """
    path = Path(location)
    path = path / "candidates.jsonl" if path.is_dir() else path
    ids = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                try:
                    ids.append(str(json.loads(line)["id"]))
                except (ValueError, KeyError, TypeError):
                    raise InputError(
                        f"{path}, line {number}: expected a JSON object with an id, as `infimm "
                        "mine` writes"
                    ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"queue {location} cannot be read ({error}); expected the output of `infimm mine`"
        ) from None
    if not ids:
        raise InputError(f"queue {path} names no pages")
    return list(dict.fromkeys(ids))


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    score = given.get("score")
    if score is not None:
        if isinstance(score, bool) or not isinstance(score, int) or not 0 <= score <= 10:
            raise InputError(f"score {score!r}: expected a whole number from 0 to 10")
        said["score"] = score
    for mark in MARKS:
        value = given.get(mark, False)
        if not isinstance(value, bool):
            raise InputError(f"{mark} {value!r}: expected true or false")
        said[mark] = value
    note = given.get("note") or ""
    if not isinstance(note, str) or len(note) > _NOTE_CHARS:
        raise InputError(f"note: expected a text of at most {_NOTE_CHARS:,} characters")
    said["note"] = note
    return said


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=True) + "\n"
