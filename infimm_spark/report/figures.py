"""The figures of a run, as plain JSON values: what `infimm stats` prints and the report draws.

Each is one aggregate over columns that hold numbers; no text is read. A run that is not finished
has the figures of the stages that are complete.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from infimm_spark import store
from infimm_spark.classify.thresholds import Threshold, thresholds
from infimm_spark.config import BuildConfig, config_hash
from infimm_spark.errors import InfimmError
from infimm_spark.report.formulas import FormulaTally, tallies
from infimm_spark.report.query import RunQueries
from infimm_spark.report.scores import score_figures
from infimm_spark.rules.evaluation_sets import set_name
from infimm_spark.run import tables
from infimm_spark.run.files import DataFile
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import FunnelStage, reconcile
from infimm_spark.run.manifest import Manifest, read_manifest
from infimm_spark.run.stored import stored_config, stored_run
from infimm_spark.stages.record_counts import NOT_A_PAGE
from infimm_spark.stages.registry import all_stages, stages_of

TOP = 20
"""Hosts, licences and the like that are listed."""
_CLUSTERS = 10
_MATCHES = 10
_SNAPSHOT = r"CC-MAIN-\d{4}-\d{2}"


def run_figures(layout: RunLayout, queries: RunQueries) -> dict[str, Any]:
    """All figures of a run. Raises `DamagedRunError` where a table cannot be read and
    `ReconciliationError` where its ledger does not add up."""
    stored = stored_run(layout)
    assert stored is not None
    config = stored_config(layout, stored)
    funnel = reconcile(tables.ledger(layout))
    others = {line for stage in all_stages() if not stage.counts_pages for line in stage.ledger}
    return {
        "run": _run(layout, stored, config),
        "funnel": [
            {
                **dataclasses.asdict(line),
                "pages": line.pages,
                "counts_pages": line.stage not in others,
            }
            for line in funnel
        ],
        "thresholds": [dataclasses.asdict(t) for t in used_thresholds(config)],
        "snapshots": _by_snapshot(queries, config),
        "languages": _by(queries, "language"),
        "hosts": _hosts(queries),
        "scores": score_figures(queries, config, used_thresholds(config)),
        "formulas": _formulas(queries),
        "lengths": _lengths(queries),
        "dedup": _dedup(queries),
        "decontamination": _decontamination(layout, queries, config),
        "consent": _listed(queries, "consent"),
        "licenses": _licenses(queries),
        "traffic": _traffic(queries),
        "stages": _stages(layout, config, funnel),
        "checks": _checks(layout, config),
    }


def used_thresholds(config: BuildConfig) -> list[Threshold]:
    """The thresholds of both classifiers; those that cannot be told, as the card has moved, are
    left out."""
    try:
        return list(thresholds(config))
    except InfimmError:
        given = (
            ("dedup.recall_threshold", config.dedup.recall_threshold),
            ("rules.precision_threshold", config.rules.precision_threshold),
        )
        return [Threshold(key, value, "configuration") for key, value in given if value is not None]


def unfinished(layout: RunLayout, config: BuildConfig) -> list[str]:
    """What a run lacks to be finished, a line each; empty for a finished run."""
    lines = []
    for stage in stages_of(config):
        if read_manifest(layout.manifest(stage.name)) is not None:
            continue
        groups = len(store.list_files(layout.group_manifests)) if stage.by_group else 0
        so_far = f" ({groups:,} groups of WARC files are committed)" if groups else ""
        lines.append(f"stage {stage.name} is not complete{so_far}")
    return lines


def _run(layout: RunLayout, stored: dict[str, Any], config: BuildConfig) -> dict[str, Any]:
    return {
        "id": stored["run_id"],
        "output": store.shown(layout.root),
        "created": stored.get("created"),
        "code_version": stored.get("code_version"),
        "build": stored.get("build"),
        "unfinished": unfinished(layout, config),
        "rejects_fraction": config.rejects.fraction,
        "config": json.loads(config.model_dump_json()),
    }


# -- where the documents come from ---------------------------------------------------------------


def _by_snapshot(queries: RunQueries, config: BuildConfig) -> list[dict[str, Any]]:
    """Records and pages by the ledger, documents by the tables."""
    found = {row["name"]: row for row in _by(queries, "snapshot")}
    read = queries.rows(
        "SELECT coalesce(nullif(regexp_extract(warc_file, ?), ''), ?) AS name,"
        " count(DISTINCT warc_file) AS warc_files,"
        " sum(CASE WHEN outcome = 'read' THEN count ELSE 0 END)::BIGINT AS records,"
        " sum(CASE WHEN outcome = 'read' THEN count"
        "     WHEN outcome = 'dropped' AND starts_with(reason, ?) THEN -count"
        "     ELSE 0 END)::BIGINT AS pages"
        " FROM ledger WHERE stage = 'extract' GROUP BY 1 ORDER BY 1",
        [_SNAPSHOT, config.input.default_snapshot, NOT_A_PAGE],
    )
    return [{**row, **{k: found.get(row["name"], {}).get(k, 0) for k in _SUMS}} for row in read]


_SUMS = ("extracted", "unique", "corpus", "formulas", "images")


def _by(queries: RunQueries, column: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Documents by an expression over the columns that `documents` and `scored` share."""
    extracted = queries.rows(
        f"SELECT {column} AS name, count(*) AS extracted FROM documents GROUP BY 1"
        f" ORDER BY 2 DESC, 1 {'LIMIT ?' if limit else ''}",
        [limit] if limit else [],
    )
    judged = queries.rows(
        f'SELECT {column} AS name, count(*) AS "unique",'
        " count(*) FILTER (drop_stage IS NULL) AS corpus,"
        " coalesce(sum(n_formulas) FILTER (drop_stage IS NULL), 0)::BIGINT AS formulas,"
        " coalesce(sum(n_images) FILTER (drop_stage IS NULL), 0)::BIGINT AS images"
        " FROM scored GROUP BY 1"
    )
    later = {row["name"]: row for row in judged}
    return [
        {**row, **{k: later.get(row["name"], {}).get(k, 0) for k in _SUMS[1:]}} for row in extracted
    ]


