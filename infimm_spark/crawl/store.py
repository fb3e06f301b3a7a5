"""The one place that opens files: local paths, `file://`, `s3://`, `s3a://`, `gs://` and `https://`.

A location is a string. Reading streams, and resumes at the byte where a connection broke; every remote
call is tried again with full-jitter back-off, as `StoreConfig` says. S3 takes credentials from the standard
AWS chain and reads anonymously where there are none; `gs://` takes Google's application default ones. Messages show a location without user, password and
query string, and never repeat what a server said.
"""

from __future__ import annotations

import contextlib
import glob as _globbing
import os
import re
import shutil
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Protocol

from infimm_spark.config import StoreConfig
from infimm_spark.crawl import gcs, remote, s3
from infimm_spark.crawl.gate import take_place
from infimm_spark.crawl.remote import Traffic as Traffic
from infimm_spark.crawl.remote import WrongLengthError
from infimm_spark.crawl.remote import configure as configure
from infimm_spark.crawl.remote import shown as shown
from infimm_spark.errors import MissingObjectError, StoreConflictError, StoreError

_GZIP_MAGIC = b"\x1f\x8b"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_READ_AHEAD = 1 << 19  # bytes taken off a connection at once: each call through HTTP's layers costs
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:[!?a-zA-Z])")


def open_stream(location: str, *, check: bool = True, traffic: Traffic | None = None) -> ByteStream:
    """Open an object for reading from its first byte; `traffic` counts what it costs.

    With `check`, a `*.gz` object that is empty, is an HTML or XML page, or is not gzip is refused.
    Raises `StoreError` where the object is missing or unreadable.
    """
    stream = ByteStream(location, _source(location), traffic=traffic)
    if check and _path_of(location).endswith(".gz"):
        problem = _not_gzip(stream.peek(512))
        if problem:
            stream.close()
            raise StoreError(f"{shown(location)} {problem}; expected gzip")
    return stream


def read_bytes(location: str) -> bytes:
    """The whole object."""
    with open_stream(location, check=False) as stream:
        return stream.read()


def read_range(location: str, offset: int, length: int, *, traffic: Traffic | None = None) -> bytes:
    """`length` bytes from `offset`; fewer only where the object ends before. Raises `StoreError`."""
    source = _source(location, length=length)
    with ByteStream(location, source, position=offset, traffic=traffic) as stream:
        pieces = []
        while length > 0 and (piece := stream.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


def write_bytes(location: str, data: bytes) -> None:
    """Write an object as a whole: readers see the old one or the new one, also after a crash.

    Locally a synced temporary file is renamed over the target; folders are made as needed. Raises
    `StoreError`.
    """
    scheme, path = _split(location)
    if scheme in _OBJECT_STORES:
        _OBJECT_STORES[scheme].put(*_bucket_and_key(location), data, location)
        return
    if scheme != "file":
        raise StoreError(f"{shown(location)} cannot be written: {scheme} is read-only")
    target = Path(path)
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".tmp", dir=target.parent
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise StoreError(
            f"{shown(location)} cannot be written: {remote.reason_of(error)}"
        ) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_new(location: str, data: bytes) -> bool:
    """As `write_bytes`, but only where there is no object yet; False where there is another one.

    Of several writers at the same time exactly one succeeds. Raises `StoreError`.
    """
    scheme, path = _split(location)
    if scheme in _OBJECT_STORES:
        try:
            _OBJECT_STORES[scheme].put(*_bucket_and_key(location), data, location, only_new=True)
        except StoreConflictError:
            # The object may be ours: a write whose answer was lost was sent again.
            return read_bytes(location) == data
        return True
    if scheme != "file":
        raise StoreError(f"{shown(location)} cannot be written: {scheme} is read-only")
    # Hidden, so that what a killed writer leaves is in no listing.
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.getpid()}-{threading.get_ident()}.new")
    write_bytes(beside, data)
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise StoreError(
            f"{shown(location)} cannot be written: {remote.reason_of(error)}"
        ) from None
    finally:
        os.unlink(beside)
    return True


