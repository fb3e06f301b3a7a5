"""WARC files as nobody wrote them: sound ones, then damaged, from a seed."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import random
import sys
import zlib
from collections.abc import Callable

import brotli
import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: list[Callable[[bytes], bytes]] = [
    gzip.compress,
    gzip.compress,  # nearly all real files
    zstd.compress,
    lz4.frame.compress,
    bz2.compress,
    functools.partial(lzma.compress, preset=0),
    bytes,
]
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": functools.partial(brotli.compress, quality=2),
    "zstd": zstd.compress,
    "identity": bytes,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
}


def hostile_file(seed: int) -> bytes:
    """A WARC file of a few records with up to four kinds of damage; the same bytes for the same
    seed."""
    chance = random.Random(seed)
    pack = chance.choice(PACKERS)
    records = [_record(chance) for _ in range(chance.randint(1, 6))]
    if chance.random() < 0.3:
        data = bytearray(pack(b"".join(records)))
    else:
        data = bytearray(b"".join(pack(record) for record in records))
    for _ in range(chance.choice([0, 1, 1, 1, 2, 4])):
        chance.choice(DAMAGES)(chance, data)
    return bytes(data)


def _record(chance: random.Random) -> bytes:
    body = _body(chance)
    coding = chance.choice([*CODINGS, "identity", "identity"])
    http = b"HTTP/1.1 %d OK\r\nContent-Type: %b\r\nContent-Encoding: %b\r\n" % (
        chance.choice([200, 200, 200, 404, 999]),
        chance.choice([b"text/html", b"text/html", b"image/png", b"application/xml", b""]),
        coding.encode(),
    )
    if chance.random() < 0.1:  # headers without end, in number or in length
        http += chance.choice(
            [b"A: b\r\n" * 20_000, b"X: " + b"y" * 90_000 + b"\r\n", b"\0\r: \r\n"]
        )
    packed = CODINGS[coding](body)
    if chance.random() < 0.1:
        packed = packed[: len(packed) // 2]
    if chance.random() < 0.15:
        http += b"Transfer-Encoding: chunked\r\n"
        packed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed) + chance.choice([0, 0, 7]), packed)
    block = http + b"\r\n" + packed
    head = b"WARC/1.%d\r\nWARC-Type: %b\r\n" % (
        chance.randint(0, 1),
        chance.choice([b"response"] * 4 + [b"request", b"resource", b"metadata", b"\xff"]),
    )
    if chance.random() < 0.9:
        head += b"WARC-Target-URI: http://example.org/%d\r\n" % chance.randint(0, 9)
    if chance.random() < 0.05:
        head += b"Z: " + b"z" * 100_000 + b"\r\n"
    length = len(block)
    if chance.random() < 0.1:
        length = chance.choice([0, length - 1, length + 5, 10**12, 10**17, length // 2])
    lie = chance.choice([b"%d" % length] * 12 + [b"-1", b"ten", b"%d" % 10**30])
    return head + b"Content-Length: " + lie + b"\r\n\r\n" + block + b"\r\n\r\n"


def _body(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.05:
        return b"<html>" + b"\0" * chance.choice(
            [1 << 20, 6 << 20]
        )  # inflates far beyond the limit
    if kind < 0.15:
        return chance.randbytes(chance.randint(0, 3000))
    words = b" ".join(chance.choice([b"Let", b"x", b"= 1", b"<p>", b"$a$"]) for _ in range(200))
    return b"<!doctype html><html>" + words


def _flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.choice([1, 1, 3, 20])):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.randint(0, len(data)) :]


def _cut_out(chance: random.Random, data: bytearray) -> None:
    start = chance.randint(0, len(data))
    del data[start : start + chance.choice([1, 10, 500])]


def _put_in(chance: random.Random, data: bytearray) -> None:
    start = chance.randint(0, len(data))
    data[start:start] = chance.choice(
        [b"\0" * 300, b"\r\n" * 400, b"WARC/1.0\r\n", b"\x1f\x8b\x08", chance.randbytes(40)]
    )


def _repeat(chance: random.Random, data: bytearray) -> None:
    start = chance.randint(0, len(data))
    data += data[start : start + 2000]


def _spread(chance: random.Random, data: bytearray) -> None:
    """Line ends as an editor leaves them."""
    data[:] = data.replace(b"\r\n", chance.choice([b"\n", b"\r\r\n"]))


DAMAGES = [_flip, _flip, _cut, _cut_out, _put_in, _repeat, _spread]