def _hosts(queries: RunQueries) -> dict[str, Any]:
    count = queries.row("SELECT count(DISTINCT site_host(url)) AS n FROM documents")["n"]
    return {"count": count, "largest": _by(queries, "site_host(url)", TOP)}


def _listed(queries: RunQueries, column: str) -> dict[str, Any]:
    """Values of a list column: documents with each, and with any."""
    found = queries.rows(
        f"SELECT signal AS name, count(*) AS extracted FROM"
        f" (SELECT unnest({column}) AS signal FROM documents) GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    kept = queries.rows(
        f"SELECT signal AS name, count(*) AS corpus FROM (SELECT unnest({column}) AS signal"
        " FROM scored WHERE drop_stage IS NULL) GROUP BY 1"
    )
    of_corpus = {row["name"]: row["corpus"] for row in kept}
    some = queries.row(f"SELECT count(*) FILTER (len({column}) > 0) AS n FROM documents")["n"]
    return {
        "documents": some,
        "values": [{**row, "corpus": of_corpus.get(row["name"], 0)} for row in found[:TOP]],
    }


def _licenses(queries: RunQueries) -> list[dict[str, Any]]:
    return queries.rows(
        "SELECT license AS name, count(*) AS documents FROM documents WHERE license IS NOT NULL"
        " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
        [TOP],
    )


# -- what the documents hold ---------------------------------------------------------------------


def formula_tallies(queries: RunQueries, source: str = "documents") -> list[FormulaTally]:
    """Formulas of the documents of a view by encoding."""
    rows = queries.rows(
        "SELECT c.encoding AS encoding, c.outcome AS outcome, sum(c.count)::BIGINT AS n FROM"
        f" (SELECT unnest(formula_counts) AS c FROM {source}) GROUP BY 1, 2"
    )
    return tallies((row["encoding"], row["outcome"], row["n"]) for row in rows)


