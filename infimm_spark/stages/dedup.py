"""Recall threshold and dedup: documents to the rows that say which of them go, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import BuildConfig, DedupConfig, LengthThreshold, MinHashConfig, UrlConfig
from infimm_spark.dedup import lsh, minhash, shingles
from infimm_spark.dedup.near import near_duplicates
from infimm_spark.dedup.settled import settled_documents
from infimm_spark.dedup.survivors import Checkpoint, with_rank
from infimm_spark.dedup.urls import url_key
from infimm_spark.errors import InputError, SignatureMismatchError
from infimm_spark.stages import accounting
from infimm_spark.stages.base import Facts, Reads, Section, Stage, Table, Work, below_threshold
from infimm_spark.stages.page_trace import PageTrace
from infimm_spark.stages.sampling import sampled
from infimm_spark.stages.segments import joined_text

_CHUNK_CHARACTERS = 1 << 20  # texts of a batch that are shingled together


def select_recalled(
    documents: DataFrame, threshold: float, by_length: Sequence[LengthThreshold] = ()
) -> DataFrame:
    """Documents whose high-recall probability is at least `threshold`, or that of their length."""
    return documents.where(F.col("math_prob") >= _threshold(threshold, by_length))


def select_unrecalled(
    documents: DataFrame, threshold: float, by_length: Sequence[LengthThreshold] = ()
) -> DataFrame:
    """The others, those without a score included."""
    score = F.col("math_prob")
    return documents.where(score.isNull() | (score < _threshold(threshold, by_length)))


def _threshold(threshold: float, by_length: Sequence[LengthThreshold]) -> Column:
    """As `config.threshold_for`, for a column."""
    found = F.lit(threshold)
    for band in sorted(by_length, key=lambda band: band.min_chars):
        found = F.when(F.col("text_length") >= band.min_chars, band.threshold).otherwise(found)
    return found


def signatures(documents: DataFrame, config: DedupConfig) -> DataFrame:
    """`schemas.SIGNATURES` of `documents`: all that dedup needs to know of each, without its text.

    A document with fewer than `config.minhash.min_shingles` distinct shingles has a null signature
    and can only be an exact or a URL duplicate; one with empty text has a null `text_hash` too.
    """
    inputs = documents.select(
        "id",
        "url",
        "snapshot",
        "warc_date",
        "language",
        F.coalesce("n_formulas", F.lit(0)).alias("n_formulas"),
        F.coalesce("text_length", F.lit(0)).alias("text_length"),
        F.coalesce(joined_text(), F.lit("")).alias("text"),
    )
    options = config.minhash

    def sign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in _chunks(batch):
                yield _sign(chunk, options)

    return inputs.mapInArrow(sign, schemas.spark_schema(schemas.SIGNATURES))


def deduplicate(
    documents: DataFrame,
    config: DedupConfig,
    checkpoint: Checkpoint,
    settled: DataFrame | None = None,
) -> DataFrame:
    """`schemas.DUPLICATES`: one row for each of `documents` that is to be removed.

    See `deduplicate_ranked`; `checkpoint` writes a DataFrame under a name and reads it back.
    """
    ranks = checkpoint(survivor_ranks(documents, config), "ranks")
    ranked = checkpoint(rank(signatures(documents, config), ranks), "ranked")
    return deduplicate_ranked(ranked, config, checkpoint, settled)


def survivor_ranks(documents: DataFrame, config: DedupConfig) -> DataFrame:
    """[id, rank]: the place of each document in survivor order, which is total:

    newer snapshot (by name; older with `config.prefer` set so), more formulas, longer text, smaller
    id. To be written down before use, as Spark may place a row otherwise when it computes it again.
    Neither texts nor signatures are needed, so that only short rows are sorted.
    """
    by_age = F.desc("snapshot") if config.prefer == "newer" else F.asc("snapshot")
    order = [by_age, F.desc("n_formulas"), F.desc("text_length"), F.asc("id")]
    keys = documents.select(
        "id",
        "snapshot",
        F.coalesce("n_formulas", F.lit(0)).alias("n_formulas"),
        F.coalesce("text_length", F.lit(0)).alias("text_length"),
    )
    return with_rank(keys, order).select("id", "rank")


def rank(signed: DataFrame, ranks: DataFrame) -> DataFrame:
    """`schemas.RANKED` from `schemas.SIGNATURES` and the `survivor_ranks` of the same documents."""
    # Ids that are missing or repeated pass, for `deduplicate_ranked` to refuse.
    return signed.join(ranks, on="id", how="left").select(*schemas.RANKED.names)


def deduplicate_ranked(
    ranked: DataFrame,
    config: DedupConfig,
    checkpoint: Checkpoint,
    settled: DataFrame | None = None,
) -> DataFrame:
    """`schemas.DUPLICATES` from `schemas.RANKED`. In turn:

    1. *exact*: of equal normalised texts, anywhere, the first in survivor order is kept;
    2. *near*: see `dedup.near.near_duplicates`;
    3. *url*: of documents with one URL key within `config.url.scope`, the newest (with `config.prefer`
       the oldest) is kept: by snapshot, then WARC-Date, then survivor order.

    `settled` are the `dedup.settled.settled_documents` of earlier runs: they come before all of
    `ranked` in survivor order, are compared with, and are never removed. The rows are those that a
    joint run in that order would give for `ranked`.

    `matched_id` is the document each was removed for, `jaccard` the similarity of those two;
    `kept_id` is where that one's own removals lead, always a document that stays.

    Raises `InputError` for ids that occur twice, `SignatureMismatchError` for signatures made with
    other shingles or permutations, `ConvergenceError`. The result depends on the rows of `ranked` and
    `settled` only, not on their partitions.
    """
    n_documents = _check(ranked, settled, config.minhash)
    removed = _exact(ranked, settled).where(F.lit(False))
    if config.exact:
        removed = checkpoint(_exact(ranked, settled), "exact")
    if config.minhash.enabled:
        near = near_duplicates(ranked, removed, config.minhash, checkpoint, n_documents, settled)
        removed = removed.unionByName(near.withColumn("reason", F.lit("near")))
    if config.url.enabled:
        removed = checkpoint(removed, "exact-and-near")
        remaining = ranked.join(removed, on="rank", how="left_anti")
        found = _same_url(remaining, config.url, config.prefer, settled)
        removed = checkpoint(removed.unionByName(found), "removed")
    # An exact partner may itself have gone as a near duplicate, and that one's by its URL: no further,
    # because within a step every partner is one that the step keeps.
    steps = (config.exact, config.minhash.enabled, config.url.enabled)
    return _evidence(removed, ranked, settled, hops=max(0, sum(steps) - 1))


def signature_fingerprint(options: MinHashConfig) -> str:
    """What a run's signatures depend on: shingling, permutations, sketches, and their versions."""
    sketch_size = options.sketch_size if options.verify == "shingles" else 0
    return minhash.fingerprint(
        options.ngram, options.char_ngram, options.num_perm, options.seed, sketch_size
    )


