"""Which paths Spark can write and read again: Hadoop takes some characters for patterns, a colon
for a scheme."""

from __future__ import annotations

import re

from infimm_spark import store
from infimm_spark.errors import ConfigError

_PATTERN = re.compile(r"[\[\]{}*?\\]")
_SCHEME_LIKE = re.compile(r"[^/]*:")


def require_plain(what: str, location: str) -> None:
    """Raise `ConfigError` where Spark would write to a location and not find it again.

    `what` names the setting. Hadoop reads `[ ] { } * ? \\` as a pattern, and what stands before a
    colon in a relative path as a scheme.
    """
    path = location.partition("://")[2] if "://" in location else location
    found = _PATTERN.search(path)
    if found:
        raise ConfigError(
            f"{what} {store.shown(location)}: Spark reads {found[0]!r} as a pattern; expected a "
            "path without any "
            "of [ ] { } * ? \\"
        )
    if "://" not in location and _SCHEME_LIKE.match(location):
        raise ConfigError(
            f"{what} {location}: Spark reads {location.partition(':')[0]!r} as a scheme; expected "
            "an absolute path, "
            f"such as {store.join('/data', location)}"
        )
