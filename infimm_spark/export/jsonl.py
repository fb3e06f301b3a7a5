"""Text only, one JSON object a line, as dolma and datatrove read it.

`id`, `text`, `source`, `created` and `metadata` are dolma's; datatrove reads `id`, `text` and
`metadata`. Images are left out.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import pyarrow as pa

from infimm_spark.export.base import Format
from infimm_spark.export.documents import Document, Pictures, documents, joined_text
from infimm_spark.export.shards import Shards

_LEVEL = 6


class _Writer:
    def __init__(self, shards: Shards, with_pictures: bool) -> None:
        self._shards = shards
        self._lines: list[bytes] = []
        self._members: list[bytes] = []
        self._waiting = self._size = self._documents = self._files = 0

    def write(self, batch: pa.RecordBatch, pictures: Pictures | None) -> None:
        for document in documents(batch, None):
            line = json.dumps(_record(document), ensure_ascii=False).encode() + b"\n"
            self._lines.append(line)
            self._waiting += len(line)
            self._documents += 1
        if self._waiting >= min(16 << 20, self._shards.limit):
            self._compress()
            if self._size >= self._shards.limit:
                self._end_file()

    def close(self) -> None:
        self._compress()
        if self._members or not self._files:
            self._end_file()

    def _compress(self) -> None:
        """Lines to a gzip member of their own; members of a file follow each other."""
        if self._lines:
            member = gzip.compress(b"".join(self._lines), _LEVEL, mtime=0)
            self._members.append(member)
            self._size += len(member)
            self._lines, self._waiting = [], 0

    def _end_file(self) -> None:
        name = f"documents/{self._shards.unit:05d}-{self._files:04d}.jsonl.gz"
        content = b"".join(self._members) or gzip.compress(b"", _LEVEL, mtime=0)
        self._shards.put(name, content, self._documents)
        self._members, self._size, self._documents = [], 0, 0
        self._files += 1


def _record(document: Document) -> dict[str, Any]:
    row = document.row
    header = json.loads(document.metadata.get("WARC_HEADER") or "{}")
    return {
        "id": document.id,
        "text": joined_text(document),
        "source": "common-crawl",
        "created": header.get("WARC-Date"),
        "metadata": {
            "url": row["URL"],
            "title": row["title"],
            "language": document.language,
            "language_score": document.metadata.get("ft_lang_prob"),
            "math_score": document.metadata.get("math_prob"),
            "quality_score": document.metadata.get("math_prob_llama3"),
            "token_count": document.metadata.get("text_gpt3_token_len"),
            "snapshot": row["snapshot"],
            "license": row["license"],
            "warc_file": row["warc_file"],
            "warc_offset": row["warc_offset"],
        },
    }


JSONL = Format(
    "jsonl",
    "text only, gzipped JSON lines, for dolma and datatrove",
    _Writer,
    holds_pictures=False,
)
