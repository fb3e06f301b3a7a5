"""What stands in a block: an author's sentences, or the links, forms and prompts of a site."""

from __future__ import annotations

import re

from infimm_spark.extract.names import NAMED, verdict_of_classes
from infimm_spark.extract.notices import is_prompt
from infimm_spark.extract.tree import Block, first_blocks
from infimm_spark.extract.wording import ends_a_sentence

MOST_LOOKED_AT = 120
"""Blocks below a doubtful one that are looked at."""
_SENTENCE = 40
_SHORT_SENTENCE = 10
_MOST_FOR_A_SENTENCE = 12
"""Blocks that are searched for a short sentence."""


def holds_sentences(block: Block) -> bool:
    """Whether text outside links in a block is longer than a label, or ends as a sentence does."""
    if block.linked * 4 >= block.length:
        return False
    return block.prose >= _SENTENCE or (
        block.length >= _SHORT_SENTENCE and _holds_short_sentence(block)
    )


def _holds_short_sentence(block: Block) -> bool:
    for inner in first_blocks(block, _MOST_FOR_A_SENTENCE):
        line = ""
        for child in inner.children:
            if isinstance(child, str):
                line = f"{line}{child}"[:_SENTENCE]
        if ends_a_sentence(line):
            return True
    return False


def is_sentence(item: str | Block) -> bool:
    """Whether a child of a block is, or holds, a sentence."""
    if isinstance(item, Block):
        return holds_sentences(item)
    return not item.isspace() and (len(item) >= _SENTENCE or ends_a_sentence(item))


def holds_title(block: Block) -> bool:
    """Whether a heading of the first rank stands in a block."""
    return any(inner.tag == "h1" for inner in first_blocks(block, MOST_LOOKED_AT))


def looks_like_chrome(block: Block, heading: str = "") -> bool:
    """Whether what stands in a block is a site's and not an author's: links, forms, prompts.

    A prompt that a word of the block's own `heading` makes is none: "Newsletter growth".
    """
    if block.linked * 3 > block.length:
        return True
    for inner in first_blocks(block, MOST_LOOKED_AT):
        if inner.tag in ("form", "nav", "footer"):
            return True
        if inner is not block and inner.attrs:
            classes = inner.attrs.get("class")
            if classes and verdict_of_classes(classes) == NAMED:
                return True
        if any(
            isinstance(child, str) and is_prompt(child) and not _repeats(child, heading)
            for child in inner.children
        ):
            return True
    return False


def _repeats(line: str, heading: str) -> bool:
    """Whether a line is no prompt any more without the words of a heading."""
    rest = line.lower()
    for word in heading.lower().split()[:_MOST_WORDS]:
        rest = rest.replace(word, " ")
    return bool(heading) and not is_prompt(rest)


_MOST_WORDS = 8


def asks_for_details(form: Block) -> bool:
    """A form for a reader's name and address."""
    if not 0 < form.length <= _LARGEST_FORM:
        return False
    return any(
        isinstance(child, str) and _DETAIL.match(child)
        for inner in first_blocks(form, MOST_LOOKED_AT)
        for child in inner.children
    )


_DETAIL = re.compile(
    r"\W*(?:(?:your )?e-?mail(?: address)?|(?:first|last|full|your) name|"
    r"phone(?: number)?|company(?: name)?|password|"
    r"user ?name|zip(?: code)?|postcode|job title|subscribe|sign up)\W*(?:\(required\)\W*)?$",
    re.I,
)
_LARGEST_FORM = 1_500
