"""What a WARC record is to the job: a page, skipped, or failed, with its reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from infimm_spark.errors import PageRejectedError
from infimm_spark.warc.message import (
    HttpHeaders,
    header_lines,
    looks_like_html,
    mime_class,
    payload,
)

SKIP_REASONS = (
    "record_type:<type>",  # warcinfo, request, metadata, resource (of no web page), revisit,
    #                        conversion, continuation, other
    "not_http",  # a response of another protocol (dns, ftp)
    "status:<code>",  # three digits other than 200, or `other`
    "mime:<type>",  # a common type, a top-level type such as image/*, or other
    "http_empty",  # HTML and 200, without a body
    # the crawl's own metadata puts it in other languages (`warc/crawl_languages.py`)
    "crawl_language",
)
"""Why a record is no page. `<...>` stands for a bounded set of values."""

FAILURE_REASONS = (
    "unreadable_file",  # the object is missing, or the connection broke for good
    "empty_file",
    "not_a_warc",  # an ARC file, an HTML error page, an archive without WARC files, anything else
    "truncated_file",  # the file ends inside this record
    "damaged_gzip_member",
    "damaged_file",  # a Zstandard, LZ4, bzip2 or xz frame
    # more records in a compressed member than it has bytes: the rest of the file is left
    "shared_offset",
    "bad_warc_header",  # not a record, no usable Content-Length, a response without a target URI
    "bad_content_length",  # the next record does not begin where this one should end
    "bad_http",
    "bad_content_encoding",  # the body does not decode as its Content-Encoding says
    "page_too_large",  # larger than max_page_bytes as stored
    "decode_bomb",  # larger than max_page_bytes once decoded
)
"""Why a record could not be read."""

_RECORD_TYPES = frozenset(
    {"warcinfo", "request", "metadata", "resource", "revisit", "conversion", "continuation"}
)
_XML_TYPES = frozenset({"application/xml", "text/xml"})
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
CRAWL_LANGUAGE = "crawl_language"
MAX_HEADER = 1 << 16  # bytes of a WARC header block, and of an HTTP one

HEADER_END = re.compile(rb"\n\r{0,2}\n")  # \r\r\n is found in files that went through an editor
_HTTP_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?!\d)")
_MIME = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)")


@dataclass(slots=True)
class Page:
    """An HTML response with status 200 and a body, or a saved HTML file.

    `body` is the HTTP payload, dechunked and content-decoded. `warc_offset` is the byte at which
    the record (its gzip member) begins and `warc_length` the bytes from there to the next record,
    as stored; a length of 0 says that the record shares its gzip member with others, so that no
    byte range holds it alone. `warc_date` and `warc_digest` (of the payload) are as written.
    `truncated` tells that the crawler cut the body (`WARC-Truncated`) or that its encoding ends
    early.
    """

    url: str
    body: bytes
    status: int
    http_headers: HttpHeaders
    content_type: str | None
    warc_file: str
    warc_offset: int
    warc_length: int
    warc_date: str | None
    warc_digest: str | None
    warc_headers: dict[str, str]
    truncated: bool

    @property
    def id(self) -> str:
        """`warc_id` of the record."""
        return warc_id(self.warc_file, self.warc_offset)


@dataclass(slots=True)
class Skipped:
    """A readable record that is no HTML page, or one in no wanted language; `reason` is one of
    `SKIP_REASONS`.

    `language` is a page's main language by the crawl's metadata, `detail` the evidence.
    """

    reason: str
    url: str | None
    warc_file: str
    warc_offset: int
    warc_length: int
    language: str | None = None
    detail: str | None = None


@dataclass(slots=True)
class Failed:
    """What could not be read; `reason` is one of `FAILURE_REASONS`, `message` is for people."""

    reason: str
    message: str
    url: str | None
    warc_file: str
    warc_offset: int
    warc_length: int


Item = Page | Skipped | Failed


def warc_id(warc_file: str, warc_offset: int) -> str:
    """32 hex digits: BLAKE2b with 16 bytes of digest over UTF-8 `warc_file`, a NUL, decimal
    offset."""
    key = f"{warc_file}\0{warc_offset}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16).hexdigest()


@dataclass(slots=True)
class Record:
    """A record as it stands in its file; `item` says what it is to the job.

    `header` are the bytes of its WARC header, `folded` their fields by lower-case name; `block`
    holds the record's bytes, only the first of them where `cut`.
    """

    header: bytes
    folded: dict[str, str]
    url: str | None
    block: bytes
    cut: bool
    max_page_bytes: int
    warc_file: str
    warc_offset: int
    warc_length: int = 0

    @property
    def kind(self) -> str:
        """`WARC-Type` in lower case."""
        return self.folded.get("warc-type", "").lower()

    def item(self, others: Mapping[str, float] | None = None) -> Item:
        """The page, or why there is none.

        A page that is in `others` (language code to share, the main one first) is skipped before
        its body is decoded.
        """
        item = _judged(self, others)
        item.warc_file = self.warc_file
        item.warc_offset, item.warc_length = self.warc_offset, self.warc_length
        return item


def _judged(record: Record, others: Mapping[str, float] | None) -> Item:
    """A record's item, without its file, offset and length."""
    folded, url, block = record.folded, record.url, record.block
    kind = record.kind
    if kind == "resource" and url is not None and _is_web_page(url, folded, block):
        # A file that warcit or a browser saved without an HTTP response around it.
        served = [("Content-Type", folded["content-type"])] if "content-type" in folded else []
        return _page(record, url, HttpHeaders(served), block)
    if kind != "response":
        return _skipped(f"record_type:{kind if kind in _RECORD_TYPES else 'other'}", url)
    if url is None:
        return Failed("bad_warc_header", "a response without a WARC-Target-URI", None, "", 0, 0)
    if not folded.get("content-type", "application/http").lower().startswith("application/http"):
        return _skipped("not_http", url)
    match = _HTTP_STATUS_LINE.match(block)
    if not match:
        return Failed("bad_http", "no HTTP status line", url, "", 0, 0)
    status = int(match[1])
    if status != 200:
        return _skipped(f"status:{status if 100 <= status <= 599 else 'other'}", url)
    end = HEADER_END.search(block, 0, MAX_HEADER)
    if end is None and len(block) >= MAX_HEADER:
        return Failed("bad_http", f"no end of the headers in {MAX_HEADER} bytes", url, "", 0, 0)
    headers = HttpHeaders(header_lines(block[: end.start() + 1] if end else block))

    mime = _media_type(headers.get("content-type") or "")
    identified = _media_type(folded.get("warc-identified-payload-type", ""))
    if mime in _XML_TYPES and identified in _HTML_TYPES:
        mime = identified  # XHTML served as XML: the crawler looked at the bytes
    mime = mime or identified
    if mime and mime not in _HTML_TYPES:
        return _skipped(f"mime:{mime_class(mime)}", url)
    if others and not record.cut:
        shares = ", ".join(f"{code} {share:.2f}" for code, share in others.items())
        item = _skipped(CRAWL_LANGUAGE, url)
        item.language, item.detail = next(iter(others)), f"languages-cld2: {shares}"
        return item
    body = block[end.end() :] if end else b""
    return _page(record, url, headers, body, is_html=bool(mime))


