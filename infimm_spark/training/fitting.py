"""Training the mathematics classifiers.

Texts come in as `Example`s (see `labelled.py` for the files). Sites, never pages, are split: a
site's menus and notation would otherwise be learnt and praised as mathematics. With few sites a
fixed test set says little, so every site is scored by a model that did not see it (grouped
cross-validation), and the model that ships is then trained on all of them.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from infimm_spark import progress
from infimm_spark.classify.fasttext_model import load_fasttext
from infimm_spark.classify.features import (
    count_formulas,
    excerpt,
    normalise,
    without_formulas,
)
from infimm_spark.classify.mathematics import (
    NEGATIVE_LABEL,
    POSITIVE_LABEL,
    log_odds,
    positive_probability,
    shifted,
)
from infimm_spark.classify.trees import Judgement
from infimm_spark.errors import InputError
from infimm_spark.training.convex import ConvexModel, ConvexParameters, Features
from infimm_spark.training.fasttext_train import FastTextParameters, candidates, train_fasttext
from infimm_spark.training.judging import JudgementParameters, TreeFit
from infimm_spark.training.measures import (
    Floats,
    Prediction,
    auc,
    threshold_for_recall,
)

MIN_SITES = 3

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A text to train on or to measure with.

    `page` names the page (several views of it share it), `site` the unit that is split, `view` how
    the text was made (quick, text). `label` is 1 or 0, and what the text is measured by; `taught`
    is trained on in its place, where it is known to be wrong. `written` texts come from no site:
    they are never measured, and every fold's model is trained on them. `weight` is what the text
    counts in training (fastText repeats it as often, at least once); texts of weight 0 are scored
    and never trained on. `measured` says whether it enters the figures; `score` is a graded
    quality, where there is one.
    """

    text: str
    language: str
    label: int
    site: str
    page: str
    view: str
    weight: float = 1.0
    measured: bool = True
    score: float | None = None
    taught: int | None = None
    written: bool = False

    @property
    def target(self) -> int:
        """The label that is trained on."""
        return self.label if self.taught is None else self.taught

    def predicted(self, prob: float, words: float | None = None) -> Prediction:
        """What a model that did not see its site says of it."""
        return Prediction(
            page=self.page,
            site=self.site,
            view=self.view,
            language=self.language,
            chars=len(self.text),
            label=self.label,
            measured=self.measured,
            score=self.score,
            prob=prob,
            formulas=count_formulas(self.text),
            words=words,
        )


@dataclass(frozen=True, slots=True)
class TrainingParameters:
    """How a model is trained; written into its card."""

    solver: ConvexParameters | FastTextParameters = field(default_factory=ConvexParameters)
    """The convex fit, or fastText's own stochastic descent (the paper's way, for large data)."""
    max_chars: int = 2_000
    """Characters of a text looked at, in training and in prediction."""
    quick_chars: int = 6_000
    """Characters of quick text the cascade has; more of it are not trained on."""
    quick_excerpt: int | None = None
    """Characters of these looked at; None is `max_chars`."""
    site_cap: int = 300
    """Texts of one site and label weigh no more than this many (convex), or are sampled
    (fastText)."""
    folds: int = 5
    seed: int = 1
    calibrated: dict[str, float] = field(default_factory=dict)
    """Language to recall: its log-odds are shifted until, on extracted texts of unseen sites, that
    recall lies at `calibrated_at`. The shifts are kept in the card and applied by `Classifier`."""
    calibrated_at: float = 0.4
    bare: bool = False
    """Whether each measured text is measured a second time with its formulas taken out."""

    judgement: JudgementParameters | None = None
    """Whether trees over the facts of a text decide together with fastText, and how."""


_EVERY_FOLD = -1

BARE = " without formulas"
"""Added to the name of a view for texts whose formulas were taken out."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model file, the out-of-site predictions of its examples, the shifts of its log-odds by
    language, the trees that judge with it, and how their area differs from deal to deal."""

    model: bytes
    predictions: list[Prediction]
    shift: dict[str, float]
    judgement: Judgement | None = None
    spread: dict[str, dict[str, float]] = field(default_factory=dict)


