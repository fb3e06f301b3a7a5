"""What can go wrong between a machine that submits and a cluster that runs, said before work
starts.

`check_submission` looks at the settings of `spark-submit` before a context exists;
`check_executors` runs one small job in which executors show their interpreter, the package, the
models and the output directory. Each finding is one line: what, where, and what was expected.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import re
import sys
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infimm_spark.config import SparkConfig
from infimm_spark.errors import ConfigError, SubmissionError
from infimm_spark.spark.causes import local_cause
from infimm_spark.spark.machine import shadowing_file
from infimm_spark.version import build_id

if TYPE_CHECKING:
    from pyspark import Broadcast, SparkContext
    from pyspark.sql import SparkSession

    from infimm_spark.classify.broadcast import ModelBytes

log = logging.getLogger(__name__)

ENVIRONMENT_FILE = "environment.json"
"""Manifest of an archive of `docker/build_environment.py`; its first member."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_PROBES_A_CORE = 2
_SILENCE_SECONDS = 30  # without an executor, until the job says so (again)


@dataclass(frozen=True, slots=True)
class Executor:
    """What an executor showed of itself."""

    host: str
    python: str
    executable: str
    machine: str
    package: str
    models: tuple[str, ...]


def detect_platform(conf: Mapping[str, str], spark_version: str) -> str:
    """local, emr, dataproc, databricks, standalone, yarn or kubernetes, from what each platform
    sets.

    EMR's Spark calls itself `3.5.5-amzn-0`; Dataproc's spark-defaults hold `spark.dataproc.*`,
    those of Databricks `spark.databricks.*`.
    """
    if "amzn" in spark_version or "emr" in spark_version:
        return "emr"
    if any(key.startswith("spark.dataproc.") for key in conf):
        return "dataproc"
    if any(key.startswith("spark.databricks.clusterUsageTags.") for key in conf):
        return "databricks"
    master = conf.get("spark.master", "local")
    for prefix, name in (("local", "local"), ("spark://", "standalone"), ("k8s://", "kubernetes")):
        if master.startswith(prefix):
            return name
    return master


def check_platform(conf: Mapping[str, str], config: SparkConfig, spark_version: str) -> None:
    """Refuse a configuration that belongs to another platform. Raises `ConfigError`."""
    found = detect_platform(conf, spark_version)
    if config.platform is not None and config.platform != found:
        raise ConfigError(
            f"spark.platform = {config.platform!r}, but this is {found} "
            f"(Spark {spark_version}, master {conf.get('spark.master', 'local')}); "
            "expected the configuration of this platform"
        )


def check_submission(
    conf: Mapping[str, str], config: SparkConfig, *, spark_version: str, pyspark_version: str
) -> None:
    """Refuse a submission that cannot work.

    `conf` holds Spark's settings as submitted. Raises `ConfigError` for a configuration that
    belongs to another platform, `SubmissionError` for versions and archives that do not fit.
    """
    check_platform(conf, config, spark_version)
    master = conf.get("spark.master")
    if config.master and master and _kind(config.master) != _kind(master):
        raise ConfigError(
            f"spark.master = {config.master!r} in the configuration, but spark-submit was given "
            f"{master!r}; expected a configuration without spark.master, or with the same"
        )
    if _minor(spark_version) != _minor(pyspark_version):
        raise SubmissionError(
            f"the cluster's Spark is {spark_version} and this driver's pyspark {pyspark_version} "
            f"(in {sys.prefix}); expected pyspark {_minor(spark_version)}"
        )
    archives = _archives(conf)
    for key, interpreter in _interpreters(conf):
        folder = interpreter.removeprefix("./").partition("/")[0]
        if not os.path.isabs(interpreter) and "/" in interpreter and folder not in archives:
            raise SubmissionError(
                f"{key} is {interpreter}, but no archive is unpacked as {folder!r}; "
                f"expected --archives ARCHIVE.tar.gz#{folder}"
            )
    for folder, location in archives.items():
        check_archive(location, folder, spark_version)


def check_archive(location: str, folder: str, spark_version: str) -> None:
    """Refuse a local archive that is missing, or was built for another machine, Python or Spark.

    A remote one, and one not made by `docker/build_environment.py`, shows itself on the executors.
    """
    if "://" in location and not location.startswith("file:"):
        return
    path = Path(re.sub(r"^file:/*", "/", location))
    if not path.is_file():
        raise SubmissionError(
            f"archive {path} (--archives …#{folder}) does not exist; "
            "expected the result of docker/build_environment.py"
        )
    manifest = read_environment(path)
    if manifest is None:
        return
    name = manifest.get("target_name", "?")
    if manifest["python"] != _PYTHON:
        raise SubmissionError(
            f"archive {path} ({name}) holds Python {manifest['python']}, this driver runs "
            f"{_PYTHON}; "
            "expected the same: run the driver with the archive's version (PYSPARK_DRIVER_PYTHON)"
        )
    if manifest["spark"] not in ("any", _minor(spark_version)):
        raise SubmissionError(
            f"archive {path} ({name}) is for Spark {manifest['spark']}, the cluster runs "
            f"{spark_version}; expected the archive of this platform (build_environment.py --list)"
        )
    packed = manifest["packages"].get("pyspark")
    if packed and _minor(packed) != _minor(spark_version):
        raise SubmissionError(
            f"archive {path} ({name}) holds pyspark {packed}, the cluster runs {spark_version}; "
            "expected an archive built without --with-pyspark"
        )


