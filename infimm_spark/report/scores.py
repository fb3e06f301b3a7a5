"""How the scores of a run are spread, and how many documents any other threshold would keep.

Counts stand in classes of `WIDTH`, by language, so that a page can answer for every threshold
without the run: stored scores are counted, no page is read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infimm_spark.cascade.judge import LANGUAGE_UNCERTAIN, PLAIN_FLOOR, RECALL_FLOOR
from infimm_spark.classify.thresholds import Threshold
from infimm_spark.config import BuildConfig, LengthThreshold
from infimm_spark.languages import language_of
from infimm_spark.report.query import RunQueries

CLASSES = 200
WIDTH = 1 / CLASSES


@dataclass(frozen=True, slots=True)
class Score:
    """A stored score, the setting it is compared with, and where its values are.

    `values` are queries with the columns language, score, is_kept (by this comparison) and
    in_corpus.
    """

    name: str
    title: str
    key: str
    threshold: float | None
    values: tuple[str, ...]
    keeps: str = "at least"
    """Documents `at least` or `at most` at the threshold pass."""
    note: str = ""


def score_figures(
    queries: RunQueries, config: BuildConfig, thresholds: Sequence[Threshold]
) -> list[dict[str, Any]]:
    """For each score its threshold and, by language, counts in `CLASSES` classes: `kept`,
    `dropped`, `corpus`. Scores without any value are left out."""
    found = []
    for score in _scores(config, {t.key: t.value for t in thresholds}):
        languages = _counted(queries, score, config.rejects.fraction)
        if languages:
            found.append(
                {
                    "name": score.name,
                    "title": score.title,
                    "key": score.key,
                    "threshold": score.threshold,
                    "keeps": score.keeps,
                    "note": score.note,
                    "classes": CLASSES,
                    "languages": languages,
                }
            )
    return found


def threshold_sql(
    threshold: float,
    by_length: Sequence[LengthThreshold],
    by_language: Mapping[str, float] | None = None,
) -> str:
    """The threshold of a row's `text_length`, or else of its `language`, as an SQL expression."""
    bands = sorted(by_length, key=lambda band: -band.min_chars)
    cases = "".join(f" WHEN text_length >= {b.min_chars} THEN {b.threshold!r}" for b in bands)
    for language, own in (by_language or {}).items():
        name = language.replace("'", "''")
        cases += f" WHEN language = '{name}' THEN {own!r}"
    return f"(CASE{cases} ELSE {threshold!r} END)" if cases else f"{threshold!r}"


def _scores(config: BuildConfig, thresholds: dict[str, float]) -> list[Score]:
    extract, rules = config.extract, config.rules
    lacks = "Pages below it were not extracted: a lower value means reading them again."
    by_length = "By text length other thresholds are in use; the mark shows the one for all others."
    recall = thresholds.get("dedup.recall_threshold")
    precision = thresholds.get("rules.precision_threshold")
    recall_at = threshold_sql(recall or 0.0, config.dedup.recall_threshold_by_length)
    judged = [c for c in config.extract.languages if language_of(c).punctuation_rule]
    return [
        Score(
            "language_prob",
            "Probability of the language",
            "extract.language_threshold",
            extract.language_threshold,
            (_extracted("language_prob"), _rejected(LANGUAGE_UNCERTAIN)),
            note=lacks,
        ),
        Score(
            "recall_prob",
            "Recall classifier on the quick text",
            "extract.recall_floor",
            extract.recall_floor,
            (_extracted("recall_prob"), _rejected(RECALL_FLOOR, PLAIN_FLOOR)),
            note=f"{lacks} Pages without any sign of a formula have a floor of their own, "
            f"extract.plain_floor {extract.plain_floor:g}.",
        ),
        Score(
            "math_prob",
            "Recall classifier on the extracted text",
            "dedup.recall_threshold",
            recall,
            (_extracted("math_prob", f"math_prob >= {recall_at}"),),
            note=by_length if config.dedup.recall_threshold_by_length else "",
        ),
        Score(
            "jaccard",
            "Verified Jaccard similarity of removed near-duplicates",
            "dedup.minhash.threshold",
            config.dedup.minhash.threshold,
            (
                "SELECT 'all' AS language, jaccard AS score, false AS is_kept, false AS in_corpus"
                " FROM duplicates WHERE reason = 'near'",
            ),
            keeps="removes",
            note="Pairs below it were not removed and are not listed.",
        ),
        Score(
            "punctuation_ratio",
            "Share of punctuation",
            "rules.max_punctuation_ratio",
            rules.max_punctuation_ratio,
            (
                "SELECT language, punctuation_ratio AS score,"
                " drop_reason IS DISTINCT FROM 'punctuation_ratio' AS is_kept,"
                " drop_stage IS NULL AS in_corpus FROM scored"
                f" WHERE language IN ({_listed(judged)})",
            ),
            keeps="at most",
        ),
        Score(
            "quality_prob",
            "Precision classifier",
            "rules.precision_threshold",
            precision,
            (
                "SELECT language, quality_prob AS score, drop_stage IS NULL AS is_kept,"
                " drop_stage IS NULL AS in_corpus FROM scored WHERE quality_prob IS NOT NULL",
            ),
            note=by_length if rules.precision_threshold_by_length else "",
        ),
    ]


def _extracted(column: str, is_kept: str = "true") -> str:
    """Values of all extracted documents; those of the corpus are marked."""
    return (
        f"SELECT language, {column} AS score, {is_kept} AS is_kept, false AS in_corpus"
        f" FROM documents WHERE {column} IS NOT NULL"
        f" UNION ALL SELECT language, {column} AS score, NULL AS is_kept, true AS in_corpus"
        f" FROM scored WHERE drop_stage IS NULL AND {column} IS NOT NULL"
    )


def _rejected(*reasons: str) -> str:
    return (
        "SELECT language, score, false AS is_kept, false AS in_corpus FROM rejects"
        f" WHERE stage = 'extract' AND reason IN ({_listed(reasons)}) AND score IS NOT NULL"
    )


def _listed(values: Sequence[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values) or "NULL"


def _counted(queries: RunQueries, score: Score, fraction: float) -> dict[str, dict[str, list[int]]]:
    """Counts in classes by language. Of sampled rejects each stands for several."""
    languages: dict[str, dict[str, list[int]]] = {}
    for values in score.values:
        weight = 1 / fraction if "FROM rejects" in values and fraction else 1.0
        rows = queries.rows(
            "SELECT coalesce(language, '?') AS language,"
            f" greatest(0, least({CLASSES - 1}, floor(score::DOUBLE * {CLASSES} + 1e-9)))::INTEGER"
            " AS class, count(*) FILTER (is_kept) AS kept,"
            " count(*) FILTER (NOT is_kept) AS dropped, count(*) FILTER (in_corpus) AS corpus"
            f" FROM ({values}) GROUP BY 1, 2"
        )
        for row in rows:
            counts = languages.setdefault(
                row["language"],
                {name: [0] * CLASSES for name in ("kept", "dropped", "corpus")},
            )
            for name in ("kept", "dropped", "corpus"):
                counts[name][row["class"]] += round(row[name] * weight)
    return dict(sorted(languages.items(), key=lambda item: (-sum(item[1]["kept"]), item[0])))
