"""`report/index.html` of a run: everything worth seeing of it in one file that opens anywhere."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from markupsafe import Markup

from infimm_spark import store
from infimm_spark.config import BuildConfig
from infimm_spark.extract.latex.check import check
from infimm_spark.extract.text import formulas_in
from infimm_spark.report import charts
from infimm_spark.report.documents import document_html
from infimm_spark.report.figures import run_figures
from infimm_spark.report.judges.compare import read_comparison
from infimm_spark.report.mathml import draw
from infimm_spark.report.pages import data_block, page
from infimm_spark.report.query import RunQueries
from infimm_spark.report.samples import PAGES, invalid_texts, samples, texts_by_encoding
from infimm_spark.run.layout import RunLayout
from infimm_spark.stages.record_counts import NOT_A_PAGE

MAX_BYTES = 5_000_000
"""Size below which a report stays: excerpts are shortened until it does."""
_EXCERPTS = (3000, 1500, 700, 300, 0)
_EXAMPLES = 2
_LONGEST_EXAMPLE = 120
_BARS = 50

_SECTIONS = (
    ("funnel", "Funnel"),
    ("sources", "Sources"),
    ("thresholds", "Scores"),
    ("formulas", "Formulas"),
    ("documents", "Documents"),
    ("judges", "Judges"),
    ("dedup", "Duplicates"),
    ("decontamination", "Evaluation questions"),
    ("consent", "Consent"),
    ("kept", "Kept pages"),
    ("dropped", "Dropped pages"),
    ("run", "The run"),
)

_TITLES = {
    "extract": "Language and recall floor",
    "recall": "Recall threshold",
    "dedup": "Dedup",
    "rules": "Rules",
    "precision": "Precision classifier",
    "publish": "Corpus",
}
_MEANINGS = {
    "record_type:metadata": "facts that the crawler noted, no page",
    "record_type:request": "what the crawler asked, no page",
    "record_type:warcinfo": "about the file, no page",
    "record_type:revisit": "unchanged since an earlier visit, stored there",
    "crawl_language": "another language, by the crawl's own metadata",
    "language": "another language than the configured ones",
    "language_uncertain": "the language is too uncertain",
    "no_text": "no text to judge",
    "source_floor": "its source shows no sign of a formula and hardly a word of mathematics",
    "recall_floor": "the recall classifier gives its quick text less than the floor",
    "plain_floor": "no sign of a formula, and below the floor of such pages",
    "math_prob": "the recall classifier gives its text less than the threshold",
    "exact": "the same text as a page that stays",
    "near": "nearly the same text as a page that stays",
    "url": "an older capture of a URL",
    "lorem_ipsum": "placeholder text",
    "punctuation_ratio": "too much punctuation",
    "nsfw": "words of adult sites",
    "unicode_error": "characters that were decoded wrongly",
    "repetition": "one sentence said over and over",
    "quality_prob": "the precision classifier gives it less than the threshold",
}
"""Reason -> what it means, for readers who do not know the code."""


def write_html(layout: RunLayout, target: str | None = None, *, seed: int = 1) -> str:
    """Write the report of a run, finished or not, to `target`; gives its location.

    Raises `DamagedRunError` naming a table that cannot be read. The same run and seed give the same
    bytes.
    """
    target = target or f"{layout.report}/index.html"
    store.write_bytes(target, report_html(layout, seed=seed).encode("utf-8", "replace"))
    return target


def report_html(layout: RunLayout, *, seed: int = 1) -> str:
    """The report as HTML, at most `MAX_BYTES` long."""
    with RunQueries(layout, seed=seed) as queries:
        figures = run_figures(layout, queries)
        drawn = samples(queries, seed)
        examples = texts_by_encoding(queries, seed)
        invalid = _invalid(invalid_texts(queries, seed))
    values = _values(figures, drawn, examples, invalid, read_comparison(layout))
    html = ""
    for excerpt in _EXCERPTS:
        html = page("report.html", "report.js", sample=_Sample(excerpt), **values)
        if len(html.encode("utf-8", "replace")) <= MAX_BYTES:
            break
    return html


def _values(
    figures: dict[str, Any],
    drawn: dict[str, Any],
    examples: dict[str, list[str]],
    invalid: dict[str, Any] | None,
    judges: dict[str, Any] | None,
) -> dict[str, Any]:
    """What the template takes."""
    config = BuildConfig.model_validate(figures["run"]["config"])
    funnel = _funnel(figures["funnel"])
    optional = {"judges": judges, "decontamination": figures["decontamination"]}
    absent = {name for name, content in optional.items() if content is None}
    return {
        "run": figures["run"],
        "sections": [part for part in _SECTIONS if part[0] not in absent],
        "judges": judges,
        "numbers": _numbers(figures),
        "funnel": funnel,
        "pages": funnel[0]["pages"] if funnel else 0,
        "whole": charts.trapezoid(1, 1),
        "snapshots": figures["snapshots"],
        "languages": figures["languages"],
        "hosts": figures["hosts"],
        "scores": [_score(score) for score in figures["scores"]],
        "formulas": _formulas(figures["formulas"], examples),
        "failed_formulas": sum(row["failed"] for row in figures["formulas"]["extracted"]),
        "faults": figures["formulas"]["faults"],
        "invalid": invalid,
        "lengths": _lengths(figures["lengths"]),
        "dedup": figures["dedup"],
        "decontamination": figures["decontamination"],
        "cluster_plot": charts.bars(
            [(str(row["size"]), row["clusters"]) for row in figures["dedup"]["cluster_sizes"]],
            "Clusters by the number of their documents",
            "documents",
        ),
        "consent": figures["consent"],
        "licenses": figures["licenses"],
        "traffic": figures["traffic"],
        "stages": figures["stages"],
        "checks": figures["checks"],
        "corpus_files": [
            file
            for row in figures["checks"]
            for file in row["files"]
            if file["path"].startswith("corpus/")
        ],
        "settings": _changed_settings(config),
        "seed": drawn["seed"],
        "drawn": PAGES,
        "kept": drawn["kept"],
        "dropped": _dropped(drawn["dropped"], [step["stage"] for step in funnel]),
        "data": data_block("scores", {score["name"]: score for score in figures["scores"]}),
    }


def _numbers(figures: dict[str, Any]) -> list[dict[str, str]]:
    funnel = figures["funnel"]
    lengths = figures["lengths"]
    corpus = lengths["characters"]["documents"]
    found = sum(row["found"] for row in figures["formulas"]["corpus"])
    valid = sum(row["valid"] for row in figures["formulas"]["corpus"])
    tokens, images = lengths["tokens"]["total"], lengths["images"]["total"]
    seconds = sum(stage["seconds"] for stage in figures["stages"])
    pages = funnel[0]["pages"] if funnel else 0
    return [
        {"name": "pages read", "value": f"{pages:,}", "note": "responses, of all records"},
        {
            "name": "documents in the corpus",
            "value": f"{corpus:,}",
            "note": f"{corpus / pages:.2%} of the pages" if pages else "",
        },
        {
            "name": "formulas in it",
            "value": f"{found:,}",
            "note": f"{valid / found:.2%} valid" if found else "",
        },
        {
            "name": "GPT-3 tokens",
            "value": _compact(tokens),
            "note": f"{tokens / corpus:,.0f} a document" if corpus else "",
        },
        {"name": "images", "value": f"{images:,}", "note": "URLs"},
        {"name": "time of all stages", "value": f"{seconds:,.0f} s", "note": ""},
    ]


def _compact(value: int) -> str:
    for limit, suffix in ((10**9, " G"), (10**6, " M")):
        if value >= limit:
            return f"{value / limit:.2f}{suffix}"
    return f"{value:,}"


def _funnel(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each line with its shape; the first enters with its pages, not its records."""
    largest = lines[0]["pages"] if lines else 0
    steps = []
    for line in lines:
        losses = [
            {"outcome": outcome, "reason": reason, "count": n, "meaning": _meaning(reason)}
            for outcome in ("dropped", "failed")
            for reason, n in sorted(line[outcome].items(), key=lambda item: (-item[1], item[0]))
        ]
        shape = charts.trapezoid(
            charts.log_share(line["pages"], largest), charts.log_share(line["kept"], largest)
        )
        title = _TITLES.get(line["stage"], line["stage"].capitalize())
        steps.append(
            {
                **line,
                "title": title,
                "enters": line["pages"],
                "losses": losses,
                "of_pages": [n for n in losses if not n["reason"].startswith(NOT_A_PAGE)],
                "shape": shape,
            }
        )
    return steps