def _exact(ranked: DataFrame, settled: DataFrame | None) -> DataFrame:
    new = ranked.where(F.col("text_hash").isNotNull()).select("rank", "text_hash")
    # A window shuffles once, an aggregate and a join do so twice; a text that is everywhere goes to disk.
    first = F.min("rank").over(Window.partitionBy("text_hash"))
    return (
        _with(new, settled, "rank", "text_hash")
        .where(F.col("text_hash").isNotNull())
        .withColumn("best", first)
        .where((F.col("rank") != F.col("best")) & (F.col("rank") >= 0))
        .select(
            "rank",
            "best",
            F.lit("exact").alias("reason"),
            F.lit(1.0).cast("float").alias("jaccard"),
            F.lit("all").alias("round"),
        )
    )


def _same_url(
    remaining: DataFrame, options: UrlConfig, prefer: str, settled: DataFrame | None
) -> DataFrame:
    kept = None if settled is None else settled.where(F.col("reason").isNull())
    columns = ("rank", "url_hash", "snapshot", "warc_date")
    scope = lsh.group(options.scope, F.col("snapshot")).alias("round")
    new = remaining.where(F.col("url_hash").isNotNull()).select(*columns, scope)
    everything = _with(remaining.select(*columns), kept, *columns).select(
        "rank",
        "url_hash",
        "snapshot",
        F.coalesce("warc_date", F.lit("")).alias("warc_date"),
        scope,
    )
    is_settled = F.col("rank") < 0
    if prefer == "newer":
        first = F.max(F.struct(is_settled, "snapshot", "warc_date", (-F.col("rank")).alias("last")))
        best = -F.col("first.last")
    else:
        first = F.min(F.struct(~is_settled, "snapshot", "warc_date", F.col("rank").alias("last")))
        best = F.col("first.last")
    firsts = everything.groupBy("round", "url_hash").agg(first.alias("first"))
    return (
        new.join(firsts, on=["round", "url_hash"], how="inner")
        .withColumn("best", best)
        .where(F.col("rank") != F.col("best"))
        .select(
            "rank",
            "best",
            F.lit("url").alias("reason"),
            F.lit(None).cast("float").alias("jaccard"),
            "round",
        )
    )