def _formulas(queries: RunQueries) -> dict[str, Any]:
    """Formulas by encoding and outcome, of extracted documents and of the corpus."""

    def counted(source: str) -> list[dict[str, Any]]:
        found = formula_tallies(queries, source)
        return [{**dataclasses.asdict(tally), "found": tally.found} for tally in found]

    return {
        "extracted": counted("documents"),
        "corpus": counted("scored WHERE drop_stage IS NULL"),
        "faults": queries.rows(
            "SELECT f.outcome AS outcome, f.reason AS reason, f.encoding AS encoding,"
            " sum(f.count)::BIGINT AS formulas, count(*) AS documents"
            " FROM (SELECT unnest(formula_faults) AS f FROM documents) GROUP BY ALL"
            " ORDER BY formulas DESC, outcome, reason, encoding LIMIT ?",
            [TOP],
        ),
    }


def _lengths(queries: RunQueries) -> dict[str, Any]:
    """Distributions of the corpus, in classes that double: `low` is the least value of a class."""
    kept = "scored WHERE drop_stage IS NULL"
    tokens = "regexp_extract(metadata, '\"text_gpt3_token_len\":(\\d+)', 1)::BIGINT"
    return {
        "characters": _distribution(queries, "text_length", kept),
        "formulas": _distribution(queries, "n_formulas", kept),
        "images": _distribution(queries, "n_images", kept),
        "tokens": _distribution(queries, tokens, "corpus"),
    }


def _distribution(queries: RunQueries, value: str, source: str) -> dict[str, Any]:
    rows = queries.rows(
        "SELECT CASE WHEN v < 1 THEN 0 ELSE (1 << floor(log2(v))::INTEGER) END::BIGINT AS low,"
        f" count(*) AS documents FROM (SELECT {value} AS v FROM {source}) WHERE v IS NOT NULL"
        " GROUP BY 1 ORDER BY 1"
    )
    whole = queries.row(
        "SELECT count(v) AS documents, coalesce(sum(v), 0)::BIGINT AS total,"
        f" median(v)::DOUBLE AS median, max(v) AS largest FROM (SELECT {value} AS v FROM {source})"
    )
    return {**whole, "classes": rows}


# -- dedup, traffic, stages ----------------------------------------------------------------------


def _dedup(queries: RunQueries) -> dict[str, Any]:
    by_reason = queries.rows(
        "SELECT reason AS name, count(*) AS documents, avg(jaccard)::DOUBLE AS mean_jaccard,"
        " min(jaccard)::DOUBLE AS least_jaccard FROM duplicates GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    by_round = queries.rows(
        "SELECT round AS name, count(*) AS documents FROM duplicates GROUP BY 1 ORDER BY 2 DESC, 1"
        " LIMIT ?",
        [TOP],
    )
    clusters = queries.rows(
        "SELECT kept_id, n AS removed, reasons, least_jaccard, url, title FROM"
        " (SELECT kept_id, count(*) AS n, string_agg(DISTINCT reason, ', ' ORDER BY reason) AS"
        " reasons, min(jaccard)::DOUBLE AS least_jaccard FROM duplicates GROUP BY 1"
        " ORDER BY 2 DESC, 1 LIMIT ?) LEFT JOIN documents ON documents.id = kept_id"
        " ORDER BY n DESC, kept_id",
        [_CLUSTERS],
    )
    sizes = queries.rows(
        "SELECT n + 1 AS size, count(*) AS clusters FROM (SELECT kept_id, count(*) AS n FROM"
        " duplicates GROUP BY 1) GROUP BY 1 ORDER BY 1 LIMIT 40"
    )
    return {
        "removed": sum(row["documents"] for row in by_reason),
        "by_reason": by_reason,
        "by_round": by_round,
        "largest_clusters": clusters,
        "cluster_sizes": sizes,
    }


