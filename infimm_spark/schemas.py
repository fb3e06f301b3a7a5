"""Every table the job writes: columns, types and meaning – the contract between stages.

Schemas are Arrow schemas, so that the core needs no Spark; `spark_schema` converts one where a
DataFrame is built. All tables are Parquet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

IMAGE = pa.struct(
    [
        ("url", pa.string()),
        ("alt", pa.string()),
        ("title", pa.string()),
        ("caption", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
    ]
)
"""An image as found on the page; `url` absolute."""

SEGMENT = pa.struct([("text", pa.string()), ("image", IMAGE)])
"""Text or image: exactly one is non-null."""

FORMULA_COUNT = pa.struct(
    [("encoding", pa.string()), ("outcome", pa.string()), ("count", pa.int32())]
)
"""Formulas of a page by encoding and outcome (valid, invalid, failed)."""

FORMULA_FAULT = pa.struct(
    [
        ("encoding", pa.string()),
        ("outcome", pa.string()),
        ("reason", pa.string()),
        ("count", pa.int32()),
    ]
)
"""Formulas of a page that are invalid or failed, by why they are."""

MASKED = pa.struct([("kind", pa.string()), ("count", pa.int32())])
"""How many e-mail addresses or telephone numbers were replaced (`email`, `phone`)."""

_POINTER: list[tuple[str, pa.DataType]] = [
    ("id", pa.string()),  # 32 hex digits: 128-bit hash of warc_file and warc_offset
    ("url", pa.string()),  # WARC-Target-URI
    ("snapshot", pa.string()),  # CC-MAIN-YYYY-WW, or the configured name for other inputs
    ("warc_file", pa.string()),  # the file's name in the crawl, independent of where it is mounted
    ("warc_offset", pa.int64()),  # byte offset of the record (of its gzip member, if compressed)
    ("warc_length", pa.int64()),  # bytes from that offset to the end of the record, compressed
]

POINTER = tuple(name for name, _ in _POINTER)
"""Columns that say which record a row is about and where it lies."""

DOCUMENTS = pa.schema(
    [
        *_POINTER,
        ("warc_date", pa.string()),  # WARC-Date as written
        ("warc_digest", pa.string()),  # WARC-Payload-Digest as written
        ("warc_headers", pa.string()),  # all WARC headers of the record, JSON
        ("charset", pa.string()),
        ("title", pa.string()),
        ("language", pa.string()),  # fastText lid.176 label without its prefix: en, zh
        ("language_prob", pa.float32()),
        ("recall_prob", pa.float32()),  # recall classifier on the quick text (the cascade's floor)
        ("math_prob", pa.float32()),  # recall classifier on the extracted text
        ("segments", pa.list_(SEGMENT)),
        ("text_length", pa.int32()),  # characters of all text segments
        ("formula_counts", pa.list_(FORMULA_COUNT)),
        ("n_formulas", pa.int32()),  # recovered formulas (valid and invalid)
        ("n_images", pa.int32()),
        ("macros", pa.string()),  # definitions kept because they could not be expanded safely
        ("consent", pa.list_(pa.string())),  # opt-out signals of headers and markup
        ("truncated", pa.bool_()),  # the crawler cut the body, or its encoding ends early
        ("license", pa.string()),  # the licence that the page names, a URL or in words
        ("formula_faults", pa.list_(FORMULA_FAULT)),  # not valid, by why; null in older runs
    ]
)
"""A page that passed language and the recall floor."""

LEDGER = pa.schema(
    [
        ("warc_file", pa.string()),
        ("stage", pa.string()),  # extract, recall, dedup, rules, precision, publish
        ("outcome", pa.string()),  # read, kept, dropped, failed
        ("reason", pa.string()),  # null for read and kept
        ("count", pa.int64()),
    ]
)
"""Counts by WARC file; for each (warc_file, stage): read = kept + dropped + failed."""

TRAFFIC = pa.schema(
    [
        ("warc_file", pa.string()),
        ("requests", pa.int64()),  # sent for this file, failed ones included
        ("retries", pa.int64()),  # of them, or reconnections, after a failure
        ("bytes", pa.int64()),  # received
    ]
)
"""What reading a WARC file cost: the ledger's other half, written and committed with it."""

REJECTS = pa.schema(
    [
        *_POINTER,
        ("stage", pa.string()),
        ("outcome", pa.string()),  # dropped or failed
        ("reason", pa.string()),  # the rule, as in the ledger
        ("score", pa.float64()),  # the value that decided, null where there is none
        ("language", pa.string()),
        ("detail", pa.string()),  # human-readable: message of a failure, the kept id of a duplicate
    ]
)
"""A page that a stage did not keep."""

SIGNATURES = pa.schema(
    [
        ("id", pa.string()),
        ("snapshot", pa.string()),
        ("warc_date", pa.string()),
        ("n_formulas", pa.int32()),
        ("text_length", pa.int32()),
        ("text_hash", pa.binary()),  # 128 bits of the normalised text, null if that is empty
        ("url_hash", pa.binary()),  # 128 bits of the URL key
        ("signature", pa.binary()),  # num_perm little-endian uint32 values, null for short texts
        ("sketch", pa.binary()),  # the smallest mixed shingle hashes, sorted uint32; null likewise
        ("n_shingles", pa.int32()),  # distinct
        ("fingerprint", pa.string()),  # of shingling and permutations, checked on read
    ]
)
"""What dedup knows of a document: survivor order, hashes of text and URL key, MinHash signature."""

