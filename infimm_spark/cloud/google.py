"""Google Cloud's REST APIs, with the application default credentials."""

from __future__ import annotations

import json
import shlex
from typing import Any

from infimm_spark.cloud.api import Api, Request
from infimm_spark.errors import CloudError
from infimm_spark.extras import require_extra

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_SECONDS = 60


class Google(Api):
    """Calls by verb and URL; `Request.service` is the verb."""

    def send(self, request: Request) -> dict[str, Any]:
        import urllib3
        from google.auth.exceptions import GoogleAuthError

        body = None if request.service == "GET" else json.dumps(request.body)
        try:
            answer = urllib3.request(
                request.service,
                request.operation,
                body=body,
                headers={"Content-Type": "application/json", **self._credentials()},
                timeout=_TIMEOUT_SECONDS,
            )
        except GoogleAuthError as error:
            raise CloudError(
                f"Google: {' '.join(str(error).split())}; expected gcloud auth "
                "application-default login"
            ) from None
        except urllib3.exceptions.HTTPError as error:
            raise CloudError(f"Google, {request.operation}: {error}") from None
        try:
            content: dict[str, Any] = json.loads(answer.data or b"{}")
        except ValueError:
            content = {}
        if answer.status >= 300:
            said = content.get("error", {})
            message = " ".join(str(said.get("message", f"HTTP {answer.status}")).split())
            place = request.operation.partition("googleapis.com/")[2].partition("?")[0]
            raise CloudError(
                f"Google refuses {request.service} {place}: {message}", str(answer.status)
            )
        return content

    def _credentials(self) -> dict[str, str]:
        require_extra("gcs", "infimm cloud dataproc")
        import google.auth
        import google.auth.transport.urllib3
        import urllib3

        credentials, _ = google.auth.default(scopes=[_SCOPE])
        headers: dict[str, str] = {}
        transport: Any = google.auth.transport.urllib3
        signer: Any = credentials
        signer.before_request(transport.Request(urllib3.PoolManager()), "POST", _SCOPE, headers)
        return headers

    def command(self, request: Request, file: str) -> str:
        token = '-H "Authorization: Bearer $(gcloud auth print-access-token)"'
        data = "" if request.service in ("GET", "DELETE") else f" --json @{file}"
        return f"curl -X {request.service} {token} {shlex.quote(request.operation)}{data}"

    def copy_command(self, source: str, location: str) -> str:
        return f"gcloud storage cp {shlex.quote(source)} {shlex.quote(location)}"

    def found(self, operation: str) -> dict[str, Any] | None:
        """The answer to a GET; None for something absent, and in a dry run."""
        if self.dry_run is not None:
            return None
        try:
            return self.send(Request("GET", operation, {}))
        except CloudError as error:
            if error.code == "404":
                return None
            raise

    def created(self, operation: str, body: dict[str, Any]) -> None:
        """POST what is not there; that it is there already is no error."""
        try:
            self.change(Request("POST", operation, body), {})
        except CloudError as error:
            if error.code != "409":
                raise


def with_binding(policy: dict[str, Any], role: str, member: str) -> dict[str, Any]:
    """An IAM policy in which `member` has `role`, and everything else stays."""
    bindings = [dict(binding) for binding in policy.get("bindings", [])]
    for binding in bindings:
        if binding.get("role") == role and "condition" not in binding:
            binding["members"] = sorted({*binding.get("members", []), member})
            break
    else:
        bindings.append({"role": role, "members": [member]})
    return {**policy, "bindings": bindings}
