"""`infimm cloud PLATFORM prepare|submit|watch|stop`: from an empty account to a corpus."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infimm_spark.cli.options import SetOption
from infimm_spark.errors import ConfigError

if TYPE_CHECKING:
    from infimm_spark.cloud.api import DryRun
    from infimm_spark.cloud.platforms import Platform

PrefixOption = Annotated[
    str,
    typer.Option(
        "--prefix",
        help="Folder for code, logs, runs and releases: s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or "
        "/Volumes/CATALOG/SCHEMA/VOLUME/FOLDER.",
        metavar="FOLDER",
    ),
]
DryRunOption = Annotated[
    Path | None,
    typer.Option(
        "--dry-run",
        help="Write the requests to this folder as JSON, with the commands that would send them; "
        "send nothing, ask nothing.",
        metavar="DIR",
    ),
]
ApplyOption = Annotated[
    bool,
    typer.Option(
        "--apply", help="Create bucket, roles and network settings too, instead of printing them."
    ),
]
ArchiveOption = Annotated[
    Path | None,
    typer.Option(
        help="Environment archive (default: dist/, built there in a checkout).", metavar="FILE"
    ),
]
RegionOption = Annotated[
    str | None, typer.Option(help="AWS region (default: AWS_REGION, or the profile's).")
]
SubnetOption = Annotated[
    list[str] | None, typer.Option("--subnet", help="Subnet to run in; may be repeated.")
]

cloud_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run a build on a managed platform: prepare, submit, watch, stop.",
)


def _group(name: str, text: str) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=text)
    cloud_app.add_typer(app, name=name)
    return app


serverless_app = _group("emr-serverless", "EMR Serverless.")
emr_app = _group("emr", "EMR on EC2.")
dataproc_app = _group("dataproc", "Dataproc on Compute Engine.")
databricks_app = _group("databricks", "Databricks on classic dedicated compute.")


# -- prepare ---------------------------------------------------------------------------------------


@serverless_app.command("prepare")
def prepare_serverless(
    prefix: PrefixOption,
    region: RegionOption = None,
    release: Annotated[str, typer.Option(help="EMR release.")] = "emr-7.9.0",
    architecture: Annotated[str, typer.Option(help="arm64 (a fifth cheaper) or x86_64.")] = "arm64",
    role: Annotated[str, typer.Option(help="Role of the jobs.")] = "infimm-spark-job",
    subnet: SubnetOption = None,
    security_group: Annotated[
        list[str] | None, typer.Option(help="Security group in that VPC; may be repeated.")
    ] = None,
    archive: ArchiveOption = None,
    apply: ApplyOption = False,
    dry_run: DryRunOption = None,
) -> None:
    """Upload the code, make role and application."""
    from infimm_spark.cloud.emr_serverless import EmrServerless, Settings

    if architecture.lower() not in ("arm64", "x86_64"):
        raise ConfigError(f"--architecture {architecture}: expected arm64 or x86_64")
    settings = Settings(
        release=release,
        architecture=architecture.upper(),
        role=role,
        subnets=tuple(subnet or ()),
        security_groups=tuple(security_group or ()),
    )
    api = _aws(region, _recorder(dry_run, clear=True))
    _prepare(EmrServerless(api, prefix, settings), archive, apply=apply)


@emr_app.command("prepare")
def prepare_emr(
    prefix: PrefixOption,
    region: RegionOption = None,
    release: Annotated[str, typer.Option(help="EMR release.")] = "emr-7.9.0",
    service_role: Annotated[
        str, typer.Option(help="Role that EMR takes to start machines.")
    ] = "infimm-spark-emr",
    instance_role: Annotated[
        str, typer.Option(help="Role, and instance profile, of the machines.")
    ] = "infimm-spark-emr-ec2",
    subnet: SubnetOption = None,
    archive: ArchiveOption = None,
    apply: ApplyOption = False,
    dry_run: DryRunOption = None,
) -> None:
    """Upload the code, make roles and instance profile, tag the network."""
    from infimm_spark.cloud.emr import Emr, Settings

    settings = Settings(
        release=release,
        service_role=service_role,
        instance_role=instance_role,
        subnets=tuple(subnet or ()),
    )
    api = _aws(region, _recorder(dry_run, clear=True))
    _prepare(Emr(api, prefix, settings), archive, apply=apply)


@dataproc_app.command("prepare")
def prepare_dataproc(
    prefix: PrefixOption,
    project: Annotated[str, typer.Option(help="Google Cloud project.")],
    region: Annotated[str, typer.Option(help="Region of bucket and cluster.")] = "us-central1",
    image: Annotated[str, typer.Option(help="Dataproc image version.")] = "2.3-debian12",
    account: Annotated[str, typer.Option(help="Service account of the machines.")] = "infimm-spark",
    subnet: Annotated[
        str | None, typer.Option(help="Subnet (default: the default network's).")
    ] = None,
    private: Annotated[
        bool,
        typer.Option("--private", help="Machines without external addresses; adds Cloud NAT."),
    ] = False,
    archive: ArchiveOption = None,
    apply: ApplyOption = False,
    dry_run: DryRunOption = None,
) -> None:
    """Upload the code; enable services, make bucket, service account and NAT."""
    from infimm_spark.cloud.dataproc import Dataproc, Settings
    from infimm_spark.cloud.google import Google

    settings = Settings(
        project=project,
        region=region,
        image=image,
        account=account,
        subnet=subnet,
        private=private,
    )
    api = Google(_recorder(dry_run, clear=True))
    _prepare(Dataproc(api, prefix, settings), archive, apply=apply)


@databricks_app.command("prepare")
def prepare_databricks(
    prefix: PrefixOption,
    profile: Annotated[str | None, typer.Option(help="Profile of ~/.databrickscfg.")] = None,
    runtime: Annotated[str, typer.Option(help="Databricks Runtime: 16.4, 17.3, 18.0.")] = "17.3",
    cloud: Annotated[str, typer.Option(help="The workspace's cloud: aws, azure or gcp.")] = "aws",
    machine: Annotated[
        str | None, typer.Option(help="Node type of 8 cores and 64 GB (default: the cloud's).")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="User of the dedicated cluster (default: who runs the job).")
    ] = None,
    folder: Annotated[
        str, typer.Option(help="Workspace folder of the job's script.")
    ] = "/Workspace/Shared/infimm-spark",
    wheel: Annotated[
        Path | None,
        typer.Option(help="Wheel (default: dist/, built there in a checkout).", metavar="FILE"),
    ] = None,
    apply: ApplyOption = False,
    dry_run: DryRunOption = None,
) -> None:
    """Upload wheel, requirements and init script; make the volume."""
    from infimm_spark.cloud.databricks import Databricks, Settings, Workspace

    if cloud not in ("aws", "azure", "gcp"):
        raise ConfigError(f"--cloud {cloud}: expected aws, azure or gcp")
    settings = Settings(runtime=runtime, cloud=cloud, machine=machine, user=user, folder=folder)
    api = Workspace(profile, _recorder(dry_run, clear=True))
    _prepare(Databricks(api, prefix, settings), wheel, apply=apply)


# -- submit, watch, stop: the same for every platform ----------------------------------------------


def _add_commands(app: typer.Typer, open_platform: Callable[..., Platform], where: Any) -> None:
    """Add the commands that read what `prepare` recorded; `where` is the option that says how the
    platform is reached."""

    def submit(
        prefix: PrefixOption,
        snapshot: Annotated[str, typer.Option(help="Snapshot to build, such as CC-MAIN-2026-47.")],
        limit: Annotated[
            int | None,
            typer.Option(min=1, help="Only the first N WARC files: a small trial.", metavar="N"),
        ] = None,
        cores: Annotated[
            int | None, typer.Option(min=4, help="Cores of the executors together.")
        ] = None,
        steps: Annotated[
            bool | None,
            typer.Option("--steps/--one-job", help="A job for each stage, or one for all."),
        ] = None,
        input: Annotated[
            str | None, typer.Option(help="Common Crawl or a mirror (default: the platform's).")
        ] = None,
        output: Annotated[
            str | None, typer.Option(help="The run (default: PREFIX/runs/SNAPSHOT).", metavar="RUN")
        ] = None,
        set_: SetOption = None,
        price_file: Annotated[
            str | None,
            typer.Option(help="File of prices (default: the example).", metavar="FILE"),
        ] = None,
        yes: Annotated[
            bool, typer.Option("--yes", help="Do not ask before a whole snapshot.")
        ] = False,
        dry_run: DryRunOption = None,
        reached: str | None = None,
    ) -> None:
        """Predict the cost and start a build."""
        from infimm_spark.cloud import sizes
        from infimm_spark.cloud.job_arguments import Build

        platform = open_platform(reached, prefix, _recorder(dry_run))
        build = Build(
            prefix=platform.prefix,
            input=input or platform.input,
            snapshot=snapshot,
            limit=limit,
            output=output,
            assignments=tuple(set_ or ()),
        )
        size = sizes.Size.of(limit, cores)
        print(sizes.in_words(sizes.predicted(size, price_file, has_spot=platform.has_spot)))
        if limit is None and not yes and dry_run is None:
            _confirm(f"Build the whole of {snapshot} on {size.cores} cores?")
        chosen = platform.steps_by_default if steps is None else steps
        print(platform.submit(build, size, steps=chosen))
        print(f"run       {build.run}")

    def watch(
        prefix: PrefixOption,
        seconds: Annotated[float, typer.Option(min=1, help="Pause between two looks.")] = 30.0,
        once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
        dry_run: DryRunOption = None,
        reached: str | None = None,
    ) -> None:
        """Follow the job and its run to the end; print the funnel."""
        from infimm_spark.cloud.watch import watch as follow

        platform = open_platform(reached, prefix, _recorder(dry_run))
        follow(
            platform,
            lambda line: print(line, flush=True),
            seconds=seconds,
            once=once or dry_run is not None,
        )

    def stop(
        prefix: PrefixOption,
        clean: Annotated[
            bool,
            typer.Option(
                "--clean",
                help="Delete what prepare made, code and logs too; runs and releases stay.",
            ),
        ] = False,
        dry_run: DryRunOption = None,
        reached: str | None = None,
    ) -> None:
        """Stop the job and what costs money."""
        platform = open_platform(reached, prefix, _recorder(dry_run))
        print("\n".join(platform.stop(clean=clean)))

    for command in (submit, watch, stop):
        command.__annotations__["reached"] = where
        app.command(command.__name__)(command)


def _open_serverless(region: str | None, prefix: str, recorder: DryRun | None) -> Platform:
    from infimm_spark.cloud.emr_serverless import EmrServerless

    return EmrServerless(_aws(region, recorder), prefix)


def _open_emr(region: str | None, prefix: str, recorder: DryRun | None) -> Platform:
    from infimm_spark.cloud.emr import Emr

    return Emr(_aws(region, recorder), prefix)


def _open_dataproc(_: str | None, prefix: str, recorder: DryRun | None) -> Platform:
    from infimm_spark.cloud.dataproc import Dataproc
    from infimm_spark.cloud.google import Google

    return Dataproc(Google(recorder), prefix)


def _open_databricks(profile: str | None, prefix: str, recorder: DryRun | None) -> Platform:
    from infimm_spark.cloud.databricks import Databricks, Workspace

    return Databricks(Workspace(profile, recorder), prefix)


_Region = Annotated[str | None, typer.Option("--region", help="AWS region, as for prepare.")]
_Nothing = Annotated[str | None, typer.Option("--project", hidden=True)]
_Profile = Annotated[str | None, typer.Option("--profile", help="Profile of ~/.databrickscfg.")]

_add_commands(serverless_app, _open_serverless, _Region)
_add_commands(emr_app, _open_emr, _Region)
_add_commands(dataproc_app, _open_dataproc, _Nothing)
_add_commands(databricks_app, _open_databricks, _Profile)


def _prepare(platform: Platform, named: Path | None, *, apply: bool) -> None:
    from infimm_spark.cloud.bundle import Bundle, find_archive, find_wheel

    is_dry, target = platform.api.dry_run is not None, platform.archive_target
    if target is None:
        file = find_wheel(named, dry_run=is_dry)
    else:
        file = find_archive(target, named, dry_run=is_dry)
    print("\n".join(platform.prepare(Bundle(file), apply=apply)))


def _aws(region: str | None, recorder: DryRun | None) -> Any:
    from infimm_spark.cloud.aws import Aws, aws_region

    return Aws(aws_region(region, dry_run=recorder is not None), recorder)


def _recorder(folder: Path | None, *, clear: bool = False) -> DryRun | None:
    from infimm_spark.cloud.api import DryRun

    if folder is None:
        return None
    recorder = DryRun(folder)
    if clear:
        recorder.clear()
    return recorder


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} There is nobody to ask; expected --yes, or --limit N")
    typer.confirm(question, abort=True, err=True)
