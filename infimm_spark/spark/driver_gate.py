"""The driver's connection gate, where workers of this session reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infimm_spark.store.gate import ConnectionGate

if TYPE_CHECKING:
    from pyspark import SparkContext


def gate_of(context: SparkContext, places: int) -> ConnectionGate:
    """A gate with so many places at the driver's address. Close it when the work is over."""
    host = context.getConf().get("spark.driver.host", "127.0.0.1") or "127.0.0.1"
    bind = context.getConf().get("spark.driver.bindAddress", host)
    return ConnectionGate(places, host, bind)
