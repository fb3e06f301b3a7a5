"""What became of a URL in a run, stage by stage."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.compute as pc

from infimm_spark import schemas
from infimm_spark.crawl import store
from infimm_spark.runs import tables
from infimm_spark.runs.layout import RunLayout

_SCORES = ["id", "snapshot", "language", "language_prob", "recall_prob", "math_prob", "n_formulas"]


def explain(layout: RunLayout, url: str) -> list[str]:
    """One line a step for every record of `url` (a URL may be in several snapshots).

    Empty when the run never kept or listed a record of it: not in the input, or among dropped pages
    that a sampled `rejects` table left out.
    """
    this_url = pc.field("url") == url
    lines: list[str] = []
    for stage in ("extract", "dedup", "refine"):
        if stage == "extract":
            for row in tables.rows(
                layout, stage, "documents", schemas.DOCUMENTS, this_url, _SCORES
            ):
                lines.append(f"{_record(row)} extract: kept; {_scores(row)}")
        for row in tables.rows(layout, stage, "rejects", schemas.REJECTS, this_url):
            lines.append(f"{_record(row)} {_rejected(layout, row)}")
    scored = tables.rows(
        layout,
        "refine",
        "scored",
        schemas.CLEAN,
        this_url,
        ["id", "snapshot", "quality_prob", "punctuation_ratio", "word_repetition_ratio"],
    )
    published = {
        row["id"]
        for row in tables.rows(
            layout, "publish", "corpus", schemas.CORPUS, pc.field("URL") == url, ["id"]
        )
    }
    for row in scored:
        if row["id"] in published:
            lines.append(f"{_record(row)} publish: in the corpus; {_scores(row)}")
    return lines


def _record(row: dict[str, Any]) -> str:
    return f"[{row['snapshot']} {row['id'][:12]}]"


def _scores(row: dict[str, Any]) -> str:
    shown = (
        (key, value)
        for key, value in row.items()
        if key not in ("id", "snapshot") and value is not None
    )
    return ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown)


def _rejected(layout: RunLayout, row: dict[str, Any]) -> str:
    line = f"{row['stage']}: {row['outcome']} by {row['reason']}"
    if row["score"] is not None:
        line += f", score {row['score']:.4g}"
    if row["language"]:
        line += f", language {row['language']}"
    if row["stage"] == "dedup" and row["detail"]:
        kept = row["detail"].removeprefix("kept ")
        line += f"; kept instead: {_url_of(layout, kept)}"
    elif row["detail"]:
        line += f"; {row['detail']}"
    return line


def _url_of(layout: RunLayout, document_id: str) -> str:
    """Of a document of this run, or of one of the runs it was compared with."""
    stored = json.loads(store.read_bytes(layout.run_file))
    against = stored["config"]["dedup"].get("against", [])
    for run in [layout, *(RunLayout(store.normal(location)) for location in against)]:
        found = tables.rows(
            run,
            "extract",
            "documents",
            schemas.DOCUMENTS,
            pc.field("id") == document_id,
            ["url", "snapshot"],
        )
        if found:
            return f"{found[0]['url']} ({found[0]['snapshot']}, {document_id})"
    return document_id
