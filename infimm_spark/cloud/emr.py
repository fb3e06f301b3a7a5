"""EMR on EC2: a cluster that is started with its steps and ends after the last."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from infimm_spark.cloud import aws
from infimm_spark.cloud.api import Request
from infimm_spark.cloud.aws_platform import AwsPlatform
from infimm_spark.cloud.bundle import PACKAGE, SCRIPT, Bundle, archive_name
from infimm_spark.cloud.job_arguments import STAGES, Build
from infimm_spark.cloud.platforms import State
from infimm_spark.cloud.sizes import Size, spark_settings

_EXAMPLES = {"job": "j-EXAMPLECLUSTER", "subnet": "subnet-0example"}
_OVER = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
_CORE_CORES = 32
"""Cores on machines that stay: they hold shuffle blocks and HDFS."""
_MANAGED_TAG = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
"""What AmazonEMRServicePolicy_v2 asks of everything it may touch."""
_SERVICE_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEMRServicePolicy_v2"
_PRIMARY = {"m6i.xlarge": 1, "m6a.xlarge": 1}
_CORE = {"r6i.2xlarge": 8, "r6a.2xlarge": 8, "r5.2xlarge": 8}
_TASK = {
    "m6i.4xlarge": 16, "m6a.4xlarge": 16, "m5.4xlarge": 16, "m5a.4xlarge": 16,
    "m6i.8xlarge": 32, "m6a.8xlarge": 32, "m5.8xlarge": 32,
}  # fmt: skip
"""Machine -> vCPUs, which a fleet's capacity is counted in. All of x86-64, as the archive is."""


@dataclass(frozen=True)
class Settings:
    """What a cluster is made of; kept in the record."""

    release: str = "emr-7.9.0"
    service_role: str = "infimm-spark-emr"
    instance_role: str = "infimm-spark-emr-ec2"
    subnets: tuple[str, ...] = ()


