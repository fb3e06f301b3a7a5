"""The walk over Lexbor's tree: what each kind of element becomes in the tree of blocks.

One pass without recursion. Inline elements dissolve into their block's runs; a formula-bearing
element becomes its mark; what can never be content (scripts, controls, hidden elements without
formulas) is left out.
"""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from infimm_spark.extract import marks
from infimm_spark.extract.formulas.elements import ATTRIBUTES, TAGS, read_element
from infimm_spark.extract.formulas.sources import Attributes, PageState
from infimm_spark.extract.handlers import HANDLERS, enter_custom, enter_inline
from infimm_spark.extract.hidden import is_hidden, is_invisible_by_class, is_only_source
from infimm_spark.extract.images import ImageReader
from infimm_spark.extract.names import is_of_poster
from infimm_spark.extract.styles import Meaning
from infimm_spark.extract.tags import NAMES, TEXT
from infimm_spark.extract.tree import PageTree, count_own
from infimm_spark.extract.walking import NO_FACTS, Walk, class_facts


def build_tree(
    body: LexborNode,
    page: PageState,
    images: ImageReader,
    sheets: dict[str, Meaning] | None = None,
    *,
    names_posters: bool = False,
) -> PageTree:
    """Walk the body once, in page order, without recursion.

    `sheets` gives what the page's own style sheets say of classes (`styles.meanings_of_sheets`);
    `names_posters` says that the page is a discussion, whose posters' names are left out.
    """
    walk = Walk(body, page, images, sheets or {}, names_posters)
    _run(walk, body)
    count_own(walk.tree.root)
    return walk.tree


_SKIPPED_NAMES = (
    "head style template iframe object embed applet canvas audio video svg select option optgroup "
    "datalist input button textarea progress meter map area track param source link meta base "
    "title "
    "rp colgroup col annotation annotation-xml -comment -doctype -document -cdata"
)
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
# Elements whose attributes are never asked for: they bear no formulas and no names of note.
_PLAIN = frozenset(["b", "strong", "br", "u", "big", "tbody", "thead", "tr", "wbr", "hr"])
_NO_ATTRIBUTES: Attributes = {}
_TOO_MANY = "too many elements inside each other that may be formulas"
_FORMULA_ATTRIBUTES = frozenset(ATTRIBUTES)


def _run(walk: Walk, body: LexborNode) -> None:
    """Visit every node once; each handler answers with the node to go on with."""
    page = walk.page
    todo = walk.todo
    names_rendered = bool(page.traits.rendered)
    khan = page.traits.khan
    names_posters = walk.names_posters
    bears_no_formula = _FORMULA_ATTRIBUTES.isdisjoint
    handler_of = HANDLERS.get
    name_of = NAMES.get
    node = body.child
    while True:
        if node is None:
            if not todo:
                if page.looks <= 0:
                    walk.block.children.append(page.ledger.fail(_TOO_MANY, False, "math-element"))
                return
            node, leave, closing = todo.pop()
            if leave is not None:
                leave(walk, closing)
            elif closing:
                walk.block.children.append(closing)
            continue
        number = node.tag_id
        if number == TEXT:
            text = node.text_content
            if text:
                if text.isspace():
                    walk.block.children.append(text)
                else:
                    walk.text(text)
            node = node.next
            continue
        tag = name_of(number) or node.tag
        if tag is None or tag in _SKIPPED:
            node = node.next if tag != "svg" else walk.labels(node)
            continue
        attrs = _NO_ATTRIBUTES if tag in _PLAIN else node.attributes
        classes = attrs.get("class") if attrs else None
        named = class_facts(classes) if classes else NO_FACTS
        if (
            tag in TAGS
            or "-" in tag
            or named.readers
            or (attrs and (names_rendered or not bears_no_formula(attrs)))
        ):
            mark = read_element(node, tag, attrs, page)
            if mark is not None:
                if mark and not page.ledger.repeats(walk.block.children, mark):
                    walk.block.children.append(mark)
                    walk.block.formulas += mark.count(marks.FORMULA)
                node = node.next
                continue
        if named.telling:
            if named.note:
                node = walk.around(node, " [", "]")
                continue
            if (
                named.invisible
                and is_invisible_by_class(node, classes or "")
                and not is_only_source(node, walk.block.children, page)
            ) or (named.template and khan):
                node = node.next
                continue
        if (
            attrs
            and ("style" in attrs or "hidden" in attrs)
            and is_hidden(attrs, node, page, walk.block.children)
        ):
            node = node.next
            continue
        if names_posters and attrs and is_of_poster(tag, attrs):
            node = node.next
            continue
        handler = handler_of(tag)
        if handler is None:
            handler = enter_custom if "-" in tag else enter_inline
        node = handler(walk, node, tag, attrs, named)
