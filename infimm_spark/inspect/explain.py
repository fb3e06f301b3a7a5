"""What became of a URL, or of a record by its place in a WARC file, in a run, stage by stage."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infimm_spark import schemas, store
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout

_SCORES = ["id", "snapshot", "language", "language_prob", "recall_prob", "math_prob", "n_formulas"]


_PLACE = re.compile(r"(?P<file>\S+\.warc(?:\.[a-z0-9]+)?)(?:@(?P<offset>\d+))?", re.I)


def explain(layout: RunLayout, what: str) -> list[str]:
    """One line a step for every record of a URL (it may be in several snapshots).

    Records that came without a URL, damaged ones above all, are named by their place: `FILE.warc.gz@OFFSET`,
    or a whole WARC file by its name or the end of it.

    Empty when the run never kept or listed such a record: not in the input, or among dropped pages
    that a sampled `rejects` table left out.
    """
    chosen = _chosen(what)
    lines: list[str] = []
    for stage in ("extract", "dedup", "refine"):
        if stage == "extract":
            for row in tables.rows(layout, stage, "documents", schemas.DOCUMENTS, chosen, _SCORES):
                lines.append(f"{_record(row)} extract: kept; {_scores(row)}")
        for row in tables.rows(layout, stage, "rejects", schemas.REJECTS, chosen):
            lines.append(f"{_record(row)} {_rejected(layout, row)}")
    scored = tables.rows(
        layout,
        "refine",
        "scored",
        schemas.CLEAN,
        chosen,
        ["id", "snapshot", "quality_prob", "punctuation_ratio", "word_repetition_ratio"],
    )
    published = {
        row["id"]
        for row in tables.rows(
            layout,
            "publish",
            "corpus",
            schemas.CORPUS,
            pc.field("id").isin(pa.array([row["id"] for row in scored], pa.string())),
            ["id"],
        )
    }
    for row in scored:
        if row["id"] in published:
            lines.append(f"{_record(row)} publish: in the corpus; {_scores(row)}")
    return lines


def _chosen(what: str) -> pc.Expression:
    """The rows that a URL or a place in a WARC file names."""
    place = _PLACE.fullmatch(what)
    if place is None:
        return pc.field("url") == what
    name = place["file"]
    rows = pc.ends_with(pc.field("warc_file"), pattern=name)
    if place["offset"] is not None:
        rows &= pc.field("warc_offset") == int(place["offset"])
    return rows


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
