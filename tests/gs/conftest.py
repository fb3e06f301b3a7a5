"""Servers of gs:// for the tests of this folder: our own, and where it is installed
fake-gcs-server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gs_server import FakeGs, GsServer, find_server

from infimm_spark import store
from infimm_spark.config import StoreConfig


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGs]:
    """Our own server, which can fail."""
    server = FakeGs()
    yield from _used(server, monkeypatch)


# The second server is run where it is installed; ours alone covers every test without it.
@pytest.fixture(params=["own", "fake-gcs-server"] if find_server() else ["own"])
def gs(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:
    """Either server."""
    if request.param == "own":
        yield from _used(FakeGs(), monkeypatch)
        return
    yield from _used(GsServer(tmp_path_factory.mktemp("gcs")), monkeypatch)


def _used(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
    server.create_bucket("bucket")
    store.configure(StoreConfig(backoff_seconds=0.001, attempts=4))
    yield server
    store.configure(StoreConfig())
    server.close()
