"""What stands behind `infimm mine`: a scored run in, proposals for the next training out.

Writes ``hosts.jsonl`` (host, pages, recalled, share), ``candidates.jsonl`` (documents to be graded
by `infimm annotate`, whose output `infimm train --labelled` takes) and ``report.json``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from infimm_spark import schemas, store
from infimm_spark.annotation.documents import identity_of, read_rows
from infimm_spark.cascade.judge import PLAIN_FLOOR, RECALL_FLOOR
from infimm_spark.classify.features import excerpt
from infimm_spark.classify.thresholds import thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.errors import InputError, OutputError
from infimm_spark.run import tables
from infimm_spark.run.run import Run
from infimm_spark.spark.connectors import spark_location

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

_TEXT_CHARS = 6_000
_SCORES = {"recall": "math_prob", "precision": "quality_prob"}


@dataclass(frozen=True, slots=True)
class MiningRequest:
    """Which pages are proposed."""

    run: str
    """Directory of a run whose extract stage is complete (refine, for precision)."""
    output: str
    kind: str = "recall"
    """The classifier to be taught: recall or precision."""
    width: float = 0.2
    """Scores within so much of the run's threshold are near it."""
    per_stratum: int = 50
    """Pages near the threshold of one language, band of scores and band of lengths."""
    per_host: int = 3
    """Of those, and of missed pages, of one host."""
    min_pages: int = 20
    """Smaller hosts are not judged."""
    min_share: float = 0.1
    """DeepSeekMath: hosts of which a tenth was collected count as mathematical."""
    seed: int = 1
    teacher: str | None = None
    """A judge as for `infimm compare-judges`: pages on which it disagrees with the run's classifier
    are proposed too."""
    teacher_sample: int = 2_000
    """Documents that the teacher scores, drawn by the seed."""
    labels: str | None = None
    """A file of labels (JSON Lines with ids, as `infimm browse` writes): its pages are not
    proposed again."""


def mine(request: MiningRequest) -> dict[str, Any]:
    """Propose pages of a run; the report. Raises `InputError` for a run without the scores
    needed."""
    from infimm_spark.annotation import mining as stage

    if request.kind not in _SCORES:
        raise InputError(f"--kind {request.kind!r}: expected recall or precision")
    if store.exists(store.join(request.output, "report.json")):
        raise OutputError(f"{request.output} holds proposals already; expected a new directory")
    run = Run.open(request.run)
    config: BuildConfig = run.config
    recall, precision = thresholds(config)
    recalled = recall.value
    threshold = recalled if request.kind == "recall" else precision.value
    documents = _read(run, "extract", "documents")
    if documents is None:
        raise InputError(f"{request.run} has no documents; expected a run that extracted some")
    scored = documents if request.kind == "recall" else _read(run, "refine", "scored")
    if scored is None:
        raise InputError(f"{request.run} has no quality scores; expected a refined run")
    labelled = _labelled(request.labels)
    hosts = stage.recalled_hosts(
        documents,
        _below_floor(run),
        threshold=recalled,
        dropped_weight=1.0 / max(config.rejects.fraction, 1e-9),
        min_pages=request.min_pages,
        min_share=request.min_share,
    ).cache()
    near = stage.near_threshold(
        _without(scored, labelled),
        _SCORES[request.kind],
        threshold=threshold,
        width=request.width,
        per_stratum=request.per_stratum,
        per_host=request.per_host,
        seed=request.seed,
    )
    candidates = _columns(near)
    if request.kind == "recall":
        missed = stage.missed_pages(
            _without(documents, labelled),
            hosts,
            threshold=recalled,
            per_host=request.per_host,
            seed=request.seed,
        )
        candidates = candidates.unionByName(_columns(missed))
    rows = _unique(candidates.orderBy("id", "proposed").toLocalIterator())
    if request.teacher is not None:
        rows = _with_disagreements(rows, _without(scored, labelled), request)
    found = [row.asDict() for row in hosts.collect()]
    hosts.unpersist()
    report = {
        **asdict(request),
        "threshold": threshold,
        "hosts": len(found),
        "candidates": len(rows),
        "by_proposal": dict(sorted(Counter(row["proposed"] for row in rows).items())),
        "by_language": dict(sorted(Counter(str(row["language"]) for row in rows).items())),
        "by_stratum": dict(
            sorted(Counter(row["stratum"] for row in rows if row["stratum"]).items())
        ),
    }
    store.write_bytes(store.join(request.output, "hosts.jsonl"), _lines(found))
    store.write_bytes(store.join(request.output, "candidates.jsonl"), _lines(rows))
    report_bytes = (json.dumps(report, indent=1) + "\n").encode()
    store.write_bytes(store.join(request.output, "report.json"), report_bytes)
    return report


