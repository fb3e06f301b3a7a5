"""The section of the configuration about evaluation questions in the corpus."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infimm_spark.config.section import Location, PositiveInt, Probability, Section

Preset = Literal[
    "gsm8k",
    "math",
    "mmlu-stem",
    "mathverse",
    "we-math",
    "cmath",
    "gaokao",
    "mgsm-zh",
]
"""Published sets whose fields are known by name."""


class EvaluationSet(Section):
    """Questions that the corpus must not contain: JSON lines or Parquet, one question a row."""

    path: Location
    """File of the questions: `*.jsonl`, `*.json`, `.gz` allowed, or `*.parquet`."""
    preset: Preset | None = None
    """A published set, whose fields are known; else give `columns`."""
    columns: list[str] = []
    """Columns whose texts, one after the other, are the question; `messages` is a conversation,
    whose user turns are taken."""
    name: str | None = None
    """Name in tables and reports; null takes the preset's, else the file's."""


class DecontaminateConfig(Section):
    """Documents that contain evaluation questions. Off unless sets are named."""

    sets: list[EvaluationSet] = []
    """The evaluation sets to look for."""
    action: Literal["drop", "mark"] = "drop"
    """`drop` removes such documents; `mark` names the sets in the corpus column `contaminated`."""
    ngram: PositiveInt = 13
    """Consecutive words that a document has to share with a question (FineMath: 13)."""
    char_ngram: PositiveInt = 13
    """The same for Chinese, in characters (ours)."""
    min_words: PositiveInt = 8
    """Questions shorter than an n-gram are looked for as a whole, if they have at least this many
    words (ours)."""
    min_chars: PositiveInt = 10
    """The same for Chinese, in characters (ours)."""
    threshold: Probability = 0.6
    """Smallest share of a question's words that stands in the document, in their order (FineMath:
    0.6 of the longest common subsequence)."""
    simplify_chinese: bool = False
    """Compare traditional and simplified Chinese as one; needs the extra `chinese`."""
    broadcast_limit: Annotated[int, Field(ge=0)] = 5_000_000
    """Up to this many n-grams of questions are sent to every worker (about 16 bytes each); more
    are joined by a shuffle."""
