"""The linear screen over a page's bytes before they are parsed.

HTML parsers are superlinear on crafted input, and C code cannot be interrupted from Python, so what
makes Lexbor slow is refused here in one pass. Measured on Lexbor (selectolax 1.0.2): a tag costs up
to 20 ns for every element open above it (`</x>`, `<li>`, `<h1>` and formatting elements walk the
whole stack), an attribute as much for every attribute before it on its tag, an `<option>` for every
option before it, and each further `<html>` or `<body>` tag compares its attributes with those it
has. Hence four bounds: depth, the sum of depths over all tags, attributes of one tag, options.

Ordinary pages pay for a few passes of numpy; only a page beyond these cheap bounds is tokenised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import sub
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

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
_MOST_QUOTES = 28_000
"""Quotation marks that need no look at the tags: 14,000 attributes of one tag parse in two
seconds."""


def check_file(body: bytes, limits: ScreenLimits) -> None:
    """Raise `PageRejectedError` for what is no page by its size or its first bytes: reasons
    ``page_too_large``, ``not_html``."""
    if len(body) > limits.max_bytes:
        raise PageRejectedError(
            "page_too_large", f"{len(body)} bytes; expected at most {limits.max_bytes}"
        )
    if body.startswith(_BINARY):
        raise PageRejectedError("not_html", "the body is a binary file by its first bytes")


def screen(body: bytes, limits: ScreenLimits) -> None:
    """Raise `PageRejectedError` for a page that must not reach the parser.

    Reasons: those of `check_file`, ``too_deep``, ``too_many_attributes``, ``too_many_options``.
    Linear in the page.
    """
    check_file(body, limits)
    characters = np.frombuffer(body, np.uint8)
    opened = _Opened.of(characters)
    if (
        _may_be_deep(body, characters, opened, limits.max_depth)
        or _may_have_many_attributes(body, limits.max_attributes)
        or _may_hide_tags(body, characters, opened, limits)
        or (opened.started > MAX_OPTIONS and body.lower().count(b"<option") > MAX_OPTIONS)
        or (opened.roots > MAX_ROOT_TAGS and len(_ROOTS.findall(body)) > MAX_ROOT_TAGS)
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
_LESS, _SLASH = b"</"
_ROOT_LETTERS = list(b"hHbB")
_Bytes: TypeAlias = npt.NDArray[np.uint8]
_Places: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What follows each `<` of a page: bounds from above of its start tags and roots."""

    at: _Places
    """Where each `<` is that does not end the page."""
    started: int
    roots: int

    @classmethod
    def of(cls, characters: _Bytes) -> _Opened:
        at = np.flatnonzero(characters == _LESS)
        if at.size and at[-1] == characters.size - 1:
            at = at[:-1]
        followed = np.bincount(characters[1:][at], minlength=256)
        return cls(at, at.size - int(followed[_SLASH]), int(followed[_ROOT_LETTERS].sum()))


def _may_be_deep(body: bytes, characters: _Bytes, opened: _Opened, limit: int) -> bool:
    """Bounds depth and work from above by the order of `<` and `</`.

    No page is deeper than its start tags. Elements without end tag make the bound drift upwards,
    which costs a look at the names but hides nothing.
    """
    if opened.started <= limit and opened.started * opened.at.size <= MAX_STACK_WORK:
        return False
    ends = characters[1:][opened.at] == _SLASH
    # An end tag without start tag takes nothing away: depth is the rise above the lowest so far.
    depths = np.cumsum(np.where(ends, -1, 1), dtype=np.int64)
    rises = depths - np.minimum(np.minimum.accumulate(depths), 0)
    if int(rises.max()) <= limit and int(rises.sum()) <= MAX_STACK_WORK:
        return False
    return _is_deep_by_names(body, limit)


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
    rises = list(map(sub, depths, accumulate(depths, min)))
    deepest, work = max(rises), sum(rises)
    return bool(deepest > limit or work > MAX_STACK_WORK)


