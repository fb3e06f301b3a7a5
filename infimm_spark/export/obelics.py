"""Rows as OBELICS has them: parallel lists `texts` and `images`, with metadata as JSON strings.

`images` holds URLs, as in OBELICS; with fetched images a column `image_bytes` beside them holds the
bytes, null where there are none.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from infimm_spark.export.base import Format
from infimm_spark.export.documents import Document, Pictures, documents
from infimm_spark.export.shards import ParquetShards, Shards

_SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.string())),
        ("metadata", pa.string()),  # JSON list: an object at each image's position, else null
        ("general_metadata", pa.string()),  # JSON object of the page
        ("texts", pa.list_(pa.string())),
    ]
)
_WITH_BYTES = _SCHEMA.append(pa.field("image_bytes", pa.list_(pa.binary())))


class _Writer:
    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._schema = _WITH_BYTES if with_pictures else _SCHEMA
        self._rows = ParquetShards(
            shards, self._schema, lambda n: f"data/train-{shards.unit:05d}-{n:04d}.parquet"
        )
        self._is_first = shards.unit == 0

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        for part in pieces(batch, pictures is not None):
            rows = [_row(document) for document in documents(part, pictures)]
            self._rows.write(pa.RecordBatch.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._rows.close(even_empty=self._is_first)


def pieces(batch: pa.RecordBatch, with_pictures: bool) -> list[pa.RecordBatch]:
    """The batch, cut small where the bytes of images come with it."""
    size = 32 if with_pictures else max(1, batch.num_rows)
    return [batch.slice(start, size) for start in range(0, batch.num_rows, size)]


def _row(document: Document) -> dict[str, Any]:
    row = document.row
    return {
        "images": document.images,
        "texts": document.texts,
        "metadata": json.dumps(
            [
                None if url is None else _image(document, position)
                for position, url in enumerate(document.images)
            ],
            ensure_ascii=False,
        ),
        "general_metadata": json.dumps(
            {
                "url": row["URL"],
                "id": document.id,
                "title": row["title"],
                "language": document.language,
                "snapshot": row["snapshot"],
                "warc_filename": row["warc_file"],
                "warc_record_offset": row["warc_offset"],
                "warc_record_length": row["warc_length"],
                "metadata": document.metadata,
            },
            ensure_ascii=False,
        ),
        "image_bytes": [found.image if found else None for found in document.pictures],
    }


def _image(document: Document, position: int) -> dict[str, Any]:
    record = document.records[position] or {}
    picture = document.pictures[position]
    return {
        "document_url": document.row["URL"],
        "src": document.images[position],
        "alt_text": record.get("alt"),
        "caption": record.get("caption"),
        "rendered_width": record.get("width"),
        "rendered_height": record.get("height"),
        "original_width": picture.width if picture else None,
        "original_height": picture.height if picture else None,
        "format": picture.format if picture else None,
    }


OBELICS = Format("obelics", "parallel lists of texts and images, as OBELICS has them", _Writer)
