"""fastText training in a process of its own: the same lines give the same bytes.

With fewer than ten threads fastText leaves nine tenths of its input matrix as the allocator returned
it. Memory fresh from the system is zero, reused memory is not, and training then depends on what the
process did before – up to ending in "Encountered NaN". A new process, whose allocator maps every large
block afresh, always starts from zeros.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from infimm_spark.errors import ModelError


@dataclass(frozen=True, slots=True)
class FastTextParameters:
    """Parameters of fastText's supervised training and of quantisation."""

    dim: int = 16
    lr: float = 0.1
    epoch: int = 8
    word_ngrams: int = 2
    min_count: int = 3
    bucket: int = 100_000
    seed: int = 0
    quantise: bool = True
    cutoff: int = 0
    """Keep only this many words and n-grams (largest norms) when quantising; 0 keeps all."""


def train_fasttext(lines: list[str], parameters: FastTextParameters) -> bytes:
    """The model file trained on `lines` (each ``__label__1 token token …``), in the order given.

    One thread and a fixed seed: deterministic on one kind of machine. Raises `ModelError` with
    fastText's message.
    """
    with tempfile.TemporaryDirectory(prefix="infimm-train-") as folder:
        text, model = Path(folder) / "train.txt", Path(folder) / "model"
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        job = {"input": str(text), "output": str(model), **asdict(parameters)}
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"},
            check=False,
        )
        if done.returncode != 0:
            message = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise ModelError(f"fastText training failed: {message}")
        return model.read_bytes()


_SCRIPT = """
import json, sys
import fasttext
job = json.load(sys.stdin)
model = fasttext.train_supervised(
    job["input"], dim=job["dim"], lr=job["lr"], epoch=job["epoch"], wordNgrams=job["word_ngrams"],
    minCount=job["min_count"], bucket=job["bucket"], seed=job["seed"], loss="softmax", thread=1,
    verbose=0,
)
if job["quantise"]:
    model.quantize(
        job["input"], cutoff=job["cutoff"], retrain=job["cutoff"] > 0, qnorm=True, thread=1, verbose=0
    )
model.save_model(job["output"])
"""
