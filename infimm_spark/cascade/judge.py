"""The cascade: one page through every step of the first pass, cheapest first.

screen → parse → quick text → language → recall floor → mathematics-aware extraction → final score.
A page is decoded and parsed once; only the survivors of the floor pay for extraction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from infimm_spark.classify.broadcast import ModelBytes, load_language, load_mathematics
from infimm_spark.classify.evidence import hides_formulas, shows_formulas
from infimm_spark.classify.features import QUICK_CHARS, excerpt
from infimm_spark.config import ExtractConfig
from infimm_spark.errors import PageRejectedError
from infimm_spark.extract.document import Document
from infimm_spark.extract.page import ParsedPage, parse_page
from infimm_spark.extract.screen import ScreenLimits

NO_TEXT = "no_text"
LANGUAGE = "language"
LANGUAGE_UNCERTAIN = "language_uncertain"
RECALL_FLOOR = "recall_floor"
PLAIN_FLOOR = "plain_floor"


class Identifies(Protocol):
    """Language identification: text -> (label, probability)."""

    def identify(self, text: str) -> tuple[str, float]: ...


class Scores(Protocol):
    """A classifier: (text, language) -> probability."""

    def score(self, text: str, language: str) -> float: ...


@dataclass(slots=True)
class Verdict:
    """What the cascade says of a page.

    `reason` is the ledger's reason and None for a kept page; `score` is the value that decided, if
    one did. Fields of steps that were not reached are None. `document` is present when extraction
    was reached.
    """

    outcome: Literal["kept", "dropped", "failed"]
    reason: str | None = None
    score: float | None = None
    detail: str | None = None
    language: str | None = None
    language_prob: float | None = None
    recall_prob: float | None = None
    math_prob: float | None = None
    document: Document | None = None


def build_judge(
    language: ModelBytes, recall: ModelBytes, settings: ExtractConfig
) -> Callable[..., Verdict]:
    """`Cascade.judge` over loaded models; raises `ModelError` where one is unusable."""
    return Cascade(load_language(language), load_mathematics(recall, "recall"), settings).judge


class Cascade:
    """Judges pages with one set of models and settings; holds no state between pages."""

    def __init__(self, language: Identifies, recall: Scores, settings: ExtractConfig) -> None:
        self._language = language
        self._recall = recall
        self._settings = settings
        self._languages = frozenset(settings.languages)
        self._unclassified = frozenset(settings.unclassified)
        self._limits = ScreenLimits(
            max_bytes=settings.max_page_bytes,
            max_depth=settings.max_depth,
            max_attributes=settings.max_attributes,
        )

    def judge(self, body: bytes, *, url: str, content_type: str | None) -> Verdict:
        """Take a page as far as it goes. `body` is the decoded HTTP payload."""
        settings = self._settings
        try:
            page = parse_page(body, url=url, content_type=content_type, limits=self._limits)
        except PageRejectedError as error:
            return Verdict("failed", reason=error.reason, detail=str(error))

        text = page.quick_text(settings.quick_text_chars)
        if not text.strip():
            return Verdict("dropped", reason=NO_TEXT)
        language, probability = self._language.identify(text)
        verdict = Verdict("dropped", language=language, language_prob=probability)
        if language not in self._languages:
            verdict.reason, verdict.score = LANGUAGE, probability
            return verdict
        if probability < settings.language_threshold:
            verdict.reason, verdict.score = LANGUAGE_UNCERTAIN, probability
            return verdict

        if language in self._unclassified:
            return self._extracted(page, verdict, score=False)
        verdict.recall_prob = self._recall.score(excerpt(text, QUICK_CHARS), language)
        verdict.reason = self._below_floor(verdict.recall_prob, body)
        if verdict.reason is not None:
            verdict.score = verdict.recall_prob
            return verdict

        return self._extracted(page, verdict, score=True)

    def _extracted(self, page: ParsedPage, verdict: Verdict, *, score: bool) -> Verdict:
        """The verdict on a page that is worth extracting; `score` it if the classifier knows its
        language."""
        verdict.document = page.document()
        text = verdict.document.text
        if not text.strip():
            verdict.reason = NO_TEXT
            return verdict
        if score:
            verdict.math_prob = self._recall.score(text, verdict.language or "")
        verdict.outcome = "kept"
        return verdict

    def _below_floor(self, probability: float, body: bytes) -> str | None:
        """The floor that a page is under, None for one worth extracting.

        Its source is looked at only where that decides.
        """
        settings = self._settings
        if probability >= max(settings.plain_floor, settings.recall_floor):
            return None
        if probability >= settings.recall_floor and shows_formulas(body):
            return None
        if hides_formulas(body):
            return None
        return PLAIN_FLOOR if probability >= settings.recall_floor else RECALL_FLOOR