def train_model(
    examples: Sequence[Example], parameters: TrainingParameters, *, measure: bool = True
) -> Trained:
    """Measure by cross-validation over sites, then train on all; deterministic.

    With `measure` off a model that needs no calibration is only trained: there are no predictions.
    Raises `InputError` for texts that cannot be trained on: one class only, fewer than three sites,
    a label other than 0 and 1, nothing but empty texts.
    """
    check_examples(examples)
    examples = sorted(
        (e for e in examples if e.text.strip()), key=lambda e: (e.site, e.page, e.view, e.text)
    )
    fold_of = folds((e for e in examples if not e.written), parameters.folds)
    trained_on = np.flatnonzero([e.weight > 0 for e in examples])
    if parameters.bare:
        examples += _bare(examples)
    lines = [_line(e, parameters) for e in examples]
    fold = np.array([_EVERY_FOLD if e.written else fold_of[e.site] for e in examples])
    fit = _fitter(examples, lines, parameters)
    wanted = parameters.judgement
    if not (measure or parameters.calibrated or wanted):
        return Trained(fit(trained_on).to_bytes(), [], {})
    probabilities = np.zeros(len(examples))
    numbers = range(int(fold.max()) + 1)
    with progress.task("train", len(numbers), "folds measured") as shown:
        for number in numbers:
            inside = np.flatnonzero(fold == number)
            others = trained_on[fold[trained_on] != number]
            probabilities[inside] = fit(others).probabilities(inside)
            shown.advance()
    shift = {
        language: _shift(examples, probabilities, language, recall, parameters.calibrated_at)
        for language, recall in sorted(parameters.calibrated.items())
    }
    judgement, words, spread = None, probabilities, {}
    if wanted is not None:
        trees = TreeFit(examples, wanted, max_chars=parameters.max_chars)
        probabilities, judgement = trees.judged(words, fold, trained_on)
        spread = trees.spread(words, trained_on)
    predictions = [
        e.predicted(
            round(shifted(float(p), shift.get(e.language, 0.0)), 6),
            None if wanted is None else round(float(w), 6),
        )
        for e, p, w in zip(examples, probabilities, words, strict=True)
        if not e.written
    ]
    return Trained(fit(trained_on).to_bytes(), predictions, shift, judgement, spread)


def _bare(examples: Sequence[Example]) -> list[Example]:
    """The measured texts without their formulas: scored, never trained on."""
    return [
        replace(e, text=without_formulas(e.text), view=e.view + BARE)
        for e in examples
        if e.measured and e.view != "quick"
    ]


class _Fitted(Protocol):
    def probabilities(self, rows: Rows) -> Floats: ...

    def to_bytes(self) -> bytes: ...


def _fitter(
    examples: Sequence[Example], lines: Sequence[str], parameters: TrainingParameters
) -> Callable[[Rows], _Fitted]:
    """A function that fits a model to the given rows of the examples."""
    if isinstance(parameters.solver, FastTextParameters):
        solver = parameters.solver

        def fit_fasttext(rows: Rows) -> _Fitted:
            sample = _sampled(examples, lines, rows, parameters)
            return _FittedFastText(train_fasttext(sample, solver), lines)

        return fit_fasttext
    convex = parameters.solver
    features = Features(lines, convex.bucket)
    positive = np.array([e.target == 1 for e in examples])
    sizes: defaultdict[tuple[str, int], float] = defaultdict(float)
    for e in examples:
        if e.view.endswith(BARE):
            continue
        sizes[e.site, e.target] += e.weight
    weights = np.array(
        [
            e.weight * min(1.0, parameters.site_cap / max(sizes[e.site, e.target], 1e-9))
            for e in examples
        ]
    )

    def fit_convex(rows: Rows) -> _Fitted:
        sites = [examples[row].site for row in rows]
        model = features.fit(rows, positive[rows], weights[rows], sites, convex)
        return _FittedConvex(model, features)

    return fit_convex


@dataclass(frozen=True, slots=True)
class _FittedConvex:
    model: ConvexModel
    features: Features

    def probabilities(self, rows: Rows) -> Floats:
        return self.features.predict(self.model, rows)

    def to_bytes(self) -> bytes:
        return self.model.to_bytes((POSITIVE_LABEL, NEGATIVE_LABEL))


@dataclass(frozen=True, slots=True)
class _FittedFastText:
    model: bytes
    lines: Sequence[str]

    def probabilities(self, rows: Rows) -> Floats:
        with tempfile.TemporaryDirectory(prefix="infimm-train-") as folder:
            path = Path(folder) / "model.ftz"
            path.write_bytes(self.model)
            loaded = load_fasttext(path)
            return np.array([positive_probability(loaded, self.lines[row]) for row in rows])

    def to_bytes(self) -> bytes:
        return self.model


