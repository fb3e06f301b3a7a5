"""Dataproc from prepare to stop, against a stand-in for Google's REST APIs."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infimm_spark.cloud.api import Request
from infimm_spark.cloud.bundle import Bundle
from infimm_spark.cloud.dataproc import Dataproc, Settings
from infimm_spark.cloud.google import Google, with_binding
from infimm_spark.cloud.job_arguments import Build
from infimm_spark.cloud.sizes import Size
from infimm_spark.cloud.watch import watch
from infimm_spark.errors import CloudError

PREFIX = "gs://my-bucket/infimm"
BUILD = Build(PREFIX, "https://data.commoncrawl.org", "CC-MAIN-2026-47", limit=10)
OPERATION = "projects/my-project/regions/us-central1/operations/one"


class Project(Google):
    """A project in memory: what is sent to it, what it says of an operation, and its bucket."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Request] = []
        self.there: set[str] = set()
        self.operations: list[dict[str, Any]] = []
        self.objects: dict[str, bytes] = {}

    def send(self, request: Request) -> dict[str, Any]:
        self.sent.append(request)
        if request.operation.endswith(OPERATION) and request.service == "GET":
            return self.operations.pop(0)
        if "instantiateInline" in request.operation:
            return {"name": OPERATION}
        if "IamPolicy" in request.operation:
            return {"etag": "1", "bindings": [{"role": "roles/owner", "members": ["user:me"]}]}
        if request.operation.endswith("/iam"):
            return {}
        if request.service == "GET" and request.operation not in self.there:
            raise CloudError("Google refuses: not found", "404")
        if request.operation in self.there and request.service == "POST":
            raise CloudError("Google refuses: it exists", "409")
        return {}

    def write(self, location: str, content: bytes) -> None:
        self.objects[location] = content

    def read(self, location: str) -> bytes | None:
        return self.objects.get(location)

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self.objects if name.startswith(f"{folder}/"))

    def delete(self, location: str) -> None:
        for name in self.names(location):
            del self.objects[name]


def operation(word: str, *, done: bool = False, **nodes: str) -> dict[str, Any]:
    graph = {"nodes": [{"stepId": step, "state": state} for step, state in nodes.items()]}
    return {"done": done, "metadata": {"state": word, "graph": graph}}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    archive = tmp_path / "infimm-environment-dataproc-2.3.tar.gz"
    archive.write_bytes(b"archive")
    return Bundle(archive)


def test_a_workflow_from_an_empty_project(bundle: Bundle) -> None:
    """Services, bucket, account and grants; then the workflow, its end, and the funnel."""
    project = Project()
    account = "https://iam.googleapis.com/v1/projects/my-project/serviceAccounts"
    project.there = {account}  # made by an earlier try
    notes = Dataproc(project, PREFIX, Settings("my-project", private=True)).prepare(
        bundle, apply=True
    )
    urls = [request.operation for request in project.sent]
    for part in ("services:batchEnable", "/storage/v1/b?project=", "/serviceAccounts", "/routers"):
        assert any(part in url for url in urls), part
    (granted,) = [r.body for r in project.sent if r.operation.endswith(":setIamPolicy")]
    assert granted["policy"]["etag"] == "1"
    assert {"role": "roles/owner", "members": ["user:me"]} in granted["policy"]["bindings"]
    assert any("bucket my-bucket" in note for note in notes)
    assert f"{PREFIX}/code/job.py" in project.objects

    project.operations = [
        operation("PENDING"),
        operation("RUNNING", extract="RUNNING", dedup="BLOCKED"),
        operation("DONE", done=True, extract="COMPLETED", dedup="COMPLETED"),
    ]
    platform = Dataproc(project, PREFIX)
    assert OPERATION in platform.submit(BUILD, Size.of(10, None), steps=True)
    project.objects[f"{BUILD.run}/report/funnel.txt"] = b"extract  read 10"
    said: list[str] = []
    watch(platform, said.append, sleep=lambda _: None)
    assert "PENDING" in said[0]
    assert "RUNNING (extract RUNNING, dedup BLOCKED)" in said[1]
    assert any("extract  read 10" in line for line in said)


def test_without_apply_only_files_are_written(bundle: Bundle) -> None:
    """The commands for the rest are printed."""
    project = Project()
    notes = "\n".join(
        Dataproc(project, PREFIX, Settings("my-project", private=True)).prepare(bundle, apply=False)
    )
    assert project.sent == []
    for command in ("gcloud services enable", "service-accounts create", "routers nats create"):
        assert command in notes


def test_a_failed_workflow_is_one_line(bundle: Bundle) -> None:
    """The step that failed, and Google's message."""
    project = Project()
    Dataproc(project, PREFIX, Settings("my-project")).prepare(bundle, apply=True)
    platform = Dataproc(project, PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=True)
    failed = operation("DONE", done=True, extract="FAILED", dedup="BLOCKED")
    project.operations = [{**failed, "error": {"message": "Job failed:\nexit 6"}}]
    with pytest.raises(CloudError, match=r"extract FAILED, dedup BLOCKED\): Job failed: exit 6;"):
        watch(platform, lambda _: None)


def test_stopping_cancels_and_cleans(bundle: Bundle) -> None:
    """The workflow deletes its cluster itself; runs stay."""
    project = Project()
    Dataproc(project, PREFIX, Settings("my-project")).prepare(bundle, apply=True)
    platform = Dataproc(project, PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=False)
    project.objects[f"{BUILD.run}/run.json"] = b"{}"
    project.operations = [operation("RUNNING")]
    platform.stop(clean=True)
    assert any(r.operation.endswith(f"{OPERATION}:cancel") for r in project.sent)
    assert list(project.objects) == [f"{BUILD.run}/run.json"]


def test_a_policy_keeps_what_it_had() -> None:
    """A member is added to a role's binding, once; conditional bindings are left alone."""
    bound = {"role": "r", "members": ["a"]}
    conditional = {"role": "r", "members": ["x"], "condition": {"title": "t"}}
    policy = {"etag": "1", "bindings": [conditional, bound]}
    expected = [conditional, {"role": "r", "members": ["a", "b"]}]
    once = with_binding(policy, "r", "b")
    assert once == {"etag": "1", "bindings": expected}
    assert with_binding(once, "r", "b") == once
    assert with_binding({}, "r", "b") == {"bindings": [{"role": "r", "members": ["b"]}]}
    assert policy["bindings"] == [conditional, {"role": "r", "members": ["a"]}]


@pytest.fixture
def server() -> Iterator[str]:
    """A server that takes a POST to /good and refuses everything else as Google does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            good = self.path == "/good" and self.headers["Authorization"] == "Bearer t"
            said = {"echo": json.loads(body)} if good else {"error": {"message": "no\nquota"}}
            content = json.dumps(said).encode()
            self.send_response(200 if good else 429)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_requests_carry_the_credentials(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent arrives; a refusal is one line with its status."""
    monkeypatch.setattr(Google, "_credentials", lambda self: {"Authorization": "Bearer t"})
    google = Google()
    assert google.send(Request("POST", f"{server}/good", {"a": 1})) == {"echo": {"a": 1}}
    with pytest.raises(CloudError, match=re.escape("Google refuses POST")) as refused:
        google.send(Request("POST", f"{server}/other", {}))
    assert refused.value.code == "429"
    assert str(refused.value).endswith("no quota")
