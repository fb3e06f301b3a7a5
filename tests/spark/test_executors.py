"""Executors show what they run before any work is handed out."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import infimm_spark
from infimm_spark.classify.broadcast import read_model
from infimm_spark.config import SparkConfig
from infimm_spark.errors import SubmissionError
from infimm_spark.spark import daemon
from infimm_spark.spark.session import open_session
from infimm_spark.spark.submission import check_executors

pytestmark = pytest.mark.spark


@pytest.fixture
def python_of_executors(spark: SparkSession) -> Iterator[SparkSession]:
    """A session whose executors may be given another interpreter for a test."""
    usual = spark.sparkContext.pythonExec
    yield spark
    spark.sparkContext.pythonExec = usual


def test_executors_show_interpreter_package_and_models(spark: SparkSession, tmp_path: Path) -> None:
    """Each host is one line: its Python, where the package is from, the models' fingerprints."""
    model = read_model(None, "recall")
    witness = tmp_path / "run.json"
    witness.write_text("{}")
    broadcast = spark.sparkContext.broadcast(model)
    (executor,) = check_executors(spark, [broadcast], {"recall": model.fingerprint}, str(witness))
    assert executor.python == platform.python_version()
    assert executor.executable == sys.executable
    assert executor.package.endswith("infimm_spark")
    assert executor.models == (model.fingerprint,)


def test_workers_read_no_archive_before_a_task(spark: SparkSession) -> None:
    """Neither Spark's JAR nor its zipped modules are on their path, and the modules are found."""
    paths = spark.sparkContext.parallelize([0], 1).map(lambda _: list(sys.path)).collect()[0]
    assert [path for path in paths if path.endswith((".jar", "/pyspark.zip"))] == []
    opened = open_session(SparkConfig(master="local[2]"))
    assert opened.conf.get("spark.python.daemon.module") == daemon.MODULE


@pytest.mark.parametrize(
    ("expected", "witness", "message"),
    [
        ({"recall": "another"}, None, "does not have the driver's model recall"),
        ({}, "/nowhere/run.json", "does not see /nowhere/run.json, which the driver wrote"),
    ],
)
def test_an_executor_that_lacks_something_is_named(
    spark: SparkSession, expected: dict[str, str], witness: str | None, message: str
) -> None:
    """A model that did not arrive, and an output directory that is not shared, stop the run."""
    with pytest.raises(SubmissionError, match=f"executor on .* {message}"):
        check_executors(spark, [], expected, witness)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "executors have no interpreter .*/python; expected --archives"),
        (
            b"\x7fELF\x02\x01\x01 of another machine",
            "Python does not start: it is for another architecture",
        ),
    ],
)
def test_an_interpreter_that_does_not_start_is_one_line(
    python_of_executors: SparkSession, tmp_path: Path, content: bytes | None, message: str
) -> None:
    """No interpreter, and one of another machine, are said without Spark's trace."""
    python = tmp_path / "python"
    if content is not None:
        python.write_bytes(content)
        python.chmod(stat.S_IRWXU)
    python_of_executors.sparkContext.pythonExec = str(python)
    with pytest.raises(SubmissionError, match=message) as caught:
        check_executors(python_of_executors, [], {})
    assert "\n" not in str(caught.value)


def _another_python() -> str | None:
    """An interpreter of another minor version that starts here, if there is one."""
    own = f"python3.{sys.version_info.minor}"
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in ("python3.12", "python3.13", "python3.11", "python3.14"):
        found = [shutil.which(name), *map(str, versions.glob(f"*/bin/{name}"))]
        for python in filter(None, found if name != own else []):
            if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
                return python
    return None


def test_executors_with_another_python_are_one_line(python_of_executors: SparkSession) -> None:
    """The driver's version and the executors' are both named."""
    another = _another_python()
    if another is None:
        pytest.skip("no Python 3 of another minor version on this machine")
    python_of_executors.sparkContext.pythonExec = another
    with pytest.raises(
        SubmissionError, match=r"executors run Python 3\.\d+, the driver 3\."
    ) as caught:
        check_executors(python_of_executors, [], {})
    assert "\n" not in str(caught.value)


def test_executors_with_a_stale_package_are_one_line(
    python_of_executors: SparkSession, tmp_path: Path
) -> None:
    """A package that differs by one line of code is another build, and said before work starts."""
    package = shutil.copytree(
        Path(infimm_spark.__file__).parent,
        tmp_path / "old" / "infimm_spark",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    with (package / "schemas.py").open("a") as file:
        file.write("# one line of yesterday\n")
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncd "{package.parent}"\n'
        f'PYTHONPATH="{package.parent}:$PYTHONPATH" exec "{sys.executable}" "$@"\n'
    )
    python.chmod(stat.S_IRWXU)
    python_of_executors.sparkContext.pythonExec = str(python)
    with pytest.raises(
        SubmissionError, match=r"has build 0\.1\.0\+.*, the driver 0\.1\.0\+"
    ) as caught:
        check_executors(python_of_executors, [], {})
    assert "build the archive again" in str(caught.value)
    assert "\n" not in str(caught.value)
