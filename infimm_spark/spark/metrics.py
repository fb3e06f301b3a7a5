"""The run's exact counts as Spark metrics, for the Prometheus servlet and every other sink.

The counts come from committed ledgers, so a retried task counts once; only the driver adds to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Counters:
    """Counters `infimm.<stage>.<count>` of one session."""

    def __init__(self, spark: SparkSession, counts: Mapping[str, Sequence[str]]) -> None:
        """`counts` are the keys of each stage's counts that become counters."""
        context = spark.sparkContext
        jvm: Any = context._jvm
        scala_context = context._jsc.sc()
        self._counters = {
            f"{stage}.{count}": scala_context.longAccumulator(f"infimm.{stage}.{count}")
            for stage, keys in counts.items()
            for count in keys
        }
        named = jvm.java.util.HashMap()
        for name, counter in self._counters.items():
            named.put(f"infimm.{name}", counter)
        source = getattr(jvm.org.apache.spark.metrics.source, "LongAccumulatorSource$")
        register = getattr(source, "MODULE$").register
        register(scala_context, jvm.PythonUtils.toScalaMap(named))

    def add(self, stage: str, counts: Mapping[str, int]) -> None:
        """Count what a unit of work committed."""
        for key, value in counts.items():
            counter = self._counters.get(f"{stage}.{key}")
            if counter is not None:
                counter.add(value)

    def value(self, name: str) -> int:
        """The present value of `<stage>.<count>`."""
        return int(self._counters[name].value())
