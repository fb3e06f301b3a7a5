"""The browser's pages: lists, one page, its original, differences."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsed_run import TOKEN, CrawledPage, mathematics, write_run
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient

from infimm_spark.browse.app import Browser, application
from infimm_spark.browse.guard import Guard
from infimm_spark.browse.original import harmless, page_formulas
from infimm_spark.browse.server import open_browser


def _id(browser: Browser, url: str) -> str:
    from infimm_spark.browse.filters import Filters, Lists

    (row,) = browser.catalogue.find(Filters.read({"url": url}), Lists(), 0, 2).rows
    return str(row["id"])


def test_a_list_shows_pages_with_their_ends(client: TestClient) -> None:
    """Titles, why each page went, and the number of pages."""
    page = LexborHTMLParser(client.get("/?sort=url").text)
    assert "5 pages" in page.css_first(".count").text()
    assert [node.text() for node in page.css(".pages .title")] == [
        "Sums of numbers, again", "https://news.example.net/today", "Sums of numbers", "An offer", "Groups",
    ]  # fmt: skip
    assert {node.text() for node in page.css(".pages .badge")} == {
        "kept",
        "near",
        "quality_prob",
        "recall_floor",
    }


def test_a_page_shows_its_document_and_scores(client: TestClient, browser: Browser) -> None:
    """The document with drawn formulas, a button for the picture, scores beside thresholds, the
    neighbours in the list, and the copy that was removed for it."""
    id_ = _id(browser, "notes.example.org")
    page = LexborHTMLParser(client.get(f"/page/{id_}?sort=url&at=2").text)
    assert page.css_first(".document h1").text() == "Sums of numbers"
    assert len(page.css(".document [data-formula] math")) == 2
    assert page.css("img") == []
    assert page.css_first("button.load").attributes["data-frame"] == f"/page/{id_}/picture/0"
    assert "dedup.recall_threshold" in page.css_first("main").text()
    assert page.body.attributes["data-before"]
    assert page.body.attributes["data-after"]
    assert "Sums of numbers, again" in page.css_first("#copies-title").parent.text()


def test_a_dropped_page_says_what_decided(client: TestClient, browser: Browser) -> None:
    """The comparison with its setting; for a copy the page that stays; for no document, that."""
    assert "quality_prob 0.1 &lt; " in client.get(f"/page/{_id(browser, 'offer')}").text
    copy = client.get(f"/page/{_id(browser, 'copy.example.com')}").text
    assert "which stays" in copy
    assert "never became a document" in client.get(f"/page/{_id(browser, 'news')}").text


def test_formulas_come_with_carrier_source_and_outcome(
    client: TestClient, browser: Browser
) -> None:
    """Each formula of the original, its number in the document, and where it came from."""
    text = client.get(f"/page/{_id(browser, 'notes.example.org')}/formulas").text
    rows = LexborHTMLParser(text).css("tr[data-index]")
    assert [row.attributes["data-number"] for row in rows] == ["0", "1"]
    assert "dollar" in rows[1].text()
    assert "n^2" in rows[1].css_first("code").text()


def test_a_formula_is_marked_in_the_original(client: TestClient, browser: Browser) -> None:
    """The second formula is marked, not the first that looks like it."""
    id_ = _id(browser, "notes.example.org")
    page = LexborHTMLParser(client.get(f"/page/{id_}/original?mark=1").text)
    assert [node.text() for node in page.css("mark#formula")] == ["n^2"]


KATEX = (
    '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>n</mi></mrow><annotation'
    ' encoding="application/x-tex">n</annotation></semantics></math></span><span class="katex-html"'
    ' aria-hidden="true">n</span></span>'
)


def test_equal_formulas_are_told_apart() -> None:
    """Of three equal formulas drawn by KaTeX the second is marked, not the first or a part of it."""
    body = f"<p>Let {KATEX} be, and <b id='second'>{KATEX}</b> too, {KATEX}.</p>".encode()
    formulas = page_formulas(body, "https://a.org/", "text/html")
    assert len(formulas) == 3
    page = LexborHTMLParser(harmless(body, None, formulas, 1))
    assert page.css_first("#second mark#formula math") is not None
    assert len(page.css("mark")) == 1


def test_words_that_moved_the_scores(client: TestClient, browser: Browser) -> None:
    """Both classifiers' words, with how much each moved the score."""
    text = client.get(f"/page/{_id(browser, 'notes.example.org')}/words").text
    page = LexborHTMLParser(text)
    assert [node.text() for node in page.css("h3")] == [
        "Words that moved math_prob",
        "Words that moved quality_prob",
    ]
    assert page.css(".words li code")


def test_near_duplicates_are_a_difference(client: TestClient, browser: Browser) -> None:
    """What only one of the two says is marked on its side."""
    a, b = _id(browser, "notes.example.org"), _id(browser, "copy.example.com")
    page = LexborHTMLParser(client.get(f"/page/{b}/against/{a}").text)
    assert {node.text() for node in page.css("del")} >= {"3"}
    assert {node.text() for node in page.css("ins")} >= {"2"}


def test_a_picture_has_a_frame_that_loads_it_alone(client: TestClient, browser: Browser) -> None:
    """The policy of a picture's frame names its server and nothing else; no such picture, no
    request."""
    id_ = _id(browser, "notes.example.org")
    answer = client.get(f"/page/{id_}/picture/0")
    policy = answer.headers["content-security-policy"]
    assert "img-src https://img.example.org;" in policy
    assert policy.startswith("sandbox;")
    assert "<img" not in client.get(f"/page/{id_}/picture/7").text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://x'; script-src *//a.png",
        "file:///etc/passwd",
        "//a",
        "http://[::",
    ],
)
def test_strange_picture_addresses_are_not_loaded(url: str) -> None:
    """An address that is no plain http(s) one never reaches a policy."""
    from infimm_spark.browse.views import picture_source

    assert picture_source(url) is None


