"""Packed sequences for PyTorch: shuffled, dealt to ranks and workers, and resumable.

`done` is how many sequences each reader (a worker of a rank) has given before.
"""

import glob
import random

import pyarrow.parquet as pq
import torch
from torch.utils.data import IterableDataset, get_worker_info


class PackedSequences(IterableDataset):
    def __init__(self, folder, seed=0, rank=0, ranks=1, done=0):
        self.files = sorted(glob.glob(f"{folder}/sequences/*.parquet"))
        self.seed, self.rank, self.ranks, self.done = seed, rank, ranks, done

    def __iter__(self):
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        opened = {file: pq.ParquetFile(file) for file in self.files}
        groups = [(f, n) for f in self.files for n in range(opened[f].num_row_groups)]
        random.Random(self.seed).shuffle(groups)
        skip = self.done
        for file, group in groups[self.rank * workers + number :: self.ranks * workers]:
            rows = opened[file].metadata.row_group(group).num_rows
            if skip >= rows:
                skip -= rows
                continue
            table = opened[file].read_row_group(group)
            order = list(range(rows))
            random.Random(f"{self.seed} {file} {group}").shuffle(order)
            for row in table.take(order[skip:]).to_pylist():
                arrays = ("input_ids", "loss_mask", "document_ids")
                yield {name: torch.tensor(row[name], dtype=torch.long) for name in arrays}
            skip = 0
