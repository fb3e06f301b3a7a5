"""The block that holds a page's text, and what beside it belongs to it."""

from __future__ import annotations

import re
from collections.abc import Callable

from infimm_spark.extract.names import SUBHEADINGS, Reading, names_content
from infimm_spark.extract.sentences import MOST_LOOKED_AT
from infimm_spark.extract.tree import Block, first_blocks


def main_block(root: Block, reading: Reading = Reading.PAGE) -> Block:
    """The smallest block that holds nearly all prose, or most of it and is named as content."""
    # The text of a catalogue or an index is not prose: short lines and links.
    if _is_index(root):
        return _descended(root, _length)
    # Where little is said, a short answer counts; links never do.
    is_short = root.prose < LITTLE_TEXT and root.linked * 2 < root.length
    if reading is not Reading.PAGE:
        return _descended(root, _words if is_short else _weight, has_posts=True)
    if is_short:
        return _descended(root, _words)
    main = _descended(root, _weight)
    if (
        main.prose < _LITTLE_PROSE
        and not main.formulas
        and root.length >= _LITTLE_PROSE
        and main.length * 3 < root.length
    ):
        return _descended(root, _length)  # one line of prose above a list of goods
    return main


_LITTLE_PROSE = 250


LITTLE_TEXT = 400
"""Characters of prose below which every short sentence counts."""


def _descended(root: Block, weigh: Callable[[Block], int], *, has_posts: bool = False) -> Block:
    current = root
    while True:
        whole = weigh(current)
        best: Block | None = None
        amount = 0
        for child in current.children:
            if isinstance(child, Block) and child.kept and weigh(child) > amount:
                best, amount = child, weigh(child)
        if best is None or not whole or best.tag in _LEAVES or _has_equals(best, current):
            return current
        if has_posts and _is_post(best, current):
            return current
        named = best.tag in ("article", "main") or names_content(_names(best))
        needed = 0.5 if named and not has_posts else 0.85
        if _is_content(current):
            needed = 0.7 if named else 0.97
        if amount < needed * whole:
            return current
        current = best


def _has_equals(section: Block, parent: Block) -> bool:
    """Whether sections beside this one say as much: slides, of which most have no prose."""
    if section.tag != "section":
        return False
    beside = sum(
        child.length - child.linked
        for child in parent.children
        if isinstance(child, Block)
        and child.tag == "section"
        and child.kept
        and child is not section
    )
    return beside * 3 > section.length


def _is_post(block: Block, parent: Block) -> bool:
    """Whether a block is one of several posts: others beside it have its tag and its class, or its
    id but for the number."""
    kind = _kind(block)
    return kind != "" and any(
        isinstance(child, Block)
        and child is not block
        and child.kept
        and child.tag == block.tag
        and child.length - child.linked >= _SHORT_POST
        and _kind(child) == kind
        for child in parent.children
    )


def _kind(block: Block) -> str:
    classes = (block.attrs.get("class") or "").split(None, 1)
    if classes:
        return classes[0]
    identifier = block.attrs.get("id")
    return _DIGITS.sub("", identifier) if identifier else _BARE_POST.get(block.tag, "")


_SHORT_POST = 5
_BARE_POST = {"article": "article", "li": "li"}
_DIGITS = re.compile(r"\d+")
_FORMULA = 40
"""Characters of prose that a formula counts for: a page of formulas between short lines is
content."""


def _weight(block: Block) -> int:
    return block.prose + _FORMULA * block.formulas


def _words(block: Block) -> int:
    return block.length - block.linked + _FORMULA * block.formulas


def _is_index(root: Block) -> bool:
    return (
        root.length >= _LONG
        and root.prose * _LITTLE < root.length
        and root.linked * 3 > root.length
        and not root.formulas
    )


_LONG = 1_000


def _length(block: Block) -> int:
    return block.length


_LITTLE = 12
"""Prose is less than so small a part of an index."""
_LEAVES = frozenset({"p", "li", "ul", "ol", "dl", "dd", "blockquote", "pre", "tr", "tbody", "td"})


def _is_content(block: Block) -> bool:
    if block.tag == "article":
        return True
    if block.attrs and block.attrs.get("itemprop") == "articleBody":
        return True
    return names_content(_names(block))


