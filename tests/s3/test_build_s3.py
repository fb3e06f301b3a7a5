"""Builds from a bucket to a bucket, on a server that is whole, one that fails, and with dead
files."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fault_proxy import KINDS
from s3_builds import REMOTE, corpus, run_builds

from infimm_spark import schemas, store
from infimm_spark.config import StoreConfig
from infimm_spark.inspect.traffic import forecast, traffic
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.manifest import Manifest, read_manifest
from infimm_spark.sample import write_sample_crawl
from infimm_spark.spark.s3_connector import local_jars
from infimm_spark.stages.registry import all_stages
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import Page, read_pages

pytestmark = [pytest.mark.spark, pytest.mark.slow]

DOMAIN = "notes.example.org"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample crawl, written out, with a columnar index of it."""
    root = tmp_path_factory.mktemp("crawl")
    write_sample_crawl(root)
    rows = []
    for warc in list_warcs([str(root)]):
        for item in read_pages(warc.location, warc_file=warc.warc_file):
            if isinstance(item, Page):
                host = item.url.split("/")[2]
                rows.append(
                    {
                        "url": item.url,
                        "url_host_name": host,
                        "url_host_registered_domain": ".".join(host.split(".")[-2:]),
                        "url_path": "/",
                        "fetch_status": 200,
                        "content_mime_detected": "text/html",
                        "content_languages": "eng",
                        "warc_filename": warc.warc_file,
                        "warc_record_offset": item.warc_offset,
                        "warc_record_length": item.warc_length,
                    }
                )
    table = root / "index" / "crawl=CC-MAIN-2023-50" / "subset=warc"
    table.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), table / "part-0.parquet")
    return root


