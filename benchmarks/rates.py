"""Measure the rates of `infimm plan`: seconds and bytes of a page by stage, on one core.

    python benchmarks/rates.py --crawl out/mix --files 2

prints the measured part of conf/rates.yaml, in processor time: of a crawl with the proportions of the
web (`mix.py`) what a page costs that is dropped, of ../shared/data/commoncrawl, too, what one costs
that is extracted. Pages that the crawl's metadata puts in other languages are not read. The cascade judges page after page in this process; its
page process and Spark's share are in `seconds_a_task`, which `benchmarks/scale.py` measures.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas
from infimm_spark.cascade.judge import (
    LANGUAGE,
    LANGUAGE_UNCERTAIN,
    PLAIN_FLOOR,
    RECALL_FLOOR,
    build_judge,
)
from infimm_spark.cascade.source_floor import SOURCE_FLOOR
from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.config import BuildConfig
from infimm_spark.rules.metrics import text_metrics
from infimm_spark.stages.extract import _document_row
from infimm_spark.warc.crawl_languages import CrawlLanguages
from infimm_spark.warc.items import CRAWL_LANGUAGE
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.records import Page, Skipped, read_pages

OTHER = "seconds_a_page_of_other_language"
BELOW = "seconds_a_page_below_floor"
_KINDS = {
    **dict.fromkeys((LANGUAGE, LANGUAGE_UNCERTAIN), OTHER),
    **dict.fromkeys((SOURCE_FLOOR, RECALL_FLOOR, PLAIN_FLOOR), BELOW),
    "kept": "seconds_a_page_extracted",
}

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--crawl", type=Path, default=ROOT.parent / "shared/data/commoncrawl")
    parser.add_argument("--files", type=int, default=2, help="WARC files to take (default 2)")
    options = parser.parse_args()
    if not options.crawl.is_dir():
        sys.exit(f"no crawl at {options.crawl}")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    config = BuildConfig()
    judge = build_judge(read_model(None, "language"), read_model(None, "recall"), config.extract)
    precision = load_mathematics(read_model(None, "precision"), "precision")
    judge(b"<p>warm", url="http://localhost/", content_type=None)

    languages = CrawlLanguages.of(config.extract.languages)
    seconds: dict[str, list[float]] = defaultdict(list)
    documents = []
    for warc in list_warcs([str(options.crawl)])[: options.files]:
        last = time.process_time()
        for item in read_pages(warc.location, warc_file=warc.warc_file, languages=languages):
            if isinstance(item, Skipped) and item.reason == CRAWL_LANGUAGE:
                now = time.process_time()
                seconds[OTHER].append(now - last)
                last = now
            if not isinstance(item, Page):
                continue
            verdict = judge(item.body, url=item.url, content_type=item.content_type)
            kind = _KINDS.get(verdict.reason or "kept", str(verdict.reason))
            if verdict.document is not None and verdict.outcome == "kept":
                row = _document_row(item, warc, verdict, verdict.document)
                documents.append({name: row[name] for name in schemas.DOCUMENTS.names})
            now = time.process_time()
            seconds[kind].append(now - last)
            last = now
    refined = time.process_time()
    for row in documents:
        text = "\n\n".join(s["text"] for s in row["segments"] if s["text"])
        text_metrics(text, row["language"])
        precision.score(text, row["language"])
    refined = (time.process_time() - refined) / max(1, len(documents))

    for kind, values in sorted(seconds.items()):
        print(f"{kind}: {sum(values) / len(values):.5f}  # {len(values)} pages")
    print(f"seconds_a_refined_document: {refined:.5f}")
    table = pa.Table.from_pylist(documents, schema=schemas.DOCUMENTS)
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(table, f"{folder}/documents.parquet", compression="zstd")
        size = Path(folder, "documents.parquet").stat().st_size
    print(f"bytes_a_document: {size / max(1, len(documents)):.0f}")


if __name__ == "__main__":
    main()
