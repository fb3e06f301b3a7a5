"""What the readers of formula-bearing elements share: the page's state and small tree look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.ledger import FormulaLedger
from infimm_spark.extract.formulas.traits import Traits
from infimm_spark.extract.latex.facts import BEGINS_DISPLAY, DELIMITERS

Attributes = dict[str, str | None]


@dataclass(slots=True)
class PageState:
    """State of one page while its tree is walked."""

    traits: Traits
    ledger: FormulaLedger
    script_ids: frozenset[str] = field(default_factory=frozenset)
    """Ids of `script[type^=math/]`: the source of what MathJax 2 rendered beside them."""
    looks: int = 1_000_000
    """Nodes that may still be looked at below elements that may be formulas, for which those inside
    each other are looked at again and again."""


def children_of(node: LexborNode) -> Iterator[LexborNode]:
    """All children of a node, texts and comments too."""
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def text_of(node: LexborNode) -> str:
    """All text below a node, in order; `<br>` is a line break."""
    child = node.first_child
    if child is None:
        return ""
    if child.next is None and child.tag == "-text":
        return child.text_content or ""
    if node.css_first("br") is None:
        return node.text()
    pieces: list[str] = []
    for child in node.traverse(include_text=True):
        if child.tag == "-text":
            pieces.append(child.text_content or "")
        elif child.tag == "br":
            pieces.append("\n")
    return "".join(pieces)


def first(node: LexborNode, *tags: str) -> LexborNode | None:
    """The first descendant with one of these tag names."""
    return node.css_first(", ".join(tags))


def next_element(node: LexborNode) -> LexborNode | None:
    """The next sibling that is an element, unless text stands between."""
    sibling = node.next
    while sibling is not None:
        if sibling.is_element_node:
            return sibling
        if sibling.is_text_node and (sibling.text_content or "").strip():
            return None
        sibling = sibling.next
    return None


def class_of(node: LexborNode | None) -> str:
    """The class attribute of an element, or an empty string."""
    if node is None or not node.is_element_node:
        return ""
    return node.attributes.get("class") or ""


_MOST_SOURCE_NODES = 2_000
_DEEPEST_SOURCE = 24
"""Elements inside each other in which a source may stand: nested further, each would be read for
all that are around it."""


def plain_source(node: LexborNode, page: PageState) -> str | None:
    """The text of an element without rendered mathematics inside it, else None.

    None as well, with one failed formula in the ledger, where a page has been looked through too
    often.
    """
    if page.looks <= 0:
        return None
    pieces: list[str] = []
    depth = 0
    current = node.first_child
    for _ in range(_MOST_SOURCE_NODES):
        if current is None:
            return "".join(pieces)
        page.looks -= 1
        tag = current.tag
        child = None
        if tag == "-text":
            pieces.append(current.text_content or "")
        elif tag == "br":
            pieces.append("\n")
        elif tag in ("em", "i"):
            # Markdown made emphasis of underscores; only safe to leave to the text scanner
            return None
        elif tag in rendered.BEARER_TAGS:
            return None
        elif tag != "-comment":
            if rendered.BEARER_CLASS.search(class_of(current)):
                return None
            child = current.first_child
        if child is not None:
            depth += 1
            if depth > _DEEPEST_SOURCE:
                return None
            current = child
            continue
        following = current.next
        while following is None and depth:
            depth -= 1
            current = current.parent
            if current is None:
                break
            following = current.next
        current = following
    return None


def undelimited(text: str) -> tuple[str, bool | None]:
    r"""`\[x\]` → (`x`, True); display is None where no delimiter tells the mode."""
    text = text.strip()
    for left, right, display in DELIMITERS:
        if text.startswith(left) and text.endswith(right) and len(text) > len(left) + len(right):
            inner = text[len(left) : -len(right)]
            if right not in inner.replace("\\$", ""):
                # WordPress: `$latex x^2$`
                return inner.removeprefix("latex ") if left == "$" else inner, display
    if BEGINS_DISPLAY.match(text):
        return text, True
    return text, None
