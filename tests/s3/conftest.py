"""An S3 server for the tests of this folder; those that need a real one skip on moto, saying so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fault_proxy import FaultProxy
from s3_server import start

from infimm_spark import store
from infimm_spark.config import StoreConfig


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """MinIO on loopback, or moto where there is none."""
    server = start(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def checks_keys(s3_server: Any) -> None:
    """For tests of what a server says about keys, permissions and clocks."""
    if not s3_server.is_real:
        pytest.skip("moto checks no keys; `make minio` builds MinIO where Go is installed")


@pytest.fixture(scope="session")
def fault_proxy() -> Any:
    """The class of the proxy that fails requests."""
    return FaultProxy


@pytest.fixture
def s3(s3_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The server, with this process's environment and the store set to it."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    _fresh()
    yield s3_server
    _fresh()


def _fresh() -> None:
    from infimm_spark.store import s3

    s3._client.cache_clear()
    store.configure(StoreConfig())


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    """A new, empty bucket."""
    name = f"b{abs(hash(request.node.nodeid)):x}"[:20]
    s3.client().create_bucket(Bucket=name)
    return name
