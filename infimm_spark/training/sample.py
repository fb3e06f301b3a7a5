"""Training texts out of large tables: labelled, one row a text, no host with more than its
share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructType

from infimm_spark.annotation.mining import host_of
from infimm_spark.classify.features import excerpt
from infimm_spark.errors import InputError

COLUMNS = ("id", "url", "host", "language", "text", "label", "score")
"""Of a training table: identity, where it is from, text, label (a string until checked), grade."""


class SampleCounts(NamedTuple):
    """What a table held and what was taken of it."""

    rows: int
    empty: int
    without_host: int
    hosts: int
    per_host: int
    """At most so many texts of one host were taken."""
    taken: int


def training_table(frame: DataFrame, label: int | None = None) -> DataFrame:
    """`frame` as `COLUMNS`; every row gets `label`, or its own (`label`) where that is None.

    A text is `text`, or the texts of `segments` or `text_list`. Raises `InputError` where a needed
    column is missing.
    """
    names = {field.name: field.dataType for field in frame.schema.fields}

    def first(*candidates: str) -> Column:
        found = [F.col(name).cast("string") for name in candidates if name in names]
        return F.coalesce(*found) if found else F.lit(None).cast("string")

    text = _text(names)
    if text is None:
        raise InputError(
            f"a table has columns {', '.join(sorted(names))}; expected text, segments or text_list"
        )
    url = first("url", "URL")
    own = first("label") if label is None else F.lit(str(label))
    score = F.col("score").cast("double") if "score" in names else F.lit(None).cast("double")
    return frame.select(
        F.coalesce(first("id", "url", "URL"), F.md5(text)).alias("id"),
        url.alias("url"),
        F.coalesce(F.lower(first("host", "site")), host_of(url)).alias("host"),
        first("language", "lang").alias("language"),
        text.alias("text"),
        own.alias("label"),
        score.alias("score"),
    )


def balanced_sample(
    table: DataFrame, size: int, max_host_share: float, seed: int, *, name: str
) -> tuple[DataFrame, SampleCounts]:
    """At most `size` texts of a training table, each host as little above the others as it can be
    and none above `max_host_share` of them.

    Which texts depends on `seed` and their ids, not on partitions. `name` is for messages. Raises
    `InputError` for a table without texts or hosts, and for one of too few hosts for the share.
    """
    usable = (F.length(F.trim("text")) > 0) & (F.length("host") > 0)
    totals = table.agg(
        F.count("*").alias("rows"),
        F.count_if(~F.coalesce(F.length(F.trim("text")) > 0, F.lit(False))).alias("empty"),
        F.count_if(F.coalesce(F.length("host"), F.lit(0)) == 0).alias("without_host"),
    ).first()
    assert totals is not None
    if totals["rows"] == totals["empty"]:
        raise InputError(f"{name}: {totals['rows']} rows, all without text")
    if totals["rows"] == totals["without_host"]:
        raise InputError(f"{name}: no row has a url or host; expected one, as hosts are split")
    # Hosts by how many texts they have: a few thousand rows, however many hosts there are.
    sizes = (
        table.where(usable)
        .groupBy("host")
        .agg(F.countDistinct("id").alias("texts"))
        .groupBy("texts")
        .agg(F.count("*").alias("hosts"))
        .collect()
    )
    histogram = {int(row["texts"]): int(row["hosts"]) for row in sizes}
    per_host = texts_per_host(histogram, size, max_host_share, name)
    order = F.xxhash64(F.lit(seed), "id")
    unique = table.where(usable).dropDuplicates(["host", "id"])
    rank = F.row_number().over(Window.partitionBy("host").orderBy(order, "id"))
    sample = (
        unique.withColumn("_rank", rank)
        .where(F.col("_rank") <= per_host)
        .orderBy(order, "id", "host")
        .limit(size)
        .select(*COLUMNS)
    )
    taken = min(size, sum(min(texts, per_host) * hosts for texts, hosts in histogram.items()))
    return sample, SampleCounts(
        rows=totals["rows"],
        empty=totals["empty"],
        without_host=totals["without_host"],
        hosts=sum(histogram.values()),
        per_host=per_host,
        taken=taken,
    )


def texts_per_host(
    histogram: dict[int, int], size: int, max_host_share: float, name: str = "texts"
) -> int:
    """Texts to take of each host at most; `histogram` is texts of a host -> number of such hosts.

    The smallest number that fills `size`, or else the largest that keeps every host to its share of
    what is taken. Raises `InputError` where even one text a host is more than the share.
    """

    def taken(per_host: int) -> int:
        return sum(min(texts, per_host) * hosts for texts, hosts in histogram.items())

    def fits(per_host: int) -> bool:
        return per_host <= max_host_share * min(size, taken(per_host))

    hosts = sum(histogram.values())
    if not fits(1):
        raise InputError(
            f"{name}: {hosts} hosts, of which none may give more than {max_host_share:g} of the "
            "texts; "
            f"expected at least {int(-(-1 // max_host_share))} hosts, or a larger share"
        )
    # Both conditions change once as the number grows: `taken` rises ever more slowly.
    low, high = 1, max(histogram)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if taken(middle) >= size else (middle + 1, high)
    if fits(low):
        return low
    low, high = 1, low
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def shortened(sample: DataFrame, max_chars: int) -> DataFrame:
    """The sample with each text cut to the `max_chars` that its classifier looks at."""
    schema = sample.schema

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            texts = [excerpt(text, max_chars) for text in batch.column("text").to_pylist()]
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns["text"] = pa.array(texts, pa.string())
            yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    return sample.mapInArrow(cut, schema)


def labels_of(table: DataFrame, limit: int = 10) -> Sequence[str | None]:
    """The distinct labels of a table, at most `limit` of them."""
    rows = table.select("label").distinct().orderBy("label").limit(limit).collect()
    return [row["label"] for row in rows]


def _text(names: dict[str, DataType]) -> Column | None:
    if isinstance(names.get("text"), StringType):
        return F.col("text")
    segments = names.get("segments")
    if isinstance(segments, ArrayType) and isinstance(segments.elementType, StructType):
        return F.concat_ws("\n\n", F.col("segments.text"))
    if isinstance(names.get("text_list"), ArrayType):
        return F.concat_ws("\n\n", F.col("text_list"))
    return None
