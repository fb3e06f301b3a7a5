"""Plots as PNG, in the colours of the report's pages; precision against recall."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

from infimm_spark.training.measures import Booleans, Floats, Prediction, auc, groups_of

INK, MUTED, LINE = "#1b2330", "#556070", "#dce1e7"
SERIES = ("#1f55a5", "#a63d24", "#1d6b4f", "#7b3fb5", "#8a5a00", "#556070")
"""Colours of lines and bars in order: those of `report/templates/style.css`, light."""


def plot(width: float = 7.0, height: float = 4.0) -> tuple[Figure, Axes]:
    """An empty plot in the style of the report's pages; sizes in inches."""
    # Figures without pyplot: no display, no state of the process.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.set_prop_cycle(color=list(SERIES))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=MUTED, length=0)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_color(INK)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def precision_recall_png(predictions: Sequence[Prediction], title: str) -> bytes:
    """A PNG with a curve for each language and view of the measured predictions.

    The same predictions give the same bytes with the same matplotlib.
    """
    figure, axes = plot(7, 5)
    for name, members in groups_of(predictions).items():
        scores = np.array([p.prob for p in members], dtype=np.float64)
        positive = np.array([p.label == 1 for p in members], dtype=np.bool_)
        if not positive.any() or positive.all():
            continue
        recall, precision = precision_recall(scores, positive)
        label = f"{name}, AUC {auc(scores, positive):.3f}, {len(members)} texts"
        axes.step(recall, precision, where="post", label=label)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01), title=title)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", fontsize="small", frameon=False, labelcolor=INK)
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
