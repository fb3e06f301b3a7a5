"""Navigation, footers, notices, share bars: blocks that are not the page's content.

Judged on the block tree in three steps: by tag and the words of class, id and role; by where the
page's prose lies (everything beside the block that holds it goes); by the density of links in what
is left. A block with formulas is never boilerplate, nor is what it stands in.
"""

from __future__ import annotations

import re
from functools import lru_cache

from infimm_spark.extract.notices import is_date, is_notice, is_related_heading
from infimm_spark.extract.tree import Block


def mark_boilerplate(root: Block) -> None:
    """Set `kept` to False on boilerplate blocks; counts of their ancestors go down with them."""
    _drop_named(root)
    main = _main_block(root)
    _drop_beside(root, main)
    _drop_related(main)
    _drop_link_lists(main)


class _Dropped:
    """Blocks being dropped; ancestors' counts are corrected once for all of them, in linear time."""

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


def _drop_named(root: Block) -> None:
    total = root.prose
    dropped = _Dropped()
    todo = [root]
    while todo:
        block = todo.pop()
        if block is not root and _is_named_boilerplate(block):
            if block.formulas:
                if block.linked * 10 > block.length * 7:
                    _strip(block, dropped)
                    continue
            elif block.prose * 2 <= total or block.tag in ("nav", "footer"):
                dropped.add(block)
                continue
        dropped.visited.append(block)
        for child in block.children:
            if child.__class__ is Block:
                todo.append(child)
    dropped.settle()


def _strip(navigation: Block, dropped: _Dropped) -> None:
    """Of a navigation with formulas (a table of contents) keep only the lines that bear them."""
    todo = [navigation]
    while todo:
        block = todo.pop()
        dropped.visited.append(block)
        inner = [child for child in block.children if isinstance(child, Block)]
        if any(child.formulas for child in inner):
            block.children = [
                child for child in block.children if isinstance(child, Block) or _has_mark(child)
            ]
        for child in inner:
            if child.formulas:
                todo.append(child)
            else:
                dropped.add(child)


