"""The recipes of the packaged models: parameters, thresholds, and examples nobody labelled."""

from __future__ import annotations

from dataclasses import dataclass, field

from infimm_spark.classify.features import QUICK_CHARS
from infimm_spark.classify.mathematics import Kind
from infimm_spark.training.convex import ConvexParameters
from infimm_spark.training.fitting import Example, TrainingParameters
from infimm_spark.training.judging import JudgementParameters
from infimm_spark.training.strewn import salad_examples
from infimm_spark.training.written import spam_examples, written_examples


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one packaged model is made."""

    parameters: TrainingParameters
    threshold: float
    notes: list[str] = field(default_factory=list)
    precision: float | None = None
    """Operating point: each language's threshold reaches this precision on unseen sites."""


_REPRODUCE = (
    "To make it again: `python jobs/train_defaults.py --data DATA --output DIR --date TRAINED`, "
    "where "
    "DATA holds the labelled crawl and the graded pages. The same data, version of this "
    "repository and "
    "date give the same bytes. `benchmarks/unseen_hosts.py` and `benchmarks/unseen_owners.py` "
    "measure the whole cascade on unseen sites."
)

RECIPES: dict[Kind, Recipe] = {
    "recall": Recipe(
        parameters=TrainingParameters(
            solver=ConvexParameters(inverse_penalty=200.0),
            max_chars=4_000,
            quick_chars=6_000,
            quick_excerpt=QUICK_CHARS,
            site_cap=60,
            folds=5,
            bare=True,
            calibrated={"en": 0.983, "zh": 0.993},
        ),
        threshold=0.2,
        notes=[
            "Log-odds are shifted by language so that the paper's threshold 0.4 keeps, of "
            "extracted "
            "texts of unseen sites, 0.983 of the English and 0.993 of the Chinese mathematical "
            "ones; "
            "Chinese is kept higher because its quick texts score lower at the floor.",
            "Trained on two views of each page: quick visible text and extracted text; on graded "
            "excerpts of pages that the crawl lacks; and on graded pages of many more sites, which "
            "are not among the figures.",
            "Texts written for it are trained on too, in every fold, and never measured: spam, "
            "mathematics in "
            "words, and everyday texts with numbers and questions (`training/written.py`).",
            "Where a reader's grade contradicts a label, the grade was trained on; figures are by "
            "label.",
            "Labels of many pages come from counting formulas in the markup: figures on extracted "
            "text "
            "are partly circular.",
            _REPRODUCE,
        ],
    ),
    "precision": Recipe(
        parameters=TrainingParameters(
            solver=ConvexParameters(inverse_penalty=1_000.0),
            max_chars=6_000,
            site_cap=30,
            folds=8,
            bare=True,
            judgement=JudgementParameters(),
        ),
        threshold=0.5,
        precision=0.8,
        notes=[
            "Positives scored 6 or more of 10 on the rubric. Views named excerpt are the graded "
            "passages as graders saw them, often without formulas; the job scores extracted text. "
            "The quick "
            "text of graded pages is trained on, not measured.",
            "Trees over language-neutral facts of the text (`classify/facts.py`) decide with "
            "fastText; grades are learnt as degrees, no site weighs more than ten texts.",
            "Probabilities are calibrated by language on unseen sites; the threshold of a language "
            "is the lowest from which on 0.8 of what is kept there scored 6 or more, with a "
            "confidence of nine tenths.",
            "Spam and everyday texts written for it are negatives, in every fold, and never "
            "measured; so are ordinary pages of the training sites with formulas strewn into them, "
            "and words at random (`training/strewn.py`).",
            _REPRODUCE,
        ],
    ),
}


def extra_examples(kind: Kind) -> list[Example]:
    """Texts written here, never measured: spam, and sentences with and without mathematics.

    Those with mathematics are for recall alone: precision asks what is worth keeping, and a few
    sentences are not, nor are they to be dropped for what they are about.
    """
    written = [e for e in written_examples() if kind == "recall" or not e.label]
    return [*spam_examples(), *written, *([] if kind == "recall" else salad_examples())]
