"""Spark's own way to each store, found by location: settings, jars, committers.

Python reads and writes by `infimm_spark.store`; Spark has a connector of its own for the same
scheme. A scheme without a record here (`file`, `hdfs`) is one that Spark reaches by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from infimm_spark.spark.connector import Connector
from infimm_spark.spark.gs_connector import GsConnector
from infimm_spark.spark.s3_connector import S3Connector
from infimm_spark.store.base import split

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_connectors: dict[str, Connector] = {}


def register(connector: Connector) -> None:
    """Use the connector for its schemes from now on, in this process."""
    _connectors.update(dict.fromkeys(connector.schemes, connector))


def unregister(connector: Connector) -> None:
    """Use it no longer."""
    for scheme in connector.schemes:
        _connectors.pop(scheme, None)


for _connector in (S3Connector(), GsConnector()):
    register(_connector)


def connector_of(location: str) -> Connector | None:
    """Spark's way to the location; None where it needs nothing from us."""
    return _connectors.get(split(location)[0])


def connectors_of(locations: Iterable[str]) -> list[Connector]:
    """The connectors that any of the locations needs, each once."""
    found = [connector_of(location) for location in locations]
    return list(dict.fromkeys(connector for connector in found if connector is not None))


def spark_location(spark: SparkSession, location: str) -> str:
    """A location as this session's Hadoop knows it."""
    connector = connector_of(location)
    return connector.spark_location(spark, location) if connector else location
