"""Training on tiny sets: determinism, splits, figures, refusals."""

from __future__ import annotations

import dataclasses
import datetime
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.classify.fasttext_model import load_fasttext
from infimm_spark.classify.features import normalise
from infimm_spark.classify.mathematics import load_classifier, positive_probability
from infimm_spark.errors import InputError, ModelError
from infimm_spark.training.cards import write_model
from infimm_spark.training.convex import ConvexParameters, Features
from infimm_spark.training.fasttext_train import FastTextParameters, train_fasttext
from infimm_spark.training.fitting import Example, TrainingParameters, folds, train_model
from infimm_spark.training.labelled import (
    precision_examples,
    recall_examples,
    site_examples,
    site_of,
)
from infimm_spark.training.measures import (
    Prediction,
    auc,
    evaluate,
    precision_at,
    spearman,
    threshold_for_recall,
)

MATHS = [
    "theorem",
    "proof",
    "lemma",
    "matrix",
    "$x^2=y$",
    r"$\frac{a}{b}$",
    "定理",
    "证明",
    "integral",
]
NEWS = ["council", "river", "market", "bus", "football", "天气", "公园", "music", "garden"]

CONVEX = TrainingParameters(solver=ConvexParameters(bucket=1_000, min_sites=2), folds=3)
SGD = TrainingParameters(
    solver=FastTextParameters(dim=4, epoch=10, lr=0.5, min_count=1, bucket=1_000), folds=3
)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """Six sites, ten pages each, mathematics and news; made with a fixed seed."""
    order = random.Random(3)
    made = []
    for site in range(6):
        for number in range(10):
            label = number % 2
            words = order.choices((MATHS if label else NEWS) * 3 + ["the", "of", "and"], k=60)
            made.append(
                Example(
                    text=" ".join(words),
                    language="en" if site % 2 else "zh",
                    label=label,
                    site=f"site{site}",
                    page=f"{site}/{number}",
                    view="text",
                    score=float(label * 8),
                )
            )
    return made


@pytest.mark.parametrize("parameters", [CONVEX, SGD], ids=["convex", "fasttext"])
def test_same_examples_give_the_same_bytes(
    examples: list[Example], parameters: TrainingParameters
) -> None:
    """Training again, with the examples in another order, gives the same model file."""
    shuffled = random.Random(1).sample(examples, len(examples))
    assert train_model(examples, parameters).model == train_model(shuffled, parameters).model


def test_training_alone_gives_the_model_that_is_measured(examples: list[Example]) -> None:
    """Without measures the bytes are the same; a calibrated model is measured all the same."""
    alone = train_model(examples, CONVEX, measure=False)
    assert alone.model == train_model(examples, CONVEX).model
    assert not alone.predictions
    calibrated = dataclasses.replace(CONVEX, calibrated={"en": 0.9})
    assert "en" in train_model(examples, calibrated, measure=False).shift


@pytest.mark.parametrize("parameters", [CONVEX, SGD], ids=["convex", "fasttext"])
def test_written_texts_teach_every_fold_and_are_not_predicted(
    examples: list[Example], parameters: TrainingParameters
) -> None:
    """A site whose words only written texts explain is told apart, whatever its fold."""

    def of(site: str, word: str, *, written: bool) -> list[Example]:
        text = f"{word} the of and " * 15
        return [
            Example(
                text,
                "en",
                int(word == "marbles"),
                site,
                f"{site}/{word}{n}",
                "text",
                written=written,
            )
            for n in range(10)
        ]

    lone = [e for word in ("marbles", "flour") for e in of("lone", word, written=False)]
    written = [
        e
        for site in ("written-a", "written-b")
        for word in ("marbles", "flour")
        for e in of(site, word, written=True)
    ]
    predictions = train_model([*examples, *lone, *written], parameters).predictions
    assert {p.site for p in predictions} == {e.site for e in (*examples, *lone)}
    scores = {(p.page, p.label): p.prob for p in predictions if p.site == "lone"}
    assert min(prob for (_, label), prob in scores.items() if label) > max(
        prob for (_, label), prob in scores.items() if not label
    )


