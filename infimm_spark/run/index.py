"""Which records to read, out of Common Crawl's indexes: the columnar one, CDXJ, or either with a list of URLs.

The conditions are written so that Spark pushes them down to the Parquet reader: partitions (`crawl`,
`subset`) are pruned, and status, type, host and domain select row groups by their statistics – the table
is sorted by reversed host.
"""

from __future__ import annotations

from functools import reduce
from urllib.parse import urlsplit

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import IndexConfig

SELECTION = pa.schema(
    [
        ("warc_file", pa.string()),
        ("records", pa.list_(pa.struct([("offset", pa.int64()), ("length", pa.int64())]))),
    ]
)
"""Records to read, by WARC file."""

_COLUMNS = {
    "url": "string",
    "url_host_name": "string",
    "url_host_registered_domain": "string",
    "url_path": "string",
    "fetch_status": "int",
    "content_mime_detected": "string",
    "content_languages": "string",
    "warc_filename": "string",
    "warc_record_offset": "bigint",
    "warc_record_length": "bigint",
}
"""Columns of the columnar index that are used, with the types that CDXJ lines are brought to."""

_LANGUAGES = {"en": "eng", "zh": "zho"}  # the index has ISO 639-3
_MOST_IN_LIST = 1_000  # values that a pushed-down IN may hold


def select_records(
    index: DataFrame, config: IndexConfig, urls: DataFrame | None = None
) -> DataFrame:
    """Rows of `SELECTION` for the rows of `index` (columns of the columnar index) that `config` wants.

    `urls` (column `url`) keeps only those URLs.
    """
    chosen = index.where(reduce(Column.__and__, _conditions(index, config), F.lit(True)))
    if urls is not None:
        chosen = chosen.join(urls.select("url").distinct(), on="url", how="left_semi")
    return (
        chosen.select(
            F.col("warc_filename").alias("warc_file"),
            F.struct(
                F.col("warc_record_offset").cast("bigint").alias("offset"),
                F.col("warc_record_length").cast("bigint").alias("length"),
            ).alias("record"),
        )
        .groupBy("warc_file")
        .agg(F.array_sort(F.collect_set("record")).alias("records"))
        .orderBy("warc_file")
    )


def from_cdxj(lines: DataFrame) -> DataFrame:
    """CDXJ lines (column `value`: key, timestamp, JSON) with the columns of the columnar index.

    Lines that are none, such as a header, are left out.
    """
    body = F.from_json(
        F.regexp_extract("value", r"^\S+ \d{4,14} (\{.*\})\s*$", 1),
        "url string, mime string, `mime-detected` string, status string, languages string, "
        "filename string, offset string, length string",
    )
    parsed = lines.select(body.alias("entry")).where(F.col("entry.filename").isNotNull())
    entry = {name: F.col(f"entry.{name}") for name in ("url", "status", "languages", "filename")}
    host = F.lower(F.regexp_extract(entry["url"], r"^\w+://(?:[^/@]*@)?([^/:?#]+)", 1))
    columns = {
        "url": entry["url"],
        "url_host_name": host,
        # Without the list of public suffixes; `_of_domains` compares whole labels from the right.
        "url_host_registered_domain": host,
        "url_path": F.regexp_extract(entry["url"], r"^\w+://[^/?#]*([^?#]*)", 1),
        "fetch_status": entry["status"],
        "content_mime_detected": F.coalesce(F.col("entry.mime-detected"), F.col("entry.mime")),
        "content_languages": entry["languages"],
        "warc_filename": entry["filename"],
        "warc_record_offset": F.col("entry.offset"),
        "warc_record_length": F.col("entry.length"),
    }
    return parsed.select(*(value.cast(_COLUMNS[n]).alias(n) for n, value in columns.items()))


def _conditions(index: DataFrame, config: IndexConfig) -> list[Column]:
    conditions = [F.col("warc_filename").isNotNull(), F.col("warc_record_length") > 0]
    if "subset" in index.columns:
        conditions.append(F.col("subset") == "warc")
    if config.crawls and "crawl" in index.columns:
        conditions.append(F.col("crawl").isin(config.crawls))
    if config.status is not None:
        conditions.append(F.col("fetch_status") == config.status)
    if config.mime:
        conditions.append(F.col("content_mime_detected").isin(config.mime))
    if config.languages:
        conditions.append(_of_languages(config.languages))
    places = (
        [F.col("url_host_name").isin([h.lower() for h in config.hosts])] if config.hosts else []
    )
    if config.domains:
        places.append(_of_domains([d.lower() for d in config.domains]))
    if places:
        conditions.append(reduce(Column.__or__, places))
    if config.url_patterns:
        conditions.append(
            reduce(Column.__or__, (F.col("url").like(_like(p)) for p in config.url_patterns))
        )
    return conditions


def hosts_of(urls: list[str]) -> list[str] | None:
    """The hosts of a list of URLs, as something to push down; None where there are too many."""
    hosts = {host for url in urls if (host := urlsplit(url).hostname)}
    return sorted(hosts) if len(hosts) <= _MOST_IN_LIST else None


def _of_languages(languages: list[str]) -> Column:
    """Any of the languages among a page's, which the index lists as `eng,zho`."""
    codes = [_LANGUAGES.get(code, code) for code in languages]
    column = F.col("content_languages")
    return reduce(
        Column.__or__,
        # `contains` is pushed down, membership decides.
        (column.contains(c) & F.array_contains(F.split(column, ","), c) for c in codes),
    )


def _of_domains(domains: list[str]) -> Column:
    """Hosts in the domains: by the registered domain, or as a host below a name given."""
    host = F.col("url_host_name")
    below = reduce(
        Column.__or__, (host.endswith(f".{domain}") | (host == domain) for domain in domains)
    )
    return F.col("url_host_registered_domain").isin(domains) | below


def _like(pattern: str) -> str:
    """`https://*.org/math*` as SQL's LIKE."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")
