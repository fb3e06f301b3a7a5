"""The files for EMR, Dataproc, schedulers and spark-submit say what their services understand."""

from __future__ import annotations

import ast
import json
import re
import string
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.session import get_session
from botocore.stub import Stubber

from infimm_spark.config import load_config

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONF = Path(__file__).resolve().parents[2] / "conf"
VALUES = {
    "bucket": "my-bucket", "snapshot": "CC-MAIN-2026-47", "subnet": "subnet-1", "cluster": "j-1",
    "service_role": "role", "instance_profile": "profile", "application": "00f1",
    "role": "arn:aws:iam::123456789012:role/infimm", "region": "us-east-1",
    "prometheus": "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
}  # fmt: skip
MESSAGES: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("dataproc_v1.json").read_text()
)
"""Fields and kinds of Dataproc's v1 messages, as its protocol buffers have them."""


def properties(name: str) -> dict[str, str]:
    """conf/spark/NAME as Spark reads it."""
    lines = (line.strip() for line in (CONF / "spark" / name).read_text().splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {key: value.strip() for key, value in pairs}


def filled(path: Path) -> Any:
    """A JSON file with all its placeholders filled in."""
    values = defaultdict(lambda: "value", VALUES)
    return json.loads(string.Template(path.read_text()).substitute(values))


@pytest.mark.parametrize("name", ["extract.conf", "dedup.conf"])
def test_every_setting_is_known_to_spark(spark: SparkSession, name: str) -> None:
    """Spark's own registry knows each key and accepts its value."""
    jvm: Any = spark.sparkContext._jvm
    registry = jvm.org.apache.spark.internal.config.ConfigEntry
    conf = jvm.org.apache.spark.SparkConf(False)
    # Classes register their keys when they are loaded.
    for holder in ("Python", "Status", "UI", "History", "Network"):
        getattr(getattr(jvm.org.apache.spark.internal.config, f"{holder}$"), "MODULE$")
    strange = []
    for key, value in properties(name).items():
        if key.startswith(("spark.hadoop.", "spark.metrics.conf.", "spark.shuffle.io.")):
            continue
        entry = registry.findEntry(key)
        if entry is None:
            strange.append(key)
        elif not key.startswith("spark.sql."):
            conf.set(key, value)
            conf.get(entry)  # raises where the value is not of the entry's type
    assert strange == []


def test_memory_lies_where_each_stage_needs_it() -> None:
    """Extraction works outside the heap, dedup inside; an RLIMIT_AS on Python is never set."""

    def gigabytes(conf: dict[str, str], key: str) -> int:
        return int(conf[key].removesuffix("g"))

    extract, dedup = properties("extract.conf"), properties("dedup.conf")
    cores = int(extract["spark.executor.cores"])
    assert gigabytes(extract, "spark.executor.memoryOverhead") >= 1.5 * cores
    assert gigabytes(dedup, "spark.executor.memory") > gigabytes(
        dedup, "spark.executor.memoryOverhead"
    )
    for conf in (extract, dedup):
        assert "spark.executor.pyspark.memory" not in conf
        assert conf["spark.decommission.enabled"] == "true"
        assert conf["spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version"] == "1"


def strange_fields(value: Any, kind: str, where: str) -> list[str]:
    """What in `value` is not as the message `kind` has it."""
    if kind.startswith("[]"):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [
            s for i, v in enumerate(value) for s in strange_fields(v, kind[2:], f"{where}[{i}]")
        ]
    if kind in MESSAGES:
        found = []
        for key, inner in value.items():
            if key not in MESSAGES[kind]:
                found.append(f"{where}.{key} is unknown")
            else:
                found += strange_fields(inner, MESSAGES[kind][key], f"{where}.{key}")
        return found
    fits = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "duration": isinstance(value, str) and re.fullmatch(r"\d+s", value) is not None,
        "map": isinstance(value, dict) and all(isinstance(v, str) for v in value.values()),
    }
    if kind.startswith("enum:"):
        return [] if value in kind[5:].split("|") else [f"{where} = {value!r}"]
    return [] if fits.get(kind, False) else [f"{where} = {value!r} is no {kind}"]


