"""The licence that a page names for itself: what its markup says, as it says it.

In this order: `rel="license"`, the names of Dublin Core and others in `<meta>`, the first link to a
Creative Commons licence. Whether it holds for all that the page shows, only a reader can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urljoin

_META_NAMES = frozenset(
    {
        "license",
        "licence",
        "dc.license",
        "dc.rights.license",
        "dcterms.license",
        "dcterms:license",
        "og:license",
        "cc:license",
        "copyright-license",
    }
)
# https://creativecommons.org/licenses/by-sa/4.0/deed.de, /publicdomain/zero/1.0/
_CREATIVE_COMMONS = re.compile(
    r"(?:https?:)?//(?:www\.|i\.)?creativecommons\.org/(licenses|publicdomain)/([a-z+-]{2,20})/?(\d\.\d)?",
    re.IGNORECASE,
)
_LONGEST = 300


def find_license(
    meta: Iterable[tuple[str, str]], links: Iterable[tuple[str, str]], base: str
) -> str | None:
    """The licence as a URL or in words, None where the page names none.

    `meta` are (name, content) pairs of the head; `links` (rel, href) of links in page order, at
    least those with the relation `license` and those to Creative Commons. URLs of Creative Commons
    come in one spelling: `https://creativecommons.org/licenses/by-sa/4.0/`.
    """
    named: str | None = None
    linked: str | None = None
    for rel, href in links:
        if not href.strip():
            continue
        if "license" in rel.lower().split():
            return _normal(href, base)
        if linked is None and _CREATIVE_COMMONS.search(href):
            linked = _normal(href, base)
    for name, content in meta:
        if name.strip().lower() in _META_NAMES and content.strip():
            named = named or _normal(content, "")
    return named or linked


def _normal(value: str, base: str) -> str:
    found = _CREATIVE_COMMONS.search(value)
    if found:
        version = f"{found[3]}/" if found[3] else ""
        return f"https://creativecommons.org/{found[1].lower()}/{found[2].lower()}/{version}"
    text = " ".join(value.split())[:_LONGEST]
    if base:
        with suppress(ValueError):
            text = urljoin(base, text)[:_LONGEST]
    return text
