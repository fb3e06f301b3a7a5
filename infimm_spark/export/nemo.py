"""NeMo Curator's interleaved rows: a row for each text and image of a document, in order, and one
at position -1 for the document itself.

The reserved columns are those of NeMo Curator's `InterleavedBatch`; the others pass through it. An
image without bytes names its URL in `source_ref`, from which NeMo Curator reads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from infimm_spark.export.base import Format
from infimm_spark.export.documents import Document, Pictures, documents
from infimm_spark.export.obelics import pieces
from infimm_spark.export.shards import ParquetShards, Shards

_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("modality", pa.string(), nullable=False),
        pa.field("content_type", pa.string()),
        pa.field("text_content", pa.string()),
        pa.field("binary_content", pa.large_binary()),
        pa.field("source_ref", pa.string()),
        pa.field("materialize_error", pa.string()),
        # passed through
        pa.field("url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("language", pa.string()),
        pa.field("snapshot", pa.string()),
        pa.field("metadata", pa.string()),
        pa.field("image_url", pa.string()),
        pa.field("alt", pa.string()),
        pa.field("caption", pa.string()),
    ]
)


class _Writer:
    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._rows = ParquetShards(
            shards, _SCHEMA, lambda n: f"data/part-{shards.unit:05d}-{n:04d}.parquet"
        )
        self._is_first = shards.unit == 0

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        for part in pieces(batch, pictures is not None):
            rows = [row for document in documents(part, pictures) for row in _rows(document)]
            table = pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)
            self._rows.write(table, documents=part.num_rows)

    def close(self) -> None:
        self._rows.close(even_empty=self._is_first)


def _rows(document: Document) -> Iterator[dict[str, Any]]:
    about = {
        "sample_id": document.id,
        "position": -1,
        "modality": "metadata",
        "content_type": "application/json",
        "url": document.row["URL"],
        "title": document.row["title"],
        "language": document.language,
        "snapshot": document.row["snapshot"],
        "metadata": document.row["metadata"],
    }
    yield about
    for position, (text, url) in enumerate(zip(document.texts, document.images, strict=True)):
        own = {"sample_id": document.id, "position": position}
        if text is not None:
            yield {**own, "modality": "text", "content_type": "text/plain", "text_content": text}
        elif url is not None:
            record = document.records[position] or {}
            picture = document.pictures[position]
            yield {
                **own,
                "modality": "image",
                "content_type": f"image/{picture.format}" if picture else None,
                "binary_content": picture.image if picture else None,
                "source_ref": None if picture else json.dumps(_source(url)),
                "image_url": url,
                "alt": record.get("alt"),
                "caption": record.get("caption"),
            }


def _source(url: str) -> dict[str, Any]:
    return {"path": url, "member": None, "byte_offset": None, "byte_size": None}


NEMO = Format("nemo", "a row for each text and image, for NeMo Curator", _Writer)