def drop_beside(root: Block, main: Block, title: str | None = None) -> None:
    """Drop what stands beside the path from the root to the main block, except headings 1 and
    blocks that are mostly prose themselves (a question above its answers, an introduction).

    `title` is that of the page: a first heading that repeats it is kept in a block of its own too.
    """
    path: set[int] = set()
    block: Block | None = main
    while block is not None:
        path.add(id(block))
        block = block.parent
    whole = main.prose
    current = root
    inside = False
    named = main.tag == "article" or _is_content(main) or main.prose >= _ARTICLE
    while current is not main:
        inside = inside or current.tag == "main" or current.attrs.get("role") == "main"
        following = main
        kept_children: list[str | Block] = []
        before = True
        heading = _heading_before(current, path)
        for child in current.children:
            if isinstance(child, str):
                if current.formulas and has_mark(child):
                    kept_children.append(child)
                continue
            kept_children.append(child)
            if id(child) in path:
                following = child
                before = False
            elif child.formulas == 0 and child.tag != "h1" and child is not heading:
                child.kept = child.kept and (
                    _is_prose(child, whole, before)
                    or (inside and not named and _says_something(child))
                    or _holds_notes(child)
                    or (
                        current is not root
                        and (
                            (before and (_is_title(child) or _holds_title(child, title, inside)))
                            or _holds_code(child)
                        )
                    )
                )
        current.children = kept_children
        current = following


def _heading_before(parent: Block, path: set[int]) -> Block | None:
    """The heading right before the child that holds the main block: the main block's own."""
    heading: Block | None = None
    for child in parent.children:
        if isinstance(child, Block):
            if id(child) in path:
                return heading
            if child.kept and child.length:
                heading = child if child.tag in SUBHEADINGS else None
        elif not child.isspace():
            heading = None
    return None


def _is_prose(block: Block, whole: int, before: bool) -> bool:
    prose = block.prose
    return (
        prose >= 80
        and prose * 10 >= block.length * 7
        and (before or prose * 6 >= whole)
        and block.linked * 5 < block.length
    )


_NOTES = re.compile(
    r"(?:^|[\s_-])(?:footnotes?|endnotes?|references|refs|bibliography|literature|literatur)(?:$|[\s_-])",
    re.I,
)


def is_of_notes(block: Block) -> bool:
    """Whether role, class or id name the notes or references of an author."""
    return (block.attrs.get("role") or "").startswith(("doc-endnote", "doc-footnote")) or (
        _NOTES.search(_names(block)) is not None
    )


def _holds_notes(block: Block) -> bool:
    """The notes and references of an author, at the end of what they belong to."""
    return is_of_notes(block) and block.linked * 2 < block.length


def _says_something(block: Block) -> bool:
    """What a page itself puts into its main part, and is no list of links."""
    return block.prose > 0 and block.linked * 3 < block.length


_TITLE = re.compile(r"(?:^|[\s_-])(?:title|headline|heading)(?:$|[\s_-])", re.I)


def _is_title(block: Block) -> bool:
    """A line or two that are named the title of what they stand above."""
    if not 0 < block.length <= _LONGEST_TITLE or block.linked * 2 > block.length:
        return False
    todo: list[str | Block] = [block]
    for _ in range(4):
        if not todo:
            return False
        inner = todo.pop()
        if isinstance(inner, Block):
            if _TITLE.search(inner.attrs.get("class") or ""):
                return True
            todo.extend(reversed([c for c in inner.children if isinstance(c, Block)]))
    return False


def _holds_title(block: Block, title: str | None, inside: bool) -> bool:
    """Whether a block of a line or two holds a first heading that the page's title repeats before
    the name of the site, or one that stands `inside` the page's main element."""
    if not 0 < block.length <= _LONGEST_TITLE:
        return False
    for inner in first_blocks(block, _FEW):
        if inner.tag == "h1":
            line = " ".join("".join(c for c in inner.children if isinstance(c, str)).split())
            if inside and not block.linked:
                return True
            return bool(line and title and line in title) and (
                title == line or not (title or "").endswith(line)
            )
    return False


_FEW = 8
_LONGEST_TITLE = 200


def _holds_code(block: Block) -> bool:
    """Samples below the statement of an exercise: code without links."""
    if block.linked * 10 > block.length:
        return False
    return any(inner.tag == "pre" for inner in first_blocks(block, MOST_LOOKED_AT))


def has_mark(run: str) -> bool:
    """Whether a run of text holds a formula, or a sign that begins one."""
    return "\ue000" in run or "\\" in run or "$" in run


def _names(block: Block) -> str:
    attrs = block.attrs
    if not attrs:
        return ""
    return f"{attrs.get('class') or ''} {attrs.get('id') or ''}"


_ARTICLE = 1_500
"""Characters of prose from which the main block is an article, and what stands beside it is not."""
