"""Fill in a JSON file of this folder, check it against AWS's service model, and send it.

    python conf/emr/launch.py cluster.json bucket=my-bucket snapshot=CC-MAIN-2026-47 subnet=subnet-1 …
    python conf/emr/launch.py --dry-run steps.json …     # prints the request instead

`${name}` in a file takes the value of `name=`; a name left without a value is refused.
"""  # noqa: E501

from __future__ import annotations

import argparse
import json
import string
import sys
from pathlib import Path
from typing import Any

REQUESTS = {
    "cluster.json": ("emr", "run_job_flow"),
    "steps.json": ("emr", "add_job_flow_steps"),
    "serverless-application.json": ("emr-serverless", "create_application"),
    "serverless-job.json": ("emr-serverless", "start_job_run"),
}
"""File -> boto3 client and method."""


def main() -> int:
    """0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", choices=sorted(REQUESTS))
    parser.add_argument("values", nargs="*", metavar="name=value")
    parser.add_argument("--dry-run", action="store_true", help="print the request, send nothing")
    options = parser.parse_args()
    try:
        values = dict(value.split("=", 1) for value in options.values)
        request = filled(Path(__file__).with_name(options.file), values)
        problems = invalid(options.file, request)
        if problems:
            raise ValueError(problems)
    except ValueError as error:
        print(f"launch: {options.file}: {error}", file=sys.stderr)
        return 2
    if options.dry_run:
        print(json.dumps(request, indent=2))
        return 0
    import boto3

    service, method = REQUESTS[options.file]
    answer = getattr(boto3.client(service), method)(**request)
    answer.pop("ResponseMetadata", None)
    print(json.dumps(answer, indent=2))
    return 0


def filled(file: Path, values: dict[str, str]) -> dict[str, Any]:
    """The request with every `${name}` replaced; raises `ValueError` naming one without a value."""
    template = string.Template(file.read_text(encoding="utf-8"))
    missing = sorted(set(template.get_identifiers()) - values.keys())
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}; expected {missing[0]}=…")
    request: dict[str, Any] = json.loads(template.substitute(values))
    return request


def invalid(name: str, request: dict[str, Any]) -> str:
    """What AWS's service model says against the request; empty where nothing."""
    import botocore.session
    from botocore.validate import ParamValidator

    service, method = REQUESTS[name]
    operation = "".join(part.title() for part in method.split("_"))
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    unknown = list(_unknown(request, shape, ""))
    return "; ".join(filter(None, [report.generate_report().replace("\n", "; "), *unknown]))


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


if __name__ == "__main__":
    sys.exit(main())
