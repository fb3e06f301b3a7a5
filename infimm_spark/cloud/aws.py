"""AWS by boto3: requests checked against botocore's service models, regions, accounts, roles."""

from __future__ import annotations

import functools
import json
import shlex
from typing import Any

from infimm_spark.cloud.api import Api, DryRun, Request
from infimm_spark.errors import CloudError, ConfigError

COMMON_CRAWL_REGION = "us-east-1"
_EXAMPLE_ACCOUNT = "123456789012"
TAGS = {"project": "infimm-spark"}


class Aws(Api):
    """Calls of one region, with the credentials of the standard chain."""

    def __init__(self, region: str, dry_run: DryRun | None = None) -> None:
        super().__init__(dry_run)
        self.region = region

    def send(self, request: Request) -> dict[str, Any]:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        what = f"{request.service} {request.operation}"
        try:
            client = boto3.client(request.service, region_name=self.region)
            answer: dict[str, Any] = getattr(client, request.operation)(**request.body)
        except ClientError as error:
            said = error.response.get("Error", {})
            code = str(said.get("Code", ""))
            raise CloudError(f"AWS refuses {what}: {code}: {said.get('Message')}", code) from None
        except BotoCoreError as error:
            raise CloudError(f"AWS, {what}: {' '.join(str(error).split())}") from None
        return answer

    def problems(self, request: Request) -> str:
        return invalid(request)

    def command(self, request: Request, file: str) -> str:
        operation = request.operation.replace("_", "-")
        return (
            f"aws {request.service} {operation} --region {self.region} "
            f"--cli-input-json file://{file}"
        )

    def copy_command(self, source: str, location: str) -> str:
        return f"aws s3 cp {shlex.quote(source)} {shlex.quote(location)}"

    def account(self) -> str:
        """The number of the account that the credentials belong to."""
        answer = self.ask(Request("sts", "get_caller_identity", {}), {"Account": _EXAMPLE_ACCOUNT})
        return str(answer["Account"])

    def has(self, request: Request) -> bool:
        """Whether a request that asks for one thing finds it; False in a dry run."""
        if self.dry_run is not None:
            return False
        try:
            self.send(request)
        except CloudError as error:
            if error.code in ("NoSuchEntity", "NoSuchBucket", "404", "ResourceNotFoundException"):
                return False
            raise
        return True


def aws_region(region: str | None, *, dry_run: bool = False) -> str:
    """The region that was asked for, else that of the environment or profile. Raises
    `ConfigError`."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        found = region or boto3.session.Session().region_name
    except BotoCoreError as error:
        raise ConfigError(f"AWS profile: {error}") from None
    if not found and dry_run:
        return COMMON_CRAWL_REGION
    if not found:
        raise ConfigError(
            f"no AWS region is set; expected --region {COMMON_CRAWL_REGION} (where Common Crawl's "
            "bucket is), or AWS_REGION"
        )
    return str(found)


def ensure_bucket(aws: Aws, bucket: str, *, create: bool) -> None:
    """Find the bucket, or create a private one in the region. Raises `CloudError`."""
    if aws.has(Request("s3", "head_bucket", {"Bucket": bucket})):
        where = aws.ask(Request("s3", "get_bucket_location", {"Bucket": bucket}), {})
        region = where.get("LocationConstraint") or COMMON_CRAWL_REGION
        if region != aws.region:
            raise CloudError(
                f"bucket {bucket} is in {region}, and the job would run in {aws.region}; expected "
                f"both in the same: --region {region}, or another bucket"
            )
        return
    if not create and aws.dry_run is None:
        raise CloudError(
            f"bucket {bucket} does not exist: aws s3 mb s3://{bucket} --region {aws.region}, or "
            "run prepare with --apply"
        )
    body: dict[str, Any] = {"Bucket": bucket}
    if aws.region != COMMON_CRAWL_REGION:  # which the API does not take for a constraint
        body["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
    if create:
        aws.change(Request("s3", "create_bucket", body), {})


# -- roles ---------------------------------------------------------------------------------------


def trust_policy(service: str, account: str | None = None) -> dict[str, Any]:
    """Who may take a role: the service, on behalf of this account only."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def job_policy(bucket: str, folder: str) -> dict[str, Any]:
    """What a job may do: read Common Crawl and the code, write below its own prefix."""
    crawl, own = "arn:aws:s3:::commoncrawl", f"arn:aws:s3:::{bucket}"
    read = {"crawl-data/*", "cc-index/*"}
    write = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    written = ("runs", "releases", "logs")
    return {
        "Version": "2012-10-17",
        "Statement": [
            _statement(
                "ReadCommonCrawl", ["s3:GetObject"], [f"{crawl}/{name}" for name in sorted(read)]
            ),
            _statement("ListCommonCrawl", ["s3:ListBucket"], [crawl], sorted(read)),
            _statement("ReadCode", ["s3:GetObject"], [f"{own}/{folder}/code/*"]),
            _statement(
                "WriteRunsAndReleases",
                [*write, "s3:ListMultipartUploadParts"],
                # EMRFS marks a folder by an object beside it.
                [
                    f"{own}/{folder}/{name}{part}"
                    for name in written
                    for part in ("/*", "_$folder$")
                ],
            ),
            _statement("ListPrefix", ["s3:ListBucket"], [own], [folder, f"{folder}/*"]),
            _statement(
                "FindBucket", ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [own]
            ),
        ],
    }


