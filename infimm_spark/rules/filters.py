"""The paper's rules: short lorem ipsum, punctuation, NSFW words, Unicode errors; repetition, which
is ours; and those of the user: opt-out signals that are refused, and functions (`rules.extra`).

The paper tried the rules of C4 and OBELICS, found that most delete good mathematics, and kept
these. Repetition is ours: pages of one sentence and its formula said over and over fool any
classifier of bags of words, the paper's included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infimm_spark.config import RulesConfig
from infimm_spark.languages import language_of
from infimm_spark.rules.extra import extra_reason
from infimm_spark.rules.metrics import Metrics
from infimm_spark.rules.repetition import repeated_share
from infimm_spark.rules.signals import refused_signal

_LOREM_IPSUM = re.compile(r"lorem\s+ipsum", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """`fails(text, language, metrics, config)` is the value that decided, None for a page that
    passes.

    `key` is the setting of `RulesConfig` it was compared with, and `sign` how: a page fails where
    its value is `sign` the setting.
    """

    name: str
    fails: Callable[[str, str, Metrics, RulesConfig], float | None]
    key: str = ""
    sign: str = ">"

    def limit(self, config: RulesConfig) -> str:
        """`> 0.3 (rules.max_punctuation_ratio)`; empty for a rule without a setting."""
        if not self.key:
            return ""
        value = getattr(config, self.key)
        compared = "" if isinstance(value, bool) else f"{self.sign} {value:g} "
        return f"{compared}(rules.{self.key})"


def failed_rule(
    text: str,
    language: str,
    metrics: Metrics,
    consent: Sequence[str] | None,
    config: RulesConfig,
) -> tuple[str, float | None] | None:
    """The reason a page goes for and the value that decided, if one did; None for a page that
    passes all.

    Asked in turn: refused opt-out signals, the built-in rules, the user's.
    """
    signal = refused_signal(consent, config.refuse_signals)
    if signal is not None:
        return signal, None
    failed = first_failed(text, language, metrics, config)
    if failed is not None:
        return failed
    reason = extra_reason(text, metrics, config.extra)
    return None if reason is None else (reason, None)


def first_failed(
    text: str, language: str, metrics: Metrics, config: RulesConfig
) -> tuple[str, float] | None:
    """Name and deciding value of the first of `RULES` that drops the page; None when all pass."""
    for rule in RULES:
        score = rule.fails(text, language, metrics, config)
        if score is not None:
            return rule.name, score
    return None


def _lorem_ipsum(text: str, language: str, metrics: Metrics, config: RulesConfig) -> float | None:
    """Placeholder text on a page too short to hold much else; scored by its characters."""
    if metrics.size <= config.lorem_ipsum_max_chars and _LOREM_IPSUM.search(text):
        return float(metrics.size)
    return None


def _punctuation(text: str, language: str, metrics: Metrics, config: RulesConfig) -> float | None:
    """English only: Chinese runs to fewer, longer tokens between its marks."""
    judged = language_of(language).punctuation_rule
    if judged and metrics.punctuation_ratio > config.max_punctuation_ratio:
        return metrics.punctuation_ratio
    return None


def _nsfw(text: str, language: str, metrics: Metrics, config: RulesConfig) -> float | None:
    if metrics.nsfw_num_words > config.max_nsfw_words:
        return float(metrics.nsfw_num_words)
    return None


def _unicode_error(text: str, language: str, metrics: Metrics, config: RulesConfig) -> float | None:
    if config.drop_unicode_errors and metrics.has_unicode_error:
        return 1.0
    return None


def _repetition(text: str, language: str, metrics: Metrics, config: RulesConfig) -> float | None:
    share = repeated_share(text, language)
    return share if share > config.max_repeated_share else None


RULES = (
    Rule("lorem_ipsum", _lorem_ipsum, "lorem_ipsum_max_chars", "<="),
    Rule("punctuation_ratio", _punctuation, "max_punctuation_ratio"),
    Rule("nsfw", _nsfw, "max_nsfw_words"),
    Rule("unicode_error", _unicode_error, "drop_unicode_errors"),
    Rule("repetition", _repetition, "max_repeated_share"),
)
"""In the order they are judged; a page is counted under the first it fails."""
