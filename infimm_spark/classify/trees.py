"""Boosted trees over the facts of a text (`facts.py`), as plain numbers in a model's card or in
the head of an encoder judge, whose trees see more than facts.

Every tree is complete and of one depth, so that all of them are walked at once, a level at a time.
`Walker` says what the trees make of a text; `Judgement` weighs that with fastText's log-odds and
calibrates the sum by language.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, model_validator

from infimm_spark.classify.facts import FACT_VERSION, FACTS

Floats = npt.NDArray[np.float64]

NEVER = 1e300
"""The threshold of a node that does not split; infinity has no place in JSON."""


class Trees(BaseModel):
    """An ensemble. Node `i` of a tree has the children `2 i + 1` (below its threshold) and
    `2 i + 2`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fact_version: int
    base: float
    """Log-odds before any tree."""
    facts: list[list[int]]
    """Of each tree and inner node, the fact that is compared (its place in `FACTS`, or among the
    features of an encoder judge)."""
    thresholds: list[list[float]]
    """Likewise the threshold; a node that does not split has `NEVER`."""
    leaves: list[list[float]]
    """Of each tree, what its leaves add to the log-odds."""

    @model_validator(mode="after")
    def _complete(self) -> Trees:
        if self.fact_version != FACT_VERSION:
            raise ValueError(
                f"trees use fact version {self.fact_version}, this version of infimm-spark "
                f"{FACT_VERSION}: train them again"
            )
        leaves = len(self.leaves[0]) if self.leaves else 0
        if not leaves or leaves & (leaves - 1) or leaves < 2:
            raise ValueError("trees need 2, 4, 8, … leaves each")
        inner: list[Sequence[float]] = [*self.facts, *self.thresholds]
        if (
            not len(self.facts) == len(self.thresholds) == len(self.leaves)
            or any(len(row) != leaves - 1 for row in inner)
            or any(len(row) != leaves for row in self.leaves)
        ):
            raise ValueError("trees differ in their number of nodes")
        return self

    def effects(self, values: Sequence[float] | Floats) -> Floats:
        """By fact, how far its splits moved the log-odds of a text (Saabas); a node counts as the
        mean of what lies below it."""
        found = np.zeros(len(values))
        for facts, thresholds, leaves in zip(self.facts, self.thresholds, self.leaves, strict=True):
            inner = len(facts)
            means = [*[0.0] * inner, *leaves]
            for node in reversed(range(inner)):
                left, right = means[2 * node + 1], means[2 * node + 2]
                means[node] = (left + right) / 2 if thresholds[node] < NEVER else left
            node = 0
            while node < inner:
                child = 2 * node + 1 + bool(values[facts[node]] >= thresholds[node])
                found[facts[node]] += means[child] - means[node]
                node = child
        return found


class Walker:
    """Trees as arrays; `log_odds` of one text takes some tens of microseconds."""

    def __init__(self, trees: Trees) -> None:
        self._base = trees.base
        self._inner = len(trees.facts[0])
        self._depth = self._inner.bit_length()
        self._facts = np.array(trees.facts, dtype=np.intp).ravel()
        self._thresholds = np.array(trees.thresholds, dtype=np.float64).ravel()
        self._leaves = np.array(trees.leaves, dtype=np.float64).ravel()
        count = len(trees.facts)
        self._first = np.arange(count, dtype=np.intp) * self._inner
        self._first_leaf = np.arange(count, dtype=np.intp) * (self._inner + 1)

    def log_odds(self, values: Sequence[float] | Floats) -> float:
        """Log-odds of a text by its facts, in the order of `FACTS`."""
        known = np.asarray(values, dtype=np.float64)
        node = np.zeros_like(self._first)
        for _ in range(self._depth):
            at = self._first + node
            node = 2 * node + 1 + (known[self._facts[at]] >= self._thresholds[at])
        return self._base + float(self._leaves[self._first_leaf + node - self._inner].sum())

    def log_odds_of_many(self, rows: Floats) -> Floats:
        """`log_odds` of each row."""
        node = np.zeros((len(rows), len(self._first)), dtype=np.intp)
        row = np.arange(len(rows))[:, None]
        for _ in range(self._depth):
            at = self._first + node
            node = 2 * node + 1 + (rows[row, self._facts[at]] >= self._thresholds[at])
        found: Floats = self._leaves[self._first_leaf + node - self._inner].sum(axis=1)
        return found + self._base


class Judgement(BaseModel):
    """How fastText's log-odds and the trees become one probability; kept in a model's card."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trees: Trees
    words: float
    """Weight of fastText's log-odds beside those of the trees."""
    calibration: dict[str, tuple[float, float]] = {}
    """By language, slope and offset that turn the sum into the log-odds of a page worth keeping,
    found on sites that the models had not seen."""

    @model_validator(mode="after")
    def _known_facts(self) -> Judgement:
        if not all(0 <= fact < len(FACTS) for row in self.trees.facts for fact in row):
            raise ValueError(f"a tree names a fact beyond the {len(FACTS)} known ones")
        return self

    def probability(self, words: float, trees: float, language: str) -> float:
        """Probability from both log-odds, calibrated where the language is known."""
        slope, offset = self.calibration.get(language, _OF_OTHERS)
        total = slope * (self.words * words + trees) + offset
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


_OF_OTHERS = (1.0, 0.0)
