"""Small pages as generators of sites, forums and notebooks write them: what is their text, what is
their furniture."""

from __future__ import annotations

import json

import pytest

from infimm_spark.extract import extract_page

_BEFORE = (
    "<p>The lesson begins with a definition that a reader will need again and again later.</p>"
)
_AFTER = "<p>What was shown for two summands holds for any number of them, by induction on it.</p>"


def _text(html: str) -> str:
    return extract_page(html.encode(), url="https://example.org/a").text


def _lesson(body: str) -> str:
    return f"<body><main><h1>Sums</h1>{_BEFORE}{body}{_AFTER}</main></body>"


def _check(html: str, kept: list[str], gone: list[str]) -> None:
    text = _text(html)
    flat = " ".join(text.split())
    assert [part for part in kept if " ".join(part.split()) not in flat] == [], text
    assert [part for part in gone if part in flat] == [], text


@pytest.mark.parametrize(
    "section",
    [
        '<section id="newsletter-growth"><h2>Newsletter growth</h2>{}</section>',
        '<div id="outline-container-menu-costs"><h2 id="menu-costs">Menu costs</h2>'
        '<div id="text-menu-costs">{}</div></div>',
        '<section id="comments"><h2>Comments</h2>{}</section>',
        '<div class="sect1"><h2 id="_cookie_sharing">Cookie sharing</h2><div>{}</div></div>',
    ],
)
def test_a_section_whose_id_is_its_heading_is_content(section: str) -> None:
    """Also with a generator's prefix, and where the heading stands before the block of the id."""
    word = "newsletter" if "newsletter" in section else "leaflet"
    sentence = f"The {word} reaches twice as many readers in each month as in the one before."
    _check(_lesson(section.format(f"<p>{sentence}</p>")), [sentence], [])


@pytest.mark.parametrize(
    ("html", "kept", "gone"),
    [
        (  # Read the Docs: `nav` in the class of the content, and hardly any text
            '<body><nav class="wy-nav-side"><a href="a">Start</a></nav>'
            '<section class="wy-nav-content-wrap"><div class="wy-nav-content"><div class="rst-content">'
            '<div role="main"><section id="sums"><h1>Sums</h1><p>They are finite.</p></section></div>'
            "</div></div></section></body>",
            ["# Sums", "They are finite."],
            ["Start"],
        ),
        (  # VitePress
            _lesson(
                '<div class="edit-info"><p class="VPLastUpdated">Last updated: <time>5/3/24</time></p>'
                '</div><div class="outline-title">On this page</div>'
            ),
            ["# Sums"],
            ["Last updated", "On this page"],
        ),
        (  # Jupyter Book: labels of a folded cell, an author's sidebar
            _lesson(
                '<details class="hide"><summary><span>Show code cell output</span><span>Hide code cell '
                "output</span></summary><pre>0.5</pre></details>"
                '<aside class="margin sidebar"><p class="sidebar-title">Aside</p><p>Gauss is said to '
                "have summed them as a child.</p></aside>"
            ),
            ["0.5", "Gauss is said"],
            ["code cell"],
        ),
        (  # LibreTexts
            '<body><article><header><h1 id="title">2.3: Sums</h1><ol class="elm-meta-data elm-meta-top">'
            '<li><dl class="mt-last-updated-container"><dt>Last updated</dt><dd>Jan 2, 2021</dd></dl></li>'
            '<li class="elm-pdf-export"><a href="p">Save as PDF</a></li></ol></header>'
            f'<section><li class="pageInfo"><dl><dt>Page ID</dt><dd>4312</dd></dl></li>{_BEFORE}{_AFTER}'
            "</section></article></body>",
            ["# 2.3: Sums", "The lesson begins"],
            ["Last updated", "Save as PDF", "4312"],
        ),
        (  # Sphinx: notes in nested asides
            _lesson(
                '<p>So it is <a class="footnote-reference" href="#i2"><span>[</span>1<span>]</span></a>.'
                '</p><aside class="footnote-list"><aside class="footnote" id="i2" role="doc-footnote">'
                "<span>[<a>1</a>]</span><p>It is not sharp.</p></aside></aside>"
            ),
            ["So it is [1].", "It is not sharp."],
            [],
        ),
        (  # a list of problems, each a link
            _lesson(
                '<ul><li><a href="1">Show that the sum of two even numbers is even.</a></li>'
                '<li><a href="2">Prove that there is no largest sum of cubes.</a></li></ul>'
            ),
            ["Show that the sum", "Prove that there"],
            [],
        ),
        (  # Wikidot: what a reader unfolds
            _lesson(
                '<div class="collapsible-block-unfolded" style="display:none">Fold the path.</div>'
                '<div id="page-info">page revision: 3, last edited: 2 Jan 2020</div>'
            ),
            ["Fold the path."],
            ["revision"],
        ),
        (
            '<body><div class="post"><h1>图论</h1><p>每次取出距离最小的点，再用它更新所有邻居的距离。</p>'
            '<div class="postDesc">posted @ 2020-01-02 10:00 <a href="u">someone</a> 阅读(123)</div>'
            '<div class="article-info-box"><span>于 2021-03-04 10:00:00 发布</span></div></div></body>',
            ["每次取出"],
            ["阅读(123)", "发布"],
        ),
    ],
)
def test_pages_of_generators(html: str, kept: list[str], gone: list[str]) -> None:
    """The lesson stays, short as it may be; dates, labels and outlines of the generator go."""
    _check(html, kept, gone)


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("Cookies come in tins of 24.", True),
        ("Subscribe fees are ignored in this problem.", False),
        ("Subscribe fees are ignored at first.", True),
        ("Cookies help us deliver our services.", False),
    ],
)
def test_at_the_edge_of_a_page_a_sentence_goes_if_it_speaks_of_the_site(
    line: str, stays: bool
) -> None:
    """A word problem may begin with the word of a notice, on the first or last line too."""
    html = f"<body><article><h1>Tins</h1>{_BEFORE}{_AFTER}<p>{line}</p></article></body>"
    assert (line in _text(html)) is stays


