"""Navigation, footers, notices, share bars: blocks that are not the page's content.

Judged on the block tree in three steps: by tag and the words of class, id and role; by where the
page's prose lies (everything beside the block that holds it goes); by the density of links in what
is left. A block with formulas is never boilerplate, nor is what it stands in.
"""

from __future__ import annotations

import re

from infimm_spark.extract.tree import Block


def mark_boilerplate(root: Block) -> None:
    """Set `kept` to False on boilerplate blocks."""
    prose = _prose_by_block(root)
    total = prose.get(id(root), 0)
    _drop_named(root, prose, total)
    prose = _prose_by_block(root)
    main = _main_block(root, prose)
    _drop_beside(root, main, prose)
    _drop_link_lists(main)


def _prose_by_block(root: Block) -> dict[int, int]:
    """Characters of running text below each kept block: text of paragraphs outside links."""
    order: list[Block] = []
    todo = [root]
    while todo:
        block = todo.pop()
        order.append(block)
        todo.extend(child for child in block.children if isinstance(child, Block) and child.kept)
    prose: dict[int, int] = {}
    for block in reversed(order):
        amount = prose.get(id(block), 0)
        own = block.own_length - block.own_linked
        if own >= _SENTENCE:
            amount += own
        prose[id(block)] = amount
        if block.parent is not None:
            parent = id(block.parent)
            prose[parent] = prose.get(parent, 0) + amount
    return prose


_SENTENCE = 40


def _drop_named(root: Block, prose: dict[int, int], total: int) -> None:
    todo = [child for child in root.children if isinstance(child, Block)]
    while todo:
        block = todo.pop()
        if _is_named_boilerplate(block):
            share = prose.get(id(block), 0)
            if block.formulas:
                if block.linked * 10 > block.length * 7:
                    _strip(block)
                    continue
            elif share * 2 <= total or block.tag in ("nav", "footer"):
                block.kept = False
                continue
        todo.extend(child for child in block.children if isinstance(child, Block))


def _strip(navigation: Block) -> None:
    """Of a navigation with formulas (a table of contents) keep only the lines that bear them."""
    todo = [navigation]
    while todo:
        block = todo.pop()
        inner = [child for child in block.children if isinstance(child, Block)]
        if any(child.formulas for child in inner):
            block.children = [
                child for child in block.children if isinstance(child, Block) or _has_mark(child)
            ]
        for child in inner:
            if child.formulas:
                todo.append(child)
            else:
                child.kept = False


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
# Words that tell wherever they stand in a name: `site-footer`, `share_buttons`, `c-related`.
_PART = (
    r"nav(?:bar|igation|box|menu|wrap)?|(?:main|sub|top|site|mobile|mega)?-?menu|side-?bars?|foot(?:er)?|"
    r"bread-?crumbs?|crumbs|share(?:this|daddy|bar)?|sharing|social(?:media)?|cookies?|gdpr|consent|"
    r"related(?:posts?|articles?)?|recommend(?:ed|ations?)?|comments?(?:list|area)?|respond|disqus\w*|"
    r"advert\w*|adsense|sponsor(?:ed)?|promo(?:tion)?|newsletter|subscri(?:be|ption)|popup|modal|"
    r"lightbox|pagination|pager|paging|outbrain|taboola|trending|most-?read|read-?more|masthead|copyright|"
    r"imprint|table-?of-?contents|backlinks?|jp-relatedposts|sharedaddy|navbox|catlinks|printfooter|"
    r"buy-?box|paywall|abo-?box|appendix|author-?(?:box|bio|info)|post-?nav\w*|prev-?next|next-?prev"
)
# Words that tell only as a whole class or id: `hidden` does, `hidden-xs` does not.
_WHOLE = (
    r"ads?|widget|toolbar|skip|login|signup|register|byline|author|tags?|tag-?(?:list|cloud|links)|tagged|"
    r"(?:post|entry|article)-?(?:meta|info|footer|tools|actions|tags|share|date)|meta|metadata|popular|"
    r"banner|legal|hidden|toc|rating|votes?|vcard|feedback|credits?|disclaimer|hatnote|site-?header|"
    r"offscreen|ad-?(?:container|wrapper|slot|unit|box)|noprint|post-?taxonomies|cat-?links|posted-?on|"
    r"top-?bar|utility|topics?|keywords|sticky-?header|source-?box|contact-?box|date|datum|article-?date|"
    r"publish(?:ed)?-?date|timestamp|reading-?time|kicker"
)
_NAMED = re.compile(rf"(?:^|[\s_:-])(?:{_PART})(?:$|[\s_:-])|(?:^|\s)(?:{_WHOLE})(?:$|\s)", re.I)
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
    names = _names(block)
    if len(names) < 3 or len(names) > 400 or _STRONG_CONTENT.search(names):
        return False
    return _NAMED.search(names) is not None


