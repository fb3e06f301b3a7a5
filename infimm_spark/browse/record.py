"""All there is about one page of a run: its document, where it ended, its scores and its copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infimm_spark import schemas
from infimm_spark.browse.catalogue import Catalogue
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.errors import InfimmError
from infimm_spark.report.documents import released_segments
from infimm_spark.rules.filters import RULES
from infimm_spark.stages.registry import STAGES, all_stages


@dataclass(frozen=True, slots=True)
class Score:
    """A score with the threshold it was compared with; `reached` is None without a score."""

    name: str
    value: float | None
    threshold: float | None
    key: str
    """The setting that holds the threshold."""

    @property
    def reached(self) -> bool | None:
        if self.value is None or self.threshold is None:
            return None
        return self.value >= self.threshold


@dataclass(frozen=True, slots=True)
class Metric:
    """A value that a rule judged, with the rule's limit in words."""

    name: str
    value: Any
    limit: str
    failed: bool


@dataclass(slots=True)
class Record:
    """One page. `page` are its columns of the catalogue; `document` the whole row of its document,
    None for a page that never became one; `segments` the document as it was last handed on."""

    page: dict[str, Any]
    document: dict[str, Any] | None
    segments: list[dict[str, Any]]
    scores: list[Score] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    copies: list[dict[str, Any]] = field(default_factory=list)
    removed_for: dict[str, Any] | None = None
    """The page that stays in its place, where it was removed as a copy."""
    limit: str = ""
    """The comparison that decided, such as `math_prob 0.12 < 0.2 (dedup.recall_threshold)`."""

    @property
    def text(self) -> str:
        """All text segments joined by blank lines."""
        return "\n\n".join(s["text"] for s in self.segments if s.get("text"))


def read_record(catalogue: Catalogue, id_: str, config: BuildConfig) -> Record | None:
    """The page with this id; None where the run holds none."""
    page = catalogue.page(id_)
    if page is None:
        return None
    scored = catalogue.row("scored", id_)
    document = scored or catalogue.row("documents", id_)
    segments = (document or {}).get("segments")
    if not segments:
        released = catalogue.row("corpus", id_) if document is not None else None
        segments = released_segments(released) if released and released.get("text_list") else []
    record = Record(page, document, segments)
    if document is not None:
        record.scores = scores_of(page, config)
        record.metrics = _metrics(scored, config)
    record.copies, record.removed_for = _copies(catalogue, id_)
    record.limit = _limit(page, config)
    return record


def scores_of(page: Mapping[str, Any], config: BuildConfig) -> list[Score]:
    """The four scores with the thresholds of the run; without those of a model that is gone."""
    length = page.get("text_length") or 0
    try:
        filled = with_thresholds(config)
        recall: float | None = filled.dedup.recall_threshold_at(length)
        precision: float | None = filled.rules.precision_threshold_at(length, page.get("language"))
    except InfimmError:
        recall = precision = None
    extract = config.extract
    return [
        Score("language_prob", page.get("language_prob"), extract.language_threshold,
              "extract.language_threshold"),
        Score("recall_prob", page.get("recall_prob"), extract.recall_floor, "extract.recall_floor"),
        Score("math_prob", page.get("math_prob"), recall, "dedup.recall_threshold"),
        Score("quality_prob", page.get("quality_prob"), precision, "rules.precision_threshold"),
    ]  # fmt: skip


def _metrics(scored: dict[str, Any] | None, config: BuildConfig) -> list[Metric]:
    if scored is None or scored.get("size") is None:
        return []
    limits = {rule.name: rule.limit(config.rules) for rule in RULES}
    failed = scored.get("drop_reason")
    rules = {"nsfw_num_words": "nsfw", "has_unicode_error": "unicode_error"}
    return [
        Metric(name, scored.get(name), limits.get(rules.get(name, name), ""),
               failed == rules.get(name, name))
        for name, _ in schemas.METRICS
    ]  # fmt: skip


def _copies(catalogue: Catalogue, id_: str) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Copies of the page, each with the other page's columns as `page`; and what it was removed
    for."""
    rows = catalogue.copies(id_)
    others = [row["kept_id"] if row["id"] == id_ else row["id"] for row in rows]
    pages = catalogue.pages_of([other for other in others if other])
    found = []
    removed_for = None
    for row, other in zip(rows, others, strict=True):
        copy = {**row, "other": other, "page": pages.get(other), "removed": row["id"] == id_}
        found.append(copy)
        if row["id"] == id_:
            removed_for = copy
    return found, removed_for


def _limit(page: dict[str, Any], config: BuildConfig) -> str:
    if page["outcome"] != "dropped":
        return ""
    for stage in all_stages():
        if page["stage"] in stage.ledger:
            try:
                return STAGES[stage.name].limit(page, config) or ""
            except (InfimmError, KeyError, TypeError):
                return ""
    return ""
