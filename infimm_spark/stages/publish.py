"""Publish stage: clean documents to the rows of the released data set, and into files of a set
size.

`metadata` is the JSON object of the release, field for field and in its order:

- `ft_lang_label`, `ft_lang_prob`: fastText's label as it names it (``__label__en``) and
  probability;
- `math_prob`, `math_prob_llama3`: the high-recall and the high-precision classifier;
- `size` and the ratios: `rules.metrics`;
- `snap`: the snapshot without its prefix (``2023-40``; in the release it names a pair);
- `text_gpt3_token_len`: `rules.tokens` of the text segments joined by blank lines;
- `pos_list`: the positions of the segments, 0, 1, 2, …;
- `im_url_duplicate_count`: for an image, how often its URL occurs in the corpus; null for a text;
- `WARC_HEADER`: JSON string of the record's WARC headers and `warc_filename`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import BuildConfig
from infimm_spark.rules.masking import Kind, masked
from infimm_spark.stages import accounting
from infimm_spark.stages.base import KeptRows, Section, Stage, Table, Work
from infimm_spark.stages.decontaminate import with_marks, without_questions
from infimm_spark.stages.refine import kept_clean
from infimm_spark.stages.sampling import id_share
from infimm_spark.stages.segments import joined_text

PARQUET_RATIO = 2.6
"""Bytes of text a byte of zstd Parquet holds, measured on 700 real mathematics pages (gzip 3.2,
snappy 2.1)."""

_ROW_BYTES = 2_000  # metadata, image records and headers of a row, before compression


def masked_rows(clean: DataFrame, kinds: Sequence[Kind]) -> DataFrame:
    """`clean` with its texts and titles masked, and a column `masked` (`schemas.MASKED`) that
    counts.

    Without `kinds` nothing is read, and `masked` is null.
    """
    if not kinds:
        declared = schemas.spark_schema(schemas.CORPUS)["masked"].dataType
        return clean.withColumn("masked", F.lit(None).cast(declared))
    columns = clean.columns
    masked_schema = pa.schema([*schemas.CLEAN, schemas.CORPUS.field("masked")])

    def mask(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _masked(batch, kinds)

    return clean.select(*columns).mapInArrow(mask, schemas.spark_schema(masked_schema))


def _masked(batch: pa.RecordBatch, kinds: Sequence[Kind]) -> pa.RecordBatch:
    counts: list[list[dict[str, object]]] = []
    titles: list[str | None] = []
    documents: list[list[dict[str, object]] | None] = []
    for title, segments in zip(
        batch.column("title").to_pylist(), batch.column("segments").to_pylist(), strict=True
    ):
        total: Counter[str] = Counter()

        def replaced(text: str | None, total: Counter[str] = total) -> str | None:
            if not text:
                return text
            text, found = masked(text, kinds)
            total.update(found)
            return text

        titles.append(replaced(title))
        documents.append(segments and [{**s, "text": replaced(s["text"])} for s in segments])
        counts.append([{"kind": kind, "count": total[kind]} for kind in kinds])
    fresh = {
        "title": pa.array(titles, pa.string()),
        "segments": pa.array(documents, schemas.CLEAN.field("segments").type),
    }
    columns = [fresh.get(name, batch.column(name)) for name in schemas.CLEAN.names]
    columns.append(pa.array(counts, schemas.CORPUS.field("masked").type))
    return pa.record_batch(columns, names=[*schemas.CLEAN.names, "masked"])


def corpus_rows(clean: DataFrame) -> DataFrame:
    """`schemas.CORPUS` of `masked_rows`: one row a document, in no particular order."""
    if "masked" not in clean.columns:
        clean = masked_rows(clean, ())
    text = F.transform("segments", lambda segment: segment["text"])
    image = F.transform("segments", lambda segment: segment["image"])
    contaminated = (
        F.col("contaminated")
        if "contaminated" in clean.columns
        else F.lit(None).cast("array<string>")
    )
    counted = clean.join(_image_url_counts(clean), on="id", how="left")
    return counted.select(
        F.col("url").alias("URL"),
        text.alias("text_list"),
        F.transform("segments", lambda segment: segment["image"]["url"]).alias("image_list"),
        _metadata().alias("metadata"),
        "id",
        "title",
        "warc_file",
        "warc_offset",
        "warc_length",
        F.filter(image, lambda picture: picture.isNotNull()).alias("images"),
        "formula_counts",
        "macros",
        "consent",
        "truncated",
        "license",
        "masked",
        contaminated.alias("contaminated"),
        "snapshot",
    )


def corpus_files(clean: DataFrame, file_bytes: int) -> dict[str, int]:
    """Number of files a snapshot needs so that each holds about `file_bytes` of Parquet.

    Runs a Spark job over the text lengths of `clean`.
    """
    text_bytes = F.aggregate(
        "segments",
        F.lit(0).cast("long"),
        lambda total, segment: total + F.coalesce(F.octet_length(segment["text"]), F.lit(0)),
    )
    sums = clean.groupBy("snapshot").agg(F.sum(text_bytes + F.lit(_ROW_BYTES)).alias("bytes"))
    return {
        row["snapshot"]: max(1, math.ceil(row["bytes"] / (file_bytes * PARQUET_RATIO)))
        for row in sums.collect()
    }


def partition_for_publish(corpus: DataFrame, files: dict[str, int]) -> DataFrame:
    """`corpus` with one Spark partition a file, sorted by id: write it partitioned by `snapshot`.

    A row's file follows from its id alone – ids are hashes, so equal ranges of them are equal
    shares – and files stand in id order. The same rows give the same files at any number of input
    partitions.
    """
    if not files:
        return corpus.coalesce(1)
    total = sum(files.values())
    firsts = {name: sum(n for other, n in files.items() if other < name) for name in files}
    return _repartition_exactly(corpus, _file_number(files, firsts), total).sortWithinPartitions(
        "snapshot", "id"
    )


def _file_number(files: dict[str, int], firsts: dict[str, int]) -> Column:
    """Number of a row's file among all files of all snapshots."""

    def of_snapshot(values: dict[str, int]) -> Column:
        pairs = [F.lit(item) for name in sorted(values) for item in (name, values[name])]
        return F.element_at(F.create_map(*pairs), F.col("snapshot"))

    return of_snapshot(firsts) + F.floor(id_share() * of_snapshot(files)).cast("int")