def _evidence(
    removed: DataFrame, ranked: DataFrame, settled: DataFrame | None, hops: int
) -> DataFrame:
    traced = removed.withColumn("kept", F.col("best"))
    onward = removed.select(F.col("rank").alias("kept"), F.col("best").alias("next"))
    for _ in range(hops):
        traced = (
            traced.join(onward, on="kept", how="left")
            .withColumn("kept", F.coalesce("next", "kept"))
            .drop("next")
        )
    ids = ranked.select("rank", "id")
    ends = ids.withColumn("end", F.col("id"))
    if settled is not None:
        # An earlier run may have removed the partner; then its evidence names the one it kept.
        earlier = settled.select("rank", "id", F.coalesce("kept_id", "id").alias("end"))
        ends = ends.unionByName(earlier)
    matched = ends.select(F.col("rank").alias("best"), F.col("id").alias("matched_id"))
    kept = ends.select(F.col("rank").alias("kept"), F.col("end").alias("kept_id"))
    return (
        traced.join(ids, on="rank", how="inner")
        .join(matched, on="best", how="inner")
        .join(kept, on="kept", how="inner")
        .select(*schemas.DUPLICATES.names)
    )


def _with(new: DataFrame, settled: DataFrame | None, *columns: str) -> DataFrame:
    return new if settled is None else new.unionByName(settled.select(*columns))


def _check(ranked: DataFrame, settled: DataFrame | None, options: MinHashConfig) -> int:
    """Refuse signatures of another fingerprint or length, and ids that are missing or repeated.

    Returns how many documents there are, the settled ones included.
    """
    expected, num_bytes = signature_fingerprint(options), 4 * options.num_perm
    is_other = (F.col("fingerprint") != expected) | F.col("fingerprint").isNull()
    is_damaged = F.octet_length("signature") != num_bytes
    columns = ("id", "fingerprint", "signature")
    by_id = _with(ranked.select(*columns), settled, *columns).groupBy("id")
    counts = by_id.agg(
        F.count("*").alias("n"),
        F.max(F.when(is_other, F.coalesce("fingerprint", F.lit("")))).alias("other"),
        F.max(is_damaged).alias("damaged"),
    )
    is_repeated = (F.col("n") > 1) | F.col("id").isNull()
    found = counts.agg(
        F.max("other").alias("other"),
        F.min(F.when(F.col("damaged"), F.col("id"))).alias("damaged"),
        F.count_if(is_repeated).alias("repeated"),
        F.count("*").alias("documents"),
        F.min(F.when(is_repeated, F.col("id"))).alias("first"),
    ).head()
    assert found is not None
    if found["other"] is not None:
        raise SignatureMismatchError(
            f"signatures were made with {found['other']!r}; expected {expected!r}"
        )
    if found["damaged"] is not None:
        raise SignatureMismatchError(
            f"the signature of document {found['damaged']!r} is damaged; expected {num_bytes} bytes"
        )
    if found["repeated"]:
        where = "" if settled is None else ", in this run and the earlier ones together"
        raise InputError(
            f"{found['repeated']} document ids are missing or occur more than once{where}, such as "
            f"{found['first']!r}; expected each document once"
        )
    return int(found["documents"])


