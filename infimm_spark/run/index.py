"""Which records to read, out of Common Crawl's indexes: the columnar one, CDXJ, or either with a
list of URLs.

The conditions are written so that Spark pushes them down to the Parquet reader: partitions
(`crawl`, `subset`) are pruned, and status, type, host and domain select row groups by their
statistics – the table is sorted by reversed host.
"""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import IndexConfig
from infimm_spark.languages import language_of
from infimm_spark.urls import HOST_PATTERN, url_host
from infimm_spark.warc.index_files import CDX_LETTERS

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

_MOST_IN_LIST = 1_000  # values that a pushed-down IN may hold


def select_records(
    index: DataFrame, config: IndexConfig, urls: DataFrame | None = None
) -> DataFrame:
    """Rows of `SELECTION` for the rows of `index` (columns of the columnar index) that `config`
    wants.

    `urls` (column `url`) keeps only those URLs.
    """
    return grouped(matching(index, config, urls))


def matching(index: DataFrame, config: IndexConfig, urls: DataFrame | None = None) -> DataFrame:
    """The records that `config` wants: `url`, `warc_file`, `offset`, `length`."""
    conditions = [*_places(index, config), *_kinds(config), *_pointer()]
    chosen = index.where(_all(conditions))
    if urls is not None:
        chosen = chosen.join(urls.select("url").distinct(), on="url", how="left_semi")
    return chosen.select(
        "url",
        F.col("warc_filename").alias("warc_file"),
        F.col("warc_record_offset").cast("bigint").alias("offset"),
        F.col("warc_record_length").cast("bigint").alias("length"),
    )


def grouped(records: DataFrame) -> DataFrame:
    """Rows of `SELECTION` for the rows of `matching`: by file, each place in it once."""
    # Two rows may name one record, and give it two lengths: the longer holds it.
    once = records.groupBy("warc_file", "offset").agg(F.max("length").alias("length"))
    record = F.struct("offset", "length")
    return (
        once.groupBy("warc_file")
        .agg(F.array_sort(F.collect_list(record)).alias("records"))
        .orderBy("warc_file")
    )


def incomplete(index: DataFrame, config: IndexConfig) -> DataFrame:
    """Rows that nothing but a missing value keeps out: `url` and `lacks`, the first column that is
    null or unusable."""
    needed: dict[str, Column] = {
        "warc_filename": F.col("warc_filename").isNull(),
        "warc_record_offset": F.col("warc_record_offset").isNull()
        | (F.col("warc_record_offset") < 0),
        "warc_record_length": F.col("warc_record_length").isNull()
        | (F.col("warc_record_length") <= 0),
    }
    if config.status is not None:
        needed["fetch_status"] = F.col("fetch_status").isNull()
    if config.mime:
        needed["content_mime_detected"] = F.col("content_mime_detected").isNull()
    lacks = F.coalesce(*(F.when(absent, F.lit(name)) for name, absent in needed.items()))
    # A row of another status or type is not wanted, whatever else it lacks.
    wanted = [F.coalesce(condition, F.lit(True)) for condition in _kinds(config)]
    rows = index.where(_all([*_places(index, config), *wanted]))
    return rows.select("url", lacks.alias("lacks")).where(F.col("lacks").isNotNull())


_CDX_FIELDS = {
    "a": "url",
    "m": "mime",
    "s": "status",
    "S": "length",
    "V": "offset",
    "g": "filename",
}
"""Letters of a classic CDX file's first line that name what is used here."""


def from_cdxj(lines: DataFrame) -> DataFrame:
    """CDXJ lines (column `value`: key, timestamp, JSON) with the columns of the columnar index.

    Lines of another form, such as a header, are left out.
    """
    body = F.from_json(
        F.regexp_extract("value", r"^[^\s]+[ \t]+\d{4,17}[ \t]+(\{.*\})\s*$", 1),
        "url string, mime string, `mime-detected` string, status string, languages string, "
        "filename string, offset string, length string",
    )
    parsed = lines.select(body.alias("entry")).where(F.col("entry.filename").isNotNull())
    return _as_columnar(
        parsed.select(
            *(
                f"entry.{name}"
                for name in ("url", "status", "languages", "filename", "offset", "length")
            ),
            F.coalesce(F.col("entry.mime-detected"), F.col("entry.mime")).alias("mime"),
        )
    )


def from_cdx(lines: DataFrame, letters: str = CDX_LETTERS) -> DataFrame:
    """Lines of a classic CDX file (column `value`) with the columns of the columnar index.

    `letters` are those of the file's first line. Where they name no length (`S`) no record can be
    chosen.
    """
    names = letters.split()
    parts = F.split(F.trim("value"), r"[ \t]+")
    fields = {
        name: parts[names.index(letter)] if letter in names else F.lit(None).cast("string")
        for letter, name in _CDX_FIELDS.items()
    }
    rows = lines.where(~F.col("value").startswith(" CDX") & (F.size(parts) == len(names)))
    columns = [
        F.when(value != "-", value).otherwise(F.lit(None)).alias(name)
        for name, value in fields.items()
    ]
    return _as_columnar(rows.select(*columns, F.lit(None).cast("string").alias("languages")))


def _as_columnar(entries: DataFrame) -> DataFrame:
    """Entries of strings with the columns, and types, of the columnar index; what is no number is
    null."""
    parts = (F.regexp_extract("url", HOST_PATTERN, group) for group in (1, 2))
    host = F.lower(F.concat_ws("", *parts))
    values = {
        "url": F.col("url"),
        "url_host_name": host,
        # Without the list of public suffixes; `_of_domains` compares whole labels from the right.
        "url_host_registered_domain": host,
        "url_path": F.regexp_extract("url", r"^[\w+.-]+://[^/?#]*([^?#]*)", 1),
        "fetch_status": F.col("status"),
        "content_mime_detected": F.col("mime"),
        "content_languages": F.col("languages"),
        "warc_filename": F.col("filename"),
        "warc_record_offset": F.col("offset"),
        "warc_record_length": F.col("length"),
    }
    named = entries.select(*(value.alias(name) for name, value in values.items()))
    # As an expression: `Column.try_cast` came with Spark 4, which refuses in `cast` what is no
    # number.
    return named.select(
        *(F.expr(f"try_cast({name} AS {_COLUMNS[name]})").alias(name) for name in values)
    )


def _all(conditions: list[Column]) -> Column:
    return reduce(Column.__and__, conditions, F.lit(True))


def _pointer() -> list[Column]:
    return [
        F.col("warc_filename").isNotNull(),
        F.col("warc_record_offset") >= 0,
        F.col("warc_record_length") > 0,
    ]


def _kinds(config: IndexConfig) -> list[Column]:
    conditions = []
    if config.status is not None:
        conditions.append(F.col("fetch_status") == config.status)
    if config.mime:
        conditions.append(F.col("content_mime_detected").isin(config.mime))
    return conditions


def _places(index: DataFrame, config: IndexConfig) -> list[Column]:
    conditions = []
    if "subset" in index.columns:
        conditions.append(F.col("subset") == "warc")
    if config.crawls and "crawl" in index.columns:
        conditions.append(F.col("crawl").isin(config.crawls))
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
    hosts = {host for url in urls if (host := url_host(url))}
    return sorted(hosts) if len(hosts) <= _MOST_IN_LIST else None


def _of_languages(languages: list[str]) -> Column:
    """Any of the languages among a page's, which the index lists as `eng,zho`."""
    codes = [language_of(code).iso639_3 or code for code in languages]  # the index has ISO 639-3
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
