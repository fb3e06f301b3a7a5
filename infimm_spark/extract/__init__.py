"""HTML pages to documents: text, formulas and images in order. Plain Python, no Spark."""

from infimm_spark.extract.page import ParsedPage, extract_page, parse_page

__all__ = ["ParsedPage", "extract_page", "parse_page"]
