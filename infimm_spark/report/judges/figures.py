"""Figures of judges at equal keep rates, as table 5 of the paper compares a language model with
fastText.

At a keep rate each judge keeps the same number of documents: those it scores highest, ties by a
hash of the id. So a judge that is only stricter does not look better, and the length of what is
kept shows whom a judge favours.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from infimm_spark.classify.facts import FACTS, facts
from infimm_spark.classify.features import excerpt, read
from infimm_spark.report.judges.judges import Judged
from infimm_spark.training.labelled import GRADE
from infimm_spark.urls import site_host

_READ_CHARS = 2_000
"""Of the excerpt whose words are read."""
_HOSTS = 10
"""Hosts with a row of their own: the largest."""

Kept = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def comparison(
    documents: Sequence[Judged],
    scores: dict[str, Floats],
    grades: Sequence[float | None],
    keep: Sequence[float],
) -> dict[str, Any]:
    """Plain JSON values: by keep rate the judges, their pairs, and slices by language, kind of page
    and host; over all scores their rank correlations.

    `scores` has a score for every document. Precision and recall are of graded documents (grade 6
    and more), None where there are none.
    """
    order = np.argsort([hashlib.blake2b(d.id.encode(), digest_size=8).digest() for d in documents])
    lengths = np.array([d.text_length for d in documents], dtype=np.float64)
    known = np.array([grade is not None for grade in grades], dtype=np.bool_)
    good = np.array([grade is not None and grade >= GRADE for grade in grades], dtype=np.bool_)
    slices = _slices(documents)
    rates = []
    for rate in keep:
        kept = {name: _highest(values, rate, order) for name, values in scores.items()}
        rates.append(
            {
                "rate": rate,
                "documents": int(next(iter(kept.values())).sum()) if kept else 0,
                "judges": [
                    {
                        "judge": name,
                        "threshold": float(scores[name][chosen].min()) if chosen.any() else None,
                        **_quality(chosen, known, good),
                        **_lengths(lengths[chosen]),
                    }
                    for name, chosen in kept.items()
                ],
                "pairs": _pairs(kept),
                "slices": {
                    kind: [
                        {
                            "name": name,
                            "documents": int(members.sum()),
                            "judges": {
                                judge: {
                                    "kept_share": _share(chosen, members),
                                    **_quality(chosen & members, known & members, good & members),
                                }
                                for judge, chosen in kept.items()
                            },
                        }
                        for name, members in of_kind.items()
                    ]
                    for kind, of_kind in slices.items()
                },
            }
        )
    return {
        "documents": len(documents),
        "graded": int(known.sum()),
        "good": int(good.sum()),
        "length": _lengths(lengths),
        "rates": rates,
        "rank_correlation": _correlations({**scores, "text length": lengths}),
    }


def page_kind(text: str, language: str) -> str:
    """A page's kind by its facts: code, list, worked mathematics, formulas, prose."""
    values = facts(text, language, read(excerpt(text, _READ_CHARS), language))
    found = dict(zip(FACTS, values, strict=True))
    formulas = np.expm1(found["formulas"])
    if found["code_share"] > 0.3:
        return "code"
    if formulas < 3 and found["short_text"] > 0.5:
        return "list"
    if formulas >= 3:
        return "worked" if found["formula_prose_share"] > 0.2 else "formulas"
    return "prose"


def _highest(values: Floats, rate: float, order: npt.NDArray[np.intp]) -> Kept:
    """The share `rate` of documents with the highest values; ties in `order`."""
    ranked = order[np.argsort(-values[order], kind="stable")]
    kept = np.zeros(len(values), dtype=np.bool_)
    kept[ranked[: round(rate * len(values))]] = True
    return kept


def _quality(kept: Kept, known: Kept, good: Kept) -> dict[str, Any]:
    of_kept = int((kept & known).sum())
    found = int((kept & good).sum())
    return {
        "graded_kept": of_kept,
        "precision": round(found / of_kept, 4) if of_kept else None,
        "recall": round(found / int(good.sum()), 4) if good.any() else None,
    }


def _lengths(lengths: Floats) -> dict[str, Any]:
    if not len(lengths):
        return {"mean_length": None, "length_deviation": None, "median_length": None}
    return {
        "mean_length": round(float(lengths.mean()), 1),
        "length_deviation": round(float(lengths.std()), 1),
        "median_length": round(float(np.median(lengths)), 1),
    }


def _pairs(kept: dict[str, Kept]) -> list[dict[str, Any]]:
    """Of each pair of judges: share of equal verdicts, overlap of what they keep, Cohen's kappa."""
    names = list(kept)
    found = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            a, b = kept[first], kept[second]
            agreement = float((a == b).mean()) if len(a) else 1.0
            chance = float(a.mean() * b.mean() + (~a).mean() * (~b).mean()) if len(a) else 0.0
            either = int((a | b).sum())
            found.append(
                {
                    "judges": [first, second],
                    "agreement": round(agreement, 4),
                    "overlap": round(int((a & b).sum()) / either, 4) if either else None,
                    "kappa": round((agreement - chance) / (1 - chance), 4) if chance < 1 else None,
                }
            )
    return found


def _slices(documents: Sequence[Judged]) -> dict[str, dict[str, Kept]]:
    """Slice -> value -> which documents; hosts are the largest, the rest as one."""
    hosts = [site_host(d.url) or "" for d in documents]
    largest = {host for host, _ in Counter(hosts).most_common(_HOSTS)}
    values = {
        "language": [d.language for d in documents],
        "kind": [page_kind(d.text, d.language) for d in documents],
        "host": [host if host in largest else "other hosts" for host in hosts],
    }
    found: dict[str, dict[str, Kept]] = {}
    for kind, of_each in values.items():
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, value in enumerate(of_each):
            rows[value].append(row)
        found[kind] = {}
        for value, members in sorted(rows.items(), key=lambda item: (-len(item[1]), item[0])):
            found[kind][value] = np.isin(np.arange(len(documents)), members)
    return found


def _share(kept: Kept, members: Kept) -> float:
    return round(float(kept[members].mean()), 4)


def _correlations(scores: dict[str, Floats]) -> dict[str, dict[str, float | None]]:
    """Spearman's, of every judge with every other and with the length of the text."""
    from infimm_spark.training.measures import spearman

    def of(a: Floats, b: Floats) -> float | None:
        constant = len(a) < 2 or (a == a[0]).all() or (b == b[0]).all()
        return None if constant else round(spearman(a, b), 4)

    return {
        name: {other: of(values, scores[other]) for other in scores if other != name}
        for name, values in scores.items()
    }
