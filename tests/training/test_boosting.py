"""Boosted trees learn rules of facts, deterministically, and join fastText in a trained model."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import numpy as np

from infimm_spark.classify.facts import FACTS
from infimm_spark.classify.mathematics import load_classifier
from infimm_spark.training.boosting import BoostingParameters, boosted, log_odds
from infimm_spark.training.cards import write_model
from infimm_spark.training.convex import ConvexParameters
from infimm_spark.training.fitting import Example, TrainingParameters, train_model
from infimm_spark.training.judging import JudgementParameters

SMALL = BoostingParameters(trees=40, rate=0.3, facts=1.0)


def drawn(texts: int, seed: int) -> np.ndarray:
    return np.random.RandomState(seed).normal(size=(texts, len(FACTS)))


def test_a_rule_of_two_facts_is_learnt() -> None:
    """Two facts that matter only together decide on texts that were not seen."""
    seen, unseen = drawn(600, 1), drawn(200, 2)
    rule = lambda facts: ((facts[:, 3] > 0) & (facts[:, 7] > 0)).astype(float)
    trees = boosted(seen, rule(seen), np.ones(600), SMALL)
    right = (log_odds(trees, unseen) > 0) == (rule(unseen) > 0)
    assert right.mean() > 0.95


def test_the_same_texts_give_the_same_trees() -> None:
    """Facts, targets and seed decide; another seed gives other trees."""
    facts = drawn(200, 1)
    targets = (facts[:, 0] > 0).astype(float)
    first = boosted(facts, targets, np.ones(200), SMALL)
    assert first == boosted(facts, targets, np.ones(200), SMALL)
    other = BoostingParameters(trees=40, rate=0.3, facts=0.5, seed=5)
    assert first != boosted(facts, targets, np.ones(200), other)


def test_texts_without_weight_teach_nothing() -> None:
    """Texts of weight zero, however wrong, leave the decision as it was."""
    facts = drawn(400, 1)
    targets = (facts[:, 0] > 0).astype(float)
    weights = np.ones(400)
    wrong = np.arange(400) % 2 == 1
    targets[wrong], weights[wrong] = 1 - targets[wrong], 0.0
    right = (log_odds(boosted(facts, targets, weights, SMALL), facts) > 0) == (facts[:, 0] > 0)
    assert right.mean() > 0.95


def graded(sites: int = 9, pages: int = 16) -> list[Example]:
    """Pages whose words say nothing, with many formulas where the grade is high."""
    order = random.Random(4)
    made = []
    for site in range(sites):
        for number in range(pages):
            score = order.choice((0, 1, 2, 7, 8))
            formulas = [f"$x_{{{order.randrange(99)}}} = y$" for _ in range(4 * score // 3)]
            words = order.choices(("the", "of", "and", "to", "in", "a"), k=40)
            text = (
                "\n".join(
                    f"{word} {formula}" for word, formula in zip(words, formulas, strict=False)
                )
                + "."
            )
            language = "en" if site % 2 else "zh"
            made.append(
                Example(
                    text=f"{' '.join(words)}\n{text}",
                    language=language,
                    label=int(score >= 6),
                    site=f"site{site}",
                    page=f"{site}/{number}",
                    view="text",
                    score=float(score),
                )
            )
    return made


PARAMETERS = TrainingParameters(
    solver=ConvexParameters(bucket=1_000, min_sites=2),
    folds=3,
    bare=True,
    judgement=JudgementParameters(
        boosting=BoostingParameters(trees=30, depth=3, rate=0.2), deals=2
    ),
)


def test_trees_decide_with_fasttext(tmp_path: Path) -> None:
    """A model with trees tells unseen sites apart, is calibrated, says how deals differ, and
    scores the same once written and read."""
    examples = graded()
    trained = train_model(examples, PARAMETERS)
    shown = [p for p in trained.predictions if p.view == "text"]
    assert np.mean([(p.prob > 0.5) == (p.label == 1) for p in shown]) > 0.9
    assert all(p.words is not None for p in shown)
    assert trained.spread["en"]["deals"] == 2
    assert trained.judgement is not None
    assert set(trained.judgement.calibration) == {"en", "zh"}
    path = write_model(
        tmp_path,
        "precision",
        trained.model,
        parameters=PARAMETERS,
        data={},
        evaluation={},
        shift={},
        default_threshold=0.5,
        trained=datetime.date(2024, 1, 1),
        judgement=trained.judgement,
        thresholds={"en": 0.6},
    )
    classifier = load_classifier(path, "precision")
    assert classifier.card.thresholds == {"en": 0.6}
    scores: dict[int, list[float]] = {0: [], 1: []}
    for example in examples:
        scores[example.label].append(classifier.score(example.text, example.language))
    assert min(np.mean(scores[1]), 0.7) > max(np.mean(scores[0]), 0.3)
    assert "trees of 8 leaves" in path.with_suffix(".md").read_text()
