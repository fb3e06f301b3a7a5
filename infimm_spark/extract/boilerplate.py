"""Navigation, footers, notices, share bars: blocks that are not the page's content.

Judged on the block tree by tag, by the words of class and id, and by link density. A block with
formulas is never boilerplate.
"""

from __future__ import annotations

import re

from infimm_spark.extract.tree import Block


def mark_boilerplate(root: Block) -> None:
    """Set `kept` to False on boilerplate blocks."""
    total = root.length
    todo = [child for child in root.children if isinstance(child, Block)]
    while todo:
        block = todo.pop()
        if block.formulas == 0 and _is_boilerplate(block, total):
            block.kept = False
            continue
        todo.extend(child for child in block.children if isinstance(child, Block))


_TAGS = frozenset({"nav", "footer", "aside", "menu", "dialog", "search"})
_WORDS = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|footer|breadcrumbs?|share|sharing|social|cookie|"
    r"related|widget|comments?|respond|advert\w*|ads?|promo|newsletter|subscribe|popup|modal|pagination|pager)(?:$|[\s_-])",
    re.I,
)


def _is_boilerplate(block: Block, total: int) -> bool:
    if block.tag in _TAGS:
        return block.length * 2 < total
    attrs = block.attrs
    if attrs:
        words = f"{attrs.get('class') or ''} {attrs.get('id') or ''} {attrs.get('role') or ''}"
        if _WORDS.search(words) and block.length * 2 < total:
            return True
    return False
