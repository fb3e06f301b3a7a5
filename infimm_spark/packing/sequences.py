"""Sequences of one length, made of parts of documents, and the files that hold them."""

from __future__ import annotations

import io
import json
import random
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import xxhash

from infimm_spark.export.documents import Picture
from infimm_spark.export.shards import ParquetShards, Shards
from infimm_spark.export.tars import TarShards
from infimm_spark.packing.bestfit import best_fit
from infimm_spark.packing.pieces import Part
from infimm_spark.packing.topup import topped_up

_PART = pa.struct(
    [
        ("id", pa.string()),  # the document
        ("part", pa.int32()),  # from 0
        ("parts", pa.int32()),  # of this document, in all sequences
        ("first", pa.int32()),  # its first token in the document
        ("start", pa.int32()),  # its first token in the sequence
        ("tokens", pa.int32()),
    ]
)
_IMAGE = pa.struct(
    [
        ("id", pa.string()),  # the document
        ("position", pa.int32()),  # in image_list
        ("url", pa.string()),
        ("start", pa.int32()),  # its first token in the sequence
        ("tokens", pa.int32()),
        ("format", pa.string()),
        ("bytes", pa.binary()),  # null unless fetched images were asked for
    ]
)
PACKED = pa.schema(
    [
        ("sequence", pa.string()),
        ("input_ids", pa.list_(pa.int32())),  # all of one length
        ("loss_mask", pa.list_(pa.uint8())),  # 1 for text and the ends of documents
        ("document_ids", pa.list_(pa.int16())),  # the part a token belongs to, -1 for padding
        ("parts", pa.list_(_PART)),
        ("images", pa.list_(_IMAGE)),
    ]
)
"""A training sequence."""

UNUSED = pa.schema(
    [
        ("id", pa.string()),
        ("first", pa.int32()),  # the span's first token in the document
        ("tokens", pa.int32()),
        ("images", pa.int32()),
        ("reason", pa.string()),
    ]
)
"""A span of a document that is in no sequence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What sequences are like: length, most images, tokens that stand for an image."""

    length: int
    max_images: int
    image_tokens: int
    least_fill: float = 0.97
    """Documents that fit are cut to reach this; 0 for never."""


Bytes = Callable[[str, int], Picture | None]
"""The bytes of an image by document id and position."""


class SequenceWriter(Protocol):
    """Writes sequences to the files of a unit."""

    def write(self, name: str, row: dict[str, Any], arrays: dict[str, Any]) -> None:
        """Add a sequence: `row` has its parts and images, `arrays` its three lists."""

    def close(self) -> None:
        """Write what is left."""


def packed(parts: Sequence[Part], shape: Shape, seed: int) -> list[list[Part]]:
    """The parts in sequences, best-fit; in an order that depends on the seed and the parts only."""
    ordered = sorted(parts, key=lambda part: (_chance(part, seed), _place(part)))
    bins = best_fit(
        [part.tokens for part in ordered],
        [len(part.span.images) for part in ordered],
        shape.length,
        shape.max_images,
    )
    sequences = [[ordered[item] for item in items] for items in bins]
    sequences = topped_up(sequences, shape.length, shape.max_images, shape.least_fill)
    for sequence in sequences:  # in the order drawn, not by size
        sequence.sort(key=lambda part: (_chance(part, seed), _place(part)))
    random.Random(seed).shuffle(sequences)
    return sequences


def numbered(sequences: Sequence[Sequence[Part]]) -> dict[tuple[str, int], tuple[int, int]]:
    """(document, first token) of each part -> its number among the document's parts, and theirs."""
    places: dict[str, list[int]] = {}
    for sequence in sequences:
        for part in sequence:
            places.setdefault(part.document.id, []).append(part.span.first)
    return {
        (identity, first): (number, len(firsts))
        for identity, firsts in places.items()
        for number, first in enumerate(sorted(firsts))
    }


