"""One bucket with very many members, on an executor with a heap of 1 GB.

    python benchmarks/dedup_skew.py [--members 10000000] [--scratch DIR]

All documents share their only band. Every second one is the same text but for the id; the others
resemble nothing. Adaptive execution and automatic broadcast joins are off. Prints seconds, the
executor's peak heap and its spill; fails unless exactly the copies are removed and the bucket is
listed as hot.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from dedup_growth import counters, open_small_session  # noqa: E402

from infimm_spark import schemas  # noqa: E402
from infimm_spark.config import DedupConfig, MinHashConfig, UrlConfig  # noqa: E402

_ROWS, _SKETCH = 4, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--members", type=int, default=10_000_000)
    parser.add_argument("--partitions", type=int, default=32)
    parser.add_argument("--scratch", default=tempfile.gettempdir())
    options = parser.parse_args()

    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    from infimm_spark.stages.dedup import (
        deduplicate_ranked,
        rank,
        signature_fingerprint,
        survivor_ranks,
    )

    folder = Path(tempfile.mkdtemp(dir=options.scratch))
    spark = open_small_session(folder, options.partitions)
    minhash = MinHashConfig(
        scope="all", bands=1, rows=_ROWS, num_perm=_ROWS, sketch_size=_SKETCH, bucket_limit=2
    )
    config = DedupConfig(minhash=minhash, url=UrlConfig(enabled=False))

    def checkpoint(frame: DataFrame, name: str) -> DataFrame:
        frame.write.mode("overwrite").parquet(str(folder / name))
        return spark.read.schema(frame.schema).parquet(str(folder / name))

    is_copy = F.col("id") % 2 == 0
    text = F.when(is_copy, "copy").otherwise(F.col("id").cast("string"))
    columns = {
        "id": F.md5(F.col("id").cast("string")),
        "snapshot": F.lit("CC-MAIN-2023-50"),
        "n_formulas": F.when(is_copy, 1).otherwise(0),
        "text_length": F.lit(100),
        "signature": F.lit(bytes(4 * _ROWS)),
        # 128 hexadecimal digits: 16 shingle hashes
        "sketch": F.unhex(F.sha2(text, 512)),
        "n_shingles": F.lit(16),
        "fingerprint": F.lit(signature_fingerprint(minhash)),
    }
    declared = schemas.spark_schema(schemas.SIGNATURES)
    signed = spark.range(0, options.members, 1, options.partitions).select(
        *(columns.get(f.name, F.lit(None)).cast(f.dataType).alias(f.name) for f in declared)
    )
    started = time.monotonic()
    ranks = checkpoint(survivor_ranks(signed, config), "ranks")
    ranked = checkpoint(rank(signed, ranks), "signatures")
    removed = checkpoint(deduplicate_ranked(ranked, config, checkpoint), "duplicates").count()
    seconds = time.monotonic() - started
    hot = spark.read.parquet(str(folder / "near-1-hot")).collect()
    spark.stop()
    found = counters(folder / "events")
    shutil.rmtree(folder)
    print(
        f"{options.members:,} members: {seconds:.0f} s, executor heap {found['heap'] / 1e6:.0f} "
        "MB, "
        f"spilled {found['spilled'] / 1e9:.2f} GB; removed {removed:,}; listed "
        f"{hot[0]['members']:,}"
    )
    expected = (options.members + 1) // 2 - 1
    if removed != expected or hot[0]["members"] != options.members:
        sys.exit(f"expected {expected:,} removed and the whole bucket listed")


if __name__ == "__main__":
    main()
