"""Pictures of the sample run for the documentation: `make screenshots`.

    python docs/screenshots.py out/sample-run

Draws the run's report and a page of its browser in a real Chromium, and writes
`docs/pages/images/*.png`.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES = Path(__file__).parent / "pages" / "images"
NAMES = ("chromium", "chromium-browser", "google-chrome")

SHOTS = (
    # name, colour scheme, width, height, the section at the top
    ("report-funnel", "light", 1000, 900, None),
    ("report-scores", "light", 1000, 640, "#thresholds"),
    ("report-formulas", "dark", 1000, 640, "#formulas"),
)


def main(run: str) -> None:
    """Write the report of `run` anew and draw it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("screenshots need Playwright: pip install -e '.[dev]'")
    from infimm_spark.report.html import write_html
    from infimm_spark.run.stored import require_run

    browser_path = next(filter(None, map(shutil.which, NAMES)), None)
    if browser_path is None:
        sys.exit("screenshots need Chromium: none found (Debian: apt-get install chromium)")
    layout = require_run(run)
    page_file = Path(write_html(layout)).resolve()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, scheme, width, height, section in SHOTS:
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(page_file.as_uri())
            if section:
                page.evaluate("at => document.querySelector(at).scrollIntoView()", section)
            # Where the run lies on the machine that drew it is nobody's business.
            page.evaluate(
                "root => { const at = document.querySelector('.top p');"
                " at.innerHTML = at.innerHTML.replace(root, 'out/sample-run'); }",
                layout.root,
            )
            _save(page.screenshot(), IMAGES / f"{name}.png")
            page.close()
        _draw_browser(browser, run)
        browser.close()


def _draw_browser(browser: Browser, run: str) -> None:
    """A page of the run as `infimm browse` shows it."""
    from infimm_spark.browse.server import listening, open_browser, served

    with tempfile.TemporaryDirectory() as folder:
        opened = open_browser(run, labels=f"{folder}/labels.jsonl")
        bound = listening(0)
        server, address = served(opened, bound)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
        thread.start()
        try:
            page = browser.new_page(viewport={"width": 1200, "height": 800})
            page.set_default_timeout(120_000)
            page.goto(address)
            page.goto(address.partition("?")[0] + "?outcome=kept&n_images_min=1&sort=url")
            page.locator(".pages .title").first.click()
            page.wait_for_selector(".formulas")
            _save(page.screenshot(), IMAGES / "browse-page.png")
            page.close()
        finally:
            server.should_exit = True
            thread.join()
            opened.catalogue.close()


def _save(png: bytes, target: Path) -> None:
    """In few colours, which a page of text and bars has anyway: a third of the size."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(96, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target} {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])