def exists(location: str) -> bool:
    """Whether there is an object or a folder (in a bucket: a key, or any key below the prefix)."""
    scheme, path = _split(location)
    if scheme == "file":
        return os.path.exists(path)
    if scheme in _OBJECT_STORES:
        bucket, key = _bucket_and_key(location)
        if key and _OBJECT_STORES[scheme].is_key(bucket, key, location):
            return True
        return _OBJECT_STORES[scheme].has_keys(bucket, _below(key), location)
    try:
        request = urllib.request.Request(location, method="HEAD")
        remote.retried(
            lambda: urllib.request.urlopen(
                request, timeout=remote.settings.timeout_seconds
            ).close(),
            "open",
            location,
        )
    except MissingObjectError:
        return False
    return True


def is_folder(location: str) -> bool:
    """Whether the location is a local folder, or a prefix of a bucket with keys below it and no key itself."""
    scheme, path = _split(location)
    if scheme == "file":
        return os.path.isdir(path)
    if scheme in _OBJECT_STORES:
        bucket, key = _bucket_and_key(location)
        named = key and not key.endswith("/")
        return not (named and _OBJECT_STORES[scheme].is_key(bucket, key, location)) and exists(
            location
        )
    return False


def list_files(prefix: str) -> list[str]:
    """All files below a folder, recursively, sorted; a file lists itself, what is not there nothing.

    Hidden files and folders are left out.

    Raises `StoreError` where it cannot be listed (https has no listing).
    """
    scheme, path = _split(prefix)
    if scheme == "file":
        if os.path.isfile(path):
            return [path]
        if not os.path.exists(path):
            return []
        found = []

        def refuse(error: OSError) -> None:
            raise error

        try:
            for folder, folders, names in os.walk(path, onerror=refuse):
                folders[:] = [name for name in folders if not name.startswith(".")]
                found += [os.path.join(folder, n) for n in names if not n.startswith(".")]
        except OSError as error:
            raise StoreError(
                f"{shown(prefix)} cannot be listed: {remote.reason_of(error)}"
            ) from None
        return sorted(found)
    if scheme in _OBJECT_STORES:
        bucket, key = _bucket_and_key(prefix)
        named = key and not key.endswith("/")
        if named and _OBJECT_STORES[scheme].is_key(bucket, key, prefix):
            return [prefix]
        return [name for name, _ in list_sizes(prefix)]
    raise StoreError(f"{shown(prefix)} cannot be listed: {scheme} has no listing")


def list_sizes(folder: str) -> list[tuple[str, int]]:
    """`list_files` of a folder, each with its bytes."""
    scheme, path = _split(folder)
    if scheme == "file":
        return [(name, os.path.getsize(name)) for name in list_files(path)]
    if scheme in _OBJECT_STORES:
        bucket, key = _bucket_and_key(folder)
        return [
            (_like(folder, bucket, name), size)
            for name, size in _OBJECT_STORES[scheme].sized_keys(bucket, _below(key), folder)
        ]
    raise StoreError(f"{shown(folder)} cannot be listed: {scheme} has no listing")


def is_s3(location: str) -> bool:
    """Whether a location is on S3, under any of its schemes."""
    return location.startswith(("s3://", "s3a://", "s3n://"))


def is_gs(location: str) -> bool:
    """Whether a location is on Google Cloud Storage."""
    return location.startswith("gs://")


def settings() -> StoreConfig:
    """How this process reaches remote stores, as `configure` set it."""
    return remote.settings


def list_folders(prefix: str) -> list[str]:
    """Names of the folders directly below a folder, sorted, without hidden ones."""
    scheme, path = _split(prefix)
    if scheme == "file":
        try:
            with os.scandir(path) as entries:
                return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        except OSError as error:
            raise StoreError(
                f"{shown(prefix)} cannot be listed: {remote.reason_of(error)}"
            ) from None
    if scheme in _OBJECT_STORES:
        bucket, key = _bucket_and_key(prefix)
        names = _OBJECT_STORES[scheme].folders(bucket, _below(key), prefix)
        return sorted(name for name in names if not name.startswith("."))
    raise StoreError(f"{shown(prefix)} cannot be listed: {scheme} has no listing")


def is_glob(location: str) -> bool:
    """Whether the location is a pattern; a `?` in an https address is its query."""
    scheme, path = _split(location)
    if scheme == "file":
        return _globbing.has_magic(path) and not os.path.exists(path)
    return scheme in _OBJECT_STORES and _globbing.has_magic(path)


