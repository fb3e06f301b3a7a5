"""What can be known before Spark starts, and Spark's own failures in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from infimm_spark import errors, store
from infimm_spark.errors import (
    BrokenAnswerError,
    InfimmError,
    InputError,
    OutputError,
    StoreError,
    StoreRefusedError,
)
from infimm_spark.spark.causes import local_cause
from infimm_spark.spark.connectors import connector_of
from infimm_spark.warc.listing import WarcFile

# A worker's own error, as Python prints it at the end of a traceback inside Spark's.
_OURS = re.compile(r"infimm_spark\.errors\.(\w+): (.+)")
_HADOOP = {
    "UnknownStoreException": "the bucket does not exist",
    "AccessDeniedException": "no permission",
    "NoAuthWithAWSException": "no credentials in the standard AWS chain",
    "InvalidAccessKeyId": "the store does not know the access key",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "RequestTimeTooSkewed": "this machine's clock is off by more than the store allows",
    "ExpiredToken": "the credentials have expired",
}
"""Names that S3A gives a refusal, in words."""


def check_readable(warcs: list[WarcFile]) -> None:
    """Ask for the first byte of the first, middle and last remote WARC file.

    A dead file among many is for the run to quarantine; when none of the three can be had, raises
    what the first one said.
    """
    remote = [warc for warc in warcs if "://" in warc.location]
    failures: list[StoreError] = []
    samples = {
        warc.location for warc in (*remote[:1], *remote[len(remote) // 2 :][:1], *remote[-1:])
    }
    for location in sorted(samples):
        try:
            store.read_range(location, 0, 1)
            return
        except StoreRefusedError:
            raise
        except StoreError as error:
            failures.append(error)
    if failures:
        raise InputError(f"no WARC file can be read: {failures[0]}")


@contextmanager
def plain_errors(output: str) -> Iterator[None]:
    """Turn what Spark wraps in pages of traces into the package's one line, where the cause is
    known."""
    try:
        yield
    except InfimmError:
        raise
    except Exception as error:
        if not type(error).__module__.startswith(("py4j", "pyspark")):
            raise
        known = _known(str(error), output)
        if known is None:
            raise
        raise known from error


def _known(text: str, output: str) -> InfimmError | None:
    ours = _OURS.search(text)
    kind = getattr(errors, ours[1], None) if ours else None
    if ours and isinstance(kind, type) and issubclass(kind, InfimmError):
        return kind(ours[2].strip())
    for name, words in _HADOOP.items():
        if name in text:
            return OutputError(f"{store.shown(output)} cannot be used: {words} ({name})")
    connector = connector_of(output)
    if connector is not None and (found := connector.truncated_response(text)):
        return BrokenAnswerError(
            f"{store.shown(output)}: the store returned a truncated response ({found}), which "
            "Spark's connector "
            "does not retry; run again with --resume"
        )
    return local_cause(text)
