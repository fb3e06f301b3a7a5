"""Log lines for people, or as JSON for machines (`INFIMM_LOG_FORMAT=json`), on driver and
executors.

A JSON line holds time, level, logger, message, host, process, and what is known of run, stage and
WARC.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import socket
import sys
from collections.abc import Iterator

from infimm_spark.config import SparkConfig

FORMAT_VARIABLE = "INFIMM_LOG_FORMAT"
RUN_VARIABLE = "INFIMM_RUN"

_FIELDS = ("run", "stage", "group", "warc", "counts", "seconds", "exit_code", "error_class")
_known: dict[str, str] = {}
_last: dict[str, str] = {}


def configure(level: int = logging.INFO) -> None:
    """Send the package's log to stderr, once a process, in the format the environment asks for."""
    logger = logging.getLogger("infimm_spark")
    logger.setLevel(level)
    if logging.getLogger().handlers or logger.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    if is_json():
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logging.getLogger().addHandler(handler)
    # A JVM that ends says so once; py4j's own lines about it are traces.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)


def configure_worker() -> None:
    """Let a Python worker log: each WARC file as JSON, for people only what is wrong."""
    configure(logging.INFO if is_json() else logging.WARNING)


def tell_executors(spark: SparkConfig, run_id: str) -> SparkConfig:
    """The session's settings with run and log format for the executors' environment."""
    os.environ[RUN_VARIABLE] = run_id  # local executors inherit it
    told = {f"spark.executorEnv.{RUN_VARIABLE}": run_id}
    if is_json():
        told[f"spark.executorEnv.{FORMAT_VARIABLE}"] = "json"
    return spark.replaced(conf={**told, **spark.conf})


@contextlib.contextmanager
def about(**fields: str) -> Iterator[None]:
    """Name the run or stage that all lines of this process belong to, in whatever thread."""
    before = dict(_known)
    _known.update(fields)
    try:
        yield
    except BaseException:
        _last.update({**_known, **_last})
        raise
    finally:
        _known.clear()
        _known.update(before)


def last() -> dict[str, str]:
    """What the process was about when an exception ended it: the innermost run and stage."""
    return {**_known, **_last}


def is_json() -> bool:
    """Whether lines are JSON objects."""
    return os.environ.get(FORMAT_VARIABLE) == "json"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "host": socket.gethostname(),
            "process": record.process,
        }
        if RUN_VARIABLE in os.environ:
            line["run"] = os.environ[RUN_VARIABLE]
        line.update(_known)
        line.update({name: getattr(record, name) for name in _FIELDS if hasattr(record, name)})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
