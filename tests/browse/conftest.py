"""A small run, its browser, and a client that holds the token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsed_run import TOKEN, write_run
from starlette.testclient import TestClient

from infimm_spark.browse.app import Browser, application
from infimm_spark.browse.guard import Guard
from infimm_spark.browse.server import open_browser

HOST = "127.0.0.1:8000"


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of five pages, and its crawl."""
    folder = tmp_path_factory.mktemp("browse")
    write_run(folder)
    return folder / "run"


@pytest.fixture
def browser(small_run: Path, tmp_path: Path) -> Iterator[Browser]:
    """The browser of the small run, with a label file of its own."""
    opened = open_browser(str(small_run), labels=str(tmp_path / "labels.jsonl"))
    opened.catalogue.wait(30)
    yield opened
    opened.catalogue.close()


@pytest.fixture
def stranger(browser: Browser) -> TestClient:
    """A client that reaches the server and knows no token."""
    guarded = Guard(application(browser), TOKEN, 8000)
    return TestClient(guarded, base_url=f"http://{HOST}", follow_redirects=False)


@pytest.fixture
def client(stranger: TestClient) -> TestClient:
    """A client that opened the printed address."""
    stranger.get("/", params={"token": TOKEN})
    return stranger
