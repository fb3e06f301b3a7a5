"""A machine or environment that cannot run a local Spark: mended where safe, else one line with the
remedy."""

from __future__ import annotations

import pwd
import resource
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pyspark
import pytest

from infimm_spark.errors import EnvironmentMissingError, InfimmError, ResourceError
from infimm_spark.spark import machine
from infimm_spark.spark.causes import local_cause


def test_a_spark_home_of_another_installation_is_refused(tmp_path: Path) -> None:
    """An empty one and one of another version; one of the same version is used."""
    with pytest.raises(EnvironmentMissingError, match=r"holds no Spark .* unset SPARK_HOME"):
        machine.check_spark_home({"SPARK_HOME": str(tmp_path)})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spark-submit").touch()
    (tmp_path / "jars").mkdir()
    jar = tmp_path / "jars" / "spark-core_2.12-2.4.8.jar"
    jar.touch()
    with pytest.raises(EnvironmentMissingError, match=r"is Spark 2\.4\.8, .* unset SPARK_HOME"):
        machine.check_spark_home({"SPARK_HOME": str(tmp_path)})
    jar.rename(tmp_path / "jars" / f"spark-core_2.13-{pyspark.__version__}.jar")
    machine.check_spark_home({"SPARK_HOME": str(tmp_path)})
    machine.check_spark_home({})


def test_a_worker_python_that_cannot_work_is_refused(tmp_path: Path) -> None:
    """One that is absent, one of another version, one without the packages; each with the way
    out."""
    other = tmp_path / "python"

    def refused(body: str, match: str) -> None:
        other.write_text(f"#!/bin/sh\n{body}\n")
        other.chmod(0o755)
        with pytest.raises(EnvironmentMissingError, match=match) as caught:
            machine.check_worker_python({"PYSPARK_PYTHON": str(other)})
        assert f"unset PYSPARK_PYTHON, or set it to {sys.executable}" in str(caught.value)
        assert "\n" not in str(caught.value)

    with pytest.raises(EnvironmentMissingError, match="is not an executable program"):
        machine.check_worker_python({"PYSPARK_PYTHON": str(tmp_path / "absent")})
    refused("echo 3.4", r"is Python 3\.4, and this one is 3\.")
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    refused(
        f"echo {mine}; echo Traceback >&2; echo \"No module named 'pyarrow'\" >&2; exit 1",
        "cannot do the work: No module named 'pyarrow'",
    )
    machine.check_worker_python({"PYSPARK_PYTHON": sys.executable})
    machine.check_worker_python({})


def test_a_user_without_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hadoop would end in a trace of its login; the line says what to add."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(EnvironmentMissingError, match=r"has no entry in /etc/passwd.*echo 'infimm"):
        machine.check_user()


def test_the_limit_of_open_files_is_raised_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A low soft limit goes up by itself; a low hard one cannot, and `ulimit` is named."""
    limits = [(64, 100_000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.append(new))
    machine.allow_open_files()
    assert limits[-1] == (4096, 100_000)
    limits.append((64, 128))
    with pytest.raises(ResourceError, match=r"may open 128 files.*ulimit -n 4096"):
        machine.allow_open_files()


def test_a_full_disk_of_sparks_is_refused_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of shuffles is named, and the variable that moves it."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 5_000_000))
    for name in ("SPARK_LOCAL_DIRS", "TMPDIR"):
        with pytest.raises(ResourceError, match=f"has 5 MB free.*set {name} to a larger disk"):
            machine.check_space({name: str(tmp_path)})


def test_the_environment_is_made_fit() -> None:
    """Host names need not resolve, no file hides a module, names of files need not be ASCII."""
    environment = {"LC_ALL": "C"}
    machine.use_utf8_paths(environment)
    assert environment["LC_ALL"] == "C.UTF-8"
    kept = {"LANG": "de_DE.utf8"}
    machine.use_utf8_paths(kept)
    assert kept == {"LANG": "de_DE.utf8"}
    made: dict[str, str] = {}
    machine.prepare_local(made)
    assert made["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert made["PYTHONSAFEPATH"] == "1"


def test_paths_that_java_cannot_write_are_refused() -> None:
    """A JVM that spark-submit started in the C locale has no letter outside ASCII."""
    with pytest.raises(EnvironmentMissingError, match=r"/out/é has letters.*LC_ALL=C\.UTF-8"):
        machine.check_jvm_paths("ANSI_X3.4-1968", ["/out", "/out/é"])
    machine.check_jvm_paths("UTF-8", ["/out/é"])


def test_a_file_that_hides_a_module_is_found(tmp_path: Path) -> None:
    """`html.py` in the working directory; other files are no matter."""
    (tmp_path / "page.py").touch()
    assert machine.shadowing_file(str(tmp_path)) is None
    (tmp_path / "html.py").touch()
    assert machine.shadowing_file(str(tmp_path)) == str(tmp_path / "html.py")


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("java.io.IOException: No space left on device", ResourceError, "no space left on the disk;"),
        (
            "java.io.FileNotFoundException: /data/blockmgr-1/0c/shuffle_0 (No space left on "
            "device)",
            ResourceError,
            "no space left on the disk while writing /data/blockmgr-1/0c/shuffle_0",
        ),
        (
            "OSError: [Errno 28] No space left on device: '/tmp/model'",
            ResourceError,
            "no space left on the disk while writing /tmp/model",
        ),
        ("java.net.SocketException: Too many open files", ResourceError, "ulimit -n 65536"),
        ("java.lang.OutOfMemoryError: Java heap space\n\tat x", ResourceError, "(Java heap space)"),
        (
            "SparkException: Python worker exited unexpectedly (crashed)\n\tat org.apache",
            ResourceError,
            "a Python worker was killed",
        ),
        (
            "javax.security.auth.login.LoginException: invalid null input: name",
            EnvironmentMissingError,
            "expected an entry in /etc/passwd",
        ),
        (
            "java.net.UnknownHostException: pod-7: Name or service not known",
            EnvironmentMissingError,
            "the host name pod-7 does not resolve",
        ),
        ("[JAVA_GATEWAY_EXITED] Java gateway process exited", EnvironmentMissingError, "doctor"),
    ],
)  # fmt: skip
def test_sparks_traces_become_one_line(text: str, kind: type[InfimmError], line: str) -> None:
    """Cause and remedy of what the machine did wrong."""
    error = local_cause(f"An error occurred while calling o1.parquet\n: {text}\n\tat java.base/x")
    assert type(error) is kind
    assert line in str(error)
    assert "\n" not in str(error)


def test_an_unknown_trace_is_no_local_cause() -> None:
    """What is not known is not guessed."""
    assert local_cause("java.lang.NullPointerException") is None
