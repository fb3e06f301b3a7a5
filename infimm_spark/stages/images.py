"""Images stage: every image of the corpus, in order, and why it was left out or that it was
selected.

The corpus itself stays as it is: which images to fetch is decided here, and may be decided again
by other rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import BuildConfig, ImagesConfig
from infimm_spark.images.select import Occurrence, refused_by
from infimm_spark.stages import accounting
from infimm_spark.stages.base import Section, Stage, Table, Work

_KNOWN = [name for name in schemas.IMAGES.names if name != "reason"]
_JUDGED = pa.schema(
    [
        *(schemas.IMAGES.field(name) for name in _KNOWN),
        ("alt", pa.string()),
        ("title", pa.string()),
        ("consent", pa.list_(pa.string())),
    ]
)


def image_rows(corpus: DataFrame, config: ImagesConfig) -> DataFrame:
    """`schemas.IMAGES` of a corpus: one row an image in a document."""

    def judge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _judged(batch, config)

    return _occurrences(corpus).mapInArrow(judge, schemas.spark_schema(schemas.IMAGES))


def selected(images: DataFrame) -> DataFrame:
    """The images that no rule left out."""
    return images.where(F.col("reason").isNull())


def _occurrences(corpus: DataFrame) -> DataFrame:
    """Rows of `_JUDGED`: the images of each document in order, with what the corpus says of
    each."""
    header = F.get_json_object("metadata", "$.WARC_HEADER")
    uses = F.from_json(
        "metadata", "struct<im_url_duplicate_count: array<int>>"
    ).im_url_duplicate_count
    positions = F.filter(
        F.transform("image_list", lambda url, place: F.struct(url.alias("url"), place.alias("at"))),
        lambda entry: entry["url"].isNotNull(),
    )
    documents = corpus.select(
        "id",
        "snapshot",
        "warc_file",
        "consent",
        F.get_json_object(header, "$.WARC-Date").alias("date"),
        uses.alias("uses"),
        F.size(positions).alias("document_images"),
        F.explode(F.arrays_zip(positions.alias("position"), F.col("images").alias("record"))).alias(
            "image"
        ),
    )
    return documents.select(
        "id",
        "snapshot",
        "warc_file",
        F.col("image.position.at").cast("int").alias("position"),
        F.col("image.position.url").alias("url"),
        F.substring(F.sha2("image.position.url", 256), 1, 32).alias("key"),
        "date",
        F.col("image.record.width").alias("width"),
        F.col("image.record.height").alias("height"),
        F.element_at("uses", F.col("image.position.at").cast("int") + 1).cast("long").alias("uses"),
        F.col("document_images").cast("int").alias("document_images"),
        F.col("image.record.alt").alias("alt"),
        F.col("image.record.title").alias("title"),
        "consent",
    ).select(*_JUDGED.names)


def _judged(batch: pa.RecordBatch, config: ImagesConfig) -> pa.RecordBatch:
    asked = ["url", "alt", "title", "width", "height", "consent", "uses", "document_images"]
    values = zip(*(batch.column(name).to_pylist() for name in asked), strict=True)
    reasons = [
        refused_by(
            Occurrence(url, alt, title, width, height, consent or (), uses or 1, images), config
        )
        for url, alt, title, width, height, consent, uses, images in values
    ]
    columns = [*(batch.column(name) for name in _KNOWN), pa.array(reasons, pa.string())]
    return pa.RecordBatch.from_arrays(columns, schema=schemas.IMAGES)


# -- the stage -----------------------------------------------------------------------------------


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    corpus = work.read("publish", "corpus")
    images = work.write("images", image_rows(corpus, config.images))
    return {"ledger": accounting.images_ledger(corpus, images)}


IMAGES = Stage(
    name="images",
    summary="Select the images of the corpus that are worth fetching.",
    command="images select",
    tables={"images": Table(schemas.IMAGES), "ledger": Table(schemas.LEDGER)},
    run=_run,
    reads=("publish",),
    ledger=("images",),
    sections=(Section("images", operational=frozenset({"enabled", "fetch"})),),
    counts_pages=False,
    enabled=lambda config: config.images.enabled,
)
