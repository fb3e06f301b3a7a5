"""Navigation, footers, notices, share bars: blocks that are not the page's content.

Judged on the block tree in three steps: by tag and the words of class, id and role; by where the
page's prose lies (everything beside the block that holds it goes); by the density of links in what
is left. A block with formulas is never boilerplate, nor is what it stands in.
"""

from __future__ import annotations

import re

from infimm_spark.extract import marks
from infimm_spark.extract.main_block import (
    LITTLE_TEXT,
    drop_beside,
    has_mark,
    is_of_notes,
    main_block,
)
from infimm_spark.extract.names import (
    BOILERPLATE_TAGS,
    DOUBTED,
    HINTED,
    NAMED,
    PLAIN,
    SUBHEADINGS,
    Reading,
    is_slug_of,
    names_comments,
    names_facts,
    names_links,
    names_reviews,
    verdict_of_classes,
    verdict_of_id,
    verdict_of_role,
)
from infimm_spark.extract.notices import (
    is_comments_heading,
    is_date,
    is_notice,
    is_of_poster,
    is_related_heading,
)
from infimm_spark.extract.reading import is_discussion
from infimm_spark.extract.sentences import (
    asks_for_details,
    holds_sentences,
    holds_title,
    is_sentence,
    looks_like_chrome,
)
from infimm_spark.extract.tree import Block
from infimm_spark.extract.wording import ends_a_sentence


def mark_boilerplate(
    root: Block, reading: Reading = Reading.PAGE, title: str | None = None
) -> None:
    """Set `kept` to False on boilerplate blocks; counts of their ancestors go down with them.

    On a page whose comments are its text (a forum's thread) they are no boilerplate. `title` is the
    page's own, which tells its first heading from the name of the site.
    """
    if reading is Reading.PAGE and is_discussion(root):
        reading = Reading.THREAD
    _drop_named(root, reading)
    main = main_block(root, reading)
    drop_beside(root, main, title)
    _drop_related(main)
    _drop_link_lists(main)


class _Dropped:
    """Blocks being dropped; ancestors' counts are corrected once for all of them, in linear
    time."""

    def __init__(self) -> None:
        self.visited: list[Block] = []  # every block after its parent
        self._lost: dict[int, tuple[int, int, int]] = {}

    def add(self, block: Block) -> None:
        block.kept = False
        self._lose(block.parent, (block.length, block.linked, block.prose))

    def settle(self) -> None:
        for block in reversed(self.visited):
            lost = self._lost.pop(id(block), None)
            if lost is not None:
                block.length -= lost[0]
                block.linked -= lost[1]
                block.prose -= lost[2]
                self._lose(block.parent, lost)

    def _lose(self, block: Block | None, lost: tuple[int, int, int]) -> None:
        if block is not None:
            before = self._lost.get(id(block), (0, 0, 0))
            self._lost[id(block)] = (
                before[0] + lost[0],
                before[1] + lost[1],
                before[2] + lost[2],
            )


def _drop_named(root: Block, reading: Reading) -> None:
    total = root.prose
    words = root.length - root.linked if total < LITTLE_TEXT else 0
    dropped = _Dropped()
    hinted: list[Block] = []
    todo = [root]
    while todo:
        block = todo.pop()
        if block is not root and _is_named_boilerplate(block, reading):
            if block.formulas:
                if block.linked * 10 > block.length * 7:
                    _strip(block, dropped)
                    continue
            elif block.prose and _verdict(block, reading) == HINTED:
                hinted.append(block)
                continue
            elif (
                _is_lesser(block, total, words)
                or block.tag in ("nav", "footer")
                or (
                    total - block.prose >= _A_TEXT
                    and _is_of_comments(block)
                    and not holds_title(block)
                )
            ):
                dropped.add(block)
                continue
        dropped.visited.append(block)
        for child in block.children:
            if child.__class__ is Block:
                todo.append(child)
    # Where most of the text stands in what bears such a name (`widget`), the name says nothing.
    said = sum(block.prose for block in hinted if not _is_of_comments(block))
    for block in hinted:
        if said * 2 <= total or _is_of_comments(block):
            dropped.add(block)
    dropped.settle()


def _is_lesser(block: Block, total: int, words: int) -> bool:
    """Whether a block is not what its page is about; where a page has little prose (`words` is then
    not 0), all words outside links count."""
    if words:
        return (block.length - block.linked) * 2 <= words
    return block.prose * 2 <= total


_A_TEXT = 600
"""Characters of prose that are a page's text, however many comments it has."""


