"""Trees over the facts of texts beside fastText: fitted, measured and calibrated by folds of sites.

fastText's scores come from models that did not see a text's site. The trees of a fold are grown
without its sites, and its calibration is found without them, so that every figure is of unseen
sites.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from infimm_spark.classify.facts import FACTS, facts
from infimm_spark.classify.features import excerpt, read
from infimm_spark.classify.mathematics import bounded_log_odds
from infimm_spark.classify.trees import Judgement, Trees
from infimm_spark.training.boosting import BoostingParameters, boosted, log_odds
from infimm_spark.training.measures import Floats, auc

if TYPE_CHECKING:
    from infimm_spark.training.fitting import Example

Rows = npt.NDArray[np.int64]

QUICK = "quick"
"""The view that trees do not see: visible text has no formulas yet, and other lines."""

_DEAL_FOLDS = 8
_MIN_CALIBRATED = 20
"""Positives of a language, below which its probabilities stay as they are."""


@dataclass(frozen=True, slots=True)
class JudgementParameters:
    """Trees beside fastText. Grades are learnt as degrees: a page at the line counts half."""

    boosting: BoostingParameters = field(default_factory=BoostingParameters)
    words: float = 0.4
    """Weight of fastText's log-odds beside the trees'; set beforehand, not fitted."""
    line: float = 5.5
    """Grade that is as likely a positive as not."""
    softness: float = 0.5
    """Grades above the line at which the target is 0.73; pages of 0 to 4 are plain negatives."""
    site_cap: int = 10
    """Texts of one site weigh no more than this many: many small sites decide, not a few books."""
    deals: int = 3
    """Other deals of the sites into folds, for the spread of the figures."""


class TreeFit:
    """The facts, targets and weights of examples; fits trees to any rows of them."""

    def __init__(
        self,
        examples: Sequence[Example],
        parameters: JudgementParameters,
        *,
        max_chars: int,
    ) -> None:
        self._examples = examples
        self._parameters = parameters
        self._seen = np.array([not e.view.startswith(QUICK) for e in examples])
        self.facts = np.zeros((len(examples), len(FACTS)))
        for row in np.flatnonzero(self._seen).tolist():
            e = examples[row]
            reading = read(excerpt(e.text, max_chars), e.language)
            self.facts[row] = facts(e.text, e.language, reading)
        self._targets = np.array([self._target(e) for e in examples])
        self._weights = _weights(examples, self._seen, parameters.site_cap)

    def judged(self, words: Floats, fold: Rows, trained_on: Rows) -> tuple[Floats, Judgement]:
        """Probabilities of all rows by trees and calibrations that saw neither their site nor
        fold, and the judgement fitted to all.

        `words` are fastText's probabilities by folds. Rows of the quick view keep theirs.
        """
        sums = self._sums(words, fold, trained_on)
        usable = trained_on[self._seen[trained_on]]
        probabilities = words.copy()
        measured = np.array(
            [e.measured and not e.view.endswith("formulas") for e in self._examples]
        )
        fitted = np.flatnonzero(measured & self._seen)
        for number in range(int(fold.max()) + 1):
            inside = np.flatnonzero((fold == number) & self._seen)
            calibration = self._calibration(sums, fitted[fold[fitted] != number])
            for row in inside.tolist():
                slope, offset = calibration.get(self._examples[row].language, (1.0, 0.0))
                probabilities[row] = 1 / (1 + np.exp(-(slope * sums[row] + offset)))
        judgement = Judgement(
            trees=self.fit(usable),
            words=self._parameters.words,
            calibration=self._calibration(sums, fitted),
        )
        return probabilities, judgement

    def spread(self, words: Floats, trained_on: Rows) -> dict[str, dict[str, float]]:
        """By language, mean and standard deviation of the area under the curve over several deals
        of the sites into folds; of measured extracted texts, before calibration."""
        names = sorted({self._examples[row].site for row in trained_on.tolist()})
        areas: defaultdict[str, list[float]] = defaultdict(list)
        for deal in range(1, self._parameters.deals + 1):
            order = np.random.RandomState(deal).permutation(len(names))
            of_site = {names[i]: place % _DEAL_FOLDS for place, i in enumerate(order)}
            fold = np.array([of_site.get(e.site, -1) for e in self._examples])
            sums = self._sums(words, fold, trained_on)
            for language in sorted({e.language for e in self._examples}):
                chosen = [
                    row
                    for row, e in enumerate(self._examples)
                    if e.measured and (e.language, e.view) == (language, "text")
                ]
                labels = np.array([self._examples[row].label == 1 for row in chosen], np.bool_)
                areas[language].append(auc(sums[chosen], labels))
        return {
            language: {
                "deals": len(found),
                "mean": round(float(np.mean(found)), 4),
                "deviation": round(float(np.std(found)), 4),
            }
            for language, found in areas.items()
        }

    def _sums(self, words: Floats, fold: Rows, trained_on: Rows) -> Floats:
        """fastText's weighted log-odds and those of trees that did not see a row's fold."""
        known = np.array([bounded_log_odds(p) for p in words])
        sums = np.zeros(len(words))
        usable = trained_on[self._seen[trained_on]]
        for number in range(int(fold.max()) + 1):
            inside = np.flatnonzero((fold == number) & self._seen)
            trees = self.fit(usable[fold[usable] != number])
            sums[inside] = self._parameters.words * known[inside] + log_odds(
                trees, self.facts[inside]
            )
        return sums

    def fit(self, rows: Rows) -> Trees:
        """Trees grown on these rows of the examples."""
        return boosted(
            self.facts[rows], self._targets[rows], self._weights[rows], self._parameters.boosting
        )

    def _target(self, example: Example) -> float:
        if example.score is None:
            return float(example.target)
        distance = (example.score - self._parameters.line) / self._parameters.softness
        return float(1 / (1 + np.exp(-distance)))

    def _calibration(self, sums: Floats, rows: Rows) -> dict[str, tuple[float, float]]:
        """Slope and offset by language: a logistic regression of labels on the sums."""
        of: defaultdict[str, list[int]] = defaultdict(list)
        for row in rows.tolist():
            of[self._examples[row].language].append(row)
        found = {}
        for language, members in sorted(of.items()):
            labels = np.array([float(self._examples[row].label) for row in members])
            if min(labels.sum(), len(labels) - labels.sum()) >= _MIN_CALIBRATED:
                found[language] = _logistic(sums[members], labels, self._weights[members])
        return found


def _weights(examples: Sequence[Example], seen: npt.NDArray[np.bool_], site_cap: int) -> Floats:
    """What each text counts: no site more than `site_cap` texts."""
    sizes: defaultdict[str, float] = defaultdict(float)
    for example, used in zip(examples, seen, strict=True):
        if used and not example.view.endswith("formulas"):
            sizes[example.site] += example.weight
    return np.array([e.weight * min(1.0, site_cap / max(sizes[e.site], 1e-9)) for e in examples])


def _logistic(sums: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    sign = np.where(labels > 0, 1.0, -1.0)

    def loss(theta: Floats) -> float:
        return float(weights @ np.logaddexp(0.0, -sign * (theta[0] * sums + theta[1])))

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return round(float(slope), 4), round(float(offset), 4)
