"""A dry run of each platform writes requests that the platform's own models accept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cloud_runs import PREFIXES, SNAPSHOT, Cloud

from infimm_spark.cloud.api import Request
from infimm_spark.cloud.aws import invalid
from infimm_spark.cloud.sizes import Size, spark_settings
from infimm_spark.errors import ConfigError

PLATFORMS = sorted(PREFIXES)
CONF = Path(__file__).resolve().parents[2] / "conf"
SERVICES = ("emr-serverless", "emr", "iam", "ec2", "s3")


def aws_request(file: Path) -> Request:
    """The request that a file of a dry run holds, by its name."""
    what = file.stem[3:]
    service = next(name for name in SERVICES if what.startswith(f"{name}-"))
    operation = what.removeprefix(f"{service}-").replace("-", "_")
    return Request(service, operation, json.loads(file.read_text()))


@pytest.mark.parametrize("platform", ["emr-serverless", "emr"])
def test_every_request_to_aws_fits_its_service_model(cloud: Cloud, platform: str) -> None:
    """Keys, types and enumerations of all requests are known to botocore."""
    cloud(platform, "prepare", "--apply")
    cloud(platform, "submit", "--limit", "10", "--steps")
    written = cloud(platform, "stop", "--clean")
    requests = [aws_request(file) for file in sorted(written.folder.glob("*.json"))]
    assert len(requests) >= 8
    for request in requests:
        assert invalid(request) == "", request.operation
        line = f"aws {request.service} {request.operation.replace('_', '-')} "
        assert line in written.commands


def test_a_wrong_request_is_named(cloud: Cloud) -> None:
    """An unknown key, a wrong type and a value outside an enumeration are each found."""
    request = cloud("emr", "submit", "--limit", "10").body("run-job-flow")
    request["Instances"]["InstanceFleets"][0]["InstanceFleetType"] = "LEADER"
    request["Instances"]["Fleets"] = []
    request["StepConcurrencyLevel"] = "one"
    problems = invalid(Request("emr", "run_job_flow", request))
    assert "Instances.InstanceFleets.0.InstanceFleetType is 'LEADER'; expected one of" in problems
    assert "unknown key Instances.Fleets" in problems
    assert "StepConcurrencyLevel" in problems


@pytest.mark.parametrize("cores", [[], ["--cores", "480"]])
def test_the_workflow_is_a_message_of_dataproc(cloud: Cloud, cores: list[str]) -> None:
    """Google's own message takes every field, type and enumeration, with and without Spot."""
    dataproc = pytest.importorskip("google.cloud.dataproc_v1")
    cloud("dataproc", "prepare", "--private")
    body = cloud("dataproc", "submit", "--limit", "10", *cores).body("instantiateInline")
    message = dataproc.WorkflowTemplate.from_json(json.dumps(body))
    assert [job.step_id for job in message.jobs] == ["extract", "dedup", "refine", "publish"]
    assert list(message.jobs[3].prerequisite_step_ids) == ["refine"]
    config = message.placement.managed_cluster.config
    assert config.gce_cluster_config.internal_ip_only
    spot = dataproc.InstanceGroupConfig.Preemptibility.SPOT
    assert (config.secondary_worker_config.preemptibility == spot) == bool(cores)
    with pytest.raises(Exception, match="lables"):
        dataproc.WorkflowTemplate.from_json(json.dumps({**body, "lables": {}}))


