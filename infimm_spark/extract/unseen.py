"""The text of a page whose body shows nothing without scripts: in `<noscript>` or as JSON state.

Forums (Discourse, Flarum) give readers without scripts the whole thread in a `<noscript>`; pages of
JavaScript frameworks bring their text as JSON in a script (`__NEXT_DATA__`, `__NUXT__` and its
kin). Both are looked for only where the body itself holds hardly any prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from infimm_spark.extract import markdown, marks
from infimm_spark.extract.formulas import js
from infimm_spark.extract.signs import ALL, Sign
from infimm_spark.extract.tags import MATH, NAMES, TEXT

_ENOUGH_PROSE = 250
"""Characters of prose from which a body speaks for itself."""
_SENTENCE = 40
_LEAST = 60
"""Characters of text that are worth taking."""
_LEAST_NOSCRIPT = 400
"""Characters of source."""
_MOST_NODES = 1_500


def unseen_body(
    parser: LexborHTMLParser, html: str, signs: frozenset[Sign] = ALL
) -> LexborHTMLParser | None:
    """A page made of what is hidden from readers without scripts, or None where the body has
    text; `signs` are those of `html`."""
    body = parser.body
    if body is None or not (
        (Sign.NOSCRIPT in signs and _holds_noscript(html))
        or (Sign.STATE in signs and _holds_state(html))
        or (Sign.REPAIR in signs and _WRITTEN_IN_TEXTAREA.search(html) is not None)
    ):
        return None
    shown = _shown_text(body)
    if shown is None:
        return None
    fragment = _noscript(body, shown) or _from_state(parser, shown) or _from_textarea(body, shown)
    if fragment is None:
        return None
    return LexborHTMLParser(marks.sealed(f"<html><body>{fragment}</body></html>"))


def are_prose(texts: Iterable[str]) -> bool:
    """Whether the longer ones of the texts that a body shows are prose enough for it to speak for
    itself."""
    prose = 0
    for text in texts:
        if len(text) >= _SENTENCE:
            prose += _prose_in(text)
            if prose >= _ENOUGH_PROSE:
                return True
    return False


def _prose_in(text: str) -> int:
    """The characters of a text that is a sentence or holds a formula, else 0."""
    is_marked = "\\" in text or "$" in text
    if len(text) < _SENTENCE and not is_marked:
        return 0
    size = len(" ".join(text.split()))
    return size if is_marked or size >= _SENTENCE else 0


def _holds_noscript(html: str) -> bool:
    """Whether a `<noscript>` is long enough for a text; most hold one picture that counts
    visitors."""
    start = html.find("<noscript")
    while start >= 0:
        end = html.find("</noscript", start)
        if end < 0 or end - start > _LEAST_NOSCRIPT or html.find("<p", start, end) > 0:
            return True
        start = html.find("<noscript", end)
    return False


def _holds_state(html: str) -> bool:
    if any(f"{name}=" in html for name in _STATE_ATTRIBUTES):
        return True
    return _JSON_SCRIPT.search(html) is not None or _STATE.search(html) is not None


_SILENT = frozenset(
    [
        "head",
        "script",
        "style",
        "template",
        "noscript",
        "nav",
        "footer",
        "select",
        "button",
        "textarea",
        "svg",
        "iframe",
    ]
)


_SILENT_NUMBERS = frozenset(number for number, name in NAMES.items() if name in _SILENT)


def _shown_text(body: LexborNode) -> int | None:
    """Characters that a body shows, menus aside; None where they hold prose enough to be read."""
    prose = looked = 0
    texts: list[str] = []
    todo: list[LexborNode | None] = []
    node = body.first_child
    while True:
        if node is None:
            if not todo:
                return sum([len(" ".join(text.split())) for text in texts])
            node = todo.pop()
            continue
        looked += 1
        if looked > _MOST_NODES:
            return None
        following = node.next
        number = node.tag_id
        if number == TEXT:
            text = node.text_content
            if text and not text.isspace():
                texts.append(text)
                prose += _prose_in(text)
                if prose >= _ENOUGH_PROSE:
                    return None
            node = following
        elif number in _SILENT_NUMBERS:
            node = following
        elif number == MATH:
            return None
        else:
            todo.append(following)
            node = node.first_child


def _noscript(body: LexborNode, shown: int) -> str | None:
    """The largest `<noscript>` with text in it."""
    best: str | None = None
    most = shown
    for node in islice(body.css("noscript"), 50):
        text = " ".join((node.text() or "").split())
        size = len(text)
        if size > most and (size > _ENOUGH_PROSE or (size >= _LEAST and not _ASKS.search(text))):
            best, most = node.inner_html, size
    return best


# What a `<noscript>` says that holds no text of the page.
_ASKS = re.compile(r"java\s?script|browser|浏览器|ブラウザ", re.I)


# --- Markdown in a text field, which a script renders -------------------------------------------

_WRITTEN_IN_TEXTAREA = re.compile(r"<textarea[^>]*>[^<]{100}")
_MARKDOWN_SIGN = re.compile(r"^\s{0,3}(?:#{1,6}|[-*+]|\d+\.|>|```)\s?\S|\$\$|\]\(http|\*\*\S", re.M)


def _from_textarea(body: LexborNode, shown: int) -> str | None:
    best = ""
    for node in islice(body.css("textarea"), 20):
        text = node.text() or ""
        if len(text) > max(len(best), shown, _LEAST) and _MARKDOWN_SIGN.search(text):
            best = text
    return f"<div>{markdown.render(marks.cleared(best))}</div>" if best else None


# --- JSON state ---------------------------------------------------------------------------------

# With a literal prefix the search is a fraction as dear as with alternatives.
_STATE = re.compile(
    r"__(?:NEXT_DATA__|NUXT__|INITIAL_STATE__|APOLLO_STATE__|PRELOADED_STATE__|remixContext|INITIAL_DATA__)"
    r"|decodeURIComponent\(\s*[\"']%"
)
_JSON_SCRIPT = re.compile(r"type\s*=\s*[\"']?application/(?:ld\+)?json")
# window.__DATA__ = {…}, var pageState = JSON.parse("…")
_ASSIGNED = re.compile(
    r"\b(__\w{3,40}__|__remixContext|\w{0,60}(?:State|Data|STATE|DATA|Injection))\s*=\s*"
    r"(?:JSON\.parse\(\s*(?:decodeURIComponent\(\s*)?)?"
    # Nuxt 2 writes its state as a call: `(function(a,b){return {…}}(null,"x"))`
    r"(?:\(function\s*\([\w$,\s]{0,4000}\)\s*\{\s*return\s*)?\s*(?=[{\[\"'])"
)
_MOST_JSON = 4_000_000
_MOST_SCRIPT = 1_000_000
_MOST_STRINGS = 3_000
_DEEPEST = 40
_SHARE = 0.6
"""A member that holds this share of an object's text is looked into: the article, not the site."""
_PROSE_SIGN = re.compile(r"[A-Za-z]{2,}[,;:]?\s+\S+\s+\S+|[\u3040-\u30ff\u4e00-\u9fff]{4}")
_NO_PROSE = re.compile(
    r"\s*(?:https?://|/|data:|[{\[<](?:svg|style|script|iframe|\"|!)|function\b|@media|\.[\w-]+\s*\{|#[0-9a-fA-F]{3,8}$|[\w.-]+@)"
)
# Members that tell of the page, its author or its site.
_ASIDE_KEYS = re.compile(
    r"meta|seo|og|desc(?:ription)?_?short|excerpt|summary|teaser|biography|bio|author|user|avatar|url|href|src|slug|"
    r"related|recommend|comment|nav|menu|footer|header|sidebar|cookie|consent|i18n|locale|translation|message|"
    r"config|settings|css|style|script|query|ads?|breadcrumb|tags?|alt|copyright|license",
    re.I,
)
_TITLES = ("title", "headline", "name", "heading", "question")

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def _from_state(parser: LexborHTMLParser, shown: int) -> str | None:
    best: str | None = None
    most = max(_LEAST, shown)
    for state in _states(parser):
        fragment, size = _fragment(state)
        if fragment is not None and size > most:
            best, most = fragment, size
    return best


