"""The browser in a real Chromium: drawing, labels, keys, widths, accessibility, hostile pages."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsed_run import PAGES, CrawledPage, mathematics, write_run
from chromium import chromium

from infimm_spark.browse.app import Browser as Served
from infimm_spark.browse.server import listening, open_browser, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SECONDS = 60_000
"""Milliseconds: machines are shared."""


class Asked(BaseHTTPRequestHandler):
    """The outside world: notes whatever is asked of it."""

    paths: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.paths.append(self.path)
        self.send_response(204)
        self.end_headers()

    do_POST = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def outside() -> Iterator[str]:
    """The address of a server that no page may ask anything of."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def hostile(outside: str) -> str:
    """A page that tries every way out that it knows."""
    return f"""<html><head><base href="{outside}/base/"><meta http-equiv="refresh" content="0;url={outside}/refresh">
<link rel="stylesheet" href="{outside}/link.css"><link rel="prefetch" href="{outside}/prefetch"><link rel="icon" href="{outside}/icon">
<style>@import url("{outside}/import.css"); @font-face {{ font-family: f; src: url({outside}/font) }} body {{ font-family: f; background: url({outside}/css.png) }}</style>
<title>Hostile</title></head><body onload="top.document.title='hacked'; fetch('{outside}/onload')">
<script>top.document.title = 'hacked'; new Image().src = '{outside}/script'; top.location = '{outside}/top'</script>
<img src="{outside}/img" srcset="{outside}/srcset 2x" onerror="top.document.title='hacked'">
<svg onload="top.document.title='hacked'"><image href="{outside}/svg"/><use href="{outside}/use#a"/><script>top.document.title='hacked'</script></svg>
<a href="javascript:top.document.title='hacked'" style="position:fixed;inset:0;display:block">everywhere</a>
<iframe src="{outside}/iframe" srcdoc="<script>top.document.title='hacked'</script>"></iframe><object data="{outside}/object"></object>
<video src="{outside}/video" poster="{outside}/poster" autoplay></video><audio src="{outside}/audio" autoplay></audio>
<form action="{outside}/form" target="_top"><input autofocus onfocus="top.document.title='hacked'"></form>
<p>Let $x^2 + 1$ be prime. $\\href{{javascript:top.document.title='hacked'}}{{x}}$ $\\includegraphics{{{outside}/tex}}$</p></body></html>"""


@pytest.fixture(scope="module")
def run_of_all(tmp_path_factory: pytest.TempPathFactory, outside: str) -> Path:
    """The small run with a wide page and hostile ones."""
    folder = tmp_path_factory.mktemp("chromium")
    bad = f"<img src={outside}/title onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    wide = "https://wide.example.org/" + "very-long-path-without-any-break" * 6
    pages = [
        *PAGES,
        CrawledPage(wide, mathematics("Wide" * 40, "+".join(f"x_{{{i}}}" for i in range(60)))),
        CrawledPage("https://hostile.example/", hostile(outside), more={"title": bad}),
        CrawledPage(f"https://hostile.example/{bad}", f"<p>{bad}</p>", fate="recall_floor"),
    ]
    write_run(folder, pages)
    return folder / "run"


