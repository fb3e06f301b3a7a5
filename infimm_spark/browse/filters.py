"""Which pages a reader wants to see: a query string, and the SQL it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from infimm_spark.errors import InputError

SCORES = ("math_prob", "quality_prob", "recall_prob", "language_prob")
"""Scores that can be filtered by a range and sorted by."""

COUNTS = ("n_formulas", "n_images", "text_length")
"""Whole numbers that can be filtered by a range and sorted by."""

_RANGES = {f"{name}_{side}": (name, side) for name in (*SCORES, *COUNTS) for side in ("min", "max")}
_EQUALS = ("stage", "outcome", "reason", "language", "snapshot")
_TEXTS = ("q", "url", "host", "carrier", "formulas")
FORMULA_OUTCOMES = ("invalid", "failed")
SORTS = ("id", "url", *SCORES, *COUNTS)
KEYS = (*_TEXTS, *_EQUALS, *_RANGES, "labelled", "queue", "sort", "down")
"""Every key of a query string that chooses pages."""

IN_LIST = "IN (SELECT unnest(?::VARCHAR[]))"
"""A condition on an id: one parameter, the list."""

_LONGEST = 500
_HOST = (
    "regexp_replace(lower(regexp_extract(url,"
    r" '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?\[?([^\]/:?#\[]+)', 1)), '^www\.', '')"
)
"""`urls.site_host` of the column `url`."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of ids that filters refer to: pages with a label, and the queue in its order."""

    labelled: Sequence[str] = ()
    queue: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """Chosen pages; an empty value chooses nothing away."""

    values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Filters:
        """From a query string; other keys are left alone. Raises `InputError` for what is no
        number or no column."""
        values = {key: query[key].strip() for key in KEYS if query.get(key, "").strip()}
        for key, value in values.items():
            if len(value) > _LONGEST:
                raise InputError(f"{key}: expected at most {_LONGEST} characters")
            if key in _RANGES:
                _number(key, value)
        if values.get("sort", "id") not in SORTS:
            raise InputError(f"sort={values['sort']}: expected one of {', '.join(SORTS)}")
        if values.get("formulas", "failed") not in FORMULA_OUTCOMES:
            raise InputError(f"formulas={values['formulas']}: expected invalid or failed")
        if values.get("labelled", "yes") not in ("yes", "no"):
            raise InputError(f"labelled={values['labelled']}: expected yes or no")
        return cls(tuple(values.items()))

    def get(self, key: str) -> str:
        """The value of a key; empty where there is none."""
        return dict(self.values).get(key, "")

    @property
    def words(self) -> list[str]:
        """The words that title or text must hold, all of them."""
        return self.get("q").split()

    @property
    def query(self) -> str:
        """The query string of these filters."""
        return urlencode(self.values)

    @property
    def active(self) -> int:
        """Number of filters, the order of the list aside."""
        return sum(key not in ("sort", "down") for key, _ in self.values)

    def where(self, lists: Lists) -> tuple[str, list[Any]]:
        """A condition on the columns of `catalogue.COLUMNS`, with its parameters; words apart."""
        conditions: list[str] = []
        parameters: list[Any] = []

        def add(condition: str, *values: Any) -> None:
            conditions.append(condition)
            parameters.extend(values)

        for key, value in self.values:
            if key in _EQUALS:
                add(f"{key} = ?", value)
            elif key in _RANGES:
                name, side = _RANGES[key]
                add(f"{name} {'>=' if side == 'min' else '<='} ?", _number(key, value))
            elif key == "url":
                add("contains(lower(url), ?)", value.lower())
            elif key == "host":
                host = value.lower().removeprefix("www.")
                # The cheap test first: hosts are taken out of the few URLs that hold the word.
                condition = (
                    f"contains(lower(url), ?) AND ({_HOST} = ? OR {_HOST} LIKE ? ESCAPE '!')"
                )
                add(condition, host, host, f"%.{_like(host)}")
            elif key == "carrier":
                add("list_contains(carriers, ?)", value)
            elif key == "formulas":
                add(f"n_{value} > 0")
            elif key == "labelled":
                add(f"id {'' if value == 'yes' else 'NOT '}{IN_LIST}", list(lists.labelled))
            elif key == "queue":
                add(f"id {IN_LIST}", list(lists.queue))
        return " AND ".join(f"({condition})" for condition in conditions) or "TRUE", parameters

    def order(self, lists: Lists) -> tuple[str, list[Any]]:
        """What to order by, with its parameters: a column, else the queue, else the id.

        Ids are hashes: their order mixes hosts and files.
        """
        column = self.get("sort") or "id"
        if column != "id":
            return f"{column} {'DESC' if self.get('down') else 'ASC'} NULLS LAST, id", []
        if self.get("queue"):
            return "list_position(?::VARCHAR[], id)", [list(lists.queue)]
        return "id", []


def _like(text: str) -> str:
    return "".join(f"!{char}" if char in "!%_" else char for char in text)


def _number(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not -1e15 < number < 1e15:
        raise InputError(f"{key}={value}: expected a number")
    return number
