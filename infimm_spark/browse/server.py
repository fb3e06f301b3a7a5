"""Opening a run and serving its browser on 127.0.0.1."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import uvicorn

from infimm_spark import store
from infimm_spark.browse.app import Browser, application
from infimm_spark.browse.catalogue import Catalogue
from infimm_spark.browse.comparison import Comparison, open_side
from infimm_spark.browse.guard import Guard, new_token
from infimm_spark.browse.labels import Labels, read_queue
from infimm_spark.config import BuildConfig
from infimm_spark.errors import EnvironmentMissingError
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.stored import config_of, require_run

ADDRESS = "127.0.0.1"


def open_run(location: str) -> tuple[RunLayout, BuildConfig]:
    """A run and the settings it was made with. Raises `NoRunError`, `DamagedRunError`."""
    layout = require_run(location)
    config = config_of(layout)
    store.configure(config.store)
    return layout, config


def open_browser(
    run: str,
    *,
    labels: str | None = None,
    queue: str | None = None,
    root: str | None = None,
) -> Browser:
    """The browser of one run. Raises `InfimmError` for a run, label file or queue that cannot be
    read."""
    layout, config = open_run(run)
    name = layout.root.rstrip("/").rpartition("/")[2]
    path = Path(labels) if labels else Path(f"{_file_name(name)}-labels.jsonl")
    return Browser(
        catalogue=Catalogue(layout),
        config=config,
        labels=Labels(path, name),
        name=store.shown(layout.root),
        queue=read_queue(queue) if queue else [],
        root=root,
    )


def open_comparison(
    a: str, b: str, *, labels: str | None = None, root: str | None = None
) -> Browser:
    """The browser of two runs; lists and labels are those of the second."""
    browser = open_browser(b, labels=labels, root=root)
    left, right = open_side(a), open_side(b)
    browser.comparison = Comparison(left, right)
    return browser


def listening(port: int) -> socket.socket:
    """A socket bound to a port of 127.0.0.1, any free one for 0.

    Raises `EnvironmentMissingError` where the port is in use or not allowed.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((ADDRESS, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise EnvironmentMissingError(
            f"port {port} of {ADDRESS} cannot be used: {error.strerror}; choose another with "
            "--port, or 0 for a free one"
        ) from None
    return bound


def served(browser: Browser, bound: socket.socket) -> tuple[uvicorn.Server, str]:
    """A server of the browser on a bound socket, and the address to open, with its token."""
    port = bound.getsockname()[1]
    token = new_token()
    config = uvicorn.Config(
        Guard(application(browser), token, port),
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    start = "compare" if browser.comparison else "?queue=yes" if browser.queue else ""
    joined = "&" if "?" in start else "?"
    return uvicorn.Server(config), f"http://{ADDRESS}:{port}/{start}{joined}token={token}"


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name) or "run"
