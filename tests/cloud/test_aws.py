"""EMR and EMR Serverless from prepare to stop, against moto's and botocore's stand-ins for AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infimm_spark import store
from infimm_spark.cloud.aws import Aws, aws_region
from infimm_spark.cloud.bundle import Bundle
from infimm_spark.cloud.emr import Emr
from infimm_spark.cloud.emr import Settings as EmrSettings
from infimm_spark.cloud.emr_serverless import EmrServerless, Settings
from infimm_spark.cloud.job_arguments import Build
from infimm_spark.cloud.platforms import State
from infimm_spark.cloud.sizes import Size
from infimm_spark.cloud.watch import watch
from infimm_spark.config import StoreConfig
from infimm_spark.errors import CloudError, ConfigError

REGION, BUCKET = "us-east-1", "infimm-test-bucket"
PREFIX = f"s3://{BUCKET}/infimm"
BUILD = Build(PREFIX, "s3://commoncrawl", "CC-MAIN-2026-47", limit=10)


@pytest.fixture
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An account without anything in it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # The policies that AWS itself offers are many: for the test that attaches one.
    managed = {"iam": {"load_aws_managed_policies": "cluster" in request.node.name}}
    with mock_aws(config=managed):
        store.configure(StoreConfig(region=REGION))  # forgets clients of before
        yield Aws(REGION)
    store.configure(StoreConfig())


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """An archive, newer than the code."""
    archive = tmp_path / "infimm-environment-emr-7-arm64.tar.gz"
    archive.write_bytes(b"archive")
    return Bundle(archive)


def keys() -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    return [entry["Key"] for entry in listed.get("Contents", [])]


def test_serverless_from_an_empty_account(
    aws: Aws, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """prepare makes bucket, role and application and uploads; submit starts a run; stop ends it."""
    platform = EmrServerless(aws, PREFIX, Settings())
    notes = platform.prepare(bundle, apply=True)
    assert keys() == [
        f"infimm/{name}"
        for name in ("code/infimm-environment-emr-7-arm64.tar.gz", "code/job.py",
                     "launches/emr-serverless.json")
    ]  # fmt: skip
    assert any("role infimm-spark-job" in note for note in notes)
    trust = boto3.client("iam").get_role(RoleName="infimm-spark-job")["Role"]
    assert "emr-serverless" in json.dumps(trust["AssumeRolePolicyDocument"])
    (application,) = boto3.client("emr-serverless").list_applications()["applications"]

    # Again: nothing is made twice.
    EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=True)
    assert len(boto3.client("emr-serverless").list_applications()["applications"]) == 1

    # Another machine knows the prefix only.
    other = EmrServerless(aws, PREFIX)
    line = other.submit(BUILD, Size.of(10, None), steps=False)
    client = boto3.client("emr-serverless")
    (run,) = client.list_job_runs(applicationId=application["id"])["jobRuns"]
    assert run["id"] in line
    found = client.get_job_run(applicationId=application["id"], jobRunId=run["id"])["jobRun"]
    assert found["jobDriver"]["sparkSubmit"]["entryPoint"] == f"{PREFIX}/code/job.py"
    assert found["executionRole"].endswith(":role/infimm-spark-job")
    said: list[str] = []
    watch(other, said.append, once=True)
    assert "nothing written yet" in said[0]
    # moto's runs are over as soon as they are looked at.
    monkeypatch.setattr(other, "state", lambda: State("RUNNING", is_over=False))
    assert other.stop(clean=False) == [f"cancelled job run {run['id']}"]
    ended = client.get_job_run(applicationId=application["id"], jobRunId=run["id"])["jobRun"]
    assert ended["state"] in ("CANCELLING", "CANCELLED")


def test_without_apply_the_role_is_printed(aws: Aws, bundle: Bundle) -> None:
    """Those who may not make roles get the commands for those who may."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    notes = "\n".join(EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=False))
    assert "aws iam create-role --role-name infimm-spark-job --assume-role-policy-document" in notes
    assert "aws iam put-role-policy" in notes
    assert boto3.client("iam").list_roles()["Roles"] == []


def test_a_missing_bucket_is_one_line(aws: Aws, bundle: Bundle) -> None:
    """It names the command that makes it."""
    with pytest.raises(
        CloudError, match=f"bucket {BUCKET} does not exist: aws s3 mb s3://{BUCKET}"
    ):
        EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=False)


def test_a_bucket_elsewhere_is_one_line(aws: Aws, bundle: Bundle) -> None:
    """Serverless reaches S3 of its own region only."""
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    with pytest.raises(CloudError, match=r"is in eu-west-1, and the job would run in us-east-1"):
        EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=True)


def test_newer_code_goes_along(aws: Aws, bundle: Bundle) -> None:
    """An archive built before the package changed is accompanied by the package."""
    import os

    os.utime(bundle.file, (1, 1))
    platform = EmrServerless(aws, PREFIX, Settings())
    platform.prepare(bundle, apply=True)
    assert "infimm/code/infimm_spark.zip" in keys()
    job = platform.job("build", BUILD, Size.of(10, None))
    submitted = job["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"]
    assert f"spark.submit.pyFiles={PREFIX}/code/infimm_spark.zip" in submitted


