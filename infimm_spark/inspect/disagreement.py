"""Pages of a run on which its classifier and a teacher disagree most: what a grade settles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from infimm_spark.report.judges.judges import Judged, judge_of

PROPOSED = "disagreement"


def disagreements(
    rows: Iterable[Mapping[str, Any]],
    score: str,
    teacher: str,
    *,
    per_language: int,
    per_host: int,
) -> list[dict[str, Any]]:
    """The rows with `teacher_prob` and `disagreement` (the distance of both probabilities), the
    largest first, at most `per_language` of a language and `per_host` of a host.

    `rows` have id, url, host, language, text and `score`; those without a score are left out, as
    are those on which the teacher says nothing. `teacher` is named as for `infimm compare-judges`.
    """
    scored = [dict(row) for row in rows if row[score] is not None]
    documents = [
        Judged(r["id"], r["url"] or "", r["language"] or "", r["text"], len(r["text"]), r[score])
        for r in scored
    ]
    found = []
    for row, prob in zip(scored, judge_of(teacher).score(documents), strict=True):
        if prob is not None:
            apart = round(abs(float(row[score]) - prob), 6)
            found.append(row | {"teacher_prob": prob, "disagreement": apart, "proposed": PROPOSED})
    found.sort(key=lambda row: (-row["disagreement"], row["id"]))
    hosts: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    chosen = []
    for row in found:
        host, language = str(row["host"]), str(row["language"])
        if hosts[host] < per_host and languages[language] < per_language:
            hosts[host] += 1
            languages[language] += 1
            chosen.append(row)
    return chosen