@pytest.fixture
def address(run_of_all: Path, tmp_path: Path) -> Iterator[str]:
    """The printed address of a server of that run, whose label file is new."""
    opened: Served = open_browser(str(run_of_all), labels=str(tmp_path / "labels.jsonl"))
    bound = listening(0)
    server, url = served(opened, bound)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
    thread.start()
    yield url
    server.should_exit = True
    thread.join(30)
    opened.catalogue.close()
    bound.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[Page]:
    """A tab that opened the printed address; fails the test where a script of ours failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert faults == []


def _saved(page: Page) -> None:
    page.locator("#saved", has_text="saved").wait_for()


def test_search_open_label_reload(tab: Page, tmp_path: Path) -> None:
    """A search finds a page, its grade is in the file at once, and is there after a reload."""
    tab.keyboard.press("/")
    tab.keyboard.type("induction numbers")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".count")
    tab.click(".pages .title >> text='Groups'")
    tab.wait_for_selector("#label")
    tab.wait_for_load_state()
    tab.keyboard.press("7")
    _saved(tab)
    tab.keyboard.press("x")
    tab.wait_for_selector('[data-mark="wrong_formula"][aria-pressed="true"]')
    _saved(tab)
    (row,) = map(json.loads, (tmp_path / "labels.jsonl").read_text().splitlines())
    assert (row["score"], row["url"]) == (7, "https://www.algebra.example.org/groups")
    tab.reload()
    assert tab.get_attribute('[data-grade="7"]', "aria-pressed") == "true"
    assert tab.inner_text("#labelled") == "(1)"


def test_keys_lead_through_the_pages(tab: Page) -> None:
    """j and k move in lists and between pages, u goes back, ? shows the keys."""
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    second = tab.evaluate("document.activeElement.textContent")
    assert second == tab.locator(".pages .title").nth(1).inner_text()
    tab.keyboard.press("Enter")
    for expected, key in (("2 of 8", "j"), ("3 of 8", "k"), ("2 of 8", "?")):
        tab.locator(".bar", has_text=expected).wait_for()
        tab.wait_for_load_state()  # keys are heard once the page's script has run
        tab.keyboard.press(key)
    assert tab.locator("dialog[open]").count() == 1
    tab.keyboard.press("Escape")
    tab.keyboard.press("u")
    tab.wait_for_selector(".pages")


def test_a_formula_is_drawn_and_marked_in_both(tab: Page) -> None:
    """Its box has height and no raw TeX; a click marks it in the document and in the original."""
    tab.click(".pages .title >> text='Sums of numbers' >> nth=0")
    drawn = tab.locator('[data-formula="0"] math')
    box = drawn.bounding_box()
    assert box is not None
    assert box["height"] > 15
    assert "\\" not in str(drawn.text_content())
    heights = drawn.evaluate(
        "m => [...m.querySelectorAll('mfrac > *')].map(e => e.getBoundingClientRect().top)"
    )
    assert heights[0] < heights[1]  # typeset: the numerator stands above the denominator
    tab.wait_for_selector(".formulas")
    tab.locator('[data-formula="1"]').click()
    assert tab.locator(".formula.marked").count() == 1
    mark = tab.frame_locator("iframe[data-original]").locator("mark#formula")
    assert mark.text_content() in ("n^2", "n^3")


def test_hostile_pages_reach_nothing(tab: Page, outside: str) -> None:
    """No script of a crawled page runs, nothing is asked of the outside, the tab stays ours."""
    Asked.paths.clear()
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    own = tab.url.split("/")[2]
    for number in range(8):
        tab.goto(f"http://{own}/?host=hostile.example" if number % 4 == 0 else tab.url)
        if tab.locator(".pages .title").count():
            tab.locator(".pages .title").nth(number // 4 % 2).click()
            tab.wait_for_selector("iframe[data-original]")
        frame = tab.frame_locator("iframe[data-original]")
        frame.locator("body").wait_for()
        frame.locator("body").click(position={"x": 5, "y": 5})  # the link that covers everything
        tab.wait_for_timeout(300)
        assert tab.title() != "hacked"
        assert tab.url.startswith(f"http://{own}/page/")
    assert {url.split("/")[2] for url in requests if url.startswith("http")} == {own}
    assert Asked.paths == []


def test_the_policy_alone_would_do(browser: Browser, outside: str, address: str) -> None:
    """Even if taking out the scripts failed, frame and policy let nothing run or leave."""
    from infimm_spark.browse.policies import FRAME_POLICY, POLICY

    Asked.paths.clear()
    context = browser.new_context()
    page = context.new_page()
    own = "http://127.0.0.1:9"  # answered by the routes below
    page.route(f"{own}/", lambda route: route.fulfill(
        body='<title>ours</title><iframe sandbox="" src="/raw"></iframe>',
        headers={"content-type": "text/html", "content-security-policy": POLICY}))  # fmt: skip
    page.route(f"{own}/raw", lambda route: route.fulfill(
        body=hostile(outside), headers={"content-type": "text/html", "content-security-policy": FRAME_POLICY}))  # fmt: skip
    page.goto(f"{own}/")
    page.wait_for_timeout(1_500)
    assert page.title() == "ours"
    assert page.url == f"{own}/"
    assert Asked.paths == []
    context.close()


def test_pictures_load_on_a_click_only(tab: Page) -> None:
    """A picture's server is asked after the click, through a frame that may ask only it."""
    asked: list[str] = []
    tab.route("https://img.example.org/**", lambda route: (asked.append(route.request.url), route.fulfill(status=204)))  # fmt: skip
    tab.click(".pages .title >> text='Sums of numbers' >> nth=0")
    if tab.locator("button.load").count() == 0:
        tab.go_back()
        tab.click(".pages .title >> text=/^Sums of numbers$/")
    tab.wait_for_selector(".formulas")
    assert asked == []
    tab.click("button.load")
    until = time.monotonic() + 30
    while not asked and time.monotonic() < until:
        tab.wait_for_timeout(100)
    assert asked == ["https://img.example.org/a.png"]


@pytest.mark.parametrize(("width", "scale"), [(390, 1), (640, 2)], ids=["phone", "200 %"])
def test_nothing_overflows(tab: Page, width: int, scale: int) -> None:
    """On a phone and at 200 % of 1280 pixels no page is wider than the window."""
    tab.set_viewport_size({"width": width, "height": 800})
    base = tab.url
    links = [link.get_attribute("href") for link in tab.locator(".pages .title").all()]
    for path in ("", *links):
        tab.goto(base.rstrip("/") + str(path))
        tab.wait_for_load_state("networkidle")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(tab: Page, scheme: Any) -> None:
    """No serious or critical finding on the list, a page with everything open, and the keys."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab.emulate_media(color_scheme=scheme)
    tab.evaluate("document.querySelector('details').open = true")
    _accessible(axe, tab)
    tab.click(".pages .title >> text='Groups'")
    tab.wait_for_selector(".formulas")
    tab.click("[data-fragment$=words] button")
    tab.wait_for_selector(".words")
    tab.keyboard.press("5")
    _saved(tab)
    _accessible(axe, tab)
    tab.keyboard.press("?")
    _accessible(axe, tab)


def _accessible(axe: Any, tab: Page) -> None:
    # Evaluated by the debugger, past our policy; the frame without scripts is not looked into.
    found = axe.run(tab, options={"iframes": False}).response["violations"]
    serious = [
        (one["id"], [node["target"] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
