"""Opening, reading, writing and listing objects, with servers that fail."""

from __future__ import annotations

import contextlib
import errno
import functools
import gzip
import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infimm_spark import store
from infimm_spark.errors import InputError, MissingObjectError, StoreError
from infimm_spark.store import retries
from infimm_spark.store import s3 as s3_module
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import Failed, Page, fetch_record, read_pages

DATA = bytes(range(256)) * 1000
ATTEMPTS = retries.settings.attempts


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test sleeps; the pauses asked for are recorded."""
    asked: list[float] = []
    # In that module alone: threads that other tests left (py4j's) sleep too.
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=asked.append))
    return asked


# -- local -----------------------------------------------------------------------------------------


def test_write_makes_folders_and_replaces_whole_objects(tmp_path: Path) -> None:
    """A write leaves the object and nothing else, with the modes of an ordinary file."""
    path = tmp_path / "a" / "b" / "manifest.json"
    store.write_bytes(str(path), b"one")
    store.write_bytes(f"file://{path}", b"two")
    assert path.read_bytes() == store.read_bytes(str(path)) == b"two"
    assert os.listdir(path.parent) == ["manifest.json"]
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_failed_write_leaves_the_old_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fails, readers still see what was there and no temporary file stays."""
    path = tmp_path / "manifest.json"
    store.write_bytes(str(path), b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="cannot be written: No space left"):
        store.write_bytes(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["manifest.json"]


@pytest.mark.parametrize("call", ["link", "unlink"])
def test_a_killed_exclusive_write_leaves_nothing_that_is_listed(tmp_path: Path, call: str) -> None:
    """Killed before or after the object appears, `write_new` leaves the whole object or none in the
    listing."""
    folder = tmp_path / "manifests"
    writer = (
        "import os\n"
        "from infimm_spark import store\n"
        f"os.{call} = lambda *_: os.kill(os.getpid(), 9)\n"
        f"store.write_new({str(folder / 'group.json')!r}, b'whole')\n"
    )
    done = subprocess.run([sys.executable, "-c", writer], timeout=60)
    assert done.returncode == -signal.SIGKILL
    there = [str(folder / "group.json")] if call == "unlink" else []
    assert len(os.listdir(folder)) == len(there) + 1
    assert store.list_files(str(folder)) == there
    assert store.write_new(str(folder / "group.json"), b"again") is not bool(there)


def test_a_mount_without_hard_links_still_has_one_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a link is not to be had (volumes of Databricks) the name itself is the claim."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    file = tmp_path / "folder" / "claim.json"
    assert store.write_new(str(file), b"first")
    assert not store.write_new(str(file), b"second")
    assert file.read_bytes() == b"first"
    assert [path.name for path in file.parent.iterdir()] == ["claim.json"]


def test_ranges_streams_and_positions(tmp_path: Path) -> None:
    """Ranges end with the object; a stream knows size and position, peeks and seeks."""
    path = str(tmp_path / "a")
    store.write_bytes(path, DATA)
    assert store.read_range(path, 5, 10) == DATA[5:15]
    assert store.read_range(path, len(DATA) - 3, 10) == DATA[-3:]
    assert store.read_range(path, len(DATA) + 3, 10) == b""
    with store.open_stream(path) as stream:
        assert stream.size == len(DATA)
        assert stream.peek(4) == DATA[:4]
        assert stream.tell() == 0
        assert stream.read(2) + stream.read(2) == DATA[:4]
        assert stream.tell() == 4
        stream.seek(1000)
        assert stream.read(3) == DATA[1000:1003]
        assert stream.read() == DATA[1003:]
        assert stream.read(1) == b""


def test_listing_globbing_and_deleting(tmp_path: Path) -> None:
    """Listings are sorted and leave hidden files out; deleting what is gone is no error."""
    for name in ("b/2.gz", "b/1.gz", "a.gz", "b/.crc", ".tmp/x.gz", "b/c/3.gz"):
        store.write_bytes(store.join(str(tmp_path), name), b"")
    base = str(tmp_path)
    assert store.list_files(base) == [
        f"{base}/{n}" for n in ("a.gz", "b/1.gz", "b/2.gz", "b/c/3.gz")
    ]
    assert store.list_files(f"{base}/a.gz") == [f"{base}/a.gz"]
    assert store.list_files(f"{base}/none") == []
    assert store.list_folders(base) == ["b"]
    assert store.glob(f"{base}/*/*.gz") == [f"{base}/b/1.gz", f"{base}/b/2.gz"]
    assert store.is_folder(base)
    store.delete_tree(f"{base}/b")
    store.delete_tree(f"{base}/b")
    store.delete_tree(f"{base}/a.gz")
    assert not store.exists(f"{base}/b")
    assert store.list_files(base) == []


def test_missing_and_unreadable_objects_are_told(tmp_path: Path) -> None:
    """A missing object, a folder and an unknown scheme are one-line store errors."""
    with pytest.raises(MissingObjectError, match="does not exist"):
        store.read_bytes(str(tmp_path / "none"))
    with pytest.raises(StoreError, match="Is a directory"):
        store.read_bytes(str(tmp_path))
    with pytest.raises(StoreError, match="unknown scheme 'gopher'"):
        store.read_bytes("gopher://x/y")
    for broken in ("http://[x/y", "http://exa mple.org:port/y"):
        with pytest.raises(StoreError):
            store.read_bytes(broken)
    with pytest.raises(StoreError, match="a web server is read-only"):
        store.write_bytes("https://example.org/x", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty; expected gzip"),
        (b"<!doctype html>", "is an HTML or XML page; expected gzip"),
        (b"\n <?xml version='1.0'?><Error>", "is an HTML or XML page; expected gzip"),
        (b"WARC/1.0", "is not gzip; expected gzip"),
    ],
)
def test_a_gz_that_is_none_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    """An error page saved under the name of a WARC is not read as one."""
    path = str(tmp_path / "a.warc.gz")
    store.write_bytes(path, data)
    with pytest.raises(StoreError, match=message):
        store.open_stream(path)
    with store.open_stream(path, check=False) as stream:
        assert stream.read() == data
    store.write_bytes(path, gzip.compress(data))
    with store.open_stream(path) as stream:
        assert gzip.decompress(stream.read()) == data