_TAGS = frozenset({"nav", "footer", "aside", "menu", "dialog", "search"})
_ROLES = frozenset(
    {
        "navigation",
        "banner",
        "contentinfo",
        "complementary",
        "search",
        "dialog",
        "alert",
        "alertdialog",
        "menu",
        "menubar",
        "toolbar",
    }
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that tell wherever they stand in a name: `site-footer`, `share_buttons`, `c-related`.
_PARTS = _set(
    """
    nav navbar navigation navbox navmenu navwrap menu mainmenu submenu topmenu sitemenu mobilemenu
    megamenu sidebar sidebars sidemenu foot footer breadcrumb breadcrumbs crumbs share sharethis
    sharedaddy sharebar sharing social socialmedia cookie cookies gdpr consent related relatedpost
    relatedposts relatedarticles recommend recommended recommendation recommendations comment
    comments commentlist commentarea respond disqus advert adverts advertisement advertising
    advertisment adsense sponsor sponsored promo promotion newsletter subscribe subscription popup
    modal lightbox pagination pager paging outbrain taboola trending mostread readmore masthead
    copyright imprint tableofcontents backlink backlinks navlinks catlinks printfooter buybox paywall
    appendix authorbox authorbio authorinfo postnav
    """
)
_COMPOUND = re.compile(
    r"most-read|read-more|table-of-contents|author-(?:box|bio|info)|post-nav|prev-next|next-prev|buy-box|"
    r"abo-box|side-bar|bread-crumb"
)
# Words that tell only as a whole class or id: `hidden` does, `hidden-xs` does not.
_WHOLES = _set(
    """
    ad ads widget toolbar skip login signup register byline author tag tags tag-list taglist tag-cloud
    tagcloud tag-links tagged post-meta post-info post-footer post-tools post-actions post-tags
    post-share post-date entry-meta entry-info entry-footer entry-tags entry-date article-meta
    article-info article-footer article-tools article-actions article-tags article-share article-date
    meta metadata popular banner legal hidden toc rating vote votes vcard feedback credit credits
    disclaimer hatnote site-header siteheader offscreen ad-container ad-wrapper ad-slot ad-unit ad-box
    noprint post-taxonomies cat-links posted-on top-bar topbar utility topic topics keywords
    sticky-header source-box contact-box date datum publish-date published-date timestamp
    reading-time kicker
    """
)
_SEPARATORS = re.compile(r"[\s_:.]+")
_STRONG_CONTENT = re.compile(
    r"article-?body|articlebody|article-?content|article-?text|entry-?content|post-?content|post-?body|"
    r"post-?text|story-?body|story-?content|page-?content|main-?content|content-?body|body-?text|"
    r"markdown-body|mw-parser-output|rst-content|theme-doc-markdown|single-content|post__content|"
    r"article__body|article__content|entry__content|story-text|body-content|text-content|"
    r"content__body|blog-?post-?body|postentry|(?:^|\s)post_content|(?:^|\s)entry(?:\s|$)",
    re.I,
)


def _names(block: Block) -> str:
    attrs = block.attrs
    if not attrs:
        return ""
    return f"{attrs.get('class') or ''} {attrs.get('id') or ''}"


def _is_named_boilerplate(block: Block) -> bool:
    tag = block.tag
    if tag in _TAGS:
        return True
    attrs = block.attrs
    if not attrs or tag in ("body", "article", "main", "pre", "tr", "tbody", "td"):
        return False
    if attrs.get("role") in _ROLES:
        return True
    classes = attrs.get("class") or ""
    identifier = attrs.get("id") or ""
    return bool(classes or identifier) and _is_boilerplate_name(classes, identifier)


@lru_cache(maxsize=16_384)
def _is_boilerplate_name(classes: str, identifier: str) -> bool:
    names = f"{classes} {identifier}".lower()
    if not 3 <= len(names) <= 400:
        return False
    wholes = names.split()
    joined = _SEPARATORS.sub("-", names)
    if (
        _WHOLES.isdisjoint(wholes)
        and _PARTS.isdisjoint(joined.split("-"))
        and ("-" not in joined or _COMPOUND.search(joined) is None)
    ):
        return False
    return _STRONG_CONTENT.search(names) is None


def _main_block(root: Block) -> Block:
    """The smallest block that holds nearly all prose, or most of it and is named as content."""
    current = root
    while True:
        whole = _weight(current)
        best: Block | None = None
        amount = 0
        for child in current.children:
            if isinstance(child, Block) and child.kept and _weight(child) > amount:
                best, amount = child, _weight(child)
        if best is None or not whole or best.tag in _LEAVES:
            return current
        named = best.tag in ("article", "main") or _STRONG_CONTENT.search(_names(best)) is not None
        needed = 0.5 if named else 0.85
        if _is_content(current):
            needed = 0.7 if named else 0.97
        if amount < needed * whole:
            return current
        current = best


_FORMULA = 40
"""Characters of prose that a formula counts for: a page of formulas between short lines is content."""


def _weight(block: Block) -> int:
    return block.prose + _FORMULA * block.formulas


_LEAVES = frozenset({"p", "li", "ul", "ol", "dl", "dd", "blockquote", "pre", "tr", "tbody", "td"})


def _is_content(block: Block) -> bool:
    if block.tag == "article":
        return True
    if block.attrs and block.attrs.get("itemprop") == "articleBody":
        return True
    return _STRONG_CONTENT.search(_names(block)) is not None


def _drop_beside(root: Block, main: Block) -> None:
    """Drop what stands beside the path from the root to the main block, except headings 1 and blocks
    that are mostly prose themselves (a question above its answers, an introduction)."""
    path: set[int] = set()
    block: Block | None = main
    while block is not None:
        path.add(id(block))
        block = block.parent
    whole = main.prose
    current = root
    while current is not main:
        following = main
        kept_children: list[str | Block] = []
        before = True
        for child in current.children:
            if isinstance(child, str):
                if current.formulas and _has_mark(child):
                    kept_children.append(child)
                continue
            kept_children.append(child)
            if id(child) in path:
                following = child
                before = False
            elif child.formulas == 0 and child.tag != "h1":
                child.kept = child.kept and _is_prose(child, whole, before)
        current.children = kept_children
        current = following


def _is_prose(block: Block, whole: int, before: bool) -> bool:
    prose = block.prose
    return (
        prose >= 80
        and prose * 10 >= block.length * 7
        and (before or prose * 6 >= whole)
        and block.linked * 5 < block.length
    )


def _has_mark(run: str) -> bool:
    return "\ue000" in run or "\\" in run or "$" in run


def _drop_link_lists(main: Block) -> None:
    dropped: list[Block] = []
    removed = 0
    todo = [child for child in main.children if isinstance(child, Block) and child.kept]
    while todo:
        block = todo.pop()
        if block.formulas == 0 and _is_link_list(block):
            block.kept = False
            dropped.append(block)
            removed += block.length
            continue
        for child in block.children:
            if child.__class__ is Block and child.kept:
                todo.append(child)
    if removed * 2 > main.length:
        # The page is a list of links: that is its content.
        for block in dropped:
            block.kept = True
        return
    for parent in {id(block.parent): block.parent for block in dropped}.values():
        if parent is not None:
            _drop_empty_headings(parent)


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
            if child.tag in _HEADINGS and before and is_related_heading(_line(child)):
                _drop_section(children, index, before)
            elif child.tag in _SECTIONING:
                todo.append(child)
            before += child.length


def _drop_section(children: list[str | Block], start: int, before: int) -> None:
    rank = children[start].tag  # type: ignore[union-attr]
    section: list[Block] = []
    length = 0
    for child in children[start:]:
        if isinstance(child, str):
            if not child.isspace():
                break
            continue
        if section and child.tag in _HEADINGS and child.tag <= rank:
            break
        if child.formulas:
            return
        section.append(child)
        length += child.length
    if length <= before:
        for block in section:
            block.kept = False


_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})