_FIRST = "Which graph has most edges?"
_SECOND = "The one with equal halves."


@pytest.mark.parametrize(
    "thread",
    [
        '<html id="XF" class="XenForo"><body><h1>Graphs</h1><article class="message message--post">'
        '<h4 class="message-name">dee</h4><div class="bbWrapper">{0}</div></article>'
        '<article class="message message--post"><div class="bbWrapper">{1}<pre data-lang="python"><code>'
        '1/n</code></pre></div></article><div class="block--similarThreads"><h3>Similar threads</h3>'
        '<a href="s">dee again</a></div></body></html>',
        '<html><head><meta name="generator" content="vBulletin 3.8"></head><body>'
        '<table id="post11"><tr><td class="alt2"><a class="bigusername">dee</a></td></tr><tr><td>'
        '<div id="post_message_11">{0}</div></td></tr></table><table id="post12"><tr><td>'
        '<div id="post_message_12">{1}</div></td></tr></table></body></html>',
        '<body><div id="app"></div><noscript><div><h1>Graphs</h1><div><article><h3 class="username">dee'
        '</h3><div class="Post-body"><p>{0}</p></div></article><article><div class="Post-body"><p>{1}</p>'
        "</div></article></div></div></noscript></body>",
        '<body class="comments-page"><div class="entry"><div class="md"><p>{0}</p></div></div>'
        '<div class="commentarea"><div class="sitetable nestedlisting"><div class="thing comment"><p '
        'class="tagline"><a class="author">dee</a></p><div class="md"><p>{1}</p></div></div></div></div>'
        "</body>",
    ],
)
def test_short_posts_of_a_thread_are_all_its_text(thread: str) -> None:
    """No post is dropped for being shorter than another, and a line of code is no number of likes."""
    _check(thread.format(_FIRST, _SECOND), [_FIRST, _SECOND], ["dee"])


def test_a_line_of_code_in_a_post_stays() -> None:
    """It is not taken for a count."""
    html = (
        '<body id="phpbb"><div class="postbody">How so?<pre>1/n</pre></div>'
        '<div class="postbody">Like that, I think.<pre>2/n</pre></div></body>'
    )
    assert "```\n1/n\n```" in _text(f"<html>{html}</html>")


def test_the_title_of_a_question_stays_with_short_answers() -> None:
    """In a block of its own above the posts, whose words are few."""
    html = (
        '<html itemscope itemtype="https://schema.org/QAPage"><title>sums - Is zero even? - Site</title>'
        '<body class="question-page"><div id="content">'
        '<div id="question-header"><h1><a href="q">Is zero even?</a></h1></div><div id="mainbar">'
        '<div class="question"><div class="js-post-body"><p>I wonder.</p></div></div>'
        '<div class="answer"><div class="js-post-body"><p>Yes, it is.</p></div></div></div></div></body></html>'
    )
    _check(html, ["# Is zero even?", "I wonder.", "Yes, it is."], [])


