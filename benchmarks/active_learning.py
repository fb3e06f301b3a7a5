"""What choosing the pages to grade is worth: active learning over graded pages of many sites.

    python benchmarks/active_learning.py --data ../shared/data --views views.jsonl.gz

The grades that people gave stand for the answering model: a page's grade is bought when a strategy
asks for it. A third of the owners (`key`) is held out for measuring. From a few pages drawn by
chance, each strategy chooses `--batch` more in each round, at most three of an owner:

- chance: drawn;
- threshold: the student's probability is nearest to one half (`infimm mine`);
- disagreement: student and teacher are furthest apart (`infimm mine --teacher`).

The student is a fastText model as packaged ones are, the teacher an encoder judge's quick step
(facts and words). Prints the student's AUC on the owners held out, all pages and near the line.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from infimm_spark.classify.encoder.judge import Head, text_view
from infimm_spark.classify.fasttext_model import load_fasttext
from infimm_spark.classify.features import count_formulas, excerpt, normalise
from infimm_spark.classify.mathematics import positive_probability
from infimm_spark.training.encoder_fit import EncoderParameters, train_judge
from infimm_spark.training.fitting import Example, train_model
from infimm_spark.training.labelled import GRADE, read_jsonl
from infimm_spark.training.line import is_near
from infimm_spark.training.measures import Prediction, auc
from infimm_spark.training.recipes import RECIPES
from infimm_spark.training.views import load_views

STRATEGIES = ("chance", "threshold", "disagreement")
PER_OWNER = 3  # pages of an owner in one batch
_LANGUAGES = ("en", "zh")


class _NoEncoder:
    """The quick step needs none."""

    dimensions = 1

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.zeros((len(texts), 1), np.float32)


def graded_examples(data: Path, views: Path | None) -> list[Example]:
    """The graded pages of `sites/`, as extracted by this version."""
    text_of = {view["url"]: view["text"] for view in load_views(data, views)}
    found = []
    for row in read_jsonl(data / "sites" / "pages.jsonl.gz"):
        text = text_of.get(row["url"], "")
        if row["score"] is not None and row["lang"] in _LANGUAGES and text.strip():
            score = float(row["score"])
            label = int(score >= GRADE)
            found.append(
                Example(text, row["lang"], label, row["key"], row["id"], "text", score=score)
            )
    return sorted(found, key=lambda example: example.page)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--views", type=Path, help="File that keeps the extracted texts.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    examples = graded_examples(options.data, options.views)
    held = np.array([_hash(e.site, options.seed) % 3 == 0 for e in examples])
    pool = [e for e, out in zip(examples, held, strict=True) if not out]
    tested = [e for e, out in zip(examples, held, strict=True) if out]
    print(f"{len(pool)} pages to choose from, {len(tested)} of other owners to measure")
    print(f"{'strategy':<14}{'grades':>8}{'good':>6}  AUC all / near the line: en, zh")
    for strategy in STRATEGIES:
        _run(strategy, pool, tested, options.rounds, options.batch, options.seed)


def _run(
    strategy: str,
    pool: Sequence[Example],
    tested: Sequence[Example],
    rounds: int,
    batch: int,
    seed: int,
) -> None:
    by_chance = sorted(range(len(pool)), key=lambda row: _hash(pool[row].page, seed))
    known = _capped(by_chance, pool, batch, set())
    for number in range(rounds + 1):
        bought = [pool[row] for row in sorted(known)]
        student = _Student(bought)
        cells = []
        for language in _LANGUAGES:
            some = [e for e in tested if e.language == language]
            cells.append(_measured(some, student.scores(some)))
        good = sum(e.label for e in bought)
        print(f"{strategy:<14}{len(bought):>8}{good:>6}  {', '.join(cells)}", flush=True)
        if number == rounds:
            return
        order = by_chance
        if strategy != "chance":
            scores = student.scores(pool)
            other = np.full(len(pool), 0.5) if strategy == "threshold" else _taught(bought, pool)
            apart = np.abs(scores - other)
            order = list(np.argsort(apart if strategy == "threshold" else -apart, kind="stable"))
        known |= _capped(order, pool, batch, known)


def _capped(order: Sequence[int], pool: Sequence[Example], batch: int, known: set[int]) -> set[int]:
    """The first `batch` unknown rows in `order`, at most `PER_OWNER` of an owner."""
    owners: Counter[str] = Counter()
    chosen: set[int] = set()
    for row in order:
        if len(chosen) < batch and row not in known and owners[pool[row].site] < PER_OWNER:
            owners[pool[row].site] += 1
            chosen.add(int(row))
    return chosen


class _Student:
    """A fastText model trained on the pages bought so far."""

    def __init__(self, bought: Sequence[Example]) -> None:
        self._parameters = replace(RECIPES["precision"].parameters, bare=False, judgement=None)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "student.ftz"
            path.write_bytes(train_model(bought, self._parameters, measure=False).model)
            self._model = load_fasttext(path)

    def scores(self, examples: Sequence[Example]) -> np.ndarray:
        chars = self._parameters.max_chars
        lines = (normalise(excerpt(e.text, chars), e.language) for e in examples)
        return np.array([positive_probability(self._model, line) for line in lines])


def _taught(bought: Sequence[Example], pool: Sequence[Example]) -> np.ndarray:
    """The teacher's probabilities: the quick step of an encoder judge fitted on `bought`."""
    parameters = EncoderParameters(low=1.0, high=0.0, repeats=1, folds=3, inner_folds=3)
    head: Head = train_judge(bought, parameters, _NoEncoder(), "none").head
    views = [text_view(e.text, e.language, parameters.max_chars) for e in pool]
    return head.quick.probabilities(head.quick_features(views))


def _measured(examples: Sequence[Example], scores: np.ndarray) -> str:
    positive = np.array([e.label == 1 for e in examples])
    near = np.array(
        [
            is_near(
                Prediction(e.page, e.site, e.view, e.language, len(e.text), e.label, True, e.score,
                           0.0, count_formulas(e.text))
            )
            for e in examples
        ]
    )  # fmt: skip
    return f"{auc(scores, positive):.3f} / {auc(scores[near], positive[near]):.3f}"


def _hash(name: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest(), "big")


if __name__ == "__main__":
    main()
