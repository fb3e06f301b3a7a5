"""Databricks: a job of one task or four on classic dedicated compute, files in a volume."""

from __future__ import annotations

import base64
import shlex
import uuid
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from infimm_spark.cloud.api import Api, Request
from infimm_spark.cloud.bundle import SCRIPT, Bundle, requirements, script
from infimm_spark.cloud.job_arguments import STAGES, Build
from infimm_spark.cloud.platforms import Platform, State
from infimm_spark.cloud.sizes import Size, spark_settings
from infimm_spark.errors import CloudError, ConfigError
from infimm_spark.extras import require_extra

_TAGS = {"project": "infimm-spark"}
_SQL_PREFIXES = ("spark.sql.", "spark.speculation", "spark.task.", "spark.network.")
"""Settings that clusters of Databricks leave to the job; memory and cores are the machine's."""
_MACHINES = {"aws": "r6id.2xlarge", "azure": "Standard_E8ds_v5", "gcp": "n2-highmem-8"}
_CORES_A_MACHINE = 8
_OVER = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})


@dataclass(frozen=True)
class Settings:
    """What a cluster is made of; kept in the record."""

    runtime: str = "17.3"
    cloud: str = "aws"
    machine: str | None = None
    user: str | None = None
    """Who the dedicated cluster is for; None for who runs the job."""
    folder: str = "/Workspace/Shared/infimm-spark"


class Workspace(Api):
    """A workspace by Databricks' SDK, which finds host and credentials; volumes by its files
    API."""

    def __init__(self, profile: str | None = None, dry_run: Any = None) -> None:
        super().__init__(dry_run)
        self._profile = profile
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The SDK's client; raises `CloudError` where it finds no credentials."""
        if self._client is None:
            require_extra("databricks", "infimm cloud databricks")
            from databricks.sdk import WorkspaceClient

            try:
                self._client = WorkspaceClient(profile=self._profile)
            except ValueError as error:
                raise CloudError(f"Databricks: {' '.join(str(error).split())}") from None
        return self._client

    def send(self, request: Request) -> dict[str, Any]:
        require_extra("databricks", "infimm cloud databricks")
        from databricks.sdk.errors.base import DatabricksError

        try:
            if request.service == "GET":
                answer = self.client.api_client.do("GET", request.operation, query=request.body)
            else:
                answer = self.client.api_client.do(
                    request.service, request.operation, body=request.body
                )
        except DatabricksError as error:
            raise _refusal(f"{request.service} {request.operation}", error) from None
        return dict(answer or {})

    def command(self, request: Request, file: str) -> str:
        verb = request.service.lower()
        return f"databricks api {verb} {shlex.quote(request.operation)} --json @{file}"

    def copy_command(self, source: str, location: str) -> str:
        return f"databricks fs cp --overwrite {shlex.quote(source)} dbfs:{shlex.quote(location)}"

    def write(self, location: str, content: bytes) -> None:
        import io

        from databricks.sdk.errors.base import DatabricksError

        try:
            self.client.files.create_directory(location.rpartition("/")[0])
            self.client.files.upload(location, io.BytesIO(content), overwrite=True)
        except DatabricksError as error:
            raise _refusal(f"to write {location}", error) from None

    def read(self, location: str) -> bytes | None:
        client = self.client
        from databricks.sdk.errors.base import DatabricksError
        from databricks.sdk.errors.platform import NotFound

        try:
            content: bytes = client.files.download(location).contents.read()
        except NotFound:
            return None
        except DatabricksError as error:
            raise _refusal(f"to read {location}", error) from None
        return content

    def names(self, folder: str) -> list[str]:
        client = self.client
        from databricks.sdk.errors.base import DatabricksError
        from databricks.sdk.errors.platform import NotFound

        try:
            found = client.files.list_directory_contents(folder)
            return sorted(entry.path for entry in found if not entry.is_directory)
        except NotFound:
            return []
        except DatabricksError as error:
            raise _refusal(f"to list {folder}", error) from None

    def delete(self, location: str) -> None:
        if self.dry_run is not None:
            super().delete(location)
            return
        for entry in list(self._entries(location)):
            if entry.is_directory:
                self.delete(entry.path)
            else:
                self.client.files.delete(entry.path)
        self._remove_folder(location)

    def _entries(self, folder: str) -> list[Any]:
        client = self.client
        from databricks.sdk.errors.platform import NotFound

        try:
            return list(client.files.list_directory_contents(folder))
        except NotFound:
            return []

    def _remove_folder(self, folder: str) -> None:
        from databricks.sdk.errors.base import DatabricksError
        from databricks.sdk.errors.platform import NotFound

        try:
            self.client.files.delete_directory(folder)
        except NotFound:
            return
        except DatabricksError as error:
            raise _refusal(f"to delete {folder}", error) from None