def _statement(
    sid: str, actions: list[str], resources: list[str], prefixes: list[str] | None = None
) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    if prefixes is None:
        return statement
    return {**statement, "Condition": {"StringLike": {"s3:prefix": prefixes}}}


def ensure_role(
    aws: Aws,
    name: str,
    trust: dict[str, Any],
    *,
    inline: dict[str, dict[str, Any]],
    managed: tuple[str, ...] = (),
) -> None:
    """Create a role, or renew the policies of one that exists already."""
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    if aws.has(Request("iam", "get_role", {"RoleName": name})):
        body = {"RoleName": name, "PolicyDocument": json.dumps(trust)}
        aws.change(Request("iam", "update_assume_role_policy", body), {})
    else:
        body = {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)}
        aws.change(Request("iam", "create_role", {**body, "Tags": tags}), {})
    for policy, document in inline.items():
        body = {"RoleName": name, "PolicyName": policy, "PolicyDocument": json.dumps(document)}
        aws.change(Request("iam", "put_role_policy", body), {})
    for arn in managed:
        aws.change(Request("iam", "attach_role_policy", {"RoleName": name, "PolicyArn": arn}), {})


def delete_role(aws: Aws, name: str, managed: tuple[str, ...] = ()) -> None:
    """Delete a role with its policies; an absent one is no error."""
    role = {"RoleName": name}
    if aws.dry_run is None and not aws.has(Request("iam", "get_role", role)):
        return
    inline = aws.ask(Request("iam", "list_role_policies", role), {"PolicyNames": ["infimm-job"]})
    for policy in inline["PolicyNames"]:
        aws.change(Request("iam", "delete_role_policy", {**role, "PolicyName": policy}), {})
    attached = aws.ask(
        Request("iam", "list_attached_role_policies", role),
        {"AttachedPolicies": [{"PolicyArn": arn} for arn in managed]},
    )
    for policy in attached["AttachedPolicies"]:
        arn = {"PolicyArn": policy["PolicyArn"]}
        aws.change(Request("iam", "detach_role_policy", {**role, **arn}), {})
    aws.change(Request("iam", "delete_role", role), {})


def role_notes(
    aws: Aws,
    name: str,
    trust: dict[str, Any],
    inline: dict[str, dict[str, Any]],
    *,
    managed: tuple[str, ...] = (),
    apply: bool,
) -> list[str]:
    """Create the role with `apply`; else say what it has to be, as commands with the policies."""
    if apply or aws.dry_run is not None:
        ensure_role(aws, name, trust, inline=inline, managed=managed)
        return [f"role {name}"]
    if aws.has(Request("iam", "get_role", {"RoleName": name})):
        return [f"role {name} exists; its policies are left as they are (--apply renews them)"]
    lines = [
        f"role {name} does not exist. Run prepare with --apply, or:",
        f"  aws iam create-role --role-name {name} --assume-role-policy-document "
        f"{shlex.quote(json.dumps(trust))}",
    ]
    for policy, document in inline.items():
        lines.append(
            f"  aws iam put-role-policy --role-name {name} --policy-name {policy} "
            f"--policy-document {shlex.quote(json.dumps(document))}"
        )
    for arn in managed:
        lines.append(f"  aws iam attach-role-policy --role-name {name} --policy-arn {arn}")
    return lines


# -- service models --------------------------------------------------------------------------------


def invalid(request: Request) -> str:
    """What AWS's service model says against the request; empty where nothing."""
    from botocore.validate import ParamValidator

    operation = "".join(part.title() for part in request.operation.split("_"))
    shape = _model(request.service).operation_model(operation).input_shape
    if shape is None:
        return "it takes nothing" if request.body else ""
    report = ParamValidator().validate(request.body, shape)
    unknown = _unknown(request.body, shape, "")
    return "; ".join(filter(None, [report.generate_report().replace("\n", "; "), *unknown]))


@functools.cache
def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


def _unknown(value: Any, shape: Any, where: str) -> list[str]:
    if shape.type_name == "structure":
        found = [f"unknown key {where}{key}" for key in value if key not in shape.members]
        for key, inner in value.items():
            if key in shape.members:
                found += _unknown(inner, shape.members[key], f"{where}{key}.")
        return found
    if shape.type_name == "list":
        return [u for i, v in enumerate(value) for u in _unknown(v, shape.member, f"{where}{i}.")]
    if shape.type_name == "string" and shape.enum and value not in shape.enum:
        return [f"{where.rstrip('.')} is {value!r}; expected one of {', '.join(shape.enum)}"]
    return []


def archive_target(release: str, machine: str) -> str:
    """The environment archive for an EMR release and the machines' architecture."""
    major = release.removeprefix("emr-").removeprefix("spark-").partition(".")[0]
    target = f"emr-{major}-{'x86_64' if machine == 'X86_64' else 'arm64'}"
    if major not in ("7", "8"):
        raise ConfigError(f"--release {release}: expected a release of EMR 7 or 8, as emr-7.9.0")
    return target
