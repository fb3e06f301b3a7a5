"""Two runs of the same crawl: which documents differ, and how.

Pages are matched by their id, which is the place of their record in the crawl; where the two runs
share no ids (the crawl was packed anew) by snapshot and URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from infimm_spark import store
from infimm_spark.browse.catalogue import Catalogue
from infimm_spark.browse.record import Record, read_record
from infimm_spark.config import BuildConfig
from infimm_spark.errors import DamagedRunError, InputError

KINDS = {
    "came in": "dropped or absent in A, kept in B",
    "went out": "kept in A, dropped or absent in B",
    "other reason": "dropped in both, by another stage or reason",
    "formulas": "another number of formulas, or other carriers or outcomes",
    "text": "another text with as many formulas",
    "pictures": "other pictures only",
    "title": "another title only",
    "scores": "the same document, another score",
    "same": "no difference",
}
"""Kind of change -> what it means; a page counts once, by the first that fits."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the runs."""

    catalogue: Catalogue
    config: BuildConfig
    name: str


class Comparison:
    """The differences of two runs, counted when this is made; reads every document once."""

    def __init__(self, a: Side, b: Side) -> None:
        """Raises `InputError` where the runs have no page in common."""
        self._sides = (a, b)
        self.names = (a.name, b.name)
        self._db = duckdb.connect()
        for letter, side in zip("ab", self._sides, strict=True):
            table = side.catalogue.summary()
            self._db.register(f"{letter}_rows", table)
            self._db.execute(f"CREATE TABLE {letter} AS SELECT * FROM {letter}_rows")
            self._db.unregister(f"{letter}_rows")
        shared = self._one("SELECT count(*) FROM a JOIN b USING (id)")
        self.by_url = shared == 0
        on = "a.snapshot = b.snapshot AND a.url = b.url" if self.by_url else "a.id = b.id"
        if self._one(f"SELECT count(*) FROM a JOIN b ON {on}") == 0:
            raise InputError(f"{a.name} and {b.name} have no page in common: nothing to compare")
        self._db.execute(f"CREATE TABLE pairs AS {_pairs(on)}")

    def counts(self) -> list[tuple[str, int, str]]:
        """(kind, pages, what it means), in the order of `KINDS`; kinds without pages too."""
        found = dict(
            self._db.cursor().execute("SELECT kind, count(*) FROM pairs GROUP BY 1").fetchall()
        )
        return [(kind, found.get(kind, 0), meaning) for kind, meaning in KINDS.items()]

    def changed(
        self, kind: str, url: str, start: int, count: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Pages of a kind of change (all but ``same`` without one) whose URL holds `url`, and their
        number. Raises `InputError` for a kind that is none."""
        if kind and kind not in KINDS:
            raise InputError(f"kind={kind}: expected one of {', '.join(KINDS)}")
        where = "kind = ?" if kind else "kind <> ?"
        values: list[Any] = [kind or "same", url.lower()]
        where += " AND contains(lower(coalesce(url, '')), ?)"
        total = self._one(f"SELECT count(*) FROM pairs WHERE {where}", values)
        rows = self._rows(
            f"SELECT * FROM pairs WHERE {where} ORDER BY id LIMIT {int(count)} OFFSET {int(start)}",
            values,
        )
        return rows, total

    def pair(self, id_: str) -> tuple[dict[str, Any], Record | None, Record | None] | None:
        """How a page (its id in A, in B if A lacks it) changed, and its records in both runs."""
        found = self._rows("SELECT * FROM pairs WHERE id = ? LIMIT 1", [id_])
        if not found:
            return None
        left, right = (
            read_record(side.catalogue, found[0][key], side.config) if found[0][key] else None
            for side, key in zip(self._sides, ("a_id", "b_id"), strict=True)
        )
        return found[0], left, right

    def _rows(self, query: str, values: list[Any]) -> list[dict[str, Any]]:
        answer = self._db.cursor().execute(query, values)
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def _one(self, query: str, values: list[Any] | None = None) -> int:
        row = self._db.cursor().execute(query, values or []).fetchone()
        assert row is not None
        return int(row[0])


def _pairs(on: str) -> str:
    kept_a, kept_b = "coalesce(a.outcome = 'kept', FALSE)", "coalesce(b.outcome = 'kept', FALSE)"
    other = " OR ".join(
        f"round(a.{score}::DOUBLE, 4) IS DISTINCT FROM round(b.{score}::DOUBLE, 4)"
        for score in ("math_prob", "quality_prob", "recall_prob", "language_prob")
    )
    return f"""
    SELECT coalesce(a.id, b.id) AS id, a.id AS a_id, b.id AS b_id,
           coalesce(a.url, b.url) AS url, coalesce(b.title, a.title) AS title,
           a.stage AS a_stage, b.stage AS b_stage, a.outcome AS a_outcome, b.outcome AS b_outcome,
           a.reason AS a_reason, b.reason AS b_reason,
           a.n_formulas AS a_formulas, b.n_formulas AS b_formulas,
           a.text_length AS a_length, b.text_length AS b_length,
           CASE WHEN {kept_b} AND NOT {kept_a} THEN 'came in'
                WHEN {kept_a} AND NOT {kept_b} THEN 'went out'
                WHEN (a.stage, a.reason) IS DISTINCT FROM (b.stage, b.reason)
                     AND NOT ({kept_a} AND {kept_b}) THEN 'other reason'
                WHEN a.formulas IS DISTINCT FROM b.formulas THEN 'formulas'
                WHEN a.text IS DISTINCT FROM b.text THEN 'text'
                WHEN a.pictures IS DISTINCT FROM b.pictures THEN 'pictures'
                WHEN a.title IS DISTINCT FROM b.title THEN 'title'
                WHEN {other} THEN 'scores'
                ELSE 'same' END AS kind
    FROM a FULL JOIN b ON {on}
    """


def open_side(location: str) -> Side:
    """A run to compare. Raises `NoRunError`, `DamagedRunError`."""
    from infimm_spark.browse.server import open_run

    layout, config = open_run(location)
    try:
        return Side(Catalogue(layout), config, store.shown(location.rstrip("/")))
    except duckdb.Error as error:
        raise DamagedRunError(f"{location}: {str(error).splitlines()[0]}") from None
