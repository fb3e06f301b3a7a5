"""From records to HTML: the templates and what they show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from infimm_spark import report
from infimm_spark.browse.differences import Line, compared, paragraphs
from infimm_spark.extract.document import Formula
from infimm_spark.report.documents import Shown, document_html, picture_words
from infimm_spark.report.mathml import draw

STYLE = Path(report.__file__).parent / "templates" / "style.css"
"""The style sheet that all pages of the package share."""

_MOST_FORMULAS = 500
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::\d{1,5})?")


def render(template: str, **values: Any) -> str:
    """A template of this package with its values; text is escaped."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["score"] = lambda value: "–" if value is None else f"{value:.3f}"
    environment.filters["number"] = lambda value: "–" if value is None else f"{value:,}"
    environment.globals["link"] = web_link
    environment.globals["address"] = address
    return environment


def address(path: str, query: str = "", **more: Any) -> str:
    """A path with a query string and further keys."""
    rest = urlencode({key: value for key, value in more.items() if value not in (None, "")})
    joined = "&".join(part for part in (query, rest) if part)
    return f"{path}?{joined}" if joined else path


def web_link(url: str | None) -> str | None:
    """The URL if a reader may follow it: http or https and nothing else."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def picture_source(url: str | None) -> str | None:
    """Where a picture comes from as a source of a Content-Security-Policy; None if it has no
    http(s) address."""
    if web_link(url) is None:
        return None
    parts = urlsplit(str(url))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if _HOST.fullmatch(host) else None


def shown_document(segments: Sequence[Mapping[str, Any]], id_: str) -> Shown:
    """The document with a button for each picture, which loads on a click."""

    def button(number: int, image: Mapping[str, Any]) -> str:
        words = escape(picture_words(image))
        url = escape(image.get("url") or "")
        if picture_source(image.get("url")) is None:
            return f'<div class="image" title="{url}">picture: {words}</div>'
        frame = f"/page/{escape(id_)}/picture/{number}"
        return (
            f'<div class="image" title="{url}"><button type="button" class="load"'
            f' data-frame="{frame}">Load picture</button> {words}</div>'
        )

    return document_html(segments, picture=button)


def formula_rows(
    formulas: Sequence[Formula], numbers: Sequence[int | None]
) -> list[dict[str, Any]]:
    """Rows of the table of formulas: index on the page, number in the document, drawing, source,
    carrier, outcome, reason."""
    return [
        {
            "index": index,
            "number": numbers[index],
            "html": Markup(draw(formula.tex, False).html if formula.tex else ""),
            "formula": formula,
        }
        for index, formula in enumerate(formulas[:_MOST_FORMULAS])
    ]


def difference(left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Two documents side by side, each side as safe HTML."""
    return [
        Line(line.kind, Markup(line.left), Markup(line.right))
        for line in compared(paragraphs(left), paragraphs(right))
    ]
