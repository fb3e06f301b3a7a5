"""One page looked at closely: its document, its scores, and where a build would drop it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pyarrow.compute as pc

from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.classify.mathematics import Kind
from infimm_spark.classify.why import why
from infimm_spark.config import BuildConfig
from infimm_spark.extract.document import Document
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.stages.page_trace import PageTrace
from infimm_spark.stages.registry import stages_of
from infimm_spark.stages.repeated_paragraphs import REPEATED
from infimm_spark.urls import site_host


def inspect_page(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    config: BuildConfig,
    run: RunLayout | None = None,
    explain: bool = False,
) -> dict[str, Any]:
    """Everything a build would find out about one page, as plain JSON values.

    `dropped` is None for a page that would be published (duplicates aside), else the stage, the
    rule and the score that decided. With `run` the paragraphs that this run found repeated on the
    page's host are left out, as a build does with `boilerplate.enabled`. With `explain` there is
    `why`: the facts and words that moved `math_prob` and `quality_prob` most.
    """
    page = PageTrace(
        body=body,
        url=url,
        content_type=content_type,
        model=lambda kind: read_model(getattr(config.models, kind), kind),
        repeated=None if run is None else _repeated(run, url),
        found={"language": None},
        scores=dict.fromkeys(("language_prob", "recall_prob", "math_prob", "quality_prob")),
    )
    for stage in stages_of(config):
        if stage.trace is not None and page.dropped is None:
            stage.trace(page, config)
    return {
        "url": url,
        "title": None,
        **page.found,
        "scores": page.scores,
        "dropped": page.dropped,
        **({"why": _why(page)} if explain else {}),
        **({"notes": page.notes} if page.notes else {}),
        **({} if page.document is None else _document(page.document, page.row)),
    }


def _why(page: PageTrace) -> dict[str, Any]:
    """For each classifier that scored the page, what moved its score."""
    found = {}
    kinds: tuple[tuple[Kind, str], ...] = (("recall", "math_prob"), ("precision", "quality_prob"))
    for kind, score in kinds:
        if page.row is None or page.scores[score] is None:
            continue
        text = "\n\n".join(
            segment["text"] for segment in page.row["segments"] if segment["text"] is not None
        )
        model = load_mathematics(page.model(kind), kind)
        found[score] = why(model, text, page.row["language"])
    return found


def _repeated(run: RunLayout, url: str) -> Callable[[], list[bytes]]:
    """The paragraphs that a run removes from pages of a URL's host."""

    def paragraphs() -> list[bytes]:
        of_host = pc.field("host") == site_host(url)
        rows = tables.rows(run, "refine", "boilerplate", REPEATED, of_host, ["paragraph"])
        return [row["paragraph"] for row in rows]

    return paragraphs


def _document(document: Document, row: dict[str, Any] | None) -> dict[str, Any]:
    """The document; its segments as the last stage left them."""
    segments = (
        row["segments"]
        if row is not None
        else [dataclasses.asdict(segment) for segment in document.segments]
    )
    return {
        "title": document.title,
        "charset": document.charset,
        "segments": [
            {"text": segment["text"]}
            if segment["image"] is None
            else {"image": {k: v for k, v in segment["image"].items() if v is not None}}
            for segment in segments
        ],
        "formulas": [dataclasses.asdict(formula) for formula in document.formulas],
        "macros": document.macros,
        "consent": document.consent,
    }
