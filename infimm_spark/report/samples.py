"""Pages of a run to look at: some that were kept and some of each reason, drawn by a seed.

A page is drawn by a hash of its id and the seed, so that the same run and seed give the same pages.
Texts come from a few files of each table (`query.SAMPLED_FILES`): a run of millions is not read
from end to end to show a hundred of its pages.
"""

from __future__ import annotations

from typing import Any

from infimm_spark.report.query import RunQueries

PAGES = 20
"""Pages kept, and pages of each reason."""

_DRAWN = "md5(id || ?)"
_TEXT = "array_to_string(list_transform(segments, lambda s: s.text), '\n\n')"
_COLUMNS = "id, url, snapshot, language, title, n_formulas, n_images, text_length, segments"


def samples(queries: RunQueries, seed: int = 1, pages: int = PAGES) -> dict[str, Any]:
    """`kept` documents and, by stage and reason, `dropped` ones, each as a dictionary.

    Those dropped before they were extracted, and failed records, have no `segments`.
    """
    return {
        "seed": seed,
        "pages": pages,
        "kept": _documents(queries, "scored_drawn", "drop_stage IS NULL", seed, pages),
        "dropped": _dropped(queries, seed, pages),
    }


def texts_by_encoding(queries: RunQueries, seed: int = 1, texts: int = 6) -> dict[str, list[str]]:
    """Texts of documents all of whose formulas have one encoding, by that encoding."""
    rows = queries.rows(
        f"SELECT encoding, min_by(text, {_DRAWN}, {texts}) AS texts FROM"
        " (SELECT id, formula_counts[1].encoding AS encoding, "
        f"{_TEXT} AS text FROM documents_drawn WHERE len(formula_counts) > 0"
        " AND len(list_distinct(list_transform(formula_counts, lambda c: c.encoding))) = 1)"
        " GROUP BY 1",
        [f":{seed}"],
    )
    return {row["encoding"]: row["texts"] for row in rows}


def invalid_texts(queries: RunQueries, seed: int = 1, texts: int = 200) -> list[str]:
    """Texts of documents with an invalid formula."""
    rows = queries.rows(
        f"SELECT {_TEXT} AS text FROM documents_drawn WHERE"
        " len(list_filter(formula_counts, lambda c: c.outcome = 'invalid')) > 0"
        f" ORDER BY {_DRAWN} LIMIT {texts}",
        [f":{seed}"],
    )
    return [row["text"] for row in rows]


def _dropped(queries: RunQueries, seed: int, pages: int) -> list[dict[str, Any]]:
    """One entry a stage and reason, in the order of the funnel."""
    ids = {
        (row["stage"], row["reason"]): row
        for row in queries.rows(
            "SELECT stage, outcome, reason, count(*) AS listed,"
            " min_by({'id': id, 'url': url, 'snapshot': snapshot, 'language': language,"
            f" 'score': score, 'detail': detail}}, {_DRAWN}, {pages}) AS drawn"
            " FROM rejects GROUP BY ALL",
            [f":{seed}"],
        )
    }
    found = []
    for (stage, reason), row in ids.items():
        drawn = [{**page, "segments": None} for page in row["drawn"]]
        if stage in ("rules", "precision"):
            where = f"drop_stage = '{stage}' AND drop_reason IS NOT DISTINCT FROM ?"
            drawn = _documents(queries, "scored_drawn", where, seed, pages, [reason])
        elif stage in ("recall", "dedup"):
            where = (
                "id IN (SELECT id FROM rejects WHERE stage = ? AND reason IS NOT DISTINCT FROM ?)"
            )
            drawn = _documents(queries, "documents_drawn", where, seed, pages, [stage, reason])
            _add_verdicts(queries, drawn)
        found.append(
            {
                "stage": stage,
                "reason": reason,
                "outcome": row["outcome"],
                "listed": row["listed"],
                "pages": drawn,
            }
        )
    return found


def _documents(
    queries: RunQueries,
    view: str,
    where: str,
    seed: int,
    pages: int,
    parameters: list[Any] | None = None,
) -> list[dict[str, Any]]:
    scores = "language_prob, recall_prob, math_prob"
    if view.startswith("scored"):
        scores += ", quality_prob, punctuation_ratio, drop_score AS score"
    order = queries.rows(
        f"SELECT id FROM {view} WHERE {where} ORDER BY {_DRAWN} LIMIT {pages}",
        [*(parameters or []), f":{seed}"],
    )
    ids = [row["id"] for row in order]
    rows = queries.rows(
        f"SELECT {_COLUMNS}, formula_counts, macros, {scores} FROM {view}"
        f" WHERE id IN ({', '.join('?' * len(ids)) or 'NULL'})",
        ids,
    )
    by_id = {row["id"]: row for row in rows}
    return [by_id[name] for name in ids]


def _add_verdicts(queries: RunQueries, pages: list[dict[str, Any]]) -> None:
    """Score and detail of the rejects rows; for duplicates the URL of the document that stays."""
    ids = [page["id"] for page in pages]
    rows = queries.rows(
        "SELECT rejects.id AS id, score, detail, kept.url AS kept_url FROM rejects"
        " LEFT JOIN duplicates ON duplicates.id = rejects.id"
        " LEFT JOIN documents AS kept ON kept.id = duplicates.kept_id"
        f" WHERE rejects.id IN ({', '.join('?' * len(ids)) or 'NULL'})",
        ids,
    )
    verdicts = {row["id"]: row for row in rows}
    for page in pages:
        page.update({k: v for k, v in verdicts.get(page["id"], {}).items() if k != "id"})
