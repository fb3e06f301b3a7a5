"""The host of a URL: one function for the whole package, and the pattern by which Spark finds the
same."""

from __future__ import annotations

import re

HOST_PATTERN = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(?:\[([^\]/?#]*)\]|([^/:?#\[\]]+))"
"""Java's and Python's regular expressions read it alike: group 1 is an address of IPv6, group 2 any
other host."""

_HOST = re.compile(HOST_PATTERN)
_WWW = "www."


def url_host(url: str) -> str:
    """The host in lower case, without user, port and the brackets of IPv6; empty where the URL has
    none.

    Never raises: `--urls`, indexes and crawls hold what nobody checked.
    """
    found = _HOST.match(url)
    return (found[1] or found[2] or "").lower() if found else ""


def site_host(url: str) -> str:
    """`url_host` without a leading `www.`: what pages of one site share."""
    return url_host(url).removeprefix(_WWW)