@pytest.mark.parametrize("cloud_name", ["aws", "azure", "gcp"])
def test_the_job_is_one_of_databricks(cloud: Cloud, cloud_name: str) -> None:
    """Read as the SDK's settings of a job and written again, nothing is lost."""
    jobs = pytest.importorskip("databricks.sdk.service.jobs")
    cloud("databricks", "prepare", "--cloud", cloud_name, "--user", "me@example.org")
    written = cloud("databricks", "submit", "--limit", "10", "--cores", "480")
    body = written.body("jobs-create")
    assert jobs.JobSettings.from_dict(body).as_dict() == body
    cluster = body["job_clusters"][0]["new_cluster"]
    assert cluster["data_security_mode"] == "SINGLE_USER"
    assert cluster["spark_version"] == "17.3.x-scala2.13"
    assert any(key.startswith(cloud_name) for key in cluster)
    assert [t["task_key"] for t in body["tasks"]] == ["extract", "dedup", "refine", "publish"]
    assert body["tasks"][2]["depends_on"] == [{"task_key": "dedup"}]
    assert written.body("run-now")["job_id"] == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_is_left_to_fill_in(cloud: Cloud, platform: str) -> None:
    """No placeholder, no old name; every location is below the prefix or is Common Crawl's."""
    cloud(platform, "prepare", "--apply")
    cloud(platform, "submit", "--limit", "10")
    written = cloud(platform, "stop", "--clean")
    texts = [file.read_text() for file in written.folder.rglob("*") if file.is_file()]
    for text in texts:
        assert "${" not in text.replace("${pip[@]}", "")
        # Beyond a bucket's own name.
        for location in re.findall(r"(?:s3|gs)://[^\s\"',#/]+/[^\s\"',#]+", text):
            assert location.startswith((PREFIXES[platform], "s3://commoncrawl")), location


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("steps", ["--steps", "--one-job"])
def test_jobs_call_commands_that_exist(cloud: Cloud, platform: str, steps: str) -> None:
    """Each job's arguments are a command of this version with options it has."""
    from typer.main import get_command

    from infimm_spark.cli import app

    cloud(platform, "prepare")
    written = cloud(platform, "submit", "--limit", "10", steps, "--set", "rejects.fraction=0.5")
    calls = list(arguments(written.bodies("-")))
    assert [call[0] for call in calls] == (
        ["build"]
        if steps == "--one-job"
        # Serverless has no steps: one waits for the other in what is remembered.
        else ["extract", "dedup", "refine", "publish"][: 1 if platform == "emr-serverless" else 4]
    )
    commands = get_command(app)
    for call in calls:
        command = commands.get_command(None, call[0])
        context = command.make_context(call[0], call[1:])
        assert context.params["set_"] == ["rejects.fraction=0.5"]
        assert context.params["resume"]
        run = f"{PREFIXES[platform]}/runs/{SNAPSHOT}-first-10"
        if call[0] in ("build", "extract"):
            assert context.params["limit"] == 10
            assert context.params["snapshot"] == [SNAPSHOT]
            assert context.params["output"] == run
        else:
            assert context.params["run"] == run


