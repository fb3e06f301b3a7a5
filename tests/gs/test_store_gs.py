"""Objects on gs://: read, written, listed, written once; what Google refuses is one line."""

from __future__ import annotations

import sys
import threading
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gs_server import FakeGs

from infimm_spark import store
from infimm_spark.config import StoreConfig
from infimm_spark.errors import (
    EnvironmentMissingError,
    LockedError,
    MissingObjectError,
    StoreError,
    StoreRefusedError,
)
from infimm_spark.run import tables
from infimm_spark.run.lock import Lock
from infimm_spark.run.manifest import Manifest, claim_manifest, read_manifest
from infimm_spark.sample import write_sample_crawl
from infimm_spark.store import gs as gs_module
from infimm_spark.warc.listing import list_warcs

DATA = bytes(range(256)) * 40


def test_objects_are_written_and_read_whole_and_in_ranges(gs: Any) -> None:
    """What was written is read back, from any byte, also under names that a URL must quote."""
    for name in ("a/b", "a/with blank+&?#%/ü.bin"):
        location = f"gs://bucket/{name}"
        store.write_bytes(location, b"before")
        store.write_bytes(location, DATA)
        with store.open_stream(location) as stream:
            assert stream.size == len(DATA)
            assert stream.read() == DATA
            stream.seek(500)
            assert stream.read(3) == DATA[500:503]
        assert store.read_range(location, 7, 9) == DATA[7:16]
        assert store.read_range(location, len(DATA) + 5, 9) == b""
        assert store.list_files(location) == [location]
    with pytest.raises(MissingObjectError, match="gs://bucket/none does not exist"):
        store.read_bytes("gs://bucket/none")


def test_prefixes_are_listed_globbed_and_deleted(gs: Any) -> None:
    """As on S3: folders end at their border, hidden names are left out."""
    names = ["x/a.gz", "x/b/1.gz", "x/b/2.gz", "x/b/c/3.gz", "xy/4.gz", "x/.t/5.gz"]
    for name in names:
        store.write_bytes(f"gs://bucket/{name}", b"12")
    assert store.list_files("gs://bucket/x") == [f"gs://bucket/{n}" for n in names[:4]]
    assert store.list_sizes("gs://bucket/x/b/c") == [("gs://bucket/x/b/c/3.gz", 2)]
    assert store.glob("gs://bucket/x/**/[12].gz") == [f"gs://bucket/{n}" for n in names[1:3]]
    assert store.list_folders("gs://bucket/x") == ["b"]
    assert store.is_folder("gs://bucket/x")
    assert not store.is_folder("gs://bucket/x/a.gz")
    assert store.exists("gs://bucket/x/b")
    assert not store.exists("gs://bucket/z")
    store.delete_tree("gs://bucket/x")
    store.delete_tree("gs://bucket/none")
    assert store.list_files("gs://bucket") == ["gs://bucket/xy/4.gz"]
    with pytest.raises(StoreError, match="whole bucket"):
        store.delete_tree("gs://bucket/")


def test_of_many_takers_of_a_lock_one_wins(gs: Any) -> None:
    """The lock rests on creating an object only where there is none."""
    outcomes: Counter[str] = Counter()
    start, done = threading.Barrier(8), threading.Barrier(8)

    def take() -> None:
        start.wait()
        try:
            with Lock("gs://bucket/lock"):
                outcomes["held"] += 1
                done.wait()
        except LockedError:
            outcomes["refused"] += 1
            done.wait()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"held": 1, "refused": 7}
    with Lock("gs://bucket/lock"):  # the winner let it go
        pass


def test_a_manifest_is_claimed_once(gs: Any) -> None:
    """The second of two claims is told that the work is done, and changes nothing."""
    location = "gs://bucket/run/extract/manifest.json"

    def manifest(run: str) -> Manifest:
        return Manifest(
            stage="extract", run_id=run, identity={}, counts={}, started="", finished=""
        )

    assert read_manifest(location) is None
    assert claim_manifest(location, manifest("first"))
    assert not claim_manifest(location, manifest("second"))
    assert read_manifest(location) == manifest("first")