@pytest.mark.parametrize("parameters", [CONVEX, SGD], ids=["convex", "fasttext"])
def test_trained_model_separates_unseen_sites(
    examples: list[Example], parameters: TrainingParameters
) -> None:
    """Out-of-site predictions cover every example once and tell the classes apart."""
    predictions = train_model(examples, parameters).predictions
    assert sorted(p.page for p in predictions) == sorted(e.page for e in examples)
    scores = np.array([p.prob for p in predictions])
    assert auc(scores, np.array([p.label == 1 for p in predictions])) > 0.99


def test_fasttext_reads_the_fitted_model_as_it_was_fitted(
    examples: list[Example], tmp_path: Path
) -> None:
    """fastText's probability with the written file equals the fit's own, Chinese bigrams
    included."""
    lines = [f"{e.text} 数 学 \\frac __fc{e.label}" for e in examples]
    features = Features(lines, bucket=500)
    rows = np.arange(len(lines))
    model = features.fit(
        rows,
        np.array([e.label == 1 for e in examples]),
        np.ones(len(lines)),
        [e.site for e in examples],
        ConvexParameters(bucket=500),
    )
    path = tmp_path / "model.bin"
    path.write_bytes(model.to_bytes(("__label__1", "__label__0")))
    loaded = load_fasttext(path)
    ours = features.predict(model, rows)
    theirs = [positive_probability(loaded, line) for line in lines]
    # fastText adds 1e-5 inside its logarithm.
    assert np.abs(ours - np.array(theirs)).max() < 5e-5
    # Words the fit never saw take part in bigrams alone, and must not break prediction.
    assert 0 <= positive_probability(loaded, "unseen words 全新") <= 1


def test_features_of_few_sites_are_not_learnt(examples: list[Example]) -> None:
    """A word that one site puts on all its mathematical pages has no weight."""
    marked = [
        dataclasses.replace(e, text=f"sitename {e.text}") if e.site == "site0" else e
        for e in examples
    ]
    parameters = dataclasses.replace(CONVEX, solver=ConvexParameters(bucket=1_000, min_sites=2))
    assert b"sitename" not in train_model(marked, parameters).model
    assert b"theorem" in train_model(marked, parameters).model


@pytest.mark.parametrize("parameters", [CONVEX, SGD], ids=["convex", "fasttext"])
def test_calibration_puts_the_recall_at_the_threshold(
    examples: list[Example], parameters: TrainingParameters
) -> None:
    """After the shift, a language's wanted recall of unseen sites lies at the wanted threshold."""
    parameters = dataclasses.replace(parameters, calibrated={"en": 0.8}, calibrated_at=0.3)
    trained = train_model(examples, parameters)
    english = [p.prob for p in trained.predictions if p.label == 1 and p.language == "en"]
    assert len(english) == 15
    assert sum(prob >= 0.3 - 1e-6 for prob in english) >= 12
    assert sorted(english)[3] == pytest.approx(0.3, abs=0.01)
    assert set(trained.shift) == {"en"}


def test_calibration_needs_texts_of_the_language(examples: list[Example]) -> None:
    """A language without measured positives cannot be calibrated, and is named."""
    with pytest.raises(InputError, match="'de'"):
        train_model(examples, dataclasses.replace(CONVEX, calibrated={"de": 0.9}))


def test_shift_of_the_card_is_applied_by_language(examples: list[Example], tmp_path: Path) -> None:
    """A classifier adds its card's shift to the log-odds of that language alone."""
    trained = train_model(examples, CONVEX)
    written = write_model(
        tmp_path,
        "recall",
        trained.model,
        parameters=CONVEX,
        data={},
        evaluation={},
        shift={"zh": 1.0},
        default_threshold=0.4,
        trained=datetime.date(2024, 1, 2),
    )
    classifier = load_classifier(written, "recall")
    text = "theorem council proof bus"
    plain = {language: classifier.predict(normalise(text, language)) for language in ("en", "zh")}
    assert classifier.score(text, "en") == plain["en"]
    assert classifier.score(text, "zh") == pytest.approx(
        1 / (1 + (1 / plain["zh"] - 1) / np.e), abs=1e-9
    )


