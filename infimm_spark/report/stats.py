"""A run's figures as tables for a terminal: what `infimm stats` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_NAME = 34


def print_stats(figures: dict[str, Any]) -> str:
    """`figures.run_figures` as aligned tables, a blank line between them; empty ones left out."""
    run = figures["run"]
    lengths = figures["lengths"]
    traffic = figures["traffic"]
    state = [f"run {run['id']}, {run['output']}", *(f"unfinished: {x}" for x in run["unfinished"])]
    sections = [
        "\n".join(state),
        _table(
            "stage",
            ("read", "pages", "kept", "dropped", "failed"),
            [
                (
                    line["stage"],
                    line["read"],
                    line["pages"],
                    line["kept"],
                    sum(line["dropped"].values()),
                    sum(line["failed"].values()),
                )
                for line in figures["funnel"]
            ],
        ),
        _sources("snapshot", figures["snapshots"]),
        _sources("language", figures["languages"]),
        _sources(f"host (largest of {figures['hosts']['count']:,})", figures["hosts"]["largest"]),
        _table(
            "formulas of extracted documents",
            ("found", "valid", "invalid", "failed"),
            [
                (row["encoding"], row["found"], row["valid"], row["invalid"], row["failed"])
                for row in figures["formulas"]["extracted"]
            ],
        ),
        _table(
            "formulas not valid, by reason",
            ("formulas", "documents"),
            [
                (
                    f"{row['outcome']}: {row['reason']} ({row['encoding']})",
                    row["formulas"],
                    row["documents"],
                )
                for row in figures["formulas"]["faults"]
            ],
        ),
        _table(
            "the corpus, a document",
            ("sum", "median", "largest"),
            [
                (name, row["total"], round(row["median"] or 0), row["largest"] or 0)
                for name, row in lengths.items()
            ],
        ),
        _table(
            "scores",
            ("values", "kept", "dropped"),
            [(_scored(score), *_sums(score)) for score in figures["scores"]],
        ),
        _table(
            "duplicates",
            ("removed",),
            [(row["name"], row["documents"]) for row in figures["dedup"]["by_reason"]],
        ),
        _evaluation_sets(figures["decontamination"]),
        _table(
            "opt-out signals",
            ("extracted", "corpus"),
            [
                (row["name"], row["extracted"], row["corpus"])
                for row in figures["consent"]["values"]
            ],
        ),
        _table(
            "stage",
            ("seconds", "records", "a second", "files", "bytes"),
            [
                (
                    row["name"],
                    round(row["seconds"]),
                    row["records"],
                    round(row["records_per_second"] or 0),
                    row["files"],
                    row["bytes"],
                )
                for row in figures["stages"]
            ],
        ),
        f"reading: {traffic['warc_files']:,} WARC files, {traffic['requests']:,} requests, "
        f"{traffic['retries']:,} retries, {traffic['bytes']:,} bytes",
    ]
    return "\n\n".join(section for section in sections if section)


def _sources(title: str, rows: list[dict[str, Any]]) -> str:
    columns = ("extracted", "unique", "corpus", "formulas", "images")
    return _table(
        title, columns, [(row["name"] or "–", *(row[c] for c in columns)) for row in rows]
    )


def _evaluation_sets(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    return _table(
        "evaluation set",
        ("questions", "documents", "whole"),
        [(row["name"], row["questions"], row["documents"], row["whole"]) for row in found["sets"]],
    )


def _scored(score: dict[str, Any]) -> str:
    at = "" if score["threshold"] is None else f" ({score['key']} {score['threshold']:g})"
    return f"{score['name']}{at}"


def _sums(score: dict[str, Any]) -> tuple[int, int, int]:
    kept, dropped = (
        sum(sum(counts[name]) for counts in score["languages"].values())
        for name in ("kept", "dropped")
    )
    return kept + dropped, kept, dropped


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return ""
    wide = max([_NAME, *(len(str(row[0])) + 2 for row in rows)])
    lines = [f"{title:<{wide}}" + "".join(f"{column:>14}" for column in columns)]
    lines += [
        f"  {row[0]!s:<{wide - 2}}" + "".join(f"{value:>14,}" for value in row[1:]) for row in rows
    ]
    return "\n".join(lines)
