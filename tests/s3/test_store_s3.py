"""The store against a real S3 server: what the protocol promises, and refusals told in one line."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import dataset

from infimm_spark import store
from infimm_spark.config import S3Access, StoreConfig
from infimm_spark.errors import InfimmError, StoreError, StoreRefusedError
from infimm_spark.sample import write_sample_crawl
from infimm_spark.store import s3 as s3_client
from infimm_spark.store.gate import ConnectionGate
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import read_pages


def test_objects_are_written_listed_read_and_deleted(bucket: str) -> None:
    """Whole objects, ranges, sizes, folders and trees work, and one request reads a whole
    object."""
    root = f"s3://{bucket}/run"
    data = os.urandom(3_000_000)
    for name in ("a.bin", "b/c.bin", "b/.hidden"):
        store.write_bytes(f"{root}/{name}", data)
    assert store.list_files(root) == [f"{root}/a.bin", f"{root}/b/c.bin"]
    assert store.list_sizes(root)[0] == (f"{root}/a.bin", len(data))
    assert store.list_folders(root) == ["b"]
    with store.open_stream(f"{root}/a.bin") as stream:
        assert stream.size == len(data)
        assert stream.read() == data
        assert stream.traffic == store.Traffic(requests=1, retries=0, bytes=len(data))
    assert store.read_range(f"{root}/a.bin", 999_999, 7) == data[999_999:1_000_006]
    store.delete_tree(root)
    assert store.list_files(root) == []


def test_tables_are_read_whole_from_a_store_that_fails(
    s3_server: Any, fault_proxy: Any, bucket: str
) -> None:
    """Rows and columns read by pyarrow come through whatever half the requests meet; what is not
    there is told as pyarrow tells it."""
    table = pa.table({"n": range(50_000), "text": [f"row {n}" * 3 for n in range(50_000)]})
    written = pa.BufferOutputStream()
    pq.write_table(table, written, row_group_size=5_000)
    location = f"s3://{bucket}/table.parquet"
    store.write_bytes(location, written.getvalue().to_pybytes())
    with fault_proxy(s3_server.port, 0.5) as proxy:
        buckets = {bucket: S3Access(endpoint=proxy.endpoint)}
        store.configure(StoreConfig(buckets=buckets, attempts=10, backoff_seconds=0.01))
        filesystem, paths = store.arrow([location])
        for _ in range(5):
            found = dataset.dataset(paths, filesystem=filesystem, format="parquet").to_table()
            assert found.equals(table)
            few = pq.read_table(paths[0], filesystem=filesystem, columns=["n"])
            assert few.equals(table.select(["n"]))
        assert all(proxy.counts[kind] for kind in ("truncate", "wrong_length", "reset"))
        with pytest.raises(FileNotFoundError, match="does not exist"):
            pq.read_metadata(f"{location}.none", filesystem=filesystem)


def test_of_many_writers_of_a_new_object_one_wins(bucket: str, tmp_path: Path) -> None:
    """`write_new` lets exactly one of sixteen through, on S3 and on disk, and keeps that one's
    bytes."""
    for root in (f"s3://{bucket}", str(tmp_path)):
        for race in range(5):
            location = f"{root}/manifest-{race}.json"
            start = threading.Barrier(16)

            def write(n: int, location: str = location, start: threading.Barrier = start) -> bool:
                start.wait()
                return store.write_new(location, str(n).encode())

            with ThreadPoolExecutor(16) as pool:
                won = list(pool.map(write, range(16)))
            assert won.count(True) == 1
            assert store.read_bytes(location) == str(won.index(True)).encode()


def test_a_mirror_in_a_bucket_reads_as_on_disk(s3: Any, tmp_path: Path) -> None:
    """Listing and records of the sample crawl are the same from S3 as from files."""
    write_sample_crawl(tmp_path)
    s3.upload_tree(tmp_path, "mirror")
    local, remote = list_warcs([str(tmp_path)]), list_warcs(["s3://mirror"])
    assert [w.warc_file for w in local] == [w.warc_file for w in remote]
    assert len(local) > 1
    for here, there in zip(local, remote, strict=True):
        assert _brief(here.location) == _brief(there.location)


def _brief(location: str) -> list[tuple[Any, ...]]:
    return [
        (type(i).__name__, i.url, i.warc_offset, i.warc_length, getattr(i, "body", None))
        for i in read_pages(location, warc_file="w")
    ]


def _refusal(location: str) -> tuple[str, float]:
    started = time.monotonic()
    with pytest.raises(InfimmError) as caught:
        list_warcs([location])
    return str(caught.value), time.monotonic() - started


@pytest.mark.usefixtures("checks_keys")
def test_a_wrong_key_is_one_line_within_seconds(
    s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown access key and a wrong secret are told apart, at once, and neither is repeated."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWNUNKNOWN00")
    s3_client._client.cache_clear()
    line, seconds = _refusal(f"s3://{bucket}/a.warc.gz")
    assert "does not know the access key" in line
    assert "AKIAUNKNOWN" not in line
    assert seconds < 10
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    s3_client._client.cache_clear()
    line, seconds = _refusal(f"s3://{bucket}/crawl/")
    assert "the secret key does not belong" in line
    assert "not-the-secret" not in line
    assert seconds < 10


def test_a_missing_bucket_is_one_line_within_seconds(s3: Any) -> None:
    """Reading from and writing to a bucket that is not there names it."""
    line, seconds = _refusal("s3://no-such-bucket-here/crawl/*.gz")
    assert "the bucket does not exist" in line
    with pytest.raises(StoreRefusedError, match=r"s3://no-such-bucket-here/x: the bucket does not"):
        store.write_bytes("s3://no-such-bucket-here/x", b"")
    assert seconds < 10


@pytest.mark.usefixtures("checks_keys")
def test_no_permission_is_one_line_within_seconds(
    s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that may not read or write there, and no key at all, are told as such."""
    store.write_bytes(f"s3://{bucket}/a.warc.gz", b"x")
    store.configure(StoreConfig(anonymous=True))
    line, seconds = _refusal(f"s3://{bucket}/a.warc.gz")
    assert "no permission (HTTP 403 AccessDenied)" in line
    assert seconds < 10
    with pytest.raises(StoreError, match="no permission"):
        store.write_bytes(f"s3://{bucket}/b", b"x")
    # One bucket may be anonymous while others are not.
    store.configure(StoreConfig(buckets={"other": S3Access(anonymous=True)}))
    assert store.read_bytes(f"s3://{bucket}/a.warc.gz") == b"x"


