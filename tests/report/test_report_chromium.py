"""The report in a real browser: what a person sees and does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chromium import chromium
from small_run import document, reject, write_run

from infimm_spark.report.html import write_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = (
    "<script>document.title='hacked'</script><img src=http://evil.example/x "
    "onerror=\"document.title='hacked'\"><svg onload=\"document.title='hacked'\"></svg>"
    "<meta http-equiv=refresh content='0;url=http://evil.example/'><base href=http://evil.example>"
    "<style>@import url(http://evil.example/a.css)</style>"
    "[x](javascript:document.title='hacked') $\\href{javascript:alert(1)}{x}$"
    "</script></style></details> $\\frac{a^2}{b}$"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of a run with long, wide and hostile pages."""
    layout = write_run(
        tmp_path_factory.mktemp("report") / "run",
        [
            document(0, HOSTILE, title=HOSTILE, url=f"https://a.example/{HOSTILE}"),
            document(1, r"Wide: $$" + " + ".join(f"x_{{{n}}}^2" for n in range(80)) + "$$"),
            document(2, "Let $\\frac{x^2}{2}$ be.", title="word" * 60),
            *(document(n, math_prob=n / 12) for n in range(4, 12)),
        ],
        unextracted=[
            reject(20, "extract", "recall_floor", score=0.05, url="https://b.example/" + "x" * 300),
            reject(21, "extract", HOSTILE, detail=HOSTILE),
        ],
        duplicates={4: (5, "near", 0.9)},
        judged={n: {"quality_prob": n / 12} for n in range(5, 12)},
    )
    return Path(write_html(layout)).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def _opened(browser: Browser, report: str, **options: Any) -> tuple[Page, list[str]]:
    """The report with every sample open, and what it asked for or complained of."""
    page = browser.new_context(**options).new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", lambda dialog: seen.append(dialog.message))
    page.goto(report)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    return page, seen


def test_a_slider_answers_for_another_threshold(browser: Browser, report: str) -> None:
    """Moving it by keys changes the number, the sentence, and the mark in the plot."""
    page, _ = _opened(browser, report)
    figure = page.locator('[data-score="math_prob"]')
    slider = figure.locator("input[type=range]")
    line = figure.locator("line.threshold")
    before = line.get_attribute("x1")
    slider.focus()
    slider.press("End")
    assert figure.locator("output").inner_text() == "1"
    assert figure.locator(".answer").inner_text().startswith("0 of 11")
    assert line.get_attribute("x1") != before
    slider.press("Home")
    assert figure.locator(".answer").inner_text().startswith("11 of 11 (100.0 %) would pass")


def test_formulas_are_drawn(browser: Browser, report: str) -> None:
    """A fraction has the height of two lines, and no TeX is seen."""
    page, _ = _opened(browser, report)
    fraction = page.locator(".sample math:has(mfrac)").first
    box = fraction.bounding_box()
    assert box is not None
    assert box["height"] > 18
    assert "\\" not in (fraction.text_content() or "")


@pytest.mark.parametrize("width", [390, 640, 1280])
def test_nothing_is_wider_than_the_page(browser: Browser, report: str, width: int) -> None:
    """On a phone, and at 200 % of a window of 1280 pixels, wide things scroll in themselves."""
    page, _ = _opened(browser, report, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_page_runs_and_loads_nothing(browser: Browser, report: str) -> None:
    """No script of a crawled page runs and nothing is asked for but the file itself."""
    page, seen = _opened(browser, report)
    page.wait_for_timeout(300)
    assert page.title().startswith("Run small")
    assert seen == [report]
    assert page.url == report


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(browser: Browser, report: str, scheme: Any) -> None:
    """Contrast, labels and structure pass in both colour schemes."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    page, _ = _opened(browser, report, color_scheme=scheme, bypass_csp=True)
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (rule["id"], [node["html"][:150] for node in rule["nodes"][:3]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_dark_is_dark(browser: Browser, report: str) -> None:
    """The page follows the reader's colour scheme."""
    colours = [
        _opened(browser, report, color_scheme=scheme)[0].evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    ]
    assert colours[0] == "rgb(255, 255, 255)"
    assert colours[1] != colours[0]


def test_print_leaves_out_what_paper_cannot_do(browser: Browser, report: str) -> None:
    """Sliders and the contents stay on the screen; the answer for the run's threshold is printed."""
    page, _ = _opened(browser, report)
    page.emulate_media(media="print")
    assert not page.locator(".contents").is_visible()
    assert not page.locator(".slider").first.is_visible()
    assert page.locator(".answer").first.is_visible()
