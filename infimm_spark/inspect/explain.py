"""What became of a URL, or of a record by its place in a WARC file, in a run, stage by stage."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infimm_spark import schemas, store
from infimm_spark.config import BuildConfig
from infimm_spark.dedup.urls import url_key
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.stored import stored_run
from infimm_spark.stages.base import Stage
from infimm_spark.stages.registry import all_stages

_PLACE = re.compile(r"(?P<file>\S+\.w?arc(?:\.[a-z0-9]+)?)(?:@(?P<offset>\d+))?", re.I)
_HOST = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\d*\.)?([^/?#:]*)", re.I)
_SHOWN_FILES = 10


@dataclass(frozen=True, slots=True)
class _Record:
    id: str
    url: str | None
    snapshot: str


def explain(layout: RunLayout, what: str) -> list[str]:
    """One line a step for every record of a URL (it may be in several snapshots).

    A URL that the run does not hold as it is given is looked for by its key: http or https, `www.`,
    a trailing slash, the fragment, upper and lower case and percent-encoding make no difference
    then, and the first line says which URL matched. Records that came without a URL, damaged ones
    above all, are named by their place: `FILE.warc.gz@OFFSET`, or a whole WARC file by its name or
    the end of it.

    Empty when the run never kept or listed such a record: not in the input, or among dropped pages
    that a sampled `rejects` table left out.
    """
    records, matched = _records(layout, what)
    config = _config(layout)
    lines = [f"{what} is in this run as {url}" for url in matched]
    ids = pa.array(sorted({record.id for record in records}), pa.string())
    of_records = pc.field("id").isin(ids)
    lengths: dict[str, int] = {}
    for stage in all_stages():
        lines += _kept(layout, stage, of_records, records, lengths)
        if "rejects" in stage.tables:
            for row in tables.rows(layout, stage.name, "rejects", schemas.REJECTS, of_records):
                row["text_length"] = lengths.get(row["id"])
                lines.append(f"{_shown(row)} {_rejected(layout, stage, row, config)}")
    return lines


def failed_files(layout: RunLayout) -> list[str]:
    """The WARC files of a run that could not be read, a line each, the first few of them."""
    rows = [
        row
        for stage in all_stages()
        if stage.by_group
        for row in tables.rows(
            layout,
            stage.name,
            "rejects",
            schemas.REJECTS,
            (pc.field("outcome") == "failed") & pc.field("url").is_null(),
            ["warc_file", "reason", "detail"],
        )
    ]
    files: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: str(row["warc_file"])):
        files.setdefault(row["warc_file"], f"{row['warc_file']}: {row['reason']}")
    lines = list(files.values())[:_SHOWN_FILES]
    if len(files) > _SHOWN_FILES:
        lines.append(f"… and {len(files) - _SHOWN_FILES} more")
    return lines


def _records(layout: RunLayout, what: str) -> tuple[list[_Record], list[str]]:
    """The records of a URL or a place, and the URLs that matched where they are spelled
    otherwise."""
    place = _PLACE.fullmatch(what)
    if place is not None and "://" not in what:
        rows = pc.ends_with(pc.field("warc_file"), pattern=place["file"])
        if place["offset"] is not None:
            rows &= pc.field("warc_offset") == int(place["offset"])
        return _listed(layout, rows), []
    records = _listed(layout, pc.field("url") == what)
    if records:
        return records, []
    full = what if "://" in what else f"http://{what}"
    host = _HOST.match(full)
    if host is None or not host[1]:
        return [], []
    near = pc.match_substring(pc.field("url"), pattern=host[1].rstrip("."), ignore_case=True)
    wanted = _loose_key(full)
    found = [
        record
        for record in _listed(layout, near)
        if record.url is not None and _loose_key(record.url) == wanted
    ]
    return found, sorted({str(record.url) for record in found})


def _loose_key(url: str) -> str:
    """`dedup.urls.url_key` without the case of the path and the slash at its end."""
    path, mark, query = url_key(url).partition("?")
    return f"{path.lower().rstrip('/')}{mark}{query.lower()}"


def _listed(layout: RunLayout, where: pc.Expression) -> list[_Record]:
    """Records that stages which read WARC files kept, dropped or failed to read."""
    found: dict[str, _Record] = {}
    for stage in all_stages():
        if stage.by_group and stage.kept is not None:
            for name in (stage.kept.table, "rejects"):
                schema = stage.tables[name].schema
                columns = ["id", "url", "snapshot"]
                for row in tables.rows(layout, stage.name, name, schema, where, columns):
                    found[row["id"]] = _Record(row["id"], row["url"], row["snapshot"])
    return list(found.values())


def _kept(
    layout: RunLayout,
    stage: Stage,
    of_records: pc.Expression,
    records: Iterable[_Record],
    lengths: dict[str, int],
) -> list[str]:
    """Lines for the records that a stage kept; notes their text lengths, which its limits depend
    on."""
    kept = stage.kept
    if kept is None:
        return []
    schema = stage.tables[kept.table].schema
    columns = ["id", *kept.columns]
    columns += [name for name in (kept.unless, "text_length") if name and name in schema.names]
    snapshots = {record.id: record.snapshot for record in records}
    lines = []
    for row in tables.rows(layout, stage.name, kept.table, schema, of_records, columns):
        if row.get("text_length") is not None:
            lengths[row["id"]] = row["text_length"]
        if kept.unless is None or row[kept.unless] is None:
            scores = _scores({name: row[name] for name in kept.columns})
            shown = _shown({"id": row["id"], "snapshot": snapshots[row["id"]]})
            lines.append(f"{shown} {stage.name}: {kept.says}{'; ' if scores else ''}{scores}")
    return lines


def _shown(row: dict[str, Any]) -> str:
    return f"[{row['snapshot']} {row['id'][:12]}]"


def _scores(values: dict[str, Any]) -> str:
    shown = ((key, value) for key, value in values.items() if value is not None)
    return ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown)


def _rejected(layout: RunLayout, stage: Stage, row: dict[str, Any], config: BuildConfig) -> str:
    line = f"{row['stage']}: {row['outcome']} by {row['reason']}"
    limit = stage.limit(row, config) if row["outcome"] == "dropped" else None
    if limit is not None:
        line += f", {limit}"
    elif row["score"] is not None:
        line += f", score {row['score']:.4g}"
    if row["language"] and f"language {row['language']}" not in line:
        line += f", language {row['language']}"
    detail = row["detail"] or ""
    if detail.startswith("kept "):
        line += f"; kept instead: {_url_of(layout, detail.removeprefix('kept '), config)}"
    elif detail:
        line += f"; {detail}"
    return line


def _url_of(layout: RunLayout, document_id: str, config: BuildConfig) -> str:
    """Of a document of this run, or of one of the runs it was compared with."""
    earlier = (RunLayout(store.normal(location)) for location in config.dedup.against)
    for run in [layout, *earlier]:
        for record in _listed(run, pc.field("id") == document_id):
            return f"{record.url} ({record.snapshot}, {document_id})"
    return document_id


def _config(layout: RunLayout) -> BuildConfig:
    stored = stored_run(layout)
    assert stored is not None
    return BuildConfig.model_validate_json(json.dumps(stored["config"]))
