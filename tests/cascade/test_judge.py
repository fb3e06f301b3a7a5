"""The cascade's order: each step sees only what the cheaper one before it let through."""

from __future__ import annotations

from infimm_spark.cascade.judge import Cascade
from infimm_spark.config import ExtractConfig

SETTINGS = ExtractConfig()


class Language:
    """Identifies every text as one language."""

    def __init__(self, label: str = "en", probability: float = 0.9) -> None:
        self.answer = (label, probability)

    def identify(self, text: str) -> tuple[str, float]:
        return self.answer


class Recall:
    """Gives the scores it was told to, in order, and keeps the texts it saw."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)
        self.seen: list[str] = []

    def score(self, text: str, language: str) -> float:
        self.seen.append(text)
        return self.scores.pop(0)


def judge(  # type: ignore[no-untyped-def]
    body: str, language: Language, recall: Recall, settings: ExtractConfig = SETTINGS
):
    """The verdict on a page."""
    cascade = Cascade(language, recall, settings)
    return cascade.judge(body.encode(), url="http://example.org/", content_type="text/html")


def test_a_page_in_another_language_is_not_scored() -> None:
    """A page of another language is dropped with its probability, and no classifier runs."""
    recall = Recall()
    verdict = judge("<p>Guten Tag", Language("de", 0.8), recall)
    assert (verdict.outcome, verdict.reason, verdict.score) == ("dropped", "language", 0.8)
    assert recall.seen == []


class LanguageByLength:
    """Takes short texts for English and long ones for what it was told."""

    def __init__(self, label: str, probability: float) -> None:
        self.answer = (label, probability)
        self.lengths: list[int] = []

    def identify(self, text: str) -> tuple[str, float]:
        self.lengths.append(len(text))
        return self.answer if len(text) > 400 else ("en", 0.9)


NEWS = "<p>" + "The mayor opened the new market hall on Monday. " * 200


def test_a_long_page_without_signs_or_words_of_mathematics_is_not_parsed() -> None:
    """Its source decides: no model sees it, and the words found are its score."""
    recall = Recall()
    verdict = judge(NEWS + "<p>A theorem and its proof", Language(), recall)
    assert (verdict.outcome, verdict.reason, verdict.score) == ("dropped", "source_floor", 2.0)
    assert verdict.language is None
    assert recall.seen == []


def test_what_may_be_mathematics_is_parsed() -> None:
    """A formula, enough words, a library that draws formulas, or too short a page to tell."""
    for more in (
        r"<p>\\(\\frac12\\)",
        "<p>The derivative of a polynomial is a polynomial by the theorem of Taylor.",
        '<script src="/mathjax/tex-chtml.js"></script>',
    ):
        assert judge(NEWS + more, Language(), Recall(0.0)).reason != "source_floor", more
    assert judge(NEWS[:2000], Language(), Recall(0.0)).reason == "recall_floor"


def test_the_source_floor_knows_the_words_of_two_languages() -> None:
    """With another language, with one that no classifier knows, or set to 0, all are parsed."""
    for changed in (
        {"languages": ["en", "fr"]},
        {"languages": ["en", "zh"], "unclassified": ["zh"]},
        {"source_floor": 0},
    ):
        settings = SETTINGS.model_copy(update=changed)
        assert judge(NEWS, Language(), Recall(0.0), settings).reason == "recall_floor", changed


def test_what_is_no_page_fails_whatever_its_words() -> None:
    """A binary file and a page made to hang a parser are failures, not pages without
    mathematics."""
    verdict = judge("%PDF-1.7 " + NEWS, Language(), Recall())
    assert (verdict.outcome, verdict.reason) == ("failed", "not_html")
    nested = judge("<div>" * 100_000, Language(), Recall())
    assert (nested.outcome, nested.reason) == ("failed", "too_deep")


LONG = "<p>" + "Prime numbers are infinite in number. " * 40


def test_a_page_below_the_floor_is_identified_by_a_glance() -> None:
    """Of most pages a few hundred characters tell the language, and no more are looked at."""
    language = LanguageByLength("en", 0.8)
    verdict = judge(LONG, language, Recall(0.0))  # type: ignore[arg-type]
    assert (verdict.reason, verdict.language) == ("recall_floor", "en")
    assert len(language.lengths) == 1
    assert language.lengths[0] <= 400


def test_a_document_has_the_language_of_its_whole_text() -> None:
    """What a glance showed is never said of a document, and never keeps one of another
    language."""
    kept = judge(LONG, LanguageByLength("en", 0.8), Recall(0.9, 0.9))  # type: ignore[arg-type]
    assert (kept.outcome, kept.language_prob) == ("kept", 0.8)
    other = judge(LONG, LanguageByLength("de", 0.8), Recall(0.9))  # type: ignore[arg-type]
    assert (other.outcome, other.reason, other.score) == ("dropped", "language", 0.8)
    assert other.recall_prob is None
    chinese = judge(LONG, LanguageByLength("zh", 0.8), Recall(0.9, 0.0))  # type: ignore[arg-type]
    assert (chinese.reason, chinese.language) == ("recall_floor", "zh")


def test_an_uncertain_language_is_a_reason_of_its_own() -> None:
    """The right language below the threshold is told apart from another language."""
    verdict = judge("<p>Hm", Language("en", 0.1), Recall())
    assert verdict.reason == "language_uncertain"


def test_below_the_floor_nothing_is_extracted() -> None:
    """A page whose quick text scores below the floor is dropped without extraction."""
    recall = Recall(SETTINGS.recall_floor / 2)
    verdict = judge("<p>News of the town", Language(), recall)
    assert verdict.reason == "recall_floor"
    assert verdict.document is None
    assert len(recall.seen) == 1


def test_formulas_the_quick_text_cannot_show_lift_a_page_over_the_floor() -> None:
    """A page of equation images is judged on its extracted text, where the formulas stand."""
    recall = Recall(SETTINGS.recall_floor / 2, 0.9)
    verdict = judge(
        '<p>Then <img src="https://latex.codecogs.com/gif.latex?x%5E2%2B1"> is irreducible.',
        Language(),
        recall,
    )
    assert verdict.outcome == "kept"
    assert verdict.math_prob == 0.9
    assert "$x^2+1$" in recall.seen[1]


def test_a_page_without_a_formula_in_its_source_meets_a_higher_floor() -> None:
    """Between the two floors a sign of mathematics in the source decides."""
    between = (SETTINGS.recall_floor + SETTINGS.plain_floor) / 2
    plain = judge("<p>Sums and products", Language(), Recall(between))
    assert (plain.reason, plain.score) == ("plain_floor", between)
    shown = judge(r"<p>Sums \(\sum_i x_i\)", Language(), Recall(between, 0.9))
    assert shown.outcome == "kept"
    worded = judge("<p>Sums and products", Language(), Recall(SETTINGS.plain_floor, 0.9))
    assert worded.outcome == "kept"


def test_a_kept_page_carries_both_scores() -> None:
    """The floor's score and the score of the extracted text are both stored."""
    verdict = judge(r"<p>Sums \(\sum_i x_i\)", Language(), Recall(0.6, 0.2))
    assert verdict.outcome == "kept"
    assert (verdict.recall_prob, verdict.math_prob) == (0.6, 0.2)


def test_a_page_without_text_is_dropped() -> None:
    """An empty page never reaches language identification."""
    assert judge("<html><body></body></html>", Language(), Recall()).reason == "no_text"
