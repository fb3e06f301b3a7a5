"""datatrove's four MinHash steps over a folder of Parquet files; run by `dedup_datatrove.py`.

    python datatrove_minhash.py DOCUMENTS OUTPUT WORKERS TASKS

Runs in an environment with datatrove[processing,io] 0.10. Settings are its defaults: word 5-grams,
14 buckets of 8, 64-bit xxhash.
"""

from __future__ import annotations

import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig


def main() -> None:
    documents, output = sys.argv[1:3]
    workers, tasks = map(int, sys.argv[3:5])
    config = MinhashConfig(
        n_grams=5,
        num_buckets=14,
        hashes_per_bucket=8,
        hash_config=HashConfig(precision=64, hash_fc="xxhash"),
    )

    def reader() -> ParquetReader:
        return ParquetReader(documents, text_key="text", id_key="id")

    def step(name: str, n_tasks: int, *pipeline: object) -> None:
        LocalPipelineExecutor(
            pipeline=list(pipeline),
            tasks=n_tasks,
            workers=workers,
            logging_dir=f"{output}/{name}-log",
        ).run()

    step("1", tasks, reader(), MinhashDedupSignature(f"{output}/signatures", config))
    step("2", 14, MinhashDedupBuckets(f"{output}/signatures", f"{output}/buckets", config=config))
    step("3", 1, MinhashDedupCluster(f"{output}/buckets", f"{output}/remove", config=config))
    kept = JsonlWriter(f"{output}/kept", compression=None)
    step("4", tasks, reader(), MinhashDedupFilter(f"{output}/remove"), kept)


if __name__ == "__main__":
    main()
