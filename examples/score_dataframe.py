"""Score texts of your own: any table with a `text` column in, the same table with three scores out.

    python examples/score_dataframe.py TEXTS.parquet SCORED.parquet

`spark-submit` takes it as well; the models travel to the executors by themselves.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from infimm_spark import language, math_prob, quality_prob


def main(source: str, target: str) -> None:
    """Read Parquet from `source`, add `language`, `math_prob` and `quality_prob`, write
    `target`."""
    spark = SparkSession.builder.appName("score texts").getOrCreate()
    texts = spark.read.parquet(source)
    scored = texts.select(
        "*",
        language("text")["label"].alias("language"),
        math_prob("text"),
        quality_prob("text"),
    )
    scored.write.mode("overwrite").parquet(target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("expected two paths: a Parquet table with a column `text`, and where to write")
    main(sys.argv[1], sys.argv[2])
