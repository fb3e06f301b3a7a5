"""Spam around mathematical words does not pass a build's default settings."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from infimm_spark.config import BuildConfig, RulesConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from spam_of_other_makes import other_spam_pages
from spam_pages import Judge, spam_pages


def test_no_spam_passes_the_defaults() -> None:
    """Snippet farms, numbered pictures, repeated sentences, tags and sales talk are dropped, all of
    them."""
    judge = Judge(BuildConfig())
    pages = [(language, kind, judge.dropped(html)) for language, kind, html in spam_pages()]
    assert len(pages) == 80
    passed = Counter((language, kind) for language, kind, (step, _) in pages if step is None)
    assert passed == Counter()


def test_spam_of_other_makes_hardly_passes_the_defaults() -> None:
    """Of betting, homework for sale, spun articles, scraped indexes, hidden keywords, locked
    answers, trading signals, document previews and exchanged numbers none passes; lists of Chinese
    words between invented formulas may, and one page of signals."""
    judge = Judge(BuildConfig())
    pages = [(language, kind, judge.dropped(html)) for language, kind, html in other_spam_pages()]
    assert len(pages) == 60
    passed = Counter((language, kind) for language, kind, (step, _) in pages if step is None)
    assert passed.keys() <= {("zh", "invented LaTeX"), ("zh", "trading signals")}
    assert passed.total() <= 4


def test_repeated_sentences_need_their_rule() -> None:
    """A sound sentence with its formula said forty times is the case that classifiers miss."""
    judge = Judge(BuildConfig(rules=RulesConfig(max_repeated_share=1.0)))
    repeated = [html for _, kind, html in spam_pages(2) if kind == "repeated sentence"]
    assert any(judge.dropped(html)[0] is None for html in repeated)