def test_parts_of_a_short_problem_stay() -> None:
    """A contest problem of few words: input, note and headings, whatever part is the longest."""
    html = (
        '<body><div class="problem-statement"><div class="title">B. Odd sums</div><div><p>You are given '
        'some numbers; find an odd sum of them.</p></div><div class="input-specification"><h3>Input</h3>'
        '<p>One line.</p></div><div class="note"><h3>Note</h3><p>All of them.</p></div></div></body>'
    )
    _check(html, ["B. Odd sums", "### Input One line.", "### Note All of them."], [])


def test_the_heading_right_before_the_text_stays() -> None:
    """It stands beside the block that holds nearly all prose."""
    html = (
        f"<body><main><section><h3>Statement</h3><div>{_BEFORE * 9}</div></section></main></body>"
    )
    assert _text(html).startswith("### Statement")


@pytest.mark.parametrize(
    ("code", "fence"),
    [
        ('<pre><code class="python">x</code></pre>', "```python\nx\n```"),
        ('<pre lang="scheme">x</pre>', "```scheme\nx\n```"),
        ('<pre lang="en">x</pre>', "```\nx\n```"),
        ('<pre data-enlighter-language="php">x</pre>', "```php\nx\n```"),
        (
            '<pre><code class="prism language-cpp">x\ny</code><ul class="pre-numbering"><li>1</li>'
            "<li>2</li></ul></pre>",
            "```cpp\nx\ny\n```",
        ),
        (
            '<pre><code><span style="display:block"><span class="linenumber">1</span>x</span>'
            '<span style="display:block"><span class="linenumber">2</span>y</span></code></pre>',
            "```\nx\ny\n```",
        ),
        (
            '<div class="language-ts"><span class="lang">ts</span><pre><code>x</code></pre>'
            '<div class="line-numbers-wrapper"><span>1</span></div></div>',
            "```ts\nx\n```",
        ),
    ],
)
def test_blocks_of_code_by_generator(code: str, fence: str) -> None:
    """The language by whatever names it; no number and no label of the block in the text."""
    blocks = _text(_lesson(code)).split("\n\n")
    assert blocks[2:-1] == [fence]


@pytest.mark.parametrize(
    "html",
    [
        "<body><div id=app></div><script>window._feInjection = JSON.parse(decodeURIComponent("
        '"%7B%22currentData%22%3A{}%7D"))</script></body>',
        '<body><div id="app" data-page="{}"></div></body>',
        '<body><div data-react-class="Page" data-react-props="{}"></div></body>',
    ],
)
def test_state_in_other_places_is_read(html: str) -> None:
    """Percent-encoded in a call (Luogu), or in an attribute (Inertia, react-rails)."""
    state = json.dumps({"problem": {"title": "Adding", "body": _BEFORE}})
    if "%7B" in html:
        state = "".join(f"%{byte:02X}" for byte in state.encode())
    state = state.replace("&", "&amp;").replace('"', "&quot;")
    _check(html.format(state), ["Adding", "The lesson begins"], [])


def test_markdown_of_strapdown_is_rendered() -> None:
    """It stands in a hidden `<xmp>`."""
    html = (
        '<html><body><xmp theme="united" style="display:none;">\n# Matrices\n\nA matrix is a table.\n\n'
        '- square ones\n</xmp><script src="http://strapdownjs.com/v/0.2/strapdown.js"></script></body></html>'
    )
    assert _text(html) == "# Matrices\n\nA matrix is a table.\n\n- square ones"


@pytest.mark.parametrize(("names", "stays"), [("lesson-accordion", True), ("gov-banner", False)])
def test_what_opens_on_a_click_is_text_unless_it_is_the_sites(names: str, stays: bool) -> None:
    """An author's panel that is folded is read; the one of a banner above the page is not."""
    panel = (
        f'<div class="accordion__content" id="{names}" hidden>'
        "<p>A sum of two even numbers is even, and so is their product with any number.</p></div>"
    )
    text = _text(f"<body><header>{panel if not stays else ''}</header>{_lesson(panel)}</body>")
    assert ("sum of two even numbers" in text) is stays
