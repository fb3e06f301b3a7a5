"""Fetched images, brought to the documents they stand in.

Images lie in shards by the order of fetching, documents by id. Spark joins the two once for an
export and writes, for each unit, the images of its documents in the order of the documents; a
unit's writer reads them beside the corpus, in constant memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from infimm_spark import schemas, store
from infimm_spark.errors import InputError, StageError
from infimm_spark.export.corpus import Corpus, Unit
from infimm_spark.export.documents import Picture, Pictures
from infimm_spark.images.fetched import OK, shard_files
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.run.stored import stored_run
from infimm_spark.spark.connectors import spark_location

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_BATCH_ROWS = 64  # of images of some 100 kB
_COLUMNS = ["file", "id", "position", "format", "width", "height", "sha256", "image"]


def require_pictures(layout: RunLayout) -> str:
    """A digest of the run's fetched images; raises `StageError` and `InputError` without any."""
    manifest = read_manifest(layout.manifest("images"))
    if manifest is None:
        raise StageError(
            f"{layout.root} has no table of images; expected a run whose stage images is done"
        )
    run = stored_run(layout)
    if run is not None and manifest.run_id != run["run_id"]:
        raise StageError(
            f"{layout.root}: its table of images is of run {manifest.run_id}, and this is run "
            f"{run['run_id']}; run the stage images again"
        )
    files = shard_files(layout.fetched)
    if not files:
        raise InputError(
            f"{layout.fetched} holds no fetched images; fetch them with infimm images fetch"
        )
    sizes = dict(store.list_sizes(layout.fetched))
    named = [(file.removeprefix(layout.root), sizes.get(file)) for file in files]
    return hashlib.sha256(repr(named).encode()).hexdigest()


def prepare_pictures(layout: RunLayout, corpus: Corpus, folder: str, spark: SparkSession) -> None:
    """Write the images of each unit, in the order of its documents, below `folder`.

    What an interrupted export has prepared is used again.
    """
    target = store.join(folder, "pictures")
    done = store.join(folder, "pictures-done")
    if store.exists(done):
        return
    store.delete_tree(target)
    joined = _joined(layout, corpus, spark)
    # One Spark partition a unit would be too much for one task's sort only if a unit were: it is
    # 256 MB of corpus.
    ordered = joined.repartition(len(corpus.units), "unit").sortWithinPartitions(
        "unit", "file", "id", "position"
    )
    ordered.write.partitionBy("unit").mode("overwrite").parquet(spark_location(spark, target))
    store.write_bytes(done, b"")


def pictures_of(folder: str, unit: Unit) -> Pictures:
    """The prepared images of a unit, to be asked for in the order of its documents."""
    files = store.list_files(store.join(folder, "pictures", f"unit={unit.number}"))
    return _InOrder([file for file in files if file.endswith(".parquet")])


class _InOrder:
    """Goes through the images of a unit in step with the documents that ask for them."""

    def __init__(self, files: list[str]) -> None:
        self._rows = _rows(files)
        self._next = next(self._rows, None)

    def __call__(self, document: str, position: int) -> Picture | None:
        row = self._next
        if row is None or (row["id"], row["position"]) != (document, position):
            return None
        self._next = next(self._rows, None)
        return Picture(row["format"], row["width"], row["height"], row["sha256"], row["image"])


def _rows(files: list[str]) -> Iterator[dict[str, Any]]:
    for file in files:
        filesystem, (path,) = store.arrow([file])
        with pq.ParquetFile(filesystem.open_input_file(path)) as shard:
            for batch in shard.iter_batches(_BATCH_ROWS, columns=_COLUMNS):
                yield from batch.to_pylist()


def _joined(layout: RunLayout, corpus: Corpus, spark: SparkSession) -> DataFrame:
    """(unit, file, id, position, picture…) of every selected image that was fetched; `file` numbers
    the corpus file of the document within all."""
    from pyspark.sql import functions as F

    selected = _read(spark, tables.locations(layout, "images", "images"), schemas.IMAGES)
    selected = selected.where("reason IS NULL").select("id", "position", "key")
    fetched = _read(spark, shard_files(layout.fetched), schemas.FETCHED)
    fetched = fetched.where(F.col("status") == OK).where("image IS NOT NULL")
    # Of several rows of a URL the newest counts; those of one moment with equal bytes are equal.
    newest = fetched.groupBy("key").agg(F.max(F.struct("fetched", "sha256")).alias("newest"))
    newest = newest.select("key", "newest.fetched", "newest.sha256")
    chosen = fetched.join(newest, on=["key", "fetched", "sha256"], how="inner").dropDuplicates(
        ["key"]
    )
    return (
        selected.join(chosen, on="key", how="inner")
        .join(_places(corpus, spark), on="id", how="inner")
        .select("unit", *_COLUMNS)
    )


def _places(corpus: Corpus, spark: SparkSession) -> DataFrame:
    """(id, unit, file) of each document."""
    from pyspark.sql import functions as F

    files = [(file, unit.number) for unit in corpus.units for file in unit.files]
    rows = [(_tail(file), unit, number) for number, (file, unit) in enumerate(files)]
    numbered = spark.createDataFrame(rows, "tail string, unit int, file int")
    ids = _read(spark, [file for file, _ in files], pa.schema([("id", pa.string())]))
    tail = F.regexp_extract(F.url_decode(F.input_file_name()), r"([^/]+/[^/]+)$", 1)
    placed = ids.select("id", tail.alias("tail"))
    return placed.join(F.broadcast(numbered), on="tail", how="inner").select("id", "unit", "file")


def _tail(file: str) -> str:
    """`snapshot=…/part-…`: what names a corpus file wherever the run lies."""
    return "/".join(file.split("/")[-2:])


def _read(spark: SparkSession, files: list[str], schema: pa.Schema) -> DataFrame:
    return spark.read.schema(schemas.spark_schema(schema)).parquet(
        *(spark_location(spark, file) for file in files)
    )