class Emr(AwsPlatform[Settings]):
    """Clusters of one build each."""

    name = "emr"
    trust_service = "elasticmapreduce.amazonaws.com"

    settings_type = Settings

    @property
    def archive_target(self) -> str:
        return aws.archive_target(self.settings.release, "X86_64")

    # -- prepare -----------------------------------------------------------------------------------

    def prepare(self, bundle: Bundle, *, apply: bool) -> list[str]:
        account = self.api.account()
        aws.ensure_bucket(self.api, self.bucket, create=apply)
        notes = [f"uploaded {place}" for place in bundle.upload(self.api, f"{self.prefix}/code")]
        notes += self._roles(account, apply=apply)
        subnets, vpcs = self._networks()
        notes += self._tagged([*subnets, *vpcs], apply=apply)
        record = self.remembered()
        record.settings = {**asdict(self.settings), "subnets": subnets}
        record.ids = {"package": PACKAGE if bundle.is_behind else ""}
        self.remember(record)
        return notes

    def _roles(self, account: str, *, apply: bool) -> list[str]:
        """The service's role, and that of the machines with its instance profile."""
        machine = self.settings.instance_role
        pass_role = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "StartMachines",
                    "Effect": "Allow",
                    "Action": ["iam:PassRole"],
                    "Resource": [f"arn:aws:iam::{account}:role/{machine}"],
                    "Condition": {"StringLike": {"iam:PassedToService": "ec2.amazonaws.com*"}},
                }
            ],
        }
        notes = aws.role_notes(
            self.api,
            self.settings.service_role,
            aws.trust_policy(self.trust_service, account),
            {"infimm-job": pass_role},
            managed=(_SERVICE_POLICY,),
            apply=apply,
        )
        notes += aws.role_notes(
            self.api,
            machine,
            aws.trust_policy("ec2.amazonaws.com"),
            {"infimm-job": aws.job_policy(self.bucket, self.folder)},
            apply=apply,
        )
        profile = {"InstanceProfileName": machine}
        if self.api.has(Request("iam", "get_instance_profile", profile)):
            return notes
        if not apply and self.api.dry_run is None:
            return [
                *notes,
                f"  aws iam create-instance-profile --instance-profile-name {machine}",
                f"  aws iam add-role-to-instance-profile --instance-profile-name {machine} "
                f"--role-name {machine}",
            ]
        self.api.change(Request("iam", "create_instance_profile", profile), {})
        self.api.change(
            Request("iam", "add_role_to_instance_profile", {**profile, "RoleName": machine}), {}
        )
        return [*notes, f"instance profile {machine}"]

    def _networks(self) -> tuple[list[str], list[str]]:
        """(subnets, their VPCs): those given, else the region's default ones."""
        wanted = list(self.settings.subnets)
        only: dict[str, Any] = (
            {"SubnetIds": wanted}
            if wanted
            else {"Filters": [{"Name": "default-for-az", "Values": ["true"]}]}
        )
        example = {"Subnets": [{"SubnetId": _EXAMPLES["subnet"], "VpcId": "vpc-0example"}]}
        found = self.api.ask(Request("ec2", "describe_subnets", only), example)["Subnets"]
        subnets = wanted or sorted(subnet["SubnetId"] for subnet in found)
        return subnets, sorted({subnet["VpcId"] for subnet in found})

    def _tagged(self, resources: list[str], *, apply: bool) -> list[str]:
        """Allow EMR's managed policy to use the network."""
        if apply or self.api.dry_run is not None:
            body = {"Resources": resources, "Tags": [_MANAGED_TAG]}
            self.api.change(Request("ec2", "create_tags", body), {})
            return [f"tagged {', '.join(resources)} for EMR"]
        return [
            "EMR's managed policy uses tagged networks only. Run prepare with --apply, or:",
            f"  aws ec2 create-tags --resources {' '.join(resources)} "
            f"--tags Key={_MANAGED_TAG['Key']},Value=true",
        ]

    # -- submit ------------------------------------------------------------------------------------

    def submit(self, build: Build, size: Size, *, steps: bool) -> str:
        answer = self.api.change(
            Request("emr", "run_job_flow", self.cluster(build, size, steps=steps)),
            {"JobFlowId": _EXAMPLES["job"]},
        )
        cluster = str(answer["JobFlowId"])
        self.begun(build, {"job": cluster})
        return f"cluster {cluster}"

    def cluster(self, build: Build, size: Size, *, steps: bool) -> dict[str, Any]:
        """The request of a cluster with all its steps; it ends after the last, or at a failure."""
        names = STAGES if steps else ("build",)
        task = 0 if size.is_small else size.cores - _CORE_CORES
        core = size.cores - task
        fleets = [
            _fleet("primary", "MASTER", _PRIMARY, on_demand=1),
            _fleet("core", "CORE", _CORE, on_demand=core, disk=200),
        ]
        if task:
            fleets.append(_fleet("task on Spot", "TASK", _TASK, spot=task, disk=100))
        tags = [{"Key": key, "Value": value} for key, value in aws.TAGS.items()]
        subnets = list(self.settings.subnets) or list(self.remembered().settings.get("subnets", []))
        return {
            "Name": f"infimm-spark {build.title}",
            "ReleaseLabel": self.settings.release,
            "Applications": [{"Name": "Spark"}],
            "LogUri": f"{self.prefix}/logs/emr/",
            "ServiceRole": self.settings.service_role,
            "JobFlowRole": self.settings.instance_role,
            "VisibleToAllUsers": True,
            "StepConcurrencyLevel": 1,
            "AutoTerminationPolicy": {"IdleTimeout": 1800},
            "Tags": [*tags, _MANAGED_TAG],
            "Instances": {
                **({"Ec2SubnetIds": subnets} if subnets else {}),
                "KeepJobFlowAliveWhenNoSteps": False,
                "TerminationProtected": False,
                "InstanceFleets": fleets,
            },
            "Steps": [self.step(name, build, size) for name in names],
        }

    def step(self, name: str, build: Build, size: Size) -> dict[str, Any]:
        """One step: spark-submit of a stage, or of the whole build."""
        conf = {
            **spark_settings(name, size),
            "spark.sql.catalogImplementation": "in-memory",
            "spark.yarn.appMasterEnv.PYSPARK_PYTHON": "./environment/bin/python",
            "spark.yarn.appMasterEnv.INFIMM_LOG_FORMAT": "json",
            "spark.executorEnv.INFIMM_LOG_FORMAT": "json",
        }
        code = f"{self.prefix}/code"
        package = self.remembered().ids.get("package")
        return {
            "Name": name,
            "ActionOnFailure": "TERMINATE_CLUSTER",
            "HadoopJarStep": {
                "Jar": "command-runner.jar",
                "Args": [
                    "spark-submit", "--master", "yarn", "--deploy-mode", "cluster",
                    "--name", f"infimm {name} {build.title}",
                    "--archives", f"{code}/{archive_name(self.archive_target)}#environment",
                    *(["--py-files", f"{code}/{package}"] if package else []),
                    *(a for key, value in conf.items() for a in ("--conf", f"{key}={value}")),
                    f"{code}/{SCRIPT}",
                    *build.arguments(name, self.config),
                ],
            },
        }  # fmt: skip

    # -- watch and stop ----------------------------------------------------------------------------

    def state(self) -> State:
        named = {"ClusterId": self.known("job", _EXAMPLES["job"])}
        answer = self.api.ask(
            Request("emr", "describe_cluster", named),
            {"Cluster": {"Status": {"State": "STARTING"}}},
        )
        status = answer["Cluster"]["Status"]
        steps = self.api.ask(Request("emr", "list_steps", named), {"Steps": []})["Steps"]
        words = tuple((s["Name"], str(s["Status"]["State"])) for s in reversed(steps))
        is_over = status["State"] in _OVER
        return State(
            word=str(status["State"]),
            is_over=is_over,
            is_good=is_over and bool(words) and all(word == "COMPLETED" for _, word in words),
            detail=str(status.get("StateChangeReason", {}).get("Message", "")),
            steps=words,
        )

    def logs(self) -> str:
        return f"{self.prefix}/logs/emr/{self.remembered().job.get('job', '')}/"

    def stop(self, *, clean: bool) -> list[str]:
        cluster, notes = self.remembered().job.get("job"), []
        if cluster and not self.state().is_over:
            body = {"JobFlowIds": [cluster]}
            self.api.change(Request("emr", "terminate_job_flows", body), {})
            notes.append(f"ended cluster {cluster}")
        if not clean:
            return notes or ["no cluster is up"]
        machine = self.settings.instance_role
        profile = {"InstanceProfileName": machine}
        if self.api.dry_run is not None or self.api.has(
            Request("iam", "get_instance_profile", profile)
        ):
            member = {**profile, "RoleName": machine}
            self.api.change(Request("iam", "remove_role_from_instance_profile", member), {})
            self.api.change(Request("iam", "delete_instance_profile", profile), {})
        aws.delete_role(self.api, machine)
        aws.delete_role(self.api, self.settings.service_role, (_SERVICE_POLICY,))
        for folder in ("code", "logs", "launches"):
            self.api.delete(f"{self.prefix}/{folder}")
        return [
            *notes,
            f"deleted roles {machine} and {self.settings.service_role}, and code and logs of "
            f"{self.prefix}; runs and releases stay",
        ]


def _fleet(
    name: str,
    kind: str,
    machines: dict[str, int],
    *,
    on_demand: int = 0,
    spot: int = 0,
    disk: int = 0,
) -> dict[str, Any]:
    """An instance fleet: several machines to choose from, capacity in vCPUs."""
    volume = {
        "VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": disk},
        "VolumesPerInstance": 1,
    }
    volumes = {"EbsConfiguration": {"EbsBlockDeviceConfigs": [volume]}} if disk else {}
    if spot:
        launch = {
            "SpotSpecification": {
                "TimeoutDurationMinutes": 60,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "AllocationStrategy": "price-capacity-optimized",
            }
        }
    else:
        launch = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}
    return {
        "Name": name,
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [
            {"InstanceType": machine, "WeightedCapacity": weight, **volumes}
            for machine, weight in machines.items()
        ],
        "LaunchSpecifications": launch,
    }