@pytest.fixture(scope="module")
def runs(
    s3_server: Any, fault_proxy: Any, crawl: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """Every run of this module, made one after the other in one session."""
    import pyspark

    if not local_jars(pyspark.__version__):
        pytest.skip("no S3A jars; `make jars` fetches them from Maven Central")
    folder = tmp_path_factory.mktemp("runs")
    for bucket in ("mirror", "faulty", "dying"):
        s3_server.upload_tree(crawl, f"{bucket}-crawl")
    s3_server.client().create_bucket(Bucket="out")
    s3_server.client().create_bucket(Bucket="faulty-out")
    dead = list_warcs([str(crawl)])[2].warc_file.rpartition("/")[2]
    with (
        fault_proxy(s3_server.port, 0.2) as faulty,
        fault_proxy(s3_server.port, 0.05, seed=2) as faulty_out,  # a fifth: test_storms_s3.py
        fault_proxy(s3_server.port, 0.0, dead=(dead,)) as dying,
    ):
        remote = {
            **REMOTE,
            "buckets": {
                "faulty-crawl": {"endpoint": faulty.endpoint},
                "faulty-out": {"endpoint": faulty_out.endpoint},
                "dying-crawl": {"endpoint": dying.endpoint},
            },
        }
        small = {"group_size": 2, "compact_above": 0, "groups_in_flight": 2}

        def step(name: str, source: str, output: str, **more: Any) -> dict[str, Any]:
            config = {
                "input": {"paths": [source]},
                "output": output,
                "store": remote,
                **more.pop("config", {}),
            }
            return {"name": name, "config": config, **more}

        capped = {"store": {**remote, "max_connections": 1}, "extract": small}
        tolerant = {"extract": {"max_failure_ratio": 0.3}}
        by_index = {
            "input": {
                "index": {
                    "paths": ["s3://mirror-crawl/index"],
                    "mirror": "s3://mirror-crawl/",
                    "domains": [DOMAIN],
                    "languages": ["en"],
                    "max_gap_bytes": 500,
                }
            }
        }
        plan = [
            step("s3", "s3://mirror-crawl", "s3://out/run", config=capped),
            step("again", "s3://mirror-crawl", "s3://out/run", config=capped, resume=True),
            step("local", str(crawl), str(folder / "local")),
            step("faulty", "s3://faulty-crawl", "s3a://faulty-out/run"),
            step("dying", "s3://dying-crawl", "s3://out/dying", stage="extract", config=tolerant),
            step("dead", "s3://dying-crawl", "s3://out/dead", stage="extract"),
            step("index", "", "s3://out/index", stage="extract", config=by_index),
        ]
        results = run_builds(plan, folder, s3_server)
    return {
        "results": results,
        "folder": folder,
        "faults": (faulty.counts, faulty_out.counts),
        "dead": dead,
    }


@pytest.fixture(autouse=True)
def _reach(s3: Any) -> None:
    """The tests themselves read the buckets without faults."""
    store.configure(StoreConfig())


def extracted(output: str, name: str, schema: pa.Schema) -> list[dict[str, Any]]:
    """All rows of a table of the extract stage."""
    return tables.rows(RunLayout(output), "extract", name, schema)


def test_from_bucket_to_bucket_the_corpus_is_the_local_one(runs: Any) -> None:
    """The same rows come out, with groups in flight, compaction and one connection at a time."""
    local = corpus(str(runs["folder"] / "local"))
    assert [runs["results"][name]["error"] for name in ("s3", "local")] == [None, None]
    assert len(local) > 20
    assert corpus("s3://out/run") == local
    ledger = tables.ledger(RunLayout("s3://out/run"))
    assert reconcile(ledger) == reconcile(tables.ledger(RunLayout(str(runs["folder"] / "local"))))


def test_a_finished_run_on_s3_resumes_to_nothing(runs: Any) -> None:
    """A new build with `--resume` finds everything in the bucket and does nothing again."""
    assert runs["results"]["again"]["error"] is None
    assert runs["results"]["again"]["seconds"] < runs["results"]["s3"]["seconds"]


def _manifests(layout: RunLayout) -> list[Manifest]:
    places = [
        *store.list_files(layout.group_manifests),
        *(layout.manifest(stage.name) for stage in all_stages()),
    ]
    return [manifest for place in places if (manifest := read_manifest(place)) is not None]


def test_manifests_name_every_file_with_rows_and_checksum(runs: Any) -> None:
    """What lies in the bucket is what the manifests name, byte for byte; no half-written file
    stays."""
    layout = RunLayout("s3://out/run")
    named = {file.path: file for manifest in _manifests(layout) for file in manifest.files}
    held = {f for f in store.list_files(layout.root) if f.endswith(".parquet")}
    assert held == {f"{layout.root}/{path}" for path in named}
    for path, file in named.items():
        data = store.read_bytes(f"{layout.root}/{path}")
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
        assert pq.read_metadata(pa.BufferReader(data)).num_rows == file.rows
    assert not [f for f in store.list_files(layout.root) if "__magic" in f or "_temporary" in f]


def test_small_files_are_put_together(runs: Any) -> None:
    """A group's table is one file where its rows fit into one, whatever the number of tasks."""
    per_group: dict[str, int] = {}
    for location in tables.group_files(RunLayout("s3://out/run")):
        folder = location.rpartition("/")[0]
        per_group[folder] = per_group.get(folder, 0) + 1
    assert len(per_group) >= 6
    assert set(per_group.values()) == {1}


def test_failing_requests_change_no_row(runs: Any) -> None:
    """Every fault, of a fifth of what is read and a twentieth of what S3A writes: same rows,
    retries counted."""
    assert runs["results"]["faulty"]["error"] is None
    assert corpus("s3://faulty-out/run") == corpus(str(runs["folder"] / "local"))
    faults = sum(runs["faults"], Counter())
    assert all(faults[kind] for kind in KINDS)
    assert all(runs["faults"][1][kind] for kind in ("truncate", "wrong_length", "reset"))
    assert faults.total() - faults["ok"] > 50
    costs = extracted("s3://faulty-out/run", "traffic", schemas.TRAFFIC)
    assert all(row["requests"] == 1 + row["retries"] for row in costs)
    sizes = {row["warc_file"]: row["bytes"] for row in costs}
    assert sizes == {
        row["warc_file"]: row["bytes"]
        for row in extracted("s3://out/run", "traffic", schemas.TRAFFIC)
    }


def test_traffic_foretells_the_bill(runs: Any, crawl: Path) -> None:
    """One request and its size a file, and a snapshot's cost follows."""
    measured = traffic(RunLayout("s3://out/run"))
    sizes = {w.warc_file: Path(w.location).stat().st_size for w in list_warcs([str(crawl)])}
    assert {row["warc_file"]: row["bytes"] for row in measured.to_pylist()} == sizes
    ahead = forecast(measured, 90_000)
    assert ahead.requests == 90_000
    assert ahead.request_dollars == pytest.approx(0.036)


def test_a_dead_file_is_quarantined_and_named(runs: Any) -> None:
    """A file that answers 503 for ever is one failed row with its name and cause; the rest is
    read."""
    assert runs["results"]["dying"]["error"] is None
    rejects = extracted("s3://out/dying", "rejects", schemas.REJECTS)
    (dead,) = (row for row in rejects if row["reason"] == "unreadable_file")
    assert dead["warc_file"].endswith(runs["dead"])
    assert "HTTP 503 SlowDown, 10 times" in dead["detail"]
    costs = extracted("s3://out/dying", "traffic", schemas.TRAFFIC)
    retries = {row["warc_file"].rpartition("/")[2]: row["retries"] for row in costs}
    assert retries.pop(runs["dead"]) == 9
    assert set(retries.values()) == {0}


def test_more_dead_files_than_allowed_fail_the_job(runs: Any) -> None:
    """One of four files is more than the configured 5 %."""
    error = runs["results"]["dead"]["error"]
    assert error.startswith("TooManyFailuresError: 1 of 4 WARC files could not be read")
    assert runs["dead"] in error


def test_an_index_chooses_records_without_reading_files(runs: Any) -> None:
    """The chosen domain's documents equal those of a whole run, and few bytes are read for them."""
    assert runs["results"]["index"]["error"] is None
    whole = extracted("s3://out/run", "documents", schemas.DOCUMENTS)
    wanted = [row for row in whole if row["url"].split("/")[2] == DOMAIN]
    found = extracted("s3://out/index", "documents", schemas.DOCUMENTS)
    assert len(wanted) > 3
    assert sorted(found, key=lambda r: r["id"]) == sorted(wanted, key=lambda r: r["id"])
    few = sum(row["bytes"] for row in extracted("s3://out/index", "traffic", schemas.TRAFFIC))
    all_bytes = sum(row["bytes"] for row in extracted("s3://out/run", "traffic", schemas.TRAFFIC))
    assert few < all_bytes / 2


def test_a_record_is_fetched_again_from_its_bucket(runs: Any) -> None:
    """`fetch` reads a URL's record by range and extracts what the run published."""
    from infimm_spark.inspect.fetch import fetch, fetch_report
    from infimm_spark.run.run import Run

    row = corpus("s3://out/run")[0]
    run = Run.open("s3://out/run")
    page = fetch(run.layout, row["URL"], run.config)
    assert (page.warc_file, page.warc_offset) == (row["warc_file"], row["warc_offset"])
    report = fetch_report(page, run.config)
    assert report["source"]["id"] == row["id"]
    assert report["segments"][0].get("text") == row["text_list"][0]


def test_no_secret_reaches_manifests_or_run_file(runs: Any, s3: Any) -> None:
    """Nothing a run writes holds the key or the secret."""
    layout = RunLayout("s3://out/run")
    for place in [layout.run_file, *store.list_files(layout.group_manifests)]:
        text = store.read_bytes(place).decode()
        assert s3.secret not in text
        assert s3.key not in text
