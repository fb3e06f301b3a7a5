"""What each kind of element becomes: a handler goes into an element or past it, and says which node
is next."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from selectolax.lexbor import LexborNode

from infimm_spark.extract import code, marks
from infimm_spark.extract.anchors import is_note, is_permalink, note_mark
from infimm_spark.extract.formulas.sources import Attributes, text_of
from infimm_spark.extract.hidden import MATH_HINT
from infimm_spark.extract.styles import (
    STRUCK,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    Meaning,
    meaning_of,
    stands_as_block,
)
from infimm_spark.extract.tree import Block
from infimm_spark.extract.walking import (
    ClassFacts,
    Walk,
    leave_block,
    leave_link,
    leave_symbol,
)

Handler = Callable[[Walk, LexborNode, str, Attributes, ClassFacts], LexborNode | None]

_BLOCK_NAMES = (
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset "
    "figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre search "
    "section summary table tbody td tfoot th thead tr ul caption listing xmp plaintext marquee "
    "frameset noframes"
)
BLOCKS = frozenset(_BLOCK_NAMES.split())
_PREFORMATTED = frozenset({"pre", "listing", "xmp", "plaintext"})


def _enter_block(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    tree = walk.tree
    inner = Block(tag, attrs, walk.block)
    tree.blocks.append(inner)
    walk.block.children.append(inner)
    walk.block = inner
    if tag == "figure" or (tag == "div" and named.figure):
        tree.figures.append(inner)
    walk.todo.append((node.next, leave_block, ""))
    if walk.ignored or walk.may_ignore:
        walk.ignore(attrs, tag in walk.page.traits.skip_tags)
    return node.first_child


def enter_custom(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    """A custom element is inline, a word or a formula of its sentence, unless it holds blocks."""
    if tag.endswith(_NOTE_TAGS):
        return walk.around(node, " [", "]")
    for child in islice(node.traverse(), _LARGEST_INLINE):
        if child.tag in BLOCKS:
            return _enter_block(walk, node, tag, attrs, named)
    return enter_inline(walk, node, tag, attrs, named)


_NOTE_TAGS = ("-footnote", "-sidenote", "-marginnote")
_LARGEST_INLINE = 60
"""Elements of a custom element that are looked through for blocks."""


def _enter_pre(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    if code.holds_structure(node):
        return _enter_block(walk, node, "div", attrs, named)
    inner = Block(tag, attrs, walk.block)
    walk.tree.blocks.append(inner)
    walk.block.children.append(inner)
    walk.block = inner
    source = code.source_of(node).strip("\n")
    if source.strip():
        walk.code(code.fenced(source, code.language_of(node, attrs)), len(source))
    leave_block(walk, "")
    return node.next


def _enter_code(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    if code.holds_structure(node):
        return enter_inline(walk, node, tag, attrs, named)
    source = code.source_of(node).strip("\n")
    if source.strip():
        walk.code(code.span(source), len(source))
    return node.next


def enter_inline(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    """An element that dissolves into its block, but for what its style says of its text."""
    if attrs:
        if stands_as_block(attrs):
            return _enter_block(walk, node, "div", attrs, named)
        told = "style" in attrs or walk.sheets or tag == "font"
        meaning = _meaning(walk, tag, attrs) if told else None
        if meaning is not None:
            if meaning.symbol:
                walk.symbol += 1
                walk.todo.append((node.next, None, ""))
                if meaning.opening:
                    walk.block.children.append(meaning.opening)
                walk.todo.append((None, leave_symbol, meaning.closing))
                return node.first_child
            return walk.around(node, meaning.opening, meaning.closing)
        if walk.ignored or walk.may_ignore:
            following = node.next
            if following is not None:
                walk.todo.append((following, None, ""))
            walk.ignore(attrs)
            return node.first_child
    child = node.first_child
    if child is None:
        return node.next
    following = node.next
    if following is not None:
        walk.todo.append((following, None, ""))
    return child


def _meaning(walk: Walk, tag: str, attrs: Attributes) -> Meaning | None:
    style = attrs.get("style")
    if style:
        meaning = meaning_of(style)
        if meaning is not None:
            return meaning
    if walk.sheets:
        for name in (attrs.get("class") or "").split():
            if name in walk.sheets:
                return walk.sheets[name]
    if tag == "font" and (attrs.get("face") or "").strip().lower() == "symbol":
        return SYMBOL
    return None


def _enter_raised(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    if tag == "sup" and is_note(node, attrs):
        text = text_of(node).strip()
        if text.startswith(("[", "(")):
            return walk.around(node, "", "")
        return walk.around(node, "[", "]")
    raised = SUPERSCRIPT if tag == "sup" else SUBSCRIPT
    return walk.around(node, raised.opening, raised.closing)


def _enter_struck(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    child = node.first_child
    while child is not None:
        if child.tag in BLOCKS:
            return enter_inline(walk, node, tag, attrs, named)
        child = child.next
    return walk.around(node, STRUCK.opening, STRUCK.closing)


def _enter_emphasis(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    meaning = _meaning(walk, tag, attrs) if attrs else None
    if meaning is not None:
        return enter_inline(walk, node, tag, attrs, named)
    return walk.around(node, marks.EMPHASIS, marks.EMPHASIS)


def _enter_link(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    if "href" not in attrs:
        return enter_inline(walk, node, tag, attrs, named)
    if "#" in (attrs["href"] or ""):
        if is_permalink(node, attrs):
            return node.next
        note = note_mark(node, attrs)
        if note is not None:
            walk.block.children.append(note)
            return node.next
    walk.links += 1
    return walk.around(node, "", "", leave_link)


def _enter_between(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    opening, closing = _AROUND[tag]
    return walk.around(node, opening, closing)


_AROUND = {"q": ('"', '"'), "label": ("", " ")}


def _enter_ruby_text(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    """The reading of a word stands behind it in brackets."""
    if not text_of(node).strip():
        return node.next
    return walk.around(node, "(", ")")


def _read_break(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    walk.block.children.append(marks.BREAK)
    return node.next


def _read_image(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    mark = walk.images.read(node, attrs, walk.page)
    if mark and not walk.page.ledger.repeats(walk.block.children, mark):
        walk.block.children.append(mark)
        if mark[0] == marks.FORMULA:
            walk.block.formulas += 1
        else:
            walk.block.images += 1
    return node.next


def _read_noscript(
    walk: Walk, node: LexborNode, tag: str, attrs: Attributes, named: ClassFacts
) -> LexborNode | None:
    pictures = node.css("img")
    for picture in pictures:
        mark = walk.images.read(picture, picture.attributes, walk.page)
        if mark:
            walk.block.children.append(mark)
            walk.block.images += 1
    if not pictures and MATH_HINT.search(node.text() or ""):
        # the formula that a script would set in its place
        return walk.around(node, "", "")
    return node.next


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(BLOCKS, _enter_block),
    **dict.fromkeys(_PREFORMATTED, _enter_pre),
    **dict.fromkeys(("code", "tt", "samp", "kbd"), _enter_code),
    **dict.fromkeys(("sup", "sub"), _enter_raised),
    **dict.fromkeys(("s", "strike", "del"), _enter_struck),
    **dict.fromkeys(("em", "i"), _enter_emphasis),
    "a": _enter_link,
    "q": _enter_between,
    "label": _enter_between,
    "rt": _enter_ruby_text,
    "br": _read_break,
    **dict.fromkeys(("img", "amp-img", "amp-anim"), _read_image),
    "noscript": _read_noscript,
}
