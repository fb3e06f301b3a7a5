"""Local Python workers are forked from a daemon that reads no archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from infimm_spark.spark.daemon import without_archives


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages with a pyspark in it, archives of its own included."""
    package = tmp_path / "site-packages" / "pyspark"
    (package / "python" / "lib").mkdir(parents=True)
    (package / "__init__.py").touch()
    return package.parent


def test_jars_and_the_archive_of_the_installed_package_go(site: Path) -> None:
    """The package holds the same modules as files; archives of other makers stay."""
    lib = site / "pyspark" / "python" / "lib"
    archives = [str(lib / "pyspark.zip"), str(lib / "py4j-src.zip"), "/j/spark-core.jar"]
    path = ["/own/code.zip", *archives, str(site)]
    assert without_archives(path) == ["/own/code.zip", archives[1], str(site)]


def test_the_archive_stays_where_it_is_the_only_pyspark(site: Path, tmp_path: Path) -> None:
    """Another interpreter has no package beside it; another distribution's may be of another
    version."""
    lib = site / "pyspark" / "python" / "lib"
    alone = [str(lib / "pyspark.zip"), str(tmp_path)]
    assert without_archives(alone) == alone
    other = ["/opt/spark/python/lib/pyspark.zip", str(site)]
    assert without_archives([*other, "/opt/spark/jars/spark-core.jar"]) == other
