"""Opt-out signals as a filter: pages that state one of the chosen signals go. Off by default."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from infimm_spark.errors import ConfigError
from infimm_spark.extract.consent import DIRECTIVES

KEY = "rules.refuse_signals"
_OTHERS = ("tdm-reservation", "tdm-policy")
_USAGE = "content-usage:"


def refused_signal(consent: Sequence[str] | None, refused: Sequence[str]) -> str | None:
    """`refused:robots:noai` for the first of a page's signals that matches one of `refused`.

    `refused` are signals as `extract.consent` names them; `*` stands for anything (`*:noai`).
    """
    for signal in sorted(consent or ()):
        if any(fnmatchcase(signal, pattern) for pattern in refused):
            return f"refused:{signal}"
    return None


def check_signals(refused: Sequence[str], key: str = KEY) -> None:
    """Refuse a signal that no page can have; raises `ConfigError` with those there are."""
    for pattern in refused:
        agent, colon, directive = pattern.partition(":")
        known = any(fnmatchcase(name, directive) for name in DIRECTIVES) if colon else False
        if pattern.startswith(_USAGE) or (agent and known):
            continue
        if not any(fnmatchcase(name, pattern) for name in _OTHERS):
            raise ConfigError(
                f"{key}: {pattern!r} is no signal; expected {', '.join(_OTHERS)}, "
                f"{_USAGE}<category>, or "
                f"<agent>:<directive> with one of {', '.join(sorted(DIRECTIVES))} (* stands for "
                "any)"
            )
