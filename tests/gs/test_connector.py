"""What Spark needs for gs://, which only Dataproc brings."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.spark.gs_connector import GsConnector

pytestmark = pytest.mark.spark


def test_spark_without_a_connector_is_told_so_in_one_line(spark: SparkSession) -> None:
    """Before any work is handed out, with what to do about it."""
    with pytest.raises(
        EnvironmentMissingError, match=r"no connector to gs://.*spark\.jars"
    ) as told:
        GsConnector().prepare(spark)
    assert "\n" not in str(told.value)
