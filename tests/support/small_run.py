"""A run of a few documents written by hand, for tests of what looks at runs: no Spark, no WARC."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas
from infimm_spark.config import BuildConfig
from infimm_spark.run.files import DataFile
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest
from infimm_spark.stages.registry import STAGES

WARC = "crawl-data/CC-MAIN-2023-50/segments/1/warc/a.warc.gz"
SNAPSHOT = "CC-MAIN-2023-50"


def page_id(number: int) -> str:
    """The id of a page of such a run."""
    return hashlib.md5(f"page {number}".encode()).hexdigest()


def document(number: int, text: str = "Let $x^2 = 2$.", **columns: Any) -> dict[str, Any]:
    """A row of `schemas.DOCUMENTS`; `columns` replace what a page has by default."""
    return {
        "id": page_id(number),
        "url": f"https://site{number % 3}.example.org/page/{number}",
        "snapshot": SNAPSHOT,
        "warc_file": WARC,
        "warc_offset": 1000 * number,
        "warc_length": 900,
        "title": f"Page {number}",
        "language": "en",
        "language_prob": 0.9,
        "recall_prob": 0.8,
        "math_prob": 0.8,
        "segments": [{"text": text, "image": None}],
        "text_length": len(text),
        "formula_counts": [{"encoding": "dollar", "outcome": "valid", "count": 1}],
        "n_formulas": 1,
        "n_images": 0,
        "consent": [],
        "truncated": False,
        **columns,
    }


def reject(number: int, stage: str, reason: str, **columns: Any) -> dict[str, Any]:
    """A row of `schemas.REJECTS`."""
    return {
        **{key: document(number)[key] for key in schemas.POINTER},
        "stage": stage,
        "outcome": "dropped",
        "reason": reason,
        "language": "en",
        **columns,
    }


def write_run(
    root: Path,
    documents: Iterable[Mapping[str, Any]],
    *,
    unextracted: Iterable[Mapping[str, Any]] = (),
    below_recall: Iterable[int] = (),
    duplicates: Mapping[int, tuple[int, str, float | None]] | None = None,
    judged: Mapping[int, Mapping[str, Any]] | None = None,
    questions: Iterable[Mapping[str, Any]] = (),
    stages: Iterable[str] = ("extract", "dedup", "refine", "publish"),
    settings: Mapping[str, Any] | None = None,
    requests: int = 3,
) -> RunLayout:
    """Write a run whose ledger adds up; only `stages` are complete.

    `unextracted` are rejects of the extract stage; `below_recall` the numbers of documents below
    the recall threshold; `duplicates` number -> (number that stays, reason, Jaccard); `judged`
    number -> columns of the refine stage's rows, those with a `drop_stage` were dropped.
    `questions` are rows of `schemas.CONTAMINATION`, for runs with the stage "decontaminate": their
    documents are dropped.
    """
    rows = list(documents)
    rejected, low = list(unextracted), {page_id(n) for n in below_recall}
    copies = {page_id(n): (page_id(to), why, j) for n, (to, why, j) in (duplicates or {}).items()}
    verdicts = {page_id(n): columns for n, columns in (judged or {}).items()}
    layout = RunLayout(str(root))
    config = BuildConfig.model_validate({"output": str(root), **(settings or {})})
    root.mkdir(parents=True, exist_ok=True)
    content = {"run_id": "small", "code_version": "1", "created": "2026-01-01T00:00:00Z"}
    content["config"] = config.model_dump(mode="json")
    (root / "run.json").write_text(json.dumps(content))
    unique = [row for row in rows if row["id"] not in low and row["id"] not in copies]
    scored = [
        {
            **row,
            "size": row["text_length"],
            "punctuation_ratio": 0.1,
            "nsfw_num_words": 0,
            "has_unicode_error": False,
            "quality_prob": 0.9,
            **verdicts.get(row["id"], {}),
        }
        for row in unique
    ]
    after_rules = [row for row in scored if row.get("drop_stage") != "rules"]
    judged_clean = [row for row in after_rules if not row.get("drop_stage")]
    evidence = list(questions)
    asked = {row["id"] for row in evidence}
    clean = [row for row in judged_clean if row["id"] not in asked]

    dropped = {row["id"]: row for row in rows}
    tables: dict[str, dict[str, list[dict[str, Any]]]] = {
        "extract": {
            "documents": rows,
            "rejects": rejected,
            "traffic": [{"warc_file": WARC, "requests": requests, "retries": 0, "bytes": 1234}],
            "ledger": _ledger(
                "extract",
                len(rows) + len(rejected) + 2,
                len(rows),
                [(r["outcome"], r["reason"]) for r in rejected]
                + [("dropped", "record_type:request"), ("dropped", "record_type:warcinfo")],
            ),
        },
        "dedup": {
            "duplicates": [
                {
                    "id": a,
                    "kept_id": b,
                    "matched_id": b,
                    "reason": why,
                    "jaccard": j,
                    "round": "all",
                }
                for a, (b, why, j) in copies.items()
            ],
            "rejects": [
                {**_pointed(dropped[i]), "stage": "recall", "outcome": "dropped"}
                | {"reason": "math_prob", "score": dropped[i]["math_prob"]}
                for i in sorted(low)
            ]
            + [
                {**_pointed(dropped[i]), "stage": "dedup", "outcome": "dropped", "reason": why}
                | {"score": j, "detail": f"kept {b}"}
                for i, (b, why, j) in copies.items()
            ],
            "ledger": _ledger(
                "recall", len(rows), len(rows) - len(low), [("dropped", "math_prob")] * len(low)
            )
            + _ledger(
                "dedup",
                len(rows) - len(low),
                len(unique),
                [("dropped", why) for _, why, _ in copies.values()],
            ),
        },
        "refine": {
            "scored": scored,
            "rejects": [
                {**_pointed(row), "stage": row["drop_stage"], "outcome": "dropped"}
                | {"reason": row["drop_reason"], "score": row.get("drop_score")}
                for row in scored
                if row.get("drop_stage")
            ],
            "ledger": _ledger("rules", len(scored), len(after_rules), _reasons(scored, "rules"))
            + _ledger(
                "precision", len(after_rules), len(judged_clean), _reasons(scored, "precision")
            ),
        },
        "decontaminate": {
            "contamination": [{"warc_file": WARC, **row} for row in evidence],
            "rejects": [
                {**_pointed(dropped[row["id"]]), "stage": "decontaminate", "outcome": "dropped"}
                | {"reason": row["set"], "score": row["share"]}
                for row in evidence
            ],
            "ledger": _ledger(
                "decontaminate",
                len(judged_clean),
                len(clean),
                [("dropped", row["set"]) for row in evidence],
            ),
        },
        "publish": {
            "corpus": [
                {
                    "URL": row["url"],
                    "text_list": [segment["text"] for segment in row["segments"]],
                    "image_list": [None] * len(row["segments"]),
                    "metadata": json.dumps({"text_gpt3_token_len": 7}, separators=(",", ":")),
                    "id": row["id"],
                    "title": row["title"],
                    "snapshot": row["snapshot"],
                }
                for row in clean
            ],
            "ledger": _ledger("publish", len(clean), len(clean), []),
        },
    }
    for stage in stages:
        _write_stage(layout, stage, tables[stage])
    return layout


def _pointed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in (*schemas.POINTER, "language")}


def _reasons(scored: list[dict[str, Any]], stage: str) -> list[tuple[str, str]]:
    return [("dropped", r["drop_reason"]) for r in scored if r.get("drop_stage") == stage]


def _ledger(
    stage: str, read: int, kept: int, others: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str | None]] = Counter(others)
    counts["read", None] += read
    counts["kept", None] += kept
    return [
        {"warc_file": WARC, "stage": stage, "outcome": outcome, "reason": reason, "count": n}
        for (outcome, reason), n in counts.items()
    ]


def _write_stage(layout: RunLayout, stage: str, tables: Mapping[str, list[dict[str, Any]]]) -> None:
    declared = STAGES[stage]
    files = []
    for name, rows in tables.items():
        if declared.by_group:
            folder = f"{layout.attempt(0, 'one')}/table={name}"
        elif declared.tables[name].released:
            folder = layout.released(name)
        else:
            folder = f"{layout.table(stage, name)}/attempt-one"
        schema: pa.Schema = declared.tables[name].schema
        table = pa.Table.from_pylist(rows, schema=schema)
        path = Path(folder) / "part-0.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        data = path.read_bytes()
        files.append(
            DataFile(
                path=str(path.relative_to(layout.root)),
                rows=table.num_rows,
                bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
        )
    manifest = Manifest(
        stage=stage,
        run_id="small",
        identity={"models": {"recall": "abc"}},
        counts={},
        files=[] if declared.by_group else files,
        started="2026-01-01T00:00:00Z",
        finished="2026-01-01T00:00:10Z",
    )
    _write_manifest(layout.manifest(stage), manifest)
    if declared.by_group:
        _write_manifest(layout.group_manifest(0), manifest.model_copy(update={"files": files}))


def _write_manifest(location: str, manifest: Manifest) -> None:
    path = Path(location)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(manifest.model_dump_json())
