"""What a session needs to work with the locations of one store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infimm_spark.config import StoreConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Connector:
    """Spark's way to one store; each method does nothing unless overridden."""

    schemes: tuple[str, ...]
    """Those it serves."""

    def require(self, conf: dict[str, str]) -> None:
        """Before Spark starts in local mode, with `spark.conf`: raise `EnvironmentMissingError`
        where the session could not work with this store."""

    def settings(
        self, config: StoreConfig, spark_version: str, *, submitted: bool
    ) -> dict[str, str]:
        """Settings of the session. None holds a secret."""
        return {}

    def task_tries(self, config: StoreConfig) -> int:
        """Tries of a task that the connector's own faults call for; 1 for none."""
        return 1

    def prepare(self, spark: SparkSession) -> None:
        """Fit a session that has started. Raises `EnvironmentMissingError` where the connector is
        absent."""

    def spark_location(self, spark: SparkSession, location: str) -> str:
        """The location as this session's Hadoop knows it."""
        return location

    def truncated_response(self, message: str) -> str | None:
        """The part of Spark's error message that says that the store's response ended early."""
        return None


def has_class(spark: SparkSession, name: str) -> bool:
    """Whether the driver's JVM can load a class."""
    loader = jvm(spark).java.lang.Thread.currentThread().getContextClassLoader()
    try:
        loader.loadClass(name)
    except Exception as error:  # py4j has no types; a class that is absent is a Java exception
        if "ClassNotFoundException" not in str(error):
            raise
        return False
    return True


def jvm(spark: SparkSession) -> Any:
    """The JVM behind a session, which pyspark keeps private."""
    context: Any = spark.sparkContext
    return context._jvm
