"""How fast `infimm browse` opens a large run and answers: generated Parquet of the run's schemas.

    python benchmarks/browse.py --documents 1000000 --folder /tmp/browse-run

Writes a run of that many documents (and as many rejects), once, opens it, and prints the seconds of
the opening and of each kind of question, before and after the columns are in memory; a question is
what a request asks of the catalogue: the first screen of pages and their number. Targets: open under
2 s, filters under 1 s.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas
from infimm_spark.browse.catalogue import Catalogue
from infimm_spark.browse.filters import Filters, Lists
from infimm_spark.config import BuildConfig
from infimm_spark.run.files import DataFile
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, timestamp, write_manifest

_WORDS = np.array(
    [
        "let",
        "the",
        "function",
        "be",
        "continuous",
        "on",
        "an",
        "interval",
        "then",
        "there",
        "exists",
        "point",
        "such",
        "that",
        "derivative",
        "equals",
        "zero",
        "we",
        "prove",
        "this",
        "by",
        "induction",
        "sum",
        "of",
        "series",
        "converges",
        "when",
        "ratio",
        "is",
        "less",
        "than",
        "one",
        "matrix",
        "vector",
        "space",
        "basis",
        "linear",
        "map",
        "kernel",
        "image",
        "group",
        "ring",
        "field",
        "module",
        "prime",
        "integer",
    ]
)
_FORMULAS = ["$x^2+1$", "$\\frac{a}{b}$", "$$\\sum_{k=1}^n k$$", "$f(x)$", "$\\int_0^1 g$"]
_CARRIERS = ["dollar", "double-dollar", "paren", "katex-annotation", "mathml", "tex-script"]
_PER_FILE = 62_500


def write_run(folder: Path, documents: int) -> RunLayout:
    """A finished run of `documents` documents: documents, scored, duplicates, corpus, rejects."""
    layout = RunLayout(str(folder))
    config = BuildConfig.model_validate({"input": {"paths": ["crawl"]}, "output": str(folder)})
    draw = np.random.default_rng(1)
    texts = [_text(draw) for _ in range(4_000)]
    for part in range(0, documents, _PER_FILE):
        rows = _documents(draw, part, min(_PER_FILE, documents - part), texts)
        name = f"part-{part // _PER_FILE:05d}.parquet"
        attempt = Path(layout.attempt(0, "a"))
        files = [_write(folder, attempt / "table=documents" / name, rows)]
        ids = rows["id"]
        n = len(ids)
        fate = draw.random(n)
        files.append(
            _write(folder, attempt / "table=rejects" / name, _rejects(draw, part, n, rows))
        )
        copies = pa.table(
            {
                "id": ids.filter(pa.array(fate < 0.3)),
                "kept_id": ids.slice(0, int((fate < 0.3).sum())),
            }
        )
        for column, value in (
            ("matched_id", None),
            ("reason", "near"),
            ("round", "CC-MAIN-2023-40"),
        ):
            copies = copies.append_column(column, pa.array([value] * len(copies), pa.string()))
        copies = copies.append_column("jaccard", pa.array(draw.random(len(copies)), pa.float32()))
        _write(
            folder,
            Path(layout.table("dedup", "duplicates")) / name,
            copies.select(schemas.DUPLICATES.names),
        )
        kept = rows.filter(pa.array(fate >= 0.3))
        scored = kept
        for column, kind in schemas.METRICS:
            scored = scored.append_column(column, pa.nulls(len(kept), kind))
        quality = draw.random(len(kept)).astype("float32")
        scored = scored.append_column("quality_prob", pa.array(quality))
        dropped = pa.array(np.where(quality < 0.5, "precision", None), pa.string())
        for column in ("drop_stage", "drop_reason"):
            scored = scored.append_column(column, dropped)
        scored = scored.append_column("drop_score", pa.array(quality.astype("float64")))
        _write(folder, Path(layout.table("refine", "scored")) / name, scored)
        corpus = kept.filter(pa.array(quality >= 0.5))
        _write(folder, Path(layout.corpus) / "snapshot=CC-MAIN-2023-40" / name, pa.table(
            {"URL": corpus["url"], "id": corpus["id"], "title": corpus["title"]}))  # fmt: skip
        group = Manifest(stage="extract", run_id="r", identity={}, counts={}, files=files,
                         started=timestamp(), finished=timestamp())  # fmt: skip
        write_manifest(layout.group_manifest(part // _PER_FILE), group)
    for stage in ("extract", "dedup", "refine", "publish"):
        done = Manifest(stage=stage, run_id="r", identity={}, counts={}, started=timestamp(),
                        finished=timestamp())  # fmt: skip
        write_manifest(layout.manifest(stage), done)
    Path(layout.run_file).write_text(
        json.dumps({"run_id": "r", "config": config.model_dump(mode="json")})
    )
    return layout


def _text(draw: np.random.Generator) -> str:
    words = list(draw.choice(_WORDS, 180))
    for at in draw.integers(0, 180, 12):
        words[at] = str(draw.choice(_FORMULAS))
    return " ".join(words)


def _documents(draw: np.random.Generator, first: int, n: int, texts: list[str]) -> pa.Table:
    hosts = draw.zipf(1.3, n) % 50_000
    columns = {
        "id": [f"{int(a):016x}{first + i:016x}" for i, a in enumerate(draw.integers(0, 1 << 62, n))],
        "url": [f"https://www.host{h}.example.org/notes/{first + i}/page.html" for i, h in enumerate(hosts)],
        "snapshot": ["CC-MAIN-2023-40"] * n,
        "warc_file": [f"crawl/file-{first // _PER_FILE:05d}.warc.gz"] * n,
        "warc_offset": list(range(n)),
        "warc_length": [9_000] * n,
        "title": [f"Lecture {first + i} on {w}" for i, w in enumerate(draw.choice(_WORDS, n))],
        "language": draw.choice(["en", "zh"], n),
        "language_prob": draw.random(n).astype("float32"),
        "recall_prob": draw.random(n).astype("float32"),
        "math_prob": draw.random(n).astype("float32"),
        "segments": [[{"text": texts[t] + f" number{first + i}", "image": None}]
                     for i, t in enumerate(draw.integers(0, len(texts), n))],
        "text_length": draw.integers(200, 90_000, n).astype("int32"),
        "formula_counts": [[{"encoding": c, "outcome": "valid", "count": 5}, {"encoding": "image-alt", "outcome": "failed", "count": 1}]
                           for c in draw.choice(_CARRIERS, n)],
        "n_formulas": draw.integers(0, 200, n).astype("int32"),
        "n_images": draw.integers(0, 9, n).astype("int32"),
    }  # fmt: skip
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type)
        for f in schemas.DOCUMENTS
    ]
    return pa.Table.from_arrays(arrays, schema=schemas.DOCUMENTS)


def _rejects(draw: np.random.Generator, first: int, n: int, rows: pa.Table) -> pa.Table:
    columns = {
        "id": [f"f{int(a):015x}{first + i:016x}" for i, a in enumerate(draw.integers(0, 1 << 58, n))],
        "url": rows["url"].to_pylist(),
        "snapshot": ["CC-MAIN-2023-40"] * n,
        "stage": ["extract"] * n,
        "outcome": ["dropped"] * n,
        "reason": draw.choice(["language", "recall_floor", "no_text"], n),
        "score": draw.random(n),
        "language": draw.choice(["en", "de", "fr"], n),
    }  # fmt: skip
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type)
        for f in schemas.REJECTS
    ]
    return pa.Table.from_arrays(arrays, schema=schemas.REJECTS)


def _write(folder: Path, path: Path, table: pa.Table) -> DataFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", row_group_size=20_000)
    return DataFile(
        path=str(path.relative_to(folder)), rows=len(table), bytes=path.stat().st_size, sha256=""
    )


QUESTIONS = {
    "no filter": {},
    "a host": {"host": "host7.example.org"},
    "part of a URL": {"url": "/notes/77"},
    "a reason": {"reason": "near"},
    "a stage and a language": {"stage": "publish", "language": "zh"},
    "a range of scores, sorted by another": {"math_prob_min": "0.2", "math_prob_max": "0.4", "sort": "quality_prob", "down": "1"},
    "a carrier with many formulas": {"carrier": "mathml", "n_formulas_min": "150"},
    "failed formulas, longest first": {"formulas": "failed", "sort": "text_length", "down": "1"},
    "a common word": {"q": "derivative"},
    "two words and a filter": {"q": "kernel induction", "language": "en"},
    "a word of one document": {"q": "number777"},
}  # fmt: skip


def main() -> None:
    """Write the run if it is not there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    layout = RunLayout(str(arguments.folder))
    if not Path(layout.run_file).exists():
        layout = write_run(arguments.folder, arguments.documents)
    started, cpu = time.perf_counter(), time.process_time()
    catalogue = Catalogue(layout)
    found = catalogue.find(Filters(), Lists(), 0, 50)
    opened = time.perf_counter() - started
    spent = time.process_time() - cpu
    print(
        f"open and first screen of {catalogue.pages:,} pages: {opened:.2f} s, {spent:.2f} s of processor (target 2)"
    )
    print(f"found {found.total:,}")
    for moment in ("while it is read", "in memory"):
        for name, query in QUESTIONS.items():
            began, cpu = time.perf_counter(), time.process_time()
            found = catalogue.find(Filters.read(query), Lists(), 0, 50)
            seconds = time.perf_counter() - began
            searched = (
                f", {found.searched / max(found.searchable, 1):.0%} searched"
                if found.searchable
                else ""
            )
            spent = time.process_time() - cpu
            print(
                f"{moment}: {name}: {seconds:.2f} s ({spent:.2f} of processor), {found.total:,} pages{searched}"
            )
        if moment == "while it is read":
            catalogue.wait()
            print(f"in memory after {time.perf_counter() - started:.1f} s")
    began = time.perf_counter()
    catalogue.choices()
    print(f"lists of the filter form: {time.perf_counter() - began:.2f} s")
    catalogue.close()


if __name__ == "__main__":
    main()