def test_written_model_loads_with_its_card(examples: list[Example], tmp_path: Path) -> None:
    """Model, JSON card and Markdown card are written, and the model loads through its card."""
    trained = train_model(examples, CONVEX)
    path = write_model(
        tmp_path,
        "recall",
        trained.model,
        parameters=CONVEX,
        data={"pages": 60},
        evaluation=evaluate(trained.predictions),
        shift=trained.shift,
        default_threshold=0.4,
        trained=datetime.date(2024, 1, 2),
    )
    classifier = load_classifier(path, "recall")
    assert classifier.card.trained == "2024-01-02"
    assert classifier.score("theorem proof lemma", "en") > classifier.score(
        "bus river market", "en"
    )
    text = path.with_suffix(".md").read_text(encoding="utf-8")
    assert classifier.card.sha256 in text
    assert "| en/text |" in text


def test_evaluation_reports_what_the_card_needs(examples: list[Example]) -> None:
    """By language and view: counts, AUC, operating points, length bands, and Spearman of grades."""
    figures = evaluate(train_model(examples, CONVEX).predictions)
    assert set(figures) == {"en/text", "zh/text"}
    english = figures["en/text"]
    assert (english["positive"], english["negative"]) == (15, 15)
    assert 0.9 < english["auc"] <= 1
    assert 0.5 < english["spearman"] <= 1
    assert {"threshold", "recall", "precision", "negatives_dropped"} <= set(
        english["operating_points"][0]
    )
    assert sum(band["positive"] for band in english["length_bands"].values()) == 15


def test_length_bands_have_thresholds_of_equal_recall() -> None:
    """Of a band with enough positives: the threshold that keeps the share the default keeps of
    all."""
    short = [prediction(1, 0.2 + n / 100, 300) for n in range(40)] + [prediction(0, 0.1, 300)]
    long = [prediction(1, 0.6 + n / 200, 3_000) for n in range(40)] + [prediction(0, 0.5, 3_000)]
    few = [prediction(1, 0.9, 9_000), prediction(0, 0.3, 9_000)]
    bands = evaluate([*short, *long, *few], 0.4)["en/text"]["length_bands"]
    assert bands["0+"]["equal_recall_threshold"] == pytest.approx(0.3, abs=0.011)
    assert bands["2000+"]["equal_recall_threshold"] == pytest.approx(0.65, abs=0.006)
    assert "equal_recall_threshold" not in bands["8000+"]
    assert bands["0+"]["mean_score"] == {"positive": 0.395, "negative": 0.1}


def prediction(label: int, prob: float, chars: int) -> Prediction:
    return Prediction("p", "s", "text", "en", chars, label, True, None, prob)


def test_texts_are_measured_without_formulas_too(examples: list[Example]) -> None:
    """Asked for, each measured text is scored again without its formulas; the model stays the
    same."""
    plain, bare = (
        train_model(examples, dataclasses.replace(CONVEX, bare=wanted)) for wanted in (False, True)
    )
    assert bare.model == plain.model
    figures = evaluate(bare.predictions)
    assert set(figures) == {
        "en/text",
        "en/text without formulas",
        "zh/text",
        "zh/text without formulas",
    }
    assert [p for p in bare.predictions if p.view == "text"] == plain.predictions
    assert figures["en/text without formulas"]["positive"] == 15
    formulas = {p.formulas for p in bare.predictions if p.view == "text without formulas"}
    assert formulas == {0}
    assert any(p.formulas for p in plain.predictions)


def test_grades_correct_what_is_taught_not_what_is_measured(examples: list[Example]) -> None:
    """`taught` is trained on in place of the label; figures stay by label."""
    flipped = [dataclasses.replace(e, taught=1 - e.label) for e in examples]
    figures = evaluate(train_model(flipped, CONVEX).predictions)
    assert figures["en/text"]["auc"] < 0.1


def test_recall_examples_heed_grades() -> None:
    """A grade that contradicts a label is taught, one in between weighs little, an excerpt stands
    in."""
    base = {"snapshot": "S", "source": "a", "lang": "en", "page_type": "page"}
    labels = [
        base | {"url": f"u{n}", "path": f"p{n}", "label": label}
        for n, label in enumerate(("math", "nonmath", "math"))
    ]
    views = [{"snapshot": "S", "url": f"u{n}", "quick": f"q{n}", "text": f"t{n}"} for n in range(3)]
    graded = [
        {
            "id": str(n),
            "source": "a",
            "path": f"p{n}",
            "url": f"u{n}",
            "lang": "en",
            "score": score,
            "excerpt": "x",
        }
        for n, score in enumerate((1, 7, 4, 8))
    ]
    found = {e.text: e for e in recall_examples(labels, views, graded)}
    assert [(found[f"t{n}"].label, found[f"t{n}"].target) for n in range(3)] == [
        (1, 0),
        (0, 1),
        (1, 1),
    ]
    assert found["t2"].weight < 0.5
    assert (found["x"].target, found["x"].measured, found["x"].view) == (1, False, "excerpt")
    assert found["t0"].measured


