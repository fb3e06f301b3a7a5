"""Precision against recall as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from infimm_spark.training.measures import Booleans, Floats, Prediction, auc, groups_of


def precision_recall_png(predictions: Sequence[Prediction], title: str) -> bytes:
    """A PNG with a curve for each language and view of the measured predictions.

    The same predictions give the same bytes with the same matplotlib.
    """
    # Figures without pyplot: no display, no state of the process.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for name, members in groups_of(predictions).items():
        scores = np.array([p.prob for p in members], dtype=np.float64)
        positive = np.array([p.label == 1 for p in members], dtype=np.bool_)
        if not positive.any() or positive.all():
            continue
        recall, precision = precision_recall(scores, positive)
        label = f"{name}, AUC {auc(scores, positive):.3f}, {len(members)} texts"
        axes.step(recall, precision, where="post", label=label)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01), title=title)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", fontsize="small")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def precision_recall(scores: Floats, positive: Booleans) -> tuple[Floats, Floats]:
    """Recall and precision at each distinct score, the highest first; both classes must be
    there."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    # Texts of one score are kept or dropped together.
    last = np.append(np.diff(scores[order]) != 0, True)
    kept = np.flatnonzero(last) + 1
    recall: Floats = hits[last] / hits[-1]
    precision: Floats = hits[last] / kept
    return recall, precision