@pytest.mark.usefixtures("checks_keys")
def test_a_wrong_clock_is_one_line_within_seconds(
    s3: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine an hour off is told to set its clock."""
    import botocore.auth

    late = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: late)
    line, seconds = _refusal(f"s3://{bucket}/crawl/")
    assert "set the clock (HTTP 403 RequestTimeTooSkewed)" in line
    assert seconds < 10


def test_every_fault_is_retried_and_no_byte_is_wrong(
    s3: Any, bucket: str, fault_proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a fifth of the requests failing in six ways, objects arrive whole and retries are
    counted."""
    data = os.urandom(300_000)
    with fault_proxy(s3.port, 0.2, seed=3) as proxy:
        access = StoreConfig(
            endpoint=proxy.endpoint, attempts=10, backoff_seconds=0.01, timeout_seconds=5
        )
        store.configure(access)
        traffic = store.Traffic()
        for n in range(40):
            store.write_bytes(f"s3://{bucket}/{n}", data)
            with store.open_stream(f"s3://{bucket}/{n}", traffic=traffic) as stream:
                assert stream.read() == data
        assert len(store.list_files(f"s3://{bucket}")) == 40
        faults = {kind: n for kind, n in proxy.counts.items() if kind != "ok"}
    assert set(faults) == {"drop", "slow_down", "delay", "truncate", "wrong_length", "reset"}
    assert traffic.bytes == 40 * len(data)
    assert traffic.retries > 5
    assert traffic.requests == 40 + traffic.retries


def test_a_lost_answer_does_not_lose_the_race(bucket: str, s3: Any) -> None:
    """A new object whose answer was lost is not taken for another writer's when it is sent
    again."""
    assert store.write_new(f"s3://{bucket}/m", b"mine")
    assert store.write_new(f"s3://{bucket}/m", b"mine")
    assert not store.write_new(f"s3://{bucket}/m", b"other")


def test_the_cap_on_connections_holds_over_processes_worth_of_readers(bucket: str) -> None:
    """Twelve readers with three places never have more than three connections open, and all
    finish."""
    store.write_bytes(f"s3://{bucket}/a", os.urandom(200_000))
    gate = ConnectionGate(3)
    store.configure(StoreConfig(max_connections=3), gate.address)
    try:

        def read(_: int) -> int:
            with store.open_stream(f"s3://{bucket}/a", check=False) as stream:
                time.sleep(0.02)
                return len(stream.read())

        with ThreadPoolExecutor(12) as pool:
            assert sum(pool.map(read, range(24))) == 24 * 200_000
        assert gate.most_open == 3
    finally:
        gate.close()
    with pytest.raises(StoreError, match="connection gate"):
        store.read_bytes(f"s3://{bucket}/a")


def test_no_message_or_setting_holds_a_secret(s3: Any, bucket: str) -> None:
    """Spark's settings name the credential chain and never a key."""
    from infimm_spark.spark.s3_connector import s3a_settings

    conf = json.dumps(s3a_settings(StoreConfig(), "4.1.2"))
    assert s3.secret not in conf
    assert s3.key not in conf
    assert "DefaultCredentialsProvider" in conf


def test_an_error_page_in_place_of_a_warc_is_named(bucket: str) -> None:
    """A stored S3 error document under a WARC's name is refused as what it is."""
    store.write_bytes(f"s3://{bucket}/e.warc.gz", b"<?xml version='1.0'?><Error/>")
    (item,) = read_pages(f"s3://{bucket}/e.warc.gz", warc_file="e")
    assert (item.reason, item.message) == ("not_a_warc", "an HTML or XML page; expected WARC")
    store.write_bytes(f"s3://{bucket}/g.warc.gz", gzip.compress(b"nothing"))
