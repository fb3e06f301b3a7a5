"""Throughput of exports and packing on one core, and the memory they take.

    python benchmarks/training.py RUN [--copies 8]

The corpus of RUN is copied N times, with new ids, into a run of its own, one snapshot a copy; each
format is written in this process, without Spark. Printed for each: documents and megabytes of text
a second of processor time, and the peak memory of a process that does it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infimm_spark.export.base import export, named
from infimm_spark.export.corpus import batches, corpus_of
from infimm_spark.export.formats import FORMATS
from infimm_spark.packing.pack import pack
from infimm_spark.packing.sequences import Shape
from infimm_spark.packing.tokenizers import tokenizer_source
from infimm_spark.run.layout import RunLayout


def copied(run: str, copies: int, target: Path) -> tuple[RunLayout, int, int]:
    """A run with N copies of a corpus; it, its documents, and the bytes of their texts."""
    corpus = corpus_of(RunLayout(run))
    table = pa.Table.from_batches([b for unit in corpus.units for b in batches(unit.files)])
    text = pc.sum(pc.binary_length(pc.list_flatten(table.column("text_list")))).as_py()
    place = table.schema.get_field_index("id")
    for number in range(copies):
        ids = pa.array([f"{number:03x}{i:029x}" for i in range(table.num_rows)])
        own = table.set_column(place, "id", ids).drop_columns("snapshot")
        folder = target / "corpus" / f"snapshot=COPY-{number:03d}"
        folder.mkdir(parents=True)
        pq.write_table(own, folder / "part-00000.parquet", compression="zstd")
    (target / "run.json").write_text(json.dumps({"run_id": "copies", "config": {}}))
    return RunLayout(str(target)), copies * table.num_rows, copies * text


def measured(layout: RunLayout, what: str, output: str) -> tuple[float, int, int]:
    """(processor seconds, peak memory in bytes, tokens) of one command, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_work, (layout, what, output))


def _work(layout: RunLayout, what: str, output: str) -> tuple[float, int, int]:
    begun = time.process_time()
    tokens = 0
    if what.startswith("pack"):
        source = tokenizer_source("tiktoken:gpt2")
        counts = pack(layout, output, source, Shape(4096, 32, 64), form=what.split()[1])
        tokens = counts.packed_tokens
    else:
        export(layout, named(FORMATS, what), output)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return time.process_time() - begun, peak, tokens


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("run")
    options.add_argument("--copies", type=int, default=8)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        layout, documents, text = copied(chosen.run, chosen.copies, Path(folder) / "run")
        print(f"{documents:,} documents, {text / 1e6:.1f} MB of text\n")
        print(f"{'':16} {'s':>7} {'documents/s':>12} {'MB text/s':>10} {'tokens/s':>11} {'MB':>6}")
        for what in [*(form.name for form in FORMATS), "pack parquet", "pack webdataset"]:
            output = f"{folder}/out"
            seconds, peak, tokens = measured(layout, what, output)
            shutil.rmtree(output)
            rate = f"{tokens / seconds:,.0f}" if tokens else ""
            print(
                f"{what:16} {seconds:7.1f} {documents / seconds:12,.0f} {text / 1e6 / seconds:10.1f} "
                f"{rate:>11} {peak / 2**20:6.0f}"
            )


if __name__ == "__main__":
    main()
