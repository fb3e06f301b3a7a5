"""fastText training in a process of its own: the same lines give the same bytes.

With fewer than ten threads fastText leaves nine tenths of its input matrix as the allocator
returned it. Memory fresh from the system is zero, reused memory is not, and training then depends
on what the process did before – up to ending in "Encountered NaN". A new process, whose allocator
maps every large block afresh and clears the small ones, always starts from zeros.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from infimm_spark.errors import ModelError


@dataclass(frozen=True, slots=True)
class FastTextParameters:
    """Parameters of fastText's supervised training and of quantisation.

    The defaults are DeepSeekMath's (arXiv 2402.03300, section 2.1), which the paper follows; what
    it does not state is fastText's own, or said to be ours.
    """

    dim: int = 256
    lr: float = 0.1
    epoch: int = 3
    word_ngrams: int = 3
    min_count: int = 3
    bucket: int = 2_000_000
    seed: int = 0
    quantise: bool = True
    cutoff: int = 30_000
    """Ours: keep only this many words and n-grams (largest norms) when quantising, 4 MB; 0 keeps
    all."""


def train_fasttext(lines: list[str], parameters: FastTextParameters) -> bytes:
    """The model file trained on `lines` (each ``__label__1 token token …``), in the order given.

    One thread and a fixed seed: deterministic on one kind of machine. Raises `ModelError` with
    fastText's message.
    """
    with tempfile.TemporaryDirectory(prefix="infimm-train-") as folder:
        text, model = Path(folder) / "train.txt", Path(folder) / "model"
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        _run(_TRAIN, {"input": str(text), "output": str(model), **asdict(parameters)})
        return model.read_bytes()


def candidates(base: FastTextParameters, trials: int, seed: int) -> list[FastTextParameters]:
    """`base` and at most `trials` - 1 others around it, of other learning rates, epochs and
    n-grams.

    Dimension and buckets, which decide on memory and size, stay. fastText's own autotune is of no
    use here: what it finds depends on the machine's speed, left free it takes tens of gigabytes,
    and with buckets given it divides by zero.
    """
    grid = [
        replace(base, lr=lr, epoch=epoch, word_ngrams=ngrams)
        for lr in (0.05, 0.1, 0.2, 0.5, 1.0)
        for epoch in (3, 5, 10, 25)
        for ngrams in (1, 2, 3)
    ]
    others = [candidate for candidate in grid if candidate != base]
    random.Random(seed).shuffle(others)
    return [base, *others[: trials - 1]]


# For glibc: large blocks straight from the system; others filled with the complement of 255, and
# not through the cache that skips the filling.
_ZEROED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_PERTURB_": "255",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
}


def _run(script: str, job: dict[str, object]) -> None:
    """Run a script on a job in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        env={**os.environ, **_ZEROED_MEMORY},
        check=False,
    )
    if done.returncode != 0:
        message = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ModelError(f"fastText training failed: {message}")


_TRAIN = """
import json, sys
import fasttext_new as fasttext
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
"""  # noqa: E501
