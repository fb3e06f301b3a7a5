"""One page on its way through the stages, for `infimm page`: each stage takes it a step further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infimm_spark.classify.broadcast import ModelBytes
from infimm_spark.extract.document import Document


@dataclass
class PageTrace:
    """A page, what the stages found out about it, and where it was dropped.

    `row` is its row of `schemas.DOCUMENTS` as the last stage handed it on, None until there is one.
    `model` gives a model by its kind. `repeated` gives the paragraphs (128-bit hashes) that a run
    removes from pages of this page's host, None where the page is looked at without a run.
    """

    body: bytes
    url: str
    content_type: str | None
    model: Callable[[Any], ModelBytes]
    repeated: Callable[[], list[bytes]] | None = None
    document: Document | None = None
    row: dict[str, Any] | None = None
    found: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dropped: dict[str, Any] | None = None

    def drop(
        self, stage: str, rule: str | None, score: float | None, detail: str | None = None
    ) -> None:
        """Say that the page goes no further; `stage` is a line of the funnel."""
        self.dropped = {"stage": stage, "rule": rule, "score": score, "detail": detail}
