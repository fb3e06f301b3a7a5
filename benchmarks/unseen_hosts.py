"""What the cascade makes of labelled pages on sites its classifiers were not trained on.

    python benchmarks/unseen_hosts.py --data ../shared/data --views views.jsonl.gz

Sites are dealt into folds (revisions of a site are one site). For each fold both classifiers are
trained by the packaged recipes, calibration included, on all other sites alone, and the fold's
pages go through language identification, recall floor, recall threshold and precision threshold as
the configuration's defaults have them. Prints, by language of the label: the share of pages left
after each step, the sites that fare worst, what other precision thresholds would give, and how many
of the pages graded 6 or more survive. `--views` keeps the extracted texts (made where the file is
absent), `--scores` the scores behind the tables (a run that finds the file trains nothing).

Labels `math` and `nonmath` count; `mixed` pages are neither.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infimm_spark.classify.features import QUICK_CHARS, excerpt
from infimm_spark.classify.language import LanguageIdentifier
from infimm_spark.classify.mathematics import Classifier, Kind, load_classifier
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.training.cards import write_model
from infimm_spark.training.fitting import Example, folds, train_model
from infimm_spark.training.labelled import GRADE, labelled_examples, page_key, read_jsonl, site_of
from infimm_spark.training.recipes import RECIPES, extra_examples
from infimm_spark.training.views import View, load_views

KINDS: tuple[Kind, Kind] = ("recall", "precision")
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
WORST_SITES = 12
SMALL_SITE = 10  # pages


class Scored(NamedTuple):
    """A labelled page with what every step measures of it; `grade` is None for most."""

    page: str
    site: str
    label: str
    labelled_language: str
    page_type: str
    grade: float | None
    language: str
    language_prob: float
    quick_prob: float
    math_prob: float
    quality_prob: float
    hidden: bool
    shown: bool
    unparsed: bool


def main() -> None:
    """Score, or read scores, and print the tables."""
    options = _options()
    if options.scores is not None and options.scores.exists():
        pages = [Scored(**row) for row in read_jsonl(options.scores)]
    else:
        views = load_views(options.data, options.views)
        pages = score_unseen(options.data, views, options.folds)
        if options.scores is not None:
            rows = [json.dumps(p._asdict(), ensure_ascii=False) for p in pages]
            options.scores.write_text("\n".join(rows) + "\n", encoding="utf-8")
    config = BuildConfig()
    steps = _steps(config)
    print(f"{len(pages)} pages; {_settings(config)}")
    _by_step(pages, steps)
    _worst(pages, steps)
    _thresholds(pages, config)


def score_unseen(data: Path, views: Sequence[View], count: int) -> list[Scored]:
    """Every labelled page, scored by models that did not see its site."""
    labels = {page_key(row): row for row in read_jsonl(data / "commoncrawl" / "labels.jsonl.gz")}
    grades = {
        (row["source"], row["path"]): float(row["score"])
        for row in read_jsonl(data / "annotations" / "annotated.jsonl.gz")
    }
    examples = {kind: labelled_examples(kind, data, views) for kind in KINDS}
    fold_of = folds([e for kind in KINDS for e in examples[kind]], count)
    identifier = LanguageIdentifier()
    result = []
    for fold in range(count):
        classifiers = {
            kind: _trained(kind, [e for e in examples[kind] if fold_of[e.site] != fold])
            for kind in KINDS
        }
        for view in views:
            label = labels.get(page_key(view))
            if label is None:
                continue
            site = site_of(label["source"], label["url"])
            # A site without a training text is unseen in every fold.
            if fold_of.get(site, 0) != fold:
                continue
            language, probability = identifier.identify(view["quick"])
            result.append(
                Scored(
                    page=page_key(view),
                    site=site,
                    label=label["label"],
                    labelled_language=label["lang"],
                    page_type=label["page_type"],
                    grade=grades.get((label["source"], label["path"])),
                    language=language,
                    language_prob=probability,
                    quick_prob=classifiers["recall"].score(
                        excerpt(view["quick"], QUICK_CHARS), language
                    ),
                    math_prob=classifiers["recall"].score(view["text"], language),
                    quality_prob=classifiers["precision"].score(view["text"], language),
                    hidden=view["hidden"],
                    shown=view["shown"],
                    unparsed=view["unparsed"],
                )
            )
        print(f"fold {fold + 1} of {count} scored", flush=True)
    return result


def _trained(kind: Kind, examples: Sequence[Example]) -> Classifier:
    recipe = RECIPES[kind]
    parameters = dataclasses.replace(recipe.parameters, bare=False)
    trained = train_model([*examples, *extra_examples(kind)], parameters, measure=False)
    with tempfile.TemporaryDirectory(prefix="infimm-unseen-") as folder:
        path = write_model(
            Path(folder),
            kind,
            trained.model,
            parameters=parameters,
            data={},
            evaluation={},
            shift=trained.shift,
            default_threshold=recipe.threshold,
            trained=datetime.date.today(),
        )
        return load_classifier(path, kind)


Step = tuple[str, Callable[[Scored], bool]]


def _steps(config: BuildConfig, precision: float | None = None) -> list[Step]:
    """The steps in their order: name, and whether a page passes."""
    config = with_thresholds(config)
    extract, recall = config.extract, config.dedup.recall_threshold
    threshold = config.rules.precision_threshold if precision is None else precision
    return [
        ("source floor", lambda p: not p.unparsed),
        (
            "language",
            lambda p: (
                p.language in extract.languages and p.language_prob >= extract.language_threshold
            ),
        ),
        (
            "recall floor",
            lambda p: (
                p.hidden
                or p.quick_prob >= (extract.recall_floor if p.shown else extract.plain_floor)
            ),
        ),
        ("recall", lambda p: p.math_prob >= recall),
        ("precision", lambda p: p.quality_prob >= threshold),
    ]


def _settings(config: BuildConfig) -> str:
    config = with_thresholds(config)
    return (
        f"language {config.extract.language_threshold}, recall floor {config.extract.recall_floor} "
        f"(no formula in the source: {config.extract.plain_floor}), "
        f"recall {config.dedup.recall_threshold}, precision {config.rules.precision_threshold}"
    )


def _left(pages: Iterable[Scored], steps: Sequence[Step]) -> list[Scored]:
    return [p for p in pages if all(passes(p) for _, passes in steps)]


def _groups(pages: Sequence[Scored]) -> dict[tuple[str, str, str], list[Scored]]:
    groups: defaultdict[tuple[str, str, str], list[Scored]] = defaultdict(list)
    for p in pages:
        if p.label in ("math", "nonmath"):
            if p.page_type == "page":
                groups[p.labelled_language, p.label, "page"].append(p)
            groups[p.labelled_language, p.label, "any"].append(p)
    return dict(sorted(groups.items()))


def _by_step(pages: Sequence[Scored], steps: Sequence[Step]) -> None:
    print("\nshare of pages left after each step")
    heads = "".join(f"{name:>14}" for name, _ in steps)
    print(f"{'label':<18}{'type':<6}{'pages':>7}{heads}{'dropped':>10}")
    for (language, label, kind), members in _groups(pages).items():
        shares = [len(_left(members, steps[: n + 1])) / len(members) for n in range(len(steps))]
        cells = "".join(f"{share:>14.3f}" for share in shares)
        name = f"{language} {label}"
        print(f"{name:<18}{kind:<6}{len(members):>7}{cells}{1 - shares[-1]:>10.3f}")


def _worst(pages: Sequence[Scored], steps: Sequence[Step]) -> None:
    for label, text, used in (
        ("math", "lost before the precision step", steps[:-1]),
        ("nonmath", "kept to the end", steps),
    ):
        print(f"\n{label} pages {text}: sites with most")
        sites: defaultdict[tuple[str, str], list[Scored]] = defaultdict(list)
        for p in pages:
            if p.label == label and p.page_type == "page":
                sites[p.labelled_language, p.site].append(p)
        counted = []
        for (language, site), members in sites.items():
            left = len(_left(members, used))
            bad = len(members) - left if label == "math" else left
            counted.append((bad, len(members), language, site))
        for bad, size, language, site in sorted(counted, reverse=True)[:WORST_SITES]:
            if bad:
                print(f"  {language:<6}{site:<34}{bad:>5} of {size}")


def _thresholds(pages: Sequence[Scored], config: BuildConfig) -> None:
    """What each precision threshold costs and saves, the steps before it included."""
    print(
        f"\nprecision threshold: dropped of nonmath (sites weighed alike), "
        f"kept of graded {GRADE} and more, precision among graded"
    )
    for threshold in THRESHOLDS:
        used = _steps(config, threshold)
        cells = [f"{threshold:<6}"]
        for language in config.extract.languages:
            of_language = [p for p in pages if p.labelled_language == language]
            plain = [p for p in of_language if p.label == "nonmath" and p.page_type == "page"]
            sites: defaultdict[str, list[Scored]] = defaultdict(list)
            for p in plain:
                sites[p.site].append(p)
            dropped = 1 - len(_left(plain, used)) / len(plain)
            by_site = np.mean(
                [1 - len(_left(m, used)) / len(m) for m in sites.values() if len(m) >= SMALL_SITE]
            )
            graded = [p for p in of_language if p.grade is not None]
            good = [p for p in graded if p.grade is not None and p.grade >= GRADE]
            kept_good, kept_graded = len(_left(good, used)), len(_left(graded, used))
            cells.append(
                f"{language}: {dropped:.3f} ({by_site:.3f}), {kept_good / len(good):.3f} of "
                f"{len(good)}, {kept_good / max(1, kept_graded):.3f}"
            )
        print("   ".join(cells))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The cascade on sites its models did not see.")
    parser.add_argument("--data", type=Path, required=True, help="labelled crawl and graded pages")
    parser.add_argument("--views", type=Path, help="texts of the pages: read, or made and written")
    parser.add_argument("--scores", type=Path, help="scores of the pages: read, or written")
    parser.add_argument("--folds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
