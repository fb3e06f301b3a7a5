"""Paragraphs that many documents of a host repeat, such as a site's notices, are removed from
them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas
from infimm_spark.config import BoilerplateConfig
from infimm_spark.dedup import paragraphs
from infimm_spark.stages.segments import text_length
from infimm_spark.urls import site_host

REPEATED = pa.schema(
    [
        ("host", pa.string()),
        ("paragraph", pa.binary()),  # 128-bit hash of the text with folded white space
        ("documents", pa.int64()),  # of this host that bear it
        ("of", pa.int64()),  # documents of this host
        ("text", pa.string()),  # its first 200 characters
    ]
)
"""A paragraph that is removed from the documents of a host."""

_OCCURRENCE = "id string, host string, paragraph binary, text string"


def repeated_paragraphs(documents: DataFrame, config: BoilerplateConfig) -> DataFrame:
    """`REPEATED` paragraphs of `documents` (`schemas.DOCUMENTS`, without duplicates).

    A paragraph counts once a document. None of them bears a formula or is a heading.
    """
    occurrences = _occurrences(documents, config.min_chars)
    counts = occurrences.groupBy("host", "paragraph").agg(
        F.count("*").alias("documents"), F.min("text").alias("text")
    )
    hosts = (
        occurrences.where(F.col("paragraph").isNull()).groupBy("host").agg(F.count("*").alias("of"))
    )
    return (
        counts.where(F.col("paragraph").isNotNull() & (F.col("documents") >= config.min_documents))
        .join(hosts, on="host", how="inner")
        .where(F.col("documents") >= F.col("of") * config.min_share)
        .select(*REPEATED.names)
    )


def without_paragraphs(
    documents: DataFrame, repeated: DataFrame, config: BoilerplateConfig
) -> DataFrame:
    """`documents` without the `repeated` paragraphs of their hosts, `text_length` counted again.

    A document that would lose all its text stays as it is.
    """
    # By id, since a host may have any number of documents, but a document has few paragraphs.
    gone = (
        _occurrences(documents, config.min_chars)
        .join(repeated.select("host", "paragraph"), on=["host", "paragraph"], how="left_semi")
        .groupBy("id")
        .agg(F.collect_set("paragraph").alias("gone"))
    )
    joined = documents.select(*schemas.DOCUMENTS.names).join(gone, on="id", how="left")
    declared = schemas.spark_schema(schemas.DOCUMENTS)

    def edit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _edited(batch, config.min_chars)

    return joined.select(*schemas.DOCUMENTS.names, "gone").mapInArrow(edit, declared)


def _occurrences(documents: DataFrame, min_chars: int) -> DataFrame:
    """A row for each document (null paragraph) and for each different candidate paragraph of it."""
    inputs = documents.select(
        "id", "url", F.transform("segments", lambda segment: segment["text"]).alias("texts")
    )

    def find(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows: list[tuple[str, str, bytes | None, str | None]] = []
            for row in batch.to_pylist():
                where = site_host(row["url"] or "")
                found = {
                    key: paragraph
                    for text in row["texts"] or []
                    if text
                    for key, paragraph in paragraphs.candidates(text, min_chars)
                }
                rows.append((row["id"], where, None, None))
                rows += [(row["id"], where, key, text[:200]) for key, text in found.items()]
            columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
            types = [pa.string(), pa.string(), pa.binary(), pa.string()]
            arrays = [pa.array(c, t) for c, t in zip(columns, types, strict=True)]
            yield pa.record_batch(arrays, names=["id", "host", "paragraph", "text"])

    return inputs.mapInArrow(find, _OCCURRENCE)


def without_repeated(
    document: dict[str, Any], repeated: Iterable[bytes], min_chars: int
) -> dict[str, Any]:
    """One row of `schemas.DOCUMENTS` without the `repeated` paragraphs (hashes) of its host."""
    gone = pa.list_(pa.binary())
    batch = pa.RecordBatch.from_pylist(
        [{**document, "gone": list(repeated)}],
        schema=schemas.DOCUMENTS.append(pa.field("gone", gone)),
    )
    row: dict[str, Any] = _edited(batch, min_chars).to_pylist()[0]
    return row


def _edited(batch: pa.RecordBatch, min_chars: int) -> pa.RecordBatch:
    segments: list[list[dict[str, Any]] | None] = []
    lengths: list[int | None] = []
    for gone, old, length in zip(
        *(batch.column(name).to_pylist() for name in ("gone", "segments", "text_length")),
        strict=True,
    ):
        new = _without(old, frozenset(gone), min_chars) if gone and old else old
        if new is not old and any(segment["text"] for segment in new):
            segments.append(new)
            lengths.append(text_length(new))
        else:
            segments.append(old)
            lengths.append(length)
    fresh = {
        "segments": pa.array(segments, schemas.DOCUMENTS.field("segments").type),
        "text_length": pa.array(lengths, pa.int32()),
    }
    columns = [fresh.get(name, batch.column(name)) for name in schemas.DOCUMENTS.names]
    return pa.record_batch(columns, names=schemas.DOCUMENTS.names)


def _without(
    segments: list[dict[str, Any]], gone: frozenset[bytes], min_chars: int
) -> list[dict[str, Any]]:
    """Segments with their text cut; a segment left without text goes."""
    cut = [
        {**segment, "text": paragraphs.without(segment["text"], gone, min_chars)}
        if segment["text"]
        else segment
        for segment in segments
    ]
    return [segment for segment in cut if segment["text"] or segment["image"]]