def _may_have_many_attributes(body: bytes, limit: int) -> bool:
    """Whether a stretch without `>` may be a tag with more attributes than `limit`.

    Each needs two bytes, so only a stretch of more than twice as many is looked at; nearly all of a
    page is passed from one `>` to the last one that near behind it.
    """
    size = len(body)
    first = 0
    while first + 2 * limit < size:
        near = body.rfind(b">", first, first + 2 * limit + 1)
        if near >= 0:
            first = near + 1
            continue
        end = body.find(b">", first + 2 * limit + 1)
        if end < 0:
            end = size
        tag = _TAG_START.search(body, first, end)
        begin = first if tag is None else tag.start()
        if end - begin > 2 * limit:
            blanks = end - begin - len(body[begin:end].translate(None, _SEPARATORS))
            # Text and scripts, unless a `>` in a value ends what seems to be the tag before.
            if blanks > limit and (tag is not None or _HIDDEN_END.search(body, 0, first)):
                begin = first if tag is None else tag.end()
                # Base64 has as many slashes; read as attributes it is one value.
                if len(_ATTRIBUTES.findall(body, begin, end)) > limit:
                    return True
        first = end + 1
    return False


def _may_hide_tags(body: bytes, characters: _Bytes, opened: _Opened, limits: ScreenLimits) -> bool:
    """Whether quoted values or comments may hold what the counts of `<`, `</` and `>` take for
    tags."""
    if len(body) > 2 * _MOST_QUOTES:  # two quotation marks a value, its name and `=`
        # Both quotation marks, and `#` and `&` with them, by one comparison.
        quotes = np.count_nonzero((characters & 0xFA) == ord('"'))
        if quotes > _MOST_QUOTES and _HIDDEN_END.search(body) is not None:
            return True
    if opened.started <= limits.max_depth:
        return False
    at = opened.at
    ends = at[characters[1:][at] == _SLASH]
    before = characters[ends - 1]  # of an end tag at the start, which nothing hides, the last byte
    hidden = int(np.count_nonzero((before == ord('"')) | (before == ord("'"))))
    hidden += body.count(b"<!--")
    return hidden * 2 > limits.max_depth


# a="x>y", the value read up to its first `>` and never twice
_HIDDEN_END = re.compile(rb"=\s*+(?:\"[^\">]*+>|'[^'>]*+>)")
# `<html` and `<body` in any case, and a few others: a bound that costs half as much as the names
_ROOTS = re.compile(rb"<[hHbB][tToO][mMdD][lLyY]")
_NAME = re.compile(rb"<(/?[a-zA-Z][a-zA-Z0-9:]*)")
_TAG_START = re.compile(rb"</?[a-zA-Z]")
_SEPARATORS = b' \n\t/"'
# A tag's name ends at a blank, `/` or `>`: `<a<b` is one name.
_TOKEN = re.compile(rb"<(?:(!--)|(/?)([a-zA-Z][^\s/>]*))")
# The rest of a tag without quotation marks, which most have not.
_PLAIN_REST = re.compile(rb"[^>\"']*>")
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
_PLAIN = {name: re.compile(rb"[^<]*</" + name + rb"[\s/>]", re.IGNORECASE) for name in _RAW}
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
_FOREIGN = frozenset({b"svg", b"math"})
# Shapes, of which a drawing has thousands. Any other tag may end the drawing for the parser.
_SHAPES = frozenset(
    (
        b"circle clippath defs ellipse g line lineargradient marker mask path pattern polygon "
        b"polyline radialgradient rect stop symbol text tspan use"
    ).split()
)
_CLOSED_IN_ITSELF = re.compile(rb"(?:\s+[a-zA-Z_:][\w:.-]*\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/>")
_ATTRIBUTE = re.compile(rb"[\s/]*[^\s/>=]+(?:\s*=\s*(?:\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\s>]*))?")

# The same from its name on and without a step back: finding them all is linear in the tag.
_ATTRIBUTES = re.compile(
    rb"[^\s/>=]++(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>]*+))?+"
)


