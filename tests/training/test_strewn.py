"""Pages on which formulas say nothing, made to train on."""

from __future__ import annotations

import dataclasses

from infimm_spark.classify.features import count_formulas, without_formulas
from infimm_spark.training.fitting import Example
from infimm_spark.training.strewn import STREWN, salad_examples, strewn_examples

SHOP = "We sell boots in nine colours. They are light, warm and cheap, and they last. " * 8


def page(number: int, **values: object) -> Example:
    example = Example(SHOP, "en", 0, "shop", f"page{number}", "text", score=0.0)
    return dataclasses.replace(example, **values)  # type: ignore[arg-type]


def test_formulas_are_strewn_into_ordinary_pages() -> None:
    """The prose stays; formulas stand in it; the page is a negative of its own site, unmeasured."""
    (strewn,) = strewn_examples([page(1)])
    assert count_formulas(strewn.text) >= 3
    assert without_formulas(strewn.text).split() == SHOP.split()
    assert (strewn.site, strewn.label, strewn.view) == ("shop", 0, STREWN)
    assert not strewn.measured
    assert strewn_examples([page(1)]) == [strewn]


def test_only_ordinary_graded_pages_are_taken_and_few_of_a_site() -> None:
    """Good pages, pages in doubt, pages with formulas, quick views and short pages are left."""
    assert not strewn_examples(
        [
            page(1, score=7.0, label=1),
            page(2, score=4.0),
            page(3, score=None),
            page(4, text=SHOP + " $a=b$" * 3),
            page(5, view="quick"),
            page(6, text="We sell boots."),
        ]
    )
    assert len(strewn_examples([page(number) for number in range(9)])) == 2


def test_words_at_random_are_negatives_in_both_languages() -> None:
    """The same at every call, with formulas, never measured, of no site."""
    made = salad_examples()
    assert made == salad_examples()
    assert {(e.language, e.label, e.measured, e.written) for e in made} == {
        ("en", 0, False, True),
        ("zh", 0, False, True),
    }
    assert all(count_formulas(e.text) >= 3 for e in made)