def _states(parser: LexborHTMLParser) -> Iterator[Json]:
    root = parser.root
    if root is None:
        return
    for name in _STATE_ATTRIBUTES:
        for node in islice(root.css(f"[{name}]"), 20):
            source = node.attributes.get(name) or ""
            if _LEAST < len(source) < _MOST_JSON and source.lstrip()[:1] in "{[":
                yield from _loaded(source)
    for script in islice(root.css("script"), 200):
        kind = (script.attributes.get("type") or "").lower()
        source = script.text() or ""
        if not _LEAST < len(source) < _MOST_JSON or script.attributes.get("src"):
            continue
        if "json" in kind:
            yield from _loaded(source)
        elif not kind or "javascript" in kind:
            match = _ASSIGNED.search(source)
            if match is not None:
                yield from _loaded(source[match.end() :])


# Inertia and react-rails give a component its state in an attribute of its element.
_STATE_ATTRIBUTES = ("data-page", "data-react-props")


def _loaded(source: str) -> Iterator[Json]:
    try:
        state, _ = _DECODER.raw_decode(source.lstrip())
        if isinstance(state, str):
            if state.startswith("%"):
                state = unquote(state)
            state, _ = _DECODER.raw_decode(state.lstrip())
    except (ValueError, RecursionError):
        # No JSON, but what a script may hold as well: `{data:[{body:'…'}]}`
        state = js.literal(source, longest=_MOST_SCRIPT) if source.lstrip()[:1] in "{[" else None
    if isinstance(state, dict | list):
        yield state


