"""The rules of `removals` for few documents: all of them in one task, document by document.

A run of a hundred thousand documents would spend its time starting Spark jobs. Both ways give the
same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import DedupConfig
from infimm_spark.dedup import lsh
from infimm_spark.dedup.greedy import Bands, greedy_signatures
from infimm_spark.dedup.verify import Verification

_COMPARED = ("rank", "snapshot", "warc_date", "text_hash", "url_hash", "signature", "sketch")
_SETTLED = ("id", "reason", "matched_id", "represented")
REMOVED = pa.schema(
    [
        ("rank", pa.int64()),
        ("best", pa.int64()),
        ("reason", pa.string()),
        ("jaccard", pa.float32()),
        ("round", pa.string()),
    ]
)


def removals_in_one_task(
    ranked: DataFrame, config: DedupConfig, settled: DataFrame | None
) -> DataFrame:
    """`removals.removals` of documents that one task can hold."""
    own = ranked.select(
        *_COMPARED,
        *(F.lit(None).cast("string").alias(name) for name in _SETTLED[:3]),
        F.lit(None).cast("boolean").alias("represented"),
    )
    rows = own if settled is None else own.unionByName(settled.select(*_COMPARED, *_SETTLED))

    def resolve(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        received = [batch for batch in batches if batch.num_rows]
        if received:
            yield from removed_rows(pa.Table.from_batches(received), config).to_batches()

    types = "rank long, best long, reason string, jaccard float, round string"
    return rows.coalesce(1).mapInArrow(resolve, types)


def removed_rows(documents: pa.Table, config: DedupConfig) -> pa.Table:
    """`REMOVED`: what goes of `documents`, which has the columns of `schemas.RANKED` that are
    compared and, for documents of earlier runs, [id, reason, matched_id, represented]."""
    choice = _Choice(documents.sort_by("rank").combine_chunks(), config)
    choice.make()
    return pa.Table.from_pylist(
        [dict(zip(REMOVED.names, row, strict=True)) for row in choice.removed], REMOVED
    )


@dataclass(slots=True)
class _Held:
    """A document that a snapshot is compared with: the rows whose signature and sketch stand for
    it, and whether pages of that snapshot went for it."""

    signed_by: int
    copied: bool = False


@dataclass(slots=True)
class _Turn:
    """Documents of a snapshot that are judged together, as rows in survivor order."""

    snapshot: str
    own: list[int]
    for_url: dict[int, int] = field(default_factory=dict)
    for_text: dict[int, int] = field(default_factory=dict)


class _Choice:
    """The state of the choice; a document is known by its row, and rows are in survivor order."""

    def __init__(self, documents: pa.Table, config: DedupConfig) -> None:
        self._config = config
        self._ranks = documents["rank"].to_pylist()
        self._snapshots: list[str] = documents["snapshot"].to_pylist()
        self._dates = [date or "" for date in documents["warc_date"].to_pylist()]
        self._texts = documents["text_hash"].to_pylist()
        self._urls = documents["url_hash"].to_pylist()
        self._signatures = documents["signature"].combine_chunks()
        self._sketches = documents["sketch"].combine_chunks()
        self._is_signed = self._signatures.is_valid().to_pylist()
        self._n_settled = sum(value is not None for value in documents["represented"].to_pylist())
        self._firsts: dict[str, int] = {}  # of the documents that are judged here
        self._first_text: dict[bytes, int] = {}
        self._pages: dict[tuple[str, bytes], list[int]] = defaultdict(list)
        self._near: set[int] = set()
        self._held: dict[str, dict[int, _Held]] = {}
        self._has_judged = False
        self.removed: list[tuple[int, int, str, float | None, str]] = []
        signed = {name for name, has in zip(self._snapshots, self._is_signed, strict=True) if has}
        self._names = sorted(signed)
        if self._n_settled:
            self._take_over(documents.slice(0, self._n_settled))

    def make(self) -> None:
        """Judge all documents that are not settled, snapshot after snapshot."""
        of_snapshot: dict[str, list[int]] = {}
        for row in range(self._n_settled, len(self._ranks)):
            of_snapshot.setdefault(self._snapshots[row], []).append(row)
        for snapshot, own in of_snapshot.items():
            self._firsts[snapshot] = own[0]
            self._judge_snapshot(snapshot, own)

    def _judge_snapshot(self, snapshot: str, rows: list[int]) -> None:
        later: list[list[int]] = []  # by how many pages of their URL come before them here
        seen: dict[tuple[str, bytes], int] = defaultdict(int)
        for row in rows:
            page = self._page(row)
            capture = seen[page] if page else 0
            if page:
                seen[page] += 1
            if capture == len(later):
                later.append([])
            later[capture].append(row)
        for number, pages in enumerate(later):
            turn = _Turn(snapshot, [])
            for row in pages:
                best = self._of_url(row)
                if best is None:
                    turn.own.append(row)
                else:
                    turn.for_url[row] = best
                    self._remove(row, best, "url", None, self._scope(row))
            if turn.own or number == 0:  # what its pages went for, a snapshot holds
                self._judge(turn)

    def _judge(self, turn: _Turn) -> None:
        """Equal texts, then similar ones, of pages that no page of their URL stands for."""
        if self._config.exact:
            for row in turn.own:
                text = self._texts[row]
                best = self._first_text.setdefault(text, row) if text is not None else row
                if best != row:
                    turn.for_text[row] = best
                    self._remove(row, best, "exact", 1.0, "all")
        alike = self._judge_likeness(turn) if self._config.minhash.enabled else set()
        for row in turn.own:
            page = self._page(row)
            if page and row not in turn.for_text and row not in alike:
                self._pages[page].append(row)

    def _judge_likeness(self, turn: _Turn) -> set[int]:
        """The rows that go as near duplicates; what the snapshot holds from now on is noted."""
        options, snapshot = self._config.minhash, turn.snapshot
        met = lsh.met(snapshot, self._names, options.scope)
        neighbours = [name for name in met if name in self._held]
        undecided = [r for r in turn.own if self._is_signed[r] and r not in turn.for_text]
        first = min(turn.own, default=len(self._ranks))
        participants = {row: _Held(row) for row in undecided}
        if self._has_judged or self._held:
            participants |= self._known(turn, neighbours, met, first)
        self._has_judged = True
        found = self._similar(participants, first) if undecided else {}
        for row, (best, jaccard) in found.items():
            self._remove(row, best, "near", jaccard, self._round(row, best, neighbours))
        self._near.update(found)
        matched = {best for best, _ in found.values()}
        holds = self._held.setdefault(snapshot, {})
        for row, known in participants.items():
            if row not in found and (row >= first or known.copied or row in matched):
                self._meet(holds, row, known.signed_by)
        return set(found)

    def _known(
        self, turn: _Turn, neighbours: Sequence[str], met: Sequence[str], first: int
    ) -> dict[int, _Held]:
        """What was kept before and meets the documents of a turn."""
        known: dict[int, _Held] = {}
        for row, best in turn.for_text.items():
            if self._is_signed[row] and best < first and best not in self._near:
                self._meet(known, best, row).copied = True
        for name in neighbours:
            for row, held in self._held[name].items():
                self._meet(known, row, held.signed_by)
        for best in turn.for_url.values():
            page = self._snapshots[best]
            if best in known and page in met and page != turn.snapshot:
                known[best].copied = True
        return known

    def _meet(self, known: dict[int, _Held], row: int, signed_by: int) -> _Held:
        # Equal texts in two languages have two signatures: one of them must stand for the document
        # whatever the order in which they come.
        held = known.setdefault(row, _Held(signed_by))
        if held.signed_by != signed_by:
            signatures = self._signatures.take(pa.array([held.signed_by, signed_by])).to_pylist()
            held.signed_by = signed_by if signatures[1] > signatures[0] else held.signed_by
        return held

    def _similar(self, participants: dict[int, _Held], first: int) -> dict[int, tuple[int, float]]:
        options = self._config.minhash
        rows = sorted(participants)
        signed_by = pa.array([participants[row].signed_by for row in rows], pa.int64())
        table = pa.table(
            {
                "rank": pa.array(rows, pa.int64()),
                "group": pa.array([""] * len(rows), pa.string()),
                "signature": self._signatures.take(signed_by),
                "sketch": self._sketches.take(signed_by),
            }
        )
        found = greedy_signatures(
            table,
            Bands(options.bands, options.rows),
            Verification.of(options),
            first,
            options.bucket_limit,
        ).to_pydict()
        pairs = zip(found["best"], found["jaccard"], strict=True)
        return dict(zip(found["rank"], pairs, strict=True))

    def _round(self, row: int, best: int, neighbours: Sequence[str]) -> str:
        """The snapshots that met where `row` was found to resemble `best`."""
        snapshot, scope = self._snapshots[row], self._config.minhash.scope
        if scope != "pairs":
            return lsh.group_of(scope, snapshot)
        if best >= self._firsts[snapshot]:
            return snapshot
        return "+".join([snapshot, *(name for name in neighbours if name != snapshot)])

    def _page(self, row: int) -> tuple[str, bytes] | None:
        """What pages of one URL share, in the scope in which they count as one page."""
        url = self._urls[row] if self._config.url.enabled else None
        return (self._scope(row), url) if url is not None else None

    def _scope(self, row: int) -> str:
        return lsh.group_of(self._config.url.scope, self._snapshots[row])

    def _of_url(self, row: int) -> int | None:
        """The kept page of the row's URL; only earlier runs can hold more than one."""
        page = self._page(row)
        kept = self._pages.get(page) if page else None
        if not kept:
            return None
        if self._config.prefer == "newer":
            return max(kept, key=lambda row: (self._snapshots[row], self._dates[row], -row))
        return min(kept, key=lambda row: (self._snapshots[row], self._dates[row], row))

    def _remove(self, row: int, best: int, reason: str, jaccard: float | None, where: str) -> None:
        self.removed.append((self._ranks[row], self._ranks[best], reason, jaccard, where))

    def _take_over(self, settled: pa.Table) -> None:
        """What earlier runs decided: texts and pages that are held, and what each snapshot
        holds."""
        reasons = settled["reason"].to_pylist()
        represented = settled["represented"].to_pylist()
        rows = {name: row for row, name in enumerate(settled["id"].to_pylist())}
        for row, reason in enumerate(reasons):
            if represented[row] and self._texts[row] is not None:
                self._first_text.setdefault(self._texts[row], row)
            page = self._page(row)
            if reason is None and page:
                self._pages[page].append(row)
        signed = [row for row in range(len(reasons)) if self._is_signed[row]]
        self._near = {row for row in signed if reasons[row] == "near"}
        names = sorted({self._snapshots[row] for row in signed})
        self._held = {name: {} for name in names}
        neighbours = {name: lsh.met(name, names, "pairs") for name in names}
        matched = settled["matched_id"].to_pylist()
        for row in signed:
            snapshot = self._snapshots[row]
            if reasons[row] is None:
                self._held[snapshot][row] = _Held(row)
                continue
            best = rows.get(matched[row])
            if best is None or not self._is_signed[best] or reasons[best] is not None:
                continue
            elsewhere = self._snapshots[best]
            if reasons[row] != "url" or elsewhere in neighbours[snapshot]:
                self._held[snapshot].setdefault(best, _Held(best))
