"""Ordinary content with the words of boilerplate stays; boilerplate with the same words goes."""

from __future__ import annotations

import pytest

from infimm_spark.extract import extract_page
from infimm_spark.extract.names import (
    DOUBTED,
    HINTED,
    NAMED,
    PLAIN,
    is_slug_of,
    verdict_of_classes,
    verdict_of_id,
)

_PARAGRAPH = (
    "<p>The chapter treats curves in the plane, and every step is explained so slowly that a reader "
    "who has seen the definitions only once can follow the argument to its end without help.</p>"
)
_SENTENCE = "Every bounded sequence has a subsequence that converges to some point of the line."


def _text(body: str) -> str:
    html = f"<html><body><article><h1>Curves</h1>{_PARAGRAPH * 3}{body}</article></body></html>"
    return extract_page(html.encode(), url="https://example.org/").text


@pytest.mark.parametrize(
    "body",
    [
        f'<section id="related-identities"><h2>Related identities</h2><p>{_SENTENCE}</p></section>',
        f'<div class="section" id="comments"><h2>Comments</h2><p>{_SENTENCE}</p></div>',
        f'<section id="social-choice"><h2>Social choice</h2><p>{_SENTENCE}</p></section>',
        f'<div id="menu-problem" class="exercise"><p>{_SENTENCE}</p></div>',
        f'<h2 id="subscribe">Subscribe to a rule</h2><p>{_SENTENCE}</p>',
        f'<ul><li id="footer">{_SENTENCE}</li></ul>{_PARAGRAPH}',
        f'<p id="cookie-jar">{_SENTENCE}</p>{_PARAGRAPH}',
        f'<aside class="remark"><p>{_SENTENCE}</p></aside>{_PARAGRAPH}',
        f'<div role="alert" class="box">{_SENTENCE}</div>{_PARAGRAPH}',
        f'<div class="topic"><p>{_SENTENCE}</p></div>{_PARAGRAPH}',
        f"<h2>More on compactness</h2><p>{_SENTENCE}</p>",
        f"<h2>Related sequences</h2><p>{_SENTENCE}</p>",
        f"<h2>Comments</h2><p>{_SENTENCE}</p>",
    ],
)
def test_content_with_the_words_of_boilerplate_stays(body: str) -> None:
    """An id that is a heading's slug, a remark in an aside, a heading with an ordinary word."""
    assert _SENTENCE in _text(body)


@pytest.mark.parametrize(
    "line",
    [
        "Cookies cost three coins each and a jar holds forty of them.",
        "Tags: each of the players draws one tag out of the bag.",
        "Share this cake among seven children.",
        "Sign up sheets hold nine names; how many sheets do forty names need?",
        "Posted on the wall are twelve numbers.",
        "Photo: a rectangle of sides three and five",
    ],
)
def test_a_sentence_that_begins_like_a_notice_stays(line: str) -> None:
    """Between paragraphs, without a link, it is the author's."""
    assert line in _text(f"<p>{line}</p>{_PARAGRAPH}")


@pytest.mark.parametrize(
    "body",
    [
        '<div class="cookie-banner"><p>We use cookies to improve GONE and to show what you like '
        "best on this and other pages.</p></div>",
        '<div id="cookie-notice"><p>This site uses cookies, GONE, and by going on you accept all '
        "of them, as our policy says.</p></div>",
        '<div class="share-buttons"><a href="/f">GONE</a> <a href="/t">Tweet</a></div>',
        '<section id="related-articles"><h2>Related articles</h2><ul><li><a href="/a">GONE with '
        'the wind</a></li><li><a href="/b">Another long title</a></li></ul></section>',
        '<h2>Related posts</h2><ul><li><a href="/a">GONE again and again</a></li></ul>',
        '<aside><h3>Read next</h3><ul><li><a href="/a">GONE with the wind</a></li></ul></aside>',
        '<aside class="newsletter"><p>Get GONE and other letters every week into your inbox, free '
        "of charge and without advertisements.</p><form><input></form></aside>",
        '<div id="comments"><h2>Comments</h2><div class="comment-body"><p>GONE is a good page, and '
        'I have learned a lot from it today.</p><a href="#r">Reply</a></div></div>',
        "<h3>2 Comments</h3><ol><li>GONE says: what a good page this is, thank you.</li></ol>",
        '<div id="respond"><h3>Leave a reply</h3><form><p>Your e-mail address GONE will not be '
        "published.</p></form></div>",
        '<ul class="menu"><li><a href="/">GONE</a></li><li><a href="/x">Start</a></li></ul>',
        "<p>Tags: GONE, topology</p>",
        "<p>© 2020 GONE. All rights reserved.</p>",
        '<p>Read more: <a href="/x">GONE with the wind</a></p>',
    ],
)
def test_real_boilerplate_goes(body: str) -> None:
    """Banners, share bars, lists of other pages, prompts, forms and menus."""
    assert "GONE" not in _text(body)


def test_an_id_counts_only_when_all_of_its_words_are_known() -> None:
    """A class is a designer's, an id often an author's."""
    assert verdict_of_id("site-footer") == NAMED
    assert verdict_of_id("relatedPosts-2") == NAMED
    assert verdict_of_id("comments") == HINTED
    assert verdict_of_id("share-of-primes") == DOUBTED
    assert verdict_of_id("limits-of-sums") == PLAIN
    assert verdict_of_classes("c-newsletter box") == NAMED
    assert verdict_of_classes("topic") == HINTED
    assert verdict_of_classes("entry-content related") == PLAIN


def test_a_slug_is_made_of_its_headings_words() -> None:
    """Words of the id in the heading's order; articles may be left out."""
    assert is_slug_of("navigation-problem", "A navigation problem")
    assert is_slug_of("comments", "12 comments")
    assert not is_slug_of("sidebar", "Latest news")
