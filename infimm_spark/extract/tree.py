"""The light tree of a page: blocks that hold runs of text, formulas already read.

Each block counts its text, so that what is boilerplate can be judged without another look at the
page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from infimm_spark.extract.formulas.sources import Attributes


class Block:
    """A block-level element: `children` are runs of text (str) and blocks, in page order.

    `prose` counts the text of paragraphs outside links, `length` the characters of text below it,
    `linked` those inside links (`own_…`: in its own runs), `formulas` the formula marks and
    delimiters seen, `images` the pictures.
    """

    __slots__ = (
        "attrs",
        "children",
        "formulas",
        "images",
        "kept",
        "length",
        "linked",
        "own_length",
        "own_linked",
        "parent",
        "prose",
        "tag",
    )

    def __init__(self, tag: str, attrs: Attributes, parent: Block | None) -> None:
        self.tag = tag
        self.attrs = attrs
        self.parent = parent
        self.children: list[str | Block] = []
        self.length = 0
        self.linked = 0
        self.own_length = 0
        self.own_linked = 0
        self.prose = 0
        self.formulas = 0
        self.images = 0
        self.kept = True


def first_blocks(block: Block, most: int) -> Iterator[Block]:
    """A block and those below it, depth first, each block's last child first; at most so many."""
    todo = [block]
    while todo and most > 0:
        most -= 1
        inner = todo.pop()
        yield inner
        todo.extend(child for child in inner.children if isinstance(child, Block))


class PageTree:
    """The block tree of a page with what the walk set aside."""

    def __init__(self, root: Block) -> None:
        self.root = root
        self.blocks = [root]
        self.codes: list[str] = []
        self.dollar_texts: list[str] = []
        self.figures: list[Block] = []
        self.opened = False
        """Whether a text node opens a displayed formula, which may run through several
        paragraphs."""

    def release(self) -> None:
        """Part the blocks from their parents: without cycles they are freed at once,
        uncollected."""
        for block in self.blocks:
            block.parent = None


_SENTENCE = 40
"""Characters outside links from which a run of text counts as prose."""


def count_own(block: Block) -> None:
    """Add a block's own runs to its counts."""
    own = block.own_length
    if own:
        linked = block.own_linked
        block.length += own
        block.linked += linked
        if own - linked >= _SENTENCE:
            block.prose += own - linked


def literal(text: str) -> str:
    """Text with the dollar signs and backticks that delimit nothing written as such."""
    return _SPECIAL.sub(r"\1\1\\\2", text)


_SPECIAL = re.compile(r"(?<!\\)(\\*)([$`])")


def caption_of(figure: Block) -> Block | None:
    """The `<figcaption>` of a figure, or what its class names a caption."""
    todo = [figure]
    while todo:
        block = todo.pop()
        if block is not figure and (
            block.tag in ("figcaption", "caption")
            or _CAPTION.search(block.attrs.get("class") or "") is not None
        ):
            return block
        todo.extend(child for child in reversed(block.children) if isinstance(child, Block))
    return None


_CAPTION = re.compile(
    r"(?:^|\s)(?:caption|wp-caption-text|thumbcaption|caption-text|figcaption)(?:\s|$)"
)
