"""A small crawl to try the job on: every page written for it, laid out like Common Crawl's bucket.

    infimm sample crawl/ && infimm build --input crawl/ --output run/

It shows what a build does. `sample_pages` lists its pages, why each is there and what becomes of
it: articles in English and Chinese, one for each way in which pages write formulas; copies and
revisions, which dedup removes; pages on other subjects and in other languages; pages that a rule
catches; and records that are broken.
"""

from __future__ import annotations

from infimm_spark.sample.crawl import expected_outcome, sample_pages, write_sample_crawl
from infimm_spark.sample.page import SamplePage

__all__ = ["SamplePage", "expected_outcome", "sample_pages", "write_sample_crawl"]
