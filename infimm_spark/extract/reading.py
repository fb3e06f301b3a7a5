"""Whether a page is a discussion, where what readers wrote is the text."""

from __future__ import annotations

import re
from itertools import islice

from infimm_spark.extract.names import Reading, names_comments
from infimm_spark.extract.signs import ALL, Sign
from infimm_spark.extract.tree import Block


def reading_of(html: str, signs: frozenset[Sign] = ALL) -> Reading:
    """What a page is by its schema.org type, the forum that made it, or the names of its posts;
    `signs` are those of `html`."""
    if Sign.POSTS in signs:
        if "QAPage" in html or ("js-post-body" in html and _ANSWER.search(html) is not None):
            return Reading.QUESTION
        if (
            "DiscussionForumPosting" in html
            or "nestedlisting" in html
            or len(list(islice(_POST.finditer(html), 2))) == 2
        ):
            return Reading.THREAD
    head = html[:_HEAD]
    if any(name in head for name in _FORUM_NAMES) and _FORUM.search(head) is not None:
        return Reading.THREAD
    return Reading.PAGE


# `<div class="postbody">`, `<div id="post_message_12">`
_POST = re.compile(
    r"\sid\s*=\s*[\"']?(?:post_message_|msg_)\d"
    r"|\sclass\s*=\s*[\"']?[^\"'<>]{0,80}(?<![\w-])(?:postbody|post_body|message--post|bbWrapper|post_wrapper|"
    r"js-post-body|topic-post|topic_post|cPost|forumpost|forum-post|crawler-post|Post-body)(?![\w-])"
)
_ANSWER = re.compile(r"\sclass\s*=\s*[\"'][^\"'<>]{0,80}(?<![\w-])answer(?![\w-])")
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
