"""Settings that only the models and the modules they name can tell to be right, looked at before
Spark starts."""

from __future__ import annotations

from infimm_spark import usercode
from infimm_spark.classify.broadcast import ModelBytes, load_language
from infimm_spark.classify.language import check_languages
from infimm_spark.classify.thresholds import thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.extras import require_extra
from infimm_spark.rules import extra
from infimm_spark.rules.evaluation_sets import load_questions
from infimm_spark.rules.signals import check_signals


def check_settings(config: BuildConfig, language: ModelBytes) -> None:
    """Raises `ConfigError` or `ModelError` in one line for the first setting that cannot work."""
    check_languages(config.extract.languages, load_language(language), language.origin)
    thresholds(config)
    check_signals(config.rules.refuse_signals)
    check_signals(config.images.refuse_signals, "images.refuse_signals")
    load_questions(config.decontaminate)
    if config.decontaminate.simplify_chinese and config.decontaminate.sets:
        require_extra("chinese", "decontaminate.simplify_chinese")
    for name in config.rules.extra:
        usercode.source_digest(name, extra.KEY)
