"""What a block's tag, role, class and id say about it: navigation and notices, or content.

A class is written by the designer of a site, an id often by an author: `id="related-rates"` is the
section of a textbook. So a class counts when one of its words is known, an id only when all of its
words are; and a word that authors use too (`comments`, `appendix`, `topic`) is no more than a hint,
which the text of the block has to bear out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

PLAIN = 0
"""Nothing is known of the block."""
DOUBTED = 1
"""Boilerplate if it looks like it: links, forms, prompts."""
HINTED = 2
"""Boilerplate unless it holds sentences amid others."""
NAMED = 3
"""Boilerplate unless the page's text is in it."""


class Reading(Enum):
    """How the names of a page are read."""

    PAGE = 0
    """Comments are what others wrote below its text."""
    THREAD = 1
    """Comments are its text; posters, scores and buttons beside them are not."""
    QUESTION = 2
    """A question and its answers: comments on them go, and so do posters and scores."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SUBHEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
BOILERPLATE_TAGS = _set("nav footer menu dialog search")
_ROLES = _set("navigation banner contentinfo search dialog alertdialog menu menubar toolbar")
_HINTING_ROLES = _set("complementary alert")

# Words that tell wherever they stand in a class: `site-footer`, `share_buttons`, `c-newsletter`.
_NAMED_PARTS = _set(
    """
    nav navbar navigation navbox navmenu navwrap mainmenu submenu topmenu sitemenu mobilemenu megamenu
    sidebar sidebars sidemenu foot footer breadcrumb breadcrumbs crumbs sharethis sharedaddy sharebar
    sharing socialmedia cookie cookies gdpr onetrust didomi cookielaw usercentrics cybotcookiebotdialog
    relatedpost relatedposts relatedarticles commentform respond disqus advert adverts advertisement
    advertising advertisment adsense sponsored newsletter subscribe popup lightbox pagination
    paging pager outbrain taboola mostread readmore masthead imprint tableofcontents backlink
    backlinks navlinks catlinks printfooter buybox paywall authorbox authorbio authorinfo postnav
    similarthreads social share menu subscription promo recommendations
    """
)
# Of these, what names lists of links: without links a block is no such list.
_NAVIGATION = _set(
    """
    nav navbar navigation navbox navmenu navwrap mainmenu submenu topmenu sitemenu mobilemenu megamenu
    sidemenu breadcrumb breadcrumbs crumbs pagination paging pager tableofcontents backlink backlinks
    navlinks catlinks postnav menu toc post-nav prev-next next-prev table-of-contents bread-crumb
    """
)
# Words that designers and authors both use.
_HINTED_PARTS = _set(
    """
    facet facets filter filters refinement refinements
    related recommend recommended recommendation trending
    consent modal promotion sponsor copyright appendix
    """
)
# Names of what readers wrote below a text; on a page that is a discussion they name its text.
_COMMENTS = _set("comment comments")
_COMMENT_LISTS = _set("commentlist commentarea")
_COMMENT_COMPOUND = re.compile(
    r"comments?-(?:list|area|section|wrapper|thread|count|meta|author|body|metadata)"
)
# What buyers wrote below a product: `product-reviews`, `okeReviews`, `review-list`.
_REVIEWS = re.compile(r"(?:^|-)(?:[a-z]{0,12}reviews|reviews?-(?:list|item|widget))(?:-|$)")
# What stands beside the posts of a discussion: posters, scores, dates, buttons, signatures.
_OF_POSTS = _set(
    """
    signature signatures postprofile userinfo user-info user-details user-card user-profile user-title
    userbit username votecell js-vote-count vote-count vote-counter score reactions reaction
    post-signature message-signature message-user message-attribution message-footer message-actionbar
    message-userdetails message-name message-usertitle message-userextras crawler-post-meta post-likes
    crawler-post-infos crawler-linkback-list post-menu post-menu-area postmenu postfoot posthead
    post-header post-author post-byline post-meta poster posterinfo poster_info postdetails postbuttons
    post-buttons post-controls cauthorpane ipscomment_header ipscomment_meta ipscomment_tools
    ipscomment_controls ipsitemcontrols ipsreact ipsreactoverview author-panel author-pane js-post-menu
    avatar avatars profile badges user_profile user_details post_author post_info postinfo keyinfo
    smalltext moderatorbar under_message postbody-author flair tagline flat-list buttons bylines
    smallfont post-taglist upvotecount comment-header comment-meta comment-footer comment-actions comment-author comment-user author
    bottomline bylink thread-info threadinfo topic-map quote-controls actionbar attribution
    cproductinfo topic-info post-stats stats likes post-reactions responses-header block-outer
    message-cell--user p-description post_head post_controls post_author post-footer
    """
)
_COMPOUND = re.compile(
    r"most-read|read-more|table-of-contents|author-(?:box|bio|info)|post-nav|prev-next|next-prev|buy-box|"
    r"abo-box|side-bar|bread-crumb|"
    r"related-(?:posts?|articles?|stories|news|links|content|products|items|topics|pages|videos|reading)|"
    r"comments?-(?:form|respond|reply)|"
    r"cookie-(?:banner|notice|consent|bar|law)|consent-(?:banner|manager|bar)|"
    r"recommended-(?:posts?|articles?|stories|for-you|reading|products)|"
    r"last-(?:updated?|modified|edited)|(?<![a-z])(?:pdf-export|modification-info|page-metadata|page-restriction)"
)
# `article-info-box`, `post-meta-data`: facts about a text, beside it.
_FACTS = re.compile(
    r"(?:^|-)(?:article|post|entry|page|elm)-(?:info|meta|tools|actions|share|date|tags|stats|author|byline)(?:-|$)"
)
# The same as an element of a block in BEM: `snippet__meta`.
_ELEMENT_OF_FACTS = re.compile(
    r"__(?:info|meta|metadata|stats|byline|author|date|share|tags|actions)(?:\s|$)"
)
# Words that tell only as a whole class: `hidden` does, `hidden-xs` does not.
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
    reading-time kicker postdesc pageinfo post_date page-info page-tags
    """
)
_NAMED_WHOLES = _set(
    """
    ad ads login signup tag-cloud tagcloud tag-list taglist tag-links site-header siteheader offscreen
    ad-container ad-wrapper ad-slot ad-unit ad-box top-bar topbar sticky-header toc block-region
    """
)
# Makers of banners, boxes and bars: no author's word.
_VENDORS = _set("onetrust didomi cookielaw usercentrics disqus sharedaddy outbrain taboola adsense")
# What stands beside such words in the id of a site's own furniture: `site-footer-2`, `left_menu`.
_NEUTRAL = _set(
    """
    a article articles b bar block blog body bottom box btn button buttons c cell col collapse column
    container content default desktop div element footer fixed for form global group header home icon
    icons id in inner item items js l large layout left link links list lists main md mini mobile
    module more my new nav news of outer page pages panel placeholder popup post posts pre primary
    region related right root row s secondary section sections sidebar site sm small sticky story
    tab tabs target text the title toggle top ui view w wide widget widgets wp wrap wrapper x
    bootstrap notice banner area window overlay modal container-fluid us this via on
    facebook twitter thread reply count sub teaser law info bar dialog popover dropdown responsive horizontal vertical
    """
)
_OF_FURNITURE = _NAMED_PARTS | _HINTED_PARTS | _WHOLES | _NEUTRAL | _COMMENTS | _COMMENT_LISTS
_SEPARATORS = re.compile(r"[\s_:.]+")
# What a class says of the page around it: `has-sidebar`, `no-footer`, `hide-read-more-ad`.
_STATES = re.compile(
    r"(?:^|(?<=\s))(?:has|no|not|with|without|hide|show|is-not|supports?)[-_][\w:-]+"
)
# The title of an author's sidebar (docutils).
_TITLES = re.compile(r"(?:^|(?<=\s))sidebar-(?:sub)?title(?=\s|$)")
_ID_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")
_CONTENT = re.compile(
    r"article-?body|articlebody|article-?content|article-?text|entry-?content|post-?content|post-?body|"
    r"post-?text|story-?body|story-?content|page-?content|main-?content|content-?body|body-?text|"
    r"markdown-body|mw-parser-output|rst-content|theme-doc-markdown|single-content|post__content|"
    r"article__body|article__content|entry__content|story-text|body-content|text-content|"
    r"content__body|blog-?post-?body|postentry|(?:^|\s)post_content|so-panel|(?:^|\s)entry(?:\s|$)",
    re.I,
)