def arrays_of(parts: Sequence[Part], shape: Shape, end: int) -> dict[str, Any]:
    """`input_ids`, `loss_mask` and `document_ids` of a sequence; padding is the token `end`."""
    ids = array("i")
    loss = np.zeros(shape.length, np.uint8)
    owners = np.full(shape.length, -1, np.int16)
    for number, part in enumerate(parts):
        start = len(ids)
        ids.extend(part.document.ids[part.span.first : part.span.end])
        loss[start : len(ids)] = 1
        owners[start : len(ids)] = number
        for image in part.span.images:
            at = start + image.first - part.span.first
            loss[at : at + shape.image_tokens] = 0
    ids.extend([end] * (shape.length - len(ids)))
    return {
        "input_ids": np.frombuffer(ids, np.int32),
        "loss_mask": loss,
        "document_ids": owners,
    }


def row_of(
    parts: Sequence[Part],
    numbers: Mapping[tuple[str, int], tuple[int, int]],
    shape: Shape,
    pictures: Bytes | None,
) -> dict[str, Any]:
    """`parts` and `images` of a sequence; `numbers` are those of `numbered`."""
    found: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    start = 0
    for part in parts:
        first = part.span.first
        number, of = numbers[part.document.id, first]
        found.append(
            {
                "id": part.document.id,
                "part": number,
                "parts": of,
                "first": first,
                "start": start,
                "tokens": part.tokens,
            }
        )
        for image in part.span.images:
            picture = pictures(part.document.id, image.position) if pictures else None
            images.append(
                {
                    "id": part.document.id,
                    "position": image.position,
                    "url": image.url,
                    "start": start + image.first - first,
                    "tokens": shape.image_tokens,
                    "format": picture.format if picture else None,
                    "bytes": picture.image if picture else None,
                }
            )
        start += part.tokens
    return {"parts": found, "images": images}


class ParquetSequences:
    """Sequences as rows of `PACKED`, `sequences/<unit>-<n>.parquet`."""

    _BATCH = 256

    def __init__(self, shards: Shards) -> None:
        self._rows: list[dict[str, Any]] = []
        self._files = ParquetShards(
            shards, PACKED, lambda n: f"sequences/{shards.unit:05d}-{n:04d}.parquet"
        )

    def write(self, name: str, row: dict[str, Any], arrays: dict[str, Any]) -> None:
        self._rows.append({"sequence": name, **row, **arrays})
        if len(self._rows) >= self._BATCH:
            self._end_batch()

    def close(self) -> None:
        self._end_batch()
        self._files.close()

    def _end_batch(self) -> None:
        columns = [
            pa.array([row[field.name] for row in self._rows], field.type) for field in PACKED
        ]
        self._files.write(pa.RecordBatch.from_arrays(columns, schema=PACKED))
        self._rows = []


class WebDatasetSequences:
    """Sequences as samples of tars: three `.npy` arrays, `json`, and the images `0.jpg`, ….

    An image of the JSON names its file in `file`.
    """

    def __init__(self, shards: Shards) -> None:
        self._tars = TarShards(shards)

    def write(self, name: str, row: dict[str, Any], arrays: dict[str, Any]) -> None:
        files = [(f"{key}.npy", _npy(value)) for key, value in arrays.items()]
        images = []
        for number, image in enumerate(row["images"]):
            content, kept = image["bytes"], {k: v for k, v in image.items() if k != "bytes"}
            if content is not None:
                extension = Picture(image["format"], 0, 0, "", b"").extension
                kept["file"] = f"{number}.{extension}"
                files.append((kept["file"], content))
            images.append(kept)
        about = json.dumps({"parts": row["parts"], "images": images}, ensure_ascii=False)
        self._tars.write(name, [("json", about.encode()), *files])

    def close(self) -> None:
        self._tars.close()


WRITERS: dict[str, Callable[[Shards], SequenceWriter]] = {
    "parquet": ParquetSequences,
    "webdataset": WebDatasetSequences,
}
"""By the name of the output format."""


def _chance(part: Part, seed: int) -> int:
    return int(xxhash.xxh64_intdigest(f"{part.document.id} {part.span.first}".encode(), seed))


def _place(part: Part) -> tuple[str, int]:
    return part.document.id, part.span.first


def _npy(values: Any) -> bytes:
    sink = io.BytesIO()
    np.save(sink, values, allow_pickle=False)
    return sink.getvalue()