# -- https -----------------------------------------------------------------------------------------


@dataclass
class Faults:
    """What a server does wrong: statuses to give first, bytes after which connections break."""

    statuses: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    tags: list[str] = field(default_factory=lambda: ["one"])
    asked: list[str | None] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves DATA with byte ranges and faults."""

    def __init__(self, faults: Faults, *args: Any) -> None:
        self.faults = faults
        super().__init__(*args)

    def do_HEAD(self) -> None:
        self.send_response(200 if self.path.startswith(("/data", "/page")) else 404)
        self.end_headers()

    def do_GET(self) -> None:
        faults = self.faults
        faults.asked.append(self.headers.get("Range"))
        if faults.statuses:
            self.send_response(faults.statuses.pop(0))
            self.end_headers()
            return
        if self.path.startswith("/page"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE HTML><html><title>Directory listing for /</title>")
            return
        if not self.path.startswith("/data"):
            self.send_error(404)
            return
        body, start = DATA, 0
        wanted = self.headers.get("Range") if faults.ranges else None
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first)
            if start >= len(DATA):
                self.send_error(416)
                return
            body = DATA[start : int(last) + 1 if last else None]
        # Decided before the client hears anything: it may go on to the next request at once.
        limit = faults.breaks.pop(0) if faults.breaks else None
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", faults.tags.pop(0) if len(faults.tags) > 1 else faults.tags[0])
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(DATA)}")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a client that saw enough hangs up
            self.wfile.write(body[:limit])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, Faults]]:
    faults = Faults()
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, faults))
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/data", faults
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def test_https_is_read_whole_by_range_and_tested_for(server: tuple[str, Faults]) -> None:
    """Streams, ranges, sizes and existence work over HTTP."""
    url, _ = server
    with store.open_stream(url) as stream:
        assert stream.size == len(DATA)
        assert stream.read() == DATA
    assert store.read_range(url, 100, 50) == DATA[100:150]
    assert store.read_range(url, len(DATA) - 2, 50) == DATA[-2:]
    assert store.read_range(url, len(DATA), 50) == b""
    assert store.exists(url)
    assert not store.exists(url.replace("data", "none"))
    with pytest.raises(MissingObjectError, match="does not exist"):
        store.read_bytes(url.replace("data", "none"))


def test_a_broken_connection_is_resumed_at_its_byte(
    server: tuple[str, Faults], pauses: list[float]
) -> None:
    """Bytes arrive once and in order; each reconnection asks for what is missing only."""
    url, faults = server
    faults.breaks = [1000, 70_000, 0, 5]
    with store.open_stream(url) as stream:
        pieces = []
        while piece := stream.read(4096):
            pieces.append(piece)
    assert b"".join(pieces) == DATA
    starts = [0, 1000, 71_000, 71_000, 71_005]
    assert faults.asked == [f"bytes={start}-" for start in starts]
    assert len(pauses) == 4


def test_going_back_to_what_was_just_read_asks_for_nothing(server: tuple[str, Faults]) -> None:
    """A look back, as at a damaged member, costs a request only where the bytes are gone."""
    url, faults = server
    faults.breaks = [100_000]
    with store.open_stream(url) as stream:
        for start in (0, 700, 30, 99_000, 5, 80_000):
            stream.seek(start)
            assert stream.read(1_000) == DATA[start : start + 1_000]
            assert stream.tell() == start + 1_000
        assert len(faults.asked) == 1
        stream.seek(150_000)
        assert stream.read() == DATA[150_000:]
        stream.seek(60)
        assert stream.read(10) == DATA[60:70]
        assert stream.read() == DATA[70:]
    assert faults.asked == [f"bytes={start}-" for start in (0, 150_000, 60)]


def test_a_range_is_resumed_too(server: tuple[str, Faults]) -> None:
    """A broken range goes on to its own end."""
    url, faults = server
    faults.breaks = [10]
    assert store.read_range(url, 500, 100) == DATA[500:600]
    assert faults.asked == ["bytes=500-599", "bytes=510-599"]


def test_slow_down_is_waited_for_with_growing_random_pauses(
    server: tuple[str, Faults], pauses: list[float]
) -> None:
    """503, 429 and 500 are tried again after pauses between nothing and a growing bound."""
    url, faults = server
    faults.statuses = [503, 429, 500, 503]
    assert store.read_bytes(url) == DATA
    assert len(pauses) == 4
    assert all(0 <= pause <= 0.5 * 2 ** (n + 1) for n, pause in enumerate(pauses))


def test_tries_are_bounded(server: tuple[str, Faults], pauses: list[float]) -> None:
    """A server that never recovers, or a stream that never moves, is given up with the cause."""
    url, faults = server
    faults.statuses = [503] * 50
    with pytest.raises(StoreError, match=f"HTTP 503, {ATTEMPTS} times"):
        store.read_bytes(url)
    assert len(faults.asked) == ATTEMPTS
    faults.statuses = []
    faults.breaks = [0] * 50
    with pytest.raises(StoreError, match="broke at byte 0"):
        store.read_bytes(url)
    assert len(pauses) < 3 * ATTEMPTS


def test_a_refusal_is_not_tried_again(server: tuple[str, Faults], pauses: list[float]) -> None:
    """403 is final."""
    url, faults = server
    faults.statuses = [403]
    with pytest.raises(StoreError, match="HTTP 403"):
        store.read_bytes(url)
    assert pauses == []


def test_an_object_that_changes_is_not_glued_together(server: tuple[str, Faults]) -> None:
    """A resumed object with another tag is refused; so is a server that ignores ranges."""
    url, faults = server
    faults.breaks = [1000]
    faults.tags = ["one", "two"]
    with pytest.raises(StoreError, match="changed while it was read"):
        store.read_bytes(url)
    faults.breaks = [1000]
    faults.tags = ["one"]
    faults.ranges = False
    with pytest.raises(StoreError, match="without byte ranges"):
        store.read_bytes(url)


def test_messages_hold_no_secrets() -> None:
    """User, password, query and fragment of an address are not shown."""
    secret = "https://user:pass@example.org/a.warc.gz?X-Amz-Signature=abc#frag"
    assert store.shown(secret) == "https://example.org/a.warc.gz"
    with pytest.raises(StoreError) as caught:
        store.write_bytes(secret, b"")
    assert "pass" not in str(caught.value)
    assert "abc" not in str(caught.value)


# -- S3 --------------------------------------------------------------------------------------------


class _Body:
    def __init__(self, data: bytes, breaks: list[int]) -> None:
        self.data, self.at = data, 0
        self.limit = breaks.pop(0) if breaks else None

    def read(self, n: int) -> bytes:
        if self.limit is not None and self.at >= self.limit:
            raise ConnectionResetError(104, "Connection reset by peer")
        end = self.at + n if self.limit is None else min(self.at + n, self.limit)
        piece, self.at = self.data[self.at : end], min(end, len(self.data))
        return piece

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class FakeS3:
    """The part of S3 that the store uses, over a dictionary, two keys a page."""

    objects: dict[str, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)

    def _fail(self, code: str, status: int) -> None:
        raise ClientError(
            {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Operation"
        )

    def _fault(self) -> None:
        if self.errors:
            code = self.errors.pop(0)
            self._fail(code, {"SlowDown": 503, "AccessDenied": 403}[code])

    def get_object(self, Bucket: str, Key: str, Range: str = "") -> dict[str, Any]:  # noqa: N803
        self._fault()
        if Key not in self.objects:
            self._fail("NoSuchKey", 404)
        data = self.objects[Key]
        answer: dict[str, Any] = {"ETag": str(hash(data))}
        if Range:
            first, _, last = Range.removeprefix("bytes=").partition("-")
            if int(first) >= len(data):
                self._fail("InvalidRange", 416)
            total, data = len(data), data[int(first) : int(last) + 1 if last else None]
            answer["ContentRange"] = f"bytes {first}-{int(first) + len(data) - 1}/{total}"
        return answer | {"Body": _Body(data, self.breaks), "ContentLength": len(data)}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self._fault()
        self.objects[Key] = Body

    def head_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self._fault()
        if Key not in self.objects:
            self._fail("404", 404)

    def list_objects_v2(
        self,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        MaxKeys: int = 2,  # noqa: N803
        ContinuationToken: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        self._fault()
        keys = [k for k in sorted(self.objects) if k.startswith(Prefix) and k > ContinuationToken]
        page = keys[:MaxKeys]
        answer: dict[str, Any] = {"IsTruncated": len(keys) > len(page)}
        if answer["IsTruncated"]:
            answer["NextContinuationToken"] = page[-1]
        if Delimiter:
            heads = {k[len(Prefix) :].split("/")[0] for k in page if "/" in k[len(Prefix) :]}
            return answer | {"CommonPrefixes": [{"Prefix": f"{Prefix}{h}/"} for h in sorted(heads)]}
        return answer | {"Contents": [{"Key": k, "Size": len(self.objects[k])} for k in page]}

    def list_multipart_uploads(self, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        self._fault()
        return {
            "Uploads": [{"Key": k, "UploadId": "1"} for k in self.uploads if k.startswith(Prefix)]
        }

    def abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str) -> None:  # noqa: N803
        self._fault()
        self.uploads.remove(Key)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        self._fault()
        for entry in Delete["Objects"]:
            self.objects.pop(entry["Key"], None)
        return {}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3()
    monkeypatch.setattr(s3_module, "client", lambda bucket: fake)
    return fake


def test_s3_objects_are_written_read_and_resumed(s3: FakeS3, pauses: list[float]) -> None:
    """Writes survive SlowDown, reads survive broken bodies, ranges end with the object."""
    s3.errors = ["SlowDown", "SlowDown"]
    store.write_bytes("s3://bucket/a/b", DATA)
    assert s3.objects == {"a/b": DATA}
    s3.breaks = [1000, 0, 20]
    with store.open_stream("s3a://bucket/a/b") as stream:
        assert stream.size == len(DATA)
        assert stream.read() == DATA
    assert len(pauses) == 5
    assert store.read_range("s3://bucket/a/b", 7, 9) == DATA[7:16]
    assert store.read_range("s3://bucket/a/b", len(DATA) + 1, 9) == b""
    with pytest.raises(MissingObjectError, match="s3://bucket/none does not exist"):
        store.read_bytes("s3://bucket/none")


def test_s3_prefixes_are_listed_globbed_and_deleted(s3: FakeS3) -> None:
    """Listings go over all pages, keep the caller's scheme and stop at folder borders."""
    names = ["x/a.gz", "x/b/1.gz", "x/b/2.gz", "x/b/c/3.gz", "xy/4.gz", "x/.t/5.gz"]
    s3.objects = dict.fromkeys(names, b"")
    assert store.list_files("s3://q/x") == [f"s3://q/{n}" for n in names[:4]]
    assert store.list_files("s3a://q/x/a.gz") == ["s3a://q/x/a.gz"]
    assert store.glob("s3a://q/x/*/*.gz") == ["s3a://q/x/b/1.gz", "s3a://q/x/b/2.gz"]
    assert store.glob("s3://q/x/**/[12].gz") == ["s3://q/x/b/1.gz", "s3://q/x/b/2.gz"]
    assert store.list_folders("s3://q/x") == ["b"]
    assert store.is_folder("s3://q/x")
    assert not store.is_folder("s3://q/x/a.gz")
    assert store.exists("s3://q/x/b")
    assert not store.exists("s3://q/z")
    s3.uploads = ["x/b/part", "xy/part"]
    store.delete_tree("s3://q/x")
    assert s3.uploads == ["xy/part"]  # a killed writer's half-done uploads go with the tree
    assert list(s3.objects) == ["xy/4.gz"]
    with pytest.raises(StoreError, match="whole bucket"):
        store.delete_tree("s3://q/")


