"""How the precision classifier grows with the number of sites it was trained on.

    python benchmarks/learning_curve.py --data ../shared/data --views views.jsonl.gz

The graded pages of `sites/` are dealt into four parts by their owner (`key`). Each part is scored
by models trained on some of the other parts' sites and on nothing else: 50, 100, 200 and all of
them, each set within the next. Prints, by number of sites and language, the area under the curve
and precision at recall 0.85 among all pages and near the line, beside counting formulas, which
needs no site.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from infimm_spark.classify.fasttext_model import load_fasttext
from infimm_spark.classify.features import excerpt, normalise
from infimm_spark.classify.mathematics import bounded_log_odds, positive_probability
from infimm_spark.classify.trees import Walker
from infimm_spark.training.beside import compared
from infimm_spark.training.fitting import Example, train_model
from infimm_spark.training.judging import TreeFit
from infimm_spark.training.labelled import read_jsonl, site_examples
from infimm_spark.training.measures import Prediction
from infimm_spark.training.recipes import RECIPES, extra_examples
from infimm_spark.training.strewn import strewn_examples
from infimm_spark.training.views import load_views

PARTS = 4
SIZES = (50, 100, 200, 400)


def main() -> None:
    """Print a row for each number of sites, language and choice of pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds sites/")
    parser.add_argument("--views", type=Path, help="texts of the pages: read, or made and written")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pages = list(read_jsonl(options.data / "sites" / "pages.jsonl.gz"))
    site_of = {row["id"]: row["site"] for row in pages}
    views = load_views(options.data, options.views)
    graded = [e for e in site_examples("precision", pages, views) if e.weight]
    owners = sorted({e.site for e in graded})
    random.Random(options.seed).shuffle(owners)
    part_of = {owner: number % PARTS for number, owner in enumerate(owners)}
    print("sites | owners | texts | pages | counting formulas | fastText alone | this model")
    for size in SIZES:
        _row(graded, site_of, part_of, size, options.seed)


def _row(
    graded: Sequence[Example],
    site_of: dict[str, str],
    part_of: dict[str, int],
    size: int,
    seed: int,
) -> None:
    found: list[Prediction] = []
    counts = []
    for part in range(PARTS):
        sites = sorted({site_of[e.page] for e in graded if part_of[e.site] != part})
        random.Random(f"{seed} {part}").shuffle(sites)
        chosen = set(sites[:size])
        taught = [e for e in graded if part_of[e.site] != part and site_of[e.page] in chosen]
        asked = [e for e in graded if part_of[e.site] == part and e.view == "text"]
        counts.append((len(chosen), len({e.site for e in taught})))
        found += _scored(taught, asked)
    sites_n, owners_n = (sum(column) / len(counts) for column in zip(*counts, strict=True))
    for row in compared(found):
        rules = " | ".join(
            f"{row['rules'][name]['auc']:.3f} / {row['rules'][name]['precision']:.2f}"
            for name in ("counting formulas", "fastText alone", "this model")
        )
        print(
            f"{sites_n:.0f} | {owners_n:.0f} | {row['texts']} | {row['pages']} | {rules}",
            flush=True,
        )


def _scored(taught: Sequence[Example], asked: Sequence[Example]) -> list[Prediction]:
    """Predictions of `asked` by fastText and trees fitted on `taught`; not calibrated."""
    recipe = RECIPES["precision"].parameters
    assert recipe.judgement is not None
    weight, chars = recipe.judgement.words, recipe.max_chars
    texts = [*taught, *strewn_examples(taught), *extra_examples("precision")]
    words = train_model(texts, replace(recipe, bare=False, judgement=None), measure=False)
    both = TreeFit([*texts, *asked], recipe.judgement, max_chars=chars)
    shown = [row for row, e in enumerate(texts) if not e.view.startswith("quick")]
    trees = Walker(both.fit(np.array(shown))).log_odds_of_many(both.facts[len(texts) :])
    with tempfile.TemporaryDirectory(prefix="infimm-curve-") as folder:
        path = Path(folder) / "words.ftz"
        path.write_bytes(words.model)
        model = load_fasttext(path)
        lines = [normalise(excerpt(e.text, chars), e.language) for e in asked]
        known = [positive_probability(model, line) for line in lines]
    return [
        replace(e, measured=True).predicted(
            1 / (1 + math.exp(-(weight * bounded_log_odds(word) + tree))), word
        )
        for e, word, tree in zip(asked, known, trees.tolist(), strict=True)
    ]


if __name__ == "__main__":
    main()
