"""Opt-out signals as a filter."""

from __future__ import annotations

import pytest

from infimm_spark.config import RulesConfig
from infimm_spark.errors import ConfigError
from infimm_spark.rules.filters import failed_rule
from infimm_spark.rules.metrics import text_metrics
from infimm_spark.rules.signals import check_signals, refused_signal


def test_nothing_is_refused_by_default() -> None:
    """Signals are recorded; to act on them is the user's choice."""
    text = "A theorem without a proof is a conjecture."
    metrics = text_metrics(text, "en")
    assert failed_rule(text, "en", metrics, ["robots:noai"], RulesConfig()) is None


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (["robots:noai"], "refused:robots:noai"),
        (["*:noindex"], "refused:ccbot:noindex"),
        (["tdm-reservation", "robots:noai"], "refused:robots:noai"),
        (["googlebot:noai"], None),
        ([], None),
    ],
)
def test_a_refused_signal_is_the_reason(refused: list[str], reason: str | None) -> None:
    """The page's signal names the reason; `*` stands for any agent."""
    assert refused_signal(["robots:noai", "ccbot:noindex"], refused) == reason


def test_pages_without_signals_stay() -> None:
    """No signals, or a table without that column, refuse nothing."""
    assert refused_signal([], ["*:noai"]) is refused_signal(None, ["*:noai"]) is None


@pytest.mark.parametrize("wrong", ["robots:no-ai", "noai", "robots", ":noai", "tdm"])
def test_signals_that_no_page_has_are_refused(wrong: str) -> None:
    """A misspelt signal would silently refuse nothing."""
    with pytest.raises(ConfigError, match=r"rules\.refuse_signals.*is no signal; expected"):
        check_signals([wrong])


def test_signals_that_pages_have_pass() -> None:
    """Directives of any agent, reservations and usages."""
    check_signals(
        [
            "robots:noai",
            "*:noindex",
            "tdm-reservation",
            "tdm-*",
            "content-usage:train-ai",
            "gptbot:*",
        ]
    )