class Answers(Aws):
    """AWS that says of a job run what the test wants."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(REGION)
        self.words = words
        self.started: list[dict[str, Any]] = []

    def send(self, request: Any) -> dict[str, Any]:
        if request.operation == "get_job_run":
            return {"jobRun": {"state": self.words.pop(0), "stateDetails": "Job failed:\n exit 6"}}
        if request.operation == "start_job_run":
            self.started.append(request.body)
            return {"jobRunId": f"run{len(self.started)}"}
        return super().send(request)


def test_steps_of_serverless_follow_each_other(aws: Aws, bundle: Bundle) -> None:
    """watch starts the next stage when one has succeeded, and ends after the last."""
    EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=True)
    api = Answers(["RUNNING", *["SUCCESS"] * 4])
    platform = EmrServerless(api, PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=True)
    funnel = "extract  read 10"
    store.write_bytes(f"{BUILD.run}/report/funnel.txt", funnel.encode())
    said: list[str] = []
    watch(platform, said.append, sleep=lambda _: None)
    names = [body["name"].split()[1] for body in api.started]
    assert names == ["extract", "dedup", "refine", "publish"]
    assert len({body["clientToken"] for body in api.started}) == 4
    assert any(funnel in line for line in said)
    assert said[-1] == f"\ncorpus  {BUILD.run}/corpus"


def test_a_failed_job_is_one_line(aws: Aws, bundle: Bundle) -> None:
    """The platform's reason and the place of the logs; nothing more is started."""
    EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=True)
    api = Answers(["FAILED"])
    platform = EmrServerless(api, PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=True)
    with pytest.raises(CloudError) as failed:
        watch(platform, lambda _: None)
    line = str(failed.value)
    assert "FAILED (extract FAILED): Job failed: exit 6" in line
    assert f"{PREFIX}/logs/emr-serverless/applications/" in line
    assert len(api.started) == 1


def test_progress_is_what_the_run_has_written(aws: Aws, bundle: Bundle) -> None:
    """Groups of WARC files with their counts, and the stages that are complete."""
    EmrServerless(aws, PREFIX, Settings()).prepare(bundle, apply=True)
    platform = EmrServerless(Answers(["RUNNING"]), PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=False)
    for index in range(2):
        manifest = json.dumps({"counts": {"read": 1_000, "kept": 30}}).encode()
        store.write_bytes(f"{BUILD.run}/extract/manifests/group-{index:05d}.json", manifest)
    store.write_bytes(f"{BUILD.run}/extract/manifest.json", b"{}")
    said: list[str] = []
    watch(platform, said.append, once=True)
    assert said[0].endswith(
        "RUNNING (build RUNNING); 2 groups of WARC files, 2,000 records read, 60 kept; "
        "complete: extract"
    )


def test_cleaning_up_leaves_runs(aws: Aws, bundle: Bundle) -> None:
    """Application, role, code, logs and the record go; what the build wrote stays."""
    platform = EmrServerless(aws, PREFIX, Settings())
    platform.prepare(bundle, apply=True)
    store.write_bytes(f"{BUILD.run}/report/funnel.txt", b"funnel")
    client = boto3.client("emr-serverless")
    (application,) = client.list_applications()["applications"]
    client.stop_application(applicationId=application["id"])
    EmrServerless(aws, PREFIX).stop(clean=True)
    assert keys() == ["infimm/runs/CC-MAIN-2026-47-first-10/report/funnel.txt"]
    assert boto3.client("iam").list_roles()["Roles"] == []
    left = client.list_applications()["applications"]
    assert [known["state"] for known in left] in ([], ["TERMINATED"])


def test_a_cluster_from_an_empty_account(aws: Aws, bundle: Bundle) -> None:
    """Roles, instance profile and tags of the network; a cluster with its steps; its end."""
    subnet = boto3.client("ec2").describe_subnets()["Subnets"][0]
    settings = EmrSettings(subnets=(subnet["SubnetId"],))
    Emr(aws, PREFIX, settings).prepare(bundle, apply=True)
    profile = boto3.client("iam").get_instance_profile(InstanceProfileName="infimm-spark-emr-ec2")
    assert [r["RoleName"] for r in profile["InstanceProfile"]["Roles"]] == ["infimm-spark-emr-ec2"]
    (found,) = boto3.client("ec2").describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"]
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags["for-use-with-amazon-emr-managed-policies"] == "true"

    platform = Emr(aws, PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=True)
    client = boto3.client("emr")
    (cluster,) = client.list_clusters()["Clusters"]
    steps = client.list_steps(ClusterId=cluster["Id"])["Steps"]
    assert {step["Name"] for step in steps} == {"extract", "dedup", "refine", "publish"}
    state = platform.state()
    assert not state.is_over
    assert platform.stop(clean=True)[0] == f"ended cluster {cluster['Id']}"
    assert platform_state(client, cluster["Id"]) in ("TERMINATING", "TERMINATED")
    assert boto3.client("iam").list_roles()["Roles"] == []


def platform_state(client: Any, cluster: str) -> str:
    found = client.describe_cluster(ClusterId=cluster)["Cluster"]
    return str(found["Status"]["State"])


def test_nothing_is_submitted_before_prepare(aws: Aws) -> None:
    """One line names the command that comes first."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    with pytest.raises(CloudError, match="expected infimm cloud emr-serverless prepare --prefix"):
        EmrServerless(aws, PREFIX).submit(BUILD, Size.of(10, None), steps=False)
    with pytest.raises(CloudError, match="expected infimm cloud emr submit --prefix"):
        Emr(aws, PREFIX).state()


def test_a_region_is_asked_for_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, boto3 would print its own trace."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(ConfigError, match="no AWS region is set; expected --region us-east-1"):
        aws_region(None)
    assert aws_region("eu-west-1") == "eu-west-1"


def test_a_refusal_is_one_line_with_its_code(aws: Aws) -> None:
    """botocore's error becomes the service, the operation, the code and the message."""
    from infimm_spark.cloud.api import Request

    with pytest.raises(CloudError) as refused:
        aws.send(Request("iam", "get_role", {"RoleName": "nobody"}))
    assert refused.value.code == "NoSuchEntity"
    assert str(refused.value).startswith("AWS refuses iam get_role: NoSuchEntity: ")
