"""A small run written without Spark, and the WARC file it came from: pages of the test's own."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from warc_records import record

from infimm_spark import schemas
from infimm_spark.config import BuildConfig
from infimm_spark.errors import PageRejectedError
from infimm_spark.extract import extract_page
from infimm_spark.run.files import DataFile
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, timestamp, write_manifest
from infimm_spark.stages.refine import REFINED

TOKEN = "the-token"
"""Of the servers of the tests."""

SNAPSHOT = "CC-MAIN-2023-40"


@dataclass
class CrawledPage:
    """A page of the crawl and what becomes of it.

    `fate` is ``kept``, ``near`` (a copy of the page at `copy_of`), ``precision`` (below that
    threshold) or ``recall_floor`` (never became a document).
    """

    url: str
    html: str
    fate: str = "kept"
    copy_of: str | None = None
    math_prob: float = 0.9
    quality_prob: float = 0.8
    language: str = "en"
    more: dict[str, Any] = field(default_factory=dict)


def mathematics(title: str, *formulas: str, extra: str = "") -> str:
    """A page of text with formulas between dollars, MathJax declared."""
    written = " ".join(
        f"<p>It follows that ${tex}$ holds for every natural number.</p>" for tex in formulas
    )
    return (
        f"<html><head><title>{title}</title><script src='https://cdn.example.org/MathJax.js'></script>"
        f"</head><body><article><h1>{title}</h1><p>We consider an induction over all numbers and prove"
        f" the claim in small steps.</p>{written}{extra}</article></body></html>"
    )


PAGES = [
    CrawledPage(
        "https://notes.example.org/sums",
        mathematics("Sums of numbers", r"\sum_{k=1}^n k = \frac{n(n+1)}{2}", "n^2",
                    extra="<figure><img src='https://img.example.org/a.png' alt='a triangle of dots'></figure>"),
    ),
    CrawledPage(
        "https://copy.example.com/sums",
        mathematics("Sums of numbers, again", r"\sum_{k=1}^n k = \frac{n(n+1)}{2}", "n^3"),
        fate="near", copy_of="https://notes.example.org/sums",
    ),
    CrawledPage("https://www.algebra.example.org/groups", mathematics("Groups", "ab = ba", r"g^{-1}"),
                quality_prob=0.7),
    CrawledPage("https://shop.example.net/offer", mathematics("An offer", "x"), fate="precision",
                math_prob=0.3, quality_prob=0.1),
    CrawledPage("https://news.example.net/today", "<html><p>Nothing to count today.</p></html>",
                fate="recall_floor"),
]  # fmt: skip
"""A crawl of five pages: two kept, a copy, one below the precision threshold, one no document."""


def write_run(folder: Path, pages: list[CrawledPage] = PAGES, finished: int = 4) -> RunLayout:
    """A run over a crawl of `pages` in `folder`/crawl, its first `finished` stages complete."""
    crawl = folder / "crawl"
    crawl.mkdir(parents=True, exist_ok=True)
    layout = RunLayout(str(folder / "run"))
    config = BuildConfig.model_validate(
        {
            "input": {"paths": [str(crawl / "a.warc.gz")], "default_snapshot": SNAPSHOT},
            "output": layout.root,
        }
    )
    data = b""
    rows = []
    for page in pages:
        packed = gzip.compress(record(page.html.encode(), url=page.url), mtime=0)
        rows.append(_row(page, len(data), len(packed)))
        data += packed
    (crawl / "a.warc.gz").write_bytes(data)
    by_url = {row["url"]: row["id"] for row in rows}
    documents = [r for r, p in zip(rows, pages, strict=True) if p.fate != "recall_floor"]
    unique = [r for r, p in zip(rows, pages, strict=True) if p.fate in ("kept", "precision")]
    kept = [r for r, p in zip(rows, pages, strict=True) if p.fate == "kept"]
    rejects = {"extract": [], "dedup": [], "refine": []}
    duplicates = []
    for row, page in zip(rows, pages, strict=True):
        common = {
            "outcome": "dropped",
            "language": page.language,
            **{k: row[k] for k in schemas.POINTER},
        }
        if page.fate == "recall_floor":
            rejects["extract"].append(
                {**common, "stage": "extract", "reason": "recall_floor", "score": 0.01}
            )
        elif page.fate == "near":
            other = by_url[str(page.copy_of)]
            duplicates.append({"id": row["id"], "kept_id": other, "matched_id": other, "reason": "near",
                               "jaccard": 0.91, "round": SNAPSHOT})  # fmt: skip
            rejects["dedup"].append({**common, "stage": "dedup", "reason": "near", "score": 0.91,
                                     "detail": f"kept {other}"})  # fmt: skip
        elif page.fate == "precision":
            rejects["refine"].append({**common, "stage": "precision", "reason": "quality_prob",
                                      "score": page.quality_prob})  # fmt: skip
    group = Path(layout.attempt(0, "a"))
    files = [
        _write(layout, group / "table=documents" / "part.parquet", documents, schemas.DOCUMENTS),
        _write(
            layout, group / "table=rejects" / "part.parquet", rejects["extract"], schemas.REJECTS
        ),
    ]
    write_manifest(layout.group_manifest(0), _manifest("extract", files))
    corpus = [_released(row) for row in kept]
    tables = {
        "dedup": [("duplicates", duplicates, schemas.DUPLICATES), ("rejects", rejects["dedup"], schemas.REJECTS)],
        "refine": [("scored", unique, REFINED), ("rejects", rejects["refine"], schemas.REJECTS)],
        "publish": [],
    }  # fmt: skip
    for stage in ("extract", "dedup", "refine", "publish")[:finished]:
        for name, content, schema in tables.get(stage, []):
            _write(layout, Path(layout.table(stage, name)) / "part.parquet", content, schema)
        if stage == "publish":
            _write(layout, Path(layout.corpus) / f"snapshot={SNAPSHOT}" / "part.parquet", corpus,
                   schemas.CORPUS.remove(schemas.CORPUS.get_field_index("snapshot")))  # fmt: skip
        write_manifest(layout.manifest(stage), _manifest(stage, []))
    Path(layout.run_file).write_text(
        json.dumps({"run_id": "r", "config": config.model_dump(mode="json")})
    )
    return layout


def _row(page: CrawledPage, offset: int, length: int) -> dict[str, Any]:
    try:
        document = extract_page(page.html.encode(), url=page.url, content_type="text/html")
    except PageRejectedError:
        document = extract_page(b"<p></p>", url=page.url)
    counts = Counter((f.encoding, f.outcome) for f in document.formulas)
    dropped = page.fate == "precision"
    return {
        "id": hashlib.sha256(f"a.warc.gz {offset}".encode()).hexdigest()[:32],
        "url": page.url,
        "snapshot": SNAPSHOT,
        "warc_file": "a.warc.gz",
        "warc_offset": offset,
        "warc_length": length,
        "title": document.title,
        "language": page.language,
        "language_prob": 0.99,
        "recall_prob": 0.8,
        "math_prob": page.math_prob,
        "segments": [dataclasses.asdict(segment) for segment in document.segments],
        "text_length": document.text_length,
        "formula_counts": [
            {"encoding": e, "outcome": o, "count": n} for (e, o), n in sorted(counts.items())
        ],
        "n_formulas": sum(f.outcome != "failed" for f in document.formulas),
        "n_images": len(document.images),
        "consent": document.consent,
        "truncated": False,
        "size": document.text_length,
        "punctuation_ratio": 0.02,
        "nsfw_num_words": 0,
        "has_unicode_error": False,
        "quality_prob": page.quality_prob,
        "drop_stage": "precision" if dropped else None,
        "drop_reason": "quality_prob" if dropped else None,
        "drop_score": page.quality_prob if dropped else None,
        **page.more,
    }


def _released(row: dict[str, Any]) -> dict[str, Any]:
    segments = row["segments"]
    return {
        **{name: row[name] for name in ("id", "title", "warc_file", "warc_offset", "warc_length")},
        "URL": row["url"],
        "text_list": [s["text"] for s in segments],
        "image_list": [s["image"] and s["image"]["url"] for s in segments],
        "metadata": "[]",
        "images": [s["image"] for s in segments if s["image"]],
    }


def _write(
    layout: RunLayout, path: Path, rows: list[dict[str, Any]], schema: pa.Schema
) -> DataFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    known = [{name: row.get(name) for name in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(known, schema=schema), path)
    name = str(path.relative_to(layout.root))
    return DataFile(path=name, rows=len(rows), bytes=path.stat().st_size, sha256="")


def _manifest(stage: str, files: list[DataFile]) -> Manifest:
    return Manifest(stage=stage, run_id="r", identity={}, counts={}, files=files,
                    started=timestamp(), finished=timestamp())  # fmt: skip