class TagReader:
    """The tags of a page in order, as a parser reads them: comments, quoted values and raw text
    passed over.

    Iterating yields (lower-case name, whether it is an end tag). `read` counts the bytes looked at:
    at most five for each byte of the page, whatever the page.

    Raises `PageRejectedError` for a tag with more than `max_attributes` attributes.
    """

    def __init__(self, body: bytes, max_attributes: int) -> None:
        self._body = body
        self._max_attributes = max_attributes
        self._checked = 0
        self._tag = (0, 0)
        self.holds_text = False
        """Whether the tag last given is a `<title>` or `<style>` of a drawing with text alone."""
        self.read = 0

    def __iter__(self) -> Iterator[tuple[bytes, bool]]:
        body = self._body
        size = len(body)
        foreign = (
            0  # `<svg>` and `<math>` that are open: what HTML reads as raw text is markup in them
        )
        unsure = (
            False  # whether the parser may be in raw text or in markup: nothing is passed over then
        )
        position = 0
        while True:
            match = _TOKEN.search(body, position)
            if match is None:
                self.read += size - position
                return
            self.read += match.end() - position
            position = match.end()
            if match[1]:
                if unsure:
                    continue
                end = self._after(_COMMENT_END, position - 2)
                if end is None:
                    return
                position = end
                continue
            name = match[3].lower()
            closing = bool(match[2])
            end = self._end_of_tag(position)
            self._tag = (position, end)
            plain = None
            if foreign and not closing and not unsure and name in _RAW:
                # Text alone ends at the same place, raw or markup: `<svg><title>An icon</title>`.
                plain = _PLAIN[name].match(body, end)
            self.holds_text = plain is not None
            yield name, closing
            if not unsure:
                position = end
            if name in _FOREIGN:
                if closing:
                    foreign = max(0, foreign - 1)
                elif body[end - 2 : end] != b"/>":
                    foreign += 1
            elif name in _RAW and not closing and not unsure:
                if foreign:
                    if plain is None:
                        unsure = True
                        continue
                    self.read += plain.end() - position
                    position = plain.end()
                    continue
                after = self._after(_RAW[name], position)
                if after is None:
                    return
                position = after

    def is_closed_in_itself(self) -> bool:
        """Whether the tag last given surely is: `<path d="…"/>`; an unquoted value may end in
        `/`."""
        position, end = self._tag
        self.read += end - position
        return _CLOSED_IN_ITSELF.fullmatch(self._body, position, end) is not None

    def _after(self, pattern: re.Pattern[bytes], position: int) -> int | None:
        """Where a match ends, or None if there is none up to the end of the page."""
        match = pattern.search(self._body, position)
        end = len(self._body) if match is None else match.end()
        self.read += end - position
        return None if match is None else end

    def _end_of_tag(self, position: int) -> int:
        """Behind the `>` of a tag whose name ends at `position`; the end of the page if it has
        none."""
        if position < self._checked:
            return self._checked
        plain = _PLAIN_REST.match(self._body, position)
        if plain is not None and plain.end() - position <= 2 * self._max_attributes:
            self.read += plain.end() - position
            self._checked = plain.end()
            return self._checked
        start = position
        for _ in range(self._max_attributes + 1):
            match = _ATTRIBUTE.match(self._body, position)
            if match is None:
                break
            position = match.end()
        else:
            raise PageRejectedError(
                "too_many_attributes", f"a tag has more than {self._max_attributes} attributes"
            )
        end = self._body.find(b">", position)
        self._checked = len(self._body) if end < 0 else end + 1
        self.read += 2 * (self._checked - start)
        return self._checked


def _tokenise(body: bytes, limits: ScreenLimits) -> None:
    depth = work = options = roots = 0
    drawing = False  # surely inside `<svg>`, where a tag that is closed in itself opens nothing
    tags = TagReader(body, limits.max_attributes)
    for name, closing in tags:
        work += depth
        if work > MAX_STACK_WORK:
            raise PageRejectedError("too_deep", "too many tags at great depth")
        if closing:
            drawing = drawing and name in _SHAPES
            if name not in _IMPLIED and name not in _VOID:
                depth = max(0, depth - 1)
            continue
        if drawing and name in _SHAPES:
            if tags.is_closed_in_itself():
                continue
        elif not (drawing and tags.holds_text):
            drawing = name == b"svg" and not tags.is_closed_in_itself()
        if name == b"option":
            options += 1
            if options > MAX_OPTIONS:
                raise PageRejectedError("too_many_options", f"more than {MAX_OPTIONS} options")
        elif name in (b"html", b"body"):
            roots += 1
            if roots > MAX_ROOT_TAGS:
                raise PageRejectedError(
                    "too_many_attributes", f"more than {MAX_ROOT_TAGS} html and body tags"
                )
        elif name not in _VOID and name not in _IMPLIED and name not in _RAW:
            depth += 1
            if depth > limits.max_depth:
                raise PageRejectedError("too_deep", f"elements nest deeper than {limits.max_depth}")