def _main_block(root: Block, prose: dict[int, int]) -> Block:
    """The smallest block that holds nearly all prose, or most of it and is named as content."""
    current = root
    while True:
        whole = prose.get(id(current), 0)
        best: Block | None = None
        amount = 0
        for child in current.children:
            if isinstance(child, Block) and child.kept:
                share = prose.get(id(child), 0)
                if share > amount:
                    best, amount = child, share
        if best is None or not whole or best.tag in _LEAVES:
            return current
        named = best.tag in ("article", "main") or _STRONG_CONTENT.search(_names(best)) is not None
        needed = 0.5 if named else 0.85
        if _is_content(current):
            needed = 0.7 if named else 0.97
        if amount < needed * whole:
            return current
        current = best


_LEAVES = frozenset({"p", "li", "ul", "ol", "dl", "dd", "blockquote", "pre", "tr", "tbody", "td"})


def _is_content(block: Block) -> bool:
    if block.tag == "article":
        return True
    if block.attrs and block.attrs.get("itemprop") == "articleBody":
        return True
    return _STRONG_CONTENT.search(_names(block)) is not None


def _drop_beside(root: Block, main: Block, prose: dict[int, int]) -> None:
    """Drop what stands beside the path from the root to the main block, except headings 1 and blocks
    that are mostly prose themselves (a question above its answers, an introduction)."""
    path: set[int] = set()
    block: Block | None = main
    while block is not None:
        path.add(id(block))
        block = block.parent
    whole = prose.get(id(main), 0)
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
                child.kept = child.kept and _is_prose(child, prose.get(id(child), 0), whole, before)
        current.children = kept_children
        current = following


def _is_prose(block: Block, prose: int, whole: int, before: bool) -> bool:
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
        todo.extend(child for child in block.children if isinstance(child, Block) and child.kept)
    if removed * 2 > main.length:
        # The page is a list of links: that is its content.
        for block in dropped:
            block.kept = True
        return
    for block in dropped:
        _drop_heading_of(block)


_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})


def _drop_heading_of(block: Block) -> None:
    """The heading right above a dropped block goes with it, if nothing else follows it."""
    parent = block.parent
    if parent is None:
        return
    heading: Block | None = None
    reached = False
    for child in parent.children:
        if isinstance(child, str):
            if not child.isspace() and child:
                if reached:
                    break
                heading = None
        elif child is block:
            if heading is None:
                return
            reached = True
        elif not child.kept or not child.length:
            continue
        elif reached:
            if child.tag in _HEADINGS:
                break
            return
        else:
            heading = child if child.tag in _HEADINGS else None
    if heading is not None and heading.formulas == 0:
        heading.kept = False


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
        return density > 0.6
    if tag in ("table", "tbody"):
        return density > 0.8
    if tag in ("p", "address"):
        return (density > 0.85 and length < 150) or _is_notice(block)
    return tag in _SHORT_LINES and _is_notice(block)


_NOTICE = re.compile(
    r"\s*(?:advertisement|sponsored|share (?:this|on|via)|read (?:more|also|next)|see also:|also read|"
    r"related (?:articles?|posts?|stories|topics|links)|more (?:from|on|about|stories)\b|"
    r"subscribe|sign up|log ?in to|follow us|like us on|click here to|tags?:|filed under|posted (?:in|on|by)|"
    r"all rights reserved|copyright|©|\(c\) \d{4}|cookies?\b|this (?:site|website) uses cookies|"
    r"you (?:may|might) also like|leave a (?:reply|comment)|print this|e-?mail this|"
    r"anzeige\b|werbung\b|lesen sie auch|lesen sie (?:mehr|hier)|mehr (?:zum thema|dazu|zu diesem thema)|"
    r"weitere (?:artikel|beiträge|informationen|themen|meldungen)|das könnte (?:sie|dich|ihnen)|auch interessant|"
    r"zum thema|schlagw|teilen\b|quelle:|reklama|czytaj (?:też|także)|zobacz także|"
    r"lire aussi|à lire aussi|lea también|vea también|leer también|te puede interesar|"
    r"上一篇|下一篇|相关(?:文章|阅读|推荐)|推荐阅读|分享(?:到|至)|版权(?:声明|所有)|本文(?:作者|链接)[:：]|转载请|"
    r"扫(?:一扫|码)|关注(?:我们|公众号)|发表评论|点击(?:查看|这里)更多|阅读更多|标签[:：])",
    re.I,
)


def _is_notice(block: Block) -> bool:
    """A short line such as "Read also: ..." or "All rights reserved"."""
    if block.length > 160:
        return False
    first = next((c for c in block.children if isinstance(c, str) and not c.isspace()), None)
    if first is None:
        return False
    return _NOTICE.match(first) is not None
