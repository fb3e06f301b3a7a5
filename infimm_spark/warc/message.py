"""HTTP as a WARC holds it: header lines, media types, bodies without their encodings."""

from __future__ import annotations

import io
import re
import zlib

from fastwarc.stream_io import BrotliReader, ZstdReader

from infimm_spark.errors import PageRejectedError

_NAMED_TYPES = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/octet-stream",
        "application/pdf",
        "application/xml",
        "text/css",
        "text/javascript",
        "text/plain",
        "text/xml",
    }
)
_TOP_LEVEL_TYPES = frozenset(
    {"application", "audio", "font", "image", "message", "model", "multipart", "text", "video"}
)

_PIECE = 1 << 18  # most bytes one call inflates: a bomb cannot fill the memory
_MAX_MEMBERS = 64  # gzip members of one body, of which each costs a copy of the rest
_MAX_CODINGS = 4
_GZIP = b"\x1f\x8b\x08"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_FIELD = re.compile(r"^([^\s:][^:\n]*):([^\n]*)", re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]+")
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?><!--(?>.*?-->)\s*)*+"  # never tried twice
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|table|div|h1|p|a|br)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class HttpHeaders:
    """HTTP headers in their order; names are compared without case."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def get(self, name: str) -> str | None:
        """The first value of a header."""
        name = name.lower()
        return next((value for key, value in self.pairs if key.lower() == name), None)

    def get_all(self, name: str) -> list[str]:
        """All values of a header, such as several `X-Robots-Tag` lines."""
        name = name.lower()
        return [value for key, value in self.pairs if key.lower() == name]


def header_lines(block: bytes) -> list[tuple[str, str]]:
    """(name, value) of the header lines behind the first line; folded lines are joined by a
    blank."""
    text = block.decode("utf-8", "replace").partition("\n")[2]
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    return [(name.rstrip(), value.strip()) for name, value in _FIELD.findall(text)]


def mime_class(mime: str) -> str:
    """The name under which the ledger counts a media type: itself, its family (`image/*`) or
    `other`."""
    if mime in _NAMED_TYPES:
        return mime
    top = mime.partition("/")[0]
    return f"{top}/*" if top in _TOP_LEVEL_TYPES else "other"


def looks_like_html(body: bytes) -> bool:
    """Whether the first 2,048 bytes begin as an HTML page does."""
    head = body[:2048]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.replace(b"\0", b"")[2:]
    return _HTML_START.match(head) is not None


def payload(body: bytes, headers: HttpHeaders, limit: int) -> tuple[bytes, bool]:
    """The body without transfer and content encoding, and whether its encoding ended early.

    A header may claim an encoding that the crawler already took off: such a body stays as it is.
    """
    early = False
    transfer = headers.get("transfer-encoding")
    if transfer and "chunked" in transfer.lower():
        body, early = _dechunked(body)
    codings = [c.strip().lower() for v in headers.get_all("content-encoding") for c in v.split(",")]
    if len(codings) > _MAX_CODINGS:
        raise PageRejectedError("bad_content_encoding", f"{len(codings)} content encodings")
    for coding in reversed(codings):
        if not body:
            break
        if coding in ("gzip", "x-gzip") and body.startswith(_GZIP):
            body, cut = _inflated(body, 31, limit)
        elif coding == "deflate":
            body, cut = _inflated_either_way(body, limit)
        elif coding == "br":
            body, cut = _read_out(BrotliReader, body, limit)
        elif coding == "zstd" and body.startswith(_ZSTANDARD):
            body, cut = _read_out(ZstdReader, body, limit)
        else:
            cut = False
        early = early or cut
    return body, early


def _dechunked(body: bytes) -> tuple[bytes, bool]:
    at = 0
    chunks: list[bytes] = []
    while match := _CHUNK_SIZE.match(body, at):
        size = int(match[1], 16)
        if size == 0:
            return b"".join(chunks), False
        at = match.end()
        chunks.append(body[at : at + size])
        at += size
        if at > len(body):
            break
        if body.startswith(b"\r\n", at):
            at += 2
        elif body.startswith(b"\n", at):
            at += 1
    if not chunks:
        return body, False  # the header is there, the chunks are not
    return b"".join(chunks), True


def _inflated(body: bytes, wbits: int, limit: int) -> tuple[bytes, bool]:
    """Inflate all gzip members, or one zlib or raw stream (`wbits` as zlib has them)."""
    pieces: list[bytes] = []
    size = 0
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(wbits)
        try:
            piece = inflater.decompress(body, limit + 1 - size)
        except zlib.error as error:
            if pieces:
                break  # bytes behind a complete member
            raise PageRejectedError("bad_content_encoding", f"body: {error}") from None
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise _bomb(limit)
        body = inflater.unused_data
        if wbits != 31 or not body.startswith(_GZIP):
            break
    return b"".join(pieces), not inflater.eof or body.startswith(_GZIP)


def _inflated_either_way(body: bytes, limit: int) -> tuple[bytes, bool]:
    for wbits in (15, -15):  # with zlib's header, as the standard wants, and without
        try:
            return _inflated(body, wbits, limit)
        except PageRejectedError as error:
            if error.reason != "bad_content_encoding":
                raise
    return _as_it_is(body, "deflate")


def _read_out(
    reader: type[BrotliReader] | type[ZstdReader], body: bytes, limit: int
) -> tuple[bytes, bool]:
    """The body inflated as far as it goes, and whether it ends early."""
    out = bytearray()
    step = _PIECE
    while True:
        # A reader that meets the end of a cut body fails without what it had of the piece asked
        # for: read again as far as it went, and from there in smaller pieces.
        source = reader(io.BytesIO(body))
        try:
            passed = 0
            while passed < len(out):
                passed += len(source.read(min(_PIECE, len(out) - passed)))
            while piece := source.read(step):
                out += piece
                if len(out) > limit:
                    raise _bomb(limit)
            return bytes(out), step < _PIECE
        except OSError:
            if step > 1:
                step = max(1, step >> 5)
                continue
        # Brotli has no checksum: of bytes that are none it makes a few, too.
        if len(out) < _PIECE and not looks_like_html(bytes(out[:2048])):
            return _as_it_is(body, "br" if reader is BrotliReader else "zstd")
        return bytes(out), True


def _as_it_is(body: bytes, coding: str) -> tuple[bytes, bool]:
    if looks_like_html(body):
        return body, False
    raise PageRejectedError("bad_content_encoding", f"body: not {coding}")


def _bomb(limit: int) -> PageRejectedError:
    return PageRejectedError("decode_bomb", f"more than {limit} bytes when decoded")
