"""A folder as the Hugging Face Hub and `datasets` read it: Parquet by snapshot and language, a card
with configurations, and Croissant metadata.

Columns are those of the corpus. With fetched images a column `pictures` beside `image_list` holds
them, as the feature `Image`; null where an image was not fetched.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pyarrow as pa

from infimm_spark import schemas
from infimm_spark.export.base import Finished, Format
from infimm_spark.export.documents import Pictures, language_of
from infimm_spark.export.hf_card import card
from infimm_spark.export.hf_croissant import croissant
from infimm_spark.export.obelics import pieces
from infimm_spark.export.shards import ParquetShards, Shards

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


class _Writer:
    """One series of files for each snapshot and language: `data/<snapshot>/<language>/`."""

    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._shards = shards
        self._schema = corpus_schema(with_pictures=with_pictures)
        self._open: dict[str, ParquetShards] = {}
        self._counts: Counter[str] = Counter()

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        for part in pieces(batch, pictures is not None):
            keys = [
                f"{snapshot or 'unknown'}/{language_of(json.loads(metadata or '{}'))}"
                for snapshot, metadata in zip(
                    part.column("snapshot").to_pylist(),
                    part.column("metadata").to_pylist(),
                    strict=True,
                )
            ]
            filled = _with_pictures(part, pictures) if pictures is not None else part
            rows = pa.RecordBatch.from_arrays(filled.columns, schema=self._schema)
            for key in dict.fromkeys(keys):
                numbers = [number for number, other in enumerate(keys) if other == key]
                self._file(key).write(rows.take(pa.array(numbers, pa.int32())))
                self._counts[key] += len(numbers)

    def close(self) -> None:
        for rows in self._open.values():
            rows.close()
        self._shards.facts["documents"] = dict(sorted(self._counts.items()))

    def _file(self, key: str) -> ParquetShards:
        if key not in self._open:
            unit = self._shards.unit

            def path_of(number: int) -> str:
                return f"data/{key}/part-{unit:05d}-{number:04d}.parquet"

            self._open[key] = ParquetShards(self._shards, self._schema, path_of)
        return self._open[key]


def corpus_schema(*, with_pictures: bool) -> pa.Schema:
    """The columns, with the features that `datasets` reads from the file where Arrow's types do not
    say them."""
    if not with_pictures:
        return schemas.CORPUS
    place = schemas.CORPUS.get_field_index("images") + 1
    schema = schemas.CORPUS.insert(place, pa.field("pictures", pa.list_(_PICTURE)))
    features = {field.name: _feature(field.type) for field in schema}
    features["pictures"] = [{"_type": "Image"}]
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(kind: pa.DataType) -> Any:
    """An Arrow type as `datasets` writes its features to JSON."""
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    names = {"float": "float32", "double": "float64"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _with_pictures(batch: pa.RecordBatch, pictures: Pictures) -> pa.RecordBatch:
    found = []
    for identity, images in zip(
        batch.column("id").to_pylist(), batch.column("image_list").to_pylist(), strict=True
    ):
        row: list[dict[str, Any] | None] = []
        for position, url in enumerate(images or []):
            picture = pictures(identity, position) if url is not None else None
            name = f"{identity}.{position}"
            row.append(
                {"bytes": picture.image, "path": f"{name}.{picture.extension}"} if picture else None
            )
        found.append(row)
    place = batch.schema.get_field_index("images") + 1
    return batch.add_column(place, "pictures", pa.array(found, pa.list_(_PICTURE)))


def _finish(finished: Finished) -> dict[str, bytes]:
    counts: Counter[str] = Counter()
    for record in finished.records:
        counts.update(record.facts.get("documents", {}))
    return {
        "README.md": card(finished, counts).encode(),
        "croissant.json": croissant(
            finished, corpus_schema(with_pictures=finished.with_pictures)
        ).encode(),
    }


HF = Format("hf", "a folder for the Hugging Face Hub: Parquet, card, Croissant", _Writer, _finish)
