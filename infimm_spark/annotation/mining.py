"""Pages of a scored run that the next training should see.

As DeepSeekMath does (arXiv 2402.03300, section 2.1): sites of which a large share was recalled are
mathematical, and their pages that were *not* recalled are what the classifier misses; and, as in
active learning, pages whose score lies near the threshold are those a grade teaches most about.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from infimm_spark.training.measures import LENGTH_BANDS
from infimm_spark.urls import HOST_PATTERN

_SCORE_BANDS = 4


def host_of(url: Column) -> Column:
    """`site_host` of a column of URLs; null where there is none."""
    parts = (F.regexp_extract(url, HOST_PATTERN, group) for group in (1, 2))
    host = F.regexp_replace(F.lower(F.concat_ws("", *parts)), r"^www\.", "")
    return F.when(F.length(host) > 0, host)


def recalled_hosts(
    documents: DataFrame,
    dropped: DataFrame,
    *,
    threshold: float,
    dropped_weight: float = 1.0,
    min_pages: int = 20,
    min_share: float = 0.1,
) -> DataFrame:
    """Hosts of at least `min_pages` pages of which `min_share` was recalled: host, pages, recalled,
    share, ordered by share.

    `documents` (url, math_prob) passed the floor; `dropped` (url) did not, and each of its rows
    stands for `dropped_weight` pages where the run kept a sample of its rejects.
    """
    pages = documents.select(
        host_of(F.col("url")).alias("host"),
        F.lit(1.0).alias("pages"),
        (F.col("math_prob") >= threshold).cast("int").alias("recalled"),
    ).unionByName(
        dropped.select(
            host_of(F.col("url")).alias("host"),
            F.lit(dropped_weight).alias("pages"),
            F.lit(0).alias("recalled"),
        )
    )
    return (
        pages.where(F.col("host").isNotNull())
        .groupBy("host")
        .agg(
            F.round(F.sum("pages")).cast("long").alias("pages"),
            F.sum("recalled").alias("recalled"),
        )
        .withColumn("share", F.col("recalled") / F.col("pages"))
        .where((F.col("pages") >= min_pages) & (F.col("share") >= min_share))
        .orderBy(F.desc("share"), F.desc("pages"), "host")
        .select("host", "pages", "recalled", "share")
    )


def missed_pages(
    documents: DataFrame, hosts: DataFrame, *, threshold: float, per_host: int, seed: int
) -> DataFrame:
    """Documents of recalled `hosts` that score below `threshold`, at most `per_host` of each.

    Adds `host` and `proposed` (``missed``). They are proposals: grade them before training on them.
    """
    rank = F.row_number().over(Window.partitionBy("host").orderBy(*_order(seed)))
    return (
        documents.where(F.col("math_prob") < threshold)
        .withColumn("host", host_of(F.col("url")))
        .join(F.broadcast(hosts.select("host")), on="host", how="left_semi")
        .withColumn("_rank", rank)
        .where(F.col("_rank") <= per_host)
        .drop("_rank")
        .withColumn("proposed", F.lit("missed"))
    )


def near_threshold(
    documents: DataFrame,
    score: str,
    *,
    threshold: float,
    width: float,
    per_stratum: int,
    per_host: int,
    seed: int,
) -> DataFrame:
    """Documents whose `score` lies within `width` of `threshold`: at most `per_stratum` of each
    language, band of scores and band of lengths, and at most `per_host` of a host in each.

    `documents` needs url, language, text_length and the score. Adds `host`, `stratum` and
    `proposed` (``near_threshold``).
    """
    low, high = max(0.0, threshold - width), min(1.0, threshold + width)
    position = (F.col(score) - low) / max(high - low, 1e-9) * _SCORE_BANDS
    band = F.least(F.floor(position), F.lit(_SCORE_BANDS - 1)).cast("int")
    length = reduce(
        lambda found, bound: F.when(F.col("text_length") >= bound, bound).otherwise(found),
        LENGTH_BANDS[1:],
        F.lit(LENGTH_BANDS[0]),
    )
    stratum = F.concat_ws("/", "language", band.cast("string"), length.cast("string"))
    order = _order(seed)
    of_host = F.row_number().over(Window.partitionBy("stratum", "host").orderBy(*order))
    of_stratum = F.row_number().over(Window.partitionBy("stratum").orderBy(*order))
    return (
        documents.where(F.col(score).between(low, high))
        .withColumn("host", host_of(F.col("url")))
        .withColumn("stratum", stratum)
        .withColumn("_of_host", of_host)
        .where(F.col("_of_host") <= per_host)
        .withColumn("_of_stratum", of_stratum)
        .where(F.col("_of_stratum") <= per_stratum)
        .drop("_of_host", "_of_stratum")
        .withColumn("proposed", F.lit("near_threshold"))
    )


def _order(seed: int) -> tuple[Column, Column]:
    """The same for every run and any partitioning."""
    return F.xxhash64(F.lit(seed), "id"), F.col("id")
