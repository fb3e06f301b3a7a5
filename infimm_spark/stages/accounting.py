"""Ledger and reject rows of the stages after extraction.

Counts of `kept` come from the rows a stage hands on and counts of `dropped` from the rows it names
as dropped, so that a row lost or doubled in between breaks the reconciliation.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas


def formula_sums(documents: DataFrame) -> DataFrame:
    """Formulas of all documents: `encoding`, `outcome`, `formulas` (a few dozen rows)."""
    return (
        documents.select(F.explode("formula_counts").alias("counted"))
        .select("counted.encoding", "counted.outcome", "counted.count")
        .groupBy("encoding", "outcome")
        .agg(F.sum("count").alias("formulas"))
    )


def threshold_ledger(
    before: DataFrame, after: DataFrame, stage: str, reason: str, dropped: DataFrame
) -> DataFrame:
    """Ledger of a stage that keeps `after` of `before` and drops `dropped` for one `reason`."""
    return _union(
        _rows(before, stage, "read"),
        _rows(after, stage, "kept"),
        _rows(dropped, stage, "dropped", F.lit(reason)),
    )


def duplicates_ledger(before: DataFrame, duplicates: DataFrame, survivors: DataFrame) -> DataFrame:
    """Ledger of the dedup stage, dropped by the reason in `duplicates`."""
    removed = duplicates.select("id", "reason").join(
        before.select("id", "warc_file"), on="id", how="inner"
    )
    return _union(
        _rows(before, "dedup", "read"),
        _rows(survivors, "dedup", "kept"),
        _rows(removed, "dedup", "dropped", F.col("reason")),
    )


def refine_ledger(scored: DataFrame) -> DataFrame:
    """Ledger of the rules and precision stages from `refine`'s scored rows."""
    passed = scored.where(F.col("drop_stage").isNull() | (F.col("drop_stage") != "rules"))
    kept = scored.where(F.col("drop_stage").isNull())
    return _union(
        _rows(scored, "rules", "read"),
        _rows(passed, "rules", "kept"),
        _rows(
            scored.where(F.col("drop_stage") == "rules"), "rules", "dropped", F.col("drop_reason")
        ),
        _rows(passed, "precision", "read"),
        _rows(kept, "precision", "kept"),
        _rows(
            scored.where(F.col("drop_stage") == "precision"),
            "precision",
            "dropped",
            F.col("drop_reason"),
        ),
    )


def publish_ledger(clean: DataFrame, corpus: DataFrame) -> DataFrame:
    """Ledger of the publish stage: clean documents in, corpus rows out, nothing dropped."""
    return _union(_rows(clean, "publish", "read"), _rows(corpus, "publish", "kept"))


def dropped_ledger(
    before: DataFrame, after: DataFrame, stage: str, dropped: DataFrame
) -> DataFrame:
    """Ledger of a stage that keeps `after` of `before` and drops `dropped` by their `reason`."""
    return _union(
        _rows(before, stage, "read"),
        _rows(after, stage, "kept"),
        _rows(dropped, stage, "dropped", F.col("reason")),
    )


def images_ledger(corpus: DataFrame, images: DataFrame) -> DataFrame:
    """Ledger of the images stage: the images of the corpus in, those without a reason out."""
    found = corpus.select("warc_file", F.explode("image_list").alias("url"))
    return _union(
        _rows(found.where(F.col("url").isNotNull()), "images", "read"),
        _rows(images.where(F.col("reason").isNull()), "images", "kept"),
        _rows(images.where(F.col("reason").isNotNull()), "images", "dropped", F.col("reason")),
    )


def recall_rejects(dropped: DataFrame) -> DataFrame:
    """`schemas.REJECTS` of documents below the recall threshold."""
    return rejects(
        dropped,
        stage=F.lit("recall"),
        reason=F.lit("math_prob"),
        score=F.col("math_prob").cast("double"),
        detail=F.lit(None).cast("string"),
    )


def duplicate_rejects(recalled: DataFrame, duplicates: DataFrame) -> DataFrame:
    """`schemas.REJECTS` of removed duplicates; `detail` names the kept document."""
    evidence = duplicates.select("id", "kept_id", "reason", "jaccard")
    return rejects(
        recalled.join(evidence, on="id", how="inner"),
        stage=F.lit("dedup"),
        reason=F.col("reason"),
        score=F.col("jaccard").cast("double"),
        detail=F.concat(F.lit("kept "), F.col("kept_id")),
    )


def rejects(
    frame: DataFrame, *, stage: Column, reason: Column, score: Column, detail: Column
) -> DataFrame:
    """`schemas.REJECTS` of the rows of `frame`, all of them dropped."""
    return frame.select(
        *schemas.POINTER,
        stage.alias("stage"),
        F.lit("dropped").alias("outcome"),
        reason.alias("reason"),
        score.alias("score"),
        "language",
        detail.alias("detail"),
    )


def _rows(frame: DataFrame, stage: str, outcome: str, reason: Column | None = None) -> DataFrame:
    """Rows of `frame` counted by WARC file (and reason)."""
    cause = F.lit(None).cast("string") if reason is None else reason
    return (
        frame.select("warc_file", cause.alias("reason"))
        .groupBy("warc_file", "reason")
        .count()
        .select(
            "warc_file",
            F.lit(stage).alias("stage"),
            F.lit(outcome).alias("outcome"),
            "reason",
            F.col("count").cast("long").alias("count"),
        )
        .select(*schemas.LEDGER.names)
    )


def _union(*frames: DataFrame) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)
