"""Exact counts as Spark metrics."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from infimm_spark.spark.metrics import Counters
from infimm_spark.stages.registry import all_stages

pytestmark = pytest.mark.spark


def test_counts_are_added_up_and_registered_with_spark(spark: SparkSession) -> None:
    """What stages commit adds up; each counter is a metric of Spark's; other keys are left out."""
    counts = {stage.name: stage.counts for stage in all_stages()}
    counters = Counters(spark, counts)
    counters.add("extract", {"files": 2, "read": 10, "kept": 3, "elsewhere": 5})
    counters.add("extract", {"files": 1, "read": 4})
    counters.add("dedup", {"recall.read": 3})
    assert counters.value("extract.files") == 3
    assert counters.value("extract.read") == 14
    assert counters.value("dedup.recall.read") == 3
    system = spark.sparkContext._jvm.org.apache.spark.SparkEnv.get().metricsSystem()
    sources = system.getSourcesByName("AccumulatorSource")
    names = " ".join(str(source.metricRegistry().getNames()) for source in _items(sources))
    for stage, keys in counts.items():
        assert all(f"infimm.{stage}.{count}" in names for count in keys)


def _items(sequence: object) -> list[object]:
    """The members of a Scala sequence."""
    return [sequence.apply(i) for i in range(sequence.size())]  # type: ignore[attr-defined]