def _meaning(reason: str) -> str:
    if reason.startswith("status:"):
        return "the server's answer was no page"
    if reason.startswith("mime:"):
        return "not HTML"
    return _MEANINGS.get(reason, "")


def _score(score: dict[str, Any]) -> dict[str, Any]:
    """With its plot, the answer for the threshold in use, and a table of others."""
    classes = score["classes"]
    sums = {
        name: [
            sum(column)
            for column in zip(*(c[name] for c in score["languages"].values()), strict=True)
        ]
        for name in ("kept", "dropped", "corpus")
    }
    wide = classes // _BARS
    parts = {
        name: [sum(sums[name][i : i + wide]) for i in range(0, classes, wide)]
        for name in ("kept", "dropped")
    }

    def at(threshold: float) -> dict[str, Any]:
        cut = round(threshold * classes)
        span = slice(0, cut) if score["keeps"] == "at most" else slice(cut, classes)
        passes = sum(sums["kept"][span]) + sum(sums["dropped"][span])
        return {"threshold": threshold, "passes": passes, "corpus": sum(sums["corpus"][span])}

    total = sum(sums["kept"]) + sum(sums["dropped"])
    said = f"{total:,} values."
    if score["threshold"] is not None:
        verb = "removed" if score["keeps"] == "removes" else "kept"
        n = sum(sums["dropped"] if verb == "removed" else sums["kept"])
        said = f"{n:,} of {total:,} were {verb} at this threshold."
    return {
        **score,
        "plot": charts.histogram(
            parts, score["title"], threshold=score["threshold"] or 0.0, axis=score["name"]
        ),
        "said": said,
        "steps": [at(i / 20) for i in range(1, 20)],
    }