def _is_of_comments(block: Block) -> bool:
    names = f"{block.attrs.get('class') or ''} {block.attrs.get('id') or ''}"
    return names_comments(names) or names_reviews(names)


def _strip(navigation: Block, dropped: _Dropped) -> None:
    """Of a navigation with formulas (a table of contents) keep only the lines that bear them."""
    todo = [navigation]
    while todo:
        block = todo.pop()
        dropped.visited.append(block)
        inner = [child for child in block.children if isinstance(child, Block)]
        if any(child.formulas for child in inner):
            block.children = [
                child for child in block.children if isinstance(child, Block) or has_mark(child)
            ]
        for child in inner:
            if child.formulas:
                todo.append(child)
            else:
                dropped.add(child)


_HEADINGS_ALL = SUBHEADINGS | {"h1"}
# What an author writes: an id on it is the target of a link, no name.
_WRITTEN = frozenset({"p", "li", "dt", "dd", "blockquote", "figure", "figcaption", *_HEADINGS_ALL})
_NEVER_NAMED = frozenset({"body", "article", "main", "pre", "tr", "tbody", "td"})


# `comment-9257`: numbered by a program.
_NUMBERED_COMMENT = re.compile(r"(?:li-|div-)?(?:comment|pingback)s?[-_]?\d+$")


def _verdict(block: Block, reading: Reading) -> int:
    """How surely a block's tag, role, class and id call it boilerplate."""
    tag = block.tag
    if tag in BOILERPLATE_TAGS:
        return NAMED
    attrs = block.attrs
    if not attrs:
        return HINTED if tag == "aside" else PLAIN
    if tag in _NEVER_NAMED:
        return PLAIN
    role = attrs.get("role")
    if tag == "aside" and is_of_notes(block):
        return PLAIN
    verdict = HINTED if tag == "aside" else PLAIN
    if role:
        verdict = max(verdict, verdict_of_role(role))
    classes = attrs.get("class")
    if classes:
        verdict = max(verdict, verdict_of_classes(classes, reading))
    identifier = attrs.get("id")
    if identifier and tag in _WRITTEN and _NUMBERED_COMMENT.match(identifier):
        verdict = max(verdict, PLAIN if reading is Reading.THREAD else HINTED)
    if verdict != NAMED and identifier and tag not in _WRITTEN:
        of_id = verdict_of_id(identifier, reading)
        if of_id:
            if _slug_heading(block) is not None:
                of_id = DOUBTED
            verdict = max(verdict, of_id)
    if verdict == HINTED and tag in _HEADINGS_ALL:
        return PLAIN
    return verdict


def _names_its_heading(block: Block) -> bool:
    """Whether the class or id of a block is a word of its own heading: `modal` of modal logic."""
    heading = _own_heading(block)
    if heading is None or not holds_sentences(block):
        return False
    names = (block.attrs.get("class"), block.attrs.get("id"))
    return any(name is not None and is_slug_of(name, heading) for name in names)


def _slug_heading(block: Block) -> str | None:
    """The heading of a block from whose words its id was made: the one it begins with, or, for the
    text below a heading (`id="text-share-of-primes"` of Org), the one right before it."""
    identifier = block.attrs.get("id")
    if not identifier:
        return None
    for heading in (_own_heading(block), _heading_before(block)):
        if heading is not None and is_slug_of(identifier, heading):
            return heading
    return None


def _words_of_slug(block: Block) -> str:
    """The heading that an id was made from, where it has two words or more."""
    heading = _slug_heading(block)
    return heading if heading is not None and len(heading.split()) > 1 else ""


def _heading_before(block: Block) -> str | None:
    """The heading right before a block."""
    assert block.parent is not None
    siblings = block.parent.children
    if len(siblings) > _MOST_SIBLINGS:
        return None
    for sibling in reversed(siblings[: siblings.index(block)]):
        if isinstance(sibling, Block):
            return _line(sibling) if sibling.tag in _HEADINGS_ALL else None
        if not sibling.isspace():
            return None
    return None


def _own_heading(block: Block) -> str | None:
    """The heading that a block begins with."""
    for _ in range(3):
        first = next((c for c in block.children if isinstance(c, Block) and c.length), None)
        if first is None:
            return None
        if first.tag in _HEADINGS_ALL:
            return _line(first)
        block = first
    return None


