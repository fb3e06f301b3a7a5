"""Train and measure the two mathematics classifiers; nothing here needs Spark.

    python jobs/train_defaults.py --data ../shared/data --output infimm_spark/classify/models

`--data` holds a labelled crawl (`commoncrawl/`, with `labels.jsonl.gz`), graded pages of it
(`annotations/annotated.jsonl.gz`) and, if there are any, of many other sites (`sites/`, WARC files
with `pages.jsonl.gz`). Every page is extracted first, which takes minutes; `--views
FILE` keeps the texts for another time (delete the file when extraction has changed). Writes models,
their cards, and, with `--predictions DIR`, the out-of-site score of every text. The same data,
views and date give the same bytes.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from infimm_spark.classify.mathematics import Kind
from infimm_spark.errors import InfimmError
from infimm_spark.languages import LANGUAGES
from infimm_spark.training.beside import compared, reliability, threshold_at_precision
from infimm_spark.training.cards import BESIDE, RELIABILITY, SPREAD, write_model
from infimm_spark.training.command import counts_of
from infimm_spark.training.fitting import train_model
from infimm_spark.training.labelled import labelled_examples
from infimm_spark.training.measures import Prediction, evaluate
from infimm_spark.training.recipes import RECIPES, extra_examples
from infimm_spark.training.views import View, load_views


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        views = load_views(options.data, options.views)
        for kind in options.kind:
            _train(kind, options, views)
    except InfimmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _train(kind: Kind, options: argparse.Namespace, views: Sequence[View]) -> None:
    recipe = RECIPES[kind]
    examples = [*labelled_examples(kind, options.data, views), *extra_examples(kind)]
    trained = train_model(examples, recipe.parameters)
    if options.predictions is not None:
        _write_predictions(options.predictions / f"{kind}.jsonl.gz", trained.predictions)
    path = write_model(
        options.output,
        kind,
        trained.model,
        parameters=recipe.parameters,
        data=counts_of(e for e in examples if e.weight),
        evaluation=evaluate(trained.predictions, recipe.threshold)
        | {
            BESIDE: compared(trained.predictions),
            RELIABILITY: reliability(trained.predictions),
            SPREAD: trained.spread,
        },
        shift=trained.shift,
        default_threshold=recipe.threshold,
        trained=options.date,
        notes=recipe.notes,
        judgement=trained.judgement,
        thresholds={
            language: threshold_at_precision(trained.predictions, language, recipe.precision)
            for language in LANGUAGES
        }
        if recipe.precision is not None
        else None,
    )
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


def _write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for prediction in predictions:
            file.write(json.dumps(prediction._asdict(), ensure_ascii=False) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="labels and graded pages")
    parser.add_argument(
        "--views", type=Path, help="texts of the crawl's pages (JSONL): read, or made and written"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for models and cards")
    parser.add_argument("--predictions", type=Path, help="folder for out-of-site scores")
    parser.add_argument(
        "--kind", nargs="+", choices=["recall", "precision"], default=["recall", "precision"]
    )
    parser.add_argument(
        "--date",
        type=datetime.date.fromisoformat,
        default=datetime.datetime.now(datetime.UTC).date(),
        help="date for the card (today)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
