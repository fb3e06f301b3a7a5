"""Where Spark has no classic context the job says so in one line; Databricks is known by itself."""

from __future__ import annotations

import pytest

from infimm_spark.config import SparkConfig
from infimm_spark.errors import ConfigError, SubmissionError
from infimm_spark.spark.classic import (
    is_submitted,
    require_classic,
    require_classic_session,
    require_volumes,
)
from infimm_spark.spark.session import open_session


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (
            {"DATABRICKS_RUNTIME_VERSION": "client.3.2"},
            "Databricks serverless compute (client.3.2)",
        ),
        (
            {"DATABRICKS_RUNTIME_VERSION": "17.3", "IS_SERVERLESS": "TRUE"},
            "Databricks serverless compute (17.3)",
        ),
        (
            {"SPARK_REMOTE": "sc://user@host:443/;token=dapi-secret"},
            "Spark Connect (to sc://host:443/)",
        ),
        ({"SPARK_CONNECT_MODE_ENABLED": "1"}, "Spark Connect (spark.api.mode = connect)"),
    ],
)
def test_connect_and_serverless_are_one_line(environment: dict[str, str], found: str) -> None:
    """The line names what was found and the compute that the job needs; never a token."""
    with pytest.raises(SubmissionError) as refused:
        require_classic({}, environment)
    line = str(refused.value)
    assert found in line
    assert "dedicated (single user) classic compute" in line
    assert "secret" not in line
    assert "\n" not in line


@pytest.mark.parametrize("conf", [{"spark.remote": "sc://host"}, {"spark.api.mode": "connect"}])
def test_a_configuration_that_asks_for_connect_is_refused_before_spark_starts(
    conf: dict[str, str],
) -> None:
    """`open_session` looks before it starts anything."""
    with pytest.raises(SubmissionError, match="Spark Connect"):
        open_session(SparkConfig(conf=conf))


def test_a_classic_session_passes() -> None:
    """Plain Spark and dedicated compute of Databricks have one."""
    require_classic({"spark.api.mode": "classic"}, {"DATABRICKS_RUNTIME_VERSION": "16.4"})
    require_classic({}, {})
    require_classic_session(object())


def test_a_session_of_connect_is_known_by_its_module() -> None:
    """A shell of standard access mode hands out such a session without any variable."""
    session = type("SparkSession", (), {"__module__": "pyspark.sql.connect.session"})()
    with pytest.raises(SubmissionError, match="session of Spark Connect"):
        require_classic_session(session)


def test_databricks_has_started_spark_itself() -> None:
    """Master and resources are the platform's, as after spark-submit."""
    assert is_submitted({"DATABRICKS_RUNTIME_VERSION": "16.4"})
    assert is_submitted({"PYSPARK_GATEWAY_PORT": "1"})
    assert not is_submitted({})


def test_volumes_are_the_local_paths_of_databricks() -> None:
    """Spark would take any other path for one of DBFS, which Python does not see."""
    require_volumes(["/Volumes/main/default/infimm/run", "s3://bucket/run"])
    for location in ("/tmp/run", "run"):
        with pytest.raises(ConfigError, match=f"{location} is no path .* expected /Volumes/"):
            require_volumes([location])
