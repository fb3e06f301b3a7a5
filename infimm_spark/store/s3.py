"""`s3://`: objects of S3 and of servers that speak its protocol, by boto3.

Credentials come from the standard AWS chain; where there are none, requests go unsigned.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import Any, ClassVar

from infimm_spark.config import S3Access
from infimm_spark.errors import MissingObjectError, StoreError
from infimm_spark.store import base, retries
from infimm_spark.store.base import shown
from infimm_spark.store.buckets import BucketStore, bucket_and_key
from infimm_spark.store.sources import Nothing, RangeSource, whole_size


class S3Store(BucketStore):
    """The `Store` of S3."""

    spellings: ClassVar = {
        "s3": "s3",
        "s3a": "s3",
        "s3n": "s3",
    }  # the other two are Hadoop's names for it

    def source(self, location: str, length: int | None) -> base.Source:
        return _Source(location, length)

    def is_key(self, bucket: str, key: str, location: str) -> bool:
        def head() -> None:
            try:
                client(bucket).head_object(Bucket=bucket, Key=key, **request_options(bucket))
            except Exception as error:
                # An answer to HEAD has no body and so no reason: ask again for one that has.
                if retries.status_of(error) in (400, 401, 403):
                    client(bucket).list_objects_v2(
                        Bucket=bucket, Prefix=key, MaxKeys=1, **request_options(bucket)
                    )
                raise

        try:
            retries.retried(head, "open", location)
        except MissingObjectError:
            return False
        return True

    def has_keys(self, bucket: str, prefix: str, location: str) -> bool:
        page = retries.retried(
            lambda: client(bucket).list_objects_v2(
                Bucket=bucket, Prefix=prefix, MaxKeys=1, **request_options(bucket)
            ),
            "list",
            location,
        )
        return bool(page.get("Contents"))

    def all_keys(self, bucket: str, prefix: str, location: str) -> list[tuple[str, int]]:
        return sorted(
            (entry["Key"], entry["Size"])
            for page in pages(bucket, prefix, location)
            for entry in page.get("Contents", [])
        )

    def folders(self, bucket: str, prefix: str, location: str) -> set[str]:
        return {
            folder["Prefix"][len(prefix) :].rstrip("/")
            for page in pages(bucket, prefix, location, delimiter="/")
            for folder in page.get("CommonPrefixes", [])
        }

    def put_key(
        self, bucket: str, key: str, data: bytes, location: str, *, only_new: bool = False
    ) -> None:
        condition = {"IfNoneMatch": "*"} if only_new else {}
        retries.retried(
            lambda: client(bucket).put_object(Bucket=bucket, Key=key, Body=data, **condition),
            "write",
            location,
        )

    def delete_below(self, bucket: str, key: str, location: str) -> None:
        below = f"{key.rstrip('/')}/"
        doomed = [name for name, _ in self.all_keys(bucket, below, location)]
        if not key.endswith("/"):
            doomed.append(key)
        delete(bucket, doomed, location)
        abort_uploads(bucket, below, location)

    def refusal_hint(self) -> str:
        signed = any(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"))
        return "" if signed else "no key is set in the environment"


class _Source(RangeSource):
    def open_at(self, position: int) -> base.Reader:
        bucket, key = bucket_and_key(self.location)
        wanted = self.range_from(position)
        try:
            answer = client(bucket).get_object(
                Bucket=bucket, Key=key, Range=wanted, **request_options(bucket)
            )
        except Exception as error:
            if retries.error_code(error) == "InvalidRange":
                return Nothing()
            raise
        body: base.Reader = answer["Body"]
        try:
            total = whole_size(answer.get("ContentRange", ""), answer["ContentLength"])
            self.opened(total, answer.get("ETag"))
        except BaseException:
            body.close()
            raise
        return body


def client(bucket: str) -> Any:
    """The client for a bucket; buckets with the same settings share one a process."""
    settings = retries.settings
    return _client(settings.access(bucket), settings.timeouts, os.getpid())


def request_options(bucket: str) -> dict[str, str]:
    """What each read of the bucket must say besides its key."""
    return {"RequestPayer": "requester"} if retries.settings.access(bucket).requester_pays else {}


def pages(bucket: str, prefix: str, location: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
    """`list_objects_v2`, page by page."""
    extra: dict[str, str] = request_options(bucket)
    if delimiter:
        extra["Delimiter"] = delimiter
    while True:
        page = retries.retried(
            lambda: client(bucket).list_objects_v2(Bucket=bucket, Prefix=prefix, **extra),
            "list",
            location,
        )
        yield page
        if not page.get("IsTruncated"):
            return
        extra["ContinuationToken"] = page["NextContinuationToken"]


def delete(bucket: str, doomed: list[str], location: str) -> None:
    """Delete keys, a thousand a request."""
    for start in range(0, len(doomed), 1000):  # the most one request may name
        batch = {"Objects": [{"Key": k} for k in doomed[start : start + 1000]], "Quiet": True}
        answer = retries.retried(
            functools.partial(client(bucket).delete_objects, Bucket=bucket, Delete=batch),
            "delete",
            location,
        )
        if answer.get("Errors"):
            raise StoreError(
                f"{shown(location)} cannot be deleted: {len(answer['Errors'])} keys refused"
            )


def abort_uploads(bucket: str, prefix: str, location: str) -> None:
    """End the multipart uploads that a killed writer left below a prefix: they are billed for
    ever."""
    marker: dict[str, str] = {}
    while True:
        page = retries.retried(
            functools.partial(
                client(bucket).list_multipart_uploads, Bucket=bucket, Prefix=prefix, **marker
            ),
            "list",
            location,
        )
        for upload in page.get("Uploads", []):
            try:
                retries.retried(
                    functools.partial(
                        client(bucket).abort_multipart_upload,
                        Bucket=bucket,
                        Key=upload["Key"],
                        UploadId=upload["UploadId"],
                    ),
                    "delete",
                    location,
                )
            except MissingObjectError:
                continue  # completed or ended meanwhile
        if not page.get("IsTruncated"):
            return
        marker = {
            "KeyMarker": page["NextKeyMarker"],
            "UploadIdMarker": page["NextUploadIdMarker"],
        }


@functools.lru_cache(maxsize=32)
def _client(access: S3Access, timeouts: tuple[float, float], process: int) -> Any:
    """A client; `process` is in the key because connections do not survive a fork."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    session = boto3.Session(profile_name=access.profile)
    connect, read = timeouts
    settings: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},  # `retries.retried` is the only policy
        "connect_timeout": connect,
        "read_timeout": read,
        "max_pool_connections": 16,
        # Stores other than AWS's own do not know the newer checksums.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    if endpoint_of(access):
        # Self-hosted stores rarely have a name per bucket.
        settings["s3"] = {"addressing_style": "path"}
    if access.anonymous or session.get_credentials() is None:
        settings["signature_version"] = UNSIGNED
    region = access.region or session.region_name or "us-east-1"  # where Common Crawl's bucket is
    return session.client(
        "s3", region_name=region, endpoint_url=access.endpoint, config=Config(**settings)
    )


def endpoint_of(access: S3Access) -> str | None:
    """The server of a bucket, where it is not AWS."""
    return (
        access.endpoint
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
    )
