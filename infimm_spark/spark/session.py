"""The one place that builds a SparkSession."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from infimm_spark.config import SparkConfig, StoreConfig
from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.spark import console
from infimm_spark.spark.connector import Connector
from infimm_spark.spark.connectors import connectors_of
from infimm_spark.spark.machine import prepare_local
from infimm_spark.spark.submission import (
    causes_in_one_line,
    check_platform,
    check_submission,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MINIMUM_JAVA = 17

_DEFAULTS = {
    # Arrow batches are cut by rows; documents are kilobytes to megabytes each, so few rows a batch.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": "16m",  # known from Spark 4 on
    "spark.sql.session.timeZone": "UTC",
    # Files of a working directory, html.py say, hide no module from Python workers.
    "spark.executorEnv.PYTHONSAFEPATH": "1",
    # A worker keeps its models and its page process from task to task.
    "spark.python.worker.reuse": "true",
    # Shows Python's own traceback when a worker dies in native code.
    "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",
    "spark.python.worker.faulthandler.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    # What the UI, the event log and `explain` never show: settings by name, and text that looks
    # like a key.
    "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|credential",
    "spark.sql.redaction.string.regex": r"(?:AKIA|ASIA)[A-Z0-9]{16}|(?<=://)[^/@\s]+(?=@)",
}


def open_session(
    config: SparkConfig,
    stores: StoreConfig | None = None,
    locations: Iterable[str] = (),
) -> SparkSession:
    """The session for `config`, or the one `spark-submit` already started, fit for `locations`.

    `stores` says how remote stores are reached. Raises `EnvironmentMissingError` where no Java
    runtime ≥ 17, or no connector to the store of a location, is found, `ConfigError` and
    `SubmissionError` for a submission that cannot work.
    """
    stores = stores or StoreConfig()
    connectors = connectors_of(locations)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if not submitted:
        require_java()
    from pyspark import __version__ as spark_version
    from pyspark.sql import SparkSession

    if submitted:
        _check_submitted(config)
    else:
        settings = {**config.conf, "spark.master": config.master or "local[*]"}
        check_platform(settings, config, spark_version)
    own: dict[str, str] = {}
    for connector in connectors:
        own |= connector.settings(stores, spark_version, submitted=submitted)

    builder = SparkSession.builder.appName(config.app_name)
    if not submitted:
        # spark-submit has its own ways to say both; without it they must be said here.
        builder = builder.master(_patient(config.master or "local[*]", stores, connectors))
        if (config.master or "local").startswith("local"):
            prepare_local()
            _import_from_checkout()
            builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
            builder = builder.config("spark.driver.host", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = builder.config(
        "spark.ui.showConsoleProgress", "true" if sys.stderr.isatty() else "false"
    )
    for key, value in {**_DEFAULTS, **own, **config.conf}.items():
        builder = builder.config(key, value)
    with causes_in_one_line(), _console(submitted):
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for connector in connectors:
        connector.prepare(session)
    return session


def _console(submitted: bool) -> contextlib.AbstractContextManager[None]:
    """Where a JVM is started here, its lines and its workers' go through `console`."""
    from pyspark import SparkContext

    is_up = submitted or SparkContext._gateway is not None
    return contextlib.nullcontext() if is_up else console.of_java()


def _patient(master: str, stores: StoreConfig, connectors: list[Connector]) -> str:
    """`local[*]` with the tries of a task that the connectors call for; by itself it has one."""
    tries = max((connector.task_tries(stores) for connector in connectors), default=1)
    if tries == 1 or not re.fullmatch(r"local\[[\d*]+\]", master):
        return master
    return f"{master[:-1]},{tries}]"


def is_local(session: SparkSession) -> bool:
    """Whether executors are threads of this very process tree."""
    return str(session.sparkContext.master).startswith("local")


def find_java() -> str | None:
    """The `java` Spark will start: JAVA_HOME's, else the PATH's."""
    home = os.environ.get("JAVA_HOME")
    if home:
        candidate = Path(home) / "bin" / "java"
        return str(candidate) if candidate.is_file() else None
    return shutil.which("java")


def java_version(java: str) -> int | None:
    """Major version of a `java` executable, None where it does not answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # `openjdk version "17.0.15"`; before Java 9 `"1.8.0_402"`
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None


def require_java() -> str:
    """The Java runtime Spark will use; raises `EnvironmentMissingError` saying how to get one."""
    how = (
        f"install a Java runtime ≥ {MINIMUM_JAVA} (Debian/Ubuntu: apt-get install "
        "openjdk-17-jre-headless; macOS: brew install openjdk@17) and set JAVA_HOME or PATH"
    )
    java = find_java()
    if java is None:
        where = os.environ.get("JAVA_HOME")
        found = f"JAVA_HOME={where} holds no bin/java" if where else "no java on the PATH"
        raise EnvironmentMissingError(f"Spark needs Java: {found}; {how}")
    version = java_version(java)
    if version is None:
        raise EnvironmentMissingError(f"Spark needs Java: {java} does not run; {how}")
    if version < MINIMUM_JAVA:
        raise EnvironmentMissingError(f"Spark needs Java: {java} is version {version}; {how}")
    return f"{java} (version {version})"


def _check_submitted(config: SparkConfig) -> None:
    """Look at what spark-submit was given before a context asks the cluster for executors."""
    import pyspark
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()
    jvm = SparkContext._jvm
    assert jvm is not None
    cluster = getattr(getattr(jvm.org.apache.spark, "package$"), "MODULE$").SPARK_VERSION()
    check_submission(
        dict(SparkConf(_jvm=jvm).getAll()),
        config,
        spark_version=cluster,
        pyspark_version=pyspark.__version__,
    )


def _import_from_checkout() -> None:
    """Let local Python workers import the package from where this process found it."""
    home = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if home not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([home, *filter(None, paths)])
