"""The classifiers on sites they did not see, and their speed.

    python benchmarks/classifiers.py --data ../shared/data --predictions cv/

`cv/` holds the out-of-site scores that `jobs/train_defaults.py --predictions` writes. Prints, by
language: AUC, precision at recalls, AUC without the positives that show no formula (labels of a
site cover its prefaces too), the figures by site, the share of labelled pages that pass the cascade
(quick text at the lower floor, extracted text at the threshold) and the precision classifier; then
documents a second of one core.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from infimm_spark.classify.facts import facts
from infimm_spark.classify.features import normalise, read
from infimm_spark.classify.language import LanguageIdentifier
from infimm_spark.classify.mathematics import Kind, load_classifier
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.classify.trees import Walker
from infimm_spark.config import BuildConfig
from infimm_spark.training.beside import beside_markdown, compared
from infimm_spark.training.labelled import read_jsonl
from infimm_spark.training.measures import RECALLS, Prediction, auc, evaluate

T = TypeVar("T")

_SPEED_CHARS = 2_000
_SPEED_TEXTS = 2_000


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Classifiers on unseen sites, and their speed.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    options = parser.parse_args()
    recall = _read(options.predictions / "recall.jsonl.gz")
    for kind, predictions in (
        ("recall", recall),
        ("precision", _read(options.predictions / "precision.jsonl.gz")),
    ):
        print(f"\n{kind} classifier, unseen sites")
        _figures(predictions)
        print(beside_markdown(compared(predictions)))
    _with_formulas(recall)
    _by_site(recall)
    _cascade(recall)
    _speed(options.data)


def _figures(predictions: Sequence[Prediction]) -> None:
    heads = "".join(f"{f'precision@{r}':>16}" for r in RECALLS)
    print(f"{'texts':<12}{'pos/neg':>12}{'AUC':>8}{'Spearman':>10}{heads}")
    for name, figures in evaluate(predictions).items():
        points = {
            p["recall_wanted"]: p for p in figures["operating_points"] if "recall_wanted" in p
        }
        cells = "".join(
            f"{points[r]['precision']:>8.3f} ({points[r]['threshold']:.2f}) " for r in RECALLS
        )
        counts = f"{figures['positive']}/{figures['negative']}"
        rank = figures.get("spearman")
        print(
            f"{name:<12}{counts:>12}{figures['auc']:>8.4f}"
            f"{f'{rank:.3f}' if rank is not None else '':>10}{cells}"
        )


def _with_formulas(predictions: Sequence[Prediction]) -> None:
    """AUC of extracted texts; a label that came with the site says nothing of a page without a
    formula."""
    print("\nrecall classifier, extracted texts: AUC, and without positives that show no formula")
    texts = [p for p in predictions if p.measured and p.view == "text"]
    for language in sorted({p.language for p in texts}):
        members = [p for p in texts if p.language == language]
        shown = [p for p in members if not p.label or p.formulas]
        whole, part = (
            auc(
                np.array([p.prob for p in group], dtype=np.float64),
                np.array([p.label == 1 for p in group], dtype=np.bool_),
            )
            for group in (members, shown)
        )
        print(
            f"{language}  {whole:.4f}  {part:.4f} ({len(members) - len(shown)} positives left out)"
        )


def _by_site(predictions: Sequence[Prediction]) -> None:
    threshold = with_thresholds(BuildConfig()).dedup.recall_threshold
    print(f"\nrecall classifier by site: share at or above {threshold} (extracted text)")
    groups: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
    for p in predictions:
        if p.measured and p.view == "text":
            groups[p.language, p.site, p.label].append(p.prob)
    for (language, site, label), scores in sorted(groups.items()):
        if len(scores) >= 20:
            kept = np.mean(np.array(scores) >= threshold)
            kind = "math" if label else "nonmath"
            print(f"{language}  {kind:<8} {site:<34}{len(scores):>6}{kept:>8.3f}")


def _cascade(predictions: Sequence[Prediction]) -> None:
    config = with_thresholds(BuildConfig())
    floor, threshold = config.extract.recall_floor, config.dedup.recall_threshold
    print(f"\npages past the floor {floor} (quick text) and the threshold {threshold} (extracted)")
    pages: defaultdict[tuple[str, int, str], dict[str, float]] = defaultdict(dict)
    for p in predictions:
        if p.measured and p.view in ("quick", "text"):
            pages[p.language, p.label, p.page][p.view] = p.prob
    groups: defaultdict[tuple[str, int], list[bool]] = defaultdict(list)
    for (language, label, _page), views in pages.items():
        if "quick" in views and "text" in views:
            passed = views["quick"] >= floor and views["text"] >= threshold
            groups[language, label].append(passed)
    for (language, label), passed_all in sorted(groups.items()):
        kind = "math" if label else "nonmath"
        print(f"{language}  {kind:<8}{len(passed_all):>6}{np.mean(passed_all):>8.3f}")


def _speed(data: Path) -> None:
    print(f"\ntexts of {_SPEED_CHARS} characters a second, one core")
    texts = []
    for row in read_jsonl(data / "annotations" / "annotated.jsonl.gz"):
        if len(row["excerpt"]) >= _SPEED_CHARS:
            texts.append((row["excerpt"][:_SPEED_CHARS], row["lang"]))
    texts = (texts * (1 + _SPEED_TEXTS // len(texts)))[:_SPEED_TEXTS]
    lines = [normalise(text, language) for text, language in texts]
    identifier = LanguageIdentifier()
    _print_rate("normalise", texts, lambda pair: normalise(*pair))
    _print_rate("language", texts, lambda pair: identifier.identify(pair[0]))
    kinds: tuple[Kind, Kind] = ("recall", "precision")
    for kind in kinds:
        classifier = load_classifier(None, kind)
        _print_rate(f"{kind}, prediction alone", lines, classifier.predict)
        if classifier.card.judgement is not None:
            readings = [(text, language, read(text, language)) for text, language in texts]
            walker = Walker(classifier.card.judgement.trees)
            _print_rate(
                f"{kind}, facts and trees", readings, lambda row, w=walker: w.log_odds(facts(*row))
            )
        _print_rate(f"{kind}, with normaliser", texts, lambda pair, c=classifier: c.score(*pair))


def _print_rate(name: str, items: Sequence[T], action: Callable[[T], object]) -> None:
    """Items a second of processor time; the best of three passes, as others share the machine."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        for item in items:
            action(item)
        seconds.append(time.process_time() - started)
    print(f"{name:<28}{len(items) / min(seconds):>8.0f}")


def _read(path: Path) -> list[Prediction]:
    return [Prediction(**row) for row in read_jsonl(path)]


if __name__ == "__main__":
    main()
