"""A corpus with known near-duplicates, made from real paragraphs by seeded edits.

    python benchmarks/seeded_corpus.py --texts texts.jsonl --documents 60000 --output DIR

`texts.jsonl` is what `dedup_quality.py --texts` keeps. A cluster is a page of paragraphs drawn at
random and revisions of it, each with a share of its words replaced; three clusters in five are a
single page. Pages of different clusters share a paragraph at most now and then. Each Parquet file
holds whole clusters: [id, url, text, text_length, cluster]. The same arguments give the same
documents.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("text", pa.string()),
        ("text_length", pa.int32()),
        ("cluster", pa.int64()),
    ]
)
_SIZES = [1] * 60 + [2] * 20 + [3] * 10 + [5] * 7 + [10] * 3  # 1.95 on average
_EDITS = [0.0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.05, 0.08]  # share of words replaced
_LENGTHS = (1_000, 3_800)  # characters; 2.6 kB on average
_PER_FILE = 5_000
_WORDS = re.compile(r"[\w']+")


def write_corpus(texts: Path, folder: Path, n_documents: int, workers: int = 2) -> None:
    """`n_documents` in Parquet files of about 5,000 below `folder`."""
    folder.mkdir(parents=True)
    counts = [min(_PER_FILE, n_documents - first) for first in range(0, n_documents, _PER_FILE)]
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(partial(_write_file, texts, folder), range(len(counts)), counts))


def true_jaccard(folder: Path) -> Iterator[tuple[str, str, float]]:
    """(id, id, Jaccard of their word 5-grams) of every two documents of one cluster."""
    for file in sorted(folder.glob("*.parquet")):
        clusters: dict[int, list[tuple[str, str]]] = {}
        for row in pq.read_table(file, columns=["id", "text", "cluster"]).to_pylist():
            clusters.setdefault(row["cluster"], []).append((row["id"], row["text"]))
        for members in clusters.values():
            if len(members) > 1:
                sets = [(name, _shingles(text)) for name, text in members]
                for (one, left), (other, right) in combinations(sets, 2):
                    yield one, other, len(left & right) / len(left | right)


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORDS.findall(text.lower())
    return set(zip(words, words[1:], words[2:], words[3:], words[4:], strict=False))


def _write_file(texts: Path, folder: Path, number: int, count: int) -> None:
    generator = random.Random(number)
    paragraphs = _paragraphs(texts)
    vocabulary = sorted({word for paragraph in paragraphs[:5_000] for word in paragraph.split()})
    rows: list[dict[str, object]] = []
    cluster = number * _PER_FILE
    while len(rows) < count:
        page = _page(generator, paragraphs)
        words = page.split(" ")
        size = generator.choice(_SIZES)
        for member in range(min(size, count - len(rows))):
            edits = int(generator.choice(_EDITS) * len(words)) if member else 0
            name = hashlib.md5(f"{cluster}-{member}".encode()).hexdigest()
            text = _revised(generator, words, vocabulary, edits) if edits else page
            rows.append(
                {
                    "id": name,
                    "url": f"https://site{cluster % 5_000}.org/{name}",
                    "text": text,
                    "text_length": len(text),
                    "cluster": cluster,
                }
            )
        cluster += 1
    generator.shuffle(rows)
    pq.write_table(
        pa.Table.from_pylist(rows, SCHEMA), folder / f"{number:05d}.parquet", compression="zstd"
    )


def _page(generator: random.Random, paragraphs: list[str]) -> str:
    length = generator.randint(*_LENGTHS)
    parts: list[str] = []
    while sum(map(len, parts)) < length:
        parts.append(generator.choice(paragraphs))
    return "\n\n".join(parts)[: length + 200]


def _revised(generator: random.Random, words: list[str], vocabulary: list[str], edits: int) -> str:
    revised = list(words)
    for place in generator.sample(range(len(words)), edits):
        revised[place] = generator.choice(vocabulary)
    return " ".join(revised)


def _paragraphs(texts: Path) -> list[str]:
    """English paragraphs of 80 characters or more, each once, in order of appearance."""
    found: dict[str, None] = {}
    with texts.open(encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            if document["language"] == "en":
                for paragraph in document["text"].split("\n\n"):
                    if len(paragraph) >= 80:
                        found.setdefault(paragraph)
    return list(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--documents", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    write_corpus(options.texts, options.output, options.documents)


if __name__ == "__main__":
    main()