def glob(pattern: str) -> list[str]:
    """Files that match `*`, `?`, `[...]` (none of them crosses a `/`) and `**`, sorted."""
    scheme, path = _split(pattern)
    if scheme == "file":
        found = _globbing.glob(path, recursive=True)
        return sorted(name for name in found if os.path.isfile(name))
    if scheme in _OBJECT_STORES:
        bucket, key = _bucket_and_key(pattern)
        literal = re.split(r"[*?\[]", key, maxsplit=1)[0]
        matches = _key_pattern(key).fullmatch
        return [
            _like(pattern, bucket, name)
            for name, _ in _OBJECT_STORES[scheme].sized_keys(bucket, literal, pattern)
            if matches(name)
        ]
    raise StoreError(f"{shown(pattern)} cannot be listed: {scheme} has no listing")


def delete_tree(location: str) -> None:
    """Delete a folder with all it holds, or one file; what is not there is no error."""
    scheme, path = _split(location)
    if scheme == "file":
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{shown(location)} cannot be deleted: {remote.reason_of(error)}"
            ) from None
        return
    if scheme not in _OBJECT_STORES:
        raise StoreError(f"{shown(location)} cannot be deleted: {scheme} is read-only")
    bucket, key = _bucket_and_key(location)
    if not key.strip("/"):
        raise StoreError(f"{shown(location)} is a whole bucket; expected a prefix to delete")
    _OBJECT_STORES[scheme].delete_below(bucket, key, location)


def normal(location: str) -> str:
    """A location as this package writes it: `s3a://` as `s3://`, `file://` as a path, no slash behind."""
    scheme, path = _split(location)
    if scheme == "file":
        return path.rstrip("/") or "/"
    return f"s3://{path.rstrip('/')}" if scheme == "s3" else location.rstrip("/")


def join(location: str, *parts: str) -> str:
    """Append path parts; an absolute part is taken as relative."""
    return "/".join([location.rstrip("/"), *(part.strip("/") for part in parts)])


def local_path(location: str) -> str:
    """The path of a local file or `file://` location. Raises `StoreError` for a remote one."""
    scheme, path = _split(location)
    if scheme != "file":
        raise StoreError(f"{shown(location)} is not a local path")
    return path


class ByteStream:
    """A binary stream over one object; a context manager.

    `size` is the object's length in bytes, None where the server does not tell. `read(n)` returns at
    most `n` bytes (all that is left for a negative `n`) and b"" only at the end of the object: a
    connection that breaks, or ends early, is resumed at the byte where it broke. Raises `StoreError`
    after `StoreConfig.attempts` reconnections without progress, or when the object changed meanwhile.
    """

    def __init__(
        self,
        location: str,
        source: _Source,
        *,
        position: int = 0,
        traffic: Traffic | None = None,
    ) -> None:
        self.location = location
        self.traffic = traffic or Traffic()
        self._source = source
        self._position = position  # of the next byte of the connection
        # What came before `_position` last, and how much of that the caller has.
        self._buffer, self._at = b"", 0
        remote_source = not isinstance(source, _FileSource)
        self._at_once = _READ_AHEAD if remote_source else 0
        self._place = take_place(remote.gate) if remote_source and remote.gate else None
        try:
            self._reader = self._connect()
        except BaseException:
            self._give_back()
            raise

    @property
    def size(self) -> int | None:
        """The object's length in bytes, None where the server does not tell."""
        return self._source.size

    def tell(self) -> int:
        """Position of the next byte `read` returns."""
        return self._position - len(self._buffer) + self._at

    def read(self, n: int = -1) -> bytes:
        """At most `n` bytes; everything left for a negative `n`; b"" at the end."""
        if n < 0:
            pieces = []
            while piece := self.read(1 << 20):
                pieces.append(piece)
            return b"".join(pieces)
        if self._at == len(self._buffer):
            at_once = 0 < n < self._at_once
            piece = self._pull(self._at_once if at_once else n)
            if piece:  # at the object's end the buffer stays, to go back into
                self._buffer, self._at = (piece if at_once else b""), 0
            if not at_once:
                return piece
        piece = self._buffer[self._at : self._at + n]
        self._at += len(piece)
        return piece

    def peek(self, n: int) -> bytes:
        """The next `n` bytes (fewer at the end), which stay to be read."""
        end = self._at + n
        while len(self._buffer) < end and (piece := self._pull(end - len(self._buffer))):
            self._buffer += piece
        return self._buffer[self._at : end]

    def seek(self, position: int) -> None:
        """Go on reading at `position`; a remote object is reconnected, but for places read just now: a reader
        goes back to look at a damaged member, and each connection is a request."""
        first = self._position - len(self._buffer)
        if first <= position <= self._position:
            self._at = position - first
            return
        self._reader.close()
        self._position, self._buffer, self._at = position, b"", 0
        self._reader = self._connect()

    def close(self) -> None:
        """Let the connection go."""
        self._reader.close()
        self._give_back()

    def _give_back(self) -> None:
        if self._place is not None:
            self._place.close()
            self._place = None

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pull(self, n: int) -> bytes:
        if n == 0:
            return b""
        broken = 0
        while True:
            try:
                piece = self._reader.read(n)
            except Exception as error:
                if not remote.is_transient(error):
                    raise self._failure(error) from None
                reason = remote.reason_of(error)
            else:
                if piece or self._at_end():
                    self._position += len(piece)
                    self.traffic.bytes += len(piece)
                    return piece
                reason = "the connection ended early"
            broken += 1
            if broken >= remote.settings.attempts:
                raise StoreError(
                    f"{shown(self.location)} broke at byte {self._position} "
                    f"{broken} times: {reason}"
                )
            self._reader.close()
            self.traffic.retries += 1
            remote.pause(broken)
            self._reader = self._connect()

    def _at_end(self) -> bool:
        end = self._source.end
        return end is None or self._position >= end

    def _connect(self) -> _Reader:
        position = self._position
        return remote.retried(
            lambda: self._source.open_at(position), "open", self.location, self.traffic
        )

    def _failure(self, error: Exception) -> StoreError:
        return StoreError(
            f"{shown(self.location)} cannot be read at byte {self._position}: {remote.reason_of(error)}"
        )


