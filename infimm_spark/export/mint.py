"""Tars as MINT-1T has them: `<id>.json` with lists `texts` and `images`, and the images beside it.

An entry of `images` is the name of the tar's member with the bytes, `<id>.<position>.jpg`. Where an
image was not fetched, both lists are null at its position and `image_urls` has its address; an
address in `images` itself would make readers take another image of the document for it.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from infimm_spark.export.base import Format
from infimm_spark.export.documents import Document, Pictures, documents
from infimm_spark.export.shards import Shards
from infimm_spark.export.tars import TarShards


class _Writer:
    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._tars = TarShards(shards)

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        for document in documents(batch, pictures):
            members = image_members(document)
            names = [f"{document.id}.{name}" if name else None for name in members]
            content = _content(document, names)
            self._tars.write(document.id, [("json", content), *image_parts(document)])

    def close(self) -> None:
        self._tars.close()


def image_members(document: Document) -> list[str | None]:
    """For each position the extension of the image's member, such as `3.jpg`; null without one."""
    return [
        f"{position}.{picture.extension}" if picture else None
        for position, picture in enumerate(document.pictures)
    ]


def image_parts(document: Document) -> list[tuple[str, bytes]]:
    """(extension, bytes) of the images of a document, in order."""
    return [
        (name, picture.image)
        for name, picture in zip(image_members(document), document.pictures, strict=True)
        if name and picture
    ]


def page_facts(document: Document) -> dict[str, Any]:
    """What both tar formats say of a document beside its texts and images."""
    row = document.row
    return {
        "image_urls": document.images,
        "image_alts": [(record or {}).get("alt") for record in document.records],
        "url": row["URL"],
        "title": row["title"],
        "language": document.language,
        "snapshot": row["snapshot"],
        "license": row["license"],
        "warc_file": row["warc_file"],
        "warc_offset": row["warc_offset"],
        "metadata": document.metadata,
    }


def _content(document: Document, names: list[str | None]) -> bytes:
    content = {"texts": document.texts, "images": names, **page_facts(document)}
    return json.dumps(content, ensure_ascii=False).encode()


MINT = Format("mint", "tars of JSON and images, as MINT-1T has them", _Writer)