def _formulas(
    counted: dict[str, list[dict[str, Any]]], texts: dict[str, list[str]]
) -> list[dict[str, Any]]:
    corpus = {row["encoding"]: row["found"] for row in counted["corpus"]}
    rows = [
        {
            **row,
            "corpus": corpus.get(row["encoding"], 0),
            "examples": _examples(texts.get(row["encoding"], [])),
        }
        for row in counted["extracted"]
    ]
    names = ("found", "valid", "invalid", "failed", "corpus")
    if rows:
        sums = {name: sum(row[name] for row in rows) for name in names}
        rows.append({"encoding": "all", "examples": [], **sums})
    return rows


def _examples(texts: list[str]) -> list[Markup]:
    """The most telling formulas of some texts: the longest that are short enough to show."""
    shown: list[Markup] = []
    for text in texts:
        fitting = [tex for tex, _ in formulas_in(text) if len(tex) <= _LONGEST_EXAMPLE]
        for tex in sorted(set(fitting), key=lambda tex: (-len(tex), tex)):
            drawn = draw(tex)
            if drawn.failure is None and drawn.html not in shown:
                shown.append(Markup(drawn.html))
                break
        if len(shown) == _EXAMPLES:
            break
    return shown


def _invalid(texts: list[str]) -> dict[str, Any] | None:
    """Why formulas of some texts are invalid, with an example each."""
    reasons: Counter[str] = Counter()
    example: dict[str, str] = {}
    for text in texts:
        for tex, _ in formulas_in(text):
            reason = check(tex)
            if reason is not None:
                reasons[reason] += 1
                example.setdefault(reason, tex[:200])
    if not reasons:
        return None
    rows = [{"reason": r, "count": n, "example": example[r]} for r, n in reasons.most_common()]
    return {"documents": len(texts), "reasons": rows}


