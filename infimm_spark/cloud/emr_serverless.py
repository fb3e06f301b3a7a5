"""EMR Serverless: one application, a job run for the whole build or for each stage."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from infimm_spark.cloud import aws
from infimm_spark.cloud.api import Request
from infimm_spark.cloud.aws_platform import AwsPlatform
from infimm_spark.cloud.bundle import PACKAGE, SCRIPT, Bundle, archive_name
from infimm_spark.cloud.job_arguments import STAGES, Build
from infimm_spark.cloud.platforms import State
from infimm_spark.cloud.sizes import Size, spark_settings
from infimm_spark.errors import CloudError, ConfigError

_SERVICE = "emr-serverless"
_EXAMPLES = {"application": "00example0application", "job": "00example0job"}
_GOOD, _OVER = "SUCCESS", frozenset({"SUCCESS", "FAILED", "CANCELLED"})
_WAIT_SECONDS = 300


@dataclass(frozen=True)
class Settings:
    """What an application is made of; kept in the record."""

    release: str = "emr-7.9.0"
    architecture: str = "ARM64"
    role: str = "infimm-spark-job"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


class EmrServerless(AwsPlatform[Settings]):
    """Jobs without a cluster. Without subnets an application reaches S3 of its own region only."""

    name = "emr-serverless"
    has_spot = False
    steps_by_default = False
    trust_service = "emr-serverless.amazonaws.com"

    settings_type = Settings

    @property
    def archive_target(self) -> str:
        return aws.archive_target(self.settings.release, self.settings.architecture)

    # -- prepare -----------------------------------------------------------------------------------

    def prepare(self, bundle: Bundle, *, apply: bool) -> list[str]:
        if self.api.region != aws.COMMON_CRAWL_REGION and not self.settings.subnets:
            raise ConfigError(
                f"an application in {self.api.region} without subnets cannot reach Common Crawl's "
                f"bucket in {aws.COMMON_CRAWL_REGION}; expected --region "
                f"{aws.COMMON_CRAWL_REGION}, or --subnet of a VPC with a NAT gateway"
            )
        account = self.api.account()
        role = f"arn:aws:iam::{account}:role/{self.settings.role}"
        trust = aws.trust_policy(self.trust_service, account)
        policy = aws.job_policy(self.bucket, self.folder)
        aws.ensure_bucket(self.api, self.bucket, create=apply)
        notes = [f"uploaded {place}" for place in bundle.upload(self.api, f"{self.prefix}/code")]
        notes += aws.role_notes(
            self.api, self.settings.role, trust, {"infimm-job": policy}, apply=apply
        )
        application = self._application()
        record = self.remembered()
        record.settings = asdict(self.settings)
        record.ids = {
            "application": application,
            "role": role,
            "package": PACKAGE if bundle.is_behind else "",
        }
        self.remember(record)
        return [*notes, f"application {application} ({self.settings.architecture})"]

    def _application(self) -> str:
        """The application of this name that fits, else a new one."""
        listed = self.api.ask(Request(_SERVICE, "list_applications", {}), {"applications": []})
        for known in listed["applications"]:
            fits = (
                known.get("name") == self._application_name
                and known.get("state") not in ("TERMINATED", "TERMINATING")
                and known.get("releaseLabel") == self.settings.release
                and known.get("architecture") in (None, self.settings.architecture)
            )
            if fits:
                return str(known["id"])
        answer = self.api.change(
            Request(_SERVICE, "create_application", self.application()),
            {"applicationId": _EXAMPLES["application"]},
        )
        return str(answer["applicationId"])

    @property
    def _application_name(self) -> str:
        return f"infimm-{self.folder.replace('/', '-')}"[:64]

    def application(self) -> dict[str, Any]:
        """The request of a new application."""
        network = {
            "subnetIds": list(self.settings.subnets),
            "securityGroupIds": list(self.settings.security_groups),
        }
        return {
            "name": self._application_name,
            "releaseLabel": self.settings.release,
            "type": "SPARK",
            "architecture": self.settings.architecture,
            "clientToken": str(uuid.uuid4()),
            "maximumCapacity": {"cpu": "512 vCPU", "memory": "3072 GB", "disk": "20000 GB"},
            "autoStartConfiguration": {"enabled": True},
            "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 15},
            **({"networkConfiguration": network} if self.settings.subnets else {}),
            "tags": dict(aws.TAGS),
        }

    # -- submit ------------------------------------------------------------------------------------

    def submit(self, build: Build, size: Size, *, steps: bool) -> str:
        first, waiting = (STAGES[0], STAGES[1:]) if steps else ("build", ())
        job = self._start(first, self.job(first, build, size))
        requests = {stage: self.job(stage, build, size) for stage in waiting}
        self.begun(build, {"job": job, "step": first, "requests": requests}, waiting)
        return f"job run {job} ({first})"

    def step_over(self) -> str | None:
        record = self.remembered()
        waiting = record.job.get("waiting") or []
        if not waiting:
            return None
        step = waiting[0]
        # A second submission with the same token would be the first one again.
        body = {**record.job["requests"][step], "clientToken": str(uuid.uuid4())}
        job = self._start(step, body)
        record.job |= {"job": job, "step": step, "waiting": waiting[1:]}
        self.remember(record)
        return f"job run {job} ({step})"

    def _start(self, step: str, body: dict[str, Any]) -> str:
        answer = self.api.change(
            Request(_SERVICE, "start_job_run", body), {"jobRunId": _EXAMPLES["job"]}
        )
        return str(answer["jobRunId"])

    def job(self, step: str, build: Build, size: Size) -> dict[str, Any]:
        """The request of a job run: a stage, or the whole build."""
        conf = {
            # What the service does itself, or does not have.
            **spark_settings(step, size, without=(
                "spark.pyspark.python", "spark.eventLog.", "spark.ui.", "spark.metrics.",
                "spark.decommission", "spark.storage.decommission", "spark.executor.decommission",
                "spark.executor.processTreeMetrics", "spark.driver.memory",
            )),
            "spark.driver.cores": "4",
            "spark.driver.memory": "8g",
            "spark.executor.instances": str(min(3, size.executors)),
            "spark.dynamicAllocation.maxExecutors": str(size.executors),
            "spark.emr-serverless.executor.disk": "100g",
            "spark.sql.catalogImplementation": "in-memory",
            "spark.archives": f"{self.prefix}/code/{archive_name(self.archive_target)}#environment",
            "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": "./environment/bin/python",
            "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": "./environment/bin/python",
            "spark.executorEnv.PYSPARK_PYTHON": "./environment/bin/python",
            "spark.emr-serverless.driverEnv.INFIMM_LOG_FORMAT": "json",
        }  # fmt: skip
        if package := self.remembered().ids.get("package"):
            conf["spark.submit.pyFiles"] = f"{self.prefix}/code/{package}"
        return {
            "applicationId": self.known("application", _EXAMPLES["application"]),
            "clientToken": str(uuid.uuid4()),
            "name": f"infimm {step} {build.title}",
            "executionRoleArn": self.known(
                "role", f"arn:aws:iam::123456789012:role/{self.settings.role}"
            ),
            "executionTimeoutMinutes": 0,
            "retryPolicy": {"maxAttempts": 3},
            "jobDriver": {
                "sparkSubmit": {
                    "entryPoint": f"{self.prefix}/code/{SCRIPT}",
                    "entryPointArguments": build.arguments(step, self.config),
                    "sparkSubmitParameters": " ".join(f"--conf {k}={v}" for k, v in conf.items()),
                }
            },
            "configurationOverrides": {
                "monitoringConfiguration": {
                    "s3MonitoringConfiguration": {"logUri": f"{self.prefix}/logs/emr-serverless/"}
                }
            },
            "tags": dict(aws.TAGS),
        }

    # -- watch and stop ----------------------------------------------------------------------------

    def state(self) -> State:
        body = {
            "applicationId": self.known("application", _EXAMPLES["application"]),
            "jobRunId": self.known("job", _EXAMPLES["job"]),
        }
        answer = self.api.ask(
            Request(_SERVICE, "get_job_run", body), {"jobRun": {"state": "SUBMITTED"}}
        )
        run = answer["jobRun"]
        word, job = str(run["state"]), self.remembered().job
        is_good = word == _GOOD
        return State(
            word=word,
            is_over=word in _OVER and not (is_good and job.get("waiting")),
            is_good=is_good,
            detail=str(run.get("stateDetails", "")),
            steps=((str(job.get("step", "build")), word),),
        )

    def logs(self) -> str:
        ids = self.remembered()
        application, job = ids.ids.get("application", ""), ids.job.get("job", "")
        return (
            f"{self.prefix}/logs/emr-serverless/applications/{application}/jobs/{job}/SPARK_DRIVER/"
        )

    def stop(self, *, clean: bool) -> list[str]:
        record = self.remembered()
        application = self.known("application", _EXAMPLES["application"])
        named = {"applicationId": application}
        notes = []
        job = record.job.get("job")
        if job and not self.state().is_over:
            self.api.change(Request(_SERVICE, "cancel_job_run", {**named, "jobRunId": job}), {})
            notes.append(f"cancelled job run {job}")
        record.job["waiting"] = []
        self.remember(record)
        if not clean:
            return notes or [f"no job is under way; application {application} costs nothing idle"]
        self._wait_for_job()
        self.api.change(Request(_SERVICE, "stop_application", named), {})
        self._wait_for_application(application)
        self.api.change(Request(_SERVICE, "delete_application", named), {})
        aws.delete_role(self.api, self.settings.role)
        for folder in ("code", "logs", "launches"):
            self.api.delete(f"{self.prefix}/{folder}")
        return [
            *notes,
            f"deleted application {application}, role {self.settings.role}, and code and logs of "
            f"{self.prefix}; runs and releases stay",
        ]

    def _wait_for_job(self) -> None:
        """An application stops only when no job of it runs."""
        if self.api.dry_run is not None or not self.remembered().job.get("job"):
            return
        self._wait("its job to end", lambda: self.state().word in _OVER)

    def _wait_for_application(self, application: str) -> None:
        if self.api.dry_run is not None:
            return

        def has_stopped() -> bool:
            request = Request(_SERVICE, "get_application", {"applicationId": application})
            return self.api.send(request)["application"]["state"] in ("STOPPED", "CREATED")

        self._wait(f"application {application} to stop", has_stopped)

    def _wait(self, what: str, is_done: Any) -> None:
        end = time.monotonic() + _WAIT_SECONDS
        while not is_done():
            if time.monotonic() > end:
                raise CloudError(f"waited {_WAIT_SECONDS} s for {what}; run stop --clean again")
            time.sleep(2)