def names_content(names: str) -> bool:
    """Whether a class or id is one that content management systems give the text of a page."""
    return _CONTENT.search(names) is not None


def verdict_of_role(role: str) -> int:
    """What an ARIA role says."""
    return NAMED if role in _ROLES else HINTED if role in _HINTING_ROLES else PLAIN


@lru_cache(maxsize=16_384)
def verdict_of_classes(classes: str, reading: Reading = Reading.PAGE) -> int:
    """What a class attribute says. Cached: a page repeats few class attributes many times."""
    if not 2 <= len(classes) <= 400:
        return PLAIN
    names = _TITLES.sub(" ", _STATES.sub(" ", classes.lower()))
    wholes = names.split()
    joined = _SEPARATORS.sub("-", names)
    parts = joined.split("-")
    if (
        not _NAMED_PARTS.isdisjoint(parts)
        or not _NAMED_WHOLES.isdisjoint(wholes)
        or ("-" in joined and _COMPOUND.search(joined) is not None)
        or (reading is not Reading.PAGE and not _OF_POSTS.isdisjoint(wholes))
        or (
            reading is not Reading.THREAD
            and (_names_comments(joined, parts) or ("review" in joined and _REVIEWS.search(joined)))
        )
    ):
        verdict = NAMED
    elif (
        not _HINTED_PARTS.isdisjoint(parts)
        or not _WHOLES.isdisjoint(wholes)
        or (reading is not Reading.THREAD and not _COMMENTS.isdisjoint(parts))
        or names_facts(names)
    ):
        verdict = HINTED
    else:
        return PLAIN
    return PLAIN if names_content(names) else verdict


