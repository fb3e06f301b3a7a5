"""The linear screen over a page's bytes before they are parsed.

HTML parsers are superlinear on crafted input, and C code cannot be interrupted from Python, so what
makes Lexbor slow is refused here in one pass. Measured on Lexbor (selectolax 1.0.2): a tag costs up
to 20 ns for every element open above it (`</x>`, `<li>`, `<h1>` and formatting elements walk the
whole stack), an attribute as much for every attribute before it on its tag, an `<option>` for every
option before it, and each further `<html>` or `<body>` tag compares its attributes with those it
has. Hence four bounds: depth, the sum of depths over all tags, attributes of one tag, options.

Ordinary pages pay for a few `bytes.count`; only a page beyond these cheap bounds is tokenised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from operator import sub

from infimm_spark.errors import PageRejectedError


@dataclass(frozen=True, slots=True)
class ScreenLimits:
    """Bounds on one page; the defaults are those of `ExtractConfig`."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 2_000
    max_attributes: int = 2_000


MAX_STACK_WORK = 100_000_000
"""Sum over all tags of the elements open above them: about two seconds of parsing."""
MAX_OPTIONS = 15_000
"""`<option>` elements: about one and a half seconds of parsing."""
MAX_ROOT_TAGS = 500
"""Repeated `<html>` and `<body>` tags."""


def screen(body: bytes, limits: ScreenLimits) -> None:
    """Raise `PageRejectedError` for a page that must not reach the parser.

    Reasons: ``page_too_large``, ``not_html`` (binary by its first bytes), ``too_deep``,
    ``too_many_attributes``, ``too_many_options``. Linear in the page.
    """
    if len(body) > limits.max_bytes:
        raise PageRejectedError(
            "page_too_large", f"{len(body)} bytes; expected at most {limits.max_bytes}"
        )
    if body.startswith(_BINARY):
        raise PageRejectedError("not_html", "the body is a binary file by its first bytes")
    tags = body.count(b"<")
    started = tags - body.count(b"</") if tags > MAX_ROOT_TAGS else tags
    if (
        _may_be_deep(body, tags, started, limits.max_depth)
        or _may_have_many_attributes(body, limits.max_attributes)
        or (started > MAX_OPTIONS and body.lower().count(b"<option") > MAX_OPTIONS)
        or (started > MAX_ROOT_TAGS and len(_ROOTS.findall(body)) > MAX_ROOT_TAGS)
    ):
        _tokenise(body, limits)


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


def _may_be_deep(body: bytes, tags: int, started: int, limit: int) -> bool:
    """Bounds depth and work from above, by counting `<` and `</` in windows of fixed size.

    No page is deeper than its `started` start tags. A window may open as many elements as it has tags; elements without end tag make the bound
    drift upwards, which costs a look with `_tokenise` but hides nothing.
    """
    if started <= limit and started * tags <= MAX_STACK_WORK:
        return False
    depth = work = 0
    for start in range(0, len(body), _WINDOW):
        end = start + _WINDOW
        opened = body.count(b"<", start, end)
        closed = body.count(b"</", start, end)
        work += (depth + opened) * opened
        if depth + opened > limit or work > MAX_STACK_WORK:
            return _is_deep_by_names(body, limit)
        depth = max(0, depth + opened - 2 * closed)
    return False


class _Change(dict[bytes, int]):
    """Tag name, with its slash → change of depth, filled as names are met."""

    def __missing__(self, name: bytes) -> int:
        plain = name.removeprefix(b"/").lower()
        change = 0 if plain in _VOID or plain in _IMPLIED else -1 if name[0] == 47 else 1
        if len(self) < 10_000:
            self[name] = change
        return change


def _is_deep_by_names(body: bytes, limit: int) -> bool:
    """The same bound from tag names, all in C: scripts and comments still count as tags."""
    changes = map(_Change().__getitem__, _NAME.findall(body))
    depths = list(accumulate(changes, initial=0))
    # An end tag without start tag takes nothing away: depth is the rise above the lowest so far.
    rises = list(map(sub, depths, accumulate(depths, min)))
    deepest, work = max(rises), sum(rises)
    return bool(deepest > limit or work > MAX_STACK_WORK)