@pytest.mark.parametrize("name", ["emr", "dataproc", "databricks"])
def test_platform_configurations_load_and_name_their_platform(name: str) -> None:
    """conf/emr/emr.yaml and conf/dataproc/dataproc.yaml are configurations of this version."""
    assert load_config(CONF / name / f"{name}.yaml").spark.platform == name


def test_the_state_machine_leads_to_an_end() -> None:
    """Each state is reachable and ends or names a next state; tasks fit their services' models."""
    machine = filled(CONF / "schedule" / "monthly-state-machine.json")
    states = machine["States"]
    reached, queue = set(), [machine["StartAt"]]
    while queue:
        name = queue.pop()
        if name in reached:
            continue
        reached.add(name)
        state = states[name]
        final = state["Type"] in ("Succeed", "Fail") or state.get("End")
        assert final or "Next" in state, name
        queue += [c["Next"] for c in state.get("Catch", [])]
        queue += [state["Next"]] if "Next" in state else []
    assert reached == set(states)
    model = get_session().get_service_model("emr-serverless").operation_model("StartJobRun")
    arguments = states["Build the increment"]["Arguments"]
    upper = {name[0].upper() + name[1:]: name for name in model.input_shape.members}
    assert set(arguments) <= set(upper)
    assert {n[0].upper() + n[1:] for n in model.input_shape.required_members} <= set(arguments)
    submit = model.input_shape.members["jobDriver"].members["sparkSubmit"].members
    given = arguments["JobDriver"]["SparkSubmit"]
    assert {name[0].lower() + name[1:] for name in given} <= set(submit)


def test_the_schedule_is_what_eventbridge_expects() -> None:
    """CreateSchedule of EventBridge Scheduler accepts the request."""
    request = filled(CONF / "schedule" / "eventbridge-schedule.json")
    request["Target"]["RoleArn"] = VALUES["role"]
    client = get_session().create_client(
        "scheduler", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        stub.add_response(
            "create_schedule", {"ScheduleArn": "arn:aws:scheduler:us-east-1:1:schedule/x"}, request
        )
        client.create_schedule(**request)
    assert "snapshot" in json.loads(request["Target"]["Input"])


def test_the_cloud_workflow_starts_a_batch_dataproc_knows() -> None:
    """Steps have known keys; the body of the batch has the fields of Dataproc's Batch."""
    workflow = yaml.safe_load((CONF / "schedule" / "workflow.yaml").read_text())
    steps = {name: step for item in workflow["main"]["steps"] for name, step in item.items()}
    known = {"assign", "call", "args", "result", "try", "retry", "return", "next", "switch"}
    for step in steps.values():
        assert set(step) <= known
    call = steps["build"]["try"]
    assert call["call"] == "googleapis.dataproc.v1.projects.locations.batches.create"
    assert strange_fields(call["args"]["body"], "Batch", "body") == []
    defined = {"args"} | {n for a in steps["names"]["assign"] for n in a} | {call["result"]}
    text = (CONF / "schedule" / "workflow.yaml").read_text()
    used = set(re.findall(r"\$\{[^}]*?\b(args|project|batch|done)\b", text))
    assert used <= defined


def test_scheduled_jobs_use_options_the_job_has() -> None:
    """Every scheduler passes `infimm monthly` options that it knows, and all it needs."""
    help_text = subprocess.run(
        [sys.executable, str(CONF.parent / "jobs" / "monthly.py"), "--help"],
        capture_output=True, text=True, timeout=60, env={"PYTHONPATH": str(CONF.parent), "COLUMNS": "160"},
    ).stdout  # fmt: skip
    machine = filled(CONF / "schedule" / "monthly-state-machine.json")
    task = machine["States"]["Build the increment"]["Arguments"]
    aws = task["JobDriver"]["SparkSubmit"]["EntryPointArguments"]
    workflow = yaml.safe_load((CONF / "schedule" / "workflow.yaml").read_text())
    google = workflow["main"]["steps"][1]["build"]["try"]["args"]["body"]["pysparkBatch"]["args"]
    dag = ast.parse((CONF / "schedule" / "airflow_dag.py").read_text())
    airflow = [n.value for n in ast.walk(dag) if isinstance(n, ast.Constant)]
    for arguments in (aws, google, airflow):
        options = {a for a in arguments if isinstance(a, str) and a.startswith("--")}
        assert options == {"--config", "--input", "--snapshot", "--releases", "--runs"}
        assert all(option in help_text for option in options)