def arguments(value: Any) -> Any:
    """Argument lists of our jobs anywhere in requests, in order."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from arguments(inner)
    elif isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        if "--config" in value:
            start = next((i + 1 for i, v in enumerate(value) if v.endswith("/job.py")), 0)
            yield value[start:]
    elif isinstance(value, list):
        for inner in value:
            yield from arguments(inner)


@pytest.mark.parametrize(
    ("options", "target", "architecture"),
    [
        ((), "emr-7-arm64", "ARM64"),
        (("--architecture", "x86_64"), "emr-7-x86_64", "X86_64"),
        (("--release", "emr-8.1.0"), "emr-8-arm64", "ARM64"),
    ],
)
def test_the_archive_is_that_of_the_application(
    cloud: Cloud, options: tuple[str, ...], target: str, architecture: str
) -> None:
    """Architecture and release decide both, so that they cannot differ."""
    application = cloud("emr-serverless", "prepare", *options).body("create-application")
    assert application["architecture"] == architecture
    written = cloud("emr-serverless", "submit", "--limit", "10")
    submitted = written.body("start-job-run")["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"]
    archive = f"{PREFIXES['emr-serverless']}/code/infimm-environment-{target}.tar.gz"
    assert f"spark.archives={archive}#environment" in submitted
    assert f" {archive}\n" in written.commands


def test_two_submissions_are_two_jobs(cloud: Cloud) -> None:
    """A token that is the same twice would make the second submission the first one again."""
    cloud("emr-serverless", "prepare")
    cloud("emr-serverless", "submit", "--limit", "10")
    written = cloud("emr-serverless", "submit", "--limit", "10")
    first, second = written.bodies("start-job-run")
    assert first["clientToken"] != second["clientToken"]
    assert {**first, "clientToken": ""} == {**second, "clientToken": ""}


def test_a_trial_fits_a_new_account(cloud: Cloud) -> None:
    """Ten WARC files run within the first quotas: 16 vCPUs on EMR Serverless, 24 on Google."""
    cloud("emr-serverless", "prepare")
    submitted = cloud("emr-serverless", "submit", "--limit", "10")
    assert "predicted: " in submitted.output
    assert " USD" in submitted.output
    parameters = submitted.body("start-job-run")["jobDriver"]["sparkSubmit"]
    conf = dict(re.findall(r"--conf (\S+?)=(\S+)", parameters["sparkSubmitParameters"]))
    executors = int(conf["spark.dynamicAllocation.maxExecutors"])
    driver = int(conf["spark.driver.cores"])
    assert driver + executors * int(conf["spark.executor.cores"]) <= 16
    assert int(conf["spark.sql.shuffle.partitions"]) < 100
    cloud("dataproc", "prepare")
    workflow = cloud("dataproc", "submit", "--limit", "10").body("instantiateInline")
    config = workflow["placement"]["managedCluster"]["config"]
    machines = [config["masterConfig"], config["workerConfig"]]
    cores = [int(m["machineTypeUri"].rpartition("-")[2]) * m["numInstances"] for m in machines]
    assert sum(cores) <= 24


def test_workers_of_serverless_have_sizes_that_exist(cloud: Cloud) -> None:
    """A worker of 4 vCPUs may have 8 to 30 GB, overhead included."""
    cloud("emr-serverless", "prepare")
    cloud("emr-serverless", "submit", "--steps")
    remembered = cloud("emr-serverless", "watch").file(
        f"{PREFIXES['emr-serverless']}/launches/emr-serverless.json"
    )
    requests = json.loads(remembered)["job"]["requests"]
    assert sorted(requests) == ["dedup", "publish", "refine"]
    for request in requests.values():
        parameters = request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"]
        conf = dict(re.findall(r"--conf (\S+?)=(\S+)", parameters))
        for who, overhead in (
            ("driver", 1),
            ("executor", int(conf["spark.executor.memoryOverhead"].removesuffix("g"))),
        ):
            assert conf[f"spark.{who}.cores"] == "4"
            assert 8 <= int(conf[f"spark.{who}.memory"].removesuffix("g")) + overhead <= 30


def test_a_large_cluster_loses_only_tasks_with_spot_machines(cloud: Cloud) -> None:
    """Primary and core machines stay; the fleet on Spot chooses among five types and more."""
    cloud("emr", "prepare")
    request = cloud("emr", "submit", "--cores", "512").body("run-job-flow")
    fleets = request["Instances"]["InstanceFleets"]
    spot = {f["InstanceFleetType"]: f["TargetSpotCapacity"] for f in fleets}
    assert spot == {"MASTER": 0, "CORE": 0, "TASK": 480}
    types = [c["InstanceType"] for c in fleets[2]["InstanceTypeConfigs"]]
    assert len(types) == len(set(types)) >= 5


@pytest.mark.parametrize(("stage", "source"), [("extract", "extract"), ("dedup", "dedup")])
def test_jobs_carry_the_settings_of_conf_spark(cloud: Cloud, stage: str, source: str) -> None:
    """Steps repeat conf/spark key by key: a properties file would replace the platform's own."""
    wanted = spark_settings(source, Size(480))
    cloud("emr", "prepare")
    steps = cloud("emr", "submit").body("run-job-flow")["Steps"]
    step = next(s for s in steps if s["Name"] == stage)["HadoopJarStep"]["Args"]
    assert wanted.items() <= dict(a.split("=", 1) for a in step if a.startswith("spark.")).items()
    cloud("dataproc", "prepare")
    jobs = cloud("dataproc", "submit").body("instantiateInline")["jobs"]
    job = next(j for j in jobs if j["stepId"] == stage)["pysparkJob"]
    assert wanted.items() <= job["properties"].items()