def _is_named_boilerplate(block: Block, reading: Reading) -> bool:
    verdict = _verdict(block, reading)
    if (
        reading is not Reading.PAGE
        and verdict == PLAIN
        and 0 < block.length <= _LONGEST_FACT
        and block.tag not in _HEADINGS_ALL
        and _is_leaf(block)
        and is_of_poster(_line(block))
    ):
        return True
    if block.tag == "form" and not block.formulas and asks_for_details(block):
        return True
    if verdict == HINTED and not _is_of_comments(block) and _names_its_heading(block):
        return looks_like_chrome(block)
    if verdict == HINTED and names_facts(block.attrs.get("class") or "") and holds_title(block):
        return False
    if verdict == HINTED:
        return not holds_sentences(block) or not _stands_in_text(block) or looks_like_chrome(block)
    if verdict == NAMED and block.tag not in BOILERPLATE_TAGS:
        if _is_no_list_of_links(block):
            return False
        if block.tag == "aside" and _stands_among_paragraphs(block):
            return not holds_sentences(block) or looks_like_chrome(block)
    return verdict == NAMED or (
        verdict == DOUBTED and looks_like_chrome(block, _words_of_slug(block))
    )


def _is_no_list_of_links(block: Block) -> bool:
    """Paragraphs under a name of menus."""
    return (
        block.prose >= _PARAGRAPH * 2
        and block.linked * 8 < block.length
        and block.attrs.get("role") is None
        and names_links(block.attrs.get("class") or block.attrs.get("id") or "")
    )


def _stands_among_paragraphs(block: Block) -> bool:
    """Whether a paragraph with a sentence stands right beside a block: the sidebar of an author
    (`<aside class="margin sidebar">` of Jupyter Book), not that of a site."""
    assert block.parent is not None
    siblings = block.parent.children
    if len(siblings) > _MOST_SIBLINGS:
        return False
    return any(
        isinstance(child, Block) and child.tag == "p" and child.kept and is_sentence(child)
        for child in siblings
    )


def _stands_in_text(block: Block) -> bool:
    """Whether sentences stand on both sides of a block, or on one side of an aside."""
    assert block.parent is not None
    siblings = block.parent.children
    if len(siblings) > _MOST_SIBLINGS:
        return False
    place = siblings.index(block)
    before = any(map(is_sentence, siblings[max(0, place - _NEAR) : place]))
    after = any(map(is_sentence, siblings[place + 1 : place + 1 + _NEAR]))
    if block.tag == "aside" or block.attrs.get("role") == "alert":
        return before or after
    return before and after


_LONGEST_FACT = 60
_MOST_SIBLINGS = 2_000
_NEAR = 40
"""Siblings on each side that are looked at."""


def _drop_link_lists(main: Block) -> None:
    dropped: list[Block] = []
    lines: list[tuple[int, Block]] = []
    removed = position = last = 0
    first: int | None = None
    todo = [child for child in reversed(main.children) if isinstance(child, Block) and child.kept]
    while todo:
        block = todo.pop()
        position += 1
        if block.formulas == 0 and _is_link_list(block):
            block.kept = False
            dropped.append(block)
            removed += block.length
            continue
        if block.formulas == 0 and _may_be_notice(block) and _is_notice(block, at_edge=True):
            lines.append((position, block))
        elif block.own_length - block.own_linked >= _PARAGRAPH or (
            block.own_length >= _SHORT_PARAGRAPH and ends_a_sentence(_line(block))
        ):
            last = position
            if first is None:
                first = position
        for child in reversed(block.children):
            if child.__class__ is Block and child.kept:
                todo.append(child)
    for place, block in lines:
        if _is_notice(block, at_edge=first is None or not first < place < last):
            block.kept = False
            dropped.append(block)
            removed += block.length
    if removed * 2 > main.length:
        # The page is a list of links: that is its content.
        for block in dropped:
            block.kept = True
        return
    for parent in {id(block.parent): block.parent for block in dropped}.values():
        if parent is not None:
            _drop_empty_headings(parent)


_PARAGRAPH = 80
"""Characters outside links from which a block is a paragraph of the page's text."""
_SHORT_PARAGRAPH = 25
"""Characters from which it is, where they end a sentence."""


# What holds headings and what stands below them.
_SECTIONING = frozenset({"div", "section", "article", "main", "center", "form", "td", "details"})


