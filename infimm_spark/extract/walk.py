"""The walk over Lexbor's tree: what each kind of element becomes in the tree of blocks.

One pass without recursion. Inline elements dissolve into their block's runs; a formula-bearing
element becomes its mark; what can never be content (scripts, controls, hidden elements without
formulas) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice

from selectolax.lexbor import LexborNode

from infimm_spark.extract import code, marks
from infimm_spark.extract.anchors import is_note, is_permalink, note_mark
from infimm_spark.extract.formulas.carriers import Reader
from infimm_spark.extract.formulas.elements import ATTRIBUTES, TAGS, read_element, readers_of
from infimm_spark.extract.formulas.sources import Attributes, PageState, text_of
from infimm_spark.extract.hidden import (
    INVISIBLE_CLASS,
    MATH_HINT,
    TEMPLATE_CODE,
    is_hidden,
    is_invisible_by_class,
    is_only_source,
)
from infimm_spark.extract.images import ImageReader
from infimm_spark.extract.names import is_of_poster
from infimm_spark.extract.styles import (
    STRUCK,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOL,
    Meaning,
    in_symbol_font,
    meaning_of,
    stands_as_block,
)
from infimm_spark.extract.tags import NAMES, TEXT
from infimm_spark.extract.tree import Block, PageTree, count_own, literal


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
    walk = _Walk(body, page, images, sheets or {}, names_posters)
    walk.run(body)
    count_own(walk.tree.root)
    return walk.tree


_BLOCK_NAMES = (
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset "
    "figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre search "
    "section summary table tbody td tfoot th thead tr ul caption listing xmp plaintext marquee "
    "frameset noframes"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_SKIPPED_NAMES = (
    "head style template iframe object embed applet canvas audio video svg select option optgroup "
    "datalist input button textarea progress meter map area track param source link meta base "
    "title "
    "rp colgroup col annotation annotation-xml -comment -doctype -document -cdata"
)
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
# Elements whose attributes are never asked for: they bear no formulas and no names of note.
_PLAIN = frozenset(["b", "strong", "br", "u", "small", "big", "tbody", "thead", "tr", "wbr", "hr"])
_NO_ATTRIBUTES: Attributes = {}
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_PREFORMATTED = frozenset({"pre", "listing", "xmp", "plaintext"})
_TOO_MANY = "too many elements inside each other that may be formulas"
_FIGURE = re.compile(r"(?:^|\s)(?:figure|wp-caption|thumb|thumbinner|image-container)(?:\s|$)")

_SIDE_NOTE = re.compile(
    r"(?:^|\s)(?:ltx_role_footnote|sidenote|marginnote|inline-?footnote)(?:\s|$)"
)
_DOLLAR_HINT = re.compile(r"\$[^$\s][^$]{0,200}?[\\^_=][^$]{0,200}\$")


class _Walk:
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
        # Siblings still to be visited, each with what is done before (`_Leave`) and its argument.
        self.todo: list[tuple[LexborNode | None, _Leave | None, str]] = []

    def run(self, body: LexborNode) -> None:
        """Visit every node once; each handler answers with the node to go on with."""
        page = self.page
        todo = self.todo
        names_rendered = bool(page.traits.rendered)
        khan = page.traits.khan
        names_posters = self.names_posters
        bears_no_formula = _FORMULA_ATTRIBUTES.isdisjoint
        handler_of = _HANDLERS.get
        name_of = NAMES.get
        node = body.child
        while True:
            if node is None:
                if not todo:
                    if page.looks <= 0:
                        self.block.children.append(
                            page.ledger.fail(_TOO_MANY, False, "math-element")
                        )
                    return
                node, leave, closing = todo.pop()
                if leave is not None:
                    leave(self, closing)
                elif closing:
                    self.block.children.append(closing)
                continue
            number = node.tag_id
            if number == TEXT:
                text = node.text_content
                if text:
                    if text.isspace():
                        self.block.children.append(text)
                    else:
                        self.text(text)
                node = node.next
                continue
            tag = name_of(number) or node.tag
            if tag is None or tag in _SKIPPED:
                node = node.next if tag != "svg" else self.labels(node)
                continue
            attrs = _NO_ATTRIBUTES if tag in _PLAIN else node.attributes
            classes = attrs.get("class") if attrs else None
            named = _class_facts(classes) if classes else _NO_FACTS
            if (
                tag in TAGS
                or "-" in tag
                or named.readers
                or (attrs and (names_rendered or not bears_no_formula(attrs)))
            ):
                mark = read_element(node, tag, attrs, page)
                if mark is not None:
                    if mark and not page.ledger.repeats(self.block.children, mark):
                        self.block.children.append(mark)
                        self.block.formulas += mark.count(marks.FORMULA)
                    node = node.next
                    continue
            if named.telling:
                if named.note:
                    node = self.around(node, " [", "]")
                    continue
                if (
                    named.invisible
                    and is_invisible_by_class(node, classes or "")
                    and not is_only_source(node, self.block.children, page)
                ) or (named.template and khan):
                    node = node.next
                    continue
            if attrs and ("style" in attrs or "hidden" in attrs) and is_hidden(attrs, node, page):
                node = node.next
                continue
            if names_posters and attrs and is_of_poster(tag, attrs):
                node = node.next
                continue
            handler = handler_of(tag)
            if handler is None:
                handler = _enter_custom if "-" in tag else _enter_inline
            node = handler(self, node, tag, attrs, named)

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
        self, node: LexborNode, opening: str, closing: str, leave: _Leave | None = None
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
            self.todo.append((None, _restore_ignored, str(self.ignored)))
            self.ignored = 0
            return True
        if (traits.ignore_class is not None and _is_ignored(attrs, traits.ignore_class)) or skipped:
            self.todo.append((None, _restore_ignored, str(self.ignored)))
            self.ignored += 1
            return True
        return False


_Leave = Callable[[_Walk, str], None]
_Handler = Callable[[_Walk, LexborNode, str, Attributes, "_ClassFacts"], LexborNode | None]


# --- handlers: go into an element or past it, and say which node is next ------------------------


def _enter_block(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    tree = walk.tree
    inner = Block(tag, attrs, walk.block)
    tree.blocks.append(inner)
    walk.block.children.append(inner)
    walk.block = inner
    if tag == "figure" or (tag == "div" and named.figure):
        tree.figures.append(inner)
    walk.todo.append((node.next, _leave_block, ""))
    if walk.ignored or walk.may_ignore:
        walk.ignore(attrs, tag in walk.page.traits.skip_tags)
    return node.first_child


def _enter_custom(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    """A custom element is inline, a word or a formula of its sentence, unless it holds blocks."""
    if tag.endswith(_NOTE_TAGS):
        return walk.around(node, " [", "]")
    for child in islice(node.traverse(), _LARGEST_INLINE):
        if child.tag in _BLOCKS:
            return _enter_block(walk, node, tag, attrs, named)
    return _enter_inline(walk, node, tag, attrs, named)


_NOTE_TAGS = ("-footnote", "-sidenote", "-marginnote")
_LARGEST_INLINE = 60
"""Elements of a custom element that are looked through for blocks."""


def _enter_pre(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
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
    _leave_block(walk, "")
    return node.next


def _enter_code(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    if code.holds_structure(node):
        return _enter_inline(walk, node, tag, attrs, named)
    source = code.source_of(node).strip("\n")
    if source.strip():
        walk.code(code.span(source), len(source))
    return node.next


def _enter_inline(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
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
                walk.todo.append((None, _leave_symbol, meaning.closing))
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


def _meaning(walk: _Walk, tag: str, attrs: Attributes) -> Meaning | None:
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
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    if tag == "sup" and is_note(node, attrs):
        text = text_of(node).strip()
        if text.startswith(("[", "(")):
            return walk.around(node, "", "")
        return walk.around(node, "[", "]")
    raised = SUPERSCRIPT if tag == "sup" else SUBSCRIPT
    return walk.around(node, raised.opening, raised.closing)


def _enter_struck(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    child = node.first_child
    while child is not None:
        if child.tag in _BLOCKS:
            return _enter_inline(walk, node, tag, attrs, named)
        child = child.next
    return walk.around(node, STRUCK.opening, STRUCK.closing)


def _enter_emphasis(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    meaning = _meaning(walk, tag, attrs) if attrs else None
    if meaning is not None:
        return _enter_inline(walk, node, tag, attrs, named)
    return walk.around(node, marks.EMPHASIS, marks.EMPHASIS)


def _enter_link(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    if "href" not in attrs:
        return _enter_inline(walk, node, tag, attrs, named)
    if (attrs["href"] or "")[:1] == "#":
        if is_permalink(node, attrs):
            return node.next
        note = note_mark(node, attrs)
        if note is not None:
            walk.block.children.append(note)
            return node.next
    walk.links += 1
    return walk.around(node, "", "", _leave_link)


def _enter_between(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    opening, closing = _AROUND[tag]
    return walk.around(node, opening, closing)


_AROUND = {"q": ('"', '"'), "label": ("", " ")}


def _enter_ruby_text(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    """The reading of a word stands behind it in brackets."""
    if not text_of(node).strip():
        return node.next
    return walk.around(node, "(", ")")


def _read_break(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
) -> LexborNode | None:
    walk.block.children.append(marks.BREAK)
    return node.next


def _read_image(
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
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
    walk: _Walk, node: LexborNode, tag: str, attrs: Attributes, named: _ClassFacts
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


_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(_BLOCKS, _enter_block),
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


# --- what is done behind an element -------------------------------------------------------------


def _leave_block(walk: _Walk, closing: str) -> None:
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


def _leave_link(walk: _Walk, closing: str) -> None:
    walk.links -= 1


def _leave_symbol(walk: _Walk, closing: str) -> None:
    walk.symbol -= 1
    if closing:
        walk.block.children.append(closing)


def _restore_ignored(walk: _Walk, closing: str) -> None:
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


class _ClassFacts:
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
def _class_facts(classes: str) -> _ClassFacts:
    """Cached: a page repeats few class attributes many times."""
    return _ClassFacts(classes)


_NO_FACTS = _ClassFacts("")
_FORMULA_ATTRIBUTES = frozenset(ATTRIBUTES)