def _repartition_exactly(frame: DataFrame, number: Column, total: int) -> DataFrame:
    """Send each row to the partition of its `number`, 0 ≤ number < total."""
    if not hasattr(frame, "repartitionById"):  # Spark 4.1 and later
        return _repartition_by_keys(frame, number, total)
    numbered = frame.withColumn("_number", number)
    return numbered.repartitionById(total, "_number").select(*frame.columns)


def _repartition_by_keys(frame: DataFrame, number: Column, total: int) -> DataFrame:
    """`_repartition_exactly` for any Spark, with a search and a join more.

    `repartition` hashes its key, which would put two files into one partition and leave another
    empty. So each partition gets a key that hashes to it, found among enough candidates (fewer than
    one run in 100,000 would miss one; it would then fail, not merge files).
    """
    spark = frame.sparkSession
    candidates = spark.range(int(total * (math.log(total) + 12)) + 1)
    keys = (
        candidates.groupBy(F.pmod(F.hash("id"), F.lit(total)).alias("_number"))
        .agg(F.min("id").alias("_key"))
        .select("_number", "_key")
    )
    numbered = frame.withColumn("_number", number)
    keyed = numbered.join(F.broadcast(keys), on="_number", how="left")
    return keyed.repartition(total, "_key").select(*frame.columns)