@lru_cache(maxsize=16_384)
def names_facts(classes: str) -> bool:
    """Whether a class is one of facts about a text: author, date, tags, statistics."""
    joined = _SEPARATORS.sub("-", classes.lower())
    return ("-" in joined and _FACTS.search(joined) is not None) or (
        "__" in classes and _ELEMENT_OF_FACTS.search(classes) is not None
    )


# Who wrote a post, when, and what others thought of it, within a line: `<a class="username">`.
_POSTER = _set(
    """
    username username-coloured bigusername user-name postauthor post-author author-name author
    nickname js-vote-count vote-count user-details userinfo relativetime score post_date post-date
    """
)
_POSTER_PROPERTIES = _set("author upvoteCount answerCount commentCount dateCreated datePublished")


def is_of_poster(tag: str, attrs: Mapping[str, str | None]) -> bool:
    """Whether an element of a discussion names its poster, a date or a count, by class or by
    schema.org's property."""
    if attrs.get("itemprop") in _POSTER_PROPERTIES and tag not in ("div", "section", "article"):
        return True
    classes = attrs.get("class")
    return (
        classes is not None
        and tag in ("a", "span", "b", "strong", "time", "small", "cite")
        and not _POSTER.isdisjoint(classes.lower().split())
    )


@lru_cache(maxsize=16_384)
def names_links(classes: str) -> bool:
    """Whether all that a class names is a list of links (`content-nav-section`)."""
    joined = _SEPARATORS.sub("-", _STATES.sub(" ", classes.lower()))
    parts = set(joined.split("-"))
    return not _NAVIGATION.isdisjoint(parts) and (_NAMED_PARTS - _NAVIGATION).isdisjoint(parts)


def _names_comments(joined: str, parts: list[str]) -> bool:
    return not _COMMENT_LISTS.isdisjoint(parts) or (
        "comment" in joined and _COMMENT_COMPOUND.search(joined) is not None
    )


@lru_cache(maxsize=16_384)
def names_comments(name: str) -> bool:
    """Whether a class or id is one of readers' comments."""
    joined = _SEPARATORS.sub("-", name.lower())
    parts = joined.split("-")
    return not _COMMENTS.isdisjoint(parts) or _names_comments(joined, parts)


@lru_cache(maxsize=16_384)
def names_reviews(name: str) -> bool:
    """Whether a class or id is one of buyers' reviews."""
    return "review" in name and _REVIEWS.search(_SEPARATORS.sub("-", name.lower())) is not None


@lru_cache(maxsize=16_384)
def verdict_of_id(identifier: str, reading: Reading = Reading.PAGE) -> int:
    """What an id says that is no slug of the block's own heading.

    With a word beside it that no site's furniture has, the text of the block has to bear it out.
    """
    if not 2 <= len(identifier) <= 60 or names_content(identifier):
        return PLAIN
    words = id_words(identifier)
    lowered = identifier.lower()
    if reading is Reading.THREAD and not _COMMENTS.isdisjoint(words):
        return PLAIN
    if not _VENDORS.isdisjoint(words):
        return NAMED
    joined = "-".join(words)
    if (
        not _NAMED_PARTS.isdisjoint(words)
        or lowered in _NAMED_WHOLES
        or _COMPOUND.search(joined)
        or _names_comments(joined, words)
    ):
        verdict = NAMED
    elif not (_HINTED_PARTS | _COMMENTS).isdisjoint(words) or lowered in _WHOLES:
        verdict = HINTED
    else:
        return PLAIN
    return verdict if all(word in _OF_FURNITURE for word in words) else DOUBTED


def id_words(identifier: str) -> list[str]:
    """`relatedPosts-2` → `related`, `posts`."""
    return [word.lower() for word in _ID_WORDS.findall(identifier)]


# What generators set before a slug: Org's `outline-container-`, GitHub's `user-content-`.
_PREFIX = re.compile(
    r"(?:outline-container|outline-text|user-content|text|section|sec|sect|subsec|id)[-_:.]+"
)


def is_slug_of(identifier: str, heading: str) -> bool:
    """Whether an id was made from the words of a heading: `share-of-primes` under "The share of
    primes"."""
    words = id_words(_PREFIX.sub("", identifier))
    rest = iter([word.lower() for word in _ID_WORDS.findall(heading)])
    return bool(words) and all(word in rest for word in words)
