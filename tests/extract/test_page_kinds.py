"""Small pages, each of a kind that once came out wrong, with what must and must not be in the text."""

from __future__ import annotations

import json

import pytest

from infimm_spark.extract import extract_page

_BEFORE = (
    "<p>The mean value theorem says that a differentiable function attains its average slope.</p>"
)
_AFTER = "<p>It follows that a function whose derivative vanishes on an interval is constant.</p>"
_QUESTION = (
    "<p>How can I prove that the sum of two odd numbers is always even? I tried some examples.</p>"
)
_ANSWER = (
    "<p>Write the numbers as 2a+1 and 2b+1 and add them: twice a+b+1 is clearly an even number.</p>"
)
_LESSON = (
    "<h2>Sequences</h2><p>A sequence in a compact metric space has a convergent subsequence.</p>"
    "<p>The proof bisects the interval and picks the half with infinitely many terms.</p>"
)


def _article(body: str) -> str:
    return f"<body><main><article><h1>Means</h1>{_BEFORE}{body}{_AFTER}</article></main></body>"


def _check(html: str, kept: list[str], gone: list[str]) -> None:
    text = " ".join(extract_page(html.encode(), url="https://example.org/").text.split())
    assert [part for part in kept if part not in text] == []
    assert [part for part in gone if part in text] == []


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("<p>We use cookies to illustrate division: 24 cookies for 6 children.</p>", "24 cookies"),
        (
            "<p>Subscribe to the convention that 0 is natural, and all is simple.</p>",
            "Subscribe to",
        ),
        ("<p>Copyright law lets us copy 5 percent of 300 pages: how many?</p>", "how many?"),
        (
            '<aside class="aside-like"><h6>Note</h6><p>Rolle opposed it at first.</p></aside>',
            "Rolle",
        ),
        (
            '<section id="menu"><h2>Menu</h2><p>A menu has 3 starters and 4 mains.</p></section>',
            "Menu",
        ),
        ("<aside><p>罗尔起初反对微积分的方法。</p></aside>", "罗尔起初反对"),
        ("<p>上一篇文章已经求出了静电场和静磁场的方程，本文继续推导。</p>", "上一篇文章"),
        ("<p>You may also like to prove the converse of the theorem.</p>", "the converse"),
        ("<p>Follow us through the proof of the lemma, step by step.</p>", "Follow us"),
        ("<p>Weitere Informationen über die Funktion liefert die Ableitung.</p>", "Weitere"),
        ('<h2 id="share">Share</h2><p>Each heir gets one third of the estate.</p>', "Share"),
    ],
)
def test_short_sentences_between_paragraphs_are_content(body: str, kept: str) -> None:
    """Words of notices, menus and asides are content where an author's sentences stand around."""
    _check(_article(body), [kept], [])


@pytest.mark.parametrize(
    ("body", "gone"),
    [
        ('<div class="likes"><span>123</span> likes</div>', "123 likes"),
        ("<p>点赞 128</p>", "点赞"),
        ('<div class="share-buttons">Share this: <a href="/f">Facebook</a></div>', "Facebook"),
        ("<p>We use cookies to improve your experience.</p>", "cookies"),
        ("<p>This website uses cookies.</p>", "cookies"),
        ('<h2>Sums <a class="anchor" href="#s">🔗</a></h2><p>Sums are finite here.</p>', "🔗"),
        (
            '<ol><li id="n"><span class="mw-cite-backlink"><a href="#r">^</a></span> Euler.</li></ol>',
            "^",
        ),
        ('<div class="tags">Tags: <a href="/t">calculus</a></div>', "calculus"),
    ],
)
def test_what_a_site_says_goes(body: str, gone: str) -> None:
    """Counts of likes, share bars, cookie notices, permalinks and links back to notes."""
    _check(_article(body), ["Means"], [gone])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            '<p>10<span style="vertical-align: 5px; font-size: 8px">6</span> cells</p>',
            "10^{6} cells",
        ),
        ('<p>0.1<span style="border-top:1px solid black">6</span> repeats</p>', r"\overline{6}"),
        (
            '<div role="row"><span role="cell">1990</span><span role="cell">55</span></div>',
            "1990 55",
        ),
        ('<p><span style="display:block">One line</span><span>another</span></p>', "line another"),
    ],
)
def test_the_style_and_role_of_inline_elements_count(body: str, text: str) -> None:
    """Raised text by lengths, a border as the line over a digit, cells and lines made of spans."""
    _check(_article(body), [text], [])