RANKED = pa.schema([*SIGNATURES, ("rank", pa.int64())])  # grows in survivor order; has gaps
"""Signatures as a run stores them, for itself and for the runs that come after it."""

HOT_BUCKETS = pa.schema(
    [
        ("bucket", pa.int64()),
        ("members", pa.int64()),
        ("best", pa.int64()),  # the rank (see RANKED) of the document its members are compared with
    ]
)
"""A bucket with very many members, in one round of near dedup; a table only where there are any."""

DUPLICATES = pa.schema(
    [
        ("id", pa.string()),  # the removed document
        ("kept_id", pa.string()),  # the document that stays for it
        (
            "matched_id",
            pa.string(),
        ),  # the document it was removed for; may itself go in a later step
        ("reason", pa.string()),  # exact, near, url
        ("jaccard", pa.float32()),  # verified, with matched_id; 1.0 for exact; null for url
        ("round", pa.string()),  # the scope it was found in, e.g. CC-MAIN-2023-40 or a pair
    ]
)
"""Evidence for a removed document."""

METRICS: list[tuple[str, pa.DataType]] = [
    ("size", pa.int32()),
    ("char_repetition_ratio", pa.float64()),
    ("word_repetition_ratio", pa.float64()),
    ("special_character_ratio", pa.float64()),
    ("punctuation_ratio", pa.float64()),
    ("nsfw_num_words", pa.int32()),
    ("has_unicode_error", pa.bool_()),
]
"""OBELICS's text metrics, as the release names them."""

CLEAN = pa.schema([*DOCUMENTS, *METRICS, ("quality_prob", pa.float32())])
"""A document that passed the rules, scored by the high-precision classifier."""

CORPUS = pa.schema(
    [
        ("URL", pa.string()),
        ("text_list", pa.list_(pa.string())),
        ("image_list", pa.list_(pa.string())),
        ("metadata", pa.string()),
        # what the release lacks
        ("id", pa.string()),
        ("title", pa.string()),
        ("warc_file", pa.string()),
        ("warc_offset", pa.int64()),
        ("warc_length", pa.int64()),
        ("images", pa.list_(IMAGE)),  # in order of the non-null entries of image_list
        ("formula_counts", pa.list_(FORMULA_COUNT)),
        ("macros", pa.string()),
        ("consent", pa.list_(pa.string())),
        ("truncated", pa.bool_()),
        ("license", pa.string()),
        ("masked", pa.list_(MASKED)),  # what was masked in text and title; null unless configured
        ("contaminated", pa.list_(pa.string())),  # evaluation sets it contains; null unless marked
        ("snapshot", pa.string()),  # partition column
    ]
)
"""A released document: the published four columns, then ours."""

CONTAMINATION = pa.schema(
    [
        ("id", pa.string()),  # the document
        ("warc_file", pa.string()),
        ("set", pa.string()),  # the evaluation set
        ("question_number", pa.int32()),  # its row in the set's file, from 0
        ("question", pa.string()),  # as the set has it
        ("start", pa.int32()),  # the span of the document's text that matches: characters
        ("end", pa.int32()),
        ("span", pa.string()),  # that text
        ("share", pa.float32()),  # of the question's words (characters) that the span has, in order
        ("longest", pa.int32()),  # longest run of the question's words (characters) in the document
    ]
)
"""Evidence that a document contains an evaluation question."""

IMAGES = pa.schema(
    [
        ("id", pa.string()),  # the document
        ("snapshot", pa.string()),
        ("warc_file", pa.string()),
        ("position", pa.int32()),  # in image_list
        ("url", pa.string()),
        ("key", pa.string()),  # first 32 hex digits of the URL's SHA-256; joins FETCHED
        ("date", pa.string()),  # when the page was crawled, WARC-Date
        ("width", pa.int32()),  # as the page states them
        ("height", pa.int32()),
        ("uses", pa.int64()),  # how often the corpus has this URL
        ("document_images", pa.int32()),  # images of the document
        ("reason", pa.string()),  # why the image was left out; null for a selected one
    ]
)
"""An image in a document of the corpus, selected or not."""

FETCHED = pa.schema(
    [
        ("url", pa.string()),
        ("key", pa.string()),  # first 32 hex digits of the URL's SHA-256; names the image in tars
        ("status", pa.string()),  # ok, or why there is no image: see docs/pages/images.md
        ("detail", pa.string()),  # of a failure, in words
        ("http_status", pa.int32()),  # of the last answer, null without one
        ("attempts", pa.int32()),  # requests made, those to an archive included
        ("fetched", pa.timestamp("us", tz="UTC")),  # when the row was decided
        ("source", pa.string()),  # origin or archive; null without an image
        ("final_url", pa.string()),  # after redirects
        ("archive_url", pa.string()),  # where a web archive would have it, as of the page's crawl
        ("content_type", pa.string()),  # as the server says, for information only
        ("format", pa.string()),  # as the bytes say: jpeg, png, gif, webp, bmp, tiff
        ("width", pa.int32()),  # as the bytes say, pixels
        ("height", pa.int32()),
        ("size", pa.int64()),  # bytes
        ("sha256", pa.string()),  # of the bytes, hex
        ("phash", pa.string()),  # 64-bit difference hash, 16 hex digits: equal for resized copies
        ("image", pa.binary()),  # the bytes as received; null unless ok
    ]
)
"""What became of one selected image URL; a later row of a URL replaces an earlier one."""


def spark_schema(schema: pa.Schema) -> StructType:
    """The Spark equivalent of an Arrow schema; every column nullable."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)
