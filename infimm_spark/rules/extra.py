"""Filter rules of the user's own: functions from a text and its metrics to a reason, or None to
keep it.

    # my_rules.py
    def too_short(text, metrics):
        return "too_short" if metrics.size < 200 else None

    # configuration: rules: {extra: ["my_rules:too_short"]}

They are asked after the built-in rules, in the order given. A page is dropped under the reason that
the first of them returns. A rule must depend on its arguments only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from infimm_spark import usercode
from infimm_spark.errors import ConfigError
from infimm_spark.rules.metrics import Metrics

KEY = "rules.extra"

ExtraRule = Callable[[str, Metrics], str | None]

_REASON = re.compile(r"[^\x00-\x1f]{1,64}")


def extra_reason(text: str, metrics: Metrics, names: Sequence[str]) -> str | None:
    """The reason of the first of the named rules that drops the text; None when all keep it.

    Raises `ConfigError` naming the rule where it cannot be imported, raises, or returns anything
    else than None or a reason of at most 64 characters.
    """
    for name, rule in zip(names, _loaded(tuple(names)), strict=True):
        try:
            reason = rule(text, metrics)
        except Exception as error:
            raise ConfigError(
                f"{KEY}: {name} raised {type(error).__name__}: {_one_line(str(error))}; "
                f"the text begins {_one_line(text[:60])!r}"
            ) from None
        if reason is None:
            continue
        if not isinstance(reason, str) or not _REASON.fullmatch(reason):
            raise ConfigError(
                f"{KEY}: {name} returned {_one_line(repr(reason)[:80])}; expected None to keep "
                "the text, or a "
                "reason of 1 to 64 characters"
            )
        return reason
    return None


@lru_cache(maxsize=8)
def _loaded(names: tuple[str, ...]) -> tuple[ExtraRule, ...]:
    return tuple(usercode.load(name, KEY) for name in names)


def _one_line(text: str) -> str:
    return " ".join(text.split())
