"""The session that a platform has started for this process: whether there is one, and whether it
is a classic one.

The job needs a classic Spark context: models are broadcast through it, and counts of its executors
are read from it. Spark Connect (Databricks serverless and standard access mode, `SPARK_REMOTE`) has
none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from infimm_spark import store
from infimm_spark.errors import ConfigError, SubmissionError

_REMEDY = (
    "the job needs a classic Spark context; use dedicated (single user) classic compute on "
    "Databricks, spark-submit, or local mode"
)
VOLUMES = "/Volumes/"
"""Where Unity Catalog mounts its volumes, on Databricks' driver and executors alike."""


def is_databricks(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs on Databricks compute."""
    return "DATABRICKS_RUNTIME_VERSION" in environment


def is_submitted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether spark-submit or a platform has started the JVM, and with it master and resources."""
    return "PYSPARK_GATEWAY_PORT" in environment or is_databricks(environment)


def require_classic(conf: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> None:
    """Raise `SubmissionError` where a session would be one of Spark Connect.

    `conf` is the configuration's `spark.conf`.
    """
    runtime = environment.get("DATABRICKS_RUNTIME_VERSION", "")
    if runtime.startswith("client") or environment.get("IS_SERVERLESS", "").lower() == "true":
        raise SubmissionError(f"this is Databricks serverless compute ({runtime}); {_REMEDY}")
    remote = environment.get("SPARK_REMOTE") or conf.get("spark.remote")
    if remote:
        # What follows the host may hold a token.
        host = store.shown(remote.partition(";")[0])
        raise SubmissionError(f"this is Spark Connect (to {host}); {_REMEDY}")
    mode = environment.get("SPARK_API_MODE") or conf.get("spark.api.mode", "classic")
    if mode.lower() == "connect" or environment.get("SPARK_CONNECT_MODE_ENABLED"):
        raise SubmissionError(f"this is Spark Connect (spark.api.mode = connect); {_REMEDY}")


def require_classic_session(session: Any) -> None:
    """Raise `SubmissionError` for a session of Spark Connect."""
    if ".connect." in f"{type(session).__module__}.":
        raise SubmissionError(f"this is a session of Spark Connect; {_REMEDY}")


def require_volumes(locations: Iterable[str]) -> None:
    """Raise `ConfigError` for a local path that Databricks' Spark and Python do not both reach.

    There, Spark takes a path without a scheme for one of DBFS, unless it is a volume's.
    """
    for location in locations:
        if "://" not in location and not os.path.abspath(location).startswith(VOLUMES):
            raise ConfigError(
                f"{location} is no path that all of Databricks reaches; expected "
                f"{VOLUMES}CATALOG/SCHEMA/VOLUME/…, or a location of a store (s3://, gs://)"
            )