def _chunks(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in slices of about `_CHUNK_CHARACTERS` of text."""
    first, size = 0, 0
    for row, length in enumerate(pc.binary_length(batch.column("text")).to_pylist()):
        if size and size + length > _CHUNK_CHARACTERS:
            yield batch.slice(first, row - first)
            first, size = row, 0
        size += length
    if first < batch.num_rows:
        yield batch.slice(first)


def _sign(batch: pa.RecordBatch, options: MinHashConfig) -> pa.RecordBatch:
    texts = batch.column("text").to_pylist()
    text_hashes: list[bytes | None] = [None] * len(texts)
    signed: list[bytes | None] = [None] * len(texts)
    sketches: list[bytes | None] = [None] * len(texts)
    counts = [0] * len(texts)
    chinese = [language == "zh" for language in batch.column("language").to_pylist()]
    for is_chinese, ngram in ((False, options.ngram), (True, options.char_ngram)):
        rows = [row for row, flag in enumerate(chinese) if flag is is_chinese]
        if not rows:
            continue
        hashes, shingled = shingles.shingle_batch([texts[row] for row in rows], ngram)
        for row, text_hash, distinct in zip(rows, hashes, shingled, strict=True):
            text_hashes[row] = text_hash
            counts[row] = len(distinct)
        long_enough = [
            (row, distinct)
            for row, distinct in zip(rows, shingled, strict=True)
            if len(distinct) >= options.min_shingles
        ]
        found = minhash.signatures_and_sketches(
            [distinct for _, distinct in long_enough],
            options.num_perm,
            options.seed,
            options.sketch_size,
        )
        for (row, _), (signature, sketch) in zip(long_enough, found, strict=True):
            signed[row] = signature.astype("<u4", copy=False).tobytes()
            if options.verify == "shingles":
                sketches[row] = sketch.astype("<u4", copy=False).tobytes()
    urls = [_url_hash(url) for url in batch.column("url").to_pylist()]
    columns = {
        **{
            name: batch.column(name)
            for name in ("id", "snapshot", "warc_date", "n_formulas", "text_length")
        },
        "text_hash": pa.array(text_hashes, pa.binary()),
        "url_hash": pa.array(urls, pa.binary()),
        "signature": pa.array(signed, pa.binary()),
        "sketch": pa.array(sketches, pa.binary()),
        "n_shingles": pa.array(counts, pa.int32()),
        "fingerprint": pa.array([signature_fingerprint(options)] * len(texts), pa.string()),
    }
    names = schemas.SIGNATURES.names
    return pa.record_batch([columns[name] for name in names], names=names)


def _url_hash(url: str | None) -> bytes | None:
    return xxhash.xxh3_128_digest(url_key(url).encode("utf-8", "surrogatepass")) if url else None


# -- the stage -----------------------------------------------------------------------------------


def recalled(run: Reads, config: BuildConfig) -> DataFrame:
    """The documents of a run at or above the recall threshold."""
    settings = config.dedup
    return select_recalled(
        run.read("extract", "documents"),
        settings.recall_threshold,
        settings.recall_threshold_by_length,
    )


def survivors(run: Reads, config: BuildConfig) -> DataFrame:
    """The recalled documents that are no duplicates: what the stage hands on."""
    duplicates = run.read("dedup", "duplicates")
    return recalled(run, config).join(duplicates.select("id"), on="id", how="left_anti")


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    settings = config.dedup
    documents, above = work.read("extract", "documents"), recalled(work, config)
    below = select_unrecalled(
        documents, settings.recall_threshold, settings.recall_threshold_by_length
    )

    def checkpoint(frame: DataFrame, name: str) -> DataFrame:
        # Lists of hot buckets stay, for `infimm dedup-report` and whoever asks why a page went.
        if name.endswith("-hot"):
            return work.write(f"hot_buckets/{name}", frame)
        return work.checkpoint(frame, name)

    ranks = checkpoint(survivor_ranks(above, settings), "ranks")
    ranked = work.write("signatures", rank(signatures(above, settings), ranks))
    earlier = list(
        zip(
            work.read_earlier("dedup", "signatures"),
            work.read_earlier("dedup", "duplicates"),
            strict=True,
        )
    )
    settled = settled_documents(earlier) if earlier else None
    duplicates = work.write("duplicates", deduplicate_ranked(ranked, settings, checkpoint, settled))
    kept = above.join(duplicates.select("id"), on="id", how="left_anti")
    ledger = accounting.threshold_ledger(documents, above, "recall", "math_prob", below)
    rejects = accounting.recall_rejects(below).unionByName(
        accounting.duplicate_rejects(above, duplicates)
    )
    return {
        "ledger": ledger.unionByName(accounting.duplicates_ledger(above, duplicates, kept)),
        "rejects": sampled(rejects, config.rejects.fraction),
    }


def _facts(facts: Facts, config: BuildConfig) -> dict[str, Any]:
    return {
        "signatures": signature_fingerprint(config.dedup.minhash),
        "against": facts.against(),
    }


def _limit(row: Mapping[str, Any], config: BuildConfig) -> str | None:
    settings, score = config.dedup, row["score"]
    if row["stage"] == "recall" and score is not None:
        limit = below_threshold(
            row.get("text_length") or 0,
            settings.recall_threshold_at,
            settings.recall_threshold_by_length,
            "dedup.recall_threshold",
        )
        return f"math_prob {score:.4g} {limit}"
    if row["reason"] == "exact":
        return "same normalised text (dedup.exact)"
    if row["reason"] == "near" and score is not None:
        threshold = settings.minhash.threshold
        return f"jaccard {score:.4g} >= {threshold:g} (dedup.minhash.threshold)"
    if row["reason"] == "url":
        return f"same URL within {settings.url.scope} (dedup.url.scope)"
    return None


def _trace(page: PageTrace, config: BuildConfig) -> None:
    """The recall threshold; whether the page is a copy, one page alone cannot tell."""
    assert page.row is not None
    score = page.row["math_prob"]
    if score is None or score < config.dedup.recall_threshold_at(page.row["text_length"]):
        page.drop("recall", "math_prob", score)


DEDUP = Stage(
    name="dedup",
    summary="Recall threshold, then exact, near and URL duplicates.",
    tables={
        "signatures": Table(schemas.RANKED),
        "duplicates": Table(schemas.DUPLICATES),
        "hot_buckets": Table(schemas.HOT_BUCKETS),
        "ledger": Table(schemas.LEDGER),
        "rejects": Table(schemas.REJECTS),
    },
    run=_run,
    reads=("extract",),
    ledger=("recall", "dedup"),
    # Earlier runs count by their own identities, wherever they lie.
    sections=(Section("dedup", operational=frozenset({"partitions", "against"})),),
    facts=_facts,
    limit=_limit,
    trace=_trace,
)
