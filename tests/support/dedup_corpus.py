"""Documents for the tests of dedup: prose with edits of known extent, and clusters of revisions."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from infimm_spark import schemas
from infimm_spark.dedup import shingles

OLD, NEW, NEXT = "CC-MAIN-2023-40", "CC-MAIN-2023-50", "CC-MAIN-2024-10"
Row = dict[str, Any]


def document(name: str, text: str | list[str | None], **fields: Any) -> Row:
    segments = [text] if isinstance(text, str) else text
    image = {"url": "https://e.org/i.png"}
    row: Row = {
        "id": name,
        "url": f"https://{name}.org/",
        "snapshot": NEW,
        "warc_date": "2023-11-28T00:00:00Z",
        "language": "en",
        "math_prob": 0.9,
        "n_formulas": 0,
        "segments": [{"text": s, "image": None if s is not None else image} for s in segments],
        "text_length": sum(len(s) for s in segments if s),
    }
    return row | fields


def frame(spark: SparkSession, rows: list[Row]) -> DataFrame:
    return spark.createDataFrame(rows, schemas.spark_schema(schemas.DOCUMENTS))


def evidence(duplicates: DataFrame) -> dict[str, Row]:
    rows = [row.asDict() for row in duplicates.collect()]
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows), "a document is removed once"
    assert not {row["kept_id"] for row in rows} & set(found), "kept documents stay"
    return found


def prose(seed: int, n_words: int = 200) -> list[str]:
    generator = random.Random(seed)
    return [f"w{generator.randrange(10_000)}" for _ in range(n_words)]


def edited(words: list[str], n_edits: int, seed: int = 0) -> list[str]:
    """The words with `n_edits` of them, spread out, replaced: each edit costs five shingles a
    side."""
    generator = random.Random(seed)
    result = list(words)
    for place in generator.sample(range(0, len(words), 6), n_edits):
        result[place] = f"edit{generator.randrange(10**6)}"
    return result


def text(words: list[str]) -> str:
    return " ".join(words)


def jaccard(left: Row, right: Row) -> float:
    """Exact similarity of two single-segment English rows, as a 32-bit float."""
    sets = [
        set(shingles.shingle_hashes(row["segments"][0]["text"], 5).tolist())
        for row in (left, right)
    ]
    return float(np.float32(len(sets[0] & sets[1]) / len(sets[0] | sets[1])))


def corpus(n_documents: int, seed: int) -> list[Row]:
    """Clusters of revisions, some far from each other, spread over three snapshots."""
    generator = random.Random(seed)
    rows: list[Row] = []
    bases = [prose(1_000 + seed * 100 + i, generator.choice([12, 60, 200])) for i in range(12)]
    for i in range(n_documents):
        pick = generator.randrange(len(bases))
        words = edited(bases[pick], min(len(bases[pick]) // 30, generator.randrange(6)), seed=i)
        if generator.random() < 0.3:
            bases[pick] = words
        rows.append(
            document(
                f"{generator.getrandbits(64):016x}",
                text(words),
                snapshot=generator.choice([OLD, NEW, NEXT]),
                url=f"https://e.org/{generator.randrange(n_documents)}",
                n_formulas=generator.randrange(4),
            )
        )
    return rows


def chains(n_chains: int, seed: int) -> list[Row]:
    """Independent chains of two to seven documents, each tied to an earlier one of its chain by an
    equal text, a similar text or its URL, in random snapshots and of random merit."""
    generator = random.Random(seed)
    rows: list[Row] = []
    for chain in range(n_chains):
        members: list[tuple[list[str], str]] = []
        for place in range(generator.randrange(2, 8)):
            words, url = prose(generator.getrandbits(40), 60), f"https://c{chain}.org/{place}"
            if members:
                partner, page = generator.choice(members)
                kind = generator.choice(["exact", "near", "url"])
                if kind == "url":
                    url = page
                else:
                    words = (
                        partner
                        if kind == "exact"
                        else edited(partner, 1, generator.getrandbits(30))
                    )
            members.append((words, url))
            rows.append(
                document(
                    f"{generator.getrandbits(64):016x}",
                    text(words),
                    url=url,
                    snapshot=generator.choice([OLD, NEW, NEXT]),
                    warc_date=f"2023-11-{generator.randrange(10, 30)}T00:00:00Z",
                    n_formulas=generator.randrange(3),
                )
            )
    return rows