def test_the_policy_allows_no_more_than_a_run_needs(cloud: Cloud) -> None:
    """Common Crawl is read only; writing is limited to folders of the prefix; no wildcard action,
    and the role is for this account's jobs only."""
    written = cloud("emr-serverless", "prepare", "--apply")
    policy = json.loads(written.body("put-role-policy")["PolicyDocument"])
    trust = json.loads(written.body("create-role")["AssumeRolePolicyDocument"])
    (taken,) = trust["Statement"]
    assert taken["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert "aws:SourceAccount" in taken["Condition"]["StringEquals"]
    for statement in policy["Statement"]:
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert not any("*" in action for action in statement["Action"])
        writes = [a for a in statement["Action"] if re.search("Put|Delete|Abort", a)]
        for resource in statement["Resource"]:
            assert resource.startswith(("arn:aws:s3:::commoncrawl", "arn:aws:s3:::my-bucket"))
            if writes:
                folders = (
                    r"arn:aws:s3:::my-bucket/team/infimm/(runs|releases|logs)(/\*|_\$folder\$)"
                )
                assert re.fullmatch(folders, resource)
    allowed = {a for s in policy["Statement"] for a in s["Action"]}
    assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"} <= allowed


def test_the_event_log_has_its_folder(cloud: Cloud) -> None:
    """Spark does not make it, and Dataproc's history server reads it."""
    written = cloud("dataproc", "prepare")
    folder = f"{PREFIXES['dataproc']}/logs/spark-events/"
    assert written.file(f"{folder}.keep") == b""
    body = cloud("dataproc", "submit", "--limit", "1").body("instantiateInline")
    config = body["placement"]["managedCluster"]["config"]
    assert config["softwareConfig"]["properties"]["spark:spark.eventLog.dir"] == folder


def test_a_dry_run_of_grants_replaces_no_policy(cloud: Cloud) -> None:
    """A project's policy is written as a whole; without reading it first nothing may be sent."""
    written = cloud("dataproc", "prepare", "--apply")
    assert "setIamPolicy" not in written.commands
    assert "gcloud projects add-iam-policy-binding my-project --member" in written.commands


def test_the_job_of_conf_is_what_submit_sends(cloud: Cloud) -> None:
    """conf/databricks/job.json is written by a dry run of a whole snapshot."""
    cloud("databricks", "prepare")
    body = cloud("databricks", "submit").body("jobs-create")
    assert json.loads((CONF / "databricks" / "job.json").read_text()) == body


def test_the_init_script_installs_what_the_wheel_needs(cloud: Cloud) -> None:
    """The wheel's own location, its requirements without Spark, and nothing of other extras."""
    written = cloud("databricks", "prepare")
    code = f"{PREFIXES['databricks']}/code"
    script = written.file(f"{code}/init.sh").decode()
    assert re.search(rf"^wheel={code}/infimm_spark-\S+\.whl$", script, re.MULTILINE)
    wanted = written.file(f"{code}/requirements.txt").decode().splitlines()
    names = {re.split(r"[<>=\[ ]", line)[0] for line in wanted}
    assert {"fastwarc", "boto3", "google-auth"} <= names
    assert names.isdisjoint({"pyspark", "scipy", "databricks-sdk", "pytest"})


@pytest.mark.parametrize(
    ("platform", "prefix"),
    [
        ("emr", "s3://bucket"),
        ("emr-serverless", "gs://bucket/infimm"),
        ("dataproc", "s3://bucket/infimm"),
        ("databricks", "/Volumes/main/default"),
        ("databricks", "s3://bucket/infimm"),
    ],
)
def test_a_prefix_of_another_kind_is_one_line(cloud: Cloud, platform: str, prefix: str) -> None:
    """The line shows what was given and the form that is expected."""
    with pytest.raises(ConfigError, match=f"--prefix {prefix}: expected "):
        cloud(platform, "prepare", "--prefix", prefix)


@pytest.mark.parametrize(
    ("platform", "options", "line"),
    [
        ("emr-serverless", ("--region", "eu-west-1"), "eu-west-1 without subnets cannot reach"),
        ("emr-serverless", ("--release", "emr-6.15.0"), "expected a release of EMR 7 or 8"),
        ("emr-serverless", ("--architecture", "sparc"), "expected arm64 or x86_64"),
        ("dataproc", ("--image", "2.0-debian10"), "expected an image 2.3 or 3.0"),
        ("databricks", ("--cloud", "oracle"), "expected aws, azure or gcp"),
    ],
)
def test_what_cannot_work_is_refused(
    cloud: Cloud, platform: str, options: tuple[str, ...], line: str
) -> None:
    """Before anything is uploaded."""
    with pytest.raises(ConfigError, match=line):
        cloud(platform, "prepare", *options)
