"""What the whole cascade makes of pages of many sites, each judged without its owner.

    python jobs/train_defaults.py --data ../shared/data --views views.jsonl.gz \\
        --predictions cv --output /tmp/models
    python benchmarks/unseen_owners.py --data ../shared/data --views views.jsonl.gz --predictions cv

`cv/` holds the scores that `jobs/train_defaults.py --predictions` writes: each page's by models
that saw no page of its owner (`key` of `sites/pages.jsonl.gz`). The pages go through language
identification, the recall floors, the recall threshold, the rules and the precision threshold of
their language, as a build's defaults have them. Prints how many of the good pages (grade 6 and
more) each step loses, how many of the ordinary English pages (`sites_en_other`) pay for extraction
and are kept at the end, by language the area under the curve and precision at recall 0.85 among all
pages and near the line beside counting formulas. `--list` names the good pages lost before
precision and the ordinary pages kept.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infimm_spark.classify.language import LanguageIdentifier
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.rules.filters import first_failed
from infimm_spark.rules.metrics import text_metrics
from infimm_spark.training.beside import beside_markdown, compared
from infimm_spark.training.labelled import GRADE, read_jsonl
from infimm_spark.training.measures import Prediction
from infimm_spark.training.views import View, load_views

ORDINARY = "sites_en_other"
BEFORE_EXTRACTION = (
    *("source floor", "no score", "no text", "language", "recall floor", "plain floor"),
)
BEFORE_PRECISION = (*BEFORE_EXTRACTION, "recall")
KEPT = "kept"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds sites/")
    parser.add_argument("--views", type=Path, help="texts of the pages: read, or made and written")
    parser.add_argument("--predictions", type=Path, required=True, help="folder of scores")
    parser.add_argument("--list", action="store_true", help="name pages lost and kept")
    options = parser.parse_args()
    views = {view["url"]: view for view in load_views(options.data, options.views)}
    scores = {
        kind: {
            (p.page, p.view): p
            for p in _predictions(options.predictions / f"{kind}.jsonl.gz")
            if p.site.startswith("owner ")
        }
        for kind in ("recall", "precision")
    }
    pages = list(read_jsonl(options.data / "sites" / "pages.jsonl.gz"))
    config = with_thresholds(BuildConfig())
    identifier = LanguageIdentifier()
    steps = {
        row["id"]: _step(row["id"], views.get(row["url"]), scores, config, identifier)
        for row in pages
    }
    _good(pages, steps, options.list)
    _ordinary(pages, steps, options.list)
    print(beside_markdown(compared(list(scores["precision"].values()))))


def _step(
    page: str,
    view: View | None,
    scores: dict[str, dict[tuple[str, str], Prediction]],
    config: BuildConfig,
    identifier: LanguageIdentifier,
) -> str:
    """The step that drops the page, or `KEPT`."""
    extract, rules = config.extract, config.rules
    if view is not None and view["unparsed"]:
        return "source floor"
    if view is None or not view["quick"].strip():
        return "no text"
    language, probability = identifier.identify(view["quick"])
    if language not in extract.languages or probability < extract.language_threshold:
        return "language"
    quick = scores["recall"].get((page, "quick"))
    if quick is None:
        return "no score"
    if not view["hidden"]:
        if quick.prob < extract.recall_floor:
            return "recall floor"
        if quick.prob < extract.plain_floor and not view["shown"]:
            return "plain floor"
    recall, precision = (scores[kind].get((page, "text")) for kind in ("recall", "precision"))
    if recall is None or precision is None:
        return "no text"
    text = view["text"]
    if recall.prob < config.dedup.recall_threshold_at(len(text)):
        return "recall"
    failed = first_failed(text, language, text_metrics(text, language), rules)
    if failed is not None:
        return f"rule {failed[0]}"
    passes = precision.prob >= rules.precision_threshold_at(len(text), language)
    return KEPT if passes else "precision"


def _good(pages: Sequence[dict[str, Any]], steps: dict[str, str], listed: bool) -> None:
    good = [row for row in pages if (row["score"] or 0) >= GRADE]
    lost = [row for row in good if steps[row["id"]] in BEFORE_PRECISION]
    print(f"good pages: {len(good)}, lost before precision: {len(lost)} ({_share(lost, good)})")
    _counts(good, steps)
    if listed:
        for row in lost:
            print(f"  {row['id']} (grade {row['score']:g}): {steps[row['id']]}; {row['why']}")


def _ordinary(pages: Sequence[dict[str, Any]], steps: dict[str, str], listed: bool) -> None:
    ordinary = [row for row in pages if row["part"] == ORDINARY]
    paid = [row for row in ordinary if steps[row["id"]] not in BEFORE_EXTRACTION]
    kept = [row for row in ordinary if steps[row["id"]] == KEPT]
    print(
        f"ordinary English pages: {len(ordinary)}, extracted: {len(paid)} "
        f"({_share(paid, ordinary)}), kept: {len(kept)} ({_share(kept, ordinary)}), "
        f"of these graded {GRADE} and more: {sum((row['score'] or 0) >= GRADE for row in kept)}"
    )
    _counts(ordinary, steps)
    if listed:
        for row in kept:
            print(f"  {row['id']} (grade {row['score']}): {row['why']}")


def _counts(rows: Sequence[dict[str, Any]], steps: dict[str, str]) -> None:
    counts = Counter(steps[row["id"]] for row in rows)
    print("  " + ", ".join(f"{step} {count}" for step, count in counts.most_common()))


def _share(some: Sequence[object], of: Sequence[object]) -> str:
    return f"{100 * len(some) / max(1, len(of)):.1f} %"


def _predictions(path: Path) -> list[Prediction]:
    return [Prediction(**row) for row in read_jsonl(path)]


if __name__ == "__main__":
    main()
