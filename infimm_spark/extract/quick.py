"""The visible text of a parsed page, cheap and rough: prose before links, TeX sources included.

Every page pays for it: it shows language and the recall floor what a page is about.
"""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas.carriers import QUICK_SOURCES
from infimm_spark.extract.tags import COMMENT, NAMES, TEXT
from infimm_spark.extract.unseen import are_prose

_PASSED_OVER = frozenset(
    {"head", "style", "template", "iframe", "object", "svg", "select", "button", "nav", "footer"}
    | {"noscript", "textarea", "canvas", "audio", "video"}
)
_LINK_TAGS = frozenset({"a", "header", "aside"})
_MOST_NODES = 6_000
_OPENED, _LINKED, _SKIPPED, _SOURCE = 0, 1, 2, 3


def _action_at(tag: str | None) -> int:
    """What quick text does at an element: look inside, as a link or not, pass, or take its TeX."""
    if tag is None or tag in _PASSED_OVER:
        return _SKIPPED
    if tag in QUICK_SOURCES:
        return _SOURCE
    return _LINKED if tag in _LINK_TAGS else _OPENED


_ACTIONS = {
    number: _action_at(name) for number, name in NAMES.items() if name not in QUICK_SOURCES
} | {COMMENT: _SKIPPED}


def read_quickly(body: LexborNode, max_chars: int) -> tuple[str, bool]:
    """Up to `max_chars` characters of the text that `body` shows, and whether it surely shows prose
    enough to speak for the page (`unseen.are_prose`)."""
    prose: list[str] = []
    linked: list[str] = []
    size = links = 0
    holds_sources = False
    # What follows an element whose children are looked at; None ends a link.
    todo: list[LexborNode | None] = []
    node = body.first_child
    for _ in range(_MOST_NODES):
        while node is None:
            if not todo:
                break
            node = todo.pop()
            if node is None:
                links -= 1
        if node is None or size >= max_chars:
            break
        following = node.next
        number = node.tag_id
        if number == TEXT:
            text = node.text_content
            if text and not text.isspace():
                if links:
                    linked.append(text)
                else:
                    prose.append(text)
                    size += len(text)
            node = following
            continue
        action = _ACTIONS.get(number)
        if action is None:
            action = _action_at(node.tag)
        if action == _SKIPPED:
            node = following
        elif action == _SOURCE:
            source = QUICK_SOURCES[node.tag or ""](node)
            if source is not None:
                prose.append(f"${source}$")
                size += len(source)
                holds_sources = True
            node = following
        else:
            if following is not None:
                todo.append(following)
            if action == _LINKED:
                links += 1
                todo.append(None)
            node = node.first_child
    # A source stands in a script, which no reader sees.
    speaks = not holds_sources and are_prose([*prose, *linked])
    if size < max_chars:
        prose.extend(linked)
    return " ".join(" ".join(prose).split())[:max_chars], speaks