def test_unmeasured_examples_stay_out_of_the_figures(examples: list[Example]) -> None:
    """Spam and fragments are trained on, not measured."""
    half = [dataclasses.replace(e, measured=not e.page.endswith(("8", "9"))) for e in examples]
    figures = evaluate(train_model(half, CONVEX).predictions)
    assert figures["en/text"]["positive"] == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 1}, "positives only"),
        ({"label": 0}, "negatives only"),
        ({"label": 2}, "expected 1"),
        ({"text": " "}, "all are empty"),
        ({"site": "only"}, "at least 3"),
    ],
)
def test_unusable_examples_are_refused(
    examples: list[Example], change: dict[str, object], message: str
) -> None:
    """One class, a third label, empty texts, too few sites: each is named."""
    with pytest.raises(InputError, match=message):
        train_model([dataclasses.replace(e, **change) for e in examples], CONVEX)


def test_fasttext_training_failure_is_one_line() -> None:
    """fastText's own complaint comes back as a model error."""
    with pytest.raises(ModelError, match="fastText training failed") as raised:
        train_fasttext([""], FastTextParameters())
    assert "\n" not in str(raised.value)


def test_sites_are_never_split(examples: list[Example]) -> None:
    """All examples of a site are in one fold, and folds are of like size."""
    fold_of = folds(examples, 3)
    sizes = np.bincount([fold_of[e.site] for e in examples])
    assert set(fold_of) == {e.site for e in examples}
    assert sizes.tolist() == [20, 20, 20]


@pytest.mark.parametrize(
    ("source", "url", "site"),
    [
        ("mc-stan.org-history", "https://mc-stan.org/a", "mc-stan.org"),
        ("compphysics2-old", "https://x.github.io/", "compphysics"),
        ("trafilatura-pages", "https://news.example.org/1", "example.org"),
        ("postlight-pages-old", "http://www.example.com/2", "example.com"),
    ],
)
def test_revisions_and_books_are_one_site(source: str, url: str, site: str) -> None:
    """A source and its history are one site; a collection of news is split by domain."""
    assert site_of(source, url) == site


def test_listings_and_mixed_pages_are_left_out() -> None:
    """Listings are no negatives, pages with few formulas are neither, other languages are
    skipped."""
    base = {"snapshot": "S", "source": "a", "lang": "en", "page_type": "page"}
    labels = [
        base | {"url": "u1", "label": "math"},
        base | {"url": "u2", "label": "nonmath", "page_type": "listing"},
        base | {"url": "u3", "label": "mixed"},
        base | {"url": "u4", "label": "nonmath"},
        base | {"url": "u5", "label": "math", "lang": "other"},
        base | {"url": "u6", "label": "math", "page_type": "fragment"},
    ]
    views = [
        {"snapshot": "S", "url": f"u{n}", "quick": f"q{n}", "text": f"t{n}"} for n in range(1, 7)
    ]
    chosen = recall_examples(labels, views)
    assert {(e.page, e.label, e.measured) for e in chosen} == {
        ("S u1", 1, True),
        ("S u4", 0, True),
        ("S u6", 1, False),
    }
    assert {e.view for e in chosen} == {"quick", "text"}


def test_identical_texts_are_trained_on_once() -> None:
    """A page that both snapshots hold counts once."""
    label = {"source": "a", "lang": "en", "page_type": "page", "label": "math", "url": "u"}
    labels = [label | {"snapshot": "S"}, label | {"snapshot": "T"}]
    views = [{"snapshot": s, "url": "u", "quick": "same", "text": "same"} for s in "ST"]
    assert len(recall_examples(labels, views)) == 2  # one of each view