def test_a_crawl_that_moved_leaves_the_rest(tmp_path: Path) -> None:
    """The original says that its file is gone; document, scores and labels are shown."""
    layout = write_run(tmp_path)
    (tmp_path / "crawl" / "a.warc.gz").unlink()
    browser = open_browser(layout.root, labels=str(tmp_path / "l.jsonl"))
    client = TestClient(Guard(application(browser), TOKEN, 8000), base_url="http://127.0.0.1:8000")
    client.get("/", params={"token": TOKEN})
    id_ = _id(browser, "notes.example.org")
    shown = client.get(f"/page/{id_}/original").text
    assert "The original cannot be shown" in shown
    assert "--root FOLDER" in shown
    assert "cannot be read" in client.get(f"/page/{id_}/formulas").text
    assert "Sums of numbers" in client.get(f"/page/{id_}").text
    browser.catalogue.close()


def test_wrong_addresses_are_a_page(client: TestClient) -> None:
    """An unknown page or a wrong filter is told in a line, never by a trace."""
    for path, status in (
        ("/page/unknown", 404),
        ("/?sort=x", 400),
        ("/?from=-1", 400),
        ("/nothing", 404),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert "Traceback" not in answer.text


HOSTILE = """<html><head><title>x</title><base href="//evil.example/">
<meta http-equiv="refresh" content="0;url=http://evil.example/r"><link rel="stylesheet" href="http://evil.example/a.css">
<link rel="dns-prefetch" href="//evil.example"><link rel="preload" href="http://evil.example/p.js" as="script">
<style>@import url(http://evil.example/i.css); body { background: url(http://evil.example/b.png) }</style></head>
<body onload="parent.hacked = 1"><script>top.hacked = 1</script><img src="http://evil.example/x.png" onerror="top.hacked=1">
<svg onload="top.hacked=1"><script>top.hacked=1</script><a xlink:href="javascript:top.hacked=1"><text>t</text></a>
<animate attributeName="href" values="javascript:top.hacked=1"/><foreignObject><iframe srcdoc="<script>top.hacked=1</script>"></iframe></foreignObject></svg>
<a href="javascript:top.hacked=1" id="bad" target="_top">link</a><a href="http://evil.example/l" ping="http://evil.example/ping" target="_top">out</a>
<form action="http://evil.example/f"><button formaction="javascript:top.hacked=1">b</button></form>
<video src="http://evil.example/v.mp4" poster="http://evil.example/v.png"></video><object data="http://evil.example/o"></object>
<embed src="http://evil.example/e"><table background="http://evil.example/t.png"><tr><td>cell</td></tr></table>
<div style="background:url(http://evil.example/s.png)">styled</div><math><maction xlink:href="javascript:1">m</maction></math>
<iframe src="http://evil.example/"></iframe><noscript><img src="http://evil.example/n.png"></noscript><p>The text of the page.</p></body></html>"""


def test_a_hostile_original_is_harmless(tmp_path: Path) -> None:
    """Scripts, handlers, addresses, frames and imports are gone, and the policy forbids them too."""
    layout = write_run(
        tmp_path, [CrawledPage("https://evil.example/", HOSTILE, fate="recall_floor")]
    )
    browser = open_browser(layout.root, labels=str(tmp_path / "l.jsonl"))
    client = TestClient(Guard(application(browser), TOKEN, 8000), base_url="http://127.0.0.1:8000")
    client.get("/", params={"token": TOKEN})
    answer = client.get(f"/page/{_id(browser, 'evil')}/original")
    browser.catalogue.close()
    page = LexborHTMLParser(answer.text)
    assert "The text of the page." in page.body.text()
    assert (
        page.css("script, iframe, object, embed, base, link, video, animate, meta[http-equiv]")
        == []
    )
    for node in page.root.traverse():
        for name, value in node.attributes.items():
            assert not name.lower().startswith("on")
            assert "evil" not in (value or "")
            assert "javascript" not in (value or "")
    assert "evil.example" not in answer.text.replace("https://evil.example/", "")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline';")
    assert "script-src" not in policy


def test_hostile_tables_make_no_markup(tmp_path: Path) -> None:
    """Whatever a crawl put into URLs, titles, texts and reasons is text on every page."""
    bad = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    page = CrawledPage(f"https://a.org/{bad}", mathematics("T", "x^2"),
                       more={"title": bad, "consent": [bad], "snapshot": bad, "language": "en"})  # fmt: skip
    layout = write_run(tmp_path, [page])
    browser = open_browser(layout.root, labels=str(tmp_path / "l.jsonl"))
    client = TestClient(Guard(application(browser), TOKEN, 8000), base_url="http://127.0.0.1:8000")
    client.get("/", params={"token": TOKEN})
    id_ = _id(browser, "a.org")
    paths = (
        "/",
        f"/page/{id_}",
        f"/page/{id_}?q={bad}&at=0",
        f"/page/{id_}/against/{id_}",
        f"/?host={bad}",
    )
    for path in paths:
        shown = LexborHTMLParser(client.get(path).text)
        assert shown.css("img") == []
        assert [node.attributes.get("src") for node in shown.css("script")] in (
            ["/static/browse.js"],
            [],
        )
    browser.catalogue.close()