def _image_url_counts(clean: DataFrame) -> DataFrame:
    """(id, url_counts): for each position the occurrences of its image's URL, null for a text."""
    positions = clean.select("id", F.posexplode("segments").alias("position", "segment")).select(
        "id", "position", F.col("segment.image.url").alias("image_url")
    )
    images = positions.where(F.col("image_url").isNotNull())
    occurrences = images.groupBy("image_url").agg(F.count("*").cast("int").alias("occurrences"))
    # Texts stay out of the join: their null keys would all fall into one partition of it.
    texts = positions.where(F.col("image_url").isNull()).select(
        "id", "position", F.lit(None).cast("int").alias("occurrences")
    )
    counted = images.join(occurrences, on="image_url", how="inner").select(
        "id", "position", "occurrences"
    )
    in_order = F.array_sort(F.collect_list(F.struct("position", "occurrences")))
    return (
        texts.unionByName(counted)
        .groupBy("id")
        .agg(F.transform(in_order, lambda item: item["occurrences"]).alias("url_counts"))
    )


def _metadata() -> Column:
    """The release's `metadata`; its probabilities and ratios are single precision there."""

    # pandas takes as long to import as all else: commands that only look at a run do without it.
    from infimm_spark.stages.token_lengths import token_length

    fields = {
        "ft_lang_label": F.concat(F.lit("__label__"), F.col("language")),
        "ft_lang_prob": F.col("language_prob"),
        "math_prob": F.col("math_prob"),
        "size": F.col("size"),
        "snap": F.regexp_replace("snapshot", "^CC-MAIN-", ""),
        "text_gpt3_token_len": token_length(joined_text()),
        "char_repetition_ratio": F.col("char_repetition_ratio").cast("float"),
        "word_repetition_ratio": F.col("word_repetition_ratio").cast("float"),
        "special_character_ratio": F.col("special_character_ratio").cast("float"),
        "punctuation_ratio": F.col("punctuation_ratio").cast("float"),
        "nsfw_num_words": F.col("nsfw_num_words"),
        "has_unicode_error": F.col("has_unicode_error"),
        "math_prob_llama3": F.col("quality_prob"),
        "pos_list": F.transform("segments", lambda _, position: position),
        "im_url_duplicate_count": F.coalesce("url_counts", F.array().cast("array<int>")),
        "WARC_HEADER": _warc_header(),
    }
    return F.to_json(
        F.struct(*(value.alias(name) for name, value in fields.items())),
        {"ignoreNullFields": "false"},
    )


def _warc_header() -> Column:
    headers = F.from_json(F.coalesce("warc_headers", F.lit("{}")), "map<string,string>")
    own = F.create_map(F.lit("warc_filename"), F.col("warc_file"))
    others = F.map_filter(headers, lambda name, _: name != "warc_filename")
    return F.to_json(F.map_concat(others, own))


# -- the stage -----------------------------------------------------------------------------------


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    clean = kept_clean(work.read("refine", "scored"))
    questions = config.decontaminate
    evidence = work.read("decontaminate", "contamination") if questions.sets else None
    if evidence is not None and questions.action == "drop":
        clean = without_questions(clean, evidence)
    files = corpus_files(clean, config.publish.file_size_mb * 1024 * 1024)
    rows = masked_rows(clean, config.publish.mask)
    if evidence is not None and questions.action == "mark":
        rows = with_marks(rows, evidence)
    released = corpus_rows(rows)
    corpus = partition_for_publish(released, files)
    written = work.write("corpus", corpus, compression=config.publish.compression)
    return {"ledger": accounting.publish_ledger(clean, written)}


PUBLISH = Stage(
    name="publish",
    summary="Write the corpus in the released schema.",
    tables={
        "corpus": Table(schemas.CORPUS, partition_by=("snapshot",), released=True),
        "ledger": Table(schemas.LEDGER),
    },
    run=_run,
    reads=("refine", "decontaminate"),
    ledger=("publish",),
    sections=(Section("publish", later=frozenset({"mask"})),),
    kept=KeptRows("corpus", says="in the corpus"),
)
