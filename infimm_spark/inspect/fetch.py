"""Back to the source: the record behind a URL of a run, read again by file, offset and length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from infimm_spark import schemas, store
from infimm_spark.config import BuildConfig
from infimm_spark.errors import InputError
from infimm_spark.inspect.page import inspect_page
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import Page, fetch_record

_POINTER = list(schemas.POINTER)


def fetch(
    layout: RunLayout,
    url: str,
    config: BuildConfig,
    snapshot: str | None = None,
    root: str | None = None,
) -> Page:
    """The original page of `url`, from the WARC file that the run read it from.

    `root` is where the crawl is now, if it has moved since; its files are found by their names.

    Of several records of the URL the newest snapshot's is taken, or that of `snapshot`. Raises
    `InputError` where the run names no record of it, `StoreError` where the WARC file cannot be
    read.
    """
    pointers = _pointers(layout, url, snapshot)
    if not pointers:
        where = f" of snapshot {snapshot}" if snapshot else ""
        raise InputError(
            f"{url}: no record{where} in run {layout.root}; not in its input, or dropped and left "
            "out of "
            "a sampled rejects table"
        )
    pointer = max(pointers, key=lambda row: (row["snapshot"], row["warc_file"], row["warc_offset"]))
    return record_page(pointer, config, root)


def record_page(pointer: Mapping[str, Any], config: BuildConfig, root: str | None = None) -> Page:
    """The page of a pointer (`schemas.POINTER`), from the WARC file that the run read it from.

    Raises `InputError` where another page lies there or the file has moved, `StoreError` where it
    cannot be read.
    """
    url = pointer["url"]
    page = fetch_record(
        _location(config, pointer["warc_file"], root),
        pointer["warc_offset"],
        pointer["warc_length"],
        warc_file=pointer["warc_file"],
        max_page_bytes=config.extract.max_page_bytes,
    )
    if page.url != url:
        raise InputError(
            f"{pointer['warc_file']} at byte {pointer['warc_offset']} holds {page.url}; expected "
            f"{url}: "
            "the file is not the one that the run read"
        )
    return page


def fetch_report(page: Page, config: BuildConfig) -> dict[str, Any]:
    """The page extracted anew with the run's settings, and where its bytes came from."""
    source = {
        "id": page.id,
        "warc_file": page.warc_file,
        "warc_offset": page.warc_offset,
        "warc_length": page.warc_length,
        "warc_date": page.warc_date,
        "warc_digest": page.warc_digest,
    }
    report = inspect_page(page.body, url=page.url, content_type=page.content_type, config=config)
    return {"source": source, **report}


def _pointers(layout: RunLayout, url: str, snapshot: str | None) -> list[dict[str, Any]]:
    where = pc.field("url") == url
    if snapshot is not None:
        where = where & (pc.field("snapshot") == snapshot)
    found = tables.rows(layout, "extract", "documents", schemas.DOCUMENTS, where, _POINTER)
    return found or [
        row
        for row in tables.rows(layout, "extract", "rejects", schemas.REJECTS, where, _POINTER)
        if row["url"]
    ]


def _location(config: BuildConfig, warc_file: str, root: str | None) -> str:
    if root is not None:
        return _moved(root, warc_file.removeprefix(config.input.prefix).lstrip("/"))
    if config.input.index.paths:
        return store.join(store.normal(config.input.index.mirror), warc_file)
    warcs = list_warcs(
        config.input.paths,
        snapshots=config.input.snapshots,
        default_snapshot=config.input.default_snapshot,
        prefix=config.input.prefix,
    )
    location = next((warc.location for warc in warcs if warc.warc_file == warc_file), None)
    if location is None:
        raise InputError(
            f"{warc_file} is no longer in the run's input; say where the crawl is now with --root"
        )
    return location


def _moved(root: str, warc_file: str) -> str:
    """A file's new location: its name below `root`, or the one file below it whose path ends so."""
    root = store.normal(root)
    location = store.join(root, warc_file)
    archive, _, inside = location.partition("#")
    if store.exists(archive):
        return location
    name = warc_file.partition("#")[0]
    found = [file for file in store.list_files(root) if file.endswith(f"/{name}")]
    if len(found) != 1:
        how = f"{len(found)} files end so" if found else "no file ends so"
        raise InputError(f"{store.shown(root)} does not hold {name}: {how}")
    return f"{found[0]}#{inside}" if inside else found[0]
