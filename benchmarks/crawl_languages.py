"""How many kept documents would be lost by trusting the crawl's own language records.

    python benchmarks/crawl_languages.py --data ../shared/data

Runs CLD2 (`pycld2`), as Common Crawl's crawler does, over the pages of the real crawl and of the
other sites, asks `CrawlLanguages` which of them it would drop unread, and puts those through the
cascade. Lost is what the cascade would have kept. Exit status 1 where more than one kept document
in 2,000 is lost.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from mix import languages_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from infimm_spark.cascade.judge import build_judge  # noqa: E402
from infimm_spark.classify.broadcast import read_model  # noqa: E402
from infimm_spark.config import BuildConfig  # noqa: E402
from infimm_spark.warc.charset import decode_html  # noqa: E402
from infimm_spark.warc.crawl_languages import CrawlLanguages  # noqa: E402
from infimm_spark.warc.records import Page, read_pages  # noqa: E402

_MOST_LOST = 1 / 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--every", type=int, default=1, help="take each n-th page (default 1)")
    options = parser.parse_args()
    settings = BuildConfig().extract
    judge = build_judge(read_model(None, "language"), read_model(None, "recall"), settings)
    languages = CrawlLanguages.of(settings.languages)
    files = sorted(options.data.glob("commoncrawl/crawl-data/*/segments/*/warc/*.warc.gz"))
    files += sorted(options.data.glob("sites/*.warc.gz"))
    outcomes: Counter[str] = Counter()
    seen = kept = 0
    for file in files:
        for page in read_pages(str(file), warc_file=file.name):
            if not isinstance(page, Page):
                continue
            seen += 1
            if seen % options.every:
                continue
            text, _ = decode_html(page.body, page.content_type)
            said = f"languages-cld2: {json.dumps(languages_of(text, page.url))}\n".encode()
            verdict = judge(page.body, url=page.url, content_type=page.content_type)
            kept += verdict.outcome == "kept"
            if languages.only_others(said):
                outcomes[verdict.reason or verdict.outcome] += 1
                if verdict.outcome == "kept":
                    print(f"lost: {page.url} ({verdict.math_prob})")
    print(f"{seen // options.every} pages, {kept} kept; dropped unread: {dict(outcomes)}")
    sys.exit(1 if outcomes["kept"] > max(1, kept) * _MOST_LOST else 0)


if __name__ == "__main__":
    main()