def _drop_related(main: Block) -> None:
    """A heading such as "Related articles" goes with what follows it, up to a heading of its rank.

    Only after the greater part of what its parent holds, and never with a formula.
    """
    todo = [main]
    while todo:
        parent = todo.pop()
        children = parent.children
        before = 0
        for index, child in enumerate(children):
            if child.__class__ is str:
                before += len(child)
                continue
            assert isinstance(child, Block)
            if not child.kept:
                continue
            if child.tag in SUBHEADINGS and before:
                line = _line(child)
                if is_comments_heading(line):
                    # "Comments" alone heads an author's section too.
                    sure = not line.strip().isalpha()
                    _drop_section(children, index, _COMMENTS_SHARE * before, sure=sure)
                elif is_related_heading(line, linked=True):
                    _drop_section(children, index, before, sure=is_related_heading(line))
            elif child.tag in _SECTIONING:
                todo.append(child)
            before += child.length


_COMMENTS_SHARE = 4
"""Comments may be so many times as long as what they comment on; longer ones are the page's
text."""


def _drop_section(children: list[str | Block], start: int, before: int, *, sure: bool) -> None:
    rank = children[start].tag  # type: ignore[union-attr]
    section: list[Block] = []
    length = linked = 0
    for child in children[start:]:
        if isinstance(child, str):
            if not child.isspace():
                break
            continue
        if section and child.tag in SUBHEADINGS and child.tag <= rank:
            break
        if child.formulas:
            return
        section.append(child)
        length += child.length
        linked += child.linked
    if length <= before and (
        sure or linked * 3 > length or any(map(looks_like_chrome, section[1:]))
    ):
        for block in section:
            block.kept = False


def _drop_empty_headings(parent: Block) -> None:
    """A heading goes when all that stood below it, up to the next heading, has gone."""
    heading: Block | None = None
    lost = False
    for child in [*parent.children, None]:
        if child is None or (isinstance(child, Block) and child.tag in SUBHEADINGS and child.kept):
            if heading is not None and lost and heading.formulas == 0:
                heading.kept = False
            heading, lost = child, False
        elif isinstance(child, str):
            if child and not child.isspace():
                heading = None
        elif not child.kept:
            lost = True
        elif child.length:
            heading = None


def _is_link_list(block: Block) -> bool:
    length = block.length
    if length == 0 or (block.images and block.linked < 30):
        return False
    density = block.linked / length
    tag = block.tag
    if tag in ("ul", "ol", "dl", "nav"):
        if density <= 0.6:
            return False
        items = sum(isinstance(child, Block) for child in block.children)
        if tag != "nav" and _lists_sentences(block):
            return False
        return length < 80 * items or density > 0.9
    if tag in (
        "div",
        "section",
        "header",
        "form",
        "details",
        "fieldset",
        "center",
        "aside",
        "article",
    ):
        return density > 0.6 and not any(
            isinstance(child, Block) and child.tag == "h1" for child in block.children
        )
    if tag in ("table", "tbody"):
        return density > 0.8
    if tag in ("td", "th"):
        return density > 0.6 and _is_menu_cell(block)
    return tag in ("p", "address") and density > 0.85 and length < 150


def _lists_sentences(block: Block) -> bool:
    """Whether the first items of a list are whole sentences: problems, theorems, each a link."""
    items = [child for child in block.children[:_NEAR] if isinstance(child, Block)][:4]
    return bool(items) and all(
        (line := _line(item)).endswith((".", "。")) and ends_a_sentence(line) for item in items
    )


def _is_menu_cell(cell: Block) -> bool:
    """Links in the cell of a table that places the page's text in another of its cells."""
    row = cell.parent
    assert row is not None
    beside = sum(
        c.prose for c in row.children[:_MOST_CELLS] if isinstance(c, Block) and c is not cell
    )
    return beside >= 3 * _PARAGRAPH and beside > 2 * cell.length


_MOST_CELLS = 8
_SHORT_LINES = frozenset(
    {"p", "div", "address", "figcaption", "legend", "summary", "h2", "h3", "h4", "h5", "h6"}
)


def _may_be_notice(block: Block) -> bool:
    return (
        0 < block.length <= 160
        and block.tag in _SHORT_LINES
        and (block.tag != "div" or block.own_length == block.length)
    )


def _is_notice(block: Block, *, at_edge: bool) -> bool:
    """A short line such as "Read also: ..." or "All rights reserved"."""
    line = _line(block)
    if not line:
        return False
    return is_notice(line, linked=block.linked > 0, at_edge=at_edge) or (
        block.tag in ("p", "div") and _is_leaf(block) and is_date(line)
    )


def _line(block: Block) -> str:
    line = "".join(c for c in block.children if isinstance(c, str))
    return marks.cleared(marks.ANY_MARK.sub("", line)).strip()


def _is_leaf(block: Block) -> bool:
    return all(child.__class__ is not Block for child in block.children)
