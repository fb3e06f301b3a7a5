"""What extraction yields: a document made of text and image segments in page order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["valid", "invalid", "failed"]
"""`valid` and `invalid` formulas were recovered (the latter failed a LaTeX check); `failed` ones
were found on the page and could not be turned into LaTeX."""


@dataclass(slots=True)
class Formula:
    """One formula of the page, in page order.

    `tex` has no delimiters and is empty when `outcome` is ``failed``. `encoding` names the family
    it was found in (``mathml``, ``tex-script``, ``katex``, ``image-alt``, ...). `reason` says why
    it is invalid or failed, and is None for a valid one.
    """

    tex: str
    display: bool
    encoding: str
    outcome: Outcome = "valid"
    reason: str | None = None


@dataclass(slots=True)
class Image:
    """One picture of the page; `url` is absolute (RFC 3986, against `<base>`)."""

    url: str
    alt: str | None = None
    title: str | None = None
    caption: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class Segment:
    """A stretch of text or one image: exactly one of the two is not None."""

    text: str | None = None
    image: Image | None = None


@dataclass(slots=True)
class Document:
    """A page after extraction.

    `segments` alternate freely between text (Markdown-like, `$...$` inline and `$$...$$` display
    formulas) and images, in page order. `charset` is the encoding the bytes were decoded with.
    `consent` lists opt-out signals found in the page's markup. `macros` holds definitions that
    could not be expanded safely. `license` is the licence that the page names, as a URL or in
    words.
    """

    url: str
    title: str | None = None
    segments: list[Segment] = field(default_factory=list)
    formulas: list[Formula] = field(default_factory=list)
    charset: str | None = None
    consent: list[str] = field(default_factory=list)
    license: str | None = None
    macros: str | None = None

    @property
    def text(self) -> str:
        """All text segments joined by blank lines; images leave nothing behind."""
        return "\n\n".join(s.text for s in self.segments if s.text)

    @property
    def text_length(self) -> int:
        """Characters of all text segments, without what joins them."""
        return sum(len(s.text) for s in self.segments if s.text)

    @property
    def images(self) -> list[Image]:
        """The page's images in order."""
        return [s.image for s in self.segments if s.image is not None]

    def formula_counts(self) -> dict[tuple[str, str], int]:
        """Number of formulas by (encoding, outcome)."""
        return dict(Counter((f.encoding, f.outcome) for f in self.formulas))

    def formula_faults(self) -> dict[tuple[str, str, str], int]:
        """Number of formulas that are not valid, by (encoding, outcome, reason)."""
        return dict(
            Counter(
                (f.encoding, f.outcome, f.reason) for f in self.formulas if f.reason is not None
            )
        )
