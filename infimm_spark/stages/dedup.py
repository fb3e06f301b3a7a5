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
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig, DedupConfig, LengthThreshold, MinHashConfig
from infimm_spark.config.models import PACKAGED_RECALL
from infimm_spark.dedup import minhash, shingles
from infimm_spark.dedup.removals import removals
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
    documents: DataFrame,
    threshold: float | None,
    by_length: Sequence[LengthThreshold] = (),
    unclassified: Sequence[str] = (),
) -> DataFrame:
    """Documents whose high-recall probability is at least `threshold`, or that of their length; and
    all in the languages that the classifier does not know."""
    return documents.where(_is_recalled(threshold, by_length, unclassified))


def select_unrecalled(
    documents: DataFrame,
    threshold: float | None,
    by_length: Sequence[LengthThreshold] = (),
    unclassified: Sequence[str] = (),
) -> DataFrame:
    """The others, those without a score included."""
    return documents.where(~_is_recalled(threshold, by_length, unclassified))


def _is_recalled(
    threshold: float | None, by_length: Sequence[LengthThreshold], unclassified: Sequence[str]
) -> Column:
    limit = PACKAGED_RECALL if threshold is None else threshold
    above = F.col("math_prob") >= _threshold(limit, by_length)
    passes = F.coalesce(above, F.lit(False))
    if unclassified:
        passes = passes | F.coalesce(F.col("language").isin(list(unclassified)), F.lit(False))
    return passes


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

    newer snapshot (by name; older with `config.prefer` set so), later capture of its URL within the
    snapshot (earlier, likewise), more formulas, longer text, smaller id. To be written down before
    use, as Spark may place a row otherwise when it computes it again. Neither texts nor signatures
    are needed, so that only short rows are sorted.
    """
    newer = config.prefer == "newer"
    by_age = F.desc("snapshot") if newer else F.asc("snapshot")
    merit = [F.desc("n_formulas"), F.desc("text_length"), F.asc("id")]
    keys = documents.select(
        "id",
        "snapshot",
        F.coalesce("warc_date", F.lit("")).alias("warc_date"),
        F.coalesce("n_formulas", F.lit(0)).alias("n_formulas"),
        F.coalesce("text_length", F.lit(0)).alias("text_length"),
        *({"url_hash", "url"} & set(documents.columns)),
    )
    if not config.url.enabled:
        return with_rank(keys, [by_age, *merit]).select("id", "rank")
    by_date = F.desc("warc_date") if newer else F.asc("warc_date")
    page = F.coalesce("url_hash", F.col("id").cast("binary"))
    captures = Window.partitionBy("snapshot", page).orderBy(by_date, *merit)
    keys = _with_url_hash(keys).withColumn("capture", F.row_number().over(captures))
    return with_rank(keys, [by_age, F.asc("capture"), *merit]).select("id", "rank")


def _with_url_hash(keys: DataFrame) -> DataFrame:
    """`keys` with the hash of the URL key in the place of `url`."""
    if "url_hash" in keys.columns:
        return keys
    others = [name for name in keys.columns if name != "url"]

    def hashed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            urls = pa.array(
                [_url_hash(url) for url in batch.column("url").to_pylist()], pa.binary()
            )
            columns = [*(batch.column(name) for name in others), urls]
            yield pa.record_batch(columns, names=[*others, "url_hash"])

    schema = keys.select(*others).withColumn("url_hash", F.lit(None).cast("binary")).schema
    return keys.mapInArrow(hashed, schema)


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
    """`schemas.DUPLICATES` from `schemas.RANKED`, by the rules of `dedup.removals`.

    `settled` are the `dedup.settled.settled_documents` of earlier runs: they come before all of
    `ranked` in survivor order, are compared with, and are never removed. The rows are those that a
    joint run in that order would give for `ranked`.

    `matched_id` is the document each was removed for, `jaccard` the similarity of those two;
    `kept_id` is where that one's own removals lead, always a document that stays.

    Raises `InputError` for ids that occur twice, `SignatureMismatchError` for signatures made with
    other shingles or permutations, `ConvergenceError`. The result depends on the rows of `ranked`
    and `settled` only, not on their partitions.
    """
    n_documents = _check(ranked, settled, config.minhash)
    removed = removals(ranked, config, checkpoint, n_documents, settled)
    # An exact partner may have gone as a near duplicate: no further, because those go for documents
    # that stay.
    return _evidence(removed, ranked, settled, hops=1 if config.minhash.enabled else 0)


def signature_fingerprint(options: MinHashConfig) -> str:
    """What a run's signatures depend on: shingling, permutations, sketches, and their versions."""
    sketch_size = options.sketch_size if options.verify == "shingles" else 0
    return minhash.fingerprint(
        options.ngram, options.char_ngram, options.num_perm, options.seed, sketch_size
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
    by_ngram: dict[int, list[int]] = {}
    for row, language in enumerate(batch.column("language").to_pylist()):
        by_ngram.setdefault(shingles.tokens_of(language, options), []).append(row)
    for ngram, rows in by_ngram.items():
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
    settings = with_thresholds(config).dedup
    return select_recalled(
        run.read("extract", "documents"),
        settings.recall_threshold,
        settings.recall_threshold_by_length,
        config.extract.unclassified,
    )


def survivors(run: Reads, config: BuildConfig) -> DataFrame:
    """The recalled documents that are no duplicates: what the stage hands on."""
    duplicates = run.read("dedup", "duplicates")
    return recalled(run, config).join(duplicates.select("id"), on="id", how="left_anti")


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    settings = with_thresholds(config).dedup
    documents, above = work.read("extract", "documents"), recalled(work, config)
    below = select_unrecalled(
        documents,
        settings.recall_threshold,
        settings.recall_threshold_by_length,
        config.extract.unclassified,
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
    settings, score = with_thresholds(config).dedup, row["score"]
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
    if page.row["language"] in config.extract.unclassified:
        return
    settings = with_thresholds(config).dedup
    if score is None or score < settings.recall_threshold_at(page.row["text_length"]):
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
