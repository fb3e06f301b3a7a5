"""Boosted regression trees as plain arrays: fitted with scikit-learn, predicted with numpy alone.

Workers need no scikit-learn, and no pickle is ever read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEAF = -1


@dataclass(frozen=True, slots=True)
class Trees:
    """All nodes of all trees; node i goes left where its feature is at most its threshold.

    `left` and `right` are node numbers, `LEAF` at leaves; `value` counts at leaves only. A
    prediction is `base` plus the leaves' values.
    """

    base: float
    roots: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]

    def predict(self, rows: Floats) -> Floats:
        """One number for each row of features."""
        if not len(rows):
            return np.zeros(0)
        # As scikit-learn compares: features of 32 bits with thresholds of 64.
        features = rows.astype(np.float32)
        at = np.repeat(self.roots[None, :], len(rows), axis=0)
        row = np.arange(len(rows))[:, None]
        while True:
            inner = self.left[at] != LEAF
            if not inner.any():
                break
            goes_left = features[row, np.maximum(self.feature[at], 0)] <= self.threshold[at]
            at = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)
        found: Floats = self.base + self.value[at].astype(np.float64).sum(axis=1)
        return found

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """For a file of arrays; `from_arrays` reads them."""
        names = ("roots", "feature", "threshold", "left", "right", "value")
        found = {f"{prefix}.{name}": getattr(self, name) for name in names}
        return {**found, f"{prefix}.base": np.array(self.base)}

    @classmethod
    def from_arrays(cls, prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> Trees:
        """Raises `KeyError` for an array that is missing."""
        names = ("roots", "feature", "threshold", "left", "right", "value")
        return cls(float(arrays[f"{prefix}.base"]), *(arrays[f"{prefix}.{name}"] for name in names))