def _with_disagreements(
    rows: list[dict[str, Any]], scored: DataFrame, request: MiningRequest
) -> list[dict[str, Any]]:
    """The proposals, and before them those on which teacher and student disagree most."""
    from pyspark.sql import functions as F

    from infimm_spark.annotation.mining import host_of
    from infimm_spark.inspect.disagreement import disagreements

    score = _SCORES[request.kind]
    drawn = (
        scored.where(F.col(score).isNotNull())
        .orderBy(F.xxhash64(F.lit(request.seed), "id"), "id")
        .limit(request.teacher_sample)
        .withColumn("host", host_of(F.col("url")))
        .withColumn("proposed", F.lit(None).cast("string"))
    )
    # The whole text: a teacher sees what refine would show it.
    found = disagreements(
        [row.asDict() for row in _columns(drawn).toLocalIterator()],
        score,
        str(request.teacher),
        per_language=request.per_stratum,
        per_host=request.per_host,
    )
    known = {row["id"] for row in found}
    cut = [row | {"text": excerpt(row["text"], _TEXT_CHARS)} for row in found]
    return [*cut, *(row for row in rows if row["id"] not in known)]


def _labelled(location: str | None) -> list[str]:
    if location is None:
        return []
    return sorted({identity_of(row) for row in read_rows(location)})


def _without(frame: DataFrame, ids: list[str]) -> DataFrame:
    """The frame without the rows of these ids."""
    if not ids:
        return frame
    listed = frame.sparkSession.createDataFrame([(id_,) for id_ in ids], "id string")
    return frame.join(listed, on="id", how="left_anti")


def _read(run: Run, stage: str, name: str) -> DataFrame | None:
    """A table of the run, found by its files: the crawl it was made from need not be there."""
    files = tables.locations(run.layout, stage, name)
    if not files:
        return None
    return run.spark.read.option("basePath", spark_location(run.spark, run.layout.root)).parquet(
        *(spark_location(run.spark, file) for file in files)
    )


def _below_floor(run: Run) -> DataFrame:
    """Rejects of the recall floor: pages of a language in use that did not look mathematical."""
    from pyspark.sql import functions as F

    rejects = _read(run, "extract", "rejects")
    if rejects is None:
        return run.spark.createDataFrame([], schemas.spark_schema(schemas.REJECTS))
    return rejects.where(F.col("reason").isin(RECALL_FLOOR, PLAIN_FLOOR))


def _columns(frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    quality = F.col("quality_prob") if "quality_prob" in frame.columns else F.lit(None)
    stratum = F.col("stratum") if "stratum" in frame.columns else F.lit(None)
    return frame.select(
        "id",
        "url",
        "host",
        "language",
        "math_prob",
        quality.cast("float").alias("quality_prob"),
        "n_formulas",
        "text_length",
        stratum.cast("string").alias("stratum"),
        "proposed",
        F.concat_ws("\n\n", F.col("segments.text")).alias("text"),
    )


def _unique(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Each document once, its text as classifiers and graders see it."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["id"], row.asDict() | {"text": excerpt(row["text"], _TEXT_CHARS)})
    return list(found.values())


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows).encode()
