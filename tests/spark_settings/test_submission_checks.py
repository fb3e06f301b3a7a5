"""Submissions that cannot work are refused in one line."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from infimm_spark.config import SparkConfig
from infimm_spark.errors import ConfigError, InfimmError, SubmissionError
from infimm_spark.spark.submission import (
    cause_of,
    check_archive,
    check_submission,
    detect_platform,
    read_environment,
)

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def archive(path: Path, **changes: object) -> Path:
    """An archive that holds a manifest and nothing else."""
    manifest = {
        "target_name": "emr-7-x86_64",
        "machine": "x86_64",
        "python": PYTHON,
        "spark": "3.5",
        "packages": {},
        **changes,
    }
    content = json.dumps(manifest).encode()
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("environment.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("conf", "version", "platform"),
    [
        ({"spark.master": "local[4]"}, "4.1.2", "local"),
        ({"spark.master": "spark://host:7077"}, "4.1.2", "standalone"),
        ({"spark.master": "yarn"}, "3.5.5-amzn-0", "emr"),
        ({"spark.master": "yarn", "spark.dataproc.engine": "default"}, "3.5.3", "dataproc"),
        (
            {
                "spark.master": "local[*, 4]",
                "spark.databricks.clusterUsageTags.sparkVersion": "16.4.x-scala2.12",
            },
            "3.5.2",
            "databricks",
        ),
        ({"spark.master": "yarn"}, "3.5.3", "yarn"),
        ({"spark.master": "k8s://https://api:6443"}, "4.1.1", "kubernetes"),
    ],
)
def test_platforms_are_told_by_what_they_set(
    conf: dict[str, str], version: str, platform: str
) -> None:
    """EMR by its Spark's name, Dataproc by its settings, the others by their master."""
    assert detect_platform(conf, version) == platform


@pytest.mark.parametrize(
    ("conf", "config", "versions", "message"),
    [
        (
            {"spark.master": "yarn"},
            SparkConfig(platform="dataproc"),
            ("3.5.5-amzn-0", "3.5.5"),
            "spark.platform = 'dataproc', but this is emr (Spark 3.5.5-amzn-0, master yarn)",
        ),
        (
            {"spark.master": "spark://host:7077"},
            SparkConfig(master="local[*]"),
            ("4.1.2", "4.1.2"),
            "spark.master = 'local[*]' in the configuration, but spark-submit was given 'spark://",
        ),
        (
            {"spark.master": "yarn"},
            SparkConfig(),
            ("3.5.5-amzn-0", "4.1.2"),
            "the cluster's Spark is 3.5.5-amzn-0 and this driver's pyspark 4.1.2",
        ),
        (
            {"spark.master": "yarn", "spark.pyspark.python": "./env/bin/python"},
            SparkConfig(),
            ("4.1.2", "4.1.2"),
            "no archive is unpacked as 'env'; expected --archives ARCHIVE.tar.gz#env",
        ),
        (
            {"spark.master": "yarn", "spark.yarn.dist.archives": "/nowhere/env.tar.gz#environment"},
            SparkConfig(),
            ("4.1.2", "4.1.2"),
            "archive /nowhere/env.tar.gz (--archives …#environment) does not exist",
        ),
    ],
    ids=["platform", "master", "pyspark", "no archive", "archive missing"],
)
def test_settings_that_do_not_fit_are_refused(
    conf: dict[str, str], config: SparkConfig, versions: tuple[str, str], message: str
) -> None:
    """Platform, master, versions and archives are compared before a context exists."""
    with pytest.raises(InfimmError) as caught:
        check_submission(conf, config, spark_version=versions[0], pyspark_version=versions[1])
    assert message in str(caught.value)
    assert isinstance(caught.value, ConfigError | SubmissionError)


@pytest.mark.parametrize(
    ("changes", "version", "message"),
    [
        ({"python": "3.9"}, "3.5.5", f"holds Python 3.9, this driver runs {PYTHON}"),
        ({}, "4.1.2", "is for Spark 3.5, the cluster runs 4.1.2"),
        (
            {"spark": "any", "packages": {"pyspark": "3.5.1"}},
            "4.1.2",
            "holds pyspark 3.5.1, the cluster runs 4.1.2",
        ),
    ],
)
def test_an_archive_for_something_else_is_refused(
    tmp_path: Path, changes: dict[str, object], version: str, message: str
) -> None:
    """Python, Spark and a packed pyspark are read from the archive's manifest."""
    path = archive(tmp_path / "env.tar.gz", **changes)
    with pytest.raises(SubmissionError, match=message.replace(".", r"\.")):
        check_archive(str(path), "environment", version)


def test_a_fitting_archive_and_remote_ones_pass(tmp_path: Path) -> None:
    """A local archive that fits is accepted; a remote one is left to the executors."""
    path = archive(tmp_path / "env.tar.gz")
    check_archive(f"file:{path}", "environment", "3.5.5-amzn-0")
    check_archive("s3://bucket/env.tar.gz", "environment", "3.5.5-amzn-0")
    assert (read_environment(path) or {})["target_name"] == "emr-7-x86_64"


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    """Half an archive is damaged, not missing."""
    path = archive(tmp_path / "env.tar.gz")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(SubmissionError, match="is damaged; expected a whole"):
        read_environment(path)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            'java.io.IOException: Cannot run program "./environment/bin/python": error=2, No such '
            "file or directory",
            "executors have no interpreter ./environment/bin/python",
        ),
        (
            'java.io.IOException: Cannot run program "./environment/bin/python": Exec failed, '
            "error: 8 (Exec format error) ",
            "executors cannot run ./environment/bin/python: it is for another architecture",
        ),
        (
            'Cannot run program "./environment/bin/python": error=8, Exec format error',
            "executors cannot run ./environment/bin/python: it is for another architecture",
        ),
        (
            "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python "
            "in "
            "worker has different version: 3.12 than that in driver: 3.11, PySpark cannot run",
            "executors run Python 3.12, the driver 3.11",
        ),
        (
            "RuntimeError: Python in worker has different version 3.9 than that in driver 3.11, "
            "PySpark cannot run with different minor versions.",
            "executors run Python 3.9, the driver 3.11",
        ),
        ("ModuleNotFoundError: No module named 'infimm_spark'", "no module infimm_spark"),
        ("java.lang.OutOfMemoryError: Java heap space", None),
    ],
)
def test_failures_of_submission_are_told_from_others(message: str, line: str | None) -> None:
    """Spark's own traces for a missing or foreign interpreter become one line; others stay."""
    found = cause_of(message)
    if line is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(line) or line in found
