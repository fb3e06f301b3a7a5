"""Databricks from prepare to stop: the SDK against a workspace in memory."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infimm_spark.cloud.bundle import Bundle
from infimm_spark.cloud.databricks import Databricks, Settings, Workspace
from infimm_spark.cloud.job_arguments import Build
from infimm_spark.cloud.sizes import Size
from infimm_spark.cloud.watch import watch
from infimm_spark.errors import CloudError, ConfigError

pytest.importorskip("databricks.sdk")

PREFIX = "/Volumes/main/default/corpora/infimm"
BUILD = Build(PREFIX, "https://data.commoncrawl.org", "CC-MAIN-2026-47", limit=10)
WHEEL = "infimm_spark-0.1.0-py3-none-any.whl"


class FakeWorkspace:
    """Files of a volume and what was asked of the APIs."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.has_volume = False
        self.states: list[dict[str, Any]] = []

    def answer(self, verb: str, path: str, query: dict[str, str], data: bytes) -> Any:
        if path.startswith(("/api/2.0/fs/files", "/api/2.0/fs/directories")):
            return self.file(verb, path)
        body = json.loads(data) if data else query
        self.asked.append((verb, path, body))
        if path.startswith("/api/2.1/unity-catalog/volumes/") and not self.has_volume:
            return 404, {"error_code": "VOLUME_DOES_NOT_EXIST", "message": "no such volume"}
        answers: dict[str, Any] = {
            "/api/2.2/jobs/create": {"job_id": 11},
            "/api/2.2/jobs/run-now": {"run_id": 77},
        }
        if path == "/api/2.2/jobs/runs/get":
            return 200, self.states.pop(0)
        return 200, answers.get(path, {})

    def file(self, verb: str, path: str) -> Any:
        name = path.removeprefix("/api/2.0/fs/files").removeprefix("/api/2.0/fs/directories")
        name = name.rstrip("/")
        if path.startswith("/api/2.0/fs/directories"):
            inside = [n for n in self.files if n.startswith(f"{name}/")]
            if verb == "GET":
                direct = {n[len(name) + 1 :].partition("/")[0] for n in inside}
                contents = [
                    {"path": f"{name}/{d}", "is_directory": f"{name}/{d}" not in self.files}
                    for d in sorted(direct)
                ]
                missing = {"error_code": "NOT_FOUND", "message": "no such folder"}
                return (200, {"contents": contents}) if inside else (404, missing)
            return 204, None
        if verb == "DELETE":
            del self.files[name]
            return 204, None
        if name not in self.files:
            return 404, {"error_code": "NOT_FOUND", "message": "no such file"}
        return 200, self.files[name]


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeWorkspace]:
    """A workspace that the SDK reaches by HTTP."""
    fake = FakeWorkspace()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            path, query = (
                urllib.parse.unquote(parts.path),
                dict(urllib.parse.parse_qsl(parts.query)),
            )
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "PUT" and path.startswith("/api/2.0/fs/files"):
                fake.files[path.removeprefix("/api/2.0/fs/files")] = data
                status, content = 204, None
            else:
                status, content = fake.answer(self.command, path, query, data)
            body = b"" if content is None else content
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("DATABRICKS_HOST", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-test")
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
        yield fake
        running.shutdown()


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    wheel = tmp_path / WHEEL
    wheel.write_bytes(b"wheel")
    return Bundle(wheel)


def state(word: str, result: str = "", **tasks: str) -> dict[str, Any]:
    return {
        "state": {"life_cycle_state": word, **({"result_state": result} if result else {})},
        "tasks": [{"task_key": k, "state": {"life_cycle_state": v}} for k, v in tasks.items()],
    }


def test_a_job_from_an_empty_workspace(workspace: FakeWorkspace, bundle: Bundle) -> None:
    """Volume, wheel, init script and the job's script; a job that is made once and run twice."""
    Databricks(Workspace(), PREFIX, Settings()).prepare(bundle, apply=True)
    code = f"{PREFIX}/code"
    assert workspace.files[f"{code}/{WHEEL}"] == b"wheel"
    assert f"wheel={code}/{WHEEL}\n".encode() in workspace.files[f"{code}/init.sh"]
    (volume,) = [b for v, p, b in workspace.asked if (v, p[-7:]) == ("POST", "volumes")]
    assert volume["name"] == "corpora"
    (script,) = [b for _, p, b in workspace.asked if p.endswith("workspace/import")]
    assert b"from infimm_spark.cli import main" in base64.b64decode(script["content"])

    platform = Databricks(Workspace(), PREFIX)
    for _ in range(2):
        assert platform.submit(BUILD, Size.of(10, None), steps=True) == "run 77 of job 11"
    paths = [path for _, path, _ in workspace.asked]
    assert paths.count("/api/2.2/jobs/create") == 1
    assert paths.count("/api/2.2/jobs/reset") == 1
    tokens = [b["idempotency_token"] for _, p, b in workspace.asked if p.endswith("run-now")]
    assert len(set(tokens)) == 2

    workspace.states = [
        state("RUNNING", extract="RUNNING", dedup="BLOCKED"),
        state("TERMINATED", "SUCCESS", extract="TERMINATED"),
    ]
    manifest = json.dumps({"counts": {"read": 9, "kept": 1}}).encode()
    workspace.files[f"{BUILD.run}/extract/manifests/group-00000.json"] = manifest
    workspace.files[f"{BUILD.run}/report/funnel.txt"] = b"extract  read 9"
    said: list[str] = []
    watch(platform, said.append, sleep=lambda _: None)
    assert "RUNNING (extract RUNNING, dedup BLOCKED); 1 group of WARC files, 9 records" in said[0]
    assert "\nextract  read 9" in said


def test_a_missing_volume_is_one_line(workspace: FakeWorkspace, bundle: Bundle) -> None:
    """It names the command that makes it."""
    with pytest.raises(CloudError, match="databricks volumes create main default corpora MANAGED"):
        Databricks(Workspace(), PREFIX, Settings()).prepare(bundle, apply=False)


def test_stopping_cancels_and_cleans(workspace: FakeWorkspace, bundle: Bundle) -> None:
    """Runs stay; the job, the scripts and the code go."""
    Databricks(Workspace(), PREFIX, Settings()).prepare(bundle, apply=True)
    platform = Databricks(Workspace(), PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=False)
    workspace.files[f"{BUILD.run}/run.json"] = b"{}"
    workspace.states = [state("RUNNING")]
    notes = platform.stop(clean=True)
    assert notes[0] == "cancelled run 77"
    assert list(workspace.files) == [f"{BUILD.run}/run.json"]
    paths = [path for _, path, _ in workspace.asked]
    assert {"/api/2.2/jobs/delete", "/api/2.2/jobs/runs/cancel"} <= set(paths)


def test_a_failed_run_is_one_line(workspace: FakeWorkspace, bundle: Bundle) -> None:
    """With Databricks' own message."""
    workspace.has_volume = True
    Databricks(Workspace(), PREFIX, Settings()).prepare(bundle, apply=False)
    platform = Databricks(Workspace(), PREFIX)
    platform.submit(BUILD, Size.of(10, None), steps=True)
    failed = state("TERMINATED", "FAILED", extract="TERMINATED")
    failed["state"]["state_message"] = "Task extract failed\nwith exit code 6"
    workspace.states = [failed]
    with pytest.raises(CloudError, match=r"FAILED \(.*\): Task extract failed with exit code 6;"):
        watch(platform, lambda _: None)


def test_no_credentials_are_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: Bundle
) -> None:
    """The SDK's own advice without its trace."""
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(CloudError, match="Databricks: ") as refused:
        Databricks(Workspace(), PREFIX, Settings()).prepare(bundle, apply=False)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("runtime", "version"),
    [
        ("16.4", "16.4.x-scala2.12"),
        ("17.3", "17.3.x-scala2.13"),
        ("18", "18.0.x-scala2.13"),
        ("19.1", "19.1.x-scala2.13"),
    ],
)
def test_runtimes_have_their_scala(runtime: str, version: str) -> None:
    """Databricks 16 is of Scala 2.12, all later ones of 2.13."""
    assert Databricks(Workspace(), PREFIX, Settings(runtime=runtime)).spark_version == version


def test_an_old_runtime_is_refused() -> None:
    """Its Python is older than the package takes."""
    with pytest.raises(ConfigError, match=r"--runtime 14.3: expected 16.4"):
        _ = Databricks(Workspace(), PREFIX, Settings(runtime="14.3")).spark_version
