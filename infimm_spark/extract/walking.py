"""The state of a walk over Lexbor's tree: the block that is open, and what is in force around the
next node."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from selectolax.lexbor import LexborNode

from infimm_spark.extract import marks
from infimm_spark.extract.formulas.carriers import Reader
from infimm_spark.extract.formulas.elements import readers_of
from infimm_spark.extract.formulas.sources import Attributes, PageState
from infimm_spark.extract.hidden import INVISIBLE_CLASS, MATH_HINT, TEMPLATE_CODE
from infimm_spark.extract.images import ImageReader
from infimm_spark.extract.styles import Meaning, in_symbol_font
from infimm_spark.extract.tree import Block, PageTree, count_own, literal

_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_DOLLAR_HINT = re.compile(r"\$[^$\s][^$]{0,200}?[\\^_=][^$]{0,200}\$")


class Walk:
    """Where the walk is: the block that is open, and what is in force around the next node."""

    __slots__ = (
        "block",
        "ignored",
        "images",
        "links",
        "may_ignore",
        "names_posters",
        "page",
        "sheets",
        "symbol",
        "todo",
        "tree",
    )

    def __init__(
        self,
        body: LexborNode,
        page: PageState,
        images: ImageReader,
        sheets: dict[str, Meaning],
        names_posters: bool = False,
    ) -> None:
        self.page = page
        self.images = images
        self.sheets = sheets
        self.names_posters = names_posters
        self.tree = PageTree(Block("body", body.attributes, None))
        self.block = self.tree.root
        self.links = 0  # depth of enclosing <a>
        self.ignored = 0  # depth of elements whose text the page's configuration leaves alone
        self.may_ignore = page.traits.ignore_class is not None or bool(page.traits.skip_tags)
        self.symbol = 0  # depth of enclosing elements in the Symbol font
        # Siblings still to be visited, each with what is done before (`Leave`) and its argument.
        self.todo: list[tuple[LexborNode | None, Leave | None, str]] = []

    def labels(self, drawing: LexborNode) -> LexborNode | None:
        """HTML within a drawing: labels of diagrams."""
        following = drawing.next
        labels = drawing.css("foreignObject")
        if not labels:
            return following
        self.todo.append((following, None, ""))
        self.todo.extend((label.first_child, None, " ") for label in reversed(labels))
        return None

    def text(self, text: str) -> None:
        """A run of text: kept, counted, and looked at for the signs of delimited formulas."""
        block = self.block
        tree = self.tree
        size = 0
        if not text.isascii():
            text = marks.visible(text)
            size = len(_HAN.findall(text))  # a Han character says as much as two letters and more
        if self.symbol:
            text = in_symbol_font(text)
        if self.ignored and ("$" in text or "\\" in text):
            tree.codes.append(literal(text))
            text = f"{marks.CODE}{len(tree.codes) - 1}{marks.CLOSE}"
        block.children.append(text)
        size += len(text)
        block.own_length += size
        if self.links:
            block.own_linked += size
        if "$" in text:
            tree.dollar_texts.append(text)
            if "$$" in text:
                tree.opened = True
            if self.page.traits.library and _DOLLAR_HINT.search(text):
                block.formulas += 1
        if "\\" in text:
            if "\\[" in text or "\\begin" in text:
                tree.opened = True
            if MATH_HINT.search(text):
                block.formulas += 1

    def code(self, written: str, length: int) -> None:
        """A piece of code, as it will be written; `length` counts its characters."""
        self.tree.codes.append(written)
        self.block.children.append(f"{marks.CODE}{len(self.tree.codes) - 1}{marks.CLOSE}")
        self.block.own_length += length
        if self.links:
            self.block.own_linked += length

    def around(
        self, node: LexborNode, opening: str, closing: str, leave: Leave | None = None
    ) -> LexborNode | None:
        """Go into an inline element with text before and behind it."""
        if opening:
            self.block.children.append(opening)
        self.todo.append((node.next, leave, closing))
        return node.first_child

    def ignore(self, attrs: Attributes, skipped: bool = False) -> bool:
        """Whether the page's configuration changes what is read as TeX inside an element.

        Delimiters in an ignored element are left alone; elements inside that bear formulas are
        read.
        """
        traits = self.page.traits
        process = traits.process_class
        if self.ignored and process is not None and _is_ignored(attrs, process):
            self.todo.append((None, restore_ignored, str(self.ignored)))
            self.ignored = 0
            return True
        if (traits.ignore_class is not None and _is_ignored(attrs, traits.ignore_class)) or skipped:
            self.todo.append((None, restore_ignored, str(self.ignored)))
            self.ignored += 1
            return True
        return False


Leave = Callable[[Walk, str], None]
"""What is done behind an element; its argument is what the element closes with."""


def leave_block(walk: Walk, closing: str) -> None:
    """Count a finished block, add it to its parent, and go on in the parent."""
    block = walk.block
    parent = block.parent
    assert parent is not None
    if block.own_length:
        count_own(block)
    if block.length:
        parent.length += block.length
        parent.linked += block.linked
        parent.prose += block.prose
    if block.formulas:
        parent.formulas += block.formulas
    if block.images:
        parent.images += block.images
    walk.block = parent


def leave_link(walk: Walk, closing: str) -> None:
    walk.links -= 1


def leave_symbol(walk: Walk, closing: str) -> None:
    walk.symbol -= 1
    if closing:
        walk.block.children.append(closing)


def restore_ignored(walk: Walk, closing: str) -> None:
    walk.ignored = int(closing)


def _is_ignored(attrs: Attributes, ignore: re.Pattern[str]) -> bool:
    classes = attrs.get("class")
    return (
        classes is not None
        and ignore.search(classes) is not None
        and _OPENED_LATER.search(classes) is None
    )


# What MathJax leaves alone only until a reader opens it.
_OPENED_LATER = re.compile(
    r"(?:^|[\s_-])(?:hidden|knowl|collapsed?|accordion|spoiler|folded)(?:[\s_-]|$)"
)


# A note in the middle of the sentence it belongs to.
_SIDE_NOTE = re.compile(
    r"(?:^|\s)(?:ltx_role_footnote|sidenote|marginnote|inline-?footnote)(?:\s|$)"
)
_FIGURE = re.compile(r"(?:^|\s)(?:figure|wp-caption|thumb|thumbinner|image-container)(?:\s|$)")


class ClassFacts:
    """What the walk asks of a class attribute."""

    __slots__ = ("figure", "invisible", "note", "readers", "telling", "template")

    def __init__(self, classes: str) -> None:
        self.readers: tuple[Reader, ...] = readers_of(classes)
        self.invisible = INVISIBLE_CLASS.search(classes) is not None
        self.figure = _FIGURE.search(classes) is not None
        self.note = _SIDE_NOTE.search(classes) is not None
        """A note in the middle of the sentence it belongs to."""
        self.template = not TEMPLATE_CODE.isdisjoint(classes.split())
        """JavaScript in the elements of a Khan exercise template."""
        self.telling = self.note or self.invisible or self.template
        """Whether the element may be read in another way than its tag says."""


@lru_cache(maxsize=16_384)
def class_facts(classes: str) -> ClassFacts:
    """Cached: a page repeats few class attributes many times."""
    return ClassFacts(classes)


NO_FACTS = ClassFacts("")