def _refusal(what: str, error: Any) -> CloudError:
    code = str(getattr(error, "error_code", "") or "")
    return CloudError(f"Databricks refuses {what}: {' '.join(str(error).split())}", code)


class Databricks(Platform):
    """Jobs of a workspace with Unity Catalog."""

    name = "databricks"
    config = "databricks"
    input = "https://data.commoncrawl.org"

    api: Workspace

    def __init__(self, api: Workspace, prefix: str, settings: Settings | None = None) -> None:
        super().__init__(api, prefix)
        parts = self.prefix.split("/")
        if not self.prefix.startswith("/Volumes/") or len(parts) < 6 or not all(parts[2:]):
            raise ConfigError(
                f"--prefix {prefix}: expected /Volumes/CATALOG/SCHEMA/VOLUME/FOLDER of Unity "
                "Catalog"
            )
        self.catalog, self.schema, self.volume = parts[2:5]
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """Those given to prepare, else those it recorded."""
        return self._settings or Settings(**self.remembered().settings)

    @property
    def archive_target(self) -> None:
        """The runtime has a Python; the init script adds the package and what it needs."""
        return None

    @property
    def spark_version(self) -> str:
        """The cluster's `spark_version`: the runtime, and the Scala it comes with."""
        major = self.settings.runtime.partition(".")[0]
        if not major.isdigit() or int(major) < 16:
            raise ConfigError(
                f"--runtime {self.settings.runtime}: expected 16.4, 17.3, 18.x or newer"
            )
        minor = self.settings.runtime if "." in self.settings.runtime else f"{major}.0"
        return f"{minor}.x-scala{'2.12' if int(major) < 17 else '2.13'}"

    @property
    def job_script(self) -> str:
        return f"{self.settings.folder}/{SCRIPT}"

    # -- prepare -----------------------------------------------------------------------------------

    def prepare(self, bundle: Bundle, *, apply: bool) -> list[str]:
        """Upload the wheel, its requirements, the init script and the job's script."""
        wheel = bundle.file
        notes = self._volume(apply=apply)
        code = f"{self.prefix}/code"
        self.api.upload(wheel, f"{code}/{wheel.name}")
        self.api.put(f"{code}/requirements.txt", self._requirements())
        self.api.put(f"{code}/init.sh", init_script(f"{code}/{wheel.name}"))
        self._import_script()
        names = (wheel.name, "requirements.txt", "init.sh")
        notes += [f"uploaded {code}/{name}" for name in names]
        record = self.remembered()
        record.settings = asdict(self.settings)
        record.ids["wheel"] = wheel.name
        self.remember(record)
        return [*notes, f"imported {self.job_script}"]

    def _requirements(self) -> bytes:
        return ("\n".join(requirements("gcs")) + "\n").encode()

    def _volume(self, *, apply: bool) -> list[str]:
        name = f"{self.catalog}.{self.schema}.{self.volume}"
        place = "/api/2.1/unity-catalog/volumes"
        if self.api.dry_run is None:
            try:
                self.api.send(Request("GET", f"{place}/{name}", {}))
                return []
            except CloudError as error:
                if "NOT_EXIST" not in error.code and "NOT_FOUND" not in error.code:
                    raise
            if not apply:
                raise CloudError(
                    f"volume {name} does not exist: databricks volumes create {self.catalog} "
                    f"{self.schema} {self.volume} MANAGED, or run prepare with --apply"
                )
        body = {
            "catalog_name": self.catalog,
            "schema_name": self.schema,
            "name": self.volume,
            "volume_type": "MANAGED",
        }
        self.api.change(Request("POST", place, body), {})
        return [f"volume {name}"]

    def _import_script(self) -> None:
        self.api.change(
            Request("POST", "/api/2.0/workspace/mkdirs", {"path": self.settings.folder}), {}
        )
        body = {
            "path": self.job_script,
            "format": "RAW",
            "overwrite": True,
            "content": base64.b64encode(script()).decode("ascii"),
        }
        self.api.change(Request("POST", "/api/2.0/workspace/import", body), {})

    # -- submit ------------------------------------------------------------------------------------

    def submit(self, build: Build, size: Size, *, steps: bool) -> str:
        settings = self.job(build, size, steps=steps)
        record = self.remembered()
        number = record.ids.get("job_id")
        if number:
            body = {"job_id": int(number), "new_settings": settings}
            self.api.change(Request("POST", "/api/2.2/jobs/reset", body), {})
        else:
            answer = self.api.change(
                Request("POST", "/api/2.2/jobs/create", settings), {"job_id": 1}
            )
            number = record.ids["job_id"] = str(answer["job_id"])
            self.remember(record)
        body = {"job_id": int(number), "idempotency_token": str(uuid.uuid4())}
        answer = self.api.change(Request("POST", "/api/2.2/jobs/run-now", body), {"run_id": 1})
        self.begun(build, {"job": str(answer["run_id"])})
        return f"run {answer['run_id']} of job {number}"

    def job(self, build: Build, size: Size, *, steps: bool) -> dict[str, Any]:
        """The job's settings: a cluster that its tasks share, and the tasks one after another."""
        names = STAGES if steps else ("build",)
        tasks: list[dict[str, Any]] = []
        for name in names:
            task: dict[str, Any] = {
                "task_key": name,
                "job_cluster_key": "build",
                "spark_python_task": {
                    "python_file": self.job_script,
                    "parameters": build.arguments(name, self.config),
                },
                "max_retries": 2,
                "min_retry_interval_millis": 60_000,
            }
            if tasks:
                task["depends_on"] = [{"task_key": tasks[-1]["task_key"]}]
            tasks.append(task)
        return {
            "name": f"infimm-spark {self.prefix.rpartition('/')[2]}",
            "tags": dict(_TAGS),
            "max_concurrent_runs": 1,
            "job_clusters": [{"job_cluster_key": "build", "new_cluster": self.cluster(size)}],
            "tasks": tasks,
        }

    def cluster(self, size: Size) -> dict[str, Any]:
        """A classic cluster in dedicated access mode: Spark Connect has no context for the job."""
        machine = self.settings.machine or _MACHINES[self.settings.cloud]
        conf = {
            key: value
            for key, value in spark_settings("build", size).items()
            if key.startswith(_SQL_PREFIXES)
        }
        return {
            "spark_version": self.spark_version,
            "node_type_id": machine,
            "num_workers": max(1, round(size.cores / _CORES_A_MACHINE)),
            "data_security_mode": "SINGLE_USER",
            **({"single_user_name": self.settings.user} if self.settings.user else {}),
            "runtime_engine": "STANDARD",
            "spark_conf": conf,
            "spark_env_vars": {"INFIMM_LOG_FORMAT": "json"},
            "init_scripts": [{"volumes": {"destination": f"{self.prefix}/code/init.sh"}}],
            "cluster_log_conf": {"volumes": {"destination": f"{self.prefix}/logs"}},
            "custom_tags": dict(_TAGS),
            **self._spot(size),
        }

    def _spot(self, size: Size) -> dict[str, Any]:
        """The driver stays; workers of a large build are Spot machines."""
        if size.is_small:
            return {}
        if self.settings.cloud == "azure":
            return {
                "azure_attributes": {
                    "first_on_demand": 1,
                    "availability": "SPOT_WITH_FALLBACK_AZURE",
                }
            }
        if self.settings.cloud == "gcp":
            return {"gcp_attributes": {"availability": "PREEMPTIBLE_WITH_FALLBACK_GCP"}}
        return {"aws_attributes": {"first_on_demand": 1, "availability": "SPOT_WITH_FALLBACK"}}

    # -- watch and stop ----------------------------------------------------------------------------

    def state(self) -> State:
        number = self.known("job", "1")
        answer = self.api.ask(
            Request("GET", "/api/2.2/jobs/runs/get", {"run_id": int(number)}),
            {"state": {"life_cycle_state": "PENDING"}},
        )
        state = answer.get("state", {})
        word, result = str(state.get("life_cycle_state", "?")), str(state.get("result_state", ""))
        tasks = answer.get("tasks", [])
        words = tuple((task["task_key"], _word(task.get("state", {}))) for task in tasks)
        return State(
            word=result or word,
            is_over=word in _OVER,
            is_good=result == "SUCCESS",
            detail=str(state.get("state_message", "")),
            steps=words,
        )

    def stop(self, *, clean: bool) -> list[str]:
        record, notes = self.remembered(), []
        run, number = record.job.get("job"), record.ids.get("job_id")
        if run and not self.state().is_over:
            body = {"run_id": int(run)}
            self.api.change(Request("POST", "/api/2.2/jobs/runs/cancel", body), {})
            notes.append(f"cancelled run {run}")
        if not clean:
            return notes or ["no run is under way"]
        if number:
            body = {"job_id": int(number)}
            self.api.change(Request("POST", "/api/2.2/jobs/delete", body), {})
        folder: dict[str, Any] = {"path": self.settings.folder, "recursive": True}
        self.api.change(Request("POST", "/api/2.0/workspace/delete", folder), {})
        for name in ("code", "logs", "launches"):
            self.api.delete(f"{self.prefix}/{name}")
        return [
            *notes,
            f"deleted the job, {self.settings.folder}, and code and logs of {self.prefix}; runs "
            "and releases stay",
        ]


def init_script(wheel: str) -> bytes:
    """The cluster's init script, which installs the wheel at this location."""
    text = files("infimm_spark.cloud").joinpath("conf/databricks-init.sh").read_text("utf-8")
    return text.replace("/Volumes/CATALOG/SCHEMA/VOLUME/infimm/code/WHEEL", wheel).encode()


def _word(state: dict[str, Any]) -> str:
    return str(state.get("result_state") or state.get("life_cycle_state") or "?")