def test_grades_become_labels() -> None:
    """A score of 6 is worth keeping; the excerpt stands in for a page that the crawl lacks."""
    label = {
        "snapshot": "S",
        "url": "u",
        "source": "a",
        "path": "p",
        "lang": "en",
        "label": "math",
        "label_basis": "markup",
        "page_type": "page",
    }
    grade = {"id": "1", "url": "u", "source": "a", "path": "p", "lang": "en", "excerpt": "graded"}
    views = [{"snapshot": "S", "url": "u", "quick": "q", "text": "extracted"}]
    for score, expected in ((5, 0), (6, 1)):
        made = precision_examples([label], views, [grade | {"score": score}])
        assert [(e.view, e.text, e.label, e.score, e.measured) for e in made] == [
            ("text", "extracted", expected, score, True),
            ("quick", "q", expected, score, False),
        ]
        absent = precision_examples([], [], [grade | {"score": score}])
        assert [(e.view, e.text, e.label) for e in absent] == [("excerpt", "graded", expected)]


scores = st.lists(st.integers(0, 5), min_size=4, max_size=40)


@given(scores)
def test_auc_is_the_chance_that_a_positive_outscores_a_negative(values: list[int]) -> None:
    """AUC equals its definition over all pairs, ties counted half."""
    array = np.array(values, dtype=float)
    positive = np.arange(len(values)) % 2 == 0
    pairs = [(p > n) + 0.5 * (p == n) for p in array[positive] for n in array[~positive]]
    assert auc(array, positive) == pytest.approx(np.mean(pairs))


@given(scores, st.sampled_from([0.5, 0.7, 0.95, 1.0]))
def test_threshold_reaches_the_recall(values: list[int], recall: float) -> None:
    """At the threshold the recall is reached; at any higher score it is not."""
    array = np.array(values, dtype=float)
    positive = np.arange(len(values)) % 2 == 0
    threshold = threshold_for_recall(array, positive, recall)
    assert (array[positive] >= threshold).mean() >= recall
    assert (array[positive] > threshold).mean() < recall


def test_precision_and_rank_correlation() -> None:
    """Small cases worked out by hand."""
    array = np.array([0.9, 0.8, 0.3, 0.1])
    assert precision_at(array, np.array([True, False, True, False]), 0.5) == 0.5
    assert np.isnan(precision_at(array, np.array([True, False, True, False]), 0.95))
    assert spearman(array, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx(1)
    assert spearman(array, np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(-1)


@pytest.mark.parametrize("parameters", [CONVEX, SGD], ids=["convex", "fasttext"])
def test_texts_of_weight_zero_are_scored_and_not_trained_on(
    examples: list[Example], parameters: TrainingParameters
) -> None:
    """A site that weighs nothing gets scores, and the model is the same without it."""
    silent = [
        dataclasses.replace(e, site="weightless", weight=0.0, measured=False) for e in examples[:4]
    ]
    alone, beside = (train_model([*examples, *more], parameters) for more in ([], silent))
    assert alone.model == beside.model
    assert sum(p.site == "weightless" for p in beside.predictions) == len(silent)


def test_graded_pages_of_many_sites_are_split_by_owner() -> None:
    """Pages with a grade teach; precision measures their extracted text, recall trusts grades that
    are sure. Pages without a grade are only scored, those without a view left out."""
    page = {"id": "a", "url": "https://a.example/1", "key": "owner", "lang": "en", "score": 7}
    pages = [
        page,
        page | {"id": "b", "url": "https://a.example/2", "score": None},
        page | {"id": "c", "url": "https://a.example/3", "score": 4},
        page | {"id": "d", "url": "https://a.example/4"},
    ]
    views = [
        {"url": f"https://a.example/{n}", "quick": f"quick {n}", "text": f"text {n}"}
        for n in (1, 2, 3)
    ]
    precise = site_examples("precision", pages, views)
    assert {e.page for e in precise if e.weight == 0 and not e.measured} == {"b"}
    precise = [e for e in precise if e.weight]
    assert [(e.page, e.view, e.label, e.measured) for e in precise] == [
        ("a", "quick", 1, False),
        ("a", "text", 1, True),
        ("c", "quick", 0, False),
        ("c", "text", 0, True),
    ]
    assert {e.site for e in precise} == {"owner owner"}
    recalled = [e for e in site_examples("recall", pages, views) if e.weight]
    assert [(e.page, e.taught) for e in recalled if e.view == "text"] == [("a", 1), ("c", None)]
    assert recalled[-1].weight < recalled[0].weight
    assert not any(e.measured for e in recalled)
