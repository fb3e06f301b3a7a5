"""A page of the sample crawl, and the plain text that articles are written in."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

OLDER, NEWER = "CC-MAIN-2023-40", "CC-MAIN-2023-50"
"""The two snapshots of the sample; the paper removes repeated URLs within a year."""

ARTICLE = frozenset({"corpus", "precision:quality_prob"})
"""Good mathematics; the high-precision classifier has the last word on each page."""
NOT_MATHEMATICS = frozenset(
    {"extract:recall_floor", "extract:plain_floor", "recall:math_prob", "precision:quality_prob"}
)
"""Either classifier may be the one that says no."""
NO_MATHEMATICS_IN_SOURCE = frozenset({"extract:source_floor"})
"""So long a page is dropped unparsed."""
OTHER_LANGUAGE = frozenset(
    {"extract:crawl_language", "extract:language", "extract:language_uncertain"}
)


@dataclass(frozen=True, slots=True)
class SamplePage:
    """One response of the sample crawl.

    `expected` holds the outcomes a build may give it: ``corpus``, or ``stage:reason`` as in the
    `rejects` table. `shows` says in a few words why the page is here.
    """

    url: str
    body: bytes
    shows: str
    expected: frozenset[str] = ARTICLE
    snapshot: str = NEWER
    content_type: str = "text/html; charset=utf-8"
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    damaged: bool = False
    """The record's gzip member is written with some of its bytes overwritten."""
    languages: tuple[tuple[str, float], ...] = ()
    """What the crawl's metadata record says: language codes with the share of the text."""
    revisit: bool = False
    """A WARC record that says: the same as last time."""


@dataclass(frozen=True, slots=True)
class Article:
    """A text with formulas, independent of how they are written into HTML.

    Paragraphs are separated by blank lines. ``$…$`` is an inline formula; a paragraph that is
    ``$$…$$`` is a displayed one; ``## `` begins a heading, ``- `` the items of a list; ``!name:
    caption`` is a figure.
    """

    slug: str
    title: str
    body: str
    language: str = "en"
    head: str = ""
    """What this page has in its head besides what its formulas need."""
    figure: Callable[[str, str], str] = field(default=lambda name, caption: figure(name, caption))


Formula = Callable[[str, bool], str]
"""(LaTeX without delimiters, displayed?) to HTML."""

_INLINE = re.compile(r"\$([^$]+)\$")


def article_html(article: Article, formula: Formula, head: str = "") -> str:
    """A whole page: what surrounds an article on the web, and the article with its formulas."""
    blocks = "\n".join(
        _block(paragraph.strip(), article, formula) for paragraph in article.body.split("\n\n")
    )
    return page_html(
        article.title,
        f"<article><h1>{html.escape(article.title)}</h1>\n{blocks}\n</article>",
        language=article.language,
        head=article.head + head,
    )


def page_html(title: str, main: str, *, language: str = "en", head: str = "") -> str:
    """A page with the navigation and footer that extraction has to leave out."""
    home, about, contact = _NAVIGATION.get(language, _NAVIGATION["en"])
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{html.escape(title)}</title>
{head}
<style>nav a {{ color: #444 }}</style>
</head>
<body>
<nav><a href="/">{home}</a> <a href="/about">{about}</a> <a href="/contact">{contact}</a></nav>
<main>
{main}
</main>
<footer><a href="/privacy">Privacy</a></footer>
<script>window.analytics = window.analytics || [];</script>
</body>
</html>
"""


def figure(name: str, caption: str) -> str:
    """A picture as most pages have it: relative URL, alternative text, caption."""
    return (
        f'<figure><img src="img/{name}.png" alt="{html.escape(caption)}" width="480" height="320">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def responsive_figure(name: str, caption: str) -> str:
    """A picture in several sizes: the largest candidate of `srcset` is the one to take."""
    return (
        f'<figure><img src="/media/{name}-320.png" srcset="/media/{name}-320.png 320w, '
        f'/media/{name}-1280.png 1280w" sizes="100vw" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def lazy_figure(name: str, caption: str) -> str:
    """A picture that a script would load: a placeholder in `src`, the address elsewhere."""
    return (
        '<p><img class="lazyload" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAAC" '
        f'data-src="/static/{name}.jpg" alt="{html.escape(caption)}"></p>'
    )


_NAVIGATION = {
    "en": ("Home", "About", "Contact"),
    "zh": ("首页", "关于", "联系"),
    "zh-TW": ("首頁", "關於", "聯絡"),
    "de": ("Startseite", "Über uns", "Kontakt"),
    "fr": ("Accueil", "À propos", "Contact"),
}


def _block(paragraph: str, article: Article, formula: Formula) -> str:
    if paragraph.startswith("## "):
        return f"<h2>{html.escape(paragraph[3:])}</h2>"
    if paragraph.startswith("$$"):
        return f"<p>{formula(paragraph.strip('$').strip(), True)}</p>"
    if paragraph.startswith("!"):
        name, _, caption = paragraph[1:].partition(": ")
        return article.figure(name, caption)
    if paragraph.startswith("- "):
        items = "".join(f"<li>{_inline(line[2:], formula)}</li>" for line in paragraph.splitlines())
        return f"<ul>{items}</ul>"
    return f"<p>{_inline(paragraph, formula)}</p>"


def _inline(text: str, formula: Formula) -> str:
    """Prose escaped, formulas rendered."""
    parts = _INLINE.split(" ".join(text.split()))
    return "".join(
        formula(part, False) if i % 2 else html.escape(part) for i, part in enumerate(parts)
    )