def _lengths(lengths: dict[str, Any]) -> list[dict[str, Any]]:
    titles = {
        "characters": "Characters a document",
        "tokens": "GPT-3 tokens a document",
        "formulas": "Formulas a document",
        "images": "Images a document",
    }
    return [
        {
            **lengths[name],
            "title": title,
            "plot": charts.bars(_doubling(lengths[name]["classes"]), title),
        }
        for name, title in titles.items()
    ]


def _doubling(classes: list[dict[str, int]]) -> list[tuple[str, int]]:
    """Bars of the classes, those between without a document included."""
    found = {row["low"]: row["documents"] for row in classes}
    lows = [0] if 0 in found else []
    low = min((low for low in found if low), default=0)
    while 0 < low <= max(found):
        lows.append(low)
        low *= 2
    return [(_binary(low), found.get(low, 0)) for low in lows]


def _binary(value: int) -> str:
    for limit, suffix in ((1 << 20, "M"), (1 << 10, "k")):
        if value >= limit:
            return f"{value // limit}{suffix}"
    return str(value)


def _changed_settings(config: BuildConfig) -> str:
    """`key: value` of every setting that is not the default, a line each."""
    lines: list[str] = []

    def walk(now: Any, usual: Any, path: str) -> None:
        if isinstance(now, dict) and isinstance(usual, dict):
            for key, value in now.items():
                walk(value, usual.get(key), f"{path}.{key}" if path else key)
        elif now != usual:
            lines.append(f"{path}: {_without_secrets(now)}")

    walk(config.model_dump(mode="json"), BuildConfig().model_dump(mode="json"), "")
    return "\n".join(lines) or "none"


_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def _without_secrets(value: Any) -> str:
    """A setting as a report may show it."""
    if isinstance(value, list):
        return f"[{', '.join(_without_secrets(item) for item in value)}]"
    return _CREDENTIALS.sub("…", str(value))


def _dropped(groups: list[dict[str, Any]], order: list[str]) -> list[dict[str, Any]]:
    """In the order of the funnel; `bare` groups have no texts."""
    places = {stage: place for place, stage in enumerate(order)}
    ordered = sorted(
        groups, key=lambda g: (places.get(g["stage"], 99), -g["listed"], g["reason"] or "")
    )
    return [
        {
            **group,
            "meaning": _meaning(group["reason"] or ""),
            "bare": all(shown["segments"] is None for shown in group["pages"]),
        }
        for group in ordered
    ]


class _Sample:
    """Shows a drawn page with at most `excerpt` characters of its text."""

    def __init__(self, excerpt: int) -> None:
        self._excerpt = excerpt

    def __call__(self, shown: dict[str, Any]) -> Markup:
        document = Markup("")
        if shown["segments"] and self._excerpt:
            html = document_html(shown["segments"], max_chars=self._excerpt).html
            # Wide formulas scroll in themselves: keys must reach them too. Quotes of texts are
            # escaped, so that this is never one of theirs.
            html = html.replace('class="formula display', 'tabindex="0" class="formula display')
            document = Markup(html)
        facts = [
            f"{name.replace('_', ' ')} {value:.3f}"
            for name in (
                "language_prob",
                "recall_prob",
                "math_prob",
                "quality_prob",
                "punctuation_ratio",
            )
            if (value := shown.get(name)) is not None
        ]
        facts += [
            f"{shown[name]:,} {word}"
            for name, word in (
                ("text_length", "characters"),
                ("n_formulas", "formulas"),
                ("n_images", "images"),
            )
            if shown.get(name) is not None
        ]
        return Markup(
            '<details class="sample"><summary><strong>{title}</strong>'
            '<span class="small muted">{url}</span>{score}</summary><div class="inside">'
            '<ul class="facts">{facts}</ul>{kept}{document}</div></details>'
        ).format(
            title=shown.get("title") or "(no title)",
            url=shown["url"] or "",
            score=Markup('<span class="badge">{}</span>').format(f"{shown['score']:.3f}")
            if shown.get("score") is not None
            else "",
            facts=Markup("").join(Markup("<li>{}</li>").format(fact) for fact in facts),
            kept=Markup('<p class="small">Stays for it: {}</p>').format(shown["kept_url"])
            if shown.get("kept_url")
            else "",
            document=document,
        )
