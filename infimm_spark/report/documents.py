"""A document as safe HTML: its segments in reading order, formulas drawn, a box for each picture.

Headings, lists, quotations, tables and code of the text are set as such; everything else is shown
as it stands. Nothing that a page wrote becomes markup, and no picture is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from infimm_spark.extract import marks
from infimm_spark.extract.text import parts_of
from infimm_spark.report.mathml import Drawn, draw

MAX_CHARS = 400_000
"""Characters of a document that are shown; a note says where the rest was left out."""
MAX_FORMULAS = 5_000
"""Formulas of a document that are drawn; later ones are shown by their source."""

_MARK = re.compile("\ue000([0-9]+)\ue003")
_FENCE = re.compile(r"(?P<ticks>`{3,})[\w+#-]*\n(?P<code>.*?)\n[ >]*(?P=ticks)\Z", re.DOTALL)
_TICKS = re.compile(r"(`+)(.*)\1", re.DOTALL)


@dataclass(slots=True)
class Shown:
    """A document as HTML.

    `html` is one `<div class="document">`; each formula in it carries `data-formula="N"`, N counted
    from 0 through the document. `failures` are the reasons of those that could not be drawn, by N.
    """

    html: str
    formulas: int = 0
    failures: dict[int, str] = field(default_factory=dict)


def document_html(
    segments: Iterable[Mapping[str, Any]],
    *,
    picture: Callable[[int, Mapping[str, Any]], str] | None = None,
    max_chars: int = MAX_CHARS,
) -> Shown:
    """The document of `segments` (rows of `schemas.SEGMENT`) as HTML.

    `picture(n, image)` gives the HTML in place of the n-th image, safe by itself; without it a box
    names the picture. At most `max_chars` characters of text are shown.
    """
    shown = Shown("")
    out: list[str] = []
    left = max_chars
    pictures = 0
    for segment in segments:
        image = segment.get("image")
        if image is not None:
            out.append((picture or _picture_box)(pictures, image))
            pictures += 1
            continue
        text = segment.get("text") or ""
        if len(text) > left:
            out += [_text(text[: max(left, 0)], shown), _cut(max_chars)]
            break
        left -= len(text)
        out.append(_text(text, shown))
    shown.html = f'<div class="document">{"".join(out)}</div>'
    return shown


def released_segments(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The segments of a row of the corpus, whose texts and images are lists side by side."""
    images = iter(row.get("images") or ())
    segments: list[dict[str, Any]] = []
    for text, url in zip(row["text_list"], row["image_list"], strict=False):
        if text is not None:
            segments.append({"text": text, "image": None})
        elif url is not None:
            segments.append({"text": None, "image": next(images, None) or {"url": url}})
    return segments


def picture_words(image: Mapping[str, Any]) -> str:
    """What is known of a picture without loading it: its description, caption and size."""
    words = [image.get("alt") or image.get("title"), image.get("caption")]
    said = " – ".join(dict.fromkeys(word for word in words if word)) or "no description"
    size = (image.get("width"), image.get("height"))
    return f"{said} ({size[0]} × {size[1]})" if all(size) else said


def _picture_box(number: int, image: Mapping[str, Any]) -> str:
    url, words = escape(image.get("url") or ""), escape(picture_words(image))
    return f'<div class="image" data-image="{number}" title="{url}">picture: {words}</div>'


def _cut(max_chars: int) -> str:
    return f'<p class="note">The rest is not shown: the text is longer than {max_chars:,} characters.</p>'  # noqa: E501


def _text(text: str, shown: Shown) -> str:
    """A text segment: formulas and code travel through Markdown as marks."""
    kept: list[str] = []
    pieces: list[str] = []
    for kind, part in parts_of(marks.cleared(text)):
        if kind == "prose":
            pieces.append(part)
            continue
        kept.append(_code(part) if kind == "code" else _formula(part, kind == "display", shown))
        pieces.append(f"{marks.FORMULA}{len(kept) - 1}{marks.CLOSE}")
    html = _markdown().render("".join(pieces))
    return _MARK.sub(lambda found: kept[int(found[1])], html)


def _formula(tex: str, display: bool, shown: Shown) -> str:
    number = shown.formulas
    shown.formulas += 1
    if number < MAX_FORMULAS:
        drawn = draw(tex, display)
    else:
        source = f'<span class="formula unrendered"><code>{escape(tex)}</code></span>'
        drawn = Drawn(source, f"only the first {MAX_FORMULAS:,} formulas are drawn")
    if drawn.failure is not None:
        shown.failures[number] = drawn.failure
    return drawn.html.replace("<span ", f'<span data-formula="{number}" ', 1)


def _code(source: str) -> str:
    fence = _FENCE.search(source)
    if fence is not None:
        prefix, code = source[: fence.start()], fence["code"]
        # `<code>` alone: a block would end the paragraph or list item that Markdown put it into
        return f'{escape(prefix)}<code class="block">{escape(code)}</code>'
    span = _TICKS.fullmatch(source)
    return f"<code>{escape(span[2] if span else source)}</code>"


@cache
def _markdown() -> MarkdownIt:
    """Only what the text of documents uses: no links, pictures, emphasis or HTML."""
    rules = ["heading", "list", "blockquote", "table"]
    return MarkdownIt("zero", {"html": False, "breaks": True}).enable(rules)
