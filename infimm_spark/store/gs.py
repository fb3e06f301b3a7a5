"""Google Cloud Storage: objects of a bucket, by its JSON API.

Plain HTTP rather than pyarrow or google-cloud-storage: pyarrow's file system cannot create an
object only where there is none, on which locks and manifests rest, and both bring a second policy
of retries. Credentials are Google's application default ones, by google-auth (`pip install
'infimm-spark[gcs]'`). With STORAGE_EMULATOR_HOST set, as Google's own clients have it, that server
is asked, without credentials.
"""

from __future__ import annotations

import functools
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from infimm_spark.errors import MissingObjectError, StoreRefusedError
from infimm_spark.extras import require_extra
from infimm_spark.store import base, retries
from infimm_spark.store.base import shown
from infimm_spark.store.buckets import BucketStore, bucket_and_key
from infimm_spark.store.sources import HttpSource

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_DELETIONS = 16  # at the same time: the API deletes one object a request


class GsStore(BucketStore):
    """The `Store` of Google Cloud Storage."""

    spellings: ClassVar = {"gs": "gs"}

    def source(self, location: str, length: int | None) -> base.Source:
        return _Source(location, length)

    def is_key(self, bucket: str, key: str, location: str) -> bool:
        try:
            retries.retried(
                lambda: _answer(bucket, _object(bucket, key) + "?fields=name"), "open", location
            )
        except MissingObjectError:
            return False
        return True

    def has_keys(self, bucket: str, prefix: str, location: str) -> bool:
        # A page may be empty, and yet not be the last.
        return any(page.get("items") for page in _pages(bucket, prefix, location, maxResults="1"))

    def all_keys(self, bucket: str, prefix: str, location: str) -> list[tuple[str, int]]:
        return sorted(
            (item["name"], int(item["size"]))
            for page in _pages(bucket, prefix, location)
            for item in page.get("items", [])
        )

    def folders(self, bucket: str, prefix: str, location: str) -> set[str]:
        return {
            folder[len(prefix) :].rstrip("/")
            for page in _pages(bucket, prefix, location, delimiter="/")
            for folder in page.get("prefixes", [])
        }

    def put_key(
        self, bucket: str, key: str, data: bytes, location: str, *, only_new: bool = False
    ) -> None:
        query = {"uploadType": "media", "name": key}
        if only_new:
            query["ifGenerationMatch"] = "0"
        path = f"/upload/storage/v1/b/{_quoted(bucket)}/o?{urllib.parse.urlencode(query)}"
        headers = {"Content-Type": "application/octet-stream"}
        try:
            retries.retried(
                lambda: _answer(bucket, path, method="POST", data=data, headers=headers),
                "write",
                location,
            )
        except MissingObjectError:
            raise _no_bucket("write", location) from None

    def delete_below(self, bucket: str, key: str, location: str) -> None:
        doomed = [name for name, _ in self.all_keys(bucket, f"{key.rstrip('/')}/", location)]
        if not key.endswith("/"):
            doomed.append(key)

        def delete(name: str) -> None:
            try:
                retries.retried(
                    lambda: _answer(bucket, _object(bucket, name), method="DELETE"),
                    "delete",
                    location,
                )
            except MissingObjectError:
                return  # deleted meanwhile

        with ThreadPoolExecutor(_DELETIONS) as pool:
            list(pool.map(delete, doomed))


class _Source(HttpSource):
    def answer(self, wanted: str) -> Any:
        # Without `gzip` an object stored with that Content-Encoding is inflated on its way, and its
        # length lost.
        headers = {"Range": wanted, "Accept-Encoding": "gzip"}
        bucket, key = bucket_and_key(self.location)
        return _opened(bucket, _object(bucket, key) + "?alt=media", headers=headers)


def endpoint() -> str:
    """The server, without a slash behind it: Google's, or the emulator that the environment
    names."""
    named = os.environ.get("STORAGE_EMULATOR_HOST")
    if not named:
        return "https://storage.googleapis.com"
    return (named if "://" in named else f"http://{named}").rstrip("/")


def is_anonymous(bucket: str) -> bool:
    """Whether requests to the bucket go without credentials."""
    return bool(
        os.environ.get("STORAGE_EMULATOR_HOST") or retries.settings.access(bucket).anonymous
    )


def _pages(bucket: str, prefix: str, location: str, **more: str) -> Iterator[dict[str, Any]]:
    query = {"prefix": prefix, "fields": "items(name,size),prefixes,nextPageToken", **more}
    while True:
        path = f"/storage/v1/b/{_quoted(bucket)}/o?{urllib.parse.urlencode(query)}"
        try:
            page = json.loads(
                retries.retried(functools.partial(_answer, bucket, path), "list", location)
            )
        except MissingObjectError:
            raise _no_bucket("list", location) from None
        yield page
        if not page.get("nextPageToken"):
            return
        query["pageToken"] = page["nextPageToken"]


def _answer(bucket: str, path: str, **request: Any) -> bytes:
    with _opened(bucket, path, **request) as response:
        body: bytes = response.read()
    return body


def _opened(
    bucket: str,
    path: str,
    *,
    method: str = "GET",
    data: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    request = urllib.request.Request(
        endpoint() + path, data=data, method=method, headers=dict(headers or {})
    )
    if not is_anonymous(bucket):
        request.add_header("Authorization", f"Bearer {_token()}")
    return urllib.request.urlopen(request, timeout=retries.settings.timeout_seconds)


def _token() -> str:
    """A token that is valid now, from the application default credentials."""
    credentials, transport = _credentials(os.getpid())
    from google.auth import exceptions

    try:
        if not credentials.valid:
            credentials.refresh(transport)
    except exceptions.TransportError:
        raise ConnectionError("no answer from Google's token server") from None
    except exceptions.GoogleAuthError:
        raise StoreRefusedError(
            "Google refuses the application default credentials: renew them "
            "(gcloud auth application-default login), or set GOOGLE_APPLICATION_CREDENTIALS"
        ) from None
    return str(credentials.token)


@functools.lru_cache(maxsize=1)
def _credentials(process: int) -> tuple[Any, Any]:
    """Credentials and the connections to renew them by; `process` as connections do not survive a
    fork."""
    require_extra("gcs", "gs://")
    import google.auth
    import urllib3
    from google.auth.transport.urllib3 import Request

    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except google.auth.exceptions.DefaultCredentialsError:
        raise StoreRefusedError(
            "no application default credentials for gs://: gcloud auth application-default login, "
            "or set "
            "GOOGLE_APPLICATION_CREDENTIALS to a key file"
        ) from None
    return credentials, Request(urllib3.PoolManager())  # type: ignore[no-untyped-call, unused-ignore]


def _object(bucket: str, key: str) -> str:
    return f"/storage/v1/b/{_quoted(bucket)}/o/{_quoted(key)}"


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _no_bucket(verb: str, location: str) -> StoreRefusedError:
    return StoreRefusedError(
        f"cannot {verb} {shown(location)}: the bucket does not exist (HTTP 404)"
    )