class _Reader(Protocol):
    def read(self, n: int, /) -> bytes: ...

    def close(self) -> None: ...


class _Source(Protocol):
    """How an object is opened. `size` and `end` (the last byte wanted, exclusive) are known once open."""

    size: int | None

    @property
    def end(self) -> int | None: ...

    def open_at(self, position: int) -> _Reader: ...


class _FileSource:
    def __init__(self, path: str) -> None:
        self.path = path
        self.size: int | None = None

    @property
    def end(self) -> int | None:
        return None  # a local read that returns nothing is the end

    def open_at(self, position: int) -> _Reader:
        file = open(self.path, "rb", buffering=0)  # noqa: SIM115 - the stream closes it
        try:
            self.size = os.fstat(file.fileno()).st_size
            file.seek(position)
        except BaseException:
            file.close()
            raise
        return file


class _RemoteSource:
    """What HTTP and S3 share: byte ranges, and the check that a resumed object is still the same."""

    def __init__(self, location: str, length: int | None) -> None:
        self.location = location
        self.length = length
        self.size: int | None = None
        self.end: int | None = None
        self._start: int | None = None
        self._tag: str | None = None

    def _range(self, position: int) -> str:
        """The range to ask for: also from byte 0, as the answer then tells the length twice."""
        if self._start is None:
            self._start = position
        last = "" if self.length is None else str(self._start + self.length - 1)
        return f"bytes={position}-{last}"

    def _opened(self, size: int | None, tag: str | None) -> None:
        if self.size is not None and (size != self.size or (tag or self._tag) != self._tag):
            raise StoreError(f"{shown(self.location)} changed while it was read")
        self.size, self._tag = size, tag or self._tag
        self.end = size
        if self.length is not None and self._start is not None:
            stop = self._start + self.length
            self.end = stop if size is None else min(stop, size)


class _HttpSource(_RemoteSource):
    def open_at(self, position: int) -> _Reader:
        try:
            response = self._answer(self._range(position))
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            with error:
                return _Nothing()  # the range starts at or behind the end
        try:
            ranged = response.status == 206
            if not ranged and (position or self.length is not None):
                raise StoreError(f"{shown(self.location)} is on a server without byte ranges")
            length = response.headers.get("Content-Length", "")
            total = _whole_size(
                response.headers.get("Content-Range", "") if ranged else "",
                int(length) if length.isdigit() else None,
            )
            self._opened(total, response.headers.get("ETag"))
        except BaseException:
            response.close()
            raise
        return response  # type: ignore[no-any-return]

    def _answer(self, wanted: str) -> Any:
        headers = {"Accept-Encoding": "identity", "Range": wanted}
        request = urllib.request.Request(self.location, headers=headers)
        return urllib.request.urlopen(request, timeout=remote.settings.timeout_seconds)


