"""Settings of Spark's connector to S3, and what is said where it is missing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from modules import module_at

from infimm_spark.config import S3Access, StoreConfig
from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.spark.s3_connector import require_jars, s3a_settings

ROOT = Path(__file__).resolve().parents[2]


def test_settings_follow_the_store_bucket_by_bucket() -> None:
    """Endpoint, region, payer, timeouts and tries reach S3A; the magic committer is chosen."""
    conf = s3a_settings(
        StoreConfig(
            endpoint="https://s3.example.org",
            region="eu-central-1",
            attempts=9,
            timeout_seconds=7.5,
            buckets={"other": S3Access(requester_pays=True, anonymous=True)},
        ),
        "4.1.2",
    )
    expected = {
        "endpoint": "https://s3.example.org",
        "path.style.access": "true",
        "connection.ssl.enabled": "true",
        "endpoint.region": "eu-central-1",
        "committer.name": "magic",
        "attempts.maximum": "9",
        "connection.timeout": "7500",
        "bucket.other.requester.pays.enabled": "true",
        "bucket.other.aws.credentials.provider": "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider",
    }
    assert {key: conf[f"spark.hadoop.fs.s3a.{key}"] for key in expected} == expected


def test_the_credential_chain_is_that_of_hadoops_sdk() -> None:
    """Spark 3.5 brings a Hadoop that stands on the AWS SDK 1, Spark 4 one on the SDK 2."""
    key = "spark.hadoop.fs.s3a.aws.credentials.provider"
    assert s3a_settings(StoreConfig(), "3.5.6")[key].startswith("com.amazonaws.")
    assert s3a_settings(StoreConfig(), "4.1.2")[key].startswith("software.amazon.")


def test_without_jars_the_way_to_them_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before Spark starts, one line names `make jars`; packages in the configuration are taken at
    their word."""
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setenv("INFIMM_JARS", str(tmp_path))
    with pytest.raises(EnvironmentMissingError, match="make jars"):
        require_jars({})
    require_jars({"spark.jars.packages": "org.apache.hadoop:hadoop-aws:3.4.2"})
    (tmp_path / "hadoop-aws-3.4.2.jar").touch()
    require_jars({})


def test_a_jar_with_another_checksum_is_refused(tmp_path: Path) -> None:
    """What a repository serves in place of an artefact never becomes a jar; the right one does,
    once."""
    fetch = module_at(ROOT / "conf" / "jars" / "fetch.py")
    folder = tmp_path / "repository" / "org" / "x" / "a" / "1"
    folder.mkdir(parents=True)
    (folder / "a-1.jar").write_bytes(b"jar")
    jars = tmp_path / "jars"
    jars.mkdir()
    repository = (tmp_path / "repository").as_uri()
    with pytest.raises(ValueError, match=r"SHA-256 of .*a-1\.jar is"):
        fetch._fetch("org.x:a:1", "0" * 64, jars, repository)
    assert not list(jars.iterdir())
    digest = hashlib.sha256(b"jar").hexdigest()
    fetch._fetch("org.x:a:1", digest, jars, repository)
    (folder / "a-1.jar").unlink()
    fetch._fetch("org.x:a:1", digest, jars, repository)
    assert [path.name for path in jars.iterdir()] == ["a-1.jar"]


@pytest.mark.parametrize(
    "listing", sorted((ROOT / "conf" / "jars").glob("*.txt")), ids=lambda p: p.stem
)
def test_lists_pin_one_version_of_each_artefact(listing: Path) -> None:
    """Every line is a SHA-256 and an artefact; hadoop-aws and Spark's committer are there."""
    lines = [line for line in listing.read_text().splitlines() if not line.startswith("#")]
    digests, artefacts = zip(*(line.split() for line in lines), strict=True)
    assert all(len(digest) == 64 and int(digest, 16) for digest in digests)
    names = [artefact.split(":")[1] for artefact in artefacts]
    assert len(set(names)) == len(names)
    assert {"hadoop-aws"} < set(names)
    assert any(name.startswith("spark-hadoop-cloud") for name in names)