def _sampled(
    examples: Sequence[Example], lines: Sequence[str], rows: Rows, parameters: TrainingParameters
) -> list[str]:
    """Labelled lines, shuffled; of a site and label, at most `site_cap` pages."""
    by_site: defaultdict[tuple[str, int], defaultdict[str, list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        example = examples[row]
        by_site[example.site, example.target][example.page].append(int(row))
    order = random.Random(parameters.seed)
    sample = []
    for key in sorted(by_site):
        pages = sorted(by_site[key])
        order.shuffle(pages)
        for page in pages[: parameters.site_cap]:
            for row in by_site[key][page]:
                label = POSITIVE_LABEL if examples[row].target else NEGATIVE_LABEL
                repeats = max(1, round(examples[row].weight))
                sample += [f"{label} {lines[row]}"] * repeats
    order.shuffle(sample)
    return sample


def tuned(
    examples: Sequence[Example], parameters: TrainingParameters, trials: int
) -> FastTextParameters:
    """Of `trials` fastText parameters, those with the highest AUC on a fold of sites held out.

    Deterministic. Raises `InputError` as `train_model`, and where the sites held out or left are of
    one class.
    """
    if not isinstance(parameters.solver, FastTextParameters):
        raise InputError("only fastText's parameters can be tuned")
    check_examples(examples)
    examples = sorted(
        (e for e in examples if e.text.strip()), key=lambda e: (e.site, e.page, e.view, e.text)
    )
    lines = [_line(e, parameters) for e in examples]
    fold_of = folds(examples, parameters.folds)
    held = np.array([fold_of[e.site] == 0 for e in examples])
    positive = np.array([e.label == 1 for e in examples])
    for chosen, name in ((~held, "left to train on"), (held, "held out")):
        if positive[chosen].all() or not positive[chosen].any():
            raise InputError(f"all texts of sites {name} are of one class; expected more sites")
    inside, outside = np.flatnonzero(held), np.flatnonzero(~held)
    sample = _sampled(examples, lines, outside, parameters)
    found = [
        (
            auc(
                _FittedFastText(train_fasttext(sample, solver), lines).probabilities(inside),
                positive[inside],
            ),
            solver,
        )
        for solver in candidates(parameters.solver, trials, parameters.seed)
    ]
    return max(found, key=lambda pair: pair[0])[1]


def _shift(
    examples: Sequence[Example],
    probabilities: Floats,
    language: str,
    recall: float,
    threshold: float,
) -> float:
    """What to add to a language's log-odds so that `recall` lies at `threshold`."""
    chosen = np.array(
        [
            e.label == 1 and e.measured and e.language == language and e.view == "text"
            for e in examples
        ]
    )
    if not chosen.any():
        raise InputError(f"no measured positive text in {language!r} to calibrate with")
    found = threshold_for_recall(probabilities[chosen], np.ones(chosen.sum(), bool), recall)
    found = min(max(found, 1e-6), 1 - 1e-6)
    # Rounded up, so that the text at the threshold stays at or above it.
    return float(np.ceil((log_odds(threshold) - log_odds(found)) * 1e3) / 1e3)


def folds(examples: Iterable[Example], count: int) -> dict[str, int]:
    """Site to fold: the largest sites first, each to the fold with the fewest examples."""
    sizes = Counter(e.site for e in examples)
    filled = [0] * min(count, len(sizes))
    fold_of = {}
    for site, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold_of[site] = filled.index(min(filled))
        filled[fold_of[site]] += size
    return fold_of


def _line(example: Example, parameters: TrainingParameters) -> str:
    text, looked_at = example.text, parameters.max_chars
    if example.view == "quick":
        text, looked_at = text[: parameters.quick_chars], parameters.quick_excerpt or looked_at
    return normalise(excerpt(text, looked_at), example.language)


def check_examples(examples: Sequence[Example]) -> None:
    for example in examples:
        if example.label not in (0, 1):
            raise InputError(
                f"page {example.page} has label {example.label!r}; expected 1 (positive) or 0"
            )
    filled = [e for e in examples if e.text.strip()]
    if not filled:
        raise InputError("no training texts: all are empty")
    if len({e.label for e in filled}) < 2:
        only = "positives" if filled[0].label else "negatives"
        raise InputError(f"training texts are {only} only; expected both classes")
    sites = {e.site for e in filled}
    if len(sites) < MIN_SITES:
        raise InputError(
            f"training texts come from {len(sites)} site(s); expected at least {MIN_SITES}, "
            "because sites are split to measure"
        )
