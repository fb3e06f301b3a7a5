"""Measures near the line: the pages on which a judge of quality earns its keep.

Most pages of a crawl have no mathematics and any rule tells them apart. Near the line are pages
with at least three formulas or a grade of 3 and more; there counting formulas says little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infimm_spark.training.measures import (
    Prediction,
    auc,
    groups_of,
    precision_at,
    threshold_for_recall,
)

LINE_FORMULAS = 3
LINE_GRADE = 3.0
LINE_RECALL = 0.85
"""Recall at which precision is reported."""


def is_near(prediction: Prediction) -> bool:
    """Whether a page lies near the line."""
    graded = prediction.score is not None and prediction.score >= LINE_GRADE
    return graded or prediction.formulas >= LINE_FORMULAS


def near_the_line(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """By language and view: AUC of all pages and of those near the line, of the predictions and of
    counting formulas, and precision at recall 0.85; groups of one class are left out."""
    found = {}
    for name, members in groups_of(predictions).items():
        positive = np.array([p.label == 1 for p in members], dtype=np.bool_)
        near = np.array([is_near(p) for p in members], dtype=np.bool_)
        if not positive.any() or positive[near].all() or not positive[near].any():
            continue
        scores = np.array([p.prob for p in members], dtype=np.float64)
        counts = np.array([p.formulas for p in members], dtype=np.float64)
        threshold = threshold_for_recall(scores, positive, LINE_RECALL)
        found[name] = {
            "pages": len(members),
            "near": int(near.sum()),
            "auc_all": round(auc(scores, positive), 4),
            "auc_near": round(auc(scores[near], positive[near]), 4),
            "counting_all": round(auc(counts, positive), 4),
            "counting_near": round(auc(counts[near], positive[near]), 4),
            f"precision_at_recall_{LINE_RECALL}": round(
                precision_at(scores, positive, threshold), 4
            ),
        }
    return found