_REVEAL = (
    '<div class="reveal"><div class="slides"><section><h2>One</h2><p>The first of the slides has a '
    'longer text.</p></section><section class="future" hidden style="display:none"><h2>Two</h2>'
    "<p>A second slide.</p></section></div></div>"
)


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        (
            f"<div id=root></div><noscript><h1>Parity</h1>{_QUESTION}</noscript><script src=a.js></script>",
            ["Parity", "two odd numbers"],
        ),
        (
            f"<div id=__nuxt></div><script>window.__NUXT__={{data:[{{body:{json.dumps(_LESSON)}}}]}};</script>".replace(
                "</p>", "<\\/p>"
            ).replace("</h2>", "<\\/h2>"),
            ["convergent subsequence"],
        ),
        (
            '<div id=app></div><script type="application/json">'
            + json.dumps({"status": 200, "body": json.dumps({"html": _LESSON})})
            + "</script>",
            ["convergent subsequence"],
        ),
        (
            '<textarea style="display:none"># Limits\n\nA limit is unique in every Hausdorff space, and '
            "the proof is short.\n\n- one point\n- two sets\n</textarea><div id=view></div>",
            ["Limits", "Hausdorff space", "- one point"],
        ),
        (_REVEAL, ["One", "longer text", "Two", "A second slide."]),
        (
            '<p>Take $a_1$ to be it.</p><script onload="renderMathInElement(document.body,{delimiters:['
            "{left:'$',right:'$',display:false}]})\" src=auto-render.js></script>",
            ["$a_1$"],
        ),
    ],
)
def test_text_that_only_scripts_show_is_read(html: str, kept: list[str]) -> None:
    """Short noscripts, states that are JavaScript or JSON in JSON, text fields, slides, onload calls."""
    _check(f"<body>{html}</body>", kept, [])


def test_a_noscript_that_asks_for_scripts_is_no_text() -> None:
    """What a program says without scripts is not its page."""
    page = "<div id=app></div><noscript><p>We're sorry but it doesn't work without JavaScript enabled. Please enable it to continue.</p></noscript>"
    _check(f"<body>{page}</body>", [], ["JavaScript"])


@pytest.mark.parametrize(
    "posts",
    [
        '<div class="post"><dl class="postprofile"><dt><a class="username">mathfan92</a></dt><dd>Posts: 12'
        "</dd></dl><div class=postbody>{0}</div></div><div class=post><div class=postbody>{1}</div>"
        "<div class=signature>mathfan92 signs</div></div>",
        '<article class="message message--post"><div class="message-user">mathfan92</div><div class="bbWrapper">'
        '{0}</div></article><article class="message message--post"><div class="bbWrapper">{1}</div></article>',
        '<table><tr><td class="thead">01-02-2010, 05:00 PM</td></tr><tr><td><a class="bigusername">mathfan92</a>'
        '<div class="smallfont">Junior Member</div></td><td><div id="post_message_1">{0}</div></td></tr></table>'
        '<table><tr><td></td><td><div id="post_message_2">{1}</div></td></tr></table>',
        '<div itemscope itemtype="https://schema.org/QAPage"><div itemprop="text">{0}</div><span itemprop="author">'
        'mathfan92</span><div itemprop="text">{1}</div></div>',
        '<div id="question"><div class="js-vote-count">Posts: 12</div><div class="js-post-body">{0}</div></div>'
        '<div class="answer"><div class="js-post-body">{1}</div><div class="user-info">mathfan92</div></div>',
    ],
)
def test_posts_are_the_text_of_a_forum_and_their_writers_are_not(posts: str) -> None:
    """Question and answers stay; names, counts, ranks, dates and signatures go."""
    page = f"<body><div id=head><a href=/>Index</a></div>{posts.format(_QUESTION, _ANSWER)}</body>"
    gone = ["mathfan92", "Posts: 12", "Junior Member", "05:00 PM", "Index"]
    _check(page, ["two odd numbers", "clearly an even number"], gone)


_LONG = (
    "<p>The wallet is made of one sheet of metal that is folded twice, and holds twelve cards.</p>"
    * 8
)


