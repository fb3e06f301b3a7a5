r"""Markdown of a page (slide decks, script templates, JSON state) rendered to HTML.

Formulas are taken out before Markdown can eat their backslashes, and stand in the HTML as
`<script type="math/tex">`, which the readers of formulas know.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape

from markdown_it import MarkdownIt

_FORMULA = re.compile(
    r"(?P<fence>^(?P<ticks>```+|~~~+).*?^(?P=ticks)\s*$)"
    r"|(?P<code>(?<!`)(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`))"
    r"|(?P<escaped>\\[$`])"
    r"|\$\$(?P<display>(?:\\.|[^\\$])+)\$\$"
    r"|\\\[(?P<bracket>.+?)\\\]"
    r"|\\\((?P<paren>.+?)\\\)"
    r"|(?P<environment>\\begin\{(?P<name>(?:equation|align|gather|multline|eqnarray)\*?)\}.+?\\end\{(?P=name)\})"
    r"|\$(?P<inline>(?![\s$])(?:\\.|[^\\$\n]|\n(?!\s*\n)){1,400}?(?<!\s))\$(?!\d)",
    re.S | re.M,
)
# "5 for a ticket and US": two words between dollars are prose.
_PROSE = re.compile(r"(?<![\\{A-Za-z])[A-Za-z]{2,}[,.;:]?\s+[A-Za-z]{2,}(?![}A-Za-z])")
_STAND_IN = "\ufdd0{}\ufdd1"
_STOOD_IN = re.compile("\ufdd0([0-9]+)\ufdd1")
MOST_MARKDOWN = 400_000
"""Characters of Markdown that are rendered; a longer text is cut."""


def render(markdown: str) -> str:
    """The HTML of a Markdown text; HTML inside it is kept."""
    kept: list[str] = []

    def taken(match: re.Match[str]) -> str:
        display = match["display"] or match["bracket"] or match["environment"]
        tex = display or match["paren"] or match["inline"]
        if tex is None or (match["inline"] and _PROSE.search(tex)):
            return match[0]
        mode = "; mode=display" if display else ""
        kept.append(f'<script type="math/tex{mode}">{_script_text(tex)}</script>')
        return _STAND_IN.format(len(kept) - 1)

    text = _FORMULA.sub(taken, _dedented(markdown[:MOST_MARKDOWN]))
    html = _renderer().render(text)
    return _STOOD_IN.sub(lambda match: kept[int(match[1])], html)


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _script_text(tex: str) -> str:
    return tex.replace("</script", "<\\/script").strip()


def _dedented(text: str) -> str:
    """Without the indentation that all lines share, which would make a code block of them."""
    lines = text.expandtabs(4).split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines) if margin else text


def looks_like_html(text: str) -> bool:
    """Whether a text is HTML rather than Markdown."""
    return _TAG.search(text) is not None


_TAG = re.compile(
    r"</(?:p|div|span|ul|ol|h[1-6]|a|strong|em|td|section)>|<(?:br|p|img)\b[^>]*>", re.I
)


def paragraph(text: str) -> str:
    """Plain text as an HTML paragraph."""
    return f"<p>{escape(text, quote=False)}</p>"
