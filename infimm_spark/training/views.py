"""The views of a crawl's pages that classifiers are trained on: quick text and extracted text.

A labelled crawl is a mirror with WARC files; its views are what the cascade would show the
classifiers of each page, made with this version's extraction.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict

from infimm_spark.classify.evidence import Evidence
from infimm_spark.config import ExtractConfig
from infimm_spark.errors import OutputError, PageRejectedError
from infimm_spark.extract.page import parse_page
from infimm_spark.training.labelled import read_jsonl
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import Page, read_pages

MAX_TEXT = 60_000
"""Characters kept of an extracted text; the classifiers look at slices of so much."""


class View(TypedDict):
    """A page as the cascade sees it: `quick` at the recall floor, `text` after extraction.

    `hidden` and `shown` say whether its source holds formulas (see `evidence.py`), `unparsed`
    whether the source floor drops it.
    """

    url: str
    snapshot: str
    quick: str
    text: str
    hidden: bool
    shown: bool
    unparsed: bool


def page_views(paths: list[str], settings: ExtractConfig | None = None) -> Iterator[View]:
    """The views of every page below `paths` (as `input.paths`), in file order.

    Records that are no pages, and pages that the screen or the parser refuses, have none. Raises
    `InputError` for paths that name no WARC file.
    """
    settings = settings or ExtractConfig()
    for file in list_warcs(paths):
        for item in read_pages(
            file.location, warc_file=file.warc_file, max_page_bytes=settings.max_page_bytes
        ):
            if not isinstance(item, Page):
                continue
            try:
                page = parse_page(item.body, url=item.url, content_type=item.content_type)
            except PageRejectedError:
                continue
            evidence = Evidence(item.body)
            yield View(
                url=item.url,
                snapshot=file.snapshot,
                quick=page.quick_text(settings.quick_text_chars),
                text=page.document().text[:MAX_TEXT],
                hidden=evidence.hides_formulas,
                shown=evidence.shows_formulas,
                unparsed=evidence.words_below(settings.source_floor) is not None,
            )


def load_views(data: Path, file: Path | None) -> list[View]:
    """The views of ``commoncrawl/`` and of the WARC files in ``sites/`` below
    `data`: read from `file` where it exists, else made, and written there if
    named.

    A file is as old as the extraction that made it: delete it to have it made again.
    """
    if file is not None and file.exists():
        return [View(**row) for row in read_jsonl(file)]  # type: ignore[typeddict-item]
    sites = sorted(str(path) for path in (data / "sites").glob("*.warc.gz"))
    views = list(page_views([str(data / "commoncrawl"), *sites]))
    if file is not None:
        write_views(file, views)
    return views


def write_views(path: Path, views: Iterable[View]) -> None:
    """JSON Lines, gzipped, whole or not at all; raises `OutputError`."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(part, "wt", encoding="utf-8", compresslevel=3) as file:
            for view in views:
                file.write(json.dumps(view, ensure_ascii=True) + "\n")
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"views cannot be written to {path}: {error.strerror or error}") from None
