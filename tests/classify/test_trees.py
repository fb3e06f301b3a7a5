"""Trees over facts: walked as they are written, refused where they are damaged."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infimm_spark.classify.facts import FACT_VERSION, FACTS
from infimm_spark.classify.mathematics import ModelCard, model_file, read_card
from infimm_spark.classify.trees import Judgement, Trees, Walker


def trees(**changes: Any) -> dict[str, Any]:
    """One tree of depth 2 over the first three facts."""
    return {
        "fact_version": FACT_VERSION,
        "base": 0.5,
        "facts": [[0, 1, 2]],
        "thresholds": [[1.0, 2.0, 3.0]],
        "leaves": [[-2.0, -1.0, 1.0, 2.0]],
    } | changes


def walked(tree: Trees, values: list[float]) -> float:
    """The same, one tree and node at a time."""
    total = tree.base
    for facts, thresholds, leaves in zip(tree.facts, tree.thresholds, tree.leaves, strict=True):
        node = 0
        while node < len(facts):
            node = 2 * node + 1 + (values[facts[node]] >= thresholds[node])
        total += leaves[node - len(facts)]
    return total


numbers = st.floats(-5, 5)


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, len(FACTS) - 1), min_size=3, max_size=3),
            st.lists(numbers, min_size=3, max_size=3),
            st.lists(numbers, min_size=4, max_size=4),
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(numbers, min_size=len(FACTS), max_size=len(FACTS)),
)
def test_all_trees_are_walked_at_once(rows: list[Any], values: list[float]) -> None:
    """The walker adds what each tree's leaf says, as walking them one by one does."""
    facts, thresholds, leaves = (list(part) for part in zip(*rows, strict=True))
    tree = Trees(**trees(facts=facts, thresholds=thresholds, leaves=leaves))
    assert Walker(tree).log_odds(np.array(values)) == pytest.approx(walked(tree, values))
    many = Walker(tree).log_odds_of_many(np.array([values, values[::-1]]))
    assert many == pytest.approx([walked(tree, values), walked(tree, values[::-1])])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fact_version": FACT_VERSION + 1}, "train them again"),
        ({"leaves": [[1.0, 2.0, 3.0]]}, "2, 4, 8"),
        ({"facts": [[0, 1]]}, "number of nodes"),
        ({"thresholds": []}, "number of nodes"),
    ],
)
def test_damaged_trees_are_refused(changes: dict[str, Any], message: str) -> None:
    """Other facts, a node too few: refused with the cause."""
    with pytest.raises(ValidationError, match=message):
        Trees(**trees(**changes))


def test_facts_beyond_the_known_are_refused_in_a_card() -> None:
    """A classifier has no more than the facts; an encoder judge has features of its own."""
    beyond = Trees(**trees(facts=[[0, 1, len(FACTS)]]))
    with pytest.raises(ValidationError, match="beyond"):
        Judgement(trees=beyond, words=0.2)


def test_calibration_is_by_language() -> None:
    """A language's slope and offset apply; another language has neither."""
    judgement = Judgement(trees=Trees(**trees()), words=0.5, calibration={"en": (2.0, -1.0)})
    assert judgement.probability(1.0, 0.0, "en") == pytest.approx(0.5)
    assert judgement.probability(1.0, -0.5, "zh") == pytest.approx(0.5)
    assert 0 < judgement.probability(-1e9, 0.0, "zh") < judgement.probability(1e9, 0.0, "zh") < 1


def test_a_card_without_trees_is_written_as_before() -> None:
    """Runs are known by the card's text: what a card lacks adds nothing to it."""
    card = read_card(model_file(None, "recall"), "recall")
    plain = card.model_copy(update={"judgement": None, "thresholds": {}})
    assert not {"judgement", "thresholds"} & json.loads(plain.model_dump_json()).keys()
    both = card.model_copy(
        update={
            "judgement": Judgement(trees=Trees(**trees()), words=0.2),
            "thresholds": {"en": 0.4},
        }
    )
    assert ModelCard.model_validate(json.loads(both.model_dump_json())) == both