def read_environment(path: Path) -> dict[str, Any] | None:
    """The manifest inside an archive, None for an archive that has none. Raises
    `SubmissionError`."""
    try:
        with tarfile.open(path, "r|*") as archive:
            first = archive.next()
            if first is None or first.name != ENVIRONMENT_FILE:
                return None
            content = archive.extractfile(first)
            return json.load(content) if content is not None else None
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error):
        raise SubmissionError(f"archive {path} is damaged; expected a whole .tar.gz") from None


def check_executors(
    spark: SparkSession,
    models: list[Broadcast[ModelBytes]],
    expected: dict[str, str],
    witness: str | None = None,
) -> list[Executor]:
    """Let executors show what they run; one `Executor` for each host and interpreter seen.

    `expected` maps a model's name to its fingerprint. `witness` is a file the driver wrote, which
    executors must see: an output directory that is not shared loses rows. Raises `SubmissionError`.
    """
    context = spark.sparkContext
    probes = max(1, context.defaultParallelism) * _PROBES_A_CORE
    probe = _probe(models, witness)
    with causes_in_one_line(), _waiting_aloud(context):
        answers = context.parallelize(range(probes), probes).mapPartitions(probe).collect()
    executors = {}
    for answer in answers:
        _check_answer(answer, expected, witness)
        executor = Executor(
            host=answer["host"],
            python=answer["python"],
            executable=answer["executable"],
            machine=answer["machine"],
            package=answer["package"],
            models=tuple(sorted(answer["models"].values())),
        )
        executors[executor.host, executor.executable] = executor
    for executor in executors.values():
        log.info(
            "executor on %s: Python %s %s, package from %s, models %s",
            executor.host,
            executor.python,
            executor.executable,
            executor.package,
            ", ".join(m[:12] for m in executor.models),
        )
    return list(executors.values())


@contextmanager
def _waiting_aloud(context: SparkContext) -> Iterator[None]:
    """Say what the job waits for as long as it has no executor: a master says nothing to a job it
    cannot place."""
    over = threading.Event()
    conf = context.getConf()
    cores = conf.get("spark.executor.cores", "all") or "all"
    memory = conf.get("spark.executor.memory", "1g") or "1g"

    def watch() -> None:
        waited = 0
        while not over.wait(_SILENCE_SECONDS):
            waited += _SILENCE_SECONDS
            # The driver counts as one.
            if len(context._jsc.sc().statusTracker().getExecutorInfos()) > 1:
                return
            log.warning(
                "no executor after %d s: the job asks for %s cores and %s of memory each; "
                "is there a worker with that much free? If not, lower spark.executor.cores, "
                ".memory and "
                ".memoryOverhead together",
                waited,
                cores,
                memory,
            )

    watcher = threading.Thread(target=watch, name="infimm-no-executor", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def causes_in_one_line() -> Iterator[None]:
    """Turn a failure of Spark that has its cause in how the job was submitted into a
    `SubmissionError`."""
    try:
        yield
    except Exception as error:
        local = local_cause(str(error))
        reason = cause_of(str(error))
        # A Python that does not start is told by the submission, unless a file here hides a module.
        if local is not None and (reason is None or shadowing_file(os.getcwd()) is not None):
            raise local from error
        if reason is None:
            raise
        raise SubmissionError(reason) from error


def cause_of(message: str) -> str | None:
    """The one line for a failure of Spark that has its cause in how the job was submitted, else
    None."""
    for pattern, line in _CAUSES:
        found = re.search(pattern, message, re.DOTALL)
        if found:
            return line(found)
    return None


_CAUSES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (
        r"FileNotFoundException: File (\S+) does not exist.*EventLogFileWriter",
        lambda m: (
            f"the event log has no folder {m[1]}; make it, name another with --conf "
            "spark.eventLog.dir=…, or "
            "submit with --conf spark.eventLog.enabled=false"
        ),
    ),
    (
        r"Cannot run program \"([^\"]+)\".*?error(?:=|: )2\b",
        lambda m: (
            f"executors have no interpreter {m[1]}; expected --archives ARCHIVE.tar.gz#environment "
            "with spark.pyspark.python=./environment/bin/python"
        ),
    ),
    (
        r"Cannot run program \"([^\"]+)\".*?error(?:=|: )(?:8|193)\b",
        lambda m: (
            f"executors cannot run {m[1]}: it is for another architecture; "
            "expected the archive of the executors' machines (build_environment.py --list)"
        ),
    ),
    (
        r"Cannot run program \"([^\"]+)\".*?error(?:=|: )13\b",
        lambda m: (
            f"executors may not run {m[1]}: permission denied; "
            "expected an archive packed by docker/build_environment.py"
        ),
    ),
    (
        # The kernel refuses a foreign executable, Java tries it as a shell script, and that ends at
        # once.
        r"port number from \S+\.daemon's stdout|Bad data in \S+\.daemon's standard output",
        lambda m: (
            "executors' Python does not start: it is for another architecture, or damaged; "
            "expected the archive of the executors' machines (build_environment.py --list)"
        ),
    ),
    (
        r"Python in worker has different version[:\s(']*([\d.]+).*?driver[:\s']*([\d.]+)",
        lambda m: (
            f"executors run Python {m[1].rstrip('.')}, the driver {m[2].rstrip('.')}; expected the "
            "same: set spark.pyspark.python, or the driver's interpreter (PYSPARK_DRIVER_PYTHON)"
        ),
    ),
    (
        r"No module named '?(pyspark|infimm_spark|[\w.]+)'?",
        lambda m: (
            f"executors' Python has no module {m[1]}; expected --archives with an environment of "
            "docker/build_environment.py, or --py-files with the package"
        ),
    ),
    (
        r"serialVersionUID|InvalidClassException",
        lambda m: (
            "driver and executors run different versions of Spark; "
            "expected pyspark of the cluster's version"
        ),
    ),
)


