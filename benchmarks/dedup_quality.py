"""Recall and precision of near-duplicate removal on the real crawl, against brute force.

    python benchmarks/dedup_quality.py --data ../shared/data [--texts texts.jsonl] [--threshold 0.75]

Every English and Chinese page of the crawl is extracted; of equal normalised texts one is left;
then

* the exact Jaccard similarity of all pairs of shingle sets is computed (an inverted index), and
* our rule (`greedy_table`: bands propose, sketches or signatures verify, greedy in survivor order)
  is applied.

Pairs: of the pairs with Jaccard >= 0.8, how many do bands and verification find; of the pairs
found, how many have it. Removals, which is what counts: of the documents removed, how many have
Jaccard >= 0.8 with the one they were removed for (precision); of those that should go (removed, or
left although a better document with Jaccard >= 0.8 is left too), how many went (recall). `--texts`
keeps the extracted texts between runs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infimm_spark.config import MinHashConfig
from infimm_spark.dedup import bruteforce, lsh, minhash, shingles
from infimm_spark.dedup.greedy import greedy_table
from infimm_spark.dedup.verify import Verification
from infimm_spark.errors import PageRejectedError
from infimm_spark.extract.page import extract_page
from infimm_spark.warc.records import Page, read_pages

TRUE_DUPLICATE = 0.8


def main() -> None:
    options = _options()
    documents = list(_documents(options.data / "commoncrawl", options.texts))
    documents.sort(key=lambda d: (d["snapshot"], d["n_formulas"], len(d["text"])), reverse=True)
    config = MinHashConfig(
        bands=options.bands, rows=options.rows, num_perm=options.bands * options.rows
    )
    sets, signatures = _signed(documents, config)
    print(
        f"{len(sets):,} documents with {config.min_shingles} shingles or more, no two texts equal"
    )
    left, right, truth = bruteforce.similar_pairs(sets, 0.5)
    columns = {
        "signature": pa.array([row.tobytes() for row in signatures], pa.binary()),
        "sketch": pa.array(
            [minhash.sketch(s, config.sketch_size).tobytes() for s in sets], pa.binary()
        ),
    }
    for by in ("sketch", "signature"):
        for threshold in options.threshold:
            verification = Verification(by, config.sketch_size, threshold)
            print(f"\nby {by}, threshold {threshold}, {config.bands} x {config.rows}")
            _judge_pairs(signatures, columns[by], left, right, truth, verification, config)
            _judge_removals(signatures, columns[by], left, right, truth, verification, config)


def _judge_pairs(
    signatures: minhash.UInt32Array,
    compared: pa.Array,
    left: np.ndarray,
    right: np.ndarray,
    truth: np.ndarray,
    verification: Verification,
    config: MinHashConfig,
) -> None:
    agree = signatures[left] == signatures[right]
    proposed = agree.reshape(len(left), config.bands, config.rows).all(axis=2).any(axis=1)
    verified = verification.similar(verification.jaccard(compared.take(left), compared.take(right)))
    true, found = truth >= TRUE_DUPLICATE, proposed & verified
    expected = np.mean(
        [lsh.candidate_probability(s, config.bands, config.rows) for s in truth[true]]
    )
    print(
        f"  pairs: {true.sum():,} with Jaccard >= {TRUE_DUPLICATE}; proposed "
        f"{proposed[true].mean():.4f} (S-curve {expected:.4f}), found {found[true].mean():.4f}; "
        f"precision {true[found].mean():.4f}"
    )


def _judge_removals(
    signatures: minhash.UInt32Array,
    compared: pa.Array,
    left: np.ndarray,
    right: np.ndarray,
    truth: np.ndarray,
    verification: Verification,
    config: MinHashConfig,
) -> None:
    buckets = [
        [xxhash.xxh3_64_intdigest(part.tobytes(), band) >> 1 for band, part in enumerate(bands)]
        for bands in signatures.reshape(len(signatures), config.bands, config.rows)
    ]
    table = pa.table(
        {
            "rank": pa.array(range(len(signatures)), pa.int64()),
            "buckets": pa.array(buckets, pa.list_(pa.int64())),
            "survivors": pa.array([[0] * config.bands] * len(buckets), pa.list_(pa.int32())),
            verification.by: compared,
        }
    )
    started = time.perf_counter()
    removed = greedy_table(table, verification, 0, config.bucket_limit).to_pydict()
    seconds = time.perf_counter() - started
    similarity = dict(
        zip(zip(left.tolist(), right.tolist(), strict=True), truth.tolist(), strict=True)
    )
    scores = np.array(
        [
            similarity.get((best, rank), 0.0)
            for rank, best in zip(removed["rank"], removed["best"], strict=True)
        ]
    )
    gone = np.zeros(len(signatures), bool)
    gone[removed["rank"]] = True
    missed = set(right[(truth >= TRUE_DUPLICATE) & ~gone[left] & ~gone[right]].tolist())
    right_ones = int((scores >= TRUE_DUPLICATE).sum())
    print(
        f"  removals: {len(scores):,}; precision {right_ones / max(1, len(scores)):.4f} "
        f"(at Jaccard >= 0.75 {(scores >= 0.75).mean():.4f}, >= 0.7 {(scores >= 0.7).mean():.4f}, "
        f"least {scores.min(initial=1.0):.3f}); missed {len(missed):,}, "
        f"recall {len(scores) / max(1, len(scores) + len(missed)):.4f}; {seconds:.1f} s"
    )


def _signed(
    documents: list[dict[str, object]], config: MinHashConfig
) -> tuple[list[minhash.UInt32Array], minhash.UInt32Array]:
    """Shingle sets and signatures of long enough documents, the first of each text only."""
    seen: set[bytes | None] = set()
    sets = []
    for document in documents:
        ngram = shingles.tokens_of(str(document["language"]), config)
        hashes, (distinct,) = shingles.shingle_batch([str(document["text"])], ngram)
        if hashes[0] not in seen and len(distinct) >= config.min_shingles:
            sets.append(distinct)
        seen.add(hashes[0])
    num_perm = config.num_perm
    return sets, np.array([minhash.signature(s, num_perm, config.seed) for s in sets])


def _documents(crawl: Path, texts: Path | None) -> Iterator[dict[str, object]]:
    if texts and texts.exists():
        with texts.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
        return
    with gzip.open(crawl / "labels.jsonl.gz", "rt", encoding="utf-8") as lines:
        labels = [json.loads(line) for line in lines]
    languages = {(row["snapshot"], row["url"]): row["lang"] for row in labels}
    sink = texts.open("w", encoding="utf-8") if texts else None
    for file in sorted(crawl.glob("crawl-data/*/segments/*/warc/*.warc.gz")):
        snapshot = file.parts[-5]
        for page in read_pages(str(file), warc_file=file.name):
            language = languages.get((snapshot, page.url)) if isinstance(page, Page) else None
            if not isinstance(page, Page) or language not in {"en", "zh"}:
                continue
            try:
                found = extract_page(page.body, url=page.url, content_type=page.content_type)
            except PageRejectedError:
                continue
            document = {
                "snapshot": snapshot,
                "language": language,
                "n_formulas": len(found.formulas),
                "text": found.text,
            }
            if sink:
                sink.write(json.dumps(document) + "\n")
            yield document
    if sink:
        sink.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=Path, help="keep the extracted texts in this file")
    parser.add_argument("--threshold", type=float, nargs="+", default=[MinHashConfig().threshold])
    parser.add_argument("--bands", type=int, default=MinHashConfig().bands)
    parser.add_argument("--rows", type=int, default=MinHashConfig().rows)
    return parser.parse_args()


if __name__ == "__main__":
    main()
