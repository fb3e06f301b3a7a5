"""Spark's way to `gs://`: the connector that Dataproc brings. Elsewhere its jar must be given.

It needs no committer of its own: what a job renames into place is read only once a manifest names
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.spark.connector import Connector, has_class

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CLASS = "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem"


class GsConnector(Connector):
    """`gs://` by Google's connector for Hadoop."""

    schemes = ("gs",)

    def prepare(self, spark: SparkSession) -> None:
        if not has_class(spark, _CLASS):
            raise EnvironmentMissingError(
                "Spark has no connector to gs://: Dataproc brings one; elsewhere name Google's "
                "shaded "
                "gcs-connector jar in spark.jars"
            )
