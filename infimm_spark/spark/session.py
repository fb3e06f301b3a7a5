"""The one place that builds a SparkSession."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from infimm_spark.config import SparkConfig, StoreConfig
from infimm_spark.spark import console, daemon, interrupts
from infimm_spark.spark.classic import (
    is_databricks,
    is_submitted,
    require_classic,
    require_classic_session,
    require_volumes,
)
from infimm_spark.spark.connector import Connector
from infimm_spark.spark.connectors import connectors_of
from infimm_spark.spark.java import provide_java
from infimm_spark.spark.machine import check_jvm_paths, prepare_local
from infimm_spark.spark.submission import (
    causes_in_one_line,
    check_platform,
    check_submission,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
    locations = list(locations)
    connectors = connectors_of(locations)
    submitted = is_submitted()
    require_classic(config.conf)
    if is_databricks():
        require_volumes(locations)
    if not submitted:
        provide_java()
    from pyspark import SparkConf, SparkContext
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

    options = {"spark.app.name": config.app_name}
    if not submitted:
        # spark-submit has its own ways to say both; without it they must be said here.
        options["spark.master"] = _patient(config.master or "local[*]", stores, connectors)
        if (config.master or "local").startswith("local"):
            prepare_local()
            _import_from_checkout()
            options["spark.python.daemon.module"] = daemon.MODULE
            options["spark.driver.bindAddress"] = options["spark.driver.host"] = "127.0.0.1"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    # `infimm_spark.progress` shows more, and Spark's bar would be drawn through it.
    options["spark.ui.showConsoleProgress"] = "false"
    options |= {**_DEFAULTS, **own, **config.conf}
    builder = SparkSession.builder
    for key, value in options.items():
        builder = builder.config(key, value)
    with causes_in_one_line(), _console(submitted):
        if not submitted:
            SparkContext.getOrCreate(SparkConf().setAll(list(options.items())))
            interrupts.take_back()
        session = builder.getOrCreate()
    require_classic_session(session)
    session.sparkContext.setLogLevel("ERROR")
    if submitted:  # this JVM was started by someone else, in whatever locale
        encoding = session._jvm.System.getProperty("sun.jnu.encoding")  # type: ignore[union-attr]
        check_jvm_paths(encoding or "UTF-8", [path for path in locations if "://" not in path])
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


def _check_submitted(config: SparkConfig) -> None:
    """Look at what spark-submit was given before a context asks the cluster for executors."""
    import pyspark
    from pyspark import SparkConf, SparkContext

    if is_databricks():
        # The platform's own shell has the session; there is no gateway to start.
        from pyspark.sql import SparkSession

        session = SparkSession.builder.getOrCreate()
        require_classic_session(session)
        given = dict(session.sparkContext.getConf().getAll())
        check_submission(
            given, config, spark_version=session.version, pyspark_version=pyspark.__version__
        )
        return
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
