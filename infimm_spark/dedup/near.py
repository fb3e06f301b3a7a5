"""Near-duplicates: each snapshot judged with what the snapshots it meets hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infimm_spark.config import MinHashConfig
from infimm_spark.dedup import lsh
from infimm_spark.dedup.settled import held_by
from infimm_spark.dedup.survivors import Checkpoint, greedy_duplicates
from infimm_spark.dedup.verify import Verification


@dataclass(frozen=True, slots=True)
class Turn:
    """Documents of one snapshot that are judged together.

    All of the snapshot but those set `aside` [rank], or `only` a few [rank]. `first` is the least
    rank of the snapshot, `begins` that of the documents to be judged; those before were decided.
    `by_url` [best, best_snapshot] and `by_text` [rank, best] of them are gone already.
    """

    snapshot: str
    first: int
    begins: int
    by_url: DataFrame
    by_text: DataFrame
    aside: DataFrame | None = None
    only: DataFrame | None = None

    def undecided(self, documents: DataFrame) -> DataFrame:
        """Those of the snapshot's `documents` [rank, …] that are to be judged now."""
        documents = documents.join(self.by_text.select("rank"), on="rank", how="left_anti")
        if self.aside is not None:
            documents = documents.join(self.aside, on="rank", how="left_anti")
        if self.only is not None:
            documents = documents.join(self.only, on="rank", how="left_semi")
        return documents


class NearDedup:
    """Judges the snapshots of `ranked` (`schemas.RANKED`) one after another, in survivor order.

    A snapshot is compared with what those it meets *hold*, as far as they were judged before: in
    the scope `pairs` its neighbours in time, in `year` those of its year, in `all` everyone, in
    `snapshot` none. A snapshot holds the documents kept in it, and the kept ones (of whatever
    snapshot) that those removed from it were removed for. So a page that lives through many
    snapshots leaves one copy, not every other one, and still nothing is removed that does not
    itself resemble a document that stays.

    `settled` are the `settled_documents` of earlier runs, which are not judged again.
    """

    def __init__(
        self,
        ranked: DataFrame,
        options: MinHashConfig,
        checkpoint: Checkpoint,
        settled: DataFrame | None,
    ) -> None:
        self._options = options
        self._checkpoint = checkpoint
        self._signed = ranked.where(F.col("signature").isNotNull())
        self._names = _snapshots(self._signed)
        self._held: dict[str, DataFrame] = {}
        self._judged = 0
        self._removed = ranked.where(F.lit(False)).select("rank")
        if settled is not None:
            settled = settled.where(F.col("signature").isNotNull())
            self._removed = settled.where(F.col("reason") == "near").select("rank")
            known = _snapshots(settled)
            self._names = sorted({*self._names, *known})
            for name in known:
                self._held[name] = held_by(settled, name, lsh.met(name, known, "pairs"))

    def judge(self, turn: Turn) -> DataFrame:
        """The documents of a turn that resemble one that is kept: [rank, best, jaccard, round]."""
        name = f"near-{self._judged}"
        snapshot = turn.snapshot
        own = self._signed.where(F.col("snapshot") == snapshot)
        own = own.select("rank", "signature", "sketch")
        met = lsh.met(snapshot, self._names, self._options.scope)
        neighbours = [other for other in met if other in self._held]
        known = None
        if self._judged or self._held:
            copies = _copies(own, turn.by_text, turn.begins)
            copies = copies.join(self._removed, on="rank", how="left_anti")
            holdings = [self._held[other] for other in neighbours]
            if turn.only is not None:
                undecided = turn.undecided(own)
                holdings = [self._in_company(held, undecided) for held in holdings]
            elsewhere = F.col("best_snapshot").isin([other for other in met if other != snapshot])
            known = _marked(_known(copies, holdings), turn.by_url.where(elsewhere))
            known = self._checkpoint(known, f"{name}-known")
        found = self._similar(turn, own, known, name)
        self._judged += 1
        self._removed = self._removed.unionByName(found.select("rank"))
        participants = turn.undecided(own).withColumn("copied", F.lit(False))
        holds = _held(_with(participants, known), found, turn.begins)
        if snapshot in self._held:
            holds = holds.unionByName(self._held[snapshot])
        self._held[snapshot] = holds
        return found.withColumn("round", self._round(snapshot, neighbours, turn.first))

    def _in_company(self, known: DataFrame, undecided: DataFrame) -> DataFrame:
        """Of `known` those that share a bucket with one of a few `undecided`: the others need not
        travel."""
        bands, rows = self._options.bands, self._options.rows

        def buckets(documents: DataFrame) -> DataFrame:
            return lsh.memberships(lsh.banded(documents, bands, rows))

        wanted = buckets(undecided).groupBy("bucket").agg(F.count("*").alias("documents"))
        ranks = buckets(known).join(wanted, on="bucket", how="left_semi")
        return known.join(ranks.select("rank"), on="rank", how="left_semi")

    def _round(self, snapshot: str, neighbours: list[str], first: int) -> Column:
        if self._options.scope != "pairs":
            return lsh.group(self._options.scope, F.lit(snapshot))
        met = "+".join([snapshot, *(name for name in neighbours if name != snapshot)])
        return F.when(F.col("best") >= first, snapshot).otherwise(met)

    def _similar(self, turn: Turn, own: DataFrame, known: DataFrame | None, name: str) -> DataFrame:
        """The greedy choice among the undecided of a snapshot's `own` documents and what is
        `known`, both [rank, signature, sketch]."""
        options = self._options
        verification = Verification.of(options)

        def banded(documents: DataFrame) -> DataFrame:
            return lsh.banded(documents, options.bands, options.rows, turn.snapshot)

        # Only buckets travel to find out who is undecided: signatures and sketches are twenty times
        # as long, and those of documents that were decided are not asked for.
        undecided = turn.undecided(banded(own))
        compared = own if turn.only is None else turn.undecided(own)
        return greedy_duplicates(
            lsh.memberships(_with(undecided, None if known is None else banded(known))),
            _with(compared, known).select("rank", verification.by),
            verification,
            first_undecided=turn.begins,
            bucket_limit=options.bucket_limit,
            max_iterations=options.max_iterations,
            local_limit=options.local_limit,
            checkpoint=self._checkpoint,
            name=name,
        )


