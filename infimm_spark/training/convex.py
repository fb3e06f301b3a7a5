"""Training a fastText classifier as the convex problem it is.

With two labels, fastText's score is a logistic regression on the mean of its features (words and
hashed word n-grams). On a few thousand pages of a few dozen sites, its stochastic descent stops
wherever the number of epochs leaves it; here the same function is fitted to its optimum, with three
things that fastText has not: an L2 penalty, weights (a large site counts no more than `site_cap`
pages), and features admitted only when several sites use them. The result is written as a plain,
dense fastText file of dimension 1, which any fastText loads; it needs no quantisation.

Format and hashes follow fastText's `dictionary.cc` and `fasttext.cc`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize

from infimm_spark.classify.fasttext_model import MAGIC

_SCALE = 10.0
"""Mean frequencies are small; scaled, the optimiser's first steps have the right size."""


@dataclass(frozen=True, slots=True)
class ConvexParameters:
    """Parameters of the fit."""

    inverse_penalty: float = 300.0
    """C of 1/(2C)·|w|² beside the weighted mean loss times the number of texts."""
    min_sites: int = 3
    """A word or pair is used when texts of this many sites have it."""
    bucket: int = 400_000
    """Hash buckets of word pairs."""
    iterations: int = 150


class ConvexModel:
    """Words, their weights, and those of the buckets of word pairs."""

    def __init__(self, words: Sequence[str], weights: npt.NDArray[np.float64], bucket: int) -> None:
        self.words = list(words)
        self.weights = weights
        self.bucket = bucket

    def to_bytes(self, labels: tuple[str, str]) -> bytes:
        """A fastText file; `labels` are the positive and the negative one.

        The first output row is 1/2, the second -1/2: the softmax of the two is the logistic
        function.
        """
        header = struct.pack(
            "<ii12id", MAGIC, 12, 1, 5, 1, 1, 5, 2, 3, 3, self.bucket, 0, 0, 100, 1e-4
        )
        entries = [(word, 0) for word in self.words] + [(label, 1) for label in labels]
        dictionary = [
            struct.pack("<iiiqq", len(entries), len(self.words), len(labels), len(entries), -1)
        ]
        dictionary += [
            word.encode("utf-8") + b"\0" + struct.pack("<qb", 1, kind) for word, kind in entries
        ]
        rows = self.weights.astype("<f4")
        return b"".join(
            (
                header,
                *dictionary,
                struct.pack("<?qq", False, len(rows), 1),
                rows.tobytes(),
                struct.pack("<?qq", False, 2, 1),
                np.array([0.5, -0.5], dtype="<f4").tobytes(),
            )
        )


