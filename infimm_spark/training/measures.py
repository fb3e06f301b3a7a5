"""Measuring classifiers on predictions of texts they did not see: areas, operating points, length
bands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from infimm_spark.errors import InputError

LENGTH_BANDS = (0, 500, 2_000, 8_000)
"""Lower bounds, in characters, of the bands that metrics are reported by."""

MIN_BAND_POSITIVES = 30
"""A band with fewer positives is not calibrated."""

RECALLS = (0.7, 0.9, 0.95, 0.98)
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of each group, the thresholds that keep these shares, and the points at fixed thresholds."""

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


class Prediction(NamedTuple):
    """A text's score by a model that did not see its site."""

    page: str
    site: str
    view: str
    language: str
    chars: int
    label: int
    measured: bool
    score: float | None
    prob: float
    formulas: int = 0
    """Delimited formulas in the text."""
    words: float | None = None
    """fastText's own probability, where trees decide with it."""


def evaluate(
    predictions: Sequence[Prediction], default_threshold: float | None = None
) -> dict[str, Any]:
    """Figures by language and view, by length band, at operating points; graded ones also Spearman.

    With `default_threshold`, that point is among them, and each band has the threshold that keeps
    as much of its positives (`equal_recall_threshold`), for `recall_threshold_by_length` and its
    like.
    """
    wanted = sorted({*THRESHOLDS, *([] if default_threshold is None else [default_threshold])})
    result = {}
    for name, members in groups_of(predictions).items():
        bands = {}
        for low, high in zip(LENGTH_BANDS, (*LENGTH_BANDS[1:], 1 << 60), strict=True):
            if band := [p for p in members if low <= p.chars < high]:
                bands[f"{low}+"] = _figures(band, wanted)
                equal = _equal_recall(band, members, default_threshold)
                if equal is not None:
                    bands[f"{low}+"]["equal_recall_threshold"] = equal
        result[name] = _figures(members, wanted) | {"length_bands": bands}
    return result


def _equal_recall(
    band: Sequence[Prediction], members: Sequence[Prediction], threshold: float | None
) -> float | None:
    """The band's threshold that keeps the share of positives that `threshold` keeps of all
    members."""
    of_all = np.array([p.prob for p in members if p.label == 1], dtype=np.float64)
    of_band = np.array([p.prob for p in band if p.label == 1], dtype=np.float64)
    if threshold is None or len(of_band) < MIN_BAND_POSITIVES:
        return None
    recall = float((of_all >= threshold).mean())
    found = threshold_for_recall(of_band, np.ones(len(of_band), np.bool_), recall)
    return float(np.floor(found * 1e3) / 1e3)


def groups_of(predictions: Sequence[Prediction]) -> dict[str, list[Prediction]]:
    """The measured predictions by ``language/view``, in that order."""
    groups: defaultdict[str, list[Prediction]] = defaultdict(list)
    for p in predictions:
        if p.measured:
            groups[f"{p.language}/{p.view}"].append(p)
    return dict(sorted(groups.items()))


def operating_threshold(
    predictions: Sequence[Prediction],
    *,
    recall: float | None = None,
    precision: float | None = None,
) -> float:
    """The highest threshold at which each language keeps `recall` of its positives, or the lowest
    at which, in each language, `precision` of what is kept is positive. Rounded to six places.

    Languages without both classes do not take part. Raises `InputError` where no threshold reaches
    the precision.
    """
    found = []
    for name, members in groups_of(predictions).items():
        scores = np.array([p.prob for p in members], dtype=np.float64)
        positive = np.array([p.label == 1 for p in members], dtype=np.bool_)
        if not positive.any() or positive.all():
            continue
        if recall is not None:
            found.append(threshold_for_recall(scores, positive, recall))
            continue
        assert precision is not None
        reached = [t for t in np.unique(scores) if precision_at(scores, positive, t) >= precision]
        if not reached:
            best = max(precision_at(scores, positive, t) for t in np.unique(scores))
            raise InputError(
                f"no threshold reaches precision {precision:g} on {name} texts of unseen sites; "
                f"the best is {best:.3f}"
            )
        found.append(float(reached[0]))
    if not found:
        raise InputError("no language has measured texts of both classes to choose a threshold by")
    return round(min(found) if recall is not None else max(found), 6)


def auc(scores: Floats, positive: Booleans) -> float:
    """Area under the ROC curve, ties counted half; NaN where one class is absent."""
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    from scipy.stats import rankdata

    rank_sum = float(rankdata(scores)[positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def spearman(first: Floats, second: Floats) -> float:
    """Rank correlation, ties averaged."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def threshold_for_recall(scores: Floats, positive: Booleans, recall: float) -> float:
    """The highest threshold at which at least `recall` of the positives score that or more."""
    ordered = np.sort(scores[positive])[::-1]
    return float(ordered[max(0, int(np.ceil(recall * len(ordered))) - 1)])


def precision_at(scores: Floats, positive: Booleans, threshold: float) -> float:
    """Share of positives among those at or above `threshold`; NaN where there is none."""
    kept = scores >= threshold
    return float(positive[kept].mean()) if kept.any() else float("nan")


def _figures(predictions: Sequence[Prediction], thresholds: Sequence[float]) -> dict[str, Any]:
    scores = np.array([p.prob for p in predictions], dtype=np.float64)
    positive = np.array([p.label == 1 for p in predictions], dtype=np.bool_)
    result: dict[str, Any] = {
        "positive": int(positive.sum()),
        "negative": int((~positive).sum()),
        "mean_score": {
            name: round(float(scores[chosen].mean()), 4)
            for name, chosen in (("positive", positive), ("negative", ~positive))
            if chosen.any()
        },
    }
    if not positive.any() or positive.all():
        return result
    result["auc"] = round(auc(scores, positive), 4)
    points = [
        {"recall_wanted": recall, **_point(scores, positive, threshold)}
        for recall in RECALLS
        for threshold in [threshold_for_recall(scores, positive, recall)]
    ]
    result["operating_points"] = points + [
        _point(scores, positive, threshold) for threshold in thresholds
    ]
    grades = [p.score for p in predictions]
    if all(grade is not None for grade in grades):
        result["spearman"] = round(spearman(scores, np.array(grades, dtype=np.float64)), 4)
    return result


def _point(scores: Floats, positive: Booleans, threshold: float) -> dict[str, float]:
    kept = scores >= threshold
    return {
        "threshold": round(threshold, 4),
        "recall": round(float(kept[positive].mean()), 4),
        "precision": round(precision_at(scores, positive, threshold), 4) if kept.any() else 0.0,
        "negatives_dropped": round(float((~kept[~positive]).mean()), 4),
    }
