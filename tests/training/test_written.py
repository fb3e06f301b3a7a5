"""The texts written to train on."""

from __future__ import annotations

from infimm_spark.training.recipes import extra_examples
from infimm_spark.training.written import written_examples


def test_the_same_texts_at_every_call() -> None:
    """Models are made again to the byte."""
    assert written_examples() == written_examples()


def test_both_labels_come_from_several_sites_each() -> None:
    """Features need several sites, and neither label may be one site's."""
    sites = {label: {e.site for e in written_examples() if e.label == label} for label in (0, 1)}
    assert len(sites[0]) > 5
    assert len(sites[1]) > 5
    assert not sites[0] & sites[1]


def test_every_blank_is_filled() -> None:
    """No name of a blank is left in a text."""
    blanks = ("{name}", "{friend}", "{things}", "{a}", "{b}", "{c}")
    assert not [e.text for e in written_examples() if any(blank in e.text for blank in blanks)]


def test_written_texts_are_never_measured() -> None:
    """For both models, spam included."""
    for kind in ("recall", "precision"):
        assert all(e.written and not e.measured for e in extra_examples(kind))


def test_precision_is_not_taught_sentences() -> None:
    """A few sentences of mathematics are mathematics, and not worth keeping for it."""
    assert {e.label for e in extra_examples("recall")} == {0, 1}
    assert {e.label for e in extra_examples("precision")} == {0}
