"""What the mathematics-aware extraction of a page costs beside Resiliparse's plain text, page by page.

    python benchmarks/extraction_speed.py --crawl ../shared/data/commoncrawl --every 4

Both start from the bytes of the same page and end at its text: ours screens, decodes, parses and reads
formulas, images and structure; Resiliparse decodes, parses and gives `extract_plain_text(main_content=True)`.
Each page goes through both in turn, pinned to one processor, garbage collection as the page process has
it; processor time counts. Printed: the median ratio, the ratio of all time, and our slowest pages.
`--package out/compiled/package` measures what `make wheel-compiled` builds.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--every", type=int, default=1, help="take every so-manyth page")
    parser.add_argument("--package", type=Path, default=ROOT, help="folder of infimm_spark")
    options = parser.parse_args()
    sys.path.insert(0, str(options.package.resolve()))

    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    from infimm_spark.crawl.records import Page, read_pages
    from infimm_spark.errors import PageRejectedError
    from infimm_spark.extract.page import extract_page

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ours: list[float] = []
    theirs: list[float] = []
    slowest: list[tuple[float, int, str]] = []
    number = 0
    for file in sorted(options.crawl.rglob("*.warc.gz")):
        for item in read_pages(str(file), warc_file=file.name):
            if not isinstance(item, Page):
                continue
            number += 1
            if number % options.every:
                continue
            if len(ours) % 16 == 0:
                gc.enable()
                gc.collect()
                gc.freeze()
                gc.disable()
            started = time.process_time()
            try:
                extract_page(item.body, url=item.url, content_type=item.content_type)
            except PageRejectedError:
                continue
            middle = time.process_time()
            text = bytes_to_str(item.body, detect_encoding(item.body))
            extract_plain_text(text, main_content=True)
            ended = time.process_time()
            ours.append(middle - started)
            theirs.append(ended - middle)
            slowest.append((middle - started, len(item.body), item.url))

    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(f"{len(ours):,} pages; median of ours {statistics.median(ours) * 1e3:.2f} ms, of")
    print(f"Resiliparse {statistics.median(theirs) * 1e3:.2f} ms; median ratio", end=" ")
    print(f"{statistics.median(ratios):.2f}, of all time {sum(ours) / sum(theirs):.2f}")
    for seconds, size, url in sorted(slowest, reverse=True)[:3]:
        print(f"{seconds:6.2f} s  {size:>10,} bytes  {url}")


if __name__ == "__main__":
    main()
