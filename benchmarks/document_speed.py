"""`ParsedPage.document` against Resiliparse's main-content text on the same pages of the crawl.

    python benchmarks/document_speed.py --crawl ../shared/data/commoncrawl --every 8

Ours goes from bytes to document (screen, decoding, parse, formulas, images), Resiliparse from
decoded text to plain text, parse included; beside it stands the same without parsing. Processor
time of this process, the two in turn for each page; prints the median and the quartiles of the
pages' ratios, the ratio of the totals, and our slowest pages.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from infimm_spark.errors import PageRejectedError
from infimm_spark.extract import parse_page
from infimm_spark.warc.charset import decode_html
from infimm_spark.warc.records import Page, read_pages

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--every", type=int, default=8, help="take each n-th page (default 8)")
    options = parser.parse_args()
    files = sorted(options.crawl.glob("crawl-data/*/segments/*/warc/*.warc.gz"))
    if not files:
        sys.exit(f"no WARC files below {options.crawl}")
    whole = _Ratios("bytes to document : decoded text to text")
    parsed = _Ratios("document of a parsed page : text of a parsed tree")
    slowest: list[tuple[float, str]] = []
    rejected = 0
    gc.freeze()
    for page in _pages(files, options.every):
        try:
            parsing, ours = _timed(lambda page=page: parse_page(page.body, url=page.url))
        except PageRejectedError:
            rejected += 1
            continue
        extraction, _ = _timed(ours.document)
        text, _ = decode_html(page.body, None)
        peer_parsing, tree = _timed(lambda text=text: HTMLTree.parse(text))
        peer, _ = _timed(lambda tree=tree: extract_plain_text(tree, main_content=True))
        whole.add(parsing + extraction, peer_parsing + peer)
        parsed.add(extraction, peer)
        slowest = sorted([*slowest, (parsing + extraction, page.url)], reverse=True)[:3]
    print(f"{len(whole.ratios)} pages, {rejected} rejected")
    for ratios in (whole, parsed):
        ratios.print()
    for seconds, url in slowest:
        print(f"slowest: {seconds:.2f} s {url}")


class _Ratios:
    """Our seconds over the peer's, page by page and in all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ratios: list[float] = []
        self._ours = self._peer = 0.0

    def add(self, ours: float, peer: float) -> None:
        self.ratios.append(ours / peer)
        self._ours += ours
        self._peer += peer

    def print(self) -> None:
        if len(self.ratios) < 2:
            sys.exit("fewer than two pages could be measured")
        low, median, high = statistics.quantiles(self.ratios, n=4)
        print(f"{self.name}: {self._ours / len(self.ratios) * 1e3:.2f} ms a page of ours")
        print(
            f"  median {median:.2f}, quartiles {low:.2f} and {high:.2f}, by total "
            f"{self._ours / self._peer:.2f}"
        )


def _pages(files: list[Path], every: int) -> Iterator[Page]:
    number = 0
    for file in files:
        for page in read_pages(str(file), warc_file=file.name):
            if isinstance(page, Page):
                number += 1
                if number % every == 0:
                    yield page


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    started = time.process_time()
    result = call()
    return time.process_time() - started, result


if __name__ == "__main__":
    main()
