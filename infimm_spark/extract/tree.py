"""From Lexbor's tree to a light one: blocks that hold runs of text, formulas already read.

One iterative walk over the parsed page. Inline elements dissolve into their block's runs; a
formula-bearing element becomes its mark; what can never be content (scripts, controls, hidden
elements without formulas) is left out. Each block counts its text, so that what is boilerplate can
be judged without another look at the page.
"""

from __future__ import annotations

import re
from functools import lru_cache

from selectolax.lexbor import LexborNode

from infimm_spark.extract import marks
from infimm_spark.extract.formulas import rendered
from infimm_spark.extract.formulas.carriers import Reader
from infimm_spark.extract.formulas.elements import ATTRIBUTES, TAGS, read_element, readers_of
from infimm_spark.extract.formulas.sources import Attributes, PageState, text_of
from infimm_spark.extract.images import ImageReader


class Block:
    """A block-level element: `children` are runs of text (str) and blocks, in page order.

    `prose` counts the text of paragraphs outside links, `length` the characters of text below it, `linked` those inside links (`own_…`: in its own
    runs), `formulas` the formula marks and delimiters seen, `images` the pictures.
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


class PageTree:
    """The block tree of a page with what the walk set aside."""

    def __init__(self, root: Block) -> None:
        self.root = root
        self.blocks = [root]
        self.codes: list[str] = []
        self.dollar_texts: list[str] = []
        self.figures: list[Block] = []
        self.opened = False
        """Whether a text node opens a displayed formula, which may run through several paragraphs."""

    def release(self) -> None:
        """Part the blocks from their parents: without cycles they are freed at once, uncollected."""
        for block in self.blocks:
            block.parent = None


_BLOCK_NAMES = (
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre search "
    "section summary table tbody td tfoot th thead tr ul caption listing xmp plaintext marquee "
    "frameset noframes"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_SKIPPED_NAMES = (
    "head style template iframe object embed applet canvas audio video svg select option optgroup "
    "datalist input button textarea progress meter map area track param source link meta base title "
    "rp colgroup col annotation annotation-xml -comment -doctype -document -cdata"
)
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
# Elements whose attributes are never asked for: they bear no formulas and no names of note.
_PLAIN = frozenset(
    ["b", "strong", "br", "u", "small", "big", "tbody", "thead", "tr", "font", "wbr", "hr"]
)
_NO_ATTRIBUTES: Attributes = {}
_PREFORMATTED = frozenset({"pre", "listing", "xmp", "plaintext"})
_RAISED = {"sup": marks.SUP, "sub": marks.SUB}
_EMPHASIS = frozenset({"em", "i"})
_FIGURE = re.compile(r"(?:^|\s)(?:figure|wp-caption|thumb|thumbinner|image-container)(?:\s|$)")
_CAPTION = re.compile(
    r"(?:^|\s)(?:caption|wp-caption-text|thumbcaption|caption-text|figcaption)(?:\s|$)"
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_NOTE = re.compile(r"footnote|reference|noteref|fn-?ref|cite|endnote", re.I)
_INVISIBLE_CLASS = re.compile(
    r"(?:^|\s)(?:sr-only|visually-hidden|visuallyhidden|screen-reader-text|mw-editsection|headerlink|anchor-link|"
    r"assistive|skip-?link|skip-?nav|skip-to-(?:main|content|main-content)|line-numbers-rows|lineno|linenos|"
    r"gutter|d-print-only|noprint|headeranchor|haiku-anchor)(?:\s|$)"
)
_DOLLAR_HINT = re.compile(r"\$[^$\s][^$]{0,200}?[\\^_=][^$]{0,200}\$")
_MATH_HINT = re.compile(r"\\\(|\\\[|\$\$|\\begin\{")


def build_tree(body: LexborNode, page: PageState, images: ImageReader) -> PageTree:
    """Walk the body once, in page order, without recursion."""
    root = Block("body", body.attributes, None)
    tree = PageTree(root)
    blocks = tree.blocks
    traits = page.traits
    bears_no_formula = _FORMULA_ATTRIBUTES.isdisjoint
    names_rendered = bool(traits.rendered)
    ignore = traits.ignore_class
    process = traits.process_class
    skipped = traits.skip_tags
    block = root
    links = 0  # depth of enclosing <a>
    ignored = 0  # depth of enclosing elements whose text the page's configuration leaves alone
    todo: list[tuple[LexborNode | None, int, str]] = []
    node = body.child
    while True:
        if node is None:
            if not todo:
                _count_own(root)
                return tree
            node, kind, closing = todo.pop()
            if kind == _LEAVE_TEXT:
                if closing:
                    block.children.append(closing)
            elif kind == _LEAVE_BLOCK:
                block = _leave(block)
            elif kind == _LEAVE_LINK:
                links -= 1
            else:  # what was in force around the element
                ignored = int(closing)
            continue
        following = node.next
        tag = node.tag
        if tag == "-text":
            text = node.text_content
            if text:
                if ignored and ("$" in text or "\\" in text):
                    tree.codes.append(literal(text))
                    text = f"{marks.CODE}{len(tree.codes) - 1}{marks.CLOSE}"
                block.children.append(text)
                if not text.isspace():
                    size = len(text)
                    block.own_length += size
                    if links:
                        block.own_linked += size
                    if "$" in text:
                        tree.dollar_texts.append(text)
                        if "$$" in text:
                            tree.opened = True
                        if traits.library and _DOLLAR_HINT.search(text):
                            block.formulas += 1
                    if "\\" in text:
                        if "\\[" in text or "\\begin" in text:
                            tree.opened = True
                        if _MATH_HINT.search(text):
                            block.formulas += 1
            node = following
            continue
        if tag is None or tag in _SKIPPED:
            if tag == "svg":
                # HTML within a drawing: labels of diagrams
                labels = node.css("foreignObject")
                if labels:
                    todo.append((following, _LEAVE_TEXT, ""))
                    todo.extend((label.first_child, _LEAVE_TEXT, " ") for label in reversed(labels))
                    following = None
            node = following
            continue
        attrs = _NO_ATTRIBUTES if tag in _PLAIN else node.attributes
        classes = attrs.get("class") if attrs else None
        named = _class_facts(classes) if classes else _NO_FACTS
        if (
            tag in TAGS
            or named.readers
            or (attrs and (names_rendered or not bears_no_formula(attrs)))
        ):
            mark = read_element(node, tag, attrs, page)
            if mark is not None:
                if mark:
                    block.children.append(mark)
                    block.formulas += mark.count(marks.FORMULA)
                node = following
                continue
        if (
            named.invisible
            or (named.template and traits.khan)
            or (("style" in attrs or "hidden" in attrs) and _is_hidden(attrs, node, page))
        ):
            node = following
            continue
        if tag in _BLOCKS or "-" in tag:
            holder = tag in _PREFORMATTED and _holds_structure(node)
            inner = Block("div" if holder else tag, attrs, block)
            blocks.append(inner)
            block.children.append(inner)
            if tag == "figure" or (tag == "div" and named.figure):
                tree.figures.append(inner)
            if inner.tag in _PREFORMATTED:
                _preformatted(node, inner, tree)
                _leave(inner)
                node = following
                continue
            block = inner
            todo.append((following, _LEAVE_BLOCK, ""))
            if ignored and process is not None and _is_ignored(attrs, process):
                todo.append((None, _RESTORE_IGNORED, str(ignored)))
                ignored = 0
            elif (ignore is not None and _is_ignored(attrs, ignore)) or tag in skipped:
                todo.append((None, _RESTORE_IGNORED, str(ignored)))
                ignored += 1
            node = node.first_child
            continue
        if tag == "br":
            block.children.append(marks.BREAK)
            node = following
            continue
        if tag == "img":
            mark = images.read(node, attrs, page)
            if mark:
                block.children.append(mark)
                if mark[0] == marks.FORMULA:
                    block.formulas += 1
                else:
                    block.images += 1
            node = following
            continue
        if tag == "noscript":
            pictures = node.css("img")
            for picture in pictures:
                mark = images.read(picture, picture.attributes, page)
                if mark:
                    block.children.append(mark)
                    block.images += 1
            if not pictures and _MATH_HINT.search(node.text() or ""):
                # the formula that a script would set in its place
                todo.append((following, _LEAVE_TEXT, ""))
                node = node.first_child
                continue
            node = following
            continue
        if tag == "a" and "href" in attrs:
            if _is_permalink(node, attrs):
                node = following
                continue
            links += 1
            todo.append((following, _LEAVE_LINK, ""))
            node = node.first_child
            continue
        if tag in ("code", "tt", "samp", "kbd") and not _holds_structure(node):
            source = text_of(node).strip("\n")
            if source.strip():
                tree.codes.append(_code_span(source))
                block.children.append(f"{marks.CODE}{len(tree.codes) - 1}{marks.CLOSE}")
                block.own_length += len(source)
                if links:
                    block.own_linked += len(source)
            node = following
            continue
        if tag in _RAISED:
            opening, closing = _raised(node, tag, attrs)
            block.children.append(opening)
            todo.append((following, _LEAVE_TEXT, closing))
            node = node.first_child
            continue
        if tag in _EMPHASIS:
            block.children.append(marks.EMPHASIS)
            todo.append((following, _LEAVE_TEXT, marks.EMPHASIS))
            node = node.first_child
            continue
        if tag == "q":
            block.children.append('"')
            todo.append((following, _LEAVE_TEXT, '"'))
            node = node.first_child
            continue
        # Delimiters in an ignored element are left alone; elements inside that bear formulas are read.
        if ignored and process is not None and _is_ignored(attrs, process):
            todo.append((following, _RESTORE_IGNORED, str(ignored)))
            ignored = 0
            node = node.first_child
            continue
        if ignore is not None and _is_ignored(attrs, ignore):
            todo.append((following, _RESTORE_IGNORED, str(ignored)))
            ignored += 1
            node = node.first_child
            continue
        closing = " " if tag == "label" else ""
        node = node.first_child
        if node is None and not closing:
            node = following
        elif following is not None or closing:
            todo.append((following, _LEAVE_TEXT, closing))


_LEAVE_BLOCK = 0
_LEAVE_LINK = 1
_LEAVE_TEXT = 2
_RESTORE_IGNORED = 3


_SENTENCE = 40
"""Characters outside links from which a run of text counts as prose."""


def _count_own(block: Block) -> None:
    own = block.own_length
    if own:
        linked = block.own_linked
        block.length += own
        block.linked += linked
        if own - linked >= _SENTENCE:
            block.prose += own - linked


def _leave(block: Block) -> Block:
    parent = block.parent
    assert parent is not None
    _count_own(block)
    parent.length += block.length
    parent.linked += block.linked
    parent.prose += block.prose
    parent.formulas += block.formulas
    parent.images += block.images
    return parent


def literal(text: str) -> str:
    """Text with the dollar signs and backticks that delimit nothing written as such."""
    return _SPECIAL.sub(r"\1\1\\\2", text)


_SPECIAL = re.compile(r"(?<!\\)(\\*)([$`])")


def _is_ignored(attrs: Attributes, ignore: re.Pattern[str]) -> bool:
    classes = attrs.get("class")
    return classes is not None and ignore.search(classes) is not None


def _is_permalink(node: LexborNode, attrs: Attributes) -> bool:
    """A link to the place it stands at: `#`, `¶`, `[link]` or nothing at all to be seen."""
    target = attrs.get("href")
    if not target or target[0] != "#":
        return False
    if node.first_child is None:
        return True
    text = text_of(node)
    return (
        len(text) < _LONGEST_PERMALINK
        and _PERMALINK.fullmatch(text) is not None
        and (node.css_first("img, math, script") is None)
    )


_LONGEST_PERMALINK = 16
_PERMALINK = re.compile(
    "[\\s\u200b\u200c\u200d\ufeff#\u00b6\u00a7\u2020\U0001f517\u2693\u221e\ufe0f]*|\\s*\\[(?:link|#|\u00b6)\\]\\s*|permalink",
    re.I,
)


class _ClassFacts:
    """What the walk asks of a class attribute."""

    __slots__ = ("figure", "invisible", "readers", "template")

    def __init__(self, classes: str) -> None:
        self.readers: tuple[Reader, ...] = readers_of(classes)
        self.invisible = _INVISIBLE_CLASS.search(classes) is not None
        self.figure = _FIGURE.search(classes) is not None
        self.template = not _TEMPLATE_CODE.isdisjoint(classes.split())
        """JavaScript in the elements of a Khan exercise template."""


@lru_cache(maxsize=16_384)
def _class_facts(classes: str) -> _ClassFacts:
    """Cached: a page repeats few class attributes many times."""
    return _ClassFacts(classes)


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


def _is_hidden(attrs: Attributes, node: LexborNode, page: PageState) -> bool:
    """Hidden by markup, and no mathematics inside (definitions of macros are read all the same)."""
    if "hidden" not in attrs or attrs["hidden"] == "until-found":
        style = attrs.get("style")
        if style is None or _HIDDEN.search(style) is None:
            return False
    text = node.text() or ""
    return not (
        _MATH_HINT.search(text)
        or "\\newcommand" in text
        or (page.traits.khan and text)
        or node.css_first(rendered.SELECTOR) is not None
    )


_TEMPLATE_CODE = frozenset(
    {
        "vars",
        "graphie",
        "guess",
        "validator-function",
        "show-guess",
        "show-guess-solution",
        "example",
    }
)


_NO_FACTS = _ClassFacts("")
_FORMULA_ATTRIBUTES = frozenset(ATTRIBUTES)


def _preformatted(node: LexborNode, block: Block, tree: PageTree) -> None:
    source = text_of(node).strip("\n")
    if source.strip():
        fence = "```"
        if fence in source:
            fence = "`" * (max(map(len, re.findall("`+", source))) + 1)
        tree.codes.append(f"{fence}\n{source}\n{fence}")
        block.children.append(f"{marks.CODE}{len(tree.codes) - 1}{marks.CLOSE}")
        block.own_length = len(source)


_STRUCTURE = f"ul, ol, table, p, h2, h3, {rendered.SELECTOR}"


def _holds_structure(code: LexborNode) -> bool:
    """Whether a code element holds what code never does: paragraphs, lists, formulas.

    An unclosed `<code>` swallows the page; some sites set formulas in monospace.
    """
    child = code.first_child
    while child is not None and child.tag == "-text":
        child = child.next
    return child is not None and code.css_first(_STRUCTURE) is not None


def _code_span(source: str) -> str:
    """Inline code on one line between enough backticks (CommonMark)."""
    source = " ".join(source.split())
    if "`" not in source:
        return f"`{source}`"
    longest = max(len(run) for run in re.findall("`+", source))
    fence = "`" * (longest + 1)
    return f"{fence} {source} {fence}"


def _raised(node: LexborNode, tag: str, attrs: Attributes) -> tuple[str, str]:
    """Marks around `<sup>`/`<sub>`; a footnote's number stands in brackets instead."""
    child = node.first_child
    while child is not None and child.tag == "-text" and not (child.text_content or "").strip():
        child = child.next
    note = _NOTE.search((attrs.get("class") or "") + " " + (attrs.get("id") or "")) is not None
    if not note and child is not None and child.tag == "a":
        target = child.attributes.get("href") or ""
        note = "#" in target or _NOTE.search(child.attributes.get("class") or "") is not None
    if note and tag == "sup":
        text = text_of(node).strip()
        return ("", "") if text.startswith(("[", "(")) else ("[", "]")
    return _RAISED[tag], marks.RAISED_END
