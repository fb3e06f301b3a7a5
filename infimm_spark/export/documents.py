"""A document of the corpus as the formats see it: texts and images in order, with fetched bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

EXTENSIONS = {
    "jpeg": "jpg",
    "png": "png",
    "gif": "gif",
    "webp": "webp",
    "bmp": "bmp",
    "tiff": "tif",
}
"""Image format, as its bytes say -> file name extension."""

MIME_TYPES = {name: f"image/{name}" for name in EXTENSIONS}


@dataclass(frozen=True, slots=True)
class Picture:
    """A fetched image: `format` is `jpeg`, `png`, …; width and height in pixels."""

    format: str
    width: int
    height: int
    sha256: str
    image: bytes

    @property
    def extension(self) -> str:
        """File name extension without a dot."""
        return EXTENSIONS.get(self.format, self.format)


Pictures = Callable[[str, int], Picture | None]
"""By document id and position; asked in the order of the corpus. None where there are no bytes."""


@dataclass(frozen=True, slots=True)
class Document:
    """One row of the corpus. The four lists are parallel: at each position either `texts` or
    `images` is not null; `records` and `pictures` belong to `images`."""

    row: dict[str, Any]
    """All columns of `schemas.CORPUS`."""
    metadata: dict[str, Any]
    """The column `metadata`, parsed."""
    texts: list[str | None]
    images: list[str | None]
    records: list[dict[str, Any] | None]
    pictures: list[Picture | None]

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def language(self) -> str:
        """`en`, `zh`; `und` where the metadata has none."""
        return language_of(self.metadata)


def documents(batch: pa.RecordBatch, pictures: Pictures | None) -> Iterator[Document]:
    """The documents of a batch of `schemas.CORPUS`, in order."""
    for row in batch.to_pylist():
        images = row["image_list"] or []
        found = iter(row["images"] or [])
        records = [next(found, None) if url is not None else None for url in images]
        yield Document(
            row=row,
            metadata=json.loads(row["metadata"] or "{}"),
            texts=row["text_list"] or [],
            images=images,
            records=records,
            pictures=[
                pictures(row["id"], position) if pictures and url is not None else None
                for position, url in enumerate(images)
            ],
        )


def language_of(metadata: dict[str, Any]) -> str:
    """The language code in a document's metadata; `und` where there is none."""
    return str(metadata.get("ft_lang_label") or "").removeprefix("__label__") or "und"


def joined_text(document: Document) -> str:
    """The texts of a document, with blank lines between them."""
    return "\n\n".join(text for text in document.texts if text)