def _page(
    record: Record, url: str, headers: HttpHeaders, body: bytes, *, is_html: bool = True
) -> Item:
    """The page of a body as stored; where nothing says that it `is_html`, it has to look so."""
    max_page_bytes, folded = record.max_page_bytes, record.folded
    if record.cut:
        message = f"more than {max_page_bytes} bytes stored"
        return Failed("page_too_large", message, url, "", 0, 0)
    try:
        body, early = payload(body, headers, max_page_bytes)
    except PageRejectedError as error:
        return Failed(error.reason, str(error), url, "", 0, 0)
    if not body:
        return _skipped("http_empty", url)
    if len(body) > max_page_bytes:
        message = f"more than {max_page_bytes} bytes stored"
        return Failed("page_too_large", message, url, "", 0, 0)
    if not is_html and not looks_like_html(body):
        return _skipped("mime:other", url)
    return Page(
        url=url,
        body=body,
        status=200,
        http_headers=headers,
        content_type=headers.get("content-type"),
        warc_file="",
        warc_offset=0,
        warc_length=0,
        warc_date=folded.get("warc-date"),
        warc_digest=folded.get("warc-payload-digest"),
        warc_headers=_fields(record.header),
        truncated="warc-truncated" in folded or early,
    )


def _fields(header: bytes) -> dict[str, str]:
    """WARC header fields, names as written; of repeated ones the first."""
    fields: dict[str, str] = {}
    for name, value in header_lines(header):
        fields.setdefault(name, value)
    return fields


def _is_web_page(url: str, folded: dict[str, str], block: bytes) -> bool:
    """Whether a `resource` record holds a page of the web rather than a log, a screenshot or a
    list."""
    if not url.lower().startswith(("http://", "https://")):
        return False
    mime = _media_type(folded.get("content-type", ""))
    return mime in _HTML_TYPES if mime else looks_like_html(block)


def _media_type(value: str) -> str | None:
    """`text/html` of `Text/HTML; charset=utf-8`."""
    found = _MIME.match(value)
    return found[1].lower() if found else None


def _skipped(reason: str, url: str | None) -> Skipped:
    return Skipped(reason, url, "", 0, 0)