class _GcsSource(_HttpSource):
    def _answer(self, wanted: str) -> Any:
        return gcs.open_media(*_bucket_and_key(self.location), wanted)


class _S3Source(_RemoteSource):
    def open_at(self, position: int) -> _Reader:
        bucket, key = _bucket_and_key(self.location)
        wanted = self._range(position)
        try:
            answer = s3.client(bucket).get_object(
                Bucket=bucket, Key=key, Range=wanted, **s3.request_options(bucket)
            )
        except Exception as error:
            if remote.error_code(error) == "InvalidRange":
                return _Nothing()
            raise
        body: _Reader = answer["Body"]
        try:
            total = _whole_size(answer.get("ContentRange", ""), answer["ContentLength"])
            self._opened(total, answer.get("ETag"))
        except BaseException:
            body.close()
            raise
        return body


class _ObjectStore(Protocol):
    """What a module of a bucket store offers; `location` is for messages."""

    def is_key(self, bucket: str, key: str, location: str) -> bool: ...

    def has_keys(self, bucket: str, prefix: str, location: str) -> bool: ...

    def sized_keys(
        self, bucket: str, prefix: str, location: str, *, hidden: bool = False
    ) -> list[tuple[str, int]]: ...

    def folders(self, bucket: str, prefix: str, location: str) -> set[str]: ...

    def put(
        self, bucket: str, key: str, data: bytes, location: str, *, only_new: bool = False
    ) -> None: ...

    def delete_below(self, bucket: str, key: str, location: str) -> None: ...


_OBJECT_STORES: dict[str, _ObjectStore] = {"s3": s3, "gs": gcs}


class _Nothing:
    """A range behind the object's end."""

    def read(self, n: int, /) -> bytes:
        return b""

    def close(self) -> None:
        return None


def _source(location: str, *, length: int | None = None) -> _Source:
    scheme, path = _split(location)
    if scheme == "file":
        return _FileSource(path)
    if scheme == "s3":
        return _S3Source(location, length)
    return (_GcsSource if scheme == "gs" else _HttpSource)(location, length)


def _whole_size(content_range: str, length: int | None) -> int | None:
    """An object's size as an answer tells it. Raises `WrongLengthError` where it tells two lengths."""
    match = _CONTENT_RANGE.match(content_range)
    if not match:
        return length
    first, last, total = match.groups()
    if length is not None and length != int(last) + 1 - int(first):
        raise WrongLengthError("Content-Length is not the range's")
    return int(total) if total.isdigit() else None


def _split(location: str) -> tuple[str, str]:
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


def _path_of(location: str) -> str:
    scheme, path = _split(location)
    return urllib.parse.urlsplit(location).path if scheme.startswith("http") else path


def _not_gzip(head: bytes) -> str | None:
    if not head:
        return "is empty"
    if head.startswith(_GZIP_MAGIC):
        return None
    return "is an HTML or XML page" if is_markup(head) else "is not gzip"


def is_markup(head: bytes) -> bool:
    """Whether an object's first bytes are those of an HTML or XML page, such as an error message."""
    return _MARKUP.match(head) is not None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _bucket_and_key(location: str) -> tuple[str, str]:
    bucket, _, key = _split(location)[1].partition("/")
    if not bucket:
        raise StoreError(
            f"{shown(location)} names no bucket; expected {location.partition('://')[0]}://bucket/key"
        )
    return bucket, key


def _below(key: str) -> str:
    """The prefix of what lies in a folder; empty for the bucket itself."""
    return f"{key.rstrip('/')}/" if key.strip("/") else ""


def _like(location: str, bucket: str, key: str) -> str:
    """A key's location under the scheme that the caller uses: Spark knows `s3a` only."""
    return f"{location.partition('://')[0]}://{bucket}/{key}"


def _key_pattern(pattern: str) -> re.Pattern[str]:
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
