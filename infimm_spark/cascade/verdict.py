"""What the cascade says of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from infimm_spark.extract.document import Document


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
