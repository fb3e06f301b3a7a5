"""A stage in one file: of the corpus it keeps the pages with a long enough address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import BuildConfig
from infimm_spark.stages.accounting import threshold_ledger
from infimm_spark.stages.base import KeptRows, Section, Stage, Table, Work

LONGEST = 35
LONG = pa.schema([("id", pa.string()), ("warc_file", pa.string()), ("characters", pa.int32())])


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    pages = work.read("publish", "corpus").withColumn("characters", F.length("URL"))
    short = pages.where(F.col("characters") < LONGEST)
    kept = work.write("long", pages.where(F.col("characters") >= LONGEST).select(*LONG.names))
    rejects = short.select(
        "id",
        F.col("URL").alias("url"),
        "snapshot",
        "warc_file",
        "warc_offset",
        "warc_length",
        F.lit("address").alias("stage"),
        F.lit("dropped").alias("outcome"),
        F.lit("short_address").alias("reason"),
        F.col("characters").cast("double").alias("score"),
        F.lit(None).cast("string").alias("language"),
        F.lit(None).cast("string").alias("detail"),
    )
    return {
        "ledger": threshold_ledger(pages, kept, "address", "short_address", short),
        "rejects": rejects,
    }


def _limit(row: Mapping[str, Any], config: BuildConfig) -> str | None:
    return f"characters {row['score']:g} < {LONGEST} (toy.longest)"


TOY = Stage(
    name="toy",
    summary="Keep the pages with a long address.",
    tables={
        "long": Table(LONG),
        "ledger": Table(schemas.LEDGER),
        "rejects": Table(schemas.REJECTS),
    },
    run=_run,
    reads=("publish",),
    ledger=("address",),
    sections=(Section("publish"),),
    kept=KeptRows("long", ("characters",)),
    limit=_limit,
)