def test_a_mirror_in_a_bucket_is_listed_like_one_on_disk(gs: Any, tmp_path: Path) -> None:
    """The sample crawl's WARC files by their names in the crawl."""
    write_sample_crawl(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            store.write_bytes(f"gs://bucket/{path.relative_to(tmp_path)}", path.read_bytes())
    there, here = list_warcs(["gs://bucket/"]), list_warcs([str(tmp_path)])
    assert [warc.warc_file for warc in there] == [warc.warc_file for warc in here]
    assert store.read_bytes(there[0].location) == store.read_bytes(here[0].location)


def test_pyarrow_reads_tables_there(gs: Any, tmp_path: Path) -> None:
    """The commands that look at a finished run read its tables."""
    table = pa.table({"n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "t.parquet")
    store.write_bytes("gs://bucket/t.parquet", (tmp_path / "t.parquet").read_bytes())
    dataset = tables.dataset(["gs://bucket/t.parquet"], table.schema)
    assert dataset is not None
    assert dataset.to_table() == table


def test_faults_are_tried_again_and_a_lost_answer_is_no_conflict(fake: FakeGs) -> None:
    """A write whose answer was lost finds its own object; another's is a conflict."""
    fake.statuses = [503, 429, 500]
    store.write_bytes("gs://bucket/a", DATA)
    assert fake.requests == 4
    fake.lost = [True]
    assert store.write_new("gs://bucket/new", b"ours")
    assert not store.write_new("gs://bucket/new", b"theirs")
    assert fake.buckets["bucket"]["new"] == b"ours"
    fake.statuses = [503] * 9
    with pytest.raises(StoreError, match="HTTP 503, 4 times"):
        store.read_bytes("gs://bucket/a")


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, r"no permission \(HTTP 401\)$"), (403, r"no permission \(HTTP 403\)$")],
)
def test_a_refusal_is_final_and_speaks_of_google(fake: FakeGs, status: int, message: str) -> None:
    """Not tried again, and without advice about AWS's keys."""
    fake.statuses = [status]
    with pytest.raises(StoreError, match=message):
        store.write_bytes("gs://bucket/a", b"")
    assert fake.requests == 1


def test_a_missing_bucket_is_named(gs: Any) -> None:
    """Writing to it and listing it say so; a job stops at once."""
    with pytest.raises(StoreRefusedError, match="gs://none/a: the bucket does not exist"):
        store.write_bytes("gs://none/a", b"")
    with pytest.raises(StoreRefusedError, match="gs://none/a: the bucket does not exist"):
        store.list_files("gs://none/a")
    with pytest.raises(StoreError, match="names no bucket; expected gs://bucket/key"):
        store.list_files("gs:///a")


class Credentials:
    """Application default credentials that give a new token each time they are renewed."""

    def __init__(self) -> None:
        self.valid = False
        self.renewals = 0
        self.token = ""

    def refresh(self, _: object) -> None:
        self.renewals += 1
        self.valid, self.token = True, f"token-{self.renewals}"


def test_requests_carry_a_token_that_is_renewed(
    fake: FakeGs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One token serves until it expires; a bucket said to be anonymous gets none."""
    _with_google_auth(monkeypatch)
    credentials = Credentials()
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setattr(gs_module, "endpoint", lambda: fake.endpoint)
    monkeypatch.setattr(gs_module, "_credentials", lambda process: (credentials, None))
    store.write_bytes("gs://bucket/a", DATA)
    assert store.read_bytes("gs://bucket/a") == DATA
    credentials.valid = False
    assert store.exists("gs://bucket/a")
    assert fake.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    store.configure(StoreConfig(anonymous=True))
    assert store.exists("gs://bucket/a")
    assert fake.tokens[-1] is None


def test_google_auth_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings it is named, and nothing is tried again."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    gs_module._credentials.cache_clear()
    with pytest.raises(EnvironmentMissingError, match=r"infimm-spark\[gcs\]"):
        store.read_bytes("gs://bucket/a")


def test_credentials_missing_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where google-auth finds none, the message says how to give some."""
    pytest.importorskip("google.auth", reason="google-auth is not installed")
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    gs_module._credentials.cache_clear()
    with pytest.raises(StoreRefusedError, match="no application default credentials"):
        store.read_bytes("gs://bucket/a")


def _with_google_auth(monkeypatch: pytest.MonkeyPatch) -> None:
    """google-auth's exceptions, also where it is not installed."""
    try:
        import google.auth.exceptions  # noqa: F401
    except ImportError:
        exceptions = types.ModuleType("google.auth.exceptions")
        base = type("GoogleAuthError", (Exception,), {})
        exceptions.GoogleAuthError = base  # type: ignore[attr-defined]
        exceptions.TransportError = type("TransportError", (base,), {})  # type: ignore[attr-defined]
        auth = types.ModuleType("google.auth")
        auth.exceptions = exceptions  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
        monkeypatch.setitem(sys.modules, "google.auth", auth)
        monkeypatch.setitem(sys.modules, "google.auth.exceptions", exceptions)
