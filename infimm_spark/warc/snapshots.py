"""Which snapshots a user means: names, ranges of names, and years."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from infimm_spark.errors import InputError

_YEAR = re.compile(r"(?:CC-MAIN-)?(\d{4})")
_WEEK = re.compile(r"(?:CC-MAIN-)?(\d{4}-\d{2})")


def needs_names(selectors: Iterable[str]) -> bool:
    """Whether any selector can be resolved only by those who know which snapshots there are."""
    return any(".." in selector or _YEAR.fullmatch(selector) for selector in selectors)


def full_name(selector: str) -> str:
    """`2023-50` as `CC-MAIN-2023-50`; other names as they are."""
    week = _WEEK.fullmatch(selector)
    return f"CC-MAIN-{week[1]}" if week else selector


def select_snapshots(selectors: Iterable[str], present: Collection[str]) -> list[str]:
    """The snapshots of `present` that selectors mean, sorted; no selector means all.

    A selector is a name (`CC-MAIN-2023-50`, `2023-50`), a year (`2023`), or a range of either with
    both ends in it (`2022..2023-14`). Raises `InputError` for one that means no snapshot.
    """
    chosen: set[str] = set()
    empty: list[str] = []
    for selector in selectors:
        found = _meant(selector, present)
        chosen.update(found)
        if not found:
            empty.append(selector)
    if empty:
        has = ", ".join(sorted(present)) or "none"
        raise InputError(f"unknown snapshot {', '.join(empty)}; the input has {has}")
    return sorted(chosen or present)


def _meant(selector: str, present: Collection[str]) -> list[str]:
    first, between, last = selector.partition("..")
    if between:
        low, high = _bound(first, selector), _bound(last, selector)
        if low > high[: len(low)]:
            raise InputError(f"snapshots {selector}: the range ends before it begins")
        # A year as upper end holds all its weeks.
        return [
            name
            for name in present
            if (week := _WEEK.fullmatch(name)) and low <= week[1] and week[1][: len(high)] <= high
        ]
    year = _YEAR.fullmatch(selector)
    if year and selector not in present:
        return [name for name in present if name.startswith(f"CC-MAIN-{year[1]}-")]
    return [name for name in present if name == full_name(selector)]


def _bound(end: str, selector: str) -> str:
    match = _WEEK.fullmatch(end) or _YEAR.fullmatch(end)
    if not match:
        raise InputError(
            f"snapshots {selector}: {end!r} is neither a snapshot nor a year; expected, for "
            "example, 2022..2023-14"
        )
    return match[1]