def _may_have_many_attributes(body: bytes, limit: int) -> bool:
    """Whether a stretch without `>` may be a tag with more attributes than `limit`.

    Each needs two bytes, so such a stretch fills one of the page's windows of `limit` bytes: nearly
    all are passed after their first few bytes.
    """
    size = len(body)
    start = 0
    while start + limit <= size:
        if body.find(b">", start, start + limit) >= 0:
            start += limit
            continue
        first = body.rfind(b">", 0, start) + 1
        end = body.find(b">", start + limit)
        if end < 0:
            end = size
        if end - first > 2 * limit:
            tag = _TAG_START.search(body, first, end)
            if tag is not None and end - tag.start() > 2 * limit:
                blanks = sum(body.count(blank, tag.start(), end) for blank in _SEPARATORS)
                if blanks > limit:
                    return True
        start = max(start + limit, end)
    return False


# `<html` and `<body` in any case, and a few others: a bound that costs half as much as the names
_ROOTS = re.compile(rb"<[hHbB][tToO][mMdD][lLyY]")
_NAME = re.compile(rb"<(/?[a-zA-Z][a-zA-Z0-9:]*)")
_TAG_START = re.compile(rb"<[a-zA-Z]")
_SEPARATORS = (b" ", b"\n", b"\t", b"/", b'"')
_TOKEN = re.compile(rb"<(?:(!--)|(/?)([a-zA-Z][a-zA-Z0-9:]*))")
_COMMENT_END = re.compile(rb"--!?>")
_RAW = {
    name: re.compile(rb"</" + name + rb"[\s/>]", re.IGNORECASE)
    for name in (
        b"script",
        b"style",
        b"textarea",
        b"title",
        b"xmp",
        b"iframe",
        b"noembed",
        b"noframes",
    )
}
_VOID = frozenset(
    (
        b"area base basefont bgsound br col embed frame hr img input keygen link meta param source "
        b"track wbr"
    ).split()
)
# Closed by their next sibling, so that leaving out the end tag nests nothing.
_IMPLIED = frozenset(
    b"p li dt dd td th tr tbody thead tfoot option optgroup rp rt colgroup".split()
)
_ATTRIBUTE = re.compile(rb"[\s/]*[^\s/>=]+(?:\s*=\s*(?:\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\s>]*))?")


def _tokenise(body: bytes, limits: ScreenLimits) -> None:
    depth = work = options = roots = position = 0
    while True:
        match = _TOKEN.search(body, position)
        if match is None:
            return
        position = match.end()
        if match[1]:
            end = _COMMENT_END.search(body, position - 2)
            if end is None:
                return
            position = end.end()
            continue
        name = match[3].lower()
        work += depth
        if work > MAX_STACK_WORK:
            raise PageRejectedError("too_deep", "too many tags at great depth")
        if match[2]:
            if name not in _IMPLIED and name not in _VOID:
                depth = max(0, depth - 1)
            continue
        tag_end = body.find(b">", position)
        if tag_end < 0:
            tag_end = len(body)
        if tag_end - position > 2 * limits.max_attributes:
            _check_attributes(body, position, limits.max_attributes)
        if name in _RAW:
            raw_end = _RAW[name].search(body, position)
            if raw_end is None:
                return
            position = raw_end.end()
        elif name == b"option":
            options += 1
            if options > MAX_OPTIONS:
                raise PageRejectedError("too_many_options", f"more than {MAX_OPTIONS} options")
        elif name in (b"html", b"body"):
            roots += 1
            if roots > MAX_ROOT_TAGS:
                raise PageRejectedError(
                    "too_many_attributes", f"more than {MAX_ROOT_TAGS} html and body tags"
                )
        elif name not in _VOID and name not in _IMPLIED:
            depth += 1
            if depth > limits.max_depth:
                raise PageRejectedError("too_deep", f"elements nest deeper than {limits.max_depth}")


def _check_attributes(body: bytes, position: int, limit: int) -> None:
    for _ in range(limit + 1):
        match = _ATTRIBUTE.match(body, position)
        if match is None:
            return
        position = match.end()
    raise PageRejectedError("too_many_attributes", f"a tag has more than {limit} attributes")
