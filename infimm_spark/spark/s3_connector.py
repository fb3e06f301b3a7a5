"""Spark's way to `s3://`: Hadoop's connector S3A and its magic committer.

The committer writes each file as a multipart upload that is completed only when the job commits, so
no reader sees a part of a file, and no rename is needed. EMR and Dataproc bring their own
connectors: where `s3://` has one already, nothing here applies.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infimm_spark.config import StoreConfig
from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.spark.classic import is_submitted
from infimm_spark.spark.connector import Connector, has_class, jvm
from infimm_spark.store import s3

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_S3 = re.compile(r"s3[an]?://")
_S3A_CLASS = "org.apache.hadoop.fs.s3a.S3AFileSystem"
_PROTOCOL = "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol"
_PARQUET_COMMITTER = "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter"
# Both walk the standard chain: environment, profile, web identity, container, instance.
_CHAIN = {
    3: "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    4: "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
}


_TASK_TRIES = 4
"""Spark's own number of tries of a task on a cluster."""
# What S3A makes of a response that ends early: half a listing, half the list of a task's uploads,
# half a footer.
_TRUNCATED = re.compile(
    r"Could not parse XML response|Unable to unmarshall "
    r"response|JsonEOFException|JsonParseException"
    r"|Unexpected end-of-input|Premature end of Content-Length|End of file reached before reading "
    r"fully"
    r"|Reached the end of stream|java\.net\.SocketException: Connection reset"
)


class S3Connector(Connector):
    """`s3://` by S3A, unless the platform has its own connector."""

    schemes = ("s3", "s3a", "s3n")

    def require(self, conf: dict[str, str]) -> None:
        require_jars(conf)

    def settings(
        self, config: StoreConfig, spark_version: str, *, submitted: bool
    ) -> dict[str, str]:
        if config.profile:
            # S3A's chain takes the profile from the environment only.
            os.environ["AWS_PROFILE"] = config.profile
        jars = [] if submitted else local_jars(spark_version)
        own = {"spark.jars": ",".join(jars)} if jars else {}
        return s3a_settings(config, spark_version) | own

    def task_tries(self, config: StoreConfig) -> int:
        """As many as a request has: S3A does not retry a truncated response, so the task fails."""
        return max(config.attempts, _TASK_TRIES)

    def prepare(self, spark: SparkSession) -> None:
        """Have the session write through the magic committer, unless the platform has its own
        way."""
        if _platform_connector(spark):
            return
        if not has_class(spark, _S3A_CLASS):
            raise EnvironmentMissingError(
                "Spark has no S3A connector: run `make jars`, set INFIMM_JARS to a folder of its "
                "jars, or submit "
                f"with --packages org.apache.hadoop:hadoop-aws:{_hadoop_version(spark)} and "
                "spark-hadoop-cloud"
            )
        if not has_class(spark, _PROTOCOL):
            raise EnvironmentMissingError(
                "Spark has S3A but no committer for it, and a rename on S3 is neither quick nor "
                "atomic: "
                f"add spark-hadoop-cloud of Spark {spark.version} (`make jars`, or --packages)"
            )
        spark.conf.set("spark.sql.sources.commitProtocolClass", _PROTOCOL)
        spark.conf.set("spark.sql.parquet.output.committer.class", _PARQUET_COMMITTER)

    def spark_location(self, spark: SparkSession, location: str) -> str:
        """`s3://` as `s3a://` where S3A is the connector."""
        return location if _platform_connector(spark) else _S3.sub("s3a://", location, count=1)

    def truncated_response(self, message: str) -> str | None:
        """The part of an error's message that tells of a response cut short; None for another
        error."""
        found = _TRUNCATED.search(message)
        return found[0] if found else None


def s3a_settings(config: StoreConfig, spark_version: str) -> dict[str, str]:
    """`spark.hadoop.*` settings of S3A: endpoint, credentials, committer, retries. None holds a
    secret."""
    conf = {
        "fs.s3a.aws.credentials.provider": _CHAIN[3 if spark_version.startswith("3.") else 4],
        "fs.s3a.committer.name": "magic",
        "fs.s3a.committer.magic.enabled": "true",
        # A killed driver leaves uploads: the next commit to the same folder ends them.
        "fs.s3a.committer.abort.pending.uploads": "true",
        "mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",  # noqa: E501
        "fs.s3a.attempts.maximum": str(config.attempts),
        "fs.s3a.retry.limit": str(config.attempts),
        "fs.s3a.retry.interval": f"{round(config.backoff_seconds * 1000)}ms",
        "fs.s3a.retry.throttle.limit": "20",  # SlowDown is waited for longer than a fault
        "fs.s3a.retry.throttle.interval": f"{round(config.backoff_seconds * 1000)}ms",
        # Bare numbers of milliseconds: Hadoop 3.3 knows no units here.
        "fs.s3a.connection.establish.timeout": _milliseconds(config.connect_timeout_seconds),
        "fs.s3a.connection.timeout": _milliseconds(config.timeout_seconds),
        "fs.s3a.fast.upload.buffer": "disk",  # a part waits on disk, not on the heap
        "fs.s3a.experimental.input.fadvise": "random",  # Parquet reads its footer first
    }
    accesses = {
        "": config,
        **{f"bucket.{name}.": access for name, access in config.buckets.items()},
    }
    for prefix, access in accesses.items():
        own = {
            "endpoint": s3.endpoint_of(access) if not prefix else access.endpoint,
            "endpoint.region": access.region
            or (os.environ.get("AWS_REGION") if not prefix else None),
            "requester.pays.enabled": "true" if access.requester_pays else None,
        }
        if own["endpoint"]:
            own["path.style.access"] = "true"
            own["connection.ssl.enabled"] = str(own["endpoint"].startswith("https")).lower()
        if access.anonymous and prefix:
            own["aws.credentials.provider"] = (
                "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
            )
        conf.update({f"fs.s3a.{prefix}{key}": value for key, value in own.items() if value})
    return {f"spark.hadoop.{key}": value for key, value in conf.items()}


def local_jars(spark_version: str) -> list[str]:
    """The jars that `make jars` fetched for this Spark: INFIMM_JARS, else `jars/` of the
    checkout."""
    version = ".".join(spark_version.split(".")[:2])
    named = os.environ.get("INFIMM_JARS")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "jars" / version
    return sorted(str(jar) for jar in folder.glob("*.jar"))


def require_jars(conf: dict[str, str]) -> None:
    """Before Spark starts in local mode: raise `EnvironmentMissingError` where it will have no S3A.

    `conf` is `spark.conf` of the configuration, which may name jars or packages itself. What
    spark-submit was given is not known here; `prepare` looks then.
    """
    if is_submitted() or any(key.startswith("spark.jars") for key in conf):
        return
    import pyspark

    own = Path(pyspark.__file__).parent / "jars"
    if not local_jars(pyspark.__version__) and not any(own.glob("hadoop-aws-*.jar")):
        raise EnvironmentMissingError(
            "Spark has no S3A connector: run `make jars`, or set INFIMM_JARS to a folder of its "
            "jars"
        )


def _platform_connector(spark: SparkSession) -> str | None:
    """The class that the platform has for `s3://`, such as EMR's; plain Spark has none."""
    context: Any = spark.sparkContext
    served: str | None = context._jsc.hadoopConfiguration().get("fs.s3.impl")
    return served


def _hadoop_version(spark: SparkSession) -> str:
    return str(jvm(spark).org.apache.hadoop.util.VersionInfo.getVersion())


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
