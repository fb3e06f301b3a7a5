"""`Document.text` and `Document.text_length` of the segments as tables hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

JOINT = "\n\n"


def joined_text() -> Column:
    """The text of the column `segments`: its text segments joined by blank lines."""
    texts = F.transform("segments", lambda segment: segment["text"])
    return F.array_join(F.filter(texts, lambda text: text != ""), JOINT)


def document_texts(segments: pa.ListArray) -> list[str]:
    """The text of each row of a `segments` column."""
    texts = pc.struct_field(segments.flatten(), "text").to_pylist()
    joined: list[str] = []
    start = 0
    for length in segments.value_lengths().to_pylist():
        stop = start + (length or 0)
        joined.append(JOINT.join(filter(None, texts[start:stop])))
        start = stop
    return joined


def text_length(segments: Iterable[Mapping[str, Any]]) -> int:
    """Characters of all text segments of a row, without what joins them."""
    return sum(len(segment["text"] or "") for segment in segments)
