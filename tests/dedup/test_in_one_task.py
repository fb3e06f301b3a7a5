"""The rules of dedup on few documents, judged without Spark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infimm_spark.config import DedupConfig, MinHashConfig
from infimm_spark.dedup import minhash
from infimm_spark.dedup.in_one_task import removed_rows

SNAPSHOTS = ["CC-MAIN-2024-10", "CC-MAIN-2023-50", "CC-MAIN-2023-40"]
Page = tuple[int, int, int, int]  # snapshot, URL, text, version of the text


def documents(pages: list[Page], *, first: int = 0) -> pa.Table:
    """One row a page in survivor order: its snapshot's place, then how often its URL came
    before."""
    captures: dict[tuple[int, int], int] = {}
    order = []
    for place, (snapshot, url, text, version) in enumerate(pages):
        capture = captures[snapshot, url] = captures.get((snapshot, url), -1) + 1
        order.append((snapshot, capture, place, url, text, version))
    rows = []
    for rank, (snapshot, _, place, url, text, version) in enumerate(sorted(order)):
        hashes = np.arange(100, dtype=np.uint32) + 1_000 * text
        hashes[:2] += 500_000 + 10 * version  # 98 of 102 shingles are shared
        signed, sketch = minhash.signatures_and_sketches([hashes], 112, 1, 512)[0]
        rows.append(
            {
                "rank": first + 3 * rank,
                "snapshot": SNAPSHOTS[snapshot],
                "warc_date": None,
                "text_hash": f"{text}.{version}".encode(),
                "url_hash": str(url).encode(),
                "signature": signed.astype("<u4").tobytes(),
                "sketch": sketch.astype("<u4").tobytes(),
                "id": f"{first}-{place}",
                "reason": None,
                "matched_id": None,
                "represented": None,
            }
        )
    return pa.Table.from_pylist(rows, SCHEMA)


SCHEMA = pa.schema(
    [
        ("rank", pa.int64()),
        ("snapshot", pa.string()),
        ("warc_date", pa.string()),
        ("text_hash", pa.binary()),
        ("url_hash", pa.binary()),
        ("signature", pa.binary()),
        ("sketch", pa.binary()),
        ("id", pa.string()),
        ("reason", pa.string()),
        ("matched_id", pa.string()),
        ("represented", pa.bool_()),
    ]
)
PAGES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)),
    max_size=14,
)
SCOPES = st.sampled_from(["pairs", "all", "year", "snapshot"])


@settings(max_examples=150, deadline=None)
@given(PAGES, SCOPES, st.randoms())
def test_every_removal_is_represented(pages: list[Page], scope: Any, random: Any) -> None:
    """What goes for its text or likeness leads to a page that stays and resembles it; what goes for
    its URL to a page of that URL that stays; the order of the rows is no matter."""
    config = DedupConfig(minhash=MinHashConfig(scope=scope))
    table = documents(pages)
    removed = {row["rank"]: row for row in removed_rows(table, config).to_pylist()}
    by_rank = {row["rank"]: row for row in table.to_pylist()}
    for rank, row in removed.items():
        assert row["best"] < rank
        own, best = by_rank[rank], by_rank[row["best"]]
        if row["reason"] == "url":
            assert row["best"] not in removed
            assert own["url_hash"] == best["url_hash"]
        elif row["reason"] == "near":
            assert row["best"] not in removed
            assert row["jaccard"] >= np.float32(config.minhash.threshold)
        else:
            assert own["text_hash"] == best["text_hash"]
            assert removed.get(row["best"], {"reason": "near"})["reason"] == "near"
    kept = [row for rank, row in by_rank.items() if rank not in removed]
    assert len({row["text_hash"] for row in kept}) == len(kept)
    places = list(range(table.num_rows))
    random.shuffle(places)
    again = removed_rows(table.take(places), config) if places else removed_rows(table, config)
    assert {row["rank"]: row for row in again.to_pylist()} == removed


@settings(max_examples=100, deadline=None)
@given(PAGES, PAGES, SCOPES)
def test_what_earlier_runs_decided_counts(earlier: list[Page], new: list[Page], scope: Any) -> None:
    """Documents of earlier runs are compared with and never go; a text they kept goes."""
    config = DedupConfig(minhash=MinHashConfig(scope=scope))
    old = documents(earlier, first=-1_000)
    gone = {row["rank"]: row for row in removed_rows(old, config).to_pylist()}
    ids = dict(zip(old["rank"].to_pylist(), old["id"].to_pylist(), strict=True))
    settled = [
        row
        | {
            "reason": gone.get(row["rank"], {}).get("reason"),
            "matched_id": ids.get(gone.get(row["rank"], {}).get("best")),
            "represented": gone.get(row["rank"], {}).get("reason") != "url",
        }
        for row in old.to_pylist()
    ]
    both = pa.concat_tables([pa.Table.from_pylist(settled, SCHEMA), documents(new)])
    removed = removed_rows(both, config).to_pylist()
    assert all(row["rank"] >= 0 for row in removed)
    held = {row["text_hash"] for row in settled if row["represented"]}
    ranks = {row["rank"] for row in removed}
    for row in documents(new).to_pylist():
        assert row["rank"] in ranks or row["text_hash"] not in held


@pytest.mark.parametrize(
    ("scope", "removed"),
    [
        ("snapshot", {"y"}),
        ("pairs", {"x", "y", "z"}),
        ("year", {"x", "y"}),
        ("all", {"w", "x", "y", "z"}),
    ],
)
def test_scope(scope: Any, removed: set[str]) -> None:
    """Near-duplicates meet within a snapshot, with neighbours, within a year or everywhere."""
    new, middle, old = range(3)
    pages = {
        "n": (new, 0, 0, 0),
        "m": (new, 1, 1, 0),
        "z": (middle, 2, 0, 1),
        "y": (middle, 3, 0, 2),
        "x": (old, 4, 0, 3),
        "w": (old, 5, 1, 1),
    }
    table = documents(list(pages.values()))
    rows = removed_rows(table, DedupConfig(minhash=MinHashConfig(scope=scope))).to_pylist()
    names = dict(zip(table["rank"].to_pylist(), pages, strict=True))
    assert {names[row["rank"]] for row in rows} == removed
    assert {row["reason"] for row in rows} == {"near"}


@pytest.mark.parametrize("switch", ["exact", "url", "minhash"])
def test_what_is_switched_off_removes_nothing(switch: str) -> None:
    """Each of the three kinds can be left out."""
    pages = [(0, 0, 0, 0), (0, 0, 1, 0), (0, 1, 2, 0), (0, 2, 2, 0), (0, 3, 3, 0), (0, 4, 3, 1)]
    values = {switch: False if switch == "exact" else {"enabled": False}}
    found = removed_rows(documents(pages), DedupConfig.model_validate(values))
    reasons = set(pc.unique(found["reason"]).to_pylist())
    name = {"exact": "exact", "url": "url", "minhash": "near"}[switch]
    assert reasons | {name} == {"exact", "near", "url"}
    assert name not in reasons
