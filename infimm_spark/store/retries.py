"""What every remote call shares: settings, retries with full jitter, counts, and reasons in one
line."""

from __future__ import annotations

import http.client
import random
import re
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from infimm_spark.config import StoreConfig
from infimm_spark.errors import (
    InfimmError,
    MissingObjectError,
    StoreConflictError,
    StoreError,
    StoreRefusedError,
)
from infimm_spark.store.base import shown, store_of
from infimm_spark.store.gate import GateAddress

_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {
        "SlowDown",
        "RequestTimeout",
        "Throttling",
        "ThrottlingException",
        "InternalError",
        "ConditionalRequestConflict",
    }
)
_REFUSALS = {
    "InvalidAccessKeyId": "the store does not know the access key",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "ExpiredToken": "the credentials have expired",
    "InvalidToken": "the session token is not valid",
    "NoSuchBucket": "the bucket does not exist",
    "RequestTimeTooSkewed": "this machine's clock is off by more than the store allows; set the clock",  # noqa: E501
    "PermanentRedirect": "the bucket is in another region; set store.region",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set store.region",
    "NoCredentialsError": "no credentials in the standard AWS chain",
    "PartialCredentialsError": "the credentials are incomplete",
    "ProfileNotFound": "the profile is not in the AWS configuration",
    "CredentialRetrievalError": "the credentials cannot be had",
    "TokenRetrievalError": "the credentials cannot be had",
}
"""Answers that no retry and no other object will change, in words."""

_CODE = re.compile(r"[A-Za-z]{1,60}")

T = TypeVar("T")

settings = StoreConfig()
"""How this process reaches remote stores; see `configure`."""
gate: GateAddress | None = None
"""Where the cluster's cap on open connections is asked; None for no cap."""


def configure(config: StoreConfig, gate_address: GateAddress | None = None) -> None:
    """Settings of this process: the driver's and each Python worker's, before the first call."""
    global settings, gate
    settings, gate = config, gate_address


@dataclass(slots=True)
class Traffic:
    """What reading cost: requests sent, how many of them only because one failed, bytes
    received."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0


class WrongLengthError(ConnectionError):
    """An answer whose Content-Length contradicts its Content-Range."""


def retried(action: Callable[[], T], verb: str, location: str, traffic: Traffic | None = None) -> T:
    """Try `action` until it succeeds or fails for good; failures become `StoreError`.

    Raises `MissingObjectError`, and `StoreRefusedError` where nothing in that store will succeed.
    """
    traffic = traffic or Traffic()
    attempts = settings.attempts
    for attempt in range(1, attempts + 1):
        traffic.requests += 1
        try:
            return action()
        except InfimmError:
            raise
        except Exception as error:
            refusal = _REFUSALS.get(error_code(error) or type(error).__name__)
            if refusal:
                raise StoreRefusedError(
                    f"cannot {verb} {shown(location)}: {refusal} ({reason_of(error)})"
                ) from None
            if status_of(error) == 412:
                raise StoreConflictError(f"{shown(location)} exists already") from None
            if isinstance(error, FileNotFoundError) or status_of(error) == 404:
                raise MissingObjectError(f"{shown(location)} does not exist") from None
            if not is_transient(error):
                raise StoreError(
                    f"cannot {verb} {shown(location)}: {_refused(error, location)}"
                ) from None
            reason = reason_of(error)
            if isinstance(error, urllib.error.HTTPError):
                error.close()
        if attempt < attempts:
            traffic.retries += 1
            pause(attempt)
    raise StoreError(f"cannot {verb} {shown(location)}: {reason}, {attempts} times")


def pause(attempt: int) -> None:
    """Wait before the next try: uniform in [0, base · 2^attempt], at most the cap."""
    bound = min(settings.max_backoff_seconds, settings.backoff_seconds * 2**attempt)
    time.sleep(random.uniform(0.0, bound))


def is_transient(error: Exception) -> bool:
    """Whether another try may succeed."""
    status = status_of(error)
    if status is not None:
        return status in _TRANSIENT_STATUS or error_code(error) in _TRANSIENT_CODES
    if isinstance(error, urllib.error.URLError):
        return not isinstance(error.reason, OSError) or is_transient(error.reason)
    if isinstance(
        error, FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError
    ):
        return False
    if isinstance(error, http.client.InvalidURL):
        return False
    if isinstance(error, http.client.HTTPException | ConnectionError | TimeoutError):
        return True
    module = type(error).__module__
    if module.startswith("urllib3"):
        return True
    if module.startswith("botocore"):
        # EndpointConnectionError, ReadTimeoutError, ResponseStreamingError, IncompleteReadError,
        # ResponseParserError (the answer was cut) ...
        return any(
            part in type(error).__name__
            for part in ("Connect", "Timeout", "Stream", "Read", "Parser")
        )
    return isinstance(error, OSError) and error.errno is None


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an error stands for."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status if isinstance(status, int) else None
    return None


def error_code(error: BaseException) -> str:
    """S3's name of an error, such as NoSuchBucket; empty where there is none."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def reason_of(error: BaseException) -> str:
    """A short cause that repeats nothing a server or a URL may hold."""
    status = status_of(error)
    if status is not None:
        code = error_code(error)
        return f"HTTP {status}" + (f" {code}" if _CODE.fullmatch(code) else "")
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return reason_of(error.reason)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _refused(error: Exception, location: str) -> str:
    reason = reason_of(error)
    if status_of(error) not in (401, 403):
        return reason
    hint = store_of(location).refusal_hint()
    return f"no permission ({reason})" + (f"; {hint}" if hint else "")
