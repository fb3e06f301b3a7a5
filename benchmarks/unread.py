"""How many documents of the corpus would be lost by what drops a page before it is parsed.

    python benchmarks/unread.py --data ../shared/data

Two tests do: the crawl's own language records (CLD2's, `extract.trust_crawl_languages`; `pycld2` runs
here as in Common Crawl's crawler) and the words of the page's source (`extract.source_floor`). Both
are asked about every page of the real crawl and of the other sites, and the pages they drop go
through the cascade without them and the precision classifier. Lost is what would have come into the
corpus. Exit status 1 where a test loses more than one document in 2,000.
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
from infimm_spark.cascade.verdict import Verdict  # noqa: E402
from infimm_spark.classify.broadcast import load_mathematics, read_model  # noqa: E402
from infimm_spark.classify.evidence import Evidence  # noqa: E402
from infimm_spark.classify.mathematics import Classifier  # noqa: E402
from infimm_spark.classify.thresholds import with_thresholds  # noqa: E402
from infimm_spark.config import BuildConfig  # noqa: E402
from infimm_spark.warc.charset import decode_html  # noqa: E402
from infimm_spark.warc.crawl_languages import CrawlLanguages  # noqa: E402
from infimm_spark.warc.records import Page, read_pages  # noqa: E402

_MOST_LOST = 1 / 2000
CORPUS = "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--every", type=int, default=1, help="take each n-th page (default 1)")
    options = parser.parse_args()
    config = with_thresholds(BuildConfig())
    settings = config.extract
    judge = build_judge(
        read_model(None, "language"),
        read_model(None, "recall"),
        settings.model_copy(update={"source_floor": 0}),
    )
    precision = load_mathematics(read_model(None, "precision"), "precision")
    assert isinstance(precision, Classifier)
    languages = CrawlLanguages.of(settings.languages)
    files = sorted(options.data.glob("commoncrawl/crawl-data/*/segments/*/warc/*.warc.gz"))
    files += sorted(options.data.glob("sites/*.warc.gz"))
    dropped: dict[str, Counter[str]] = {"language records": Counter(), "source floor": Counter()}
    seen = documents = 0
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
            end = _end(verdict, config, precision)
            documents += end == CORPUS
            is_short_of_words = Evidence(page.body).words_below(settings.source_floor) is not None
            for test, drops in (
                ("language records", bool(languages.only_others(said))),
                ("source floor", is_short_of_words and verdict.outcome != "failed"),
            ):
                dropped[test][end] += drops
                if drops and end in (CORPUS, "precision"):
                    print(f"{test}: {page.url}, which extraction keeps ({end})")
    print(f"{seen // options.every} pages, {documents} of them in the corpus")
    for test, ends in dropped.items():
        print(f"dropped by {test}: {ends.total()}, else dropped by {dict(+ends)}")
    lost = max(ends[CORPUS] for ends in dropped.values())
    sys.exit(1 if lost > max(1, documents) * _MOST_LOST else 0)


def _end(verdict: Verdict, config: BuildConfig, precision: Classifier) -> str:
    """What drops a page, or `CORPUS`; the rules apart, which drop few."""
    if verdict.outcome != "kept" or verdict.document is None:
        return verdict.reason or verdict.outcome
    length, language = verdict.document.text_length, verdict.language or ""
    if (verdict.math_prob or 0.0) < config.dedup.recall_threshold_at(length):
        return "recall"
    score = precision.score(verdict.document.text, language)
    passes = score >= config.rules.precision_threshold_at(length, language)
    return CORPUS if passes else "precision"


if __name__ == "__main__":
    main()
