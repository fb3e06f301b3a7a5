"""Tars for Megatron Energon: `json` with the order of texts and images, the images beside it, and
the folder `.nv-meta` that `energon prepare` would write.

`images` names the parts of the sample: `{"texts": ["…", null], "images": [null, "1.jpg"]}`. The
sample loader in `.nv-meta` gives Energon's `InterleavedSample`: texts and decoded images in order,
those without bytes left out.
"""

from __future__ import annotations

import json

import pyarrow as pa

from infimm_spark.export.base import Finished, Format
from infimm_spark.export.documents import Document, Pictures, documents
from infimm_spark.export.mint import image_members, image_parts, page_facts
from infimm_spark.export.shards import Shards
from infimm_spark.export.tars import TarShards

_DATASET = """\
sample_type:
  __module__: megatron.energon
  __class__: InterleavedSample
part_filter: sample_loader.py:part_filter
sample_loader: sample_loader.py:sample_loader
"""

_LOADER = '''\
"""Energon reads a document of the corpus with this: texts and images in the order of the page."""


def sample_loader(sample):
    """The fields of an InterleavedSample."""
    order = sample["json"]
    return {
        "sequence": [
            text if text is not None else sample[image]
            for text, image in zip(order["texts"], order["images"])
            if text is not None or image is not None
        ]
    }


def part_filter(part):
    """Every file of a sample is wanted."""
    return True
'''


class _Writer:
    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._tars = TarShards(shards)

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        for document in documents(batch, pictures):
            parts = [("json", _content(document)), *image_parts(document)]
            self._tars.write(document.id, parts)

    def close(self) -> None:
        self._tars.close()


def _content(document: Document) -> bytes:
    content = {
        "texts": document.texts,
        "images": image_members(document),
        **page_facts(document),
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _finish(finished: Finished) -> dict[str, bytes]:
    counts = {shard.path: shard.documents for shard in finished.shards}
    info = {"energon_version": None, "shard_counts": counts}
    splits = {"split_parts": {"train": list(counts), "val": [], "test": []}, "exclude": []}
    return {
        ".nv-meta/.info.json": json.dumps(info, indent=2).encode(),
        ".nv-meta/split.yaml": json.dumps(splits, indent=2).encode(),  # JSON is YAML
        ".nv-meta/dataset.yaml": _DATASET.encode(),
        ".nv-meta/sample_loader.py": _LOADER.encode(),
    }


ENERGON = Format("energon", "tars of JSON and images for Megatron Energon", _Writer, _finish)
