"""The linear screen over a page's bytes before they are parsed.

HTML parsers are superlinear on crafted input, and C code cannot be interrupted from Python: what
would make Lexbor slow is refused here in one pass. Ordinary pages pay for a few `bytes.count`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infimm_spark.errors import PageRejectedError


@dataclass(frozen=True, slots=True)
class ScreenLimits:
    """Bounds on one page; the defaults are those of `ExtractConfig`."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 2_000
    max_attributes: int = 2_000


def screen(body: bytes, limits: ScreenLimits) -> None:
    """Raise `PageRejectedError` (`page_too_large`, `not_html`, `too_deep`, `too_many_attributes`)
    for a page that must not reach the parser.
    """
    if len(body) > limits.max_bytes:
        raise PageRejectedError(
            "page_too_large", f"{len(body)} bytes; expected at most {limits.max_bytes}"
        )
    if body.startswith(_BINARY):
        raise PageRejectedError("not_html", "the body is a binary file by its first bytes")
    if body.count(b"<") > limits.max_depth:
        _screen_depth(body, limits.max_depth)
    if body.count(b" ") + body.count(b"\n") + body.count(b"/") > limits.max_attributes:
        _screen_attributes(body, limits.max_attributes)


_BINARY = (
    b"%PDF-",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"Rar!",
    b"RIFF",
    b"OggS",
    b"\x7fELF",
    b"7z\xbc\xaf",
)
_WINDOW = 8192
_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9:]*)")
_VOID = frozenset(
    b"area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr".split()
)


def _screen_depth(body: bytes, limit: int) -> None:
    """Windows of fixed size bound the depth from above; only a page beyond the bound is tokenised."""
    depth = 0
    for start in range(0, len(body), _WINDOW):
        end = start + _WINDOW
        opened = body.count(b"<", start, end)
        closed = body.count(b"</", start, end)
        if depth + opened > limit:
            break
        depth = max(0, depth + opened - 2 * closed - body.count(b"<br", start, end))
    else:
        return
    depth = 0
    for match in _TAG.finditer(body):
        name = match[2]
        if match[1]:
            depth = max(0, depth - 1)
        elif name.lower() not in _VOID:
            depth += 1
            if depth > limit:
                raise PageRejectedError("too_deep", f"elements nest deeper than {limit}")


def _screen_attributes(body: bytes, limit: int) -> None:
    long_tag = re.compile(rb"<[a-zA-Z][^>]{%d,}" % (2 * limit))
    for match in long_tag.finditer(body):
        if len(_ATTRIBUTE.findall(_QUOTED.sub(b"", match[0]))) > limit:
            raise PageRejectedError(
                "too_many_attributes", f"a tag has more than {limit} attributes"
            )


_QUOTED = re.compile(rb"=\s*(?:\"[^\"]*\"|'[^']*')")
_ATTRIBUTE = re.compile(rb"[\s/\"'][^\s/\"'=>]")
