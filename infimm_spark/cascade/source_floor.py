"""The first test of a page: does its source show a formula, or name mathematics?

Most pages of the web do neither. It is linear in any bytes, so that pages need no process of their
own for it: those that fail are not handed to one.
"""

from __future__ import annotations

from infimm_spark.cascade.verdict import Verdict
from infimm_spark.classify.evidence import Evidence
from infimm_spark.config import ExtractConfig
from infimm_spark.errors import PageRejectedError
from infimm_spark.extract.page import check_type
from infimm_spark.extract.screen import ScreenLimits, check_file, screen
from infimm_spark.languages import LANGUAGES, language_of

SOURCE_FLOOR = "source_floor"

_SUSPICIOUS_BYTES = 256 * 1024
"""What is made to hang a parser is larger, and a failure to be counted whatever its words."""


class SourceFloor:
    """Drops pages without a sign of a formula and with fewer words of mathematics than
    `settings.source_floor`; refuses what is no HTML page."""

    def __init__(self, settings: ExtractConfig) -> None:
        self._limits = limits_of(settings)
        # The words looked for are those of the languages with a lexicon.
        knows_all = not settings.unclassified and all(
            language_of(label).code in LANGUAGES for label in settings.languages
        )
        self._floor = settings.source_floor if knows_all else 0

    def verdict(self, evidence: Evidence, content_type: str | None) -> Verdict | None:
        """The verdict on the page of `evidence`; None for one that is worth parsing."""
        try:
            check_type(content_type)
            check_file(evidence.body, self._limits)
            words = evidence.words_below(self._floor)
            if words is None:
                return None
            if len(evidence.body) > _SUSPICIOUS_BYTES:
                screen(evidence.body, self._limits)
        except PageRejectedError as error:
            return Verdict("failed", reason=error.reason, detail=str(error))
        return Verdict("dropped", reason=SOURCE_FLOOR, score=float(words))


def limits_of(settings: ExtractConfig) -> ScreenLimits:
    """The bounds on a page that the settings name."""
    return ScreenLimits(
        max_bytes=settings.max_page_bytes,
        max_depth=settings.max_depth,
        max_attributes=settings.max_attributes,
    )