def _drop_empty_headings(parent: Block) -> None:
    """A heading goes when all that stood below it, up to the next heading, has gone."""
    heading: Block | None = None
    lost = False
    for child in [*parent.children, None]:
        if child is None or (isinstance(child, Block) and child.tag in _HEADINGS and child.kept):
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


_SHORT_LINES = frozenset({"p", "address", "figcaption", *_HEADINGS})


def _is_link_list(block: Block) -> bool:
    length = block.length
    if length == 0 or (block.images and block.linked < 30):
        return length > 0 and block.tag in _SHORT_LINES and _is_notice(block)
    density = block.linked / length
    tag = block.tag
    if tag in ("ul", "ol", "dl", "nav"):
        if density <= 0.6:
            return False
        items = sum(isinstance(child, Block) for child in block.children)
        return length < 80 * items or density > 0.9
    if tag in ("div", "section", "header", "form", "details", "fieldset", "center"):
        return density > 0.6 or (tag == "div" and _is_leaf(block) and _is_notice(block))
    if tag in ("table", "tbody"):
        return density > 0.8
    if tag in ("p", "address"):
        return (density > 0.85 and length < 150) or _is_notice(block)
    return tag in _SHORT_LINES and _is_notice(block)


def _is_notice(block: Block) -> bool:
    """A short line such as "Read also: ..." or "All rights reserved"."""
    if block.length > 160:
        return False
    first = next((c for c in block.children if isinstance(c, str) and not c.isspace()), None)
    if first is None:
        return False
    return is_notice(first) or (
        block.tag in ("p", "div") and _is_leaf(block) and is_date(_line(block))
    )


def _line(block: Block) -> str:
    return "".join(c for c in block.children if isinstance(c, str)).strip()


def _is_leaf(block: Block) -> bool:
    return all(child.__class__ is not Block for child in block.children)
