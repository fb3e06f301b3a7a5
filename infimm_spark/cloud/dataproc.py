"""Dataproc: a workflow that makes a cluster, runs the jobs, and deletes the cluster."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from infimm_spark.cloud.api import Request, bucket_and_folder
from infimm_spark.cloud.bundle import PACKAGE, SCRIPT, Bundle, archive_name
from infimm_spark.cloud.google import Google, with_binding
from infimm_spark.cloud.job_arguments import STAGES, Build
from infimm_spark.cloud.platforms import Platform, State
from infimm_spark.cloud.sizes import Size, spark_settings
from infimm_spark.errors import ConfigError

_DATAPROC = "https://dataproc.googleapis.com/v1"
_STORAGE = "https://storage.googleapis.com/storage/v1"
_IAM = "https://iam.googleapis.com/v1"
_PROJECTS = "https://cloudresourcemanager.googleapis.com/v1/projects"
_COMPUTE = "https://compute.googleapis.com/compute/v1"
_SERVICES = ("compute.googleapis.com", "dataproc.googleapis.com", "iam.googleapis.com")
_SCOPES = ("devstorage.read_write", "logging.write", "monitoring.write")
_LABELS = {"project": "infimm-spark"}
_WORKER_CORES = 32
"""Cores on machines that stay: they hold HDFS and shuffle blocks."""
_SPOT_CORES = 16
_LEAVE = "nodemanager-graceful-decommission-timeout-secs"


@dataclass(frozen=True)
class Settings:
    """Where and of what a cluster is made; kept in the record."""

    project: str
    region: str = "us-central1"
    image: str = "2.3-debian12"
    account: str = "infimm-spark"
    subnet: str | None = None
    private: bool = False
    """Machines without external addresses: they reach Common Crawl by Cloud NAT."""


class Dataproc(Platform):
    """Workflows with a managed cluster."""

    name = "dataproc"
    config = "dataproc"
    input = "https://data.commoncrawl.org"

    api: Google

    def __init__(self, api: Google, prefix: str, settings: Settings | None = None) -> None:
        super().__init__(api, prefix)
        self.bucket, self.folder = bucket_and_folder(prefix, "gs")
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """Those given to prepare, else those it recorded."""
        if self._settings is None:
            known = self.remembered().settings
            if not known and self.api.dry_run is None:
                self.known("project", "")  # says that prepare comes first
            self._settings = Settings(**(known or {"project": "example-project"}))
        return self._settings

    @property
    def archive_target(self) -> str:
        version = self.settings.image.partition("-")[0]
        if version not in ("2.3", "3.0"):
            raise ConfigError(
                f"--image {self.settings.image}: expected an image 2.3 or 3.0, as 2.3-debian12"
            )
        return f"dataproc-{version}"

    @property
    def _service_account(self) -> str:
        return f"{self.settings.account}@{self.settings.project}.iam.gserviceaccount.com"

    @property
    def _region(self) -> str:
        return f"projects/{self.settings.project}/regions/{self.settings.region}"

    # -- prepare -----------------------------------------------------------------------------------

    def prepare(self, bundle: Bundle, *, apply: bool) -> list[str]:
        notes = self._applied() if apply or self.api.dry_run is not None else self._to_do()
        code = f"{self.prefix}/code"
        notes += [f"uploaded {place}" for place in bundle.upload(self.api, code)]
        # Spark's event log wants its folder to be there.
        self.api.put(f"{self.prefix}/logs/spark-events/.keep", b"")
        record = self.remembered()
        record.settings = asdict(self.settings)
        record.ids = {
            "project": self.settings.project,
            "package": PACKAGE if bundle.is_behind else "",
        }
        self.remember(record)
        return notes

    def _applied(self) -> list[str]:
        """Enable the services, and make bucket, service account and, for private machines, NAT."""
        project, api = self.settings.project, self.api
        number = f"https://serviceusage.googleapis.com/v1/projects/{project}"
        api.change(
            Request("POST", f"{number}/services:batchEnable", {"serviceIds": list(_SERVICES)}), {}
        )
        notes = [f"enabled {', '.join(_SERVICES)}"]
        if api.found(f"{_STORAGE}/b/{self.bucket}") is None:
            uniform = {"uniformBucketLevelAccess": {"enabled": True}}
            body = {
                "name": self.bucket,
                "location": self.settings.region,
                "iamConfiguration": uniform,
            }
            api.created(f"{_STORAGE}/b?project={project}", body)
            notes.append(f"bucket {self.bucket}")
        accounts = f"{_IAM}/projects/{project}/serviceAccounts"
        shown = {"displayName": "infimm-spark jobs"}
        api.created(accounts, {"accountId": self.settings.account, "serviceAccount": shown})
        self._grant()
        notes.append(f"service account {self._service_account}")
        if self.settings.private:
            api.created(f"{_COMPUTE}/{self._region}/routers", self.router())
            subnet = f"{_COMPUTE}/{self._region}/subnetworks/{self.settings.subnet or 'default'}"
            reach = {"privateIpGoogleAccess": True}
            api.change(Request("POST", f"{subnet}/setPrivateIpGoogleAccess", reach), {})
            notes.append(f"router infimm-spark with NAT in {self.settings.region}")
        return notes

    def _grant(self) -> None:
        """Let the service account run a cluster's machines and write to the bucket."""
        api, project = self.api, self.settings.project
        member = f"serviceAccount:{self._service_account}"
        if api.dry_run is not None:
            # A policy is replaced as a whole: without asking for it there is nothing to write.
            for line in self._grant_commands():
                api.dry_run.commands(line)
            return
        policy = api.send(Request("POST", f"{_PROJECTS}/{project}:getIamPolicy", {}))
        new = with_binding(policy, "roles/dataproc.worker", member)
        api.change(Request("POST", f"{_PROJECTS}/{project}:setIamPolicy", {"policy": new}), {})
        place = f"{_STORAGE}/b/{self.bucket}/iam"
        policy = api.send(Request("GET", place, {}))
        new = with_binding(policy, "roles/storage.objectAdmin", member)
        api.change(Request("PUT", place, new), {})

    def _grant_commands(self) -> list[str]:
        member = f"serviceAccount:{self._service_account}"
        return [
            f"gcloud projects add-iam-policy-binding {self.settings.project} --member {member} "
            "--role roles/dataproc.worker",
            f"gcloud storage buckets add-iam-policy-binding gs://{self.bucket} "
            f"--member {member} --role roles/storage.objectAdmin",
        ]

    def router(self) -> dict[str, Any]:
        """A router whose NAT lets machines without external addresses reach the web."""
        network = f"projects/{self.settings.project}/global/networks/default"
        nat = {
            "name": "infimm-spark",
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        }
        return {"name": "infimm-spark", "network": network, "nats": [nat]}

    def _to_do(self) -> list[str]:
        project, region = self.settings.project, self.settings.region
        lines = [
            "without --apply nothing but files is written. Run prepare with --apply, or:",
            f"  gcloud services enable {' '.join(_SERVICES)} --project {project}",
            f"  gcloud storage buckets create gs://{self.bucket} --project {project} "
            f"--location {region} --uniform-bucket-level-access",
            f"  gcloud iam service-accounts create {self.settings.account} --project {project}",
            *(f"  {line}" for line in self._grant_commands()),
        ]
        if self.settings.private:
            lines += [
                f"  gcloud compute routers create infimm-spark --project {project} "
                f"--region {region} --network default",
                f"  gcloud compute routers nats create infimm-spark --project {project} "
                f"--region {region} --router infimm-spark --auto-allocate-nat-external-ips "
                "--nat-all-subnet-ip-ranges",
                f"  gcloud compute networks subnets update {self.settings.subnet or 'default'} "
                f"--project {project} --region {region} --enable-private-ip-google-access",
            ]
        return lines

    # -- submit ------------------------------------------------------------------------------------

    def submit(self, build: Build, size: Size, *, steps: bool) -> str:
        place = f"{_DATAPROC}/{self._region}/workflowTemplates:instantiateInline"
        request = f"{place}?requestId={uuid.uuid4()}"
        answer = self.api.change(
            Request("POST", request, self.workflow(build, size, steps=steps)),
            {"name": f"{self._region}/operations/example"},
        )
        self.begun(build, {"job": answer["name"]})
        return f"workflow {answer['name']}"

    def workflow(self, build: Build, size: Size, *, steps: bool) -> dict[str, Any]:
        """The workflow: its cluster and its jobs, one after the other."""
        names = STAGES if steps else ("build",)
        jobs = [self.job(name, build, size) for name in names]
        for before, after in pairwise(jobs):
            after["prerequisiteStepIds"] = [before["stepId"]]
        return {
            "id": "infimm-spark",
            "labels": dict(_LABELS),
            "placement": {
                "managedCluster": {
                    "clusterName": "infimm",
                    "config": self.cluster(size),
                    "labels": dict(_LABELS),
                }
            },
            "jobs": jobs,
        }

    def cluster(self, size: Size) -> dict[str, Any]:
        """A cluster's configuration: workers that stay, and Spot machines for a large build."""
        machines: dict[str, Any] = {
            "subnetworkUri": self.settings.subnet,
            "internalIpOnly": self.settings.private,
            "serviceAccount": self._service_account,
            "serviceAccountScopes": [f"https://www.googleapis.com/auth/{s}" for s in _SCOPES],
        }
        if self.settings.subnet is None:
            del machines["subnetworkUri"]
        config: dict[str, Any] = {
            "gceClusterConfig": machines,
            "masterConfig": {
                "numInstances": 1,
                "machineTypeUri": "n2-standard-4",
                "diskConfig": {"bootDiskSizeGb": 100, "bootDiskType": "pd-ssd"},
            },
            "softwareConfig": {
                "imageVersion": self.settings.image,
                "properties": {
                    "spark:spark.dynamicAllocation.enabled": "true",
                    "spark:spark.history.fs.logDirectory": f"{self.prefix}/logs/spark-events/",
                    "spark:spark.eventLog.dir": f"{self.prefix}/logs/spark-events/",
                    f"yarn:yarn.resourcemanager.{_LEAVE}": "120",
                },
            },
            "lifecycleConfig": {"idleDeleteTtl": "1800s"},
            "endpointConfig": {"enableHttpPortAccess": True},
        }
        if size.is_small:
            # One executor a worker, and one worker more for the driver, which runs in YARN.
            config["workerConfig"] = {
                "numInstances": max(2, size.executors + 1),
                "machineTypeUri": "n2-highmem-4",
                "diskConfig": {"bootDiskSizeGb": 100},
            }
            return config
        config["workerConfig"] = {
            "numInstances": _WORKER_CORES // 8,
            "machineTypeUri": "n2-highmem-8",
            "diskConfig": {"bootDiskSizeGb": 200, "numLocalSsds": 1},
        }
        config["secondaryWorkerConfig"] = {
            "numInstances": max(1, (size.cores - _WORKER_CORES) // _SPOT_CORES),
            "preemptibility": "SPOT",
            "machineTypeUri": "n2-standard-16",
            "diskConfig": {"bootDiskSizeGb": 100, "numLocalSsds": 1},
        }
        return config

    def job(self, name: str, build: Build, size: Size) -> dict[str, Any]:
        """One job: a stage, or the whole build."""
        code, python = f"{self.prefix}/code", "./environment/bin/python"
        package = self.remembered().ids.get("package")
        return {
            "stepId": name,
            "pysparkJob": {
                "mainPythonFileUri": f"{code}/{SCRIPT}",
                "args": build.arguments(name, self.config),
                **({"pythonFileUris": [f"{code}/{package}"]} if package else {}),
                "archiveUris": [f"{code}/{archive_name(self.archive_target)}#environment"],
                "properties": {
                    **spark_settings(name, size),
                    "spark.sql.catalogImplementation": "in-memory",
                    "spark.pyspark.python": python,
                    "spark.pyspark.driver.python": python,
                    "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
                    "spark.yarn.appMasterEnv.INFIMM_LOG_FORMAT": "json",
                    "spark.executorEnv.INFIMM_LOG_FORMAT": "json",
                    "spark.submit.deployMode": "cluster",
                },
            },
            "scheduling": {"maxFailuresPerHour": 3, "maxFailuresTotal": 10},
        }

    # -- watch and stop ----------------------------------------------------------------------------

    def state(self) -> State:
        operation = self.known("job", f"{self._region}/operations/example")
        answer = self.api.ask(Request("GET", f"{_DATAPROC}/{operation}", {}), {})
        metadata, error = answer.get("metadata", {}), answer.get("error", {})
        nodes = metadata.get("graph", {}).get("nodes", [])
        is_over = bool(answer.get("done"))
        words = tuple((node["stepId"], str(node.get("state", "?"))) for node in nodes)
        is_good = is_over and not error and not any(word == "FAILED" for _, word in words)
        return State(
            word=str(metadata.get("state", "PENDING")),
            is_over=is_over,
            is_good=is_good,
            detail=str(error.get("message", "")),
            steps=words,
        )

    def stop(self, *, clean: bool) -> list[str]:
        operation, notes = self.remembered().job.get("job"), []
        if operation and not self.state().is_over:
            self.api.change(Request("POST", f"{_DATAPROC}/{operation}:cancel", {}), {})
            notes.append(f"cancelled {operation}; the workflow deletes its cluster")
        if not clean:
            return notes or ["no workflow is under way"]
        project = self.settings.project
        account = f"{_IAM}/projects/{project}/serviceAccounts/{self._service_account}"
        router = f"{_COMPUTE}/{self._region}/routers/infimm-spark"
        for place in (account, *([router] if self.settings.private else [])):
            if self.api.dry_run is not None or self.api.found(place) is not None:
                self.api.change(Request("DELETE", place, {}), {})
        for folder in ("code", "logs", "launches"):
            self.api.delete(f"{self.prefix}/{folder}")
        return [
            *notes,
            f"deleted service account {self._service_account}, and code and logs of "
            f"{self.prefix}; runs and releases stay",
        ]
