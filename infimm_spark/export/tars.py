"""Tars of samples, as WebDataset reads them: the files of a sample stand together and share a name
up to its first dot.

Two tars of the same samples are equal byte for byte: no times, no owners.
"""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Sequence

from infimm_spark.export.shards import Shards

_BLOCK = tarfile.BLOCKSIZE


class TarShards:
    """Samples to tars `shards/<unit>-<n>.tar`, each with an index `.tar.idx`: the offset of every
    sample and of the end, little-endian 64-bit integers."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards
        self._content = io.BytesIO()
        self._offsets: list[int] = []
        self._files = 0
        self._counts: dict[str, int] = {}
        shards.facts["samples"] = self._counts

    def write(self, key: str, parts: Sequence[tuple[str, bytes]]) -> None:
        """Add a sample: its key, without a dot, and (extension, content) of its files."""
        self._offsets.append(self._content.tell())
        for extension, content in parts:
            member = tarfile.TarInfo(f"{key}.{extension}")
            member.size = len(content)
            member.mode = 0o644
            self._content.write(member.tobuf(tarfile.USTAR_FORMAT))
            self._content.write(content)
            self._content.write(b"\0" * (-len(content) % _BLOCK))
        if self._content.tell() >= self._shards.limit:
            self.close()

    def close(self) -> None:
        """Write the samples that wait, if there are any."""
        if not self._offsets:
            return
        samples = len(self._offsets)
        name = f"shards/{self._shards.unit:05d}-{self._files:04d}.tar"
        self._offsets.append(self._content.tell())
        self._content.write(b"\0" * (2 * _BLOCK))
        self._content.write(b"\0" * (-self._content.tell() % tarfile.RECORDSIZE))
        index = struct.pack(f"<{len(self._offsets)}Q", *self._offsets)
        self._shards.put(f"{name}.idx", index, 0)
        self._shards.put(name, self._content.getvalue(), samples)
        self._counts[name] = samples
        self._content, self._offsets, self._files = io.BytesIO(), [], self._files + 1
