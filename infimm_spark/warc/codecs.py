"""The compressions of WARC files, each as members (frames) that are inflated one by one in bounded
memory."""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import lz4.frame
from isal import igzip_lib

from infimm_spark.errors import DamagedMemberError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SKIPPABLE = struct.Struct("<II")  # a Zstandard frame without data: its number, bytes that follow
_DICTIONARY = (
    0x184D2A5D  # the number under which the crawlers of ArchiveTeam keep a file's dictionary
)
_MAX_DICTIONARY = 32 << 20


class Inflater(Protocol):
    """Inflates one member. `unused_data` is what was given from behind its end."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes more. Raises `DamagedMemberError`."""
        ...


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression, and what messages call it."""

    name: str
    member: str
    magic: bytes
    damage: str
    """The failure reason of a damaged member."""
    inflater: Callable[[], Inflater]
    is_sane: Callable[[bytes], bool] = bool
    """Whether bytes that begin with `magic` can be a member at all."""
    skips: bool = False
    """Whether members without data may lie between the others."""

    def skipped_bytes(self, head: bytes) -> int:
        """The length of the member without data that begins here; 0 where none does."""
        if len(head) < _SKIPPABLE.size:
            return 0
        number, length = _SKIPPABLE.unpack(head[: _SKIPPABLE.size])
        return _SKIPPABLE.size + length if number & 0xFFFFFFF0 == 0x184D2A50 else 0


def codec_of(head: bytes) -> Codec | None:
    """The compression that a file's first bytes show; None for a plain file."""
    for codec in CODECS:
        if head.startswith(codec.magic) or (head and codec.magic.startswith(head)):
            return codec
    return _ZSTANDARD if _ZSTANDARD.skipped_bytes(head) else None


def with_dictionary(codec: Codec, dictionary: bytes | None) -> Codec:
    """The codec with a file's dictionary. Raises `DamagedMemberError` where it is none."""
    if not dictionary:
        return codec
    try:
        known = zstd.ZstdDict(dictionary)
    except (ValueError, zstd.ZstdError) as error:
        raise DamagedMemberError(f"dictionary: {error}") from None
    return replace(codec, inflater=lambda: _Guarded(zstd.ZstdDecompressor(known)))


def dictionary_of(read: Callable[[int], bytes]) -> bytes | None:
    """The dictionary with which a Zstandard file begins, as ArchiveTeam's do; None where there is
    none.

    `read(n)` gives the file's first `n` bytes. Raises `DamagedMemberError`.
    """
    head = read(_SKIPPABLE.size)
    if len(head) < _SKIPPABLE.size:
        return None
    number, length = _SKIPPABLE.unpack(head)
    if number != _DICTIONARY:
        return None
    if length > _MAX_DICTIONARY:
        raise DamagedMemberError(f"dictionary: {length} bytes")
    body = read(_SKIPPABLE.size + length)[_SKIPPABLE.size :]
    if not body.startswith(_ZSTANDARD.magic):
        return body
    return _Guarded(zstd.ZstdDecompressor()).decompress(body, _MAX_DICTIONARY)


class NoMember:
    """Stands where no member has begun."""

    eof = True
    needs_input = False
    unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return b""


_ISAL_ERROR: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]


class _Guarded:
    """An inflater of the standard library's kind; whatever it raises is a `DamagedMemberError`."""

    def __init__(self, inflater: Any) -> None:
        self._inflater = inflater
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            piece: bytes = self._inflater.decompress(data, max_length)
        except (
            OSError,
            ValueError,
            RuntimeError,
            EOFError,
            _ISAL_ERROR,
            lzma.LZMAError,
            zstd.ZstdError,
        ) as error:
            raise DamagedMemberError(str(error) or type(error).__name__) from None
        self.eof = self._inflater.eof
        # Some still hold input when they have given `max_length` bytes.
        self.needs_input = self._inflater.needs_input and not self.eof
        self.unused_data = (self._inflater.unused_data or b"") if self.eof else b""
        return piece


def _sane_gzip(head: bytes) -> bool:
    return len(head) >= 4 and not head[3] & 0xE0  # reserved flags


_GZIP = Codec(
    "gzip",
    "gzip member",
    b"\x1f\x8b\x08",
    "damaged_gzip_member",
    lambda: _Guarded(igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)),
    _sane_gzip,
)
_ZSTANDARD = Codec(
    "Zstandard",
    "Zstandard frame",
    b"\x28\xb5\x2f\xfd",
    "damaged_file",
    lambda: _Guarded(zstd.ZstdDecompressor()),
    skips=True,
)
CODECS = (
    _GZIP,
    _ZSTANDARD,
    Codec(
        "LZ4",
        "LZ4 frame",
        b"\x04\x22\x4d\x18",
        "damaged_file",
        lambda: _Guarded(lz4.frame.LZ4FrameDecompressor()),
    ),
    Codec(
        "bzip2",
        "bzip2 stream",
        b"BZh",
        "damaged_file",
        lambda: _Guarded(bz2.BZ2Decompressor()),
    ),
    Codec(
        "xz",
        "xz stream",
        b"\xfd7zXZ\x00",
        "damaged_file",
        lambda: _Guarded(lzma.LZMADecompressor(memlimit=256 << 20)),
    ),
)
"""Every compression that is read, by the first bytes of a member."""