def _with(documents: DataFrame, more: DataFrame | None) -> DataFrame:
    """`documents` and the same columns of `more`, which are other ones."""
    return documents if more is None else documents.unionByName(more.select(*documents.columns))


def _copies(own: DataFrame, by_text: DataFrame, first: int) -> DataFrame:
    """The documents before `first` for which exact copies among `own` were removed.

    The copy is represented by that document; the two have one text, hence one signature.
    """
    return (
        own.join(by_text.select("rank", "best"), on="rank", how="inner")
        .where(F.col("best") < first)
        .select(F.col("best").alias("rank"), "signature", "sketch")
    )


def _known(copies: DataFrame, held: list[DataFrame]) -> DataFrame:
    """What was kept before and meets the snapshot: [rank, signature, sketch, copied], each once."""
    holdings = [frame.withColumn("copied", F.lit(False)) for frame in held]
    together = reduce(DataFrame.unionByName, holdings, copies.withColumn("copied", F.lit(True)))
    return together.groupBy("rank").agg(
        F.max("signature").alias("signature"),
        F.max("sketch").alias("sketch"),
        F.max("copied").alias("copied"),
    )


def _marked(known: DataFrame, newer: DataFrame) -> DataFrame:
    """With `copied` also for the `best` of `newer`: pages for which a page went for its URL."""
    pages = newer.groupBy(F.col("best").alias("rank")).agg(F.count("*").alias("pages"))
    joined = known.join(pages, on="rank", how="left")
    return joined.select(
        "rank",
        "signature",
        "sketch",
        (F.col("copied") | F.col("pages").isNotNull()).alias("copied"),
    )


def _snapshots(documents: DataFrame) -> list[str]:
    counts = documents.groupBy("snapshot").agg(F.count("*").alias("documents")).collect()
    return sorted(row["snapshot"] for row in counts)


def _held(participants: DataFrame, found: DataFrame, first: int) -> DataFrame:
    """What a snapshot holds once judged: [rank, signature, sketch]."""
    matched = found.groupBy("best").agg(F.count("*").alias("removed"))
    return (
        participants.join(found.select("rank"), on="rank", how="left_anti")
        .join(matched, participants["rank"] == matched["best"], how="left")
        .where((F.col("rank") >= first) | F.col("copied") | F.col("removed").isNotNull())
        .select("rank", "signature", "sketch")
    )