class Features:
    """Lines as fastText counts them: rows of relative frequencies of words and hashed pairs."""

    def __init__(self, lines: Sequence[str], bucket: int) -> None:
        self.bucket = bucket
        self._vocabulary: dict[str, int] = {}
        hashes: list[int] = []
        words: list[npt.NDArray[np.int64]] = []
        for line in lines:
            ids = []
            for token in line.split(" "):
                index = self._vocabulary.setdefault(token, len(self._vocabulary))
                if index == len(hashes):
                    hashes.append(_hash(token))
                ids.append(index)
            words.append(np.array(ids, dtype=np.int64))
        hash_of = np.array(hashes, dtype=np.uint32).astype(np.int32).astype(np.int64)
        end = np.array([_hash("</s>")], dtype=np.uint32).astype(np.int32).astype(np.int64)
        size = len(self._vocabulary)
        rows, columns = [], []
        for number, ids_array in enumerate(words):
            signed = np.concatenate((hash_of[ids_array], end)).view(np.uint64)
            pairs = (signed[:-1] * np.uint64(116_049_371) + signed[1:]) % np.uint64(bucket)
            columns += [ids_array, pairs.astype(np.int64) + size]
            rows.append(np.full(2 * len(ids_array), number, dtype=np.int64))
        row, column = np.concatenate(rows), np.concatenate(columns)
        self.counts = sparse.csr_matrix(
            (np.ones(len(row), dtype=np.float64), (row, column)),
            shape=(len(lines), size + bucket),
        )
        self.words = list(self._vocabulary)

    def fit(
        self,
        rows: npt.NDArray[np.int64],
        positive: npt.NDArray[np.bool_],
        weights: npt.NDArray[np.float64],
        sites: Sequence[str],
        parameters: ConvexParameters,
    ) -> ConvexModel:
        """The model of these `rows`; the other three run parallel to them."""
        counts = self.counts[rows]
        used = _sites_of(counts, sites) >= parameters.min_sites
        n_words = len(self.words)
        word_columns = np.flatnonzero(used[:n_words])
        pair_columns = np.flatnonzero(used[n_words:]) + n_words
        columns = np.concatenate((word_columns, pair_columns))
        x = _means(counts, word_columns, n_words)[:, columns] * _SCALE
        solution = _logistic(x, positive, weights, parameters)
        coefficients, bias = solution[:-1] * _SCALE, solution[-1]
        # The mean over a line's features of a constant is that constant: so fastText gets a bias.
        table = np.full(len(word_columns) + self.bucket, bias)
        table[: len(word_columns)] += coefficients[: len(word_columns)]
        table[len(word_columns) + pair_columns - n_words] += coefficients[len(word_columns) :]
        return ConvexModel([self.words[i] for i in word_columns], table, self.bucket)

    def predict(self, model: ConvexModel, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Probabilities of `rows`, as fastText would give them with the model's file."""
        n_words = len(self.words)
        word_columns = np.array([self._vocabulary[word] for word in model.words], dtype=np.int64)
        table = np.zeros(n_words + self.bucket)
        table[word_columns] = model.weights[: len(word_columns)]
        table[n_words:] = model.weights[len(word_columns) :]
        scores = _means(self.counts[rows], word_columns, n_words) @ table
        probabilities: npt.NDArray[np.float64] = 1 / (1 + np.exp(-scores))
        return probabilities


def _means(
    counts: sparse.csr_matrix, word_columns: npt.NDArray[np.int64], n_words: int
) -> sparse.csr_matrix:
    """Counts over the number of features fastText sees: known words and every pair."""
    known = np.zeros(counts.shape[1])
    known[word_columns] = 1.0
    known[n_words:] = 1.0
    return sparse.diags(1.0 / np.maximum(counts @ known, 1.0)) @ counts


def _sites_of(counts: sparse.csr_matrix, sites: Sequence[str]) -> npt.NDArray[np.int64]:
    """How many sites have each column."""
    number = {site: index for index, site in enumerate(sorted(set(sites)))}
    entries = counts.tocoo()
    site_of_row = np.array([number[site] for site in sites], dtype=np.int64)
    width = counts.shape[1]
    distinct = np.unique(site_of_row[entries.row] * width + entries.col)
    result: npt.NDArray[np.int64] = np.bincount(distinct % width, minlength=width)
    return result


def _logistic(
    x: sparse.csr_matrix,
    positive: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64],
    parameters: ConvexParameters,
) -> npt.NDArray[np.float64]:
    """Coefficients and, last, the unpenalised bias of the weighted, L2-penalised regression."""
    sign = np.where(positive, 1.0, -1.0)
    weight = weights / weights.mean()
    penalty = _SCALE**2 / parameters.inverse_penalty
    transposed = x.T.tocsr()

    def loss(theta: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        margin = sign * (x @ theta[:-1] + theta[-1])
        value = weight @ np.logaddexp(0.0, -margin) + 0.5 * penalty * (theta[:-1] @ theta[:-1])
        slope = -sign * weight / (1.0 + np.exp(np.clip(margin, -500, 500)))
        gradient = np.append(transposed @ slope + penalty * theta[:-1], slope.sum())
        return float(value), gradient

    found = minimize(
        loss,
        np.zeros(x.shape[1] + 1),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": parameters.iterations},
    )
    solution: npt.NDArray[np.float64] = found.x
    return solution


def _hash(token: str) -> int:
    """fastText's 32-bit FNV-1a, in which bytes of 128 and more are sign-extended."""
    value = 2_166_136_261
    for byte in token.encode("utf-8", "replace"):
        value ^= byte if byte < 128 else byte | 0xFFFFFF00
        value = value * 16_777_619 & 0xFFFFFFFF
    return value
