"""How locations are written: a string with a scheme, or a local path."""

from __future__ import annotations

import re
import urllib.parse

from infimm_spark.errors import StoreError
from infimm_spark.store.retries import shown

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def normal(location: str) -> str:
    """A location as this package writes it: `s3a://` as `s3://`, `file://` as a path, no slash behind."""
    scheme, path = scheme_and_path(location)
    if scheme == "file":
        return path.rstrip("/") or "/"
    return f"s3://{path.rstrip('/')}" if scheme == "s3" else location.rstrip("/")


def join(location: str, *parts: str) -> str:
    """Append path parts; an absolute part is taken as relative."""
    return "/".join([location.rstrip("/"), *(part.strip("/") for part in parts)])


def local_path(location: str) -> str:
    """The path of a local file or `file://` location. Raises `StoreError` for a remote one."""
    scheme, path = scheme_and_path(location)
    if scheme != "file":
        raise StoreError(f"{shown(location)} is not a local path")
    return path


def is_s3(location: str) -> bool:
    """Whether a location is on S3, under any of its schemes."""
    return location.startswith(("s3://", "s3a://", "s3n://"))


def is_gs(location: str) -> bool:
    """Whether a location is on Google Cloud Storage."""
    return location.startswith("gs://")


def scheme_and_path(location: str) -> tuple[str, str]:
    """(file, s3, gs, http or https; path). Raises `StoreError` for another scheme."""
    match = _SCHEME.match(location)
    if not match:
        return "file", location
    scheme = match[1].lower()
    rest = location[match.end() :]
    if scheme == "file":
        return "file", urllib.parse.unquote("/" + rest.partition("/")[2])
    if scheme in ("s3", "s3a", "s3n"):
        return "s3", rest
    if scheme in ("gs", "http", "https"):
        return scheme, rest
    raise StoreError(
        f"{shown(location)}: unknown scheme {scheme!r}; expected file, s3, s3a, gs or https"
    )


def path_of(location: str) -> str:
    """The path alone, without an address's query."""
    scheme, path = scheme_and_path(location)
    return urllib.parse.urlsplit(location).path if scheme.startswith("http") else path


def bucket_and_key(location: str) -> tuple[str, str]:
    """Of a location in a bucket. Raises `StoreError` where it names none."""
    bucket, _, key = scheme_and_path(location)[1].partition("/")
    if not bucket:
        raise StoreError(
            f"{shown(location)} names no bucket; expected {location.partition('://')[0]}://bucket/key"
        )
    return bucket, key


def below(key: str) -> str:
    """The prefix of what lies in a folder; empty for the bucket itself."""
    return f"{key.rstrip('/')}/" if key.strip("/") else ""


def with_scheme_of(location: str, bucket: str, key: str) -> str:
    """A key's location under the scheme that the caller uses: Spark knows `s3a` only."""
    return f"{location.partition('://')[0]}://{bucket}/{key}"


def key_pattern(pattern: str) -> re.Pattern[str]:
    """`a/**/b*.gz` as a regular expression over keys."""
    out = []
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**/", i):
            out.append("(?:[^/]+/)*")
            i += 3
            continue
        if pattern.startswith("**", i):
            out.append(".*")
            i += 2
            continue
        close = pattern.find("]", i + 2) if char == "[" else -1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif close > 0:
            inside = pattern[i + 1 : close].replace("\\", r"\\")
            out.append("[" + ("^" + inside[1:] if inside[0] == "!" else inside) + "]")
            i = close
        else:
            out.append(re.escape(char))
        i += 1
    return re.compile("".join(out))
