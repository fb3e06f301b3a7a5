"""A classifier beside trivial rules: counting formulas, formulas by length, fastText alone.

A gain is worth something where it is one over counting. Near the line, among pages with three
formulas or a grade of 3 and more, counting helps least; a corpus is made there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from infimm_spark.training.measures import (
    Booleans,
    Floats,
    Prediction,
    auc,
    precision_at,
    threshold_for_recall,
)

RECALL = 0.85
"""Share of positives kept where precision is compared."""

NEAR_FORMULAS, NEAR_GRADE = 3, 3.0
RELIABILITY_BINS = 10

_SHORTEST = 200
"""Added to the length, so that a formula on an empty page is not the densest text."""

RULES: dict[str, Callable[[Prediction], float]] = {
    "counting formulas": lambda p: float(p.formulas),
    "formulas by length": lambda p: p.formulas / (p.chars + _SHORTEST),
    "fastText alone": lambda p: p.prob if p.words is None else p.words,
    "this model": lambda p: p.prob,
}


def compared(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Rows of language, view, pages (all, near the line), counts, and of each rule AUC and
    precision at recall 0.85. Graded texts only; empty where there are none."""
    near = {
        p.page
        for p in predictions
        if p.score is not None and (p.formulas >= NEAR_FORMULAS or p.score >= NEAR_GRADE)
    }
    groups: defaultdict[tuple[str, str], list[Prediction]] = defaultdict(list)
    for p in predictions:
        if p.measured and p.score is not None:
            groups[p.language, p.view].append(p)
    rows = []
    for (language, view), members in sorted(groups.items()):
        for pages, chosen in (
            ("all", members),
            ("near the line", [p for p in members if p.page in near]),
        ):
            positive = np.array([p.label == 1 for p in chosen], dtype=np.bool_)
            if not positive.any() or positive.all():
                continue
            rows.append(
                {
                    "texts": f"{language}/{view}",
                    "pages": pages,
                    "positive": int(positive.sum()),
                    "negative": int((~positive).sum()),
                    "rules": {
                        name: _figures(np.array([rule(p) for p in chosen]), positive)
                        for name, rule in RULES.items()
                    },
                }
            )
    return rows


def _figures(scores: Floats, positive: Booleans) -> dict[str, float]:
    threshold = threshold_for_recall(scores, positive, RECALL)
    return {
        "auc": round(auc(scores, positive), 4),
        "precision": round(precision_at(scores, positive, threshold), 3),
    }


def reliability(predictions: Sequence[Prediction]) -> dict[str, list[dict[str, float]]]:
    """By language, of measured extracted texts in each tenth of probability: how many there are,
    their mean probability and the share that is positive."""
    result: dict[str, list[dict[str, float]]] = {}
    for language in sorted({p.language for p in predictions}):
        chosen = [
            p for p in predictions if p.measured and (p.language, p.view) == (language, "text")
        ]
        bins: defaultdict[int, list[Prediction]] = defaultdict(list)
        for p in chosen:
            bins[min(RELIABILITY_BINS - 1, int(p.prob * RELIABILITY_BINS))].append(p)
        if bins:
            result[language] = [
                {
                    "texts": len(members),
                    "probability": round(float(np.mean([p.prob for p in members])), 3),
                    "positive": round(float(np.mean([p.label for p in members])), 3),
                }
                for _, members in sorted(bins.items())
            ]
    return result


def threshold_at_precision(
    predictions: Sequence[Prediction], language: str, precision: float
) -> float:
    """The lowest threshold from which on `precision` of the language's measured extracted texts
    are positive with a confidence of nine tenths, to two places; 0.99 where none reaches it."""
    chosen = [p for p in predictions if p.measured and (p.language, p.view) == (language, "text")]
    scores = np.array([p.prob for p in chosen], dtype=np.float64)
    positive = np.array([p.label == 1 for p in chosen], dtype=np.bool_)
    lowest = 0.99
    for hundredths in range(99, 0, -1):
        kept = scores >= hundredths / 100
        if kept.sum() < _FEW:
            continue
        if _lower_bound(positive[kept]) < precision:
            break
        lowest = hundredths / 100
    return lowest


_FEW = 30
"""Kept texts, below which a share says little of a threshold."""

_CONFIDENCE = 1.2816
"""Deviations below which nine tenths of a normal distribution do not fall."""


def _lower_bound(positive: Booleans) -> float:
    """Wilson's one-sided lower bound of a share."""
    count = max(len(positive), 1)
    share = float(positive.sum()) / count
    z = _CONFIDENCE
    root = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return float((share + z * z / (2 * count) - root) / (1 + z * z / count))


def beside_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The comparison as a table; nothing without rows."""
    if not rows:
        return ""
    heads = " | ".join(RULES)
    lines = [
        f"| {row['texts']} | {row['pages']} | {row['positive']} / {row['negative']} | "
        + " | ".join(
            f"{row['rules'][n]['auc']:.3f} / {row['rules'][n]['precision']:.2f}" for n in RULES
        )
        + " |"
        for row in rows
    ]
    return (
        "\n\n## Beside trivial rules\n\n"
        f"AUC / precision at recall {RECALL:g}. Near the line: at least {NEAR_FORMULAS} formulas "
        f"or a grade of {NEAR_GRADE:g} and more.\n\n"
        f"| texts | pages | positive / negative | {heads} |\n|---|---|---|"
        + "---|" * len(RULES)
        + "\n"
        + "\n".join(lines)
    )


def reliability_markdown(curves: dict[str, list[dict[str, float]]]) -> str:
    """The curves as a table; nothing without any."""
    lines = [
        f"| {language} | {point['texts']} | {point['probability']:.3f} | {point['positive']:.3f} |"
        for language, points in curves.items()
        for point in points
    ]
    if not lines:
        return ""
    return (
        "\n\n## Reliability\n\nExtracted texts of unseen sites, by tenths of probability: "
        "calibrated where the share of positives is the mean probability.\n\n"
        "| language | texts | mean probability | positive |\n|---|---|---|---|\n" + "\n".join(lines)
    )
