"""One page looked at closely: its document, its scores, and where a build would drop it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from infimm_spark.cascade.judge import Verdict, build_judge
from infimm_spark.cascade.sandbox import PageSandbox
from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.config import BuildConfig
from infimm_spark.extract.document import Document
from infimm_spark.rules.filters import first_failed
from infimm_spark.rules.metrics import text_metrics


def inspect_page(
    body: bytes, *, url: str, content_type: str | None, config: BuildConfig
) -> dict[str, Any]:
    """Everything a build would find out about one page, as plain JSON values.

    `dropped` is None for a page that would be published (duplicates aside), else the stage, the rule
    and the score that decided.
    """
    models = config.models
    language = read_model(models.language, "language")
    recall = read_model(models.recall, "recall")
    judge = functools.partial(build_judge, language, recall, config.extract)
    with PageSandbox(judge, config.extract.page_timeout_seconds) as sandbox:
        verdict = sandbox.judge(body, url=url, content_type=content_type)
    report: dict[str, Any] = {
        "url": url,
        "title": None,
        "language": verdict.language,
        "scores": {
            "language_prob": verdict.language_prob,
            "recall_prob": verdict.recall_prob,
            "math_prob": verdict.math_prob,
            "quality_prob": None,
        },
        "dropped": None,
    }
    if verdict.outcome != "kept":
        report["dropped"] = _dropped("extract", verdict.reason, verdict.score, verdict.detail)
    if verdict.document is not None:
        report |= _document(verdict.document)
        if verdict.outcome == "kept":
            report |= _refined(verdict, verdict.document, report["scores"], config)
    return report


def _refined(
    verdict: Verdict, document: Document, scores: dict[str, Any], config: BuildConfig
) -> dict[str, Any]:
    """Metrics and the verdict of the stages after extraction, as far as one page can tell them."""
    text, language = document.text, verdict.language or ""
    length = sum(len(s.text) for s in document.segments if s.text)
    metrics = text_metrics(text, language)
    precision = load_mathematics(read_model(config.models.precision, "precision"), "precision")
    scores["quality_prob"] = precision.score(text, language)
    found: dict[str, Any] = {"metrics": dataclasses.asdict(metrics), "dropped": None}
    failed = first_failed(text, language, metrics, config.rules)
    if verdict.math_prob is not None and verdict.math_prob < config.dedup.recall_threshold_at(
        length
    ):
        found["dropped"] = _dropped("recall", "math_prob", verdict.math_prob)
    elif failed is not None:
        found["dropped"] = _dropped("rules", *failed)
    elif scores["quality_prob"] < config.rules.precision_threshold_at(length):
        found["dropped"] = _dropped("precision", "quality_prob", scores["quality_prob"])
    return found


def _document(document: Document) -> dict[str, Any]:
    return {
        "title": document.title,
        "charset": document.charset,
        "segments": [
            {"text": s.text}
            if s.image is None
            else {"image": {k: v for k, v in dataclasses.asdict(s.image).items() if v is not None}}
            for s in document.segments
        ],
        "formulas": [dataclasses.asdict(formula) for formula in document.formulas],
        "macros": document.macros,
        "consent": document.consent,
    }


def _dropped(
    stage: str, rule: str | None, score: float | None, detail: str | None = None
) -> dict[str, Any]:
    return {"stage": stage, "rule": rule, "score": score, "detail": detail}
