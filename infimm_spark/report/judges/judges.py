"""The judges that `infimm compare-judges` puts side by side, each named as on the command line.

| judge | score |
|---|---|
| `stored` | `quality_prob` of the run |
| `fasttext` | the packaged precision classifier |
| `counting` | delimited formulas in the text |
| `FILE.ftz` | a fastText classifier with its card |
| `FILE.encoder.npz` | an encoder judge with its card |
| `FILE.jsonl` | grades of `infimm annotate`, of a language model or of people |
| `module:factory` | a scorer of the user's own |

`NAME=JUDGE` gives a judge another name in the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infimm_spark import store
from infimm_spark.annotation.documents import read_rows
from infimm_spark.classify.encoder.judge import SUFFIX, load_judge
from infimm_spark.classify.features import count_formulas
from infimm_spark.classify.mathematics import load_classifier
from infimm_spark.classify.own_scorer import OwnScorer
from infimm_spark.errors import InputError
from infimm_spark.usercode import NAME


@dataclass(frozen=True, slots=True)
class Judged:
    """A document that is judged."""

    id: str
    url: str
    language: str
    text: str
    text_length: int
    stored: float | None


Scores = list[float | None]
"""One for each document, in order; None where the judge has none."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A name for the tables, and the scoring of documents: higher is better."""

    name: str
    score: Callable[[Sequence[Judged]], Scores]


def judge_of(spec: str) -> Judge:
    """The judge that `spec` names; raises `InputError` for none, `ModelError` for a bad file."""
    name, _, rest = spec.partition("=")
    if not rest:
        name, rest = "", spec
    elif not name:
        raise InputError(f"--judges {spec!r}: expected NAME=JUDGE with a name")
    return Judge(name or _short(rest), _scorer(rest))


def grades_of(location: str) -> dict[str, float]:
    """Grades (0-10) by the id and by the URL of the rows of a table: `score`, or `label` as 0 or
    10.

    Raises `InputError` where no row has one.
    """
    found: dict[str, float] = {}
    columns = ("id", "url", "url_real", "score", "label")
    for row in read_rows(location, columns):
        grade = row.get("score")
        if grade is None and str(row.get("label")) in ("0", "1"):
            grade = 10.0 * int(row["label"])
        if isinstance(grade, int | float):
            for key in ("id", "url"):
                if row.get(key):
                    found[str(row[key])] = float(grade)
    if not found:
        raise InputError(
            f"{store.shown(location)} holds no grades; expected rows with id or url, and score"
        )
    return found


def graded(document: Judged, grades: dict[str, float]) -> float | None:
    """The grade of a document, found by its id or else its URL."""
    return grades.get(document.id, grades.get(document.url))


def _scorer(spec: str) -> Callable[[Sequence[Judged]], Scores]:
    if spec == "stored":
        return lambda documents: [document.stored for document in documents]
    if spec == "counting":
        return lambda documents: [float(count_formulas(d.text)) for d in documents]
    if spec == "fasttext" or spec.endswith((".ftz", ".bin")):
        return _by_model(load_classifier(None if spec == "fasttext" else spec, "precision"))
    if spec.endswith(SUFFIX):
        return _by_model(load_judge(spec))
    if spec.endswith((".jsonl", ".jsonl.gz", ".json", ".parquet")):
        grades = grades_of(spec)
        return lambda documents: [graded(document, grades) for document in documents]
    if re.fullmatch(NAME, spec):
        return _by_model(OwnScorer(spec, "precision"))
    raise InputError(
        f"--judges {spec!r}: expected stored, fasttext, counting, a model (.ftz, {SUFFIX}), a file "
        "of grades (.jsonl), or module:factory"
    )


def _by_model(model: Any) -> Callable[[Sequence[Judged]], Scores]:
    def score(documents: Sequence[Judged]) -> Scores:
        texts = [document.text for document in documents]
        found: Scores = [*model.score_many(texts, [document.language for document in documents])]
        return found

    return score


def _short(spec: str) -> str:
    """`models/precision.encoder.npz` -> `precision.encoder`."""
    if ":" in spec and re.fullmatch(NAME, spec):
        return spec
    name = Path(spec).name
    for suffix in (".jsonl.gz", ".jsonl", ".json", ".npz", ".ftz", ".bin", ".parquet"):
        name = name.removesuffix(suffix)
    return name
