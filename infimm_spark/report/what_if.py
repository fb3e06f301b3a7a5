"""What other settings would do to a run, answered from its stored scores: no page is read again.

Every extracted document is judged anew by the comparisons of the stages. Where a stored value is
missing – a document that an earlier step dropped was never scored by the later ones – the answer
says how many documents would have to be judged first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig, override
from infimm_spark.errors import ConfigError
from infimm_spark.languages import language_of
from infimm_spark.report.query import RunQueries
from infimm_spark.report.scores import threshold_sql
from infimm_spark.rules.filters import RULES
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest, shown_value
from infimm_spark.run.stored import stored_config, stored_run

STEPS = ("extract", "recall", "dedup", "rules", "precision")
"""The steps a document may end at, in order; after them it is in the corpus."""
UNJUDGED = "unjudged"
"""A document that the new settings let through to a step which has no score of it."""
CORPUS = "corpus"

ANSWERED = (
    "extract.languages",
    "extract.language_threshold",
    "extract.recall_floor",
    "dedup.recall_threshold",
    "dedup.recall_threshold_by_length",
    "dedup.exact",
    "dedup.minhash.enabled",
    "dedup.minhash.threshold",
    "dedup.url.enabled",
    "rules.lorem_ipsum_max_chars",
    "rules.max_punctuation_ratio",
    "rules.max_nsfw_words",
    "rules.drop_unicode_errors",
    "rules.max_repeated_share",
    "rules.precision_threshold",
    "rules.precision_threshold_by_language",
    "rules.precision_threshold_by_length",
)
"""Settings that stored scores answer for."""

_EXAMPLES = 10
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class _OneWay:
    """A setting that can be answered for in one direction only: values beyond it are not stored."""

    key: str
    may_rise: bool
    why: str


_ONE_WAY = (
    _OneWay(
        "dedup.minhash.threshold",
        True,
        "pairs below the run's threshold are not stored; infimm dedup RUN --redo finds them",
    ),
    _OneWay(
        "rules.lorem_ipsum_max_chars",
        False,
        "whether a longer text has lorem ipsum is not stored; infimm refine RUN --redo looks",
    ),
    _OneWay(
        "rules.max_repeated_share",
        True,
        "the share of documents that passed is not stored; infimm refine RUN --redo measures it",
    ),
)


def what_if(
    layout: RunLayout, assignments: list[str], *, seed: int = 1, examples: int = _EXAMPLES
) -> dict[str, Any]:
    """The answer as plain JSON values; `assignments` are `key=value` as `--set` takes them.

    Raises `ConfigError` for a setting that stored scores do not answer for.
    """
    stored = stored_run(layout)
    assert stored is not None
    now = stored_config(layout, stored)
    then = override(now, {}, assignments)
    changes = _changes(now, then)
    _check(layout, changes, now)
    now, then = with_thresholds(now), with_thresholds(then)
    with RunQueries(layout, seed=seed) as queries:
        _judge(queries, now, then)
        return {
            "run": stored["run_id"],
            "changes": [{"key": k, "now": a, "then": b} for k, (a, b) in changes.items()],
            "steps": _steps(queries),
            **_moves(queries),
            "unread": _unread(queries, now, then),
            "leave": _shown(queries, f"now = '{CORPUS}' AND later <> '{CORPUS}'", seed, examples),
            "come": _shown(queries, f"now <> '{CORPUS}' AND later = '{CORPUS}'", seed, examples),
        }


def print_what_if(answer: dict[str, Any]) -> str:
    """The answer as lines for people."""
    lines = [
        f"{change['key']}  {shown_value(change['now'])} -> {shown_value(change['then'])}"
        for change in answer["changes"]
    ] or ["no setting differs from the run's"]
    lines += ["", f"{'kept by':<14}{'now':>14}{'then':>14}{'difference':>14}"]
    lines += [
        f"{row['step']:<14}{row['now']:>14,}{row['then']:>14,}{row['then'] - row['now']:>+14,}"
        for row in answer["steps"]
    ]
    lines += [
        "",
        f"{answer['leaving']:,} documents would leave the corpus, {answer['coming']:,} would come",
    ]
    if answer["unjudged"]:
        lines.append(
            f"{answer['unjudged']:,} more would have to be judged by later steps, which have no "
            "score of them yet"
        )
    if answer["unread"]:
        lines.append(
            f"{answer['unread']:,} pages would have to be read again from their WARC files"
        )
    for title, name in (("would leave", "leave"), ("would come", "come")):
        if answer[name]:
            lines += ["", f"{title}, {len(answer[name])} drawn by seed"]
            lines += [line for page in answer[name] for line in _page_lines(page)]
    return "\n".join(lines)


def _page_lines(page: dict[str, Any]) -> list[str]:
    scores = ", ".join(
        f"{name} {page[name]:.3f}"
        for name in ("math_prob", "quality_prob", "punctuation_ratio")
        if page[name] is not None
    )
    ends = page["later"] if page["later"] != CORPUS else f"now dropped by {page['now']}"
    return [
        f"  {page['title'] or '(no title)'}",
        f"    {page['url']}",
        f"    {ends}; {scores}",
        f"    {page['excerpt']}",
    ]


def _changes(now: BuildConfig, then: BuildConfig) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}

    def walk(a: Any, b: Any, path: str) -> None:
        if isinstance(a, dict) and isinstance(b, dict) and path not in ANSWERED:
            for key in a.keys() | b.keys():
                walk(a.get(key), b.get(key), f"{path}.{key}" if path else key)
        elif a != b:
            found[path] = a, b

    walk(now.model_dump(mode="json"), then.model_dump(mode="json"), "")
    return dict(sorted(found.items()))


def _check(layout: RunLayout, changes: dict[str, tuple[Any, Any]], now: BuildConfig) -> None:
    if read_manifest(layout.manifest("refine")) is None:
        raise ConfigError(
            f"{layout.root}: stage refine is not complete, so the scores are not there yet; "
            "finish the build with --resume"
        )
    for key in changes:
        if key not in ANSWERED:
            raise ConfigError(
                f"{key}: stored scores do not answer for it; expected one of {', '.join(ANSWERED)}"
            )
    for limit in _ONE_WAY:
        if limit.key in changes:
            before, after = changes[limit.key]
            if (after < before) if limit.may_rise else (after > before):
                way = "at least" if limit.may_rise else "at most"
                raise ConfigError(
                    f"{limit.key} {after:g}: expected {way} the run's {before:g}: {limit.why}"
                )
    for key in ("dedup.exact", "dedup.minhash.enabled", "dedup.url.enabled"):
        if key in changes and changes[key][1]:
            raise ConfigError(
                f"{key}: the run did not look for such copies; infimm dedup RUN --redo does"
            )


# -- judging -------------------------------------------------------------------------------------


def _judge(queries: RunQueries, now: BuildConfig, then: BuildConfig) -> None:
    """A table `judged`: each extracted document, where it ends `now` and `later`."""
    queries.execute(
        "CREATE TEMP TABLE facts AS SELECT d.id, d.language, d.language_prob, d.recall_prob,"
        " d.math_prob, d.text_length, c.reason AS copy, c.jaccard, c.kept_id,"
        " s.id IS NOT NULL AS is_scored, s.punctuation_ratio, s.nsfw_num_words,"
        " s.has_unicode_error, s.quality_prob, s.drop_stage, s.drop_reason, s.drop_score"
        " FROM documents d LEFT JOIN duplicates c ON c.id = d.id LEFT JOIN scored s ON s.id = d.id"
    )
    queries.execute(
        "CREATE TEMP TABLE judged AS SELECT id, now, CASE"
        # A copy may take the place of a document that goes before dedup.
        f" WHEN later = 'dedup' AND kept_later IN ('extract', 'recall') THEN '{UNJUDGED}'"
        " ELSE later END AS later FROM (SELECT f.id, f.now, f.later, k.later AS kept_later FROM"
        f" (SELECT id, kept_id, {_end(now, now)} AS now, {_end(then, now)} AS later FROM facts) f"
        f" LEFT JOIN (SELECT id, {_end(then, now)} AS later FROM facts) k ON k.id = f.kept_id)"
    )


def _end(config: BuildConfig, now: BuildConfig) -> str:
    """Where a row of `facts` ends under a configuration, as an SQL expression.

    Extracted documents passed what the run has `now`: extraction compared before values were
    rounded to be stored.
    """
    extract, dedup, rules = config.extract, config.dedup, config.rules
    unclassified = _names(extract.unclassified)
    refused = [f"language NOT IN ({_names(extract.languages)})"]
    if extract.language_threshold > now.extract.language_threshold:
        refused.append(f"language_prob < {extract.language_threshold!r}")
    if extract.recall_floor > now.extract.recall_floor:
        refused.append(
            f"(language NOT IN ({unclassified}) AND recall_prob < {extract.recall_floor!r})"
        )
    recall = threshold_sql(dedup.recall_threshold or 0.0, dedup.recall_threshold_by_length)
    precision = threshold_sql(
        rules.precision_threshold or 0.0,
        rules.precision_threshold_by_length,
        rules.precision_threshold_by_language,
    )
    copies = [name for name, is_on in (("exact", dedup.exact), ("url", dedup.url.enabled)) if is_on]
    near = f"(copy = 'near' AND jaccard >= {dedup.minhash.threshold!r}::FLOAT)"
    is_copy = f"copy IN ({_names(copies)})" + (f" OR {near}" if dedup.minhash.enabled else "")
    punctuated = [code for code in extract.languages if language_of(code).punctuation_rule]
    own = _names([rule.name for rule in RULES])
    failed = " OR ".join(
        (
            f"(language IN ({_names(punctuated)})"
            f" AND punctuation_ratio > {rules.max_punctuation_ratio!r})",
            f"nsfw_num_words > {rules.max_nsfw_words}",
            f"(has_unicode_error AND {rules.drop_unicode_errors})",
            f"(drop_reason = 'lorem_ipsum' AND drop_score <= {rules.lorem_ipsum_max_chars})",
            f"(drop_reason = 'repetition' AND drop_score > {rules.max_repeated_share!r})",
            f"(drop_stage = 'rules' AND drop_reason NOT IN ({own}))",
        )
    )
    return (
        f"(CASE WHEN {' OR '.join(refused)} THEN 'extract'"
        f" WHEN language NOT IN ({unclassified}) AND math_prob < {recall} THEN 'recall'"
        f" WHEN {is_copy} THEN 'dedup'"
        f" WHEN NOT is_scored THEN '{UNJUDGED}'"
        f" WHEN coalesce({failed}, false) THEN 'rules'"
        f" WHEN quality_prob IS NULL AND language NOT IN ({unclassified}) THEN '{UNJUDGED}'"
        f" WHEN quality_prob < {precision} THEN 'precision'"
        f" ELSE '{CORPUS}' END)"
    )


def _names(values: Any) -> str:
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in values) or "''"


# -- counting ------------------------------------------------------------------------------------


def _steps(queries: RunQueries) -> list[dict[str, Any]]:
    """Documents that each step keeps, now and then."""
    counts = {}
    for name in ("now", "later"):
        ended = queries.rows(f"SELECT {name} AS ends, count(*) AS n FROM judged GROUP BY 1")
        counts[name] = {row["ends"]: row["n"] for row in ended}
    rows = []
    for place, step in enumerate(STEPS):
        beyond = (*STEPS[place + 1 :], CORPUS)
        # What no later step has judged yet was let through by those before it.
        beyond += (UNJUDGED,) if place <= STEPS.index("dedup") else ()
        kept = {name: sum(counts[name].get(end, 0) for end in beyond) for name in counts}
        rows.append({"step": step, "now": kept["now"], "then": kept["later"]})
    return rows


def _moves(queries: RunQueries) -> dict[str, int]:
    return queries.row(
        f"SELECT count(*) FILTER (now = '{CORPUS}' AND later <> '{CORPUS}') AS leaving,"
        f" count(*) FILTER (now <> '{CORPUS}' AND later = '{CORPUS}') AS coming,"
        f" count(*) FILTER (later = '{UNJUDGED}') AS unjudged FROM judged"
    )


def _unread(queries: RunQueries, now: BuildConfig, then: BuildConfig) -> int:
    """Pages dropped before extraction, by their scores, that the new settings would let in."""
    looser = (
        ("language_uncertain", then.extract.language_threshold, now.extract.language_threshold),
        ("recall_floor", then.extract.recall_floor, now.extract.recall_floor),
    )
    total = 0
    for reason, value, before in looser:
        if value < before:
            total += queries.row(
                "SELECT count(*) AS n FROM rejects WHERE stage = 'extract' AND reason = ?"
                " AND score >= ?",
                [reason, value],
            )["n"]
    return round(total / (now.rejects.fraction or 1))


def _shown(queries: RunQueries, where: str, seed: int, examples: int) -> list[dict[str, Any]]:
    """Documents that move, drawn by seed, with the beginning of their texts."""
    return queries.rows(
        "SELECT s.id, s.url, s.title, s.language, s.math_prob, s.quality_prob,"
        " s.punctuation_ratio, now, later, left(regexp_replace(array_to_string(list_transform("
        f"s.segments, lambda x: x.text), ' '), '\\s+', ' ', 'g'), {_EXCERPT}) AS excerpt"
        f" FROM scored_drawn s JOIN judged USING (id) WHERE {where}"
        " ORDER BY md5(id || ?) LIMIT ?",
        [f":{seed}", examples],
    )
