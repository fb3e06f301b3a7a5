"""Opt-out signals that a page or its server states itself, in one vocabulary.

Signals are stored with the document and not filtered by default: what they mean for a use of the
corpus is for its user to decide. A signal is one of

- ``<agent>:<directive>``: a robots directive (`DIRECTIVES`), for every crawler (agent ``robots``)
  or
  for the one it names: ``robots:noai``, ``googlebot:noindex``;
- ``tdm-reservation`` and ``tdm-policy``: rights to text and data mining are reserved, and a policy
  says on which terms they are granted (W3C TDM Reservation Protocol);
- ``content-usage:<category>``: a preference against a category of use, such as ``train-ai``
  (IETF AI Preferences, the ``Content-Usage`` header).

Sources: Google's specification of robots meta tags and X-Robots-Tag; Bing's notice that
``noarchive`` and ``nocache`` keep a page out of its models' training; DeviantArt's ``noai`` and
``noimageai``; the TDM Reservation Protocol; draft-ietf-aipref-attach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

DIRECTIVES = frozenset(
    {
        "noai",
        "noimageai",
        "noml",
        "noindex",
        "noimageindex",
        "noarchive",
        "nocache",
        "nosnippet",
        "none",
    }
)
"""Robots directives that are recorded; ``none`` is Google's short form of noindex with nofollow."""

# Directives that take a value after a colon, which is not a crawler's name: "max-snippet: 20".
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})

# Meta names that carry robots directives: the general one, and the names crawlers answer to.
_META_AGENTS = frozenset(
    {
        "robots",
        "amazonbot",
        "anthropic-ai",
        "applebot",
        "applebot-extended",
        "bingbot",
        "bytespider",
        "ccbot",
        "claudebot",
        "facebookbot",
        "google-extended",
        "googlebot",
        "googlebot-image",
        "gptbot",
        "msnbot",
        "perplexitybot",
        "yandex",
        "baiduspider",
    }
)

# One crawler name before a colon: "googlebot: noindex".
_AGENT_PREFIX = re.compile(r"\s*([A-Za-z0-9_.*-]{1,60})\s*:\s*(.*)", re.DOTALL)
# "train-ai=n", one preference of a Content-Usage header.
_USAGE_REFUSED = re.compile(r"\s*([a-z0-9-]{1,40})\s*=\s*n\s*(?:;|$)", re.IGNORECASE)


def signals_from_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Opt-out signals of HTTP response headers, sorted, each once; names in any letter case."""
    found: set[str] = set()
    for name, value in headers:
        key = name.strip().lower()
        if key == "x-robots-tag":
            found.update(_robots_header(value))
        elif key == "content-usage":
            found.update(_refused_usages(value))
        else:
            found.update(_tdm(key, value))
    return sorted(found)


def signals_from_head(
    meta: Iterable[tuple[str, str]], http_equiv: Iterable[tuple[str, str]]
) -> list[str]:
    """Opt-out signals of a page's meta elements, sorted, each once.

    `http_equiv` are the ``<meta http-equiv=… content=…>`` pairs: headers that the page states
    itself, or, as pages have it, a meta name in the wrong attribute.
    """
    headers = list(http_equiv)
    return sorted({*signals_from_meta([*meta, *headers]), *signals_from_headers(headers)})


def signals_from_meta(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Opt-out signals of a page's ``<meta name=… content=…>`` pairs, sorted, each once."""
    found: set[str] = set()
    for name, content in pairs:
        key = name.strip().lower()
        if key in _META_AGENTS:
            found.update(_directives(key, content))
        else:
            found.update(_tdm(key, content))
    return sorted(found)


def _robots_header(value: str) -> set[str]:
    """Signals of one X-Robots-Tag; a crawler's name holds for the directives that follow it."""
    found: set[str] = set()
    agent = "robots"
    for part in value.split(","):
        match = _AGENT_PREFIX.match(part)
        if match:
            name = match[1].lower()
            if name in _VALUED:
                continue
            agent, part = ("robots" if name == "*" else name), match[2]
        found.update(_directives(agent, part))
    return found


def _directives(agent: str, value: str) -> set[str]:
    words = (word.strip().lower() for word in re.split(r"[,;\s]+", value))
    return {f"{agent}:{word}" for word in words if word in DIRECTIVES}


def _tdm(key: str, value: str) -> set[str]:
    if key == "tdm-reservation" and value.strip() == "1":
        return {"tdm-reservation"}
    if key == "tdm-policy" and value.strip():
        return {"tdm-policy"}
    return set()


def _refused_usages(value: str) -> set[str]:
    matches = (_USAGE_REFUSED.match(part) for part in value.split(","))
    return {f"content-usage:{match[1].lower()}" for match in matches if match}
