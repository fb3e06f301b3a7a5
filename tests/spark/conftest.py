"""Fixtures of the tests that need a Spark session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from infimm_spark.dedup.survivors import Checkpoint


@pytest.fixture
def checkpoint(spark: SparkSession, tmp_path: Path) -> Checkpoint:
    """Parquet under a fresh directory; a name is written once."""

    def write(frame: DataFrame, name: str) -> DataFrame:
        path = str(tmp_path / name)
        frame.write.mode("errorifexists").parquet(path)
        return spark.read.parquet(path)

    return write


@pytest.fixture
def checkpoints(spark: SparkSession, tmp_path: Path) -> Iterator[Checkpoint]:
    """As `checkpoint`, for several runs in one test."""
    written = 0

    def write(frame: DataFrame, name: str) -> DataFrame:
        nonlocal written
        written += 1
        path = str(tmp_path / f"{written}-{name}")
        frame.write.parquet(path)
        return spark.read.parquet(path)

    return write
