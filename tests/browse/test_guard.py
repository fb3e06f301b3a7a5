"""Who may ask, and what the answers allow."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from browsed_run import TOKEN
from starlette.testclient import TestClient

from infimm_spark.browse.server import ADDRESS, listening, open_browser, served
from infimm_spark.errors import EnvironmentMissingError


def test_without_the_token_nothing_is_told(stranger: TestClient) -> None:
    """No page, style or label is answered to who does not hold the token, right or wrong."""
    for path in ("/", "/static/browse.js", "/page/x/original", "/?token=guess"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "notes.example.org" not in answer.text
    assert stranger.post("/labels", json={"id": "x", "score": 3}).status_code == 403


def test_the_token_leaves_the_address(stranger: TestClient) -> None:
    """The printed address sets a cookie that no script reads, and leads on without the token."""
    answer = stranger.get("/", params={"token": TOKEN, "q": "a b"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?q=a+b"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert stranger.get("/").status_code == 200


def test_the_redirect_stays_here(stranger: TestClient) -> None:
    """A path that browsers read as another host leads to a path of this server."""
    answer = stranger.get(f"http://127.0.0.1:8000//evil.example/?token={TOKEN}")
    assert answer.headers["location"] == "/evil.example/"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:8001", "localhost.evil.example:8000", ""]
)
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    """A name that was rebound to this machine reaches nothing, even with the token."""
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "notes" not in answer.text


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:9"])
def test_labels_come_from_own_pages_only(client: TestClient, origin: str | None) -> None:
    """A form or script of another page saves nothing."""
    headers = {} if origin is None else {"origin": origin}
    assert client.post("/labels", json={"id": "x"}, headers=headers).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(client: TestClient, method: str) -> None:
    """Nothing but reading and saving a label can be asked."""
    assert client.request(method, "/").status_code == 405


def test_every_answer_forbids_what_it_does_not_need(client: TestClient) -> None:
    """Pages, files, refusals and errors carry the policy; nothing may be framed from outside."""
    for path in ("/", "/static/browse.js", "/page/unknown", "/?sort=nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/static/../server.py", "/static/..%2f..%2fpyproject.toml", "/static/%2e%2e/app.py",
     "/static//etc/passwd", "/page/..%2f..%2frun.json", "/page/..%2f..%2frun.json/original"],
)  # fmt: skip
def test_paths_outside_are_refused(client: TestClient, path: str) -> None:
    """No file but the three of the pages is served, whatever dots and slashes a path holds."""
    assert client.get(path).status_code == 404


def test_the_server_listens_on_this_machine_alone(small_run: Path, tmp_path: Path) -> None:
    """The socket is bound to 127.0.0.1, and each server has a token of its own."""
    browser = open_browser(str(small_run), labels=str(tmp_path / "l.jsonl"))
    tokens = set()
    for _ in range(2):
        with listening(0) as bound:
            assert bound.getsockname()[0] == ADDRESS == "127.0.0.1"
            _, address = served(browser, bound)
            tokens.add(address.partition("token=")[2])
    browser.catalogue.close()
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 40


def test_a_port_in_use_is_one_line() -> None:
    """The port is named, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentMissingError, match=rf"port {port} .* in use; .*--port"):
            listening(port)