def _probe(
    models: list[Broadcast[ModelBytes]], witness: str | None
) -> Callable[[Iterable[int]], Iterable[dict[str, Any]]]:
    # A closure is pickled by value: executors may have no infimm_spark to import it from.
    def probe(_: Iterable[int]) -> Iterator[dict[str, Any]]:
        import os
        import platform
        import socket
        import sys

        answer: dict[str, Any] = {
            "host": socket.gethostname(),
            "python": platform.python_version(),
            "executable": sys.executable,
            "machine": platform.machine(),
            "package": "",
            "build": "",
            "models": {},
            "error": None,
            "sees_output": True,
        }
        try:
            import infimm_spark
            from infimm_spark.classify.broadcast import load_cached
        except ImportError as error:
            answer["error"] = f"cannot import the package: {error}"
            yield answer
            return
        answer["package"] = os.path.dirname(infimm_spark.__file__ or "")
        try:
            from infimm_spark.version import build_id
        except ImportError:
            answer["build"] = f"{infimm_spark.__version__} (before builds were recorded)"
        else:
            answer["build"] = build_id()
        try:
            for model in models:
                load_cached(model.value)
                answer["models"][model.value.name] = model.value.fingerprint
        except Exception as error:
            answer["error"] = f"cannot load a model: {error}"
        if witness is not None:
            answer["sees_output"] = os.path.exists(witness)
        yield answer

    return probe


def _check_answer(answer: dict[str, Any], expected: dict[str, str], witness: str | None) -> None:
    where = f"executor on {answer['host']} ({answer['executable']})"
    if answer["error"]:
        raise SubmissionError(f"{where} {' '.join(answer['error'].split())}")
    if answer["build"] != build_id():
        raise SubmissionError(
            f"{where} has build {answer['build']} of infimm-spark in {answer['package']}, the "
            "driver "
            f"{build_id()}; expected the same: build the archive again, or give --py-files"
        )
    for name, fingerprint in expected.items():
        if answer["models"].get(name) != fingerprint:
            raise SubmissionError(f"{where} does not have the driver's model {name}")
    if not answer["sees_output"]:
        raise SubmissionError(
            f"{where} does not see {witness}, which the driver wrote; "
            "expected an output that all machines share"
        )
    if answer["machine"] != platform.machine():
        log.debug("%s is %s, the driver %s", where, answer["machine"], platform.machine())


def _archives(conf: Mapping[str, str]) -> dict[str, str]:
    """Folder an archive is unpacked as -> its location."""
    found = {}
    for key in ("spark.archives", "spark.yarn.dist.archives"):
        for entry in filter(None, conf.get(key, "").split(",")):
            location, _, folder = entry.partition("#")
            found[folder or location.rpartition("/")[2]] = location
    return found


def _interpreters(conf: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Interpreters the executors are told to run, and by what."""
    keys = ("spark.pyspark.python", "spark.executorEnv.PYSPARK_PYTHON")
    for key in keys:
        if conf.get(key):
            yield key, conf[key]
    if not conf.get("spark.pyspark.python") and os.environ.get("PYSPARK_PYTHON"):
        yield "PYSPARK_PYTHON", os.environ["PYSPARK_PYTHON"]


def _kind(master: str) -> str:
    return "local" if master.startswith("local") else master.partition("://")[0]


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