def _decontamination(
    layout: RunLayout, queries: RunQueries, config: BuildConfig
) -> dict[str, Any] | None:
    """What was found of each evaluation set, with its best matches; None where the stage is not
    complete or not asked for."""
    if read_manifest(layout.manifest("decontaminate")) is None:
        return None
    found = {
        row["name"]: row
        for row in queries.rows(
            'SELECT "set" AS name, count(DISTINCT question_number) AS questions,'
            " count(DISTINCT id) AS documents, avg(share)::DOUBLE AS mean_share,"
            " count(*) FILTER (share >= 1) AS whole FROM contamination GROUP BY 1"
        )
    }
    none = {"questions": 0, "documents": 0, "mean_share": None, "whole": 0}
    sets = sorted({*found, *map(set_name, config.decontaminate.sets)})
    whole = queries.row("SELECT count(DISTINCT id) AS documents FROM contamination")
    return {
        "action": config.decontaminate.action,
        "threshold": config.decontaminate.threshold,
        "documents": whole["documents"],
        "sets": [found.get(name, {"name": name, **none}) for name in sets],
        "examples": queries.rows(
            'SELECT c."set" AS name, c.question_number, c.question[:300] AS question,'
            " c.span[:300] AS span, c.share, documents.url FROM contamination AS c"
            " LEFT JOIN documents USING (id)"
            " ORDER BY c.share DESC, c.longest DESC, c.id, name, c.question_number LIMIT ?",
            [_MATCHES],
        ),
    }


def _traffic(queries: RunQueries) -> dict[str, Any]:
    return queries.row(
        "SELECT count(*) AS warc_files, coalesce(sum(requests), 0)::BIGINT AS requests,"
        " coalesce(sum(retries), 0)::BIGINT AS retries, coalesce(sum(bytes), 0)::BIGINT AS bytes"
        " FROM traffic"
    )


def _stages(
    layout: RunLayout, config: BuildConfig, funnel: list[FunnelStage]
) -> list[dict[str, Any]]:
    """Time, records a second and files of each complete stage."""
    read = {line.stage: line.read for line in funnel}
    rows = []
    for stage in stages_of(config):
        manifest = read_manifest(layout.manifest(stage.name))
        if manifest is None:
            continue
        seconds = _seconds(manifest)
        records = max((read.get(line, 0) for line in stage.ledger), default=0)
        files = _files(layout, manifest, stage.by_group)
        rows.append(
            {
                "name": stage.name,
                "summary": stage.summary,
                "started": manifest.started,
                "finished": manifest.finished,
                "seconds": seconds,
                "records": records,
                "records_per_second": records / seconds if seconds else None,
                "files": len(files),
                "rows": sum(file.rows for file in files),
                "bytes": sum(file.bytes for file in files),
            }
        )
    return rows


def _files(layout: RunLayout, manifest: Manifest, by_group: bool) -> list[DataFile]:
    if not by_group:
        return manifest.files
    groups = (read_manifest(place) for place in store.list_files(layout.group_manifests))
    return [file for group in groups if group is not None for file in group.files]


def _seconds(manifest: Manifest) -> float:
    form = "%Y-%m-%dT%H:%M:%SZ"
    begun, done = (dt.datetime.strptime(t, form) for t in (manifest.started, manifest.finished))
    return (done - begun).total_seconds()


def _checks(layout: RunLayout, config: BuildConfig) -> list[dict[str, Any]]:
    """By stage: the code, the models' checksums, and the checksum of what it stands for."""
    rows = []
    for stage in stages_of(config):
        manifest = read_manifest(layout.manifest(stage.name))
        if manifest is not None:
            rows.append(
                {
                    "stage": stage.name,
                    "code_version": manifest.code_version,
                    "build": manifest.build,
                    "identity_sha256": config_hash(manifest.identity),
                    "models": manifest.identity.get("models", {}),
                    "inputs": manifest.identity.get("inputs"),
                    "files": [
                        {"path": file.path, "rows": file.rows, "sha256": file.sha256}
                        for file in manifest.files
                    ],
                }
            )
    return rows
