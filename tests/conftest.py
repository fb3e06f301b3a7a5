"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from modules import module_at

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from infimm_spark.run.pipeline import RunSummary

# Machines are shared: how long one example takes says nothing. The same tree gets the same examples;
# `make fuzz` looks for new ones.
settings.register_profile("default", deadline=None, derandomize="FUZZ_INPUTS" not in os.environ)
settings.load_profile("default")

REPOSITORY = Path(__file__).resolve().parents[1]

# Many images of containers set it; the processes that tests start by the hundred would then compile
# every module again, for longer than most of them work.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Their JVMs live for seconds: the second compiler and parallel collectors would not pay.
QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
os.environ.setdefault("SPARK_SUBMIT_OPTS", QUICK_JVM)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pages beside the checkout; tests that need it skip where it is absent."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real pages (../shared/data) are absent")
    return folder


@pytest.fixture(scope="session", params=["rendered", "real"])
def whole_pages(request: pytest.FixtureRequest) -> list[bytes]:
    """Whole pages of mathematics: those that renderers made for us, and the real ones where they
    are."""
    if request.param == "rendered":
        pages = module_at(REPOSITORY / "tests" / "extract" / "fixtures" / "pages.py")
        return [page.html for page in pages.fixture_pages()]
    folder = request.getfixturevalue("shared_data") / "gold" / "formulas" / "ccmath"
    return [page.read_bytes() for page in sorted(folder.glob("*.html"))]


@pytest.fixture(scope="session")
def environment_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The relocatable environment for machines like this one, built around this interpreter."""
    output = tmp_path_factory.mktemp("environment")
    command = [sys.executable, str(REPOSITORY / "docker" / "build_environment.py"), "host"]
    command += ["--interpreter", sys.executable, "--output", str(output), "--pure"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return output / "infimm-environment-host.tar.gz"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One local Spark session for all Spark tests: two cores, four shuffle partitions."""
    from pyspark.sql import SparkSession

    from infimm_spark.spark import daemon
    from infimm_spark.spark.java import provide_java

    provide_java()
    # Executors must run the interpreter of the tests, whatever `python3` is on the PATH.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # Python workers import the package from the checkout, installed or not.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        part for part in (str(REPOSITORY), os.environ.get("PYTHONPATH", "")) if part
    )
    session = (
        SparkSession.builder.master("local[2]")
        .appName("infimm-spark tests")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.ui.enabled", "false")
        # Queries over a few rows would spend a fifth of the time compiling themselves.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.driver.extraJavaOptions", QUICK_JVM)
        .config("spark.python.daemon.module", daemon.MODULE)
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config(
            "spark.sql.warehouse.dir", os.path.join(os.environ.get("TMPDIR", "/tmp"), "warehouse")
        )
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def sample_crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample crawl, written out."""
    from infimm_spark.sample import write_sample_crawl

    root = tmp_path_factory.mktemp("sample-crawl")
    write_sample_crawl(root)
    return root


@pytest.fixture(scope="session")
def sample_build(
    spark: SparkSession, sample_crawl: Path, tmp_path_factory: pytest.TempPathFactory
) -> RunSummary:
    """A finished build of the sample crawl; tests that change it work on a copy."""
    from sample_builds import sample_settings

    from infimm_spark.run.pipeline import build

    return build(sample_settings(sample_crawl, tmp_path_factory.mktemp("sample") / "run"))


@pytest.fixture(scope="session")
def sample_run(sample_build: RunSummary) -> Path:
    """Where `sample_build` lies."""
    return Path(sample_build.output)
