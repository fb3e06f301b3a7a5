r"""Displayed formulas that an editor cut into paragraphs: `<p>\[ a +</p><p>b \]</p>`."""

from __future__ import annotations

import re

from infimm_spark.extract import marks
from infimm_spark.extract.tree import Block

_OPENING = re.compile(
    r"\\\\(?![\[(])|\\(?P<bracket>\[)|(?<![\\$])(?P<dollars>\$\$)(?!\$)"
    r"|\\begin\s*\{(?P<name>equation|align|gather|multline|eqnarray|aligned|cases|array|[pbv]?matrix)(?P<star>\*?)\}"
)
_NEVER_PARENTS = frozenset(
    {"p", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "figcaption", "caption", "address"}
)
_MOST_PARAGRAPHS = 12
_LONGEST = 4_000
_PARAGRAPHS = frozenset({"p", "div"})


def join_split_formulas(root: Block) -> None:
    """Move the paragraphs that a formula runs through into the one in which it starts.

    Only where the closing delimiter comes within a few plain paragraphs of the same parent.
    """
    todo = [root]
    while todo:
        parent = todo.pop()
        children = parent.children
        index = 0
        while index < len(children):
            child = children[index]
            index += 1
            if child.__class__ is not Block:
                continue
            closing = _left_open(child)
            if closing is not None:
                _join(children, index - 1, closing)
            if child.tag not in _NEVER_PARENTS:
                todo.append(child)


def _plain(block: str | Block) -> str | None:
    """The text of a paragraph without blocks inside, else None; white space between is plain."""
    if isinstance(block, str):
        return block if block.isspace() else None
    if block.tag not in _PARAGRAPHS or not all(isinstance(child, str) for child in block.children):
        return None
    return "".join(child for child in block.children if isinstance(child, str))


def _left_open(block: Block) -> str | None:
    """The closing delimiter that the last formula of a paragraph lacks."""
    if not block.children or block.tag not in _PARAGRAPHS:
        return None
    if not any(
        isinstance(child, str) and ("\\[" in child or "$$" in child or "\\begin" in child)
        for child in block.children
    ):
        return None
    text = _plain(block)
    if text is None:
        return None
    position = 0
    while True:
        match = _OPENING.search(text, position)
        if match is None:
            return None
        closing = _closing(match)
        if not closing:
            position = match.end()
            continue
        end = text.find(closing, match.end())
        if end < 0:
            return closing
        position = end + len(closing)


def _closing(match: re.Match[str]) -> str:
    if match["bracket"]:
        return "\\]"
    if match["dollars"]:
        return "$$"
    return f"\\end{{{match['name']}{match['star']}}}" if match["name"] else ""


def _join(children: list[str | Block], first: int, closing: str) -> None:
    opener = children[first]
    assert isinstance(opener, Block)
    pieces: list[str] = []
    length = 0
    for index in range(first + 1, min(len(children), first + 1 + 2 * _MOST_PARAGRAPHS)):
        text = _plain(children[index])
        if text is None:
            return
        pieces.append(text)
        length += len(text)
        if length > _LONGEST:
            return
        end = text.find(closing)
        if end < 0:
            continue
        if closing == "$$" and "$$" in text[end + 2 :]:
            return  # two more: these delimit a formula of their own
        opener.children.append(marks.BREAK + marks.BREAK.join(pieces))
        for block in children[first + 1 : index + 1]:
            if isinstance(block, Block):
                opener.length += block.length
                opener.prose += block.prose
                opener.linked += block.linked
                opener.formulas += block.formulas
        opener.formulas += 1
        del children[first + 1 : index + 1]
        return