@pytest.mark.parametrize(
    ("html", "kept", "gone"),
    [
        (
            f'<main><h1>Wallet</h1>{_LONG}<div class="product-reviews"><p>I bought it in May and I like it a '
            "lot, thank you.</p></div></main>",
            "holds twelve cards",
            "bought it in May",
        ),
        (
            f'<div><h1>On means</h1>{_LONG}<div class="comments" id="comments">{_QUESTION * 20}</div></div>',
            "holds twelve cards",
            "two odd numbers",
        ),
        (
            f"<main><h1>Wallet</h1>{_BEFORE}<form><p>Tell us where to send it.</p><label>E-mail *</label>"
            f"<label>Last name</label></form>{_AFTER}</main>",
            "is constant",
            "where to send",
        ),
        (
            f'<div style="display:none" class="page-wrapper"><main><h1>Wallet</h1>{_LONG}</main></div>'
            f'<div style="display:none" role="dialog"><h1>Dialog</h1>{_QUESTION * 8}</div>',
            "holds twelve cards",
            "two odd numbers",
        ),
        (
            f'<main><section class="gutter"><h1>Wallet</h1>{_BEFORE}</section><p>Its end.</p>'
            '<table><tr><td class="gutter"><pre>1\n2</pre></td><td><pre>a = 1\nb = 2</pre></td></tr></table></main>',
            "average slope",
            "1 2 a",
        ),
        (
            '<div><div class="sort">Sort these goods by their price or by name, please</div>'
            + "".join(
                f'<div class="good"><a href="/{n}">Skillet {n}</a><div>${n}9.99 USD</div></div>'
                for n in range(30)
            )
            + "</div>",
            "Skillet 29",
            "©",
        ),
        (
            f'<h1>Means</h1>{_BEFORE}<div class="widget"><h3>Widget problem</h3><p>A factory makes 40 widgets '
            "an hour.</p></div>",
            "40 widgets",
            "©",
        ),
        (
            f'<div><div class="section">{_LONG}</div><div class="footnotes"><ol><li id=fn1><p>So says Lang.</p></li>'
            "</ol></div></div>",
            "So says Lang.",
            "©",
        ),
        (
            f'<h1>Means</h1>{_LONG}<div id="onetrust-banner-sdk"><p>By clicking you agree to all of it.</p></div>'
            "<p>En poursuivant, vous acceptez l'utilisation de cookies. <a href=/c>OK</a></p>",
            "holds twelve cards",
            "By clicking",
        ),
    ],
)
def test_the_text_of_a_page_is_told_from_what_stands_beside_it(
    html: str, kept: str, gone: str
) -> None:
    """Reviews, comments, forms and dialogs go; hidden wrappers, goods and sections stay."""
    _check(f"<body>{html}</body>", [kept], [gone])


@pytest.mark.parametrize(
    ("code", "fence"),
    [
        ('<pre class="src src-lisp">(car x)</pre>', "```lisp"),
        (
            '<figure class="highlight cpp"><table><tr><td class="gutter"><pre>1</pre></td><td class="code">'
            "<pre>int x;</pre></td></tr></table></figure>",
            "```cpp",
        ),
    ],
)
def test_the_language_of_code_is_read_around_its_table(code: str, fence: str) -> None:
    """Org mode's classes, and a figure whose lines stand in a table."""
    _check(_article(code), [fence], [])


def test_prompts_of_notebooks_go_and_notes_of_custom_elements_are_bracketed() -> None:
    """`In [1]:` is no text, and a note within a sentence does not run into it."""
    body = '<div class="jp-InputPrompt">In [1]:</div><p>It holds<d-footnote>By a lemma.</d-footnote> here.</p>'
    _check(_article(body), ["It holds [By a lemma.] here."], ["In [1]"])


def test_short_paragraphs_of_han_characters_are_prose() -> None:
    """A Han character says as much as two letters: each of two short posts is kept."""
    posts = (
        '<div class="l_post"><div class="d_post">请问各位如何证明任意两个奇数的和一定是偶数？我试了很多例子。</div></div>'
        '<div class="l_post"><div class="d_post">设两个奇数分别为2a+1和2b+1，它们的和等于2(a+b+1)，因此一定是偶数。</div></div>'
    )
    _check(f"<body><div>{posts}</div></body>", ["任意两个奇数", "因此一定是偶数"], [])
