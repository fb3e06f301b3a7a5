"""Text to MinHash signature, one core: ours and `datasketch.MinHash.bulk`, shingling included.

    python benchmarks/dedup_signatures.py --texts texts.jsonl [--documents 4000] [--length 2600]

`texts.jsonl` is what `dedup_quality.py --texts` keeps. Documents are pieces of those texts of
`--length` bytes. datasketch gets the cheapest Python shingling there is (lower-cased `[\\w']+`,
joined fives, its fastest published hash: xxhash) and leaves formulas as they are; ours includes the
tokens of formulas, the hash of the text and the sketch that pairs are verified by.
Both take the documents in turn, in blocks, so that a machine whose speed drifts slows both. Times
are processor times.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path

import xxhash
from datasketch import MinHash

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infimm_spark.config import MinHashConfig
from infimm_spark.dedup import minhash, shingles

_WORDS = re.compile(r"[\w']+")
_BATCH = 250


def main() -> None:
    options = _options()
    texts = _pieces(options.texts, options.length, options.documents)
    config = MinHashConfig()
    _ours(texts[:50], config)  # tables are built once a process
    seconds = {"ours": 0.0, "datasketch": 0.0}
    for first in range(0, len(texts), 500):
        block = texts[first : first + 500]
        for name, sign in (("ours", _ours), ("datasketch", _datasketch)):
            started = time.process_time()
            sign(block, config)
            seconds[name] += time.process_time() - started
    mean = sum(len(text.encode()) for text in texts) / len(texts)
    formulas = sum(text.count("$") for text in texts) / 2 / len(texts)
    print(f"{len(texts):,} documents, mean {mean:,.0f} bytes and {formulas:.1f} formulas")
    for name, spent in seconds.items():
        print(f"{name:>10}: {len(texts) / spent:8,.0f} documents/s")
    print(f"     ratio: {seconds['datasketch'] / seconds['ours']:8.1f}")


def _ours(texts: list[str], config: MinHashConfig) -> None:
    # Batches as the stage makes them of a megabyte of text.
    for first in range(0, len(texts), _BATCH):
        shingled = shingles.shingle_batch(texts[first : first + _BATCH], config.ngram)[1]
        minhash.signatures_and_sketches(shingled, config.num_perm, config.seed, config.sketch_size)


def _datasketch(texts: list[str], config: MinHashConfig) -> None:
    size = config.ngram

    def shingled(text: str) -> list[bytes]:
        words = _WORDS.findall(text.lower())
        return [" ".join(words[i : i + size]).encode() for i in range(len(words) - size + 1)]

    MinHash.bulk(
        map(shingled, texts),
        num_perm=config.num_perm,
        seed=config.seed,
        hashfunc=xxhash.xxh32_intdigest,
    )


def _pieces(path: Path, length: int, count: int) -> list[str]:
    pieces: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            if document["language"] != "en":
                continue
            text = document["text"].encode()
            for first in range(0, len(text) - length + 1, length):
                pieces.append(text[first : first + length].decode(errors="ignore"))
    step = max(1, len(pieces) // count)
    return pieces[::step][:count]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=4_000)
    parser.add_argument("--length", type=int, default=2_600)
    return parser.parse_args()


if __name__ == "__main__":
    main()
