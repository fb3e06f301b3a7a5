"""A document as tokens, and where it may be cut.

A cut is never inside a formula or a row of a table. The best places are between paragraphs, then
between lines, sentences, words; an image is parted from the text that follows it only where there
is no other place.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from infimm_spark.extract.text import literal_spans
from infimm_spark.packing.tokenizers import Tokenizer

NEVER, ANYWHERE, WORD, SENTENCE, LINE, PARAGRAPH = range(6)
"""How good a place for a cut is."""

_SPACE = re.compile(r"\s+")
_ENDS_SENTENCE = ".!?。！？…"
_CHINESE = re.compile(r"[\u3001-\u303f\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")
_ROW = re.compile(r"^[ >]*\|.*\|[ ]*$", re.M)
_APART = "\n\n"


@dataclass(frozen=True, slots=True)
class PlacedImage:
    """An image of a document: its position there, its URL, and its first token."""

    position: int
    url: str
    first: int


@dataclass(slots=True)
class TokenizedDocument:
    """A document's tokens in order, the last of which ends it. `cuts[i]` says how well one may cut
    before token i."""

    id: str
    ids: array[int] = field(default_factory=lambda: array("i"))
    cuts: bytearray = field(default_factory=bytearray)
    images: list[PlacedImage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens first … end - 1 of a document, with its images."""

    first: int
    end: int
    images: tuple[PlacedImage, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A span of a document that goes into a sequence whole."""

    document: TokenizedDocument
    span: Span

    @property
    def tokens(self) -> int:
        return self.span.end - self.span.first

    def split(self, place: int) -> tuple[Part, Part]:
        """The part in two, the second of which begins with token `place` of the document."""
        first, end = self.span.first, self.span.end
        return (
            Part(self.document, _span(self.document, first, place)),
            Part(self.document, _span(self.document, place, end)),
        )


def tokenize(
    identity: str,
    texts: Sequence[str | None],
    images: Sequence[str | None],
    tokenizer: Tokenizer,
    image_tokens: int,
) -> TokenizedDocument:
    """The tokens of a document: its texts, blank lines between texts that follow each other,
    `image_tokens` for each image, and the token that ends it."""
    found = TokenizedDocument(identity)
    after_image = after_text = False
    last_text = max((n for n, text in enumerate(texts) if text), default=-1)
    for position, (text, url) in enumerate(zip(texts, images, strict=True)):
        if url is not None:
            # An image belongs to the text that follows; after the last text, to that.
            best = PARAGRAPH if position < last_text and not after_image else ANYWHERE
            found.images.append(PlacedImage(position, url, len(found.ids)))
            found.ids.extend([tokenizer.image] * image_tokens)
            found.cuts.append(best)
            found.cuts.extend(bytes(image_tokens - 1))
            after_image, after_text = True, False
        elif text:
            if after_text:
                text = _APART + text
            ids, starts = tokenizer.encode(text)
            found.ids.extend(ids)
            found.cuts.extend(_cuts(text, starts))
            if after_image and ids:
                found.cuts[-len(ids)] = ANYWHERE
            after_image, after_text = False, True
    found.ids.append(tokenizer.end)
    found.cuts.append(NEVER)
    return found


def parts(
    document: TokenizedDocument, length: int, max_images: int
) -> tuple[list[Span], list[Span]]:
    """(parts of at most `length` tokens and `max_images` images, what fits into none).

    Together they are the document: each token is in one of them. What fits into none is a formula
    or a row that is longer than a sequence.
    """
    fitting: list[Span] = []
    unused: list[Span] = []
    first, total = 0, len(document.ids)
    while first < total:
        limit = _limit(document, first, length, max_images)
        if limit >= total:
            end = total
        else:
            end = best_cut(document.cuts, first, limit, length)
        if end > first:
            fitting.append(_span(document, first, end))
        else:
            end = next((i for i in range(limit + 1, total) if document.cuts[i]), total)
            unused.append(_span(document, first, end))
        first = end
    return fitting, unused


def _limit(document: TokenizedDocument, first: int, length: int, max_images: int) -> int:
    """The last place at which a part that begins at `first` may end."""
    later = [image.first for image in document.images if image.first >= first]
    most = first + length
    return min(most, later[max_images]) if len(later) > max_images else most


def best_cut(cuts: bytearray, first: int, limit: int, length: int) -> int:
    """The best place in the second half, the last of several; else in the first; else `first`."""
    middle = min(first + length // 2, limit)
    for low, high in ((middle, limit), (first, middle)):
        best, where = NEVER, first
        for place in range(high, low, -1):
            if cuts[place] > best:
                best, where = cuts[place], place
                if best == PARAGRAPH:
                    break
        if best:
            return where
    return first


def _span(document: TokenizedDocument, first: int, end: int) -> Span:
    return Span(first, end, tuple(i for i in document.images if first <= i.first < end))


def _cuts(text: str, starts: list[int]) -> bytes:
    """For each token how well one may cut before it."""
    quality = bytearray([ANYWHERE]) * (len(text) + 1)
    for match in _CHINESE.finditer(text):
        quality[match.end()] = SENTENCE if match[0] in _ENDS_SENTENCE else WORD
    for match in _SPACE.finditer(text):
        start, end = match.span()
        breaks = match[0].count("\n")
        if breaks:
            best = PARAGRAPH if breaks > 1 else LINE
        elif text[start - 1 : start] in _ENDS_SENTENCE and start:
            best = SENTENCE
        else:
            best = WORD
        quality[start : end + 1] = bytes([best]) * (end + 1 - start)
    for match in _ROW.finditer(text):
        start, end = match.span()
        quality[start + 1 : end] = bytes(end - start - 1)
    for start, end, is_formula in literal_spans(text):
        inside = bytes(end - start - 1)
        if not is_formula:  # code may be cut between its lines
            kept = quality[start + 1 : end]
            inside = bytes(WORD if old >= LINE else NEVER for old in kept)
        quality[start + 1 : end] = inside
    return bytes(quality[start] if start >= 0 else NEVER for start in starts)