_DECODER = json.JSONDecoder(strict=False)


def _fragment(state: Json) -> tuple[str | None, int]:
    """HTML of the part of a state that holds most of its prose, and how much that is."""
    title: str | None = None
    current = state
    for _ in range(_DEEPEST):
        if isinstance(current, dict):
            title = next(
                (
                    value
                    for key in _TITLES
                    if isinstance(value := current.get(key), str) and 2 < len(value) < 200
                ),
                title,
            )
        whole = _weight(current)
        heavy = [child for child in _members(current) if not isinstance(child, str) and child]
        best = max(heavy, key=_weight, default=None)
        if best is None or not whole or _weight(best) < _SHARE * whole:
            break
        current = best
    strings: list[str] = []
    for text in islice(_strings(current, 0), _MOST_STRINGS):
        if text not in strings[-50:] and text != title:
            strings.append(text)
    size = sum(map(_length, strings))
    sentences = sum(size_of for text in strings if (size_of := _length(text)) >= _PARAGRAPH)
    if size < _LEAST or sentences * 2 < size:
        return None, 0  # labels and messages of a program
    pieces = [f"<h1>{_inline(title)}</h1>"] if title and _is_title(title) else []
    for text in strings:
        body = text if markdown.looks_like_html(text) else markdown.render(marks.cleared(text))
        pieces.append(f"<div>{body}</div>")
    return "".join(pieces), size


_PARAGRAPH = 40


def _length(text: str) -> int:
    """Characters; a Han character says as much as three letters."""
    return len(text) if text.isascii() else len(text) + 2 * len(_HAN.findall(text))


_HAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def _inline(text: str) -> str:
    return markdown.paragraph(text)[3:-4]


def _members(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [_opened(child) for key, child in value.items() if not _ASIDE_KEYS.fullmatch(key)]
    return value if isinstance(value, list) else []


def _opened(value: Json) -> Json:
    """What a string says that is JSON itself, as the answers of a server in a page's state are."""
    if isinstance(value, str) and len(value) > _LEAST and value[0] in "{[" and value[-1] in "}]":
        return _parsed(value)
    return value


@lru_cache(maxsize=64)
def _parsed(text: str) -> Json:
    try:
        parsed: Json = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    return parsed


def _weight(value: Json) -> int:
    return sum(len(text) for text in islice(_strings(value, 0), _MOST_STRINGS) if _is_prose(text))


def _strings(value: Json, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if _is_text(value):
            yield value
    elif depth < _DEEPEST:
        for child in _members(value):
            yield from _strings(child, depth + 1)


def _is_text(text: str) -> bool:
    """A line of a language: not an address, a code, a colour."""
    return len(text) > 3 and (" " in text or not text.isascii()) and _NO_PROSE.match(text) is None


def _is_title(text: str) -> bool:
    return _is_text(text) or (text.isalpha() and text[0].isupper())


def _is_prose(text: str) -> bool:
    return len(text) >= 12 and _PROSE_SIGN.search(text) is not None
