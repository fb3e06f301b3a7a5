"""Which documents go: snapshot after snapshot, by URL, then by equal text, then by likeness.

The paper runs MinHash and then keeps the newest page of a URL. Done in that order over the whole
corpus, the page that other documents were removed for may itself go for its URL, and their text is
gone with it. Here URL dedup chooses first, one snapshot at a time in survivor order:

1. *url*: a page goes if a page of its URL was kept, in a better snapshot or as a later capture in
   this one (with `prefer: older`, an earlier one): of several captures the first in survivor order
   is judged with the others of the snapshot, the next one after them, should the first go as a
   copy;
2. *exact*: of equal texts that are left, anywhere, the first in survivor order is kept;
3. *near*: what is left goes if it resembles a document that is kept (`dedup.near`).

Nothing that was kept goes later, so that

- an exact or near duplicate is always represented by a document that stays and resembles it: no
  document has to be admitted again;
- a page that goes for its URL goes for a page of that URL that stays; one whose newer version went
  as a copy of another page stays, unless it is a copy itself;
- a decision rests on better documents only. A run against earlier ones therefore decides as a joint
  run would in which their documents come first.

URL dedup over the whole corpus first would be shorter, but loses the older version of a page whose
newest version is a copy of something else; admitting documents again after URL dedup needs near
dedup once more, and its outcome would depend on what a run has seen. The price is some shuffles of
the hashes of pages that share a URL or a text, for each snapshot; pages that go for their URL never
reach near dedup.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from infimm_spark.config import DedupConfig
from infimm_spark.dedup import lsh
from infimm_spark.dedup.in_one_task import removals_in_one_task
from infimm_spark.dedup.near import NearDedup, Turn
from infimm_spark.dedup.survivors import Checkpoint

_COLUMNS = ("rank", "best", "reason", "jaccard", "round")
_KEYS = ("rank", "snapshot", "warc_date", "text_hash", "scope", "url_hash", "capture")


def removals(
    ranked: DataFrame,
    config: DedupConfig,
    checkpoint: Checkpoint,
    n_documents: int,
    settled: DataFrame | None = None,
) -> DataFrame:
    """The documents of `ranked` (`schemas.RANKED`) that go: [rank, best, reason, jaccard, round].

    `best` is the document each goes for: one that stays or, for an exact copy, one that went as a
    near duplicate of one that stays. `settled` are the `settled_documents` of earlier runs;
    `n_documents` counts both; few enough of them (`minhash.local_documents`) go through one task.
    """
    if n_documents <= config.minhash.local_documents:
        return checkpoint(removals_in_one_task(ranked, config, settled), "removed")
    keys = checkpoint(_shared_keys(ranked, config, settled), "keys")
    decided = _decided_before(keys, settled)
    near = NearDedup(ranked, config.minhash, checkpoint, settled)
    found: list[DataFrame] = []
    none = keys.where(F.lit(False)).withColumn("best", F.col("rank"))
    no_url = _removal(
        none, "url", F.lit(None), F.col("scope"), F.col("snapshot").alias("best_snapshot")
    )
    no_text = _removal(none, "exact", F.lit(1.0), F.lit("all"))
    for number, (snapshot, first, captures) in enumerate(_snapshots(ranked, keys)):
        if captures is None:  # nobody in it shares a text or a URL: only likeness is left to judge
            if config.minhash.enabled:
                turn = Turn(snapshot, first, first, no_url, no_text, aside=none.select("rank"))
                alike = near.judge(turn)
                found.append(alike.withColumn("reason", F.lit("near")).select(*_COLUMNS))
            continue
        waiting = keys.where((F.col("rank") >= 0) & (F.col("snapshot") == snapshot))
        last = 0  # captures up to this one have had their turn
        for turn_number in range(captures + 1):
            name = f"{number}-{turn_number}"
            by_url = checkpoint(_same_url(waiting, decided, config), f"url-{name}")
            found.append(by_url.select(*_COLUMNS))
            waiting = waiting.join(by_url.select("rank"), on="rank", how="left_anti")
            waiting = checkpoint(waiting, f"waiting-{name}")
            begins: int | None = first
            if turn_number:
                last, begins = _next_turn(waiting, decided)
            if begins is None:
                break  # every URL that was captured again is held by a page that stays
            own = waiting.where(F.col("capture") <= last)
            by_text = checkpoint(_same_text(own, decided), f"exact-{name}")
            found.append(by_text)
            resembling = None
            if config.minhash.enabled:
                if turn_number == 0:
                    aside = by_url.select("rank").unionByName(
                        waiting.where(F.col("capture") > 0).select("rank")
                    )
                    turn = Turn(snapshot, first, first, by_url, by_text, aside=aside)
                else:
                    turn = Turn(snapshot, first, begins, by_url, by_text, only=own.select("rank"))
                resembling = near.judge(turn)
                found.append(resembling.withColumn("reason", F.lit("near")).select(*_COLUMNS))
            known = checkpoint(_outcome(own, by_text, resembling), f"decided-{name}")
            decided = known if decided is None else decided.unionByName(known)
            waiting = waiting.where(F.col("capture") > last)
            if last >= captures:
                break
    if not found:
        nothing = ranked.where(F.lit(False)).select("rank", F.col("rank").alias("best"))
        return _removal(nothing, "exact", F.lit(None), F.lit("all"))
    return reduce(DataFrame.unionByName, found)


def _snapshots(ranked: DataFrame, keys: DataFrame) -> list[tuple[str, int, int | None]]:
    """(name, least rank, most later captures of a URL) of each snapshot, in survivor order; None
    where no document of a snapshot shares its text or URL."""
    firsts = ranked.groupBy("snapshot").agg(F.min("rank").alias("first"))
    captures = (
        keys.where(F.col("rank") >= 0).groupBy("snapshot").agg(F.max("capture").alias("last"))
    )
    rows = firsts.join(captures, on="snapshot", how="left").orderBy("first").collect()
    return [(row["snapshot"], row["first"], row["last"]) for row in rows]


def _next_turn(waiting: DataFrame, decided: DataFrame | None) -> tuple[int, int | None]:
    """Up to which capture pages are judged next, and the least rank of them; None if none waits.

    The next captures whose text is not decided: those before them can only go with their text, so
    that a page captured a thousand times costs as many turns as it has texts.
    """
    texts = waiting.select("rank", "text_hash", "capture", F.lit(False).alias("known"))
    if decided is not None:
        known = decided.select("rank", "text_hash", F.lit(0).alias("capture"), F.lit(True))
        texts = texts.union(known)
    own = F.col("rank").cast("string").cast("binary")
    same_text = Window.partitionBy(F.coalesce("text_hash", own))
    of_known = texts.withColumn("is_decided", F.max("known").over(same_text))
    row = (
        of_known.where(~F.col("known"))
        .agg(
            F.min(F.when(~F.col("is_decided"), F.col("capture"))),
            F.max("capture"),
            F.min("rank"),
        )
        .head()
    )
    if row is None or row[2] is None:
        return 0, None
    return (row[1] if row[0] is None else row[0]), row[2]


def _shared_keys(ranked: DataFrame, config: DedupConfig, settled: DataFrame | None) -> DataFrame:
    """The text and the URL of documents that share one of them, null where a document is alone in
    it; `capture` counts the pages of one URL in one snapshot from the one that comes first."""
    columns = ("rank", "snapshot", "warc_date", "text_hash", "url_hash")
    documents = ranked.select(*columns)
    if settled is not None:
        documents = documents.unionByName(settled.select(*columns))
    documents = documents.select(
        "rank",
        "snapshot",
        F.coalesce("warc_date", F.lit("")).alias("warc_date"),
        F.col("text_hash") if config.exact else F.lit(None).cast("binary").alias("text_hash"),
        lsh.group(config.url.scope, F.col("snapshot")).alias("scope"),
        F.col("url_hash") if config.url.enabled else F.lit(None).cast("binary").alias("url_hash"),
    )
    # Counts are summed up before they travel: a window would move and sort every document.
    shared = _sharing(documents, "of_text", "text_hash")
    shared = _sharing(shared, "of_url", "url_hash", "scope")
    shared = shared.where(F.col("of_text") | F.col("of_url"))
    own = F.col("rank").cast("string").cast("binary")  # documents without a URL do not gather
    # A run numbers its own pages: those of earlier runs were decided before the first of them.
    of_snapshot = Window.partitionBy(
        "scope", F.coalesce("url_hash", own), "snapshot", F.col("rank") < 0
    )
    return shared.select(
        "rank",
        "snapshot",
        "warc_date",
        F.when(F.col("of_text"), F.col("text_hash")).alias("text_hash"),
        "scope",
        F.when(F.col("of_url"), F.col("url_hash")).alias("url_hash"),
        (F.row_number().over(of_snapshot.orderBy("rank")) - F.lit(1)).alias("capture"),
    )


def _sharing(documents: DataFrame, mark: str, hashed: str, *within: str) -> DataFrame:
    """`documents` with `mark`: whether another of them has the same `hashed`, which is not null,
    and the same `within`. Spark leaves the join out where all are null."""
    key = [hashed, *within]
    counts = documents.where(F.col(hashed).isNotNull()).groupBy(*key).agg(F.count("*").alias("n"))
    several = counts.where(F.col("n") > 1).select(*key, F.lit(True).alias("several"))
    joined = documents.join(several, on=key, how="left")
    return joined.withColumn(mark, F.coalesce("several", F.lit(False))).drop("several")


def _decided_before(keys: DataFrame, settled: DataFrame | None) -> DataFrame | None:
    """What earlier runs decided of documents with shared keys, as `_outcome`."""
    if settled is None:
        return None
    state = settled.where(F.col("represented")).select(
        "rank", F.col("reason").isNull().alias("stays")
    )
    return keys.join(state, on="rank", how="inner").select(*_KEYS, "stays")


def _outcome(rest: DataFrame, by_text: DataFrame, resembling: DataFrame | None) -> DataFrame:
    """Documents whose text a kept document represents, with `stays`: whether it is they
    themselves."""
    gone = by_text.select("rank")
    if resembling is not None:
        gone = gone.unionByName(resembling.select("rank"))
    gone = gone.withColumn("stays", F.lit(False))
    joined = rest.join(gone, on="rank", how="left")
    return joined.select(*_KEYS, F.coalesce("stays", F.lit(True)).alias("stays"))


def _same_url(own: DataFrame, decided: DataFrame | None, config: DedupConfig) -> DataFrame:
    """Pages that go for a page of their URL that was kept, and that page's snapshot
    (`best_snapshot`)."""
    pages = own.select(*_KEYS, F.lit(False).alias("held"))
    if decided is not None:
        kept = decided.where("stays").select(*_KEYS, F.lit(True).alias("held"))
        pages = pages.unionByName(kept)
    # Only earlier runs can hold a URL twice.
    last = (-F.col("rank")).alias("last")
    if config.prefer == "newer":
        first = F.max(F.when(F.col("held"), F.struct("snapshot", "warc_date", last)))
        best = -F.col("first.last")
    else:
        first = F.min(F.when(F.col("held"), F.struct("snapshot", "warc_date", "rank")))
        best = F.col("first.rank")
    same_url = Window.partitionBy("scope", "url_hash")
    found = (
        pages.where(F.col("url_hash").isNotNull())
        .withColumn("first", first.over(same_url))
        .where(~F.col("held") & F.col("first").isNotNull())
        .withColumn("best", best)
    )
    page = F.col("first.snapshot").alias("best_snapshot")
    return _removal(found, "url", F.lit(None), F.col("scope"), page)


def _same_text(rest: DataFrame, decided: DataFrame | None) -> DataFrame:
    """Documents whose text stands before them in survivor order."""
    texts = rest.select("rank", "text_hash", F.lit(True).alias("own"))
    if decided is not None:
        known = decided.select("rank", "text_hash", F.lit(False).alias("own"))
        texts = texts.unionByName(known)
    # A window shuffles once, an aggregate and a join twice; a text that is everywhere goes to disk.
    first = F.min("rank").over(Window.partitionBy("text_hash"))
    found = (
        texts.where(F.col("text_hash").isNotNull())
        .withColumn("best", first)
        .where(F.col("own") & (F.col("rank") != F.col("best")))
    )
    return _removal(found, "exact", F.lit(1.0), F.lit("all"))


def _removal(
    found: DataFrame, reason: str, jaccard: Column, scope: Column, *more: Column
) -> DataFrame:
    return found.select(
        "rank",
        "best",
        F.lit(reason).alias("reason"),
        jaccard.cast("float").alias("jaccard"),
        scope.alias("round"),
        *more,
    )
