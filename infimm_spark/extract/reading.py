"""Whether a page is a discussion, where what readers wrote is the text."""

from __future__ import annotations

import re

from infimm_spark.extract.names import Reading, names_comments
from infimm_spark.extract.tree import Block


def reading_of(html: str) -> Reading:
    """What a page says it is, by its schema.org type or the forum that made it."""
    if "QAPage" in html:
        return Reading.QUESTION
    if "DiscussionForumPosting" in html:
        return Reading.THREAD
    head = html[:_HEAD]
    if any(name in head for name in _FORUM_NAMES) and _FORUM.search(head) is not None:
        return Reading.THREAD
    return Reading.PAGE


_HEAD = 20_000
"""Characters of the source in which a forum names itself."""
_FORUM_NAMES = (
    *("Discourse", "vBulletin", "phpBB", "phpbb", "NodeBB", "nodebb"),
    *("Flarum", "MyBB", "XenForo", "ipsApp"),
)
_FORUM = re.compile(
    r"<meta[^>]{0,40}generator[^>]{0,20}(?:Discourse|vBulletin|phpBB|NodeBB|Flarum|MyBB)|"
    r"<(?:html|body)[^>]{0,200}(?:XenForo|ipsApp|phpbb|nodebb|vBulletin)"
)


def is_discussion(root: Block) -> bool:
    """Whether a page is made of comments: hardly any prose stands beside them.

    A long article may have still longer comments; it is an article.
    """
    whole = root.prose
    if not whole:
        return False
    comments = 0
    todo = [root]
    while todo:
        for child in todo.pop().children:
            if child.__class__ is not Block or child.prose * 50 < whole:
                continue
            attrs = child.attrs
            names = attrs and (attrs.get("class") or attrs.get("id"))
            if names and names_comments(names):
                comments += child.prose
            else:
                todo.append(child)
    return comments * 2 > whole and whole - comments < _ARTICLE


_ARTICLE = 600
"""Characters of prose from which a text is more than the occasion of a discussion."""
