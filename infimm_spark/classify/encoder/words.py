"""The words of a text as a sparse vector: hashed tokens and pairs of them, weighed by rarity."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import numpy.typing as npt
import xxhash

BUCKETS = 1 << 17


def word_counts(line: str) -> dict[int, float]:
    """Bucket to log(1 + count) of the tokens and adjacent pairs of a normalised line."""
    tokens = line.split()
    counts = Counter(tokens)
    counts.update(f"{a} {b}" for a, b in itertools.pairwise(tokens))
    found: Counter[int] = Counter()
    for token, count in counts.items():
        found[xxhash.xxh3_64_intdigest(token.encode("utf-8", "replace")) % BUCKETS] += count
    return {bucket: math.log1p(count) for bucket, count in found.items()}


def word_score(
    counts: dict[int, float], weights: npt.NDArray[np.float32], rarity: npt.NDArray[np.float32]
) -> float:
    """Dot product of the text's unit vector with `weights`; 0 for a text without words."""
    if not counts:
        return 0.0
    buckets = np.fromiter(counts.keys(), np.int64, len(counts))
    values = np.fromiter(counts.values(), np.float64, len(counts)) * rarity[buckets]
    length = float(np.linalg.norm(values))
    return float(values @ weights[buckets]) / length if length else 0.0
