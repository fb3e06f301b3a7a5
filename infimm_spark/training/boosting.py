"""Gradient boosting of small, complete trees, in numpy: a few thousand texts, some dozens of facts.

Targets are degrees between 0 and 1 (a grade as a probability), the loss is the logistic one, the
steps are Newton's. Facts are cut into bins once; a level of a tree is chosen from sums over bins.
Rows and facts are drawn anew for each tree: the same seed and rows give the same trees.

Friedman, Greedy function approximation (2001); histograms as in LightGBM (Ke et al., 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from infimm_spark.classify.facts import FACT_VERSION
from infimm_spark.classify.trees import NEVER, Trees, Walker

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class BoostingParameters:
    """Parameters of the trees."""

    trees: int = 300
    depth: int = 4
    rate: float = 0.05
    facts: float = 0.3
    """Share of the facts that a tree may use."""
    rows: float = 0.7
    """Share of the texts that a tree is grown on."""
    penalty: float = 5.0
    """Added to the second derivatives of a leaf."""
    min_weight: float = 2.0
    """Second derivatives that a leaf must have."""
    bins: int = 32
    seed: int = 0


def boosted(
    facts: Floats, targets: Floats, weights: Floats, parameters: BoostingParameters
) -> Trees:
    """The trees of `facts` (texts x facts), `targets` in [0, 1] and `weights` of the texts."""
    draw = np.random.RandomState(parameters.seed)
    texts, width = facts.shape
    edges = [_edges(column, parameters.bins) for column in facts.T]
    binned = np.stack(
        [np.searchsorted(e, c, side="right") for e, c in zip(edges, facts.T, strict=True)], axis=1
    )
    weights = weights / weights.mean()
    mean = float(np.clip(np.average(targets, weights=weights), 1e-6, 1 - 1e-6))
    base = float(np.log(mean / (1 - mean)))
    scores = np.full(texts, base)
    used = max(1, int(parameters.facts * width))
    rows: list[tuple[list[int], list[float], list[float]]] = []
    for _ in range(parameters.trees):
        probabilities = 1 / (1 + np.exp(-scores))
        drawn = draw.random_sample(texts) < parameters.rows
        chosen = draw.choice(width, used, replace=False)
        slope = weights * (targets - probabilities) * drawn
        curve = weights * np.maximum(probabilities * (1 - probabilities), 1e-6) * drawn
        columns, cuts, node = _grown(binned, chosen, slope, curve, parameters)
        leaves = 2**parameters.depth
        steps = np.bincount(node, slope, leaves) / (
            np.bincount(node, curve, leaves) + parameters.penalty
        )
        steps = np.round(parameters.rate * steps, 6)
        scores += steps[node]
        thresholds = [
            float(edges[column][cut]) if cut < parameters.bins else NEVER
            for column, cut in zip(columns, cuts, strict=True)
        ]
        rows.append(([int(c) for c in columns], thresholds, steps.tolist()))
    return Trees(
        fact_version=FACT_VERSION,
        base=base,
        facts=[row[0] for row in rows],
        thresholds=[row[1] for row in rows],
        leaves=[row[2] for row in rows],
    )


def log_odds(trees: Trees, facts: Floats) -> Floats:
    """What the trees say of each row of `facts`."""
    return Walker(trees).log_odds_of_many(facts)


def mean_of(sets: Sequence[Trees]) -> Trees:
    """Trees that give the mean of what the `sets` give, which must not be empty."""
    share = 1 / len(sets)
    return Trees(
        fact_version=FACT_VERSION,
        base=sum(trees.base for trees in sets) * share,
        facts=[row for trees in sets for row in trees.facts],
        thresholds=[row for trees in sets for row in trees.thresholds],
        leaves=[[leaf * share for leaf in row] for trees in sets for row in trees.leaves],
    )


def _edges(column: Floats, bins: int) -> Floats:
    """At most `bins` - 1 distinct quantiles, rounded so that they are the same when written."""
    quantiles = np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1])
    edges: Floats = np.unique(np.array([float(f"{value:.8g}") for value in quantiles]))
    return edges


def _grown(
    binned: Integers,
    chosen: Integers,
    slope: Floats,
    curve: Floats,
    parameters: BoostingParameters,
) -> tuple[Integers, Integers, Integers]:
    """Column and last bin below the threshold of each inner node; the leaf of each text."""
    bins, width = parameters.bins, len(chosen)
    inner = 2**parameters.depth - 1
    columns = np.zeros(inner, dtype=np.intp)
    cuts = np.full(inner, bins, dtype=np.intp)
    cells = binned[:, chosen] + np.arange(width) * bins
    slopes, curves = np.repeat(slope, width), np.repeat(curve, width)
    texts = np.arange(len(binned))
    node = np.zeros(len(binned), dtype=np.intp)
    for level in range(parameters.depth):
        nodes = 2**level
        at = (cells + (node * width * bins)[:, None]).ravel()
        below, bent = (
            np.bincount(at, values, nodes * width * bins).reshape(nodes, width, bins).cumsum(axis=2)
            for values in (slopes, curves)
        )
        gain = _gain(below, bent, parameters).reshape(nodes, -1)
        best = gain.argmax(axis=1)
        for number in np.flatnonzero(gain.max(axis=1) > _LEAST_GAIN):
            columns[nodes - 1 + number] = chosen[best[number] // bins]
            cuts[nodes - 1 + number] = best[number] % bins
        own = nodes - 1 + node
        node = 2 * node + (binned[texts, columns[own]] > cuts[own])
    return columns, cuts, node


_LEAST_GAIN = 1e-9


def _gain(below: Floats, bent: Floats, parameters: BoostingParameters) -> Floats:
    """What each cut gains; -1 where a side would have too little weight."""
    penalty, least = parameters.penalty, parameters.min_weight
    total, whole = below[:, :, -1:], bent[:, :, -1:]
    gain: Floats = (
        below**2 / (bent + penalty)
        + (total - below) ** 2 / (whole - bent + penalty)
        - total**2 / (whole + penalty)
    )
    gain[(bent < least) | (whole - bent < least)] = -1.0
    return gain
