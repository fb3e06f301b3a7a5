"""A scheme that is registered from outside carries a run: nothing but its two records names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from memory_store import MemoryConnector, MemoryStore
from pyspark.sql import SparkSession

from infimm_spark import schemas, store
from infimm_spark.config import load_config
from infimm_spark.errors import StoreError
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.pipeline import build
from infimm_spark.sample import write_sample_crawl
from infimm_spark.spark import connectors

pytestmark = pytest.mark.spark

RUN = "memory://corpora/run"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[tuple[MemoryStore, MemoryConnector]]:
    """The store and Spark's way to it, registered for one test."""
    held = MemoryStore(tmp_path / "held")
    connector = MemoryConnector(held)
    store.register(held)
    connectors.register(connector)
    yield held, connector
    connectors.unregister(connector)
    store.unregister(held)


def test_a_scheme_from_outside_carries_a_whole_build(
    spark: SparkSession, memory: tuple[MemoryStore, MemoryConnector], tmp_path: Path
) -> None:
    """Manifests, tables, ledger and corpus lie at memory://, and resuming finds every stage
    complete."""
    held, connector = memory
    write_sample_crawl(tmp_path / "crawl")
    settings = {"input": {"paths": [str(tmp_path / "crawl")]}, "output": "mem://corpora/run/"}
    done = build(load_config("conf/local.yaml", settings))

    layout = RunLayout(RUN)
    assert done.output == RUN
    assert connector.prepared
    assert {layout.run_file, layout.group_manifest(0), layout.manifest("publish")} <= {*held.writes}
    assert reconcile(tables.ledger(layout)) == done.funnel
    corpus = tables.dataset(tables.locations(layout, "publish", "corpus"), schemas.CORPUS)
    assert corpus is not None
    assert corpus.count_rows() == done.funnel[-1].kept > 0

    before = {location: store.read_bytes(location) for location in store.list_files(layout.corpus)}
    held.writes.clear()
    again = build(load_config("conf/local.yaml", settings), resume=True)
    assert again.funnel == done.funnel
    # A resuming build takes the run's lock and writes nothing else.
    assert not [place for place in held.writes if not place.startswith(f"{RUN}/.lock/")]
    assert before == {location: store.read_bytes(location) for location in before}


def test_an_unregistered_scheme_is_told_with_those_there_are(spark: SparkSession) -> None:
    """Once it is unregistered the scheme is as unknown as any other."""
    with pytest.raises(StoreError, match=r"unknown scheme 'memory'; .*file, gs, http, https, s3"):
        store.exists(RUN)