def test_s3_refusals_are_final(s3: FakeS3, pauses: list[float]) -> None:
    """AccessDenied is told with its code and not tried again."""
    s3.errors = ["AccessDenied"]
    with pytest.raises(StoreError, match="HTTP 403 AccessDenied"):
        store.read_bytes("s3://bucket/a")
    assert pauses == []


def test_the_s3_client_is_anonymous_without_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without credentials requests are unsigned; a custom endpoint is addressed by path."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    s3_module._client.cache_clear()
    try:
        client = s3_module.client("b")
        url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    finally:
        s3_module._client.cache_clear()
    assert url == "http://localhost:9/b/k"


# -- what stands on the store
# ------------------------------------------------------------------------


def _warc(count: int) -> list[bytes]:
    members = []
    for n in range(count):
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>" + os.urandom(3000)
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://x/{n}\r\n"
        head += f"Content-Length: {len(block)}\r\n\r\n"
        members.append(gzip.compress(head.encode() + block + b"\r\n\r\n"))
    return members


def test_a_warc_over_a_failing_connection_reads_the_same(
    server: tuple[str, Faults], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Broken connections change no item, and damage is recovered from over HTTP as on disk."""
    members = _warc(40)
    members[7] = members[7][:1000] + b"\0" * 50 + members[7][1050:]
    monkeypatch.setitem(globals(), "DATA", b"".join(members))
    url, faults = server
    faults.breaks = [5000, 30_000, 1, 20_000]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(members))
    remote = list(read_pages(f"{url}.warc.gz", warc_file="w"))
    local = list(read_pages(str(tmp_path / "a.warc.gz"), warc_file="w"))
    assert [(type(i), i.url, i.warc_offset, i.warc_length) for i in remote] == [
        (type(i), i.url, i.warc_offset, i.warc_length) for i in local
    ]
    assert [isinstance(item, Page) for item in remote] == [n != 7 for n in range(40)]
    page = remote[3]
    assert isinstance(page, Page)
    assert fetch_record(url, page.warc_offset, page.warc_length).body == page.body


def test_a_connection_that_cannot_be_opened_is_a_failed_file(server: tuple[str, Faults]) -> None:
    """A file whose server stays down is one failed item, after all tries."""
    url, faults = server
    faults.statuses = [503] * 50
    (item,) = read_pages(f"{url}.warc.gz", warc_file="w")
    assert isinstance(item, Failed)
    assert item.reason == "unreadable_file"
    assert "HTTP 503" in item.message


def test_a_mirror_on_s3_is_listed_like_one_on_disk(s3: FakeS3) -> None:
    """Roots, snapshots, listings, globs and single files work on S3; entries are not looked up."""
    name = "crawl-data/CC-MAIN-2023-40/segments/1/warc/a.warc.gz"
    s3.objects = {
        "crawl-data/CC-MAIN-2023-40/warc.paths.gz": gzip.compress(f"{name}\n".encode()),
        "crawl-data/CC-MAIN-2023-50/warc.paths.gz": gzip.compress(
            b"crawl-data/CC-MAIN-2023-50/b.warc.gz"
        ),
        name: b"WARC",
    }
    files = list_warcs(["s3a://commoncrawl/"])
    assert [f.location for f in files] == [
        f"s3://commoncrawl/{name}",
        "s3://commoncrawl/crawl-data/CC-MAIN-2023-50/b.warc.gz",
    ]
    assert files[0] == list_warcs([f"s3://commoncrawl/{name}"])[0]
    assert files[:1] == list_warcs(["s3://commoncrawl/crawl-data/*/segments/*/warc/*.gz"])
    assert files[:1] == list_warcs(["s3://commoncrawl"], snapshots=["CC-MAIN-2023-40"])
    for path, message in [
        ("s3://commoncrawl/none/a.warc.gz", "does not exist"),
        ("s3://commoncrawl/none/*.gz", "matches no file"),
    ]:
        with pytest.raises(InputError, match=message):
            list_warcs([path])


def test_a_mirror_behind_https_needs_its_snapshots_named(server: tuple[str, Faults]) -> None:
    """Without a listing of folders the snapshots must be given."""
    root = server[0].replace("/data", "/mirror")
    for address in (
        root,
        server[0].replace("/data", "/page"),
    ):  # some servers list a folder as a page
        with pytest.raises(InputError, match="name the snapshots"):
            list_warcs([address])
    assert [file.location for file in list_warcs([server[0]])] == [server[0]]
    with pytest.raises(InputError, match="unknown snapshot CC-MAIN-2023-40"):
        list_warcs([root], snapshots=["CC-MAIN-2023-40"])


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reads or writes a local path, `~` is expanded as a shell would."""
    monkeypatch.setenv("HOME", str(tmp_path))
    store.write_bytes("~/a/b", b"1")
    assert (tmp_path / "a" / "b").read_bytes() == store.read_bytes("~/a/b") == b"1"
    assert store.normal("~/a/") == f"{tmp_path}/a"
    assert store.list_files("~/a") == [f"{tmp_path}/a/b"]
