"""One WARC file through the extract stage, as an executor runs it, without a session."""

from __future__ import annotations

import functools
import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from infimm_spark import schemas
from infimm_spark.cascade.judge import build_judge
from infimm_spark.cascade.sandbox import PageBytes, PageSandbox
from infimm_spark.cascade.verdict import Verdict
from infimm_spark.classify.broadcast import read_model
from infimm_spark.config import BuildConfig, load_config
from infimm_spark.run.ledger import FunnelStage, reconcile
from infimm_spark.stages.extract import TABLES, WIDE, WarcReader
from infimm_spark.warc.listing import WarcFile

CONFIG = BuildConfig()
LESSON = (
    "<h1>The derivative</h1>"
    + "<p>The derivative of a function at a point is the limit of its difference quotient. We prove "
    "the product rule from this definition, and then apply it to polynomials.</p>"
    * 4
    + r"<p>By definition \(f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}\) where it exists.</p>"
    r"<p>\[ (fg)' = f'g + fg' \]</p><p>The proof adds and subtracts a term, as usual.</p>"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[PageSandbox]:
    """A page process with the default models."""
    models = [read_model(None, kind) for kind in ("language", "recall")]  # type: ignore[arg-type]
    judge = functools.partial(build_judge, *models, CONFIG.extract)
    with PageSandbox(judge, CONFIG.extract.page_timeout_seconds) as sandbox:
        yield sandbox


Extract = Callable[..., tuple[FunnelStage | None, dict[str, list[dict[str, Any]]]]]


@pytest.fixture(scope="module")
def extract(sandbox: PageSandbox) -> Extract:
    """Run one file; its reconciled ledger and its tables."""

    def run(
        file: Path, config: BuildConfig = CONFIG
    ) -> tuple[FunnelStage | None, dict[str, list[dict[str, Any]]]]:
        reader = WarcReader(config, lambda: sandbox)
        batches = list(reader.batches(WarcFile(str(file), file.name, "test")))
        wide = pa.Table.from_batches(batches, schema=WIDE)
        tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        for row in wide.to_pylist():
            name = row["table"]
            tables[name].append({column: row[column] for column in TABLES[name].names})
        ledger = pa.Table.from_pylist(tables["ledger"], schema=schemas.LEDGER)
        stages = reconcile(ledger)
        return (stages[0] if stages else None), tables

    return run


def warc(path: Path, *pages: tuple[str, bytes]) -> Path:
    """A WARC file with a response of (url, body) each, one gzip member a record."""
    members = []
    for url, body in pages:
        http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
        header = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
            "WARC-Date: 2023-12-01T00:00:00Z\r\n"
            "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>\r\n"
            "Content-Type: application/http; msgtype=response\r\n"
            f"Content-Length: {len(http)}\r\n\r\n"
        )
        members.append(gzip.compress(header.encode() + http + b"\r\n\r\n", 1))
    path.write_bytes(b"".join(members))
    return path


def test_a_lesson_becomes_a_document_row(extract: Extract, tmp_path: Path) -> None:
    """A kept page has its pointer, its scores, its segments and its formula counts."""
    file = warc(tmp_path / "a.warc.gz", ("http://example.org/lesson", LESSON.encode()))
    stage, tables = extract(file)
    assert stage is not None
    assert (stage.read, stage.kept) == (1, 1)
    (row,) = tables["documents"]
    assert row["url"] == "http://example.org/lesson"
    assert (row["warc_offset"], row["warc_length"]) == (0, file.stat().st_size)
    assert row["language"] == "en"
    assert row["math_prob"] > 0.5
    assert row["n_formulas"] == 2
    text = "".join(segment["text"] or "" for segment in row["segments"])
    assert r"$f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}$" in text
    assert "$$" in text
    assert row["text_length"] >= 400


HOSTILE = {
    "100,000 nested div": (b"<div>" * 100_000, "too_deep"),
    "1,000,000 nested div": (b"<div>" * 1_000_000, "too_deep"),
    "100,000 nested mrow": (b"<math>" + b"<mrow>" * 100_000, "too_deep"),
    "1,000,000 nested mrow": (b"<math>" + b"<mrow>" * 1_000_000, "too_deep"),
    "100,000 attributes": (
        b"<p " + b" ".join(b"a%d=1" % i for i in range(100_000)) + b">text",
        "too_many_attributes",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_costs_its_row_and_seconds_at_most(
    extract: Extract, tmp_path: Path, name: str
) -> None:
    """A page made to hang the parser fails by name within 5 s; the page behind it is read."""
    body, reason = HOSTILE[name]
    file = warc(
        tmp_path / "a.warc.gz",
        ("http://example.org/hostile", body),
        ("http://example.org/lesson", LESSON.encode()),
    )
    started = time.monotonic()
    stage, tables = extract(file)
    assert time.monotonic() - started < 5
    assert stage is not None
    assert stage.failed == {reason: 1}
    assert stage.kept == 1
    (reject,) = tables["rejects"]
    assert reject["url"] == "http://example.org/hostile"
    assert reject["outcome"] == "failed"
    assert reject["detail"]


class Handed:
    """Stands for a page process: keeps what it is given."""

    def __init__(self, sandbox: PageSandbox) -> None:
        self._sandbox = sandbox
        self.pages: list[PageBytes] = []

    def judge_many(self, pages: list[PageBytes]) -> Iterator[Verdict]:
        self.pages += pages
        return self._sandbox.judge_many(pages)


def test_pages_below_the_source_floor_are_not_handed_over(
    sandbox: PageSandbox, tmp_path: Path
) -> None:
    """Only what may be mathematics reaches the page process; rows stay in the file's order."""
    news = b"<p>" + b"The mayor opened the market hall on Monday. " * 300
    file = warc(
        tmp_path / "a.warc.gz",
        ("http://example.org/news/1", news),
        ("http://example.org/short", b"<p>" + b"Rain on Monday, sun on Tuesday. " * 30),
        ("http://example.org/news/2", news),
        ("http://example.org/lesson", LESSON.encode() + news),
        ("http://example.org/news/3", news),
    )
    handed = Handed(sandbox)
    reader = WarcReader(CONFIG, lambda: handed)  # type: ignore[arg-type, return-value]
    batches = reader.batches(WarcFile(str(file), file.name, "test"))
    rows = pa.Table.from_batches(batches, schema=WIDE).to_pylist()
    assert [page[1][-6:] for page in handed.pages] == ["/short", "lesson"]
    ends = [(r["url"][19:], r["reason"]) for r in rows if r["table"] in ("documents", "rejects")]
    assert [url for url, _ in ends] == ["news/1", "short", "news/2", "lesson", "news/3"]
    assert [reason == "source_floor" for _, reason in ends] == [True, False, True, False, True]


def test_a_page_of_100_megabytes_fails_by_size(extract: Extract, tmp_path: Path) -> None:
    """A page over the limit is a `failed` row, and the page behind it is read."""
    file = warc(
        tmp_path / "a.warc.gz",
        ("http://example.org/huge", b"<p>" + b"x" * 100_000_000),
        ("http://example.org/lesson", LESSON.encode()),
    )
    stage, _ = extract(file)
    assert stage is not None
    assert stage.failed == {"page_too_large": 1}
    assert stage.kept == 1


def test_nul_bytes_do_not_end_a_page(extract: Extract, tmp_path: Path) -> None:
    """A page with NUL bytes in its text keeps what stands behind them."""
    body = LESSON.replace("<p>The proof", "\0\0<p>\0The proof").encode()
    stage, tables = extract(warc(tmp_path / "a.warc.gz", ("http://example.org/nul", body)))
    assert stage is not None
    assert stage.kept == 1
    text = "".join(segment["text"] or "" for segment in tables["documents"][0]["segments"])
    assert "proof adds and subtracts" in text
    assert "\0" not in text


def test_a_truncated_file_loses_only_its_last_record(extract: Extract, tmp_path: Path) -> None:
    """A gzip file cut in its last record keeps the first and reports the second."""
    file = warc(
        tmp_path / "a.warc.gz",
        ("http://example.org/lesson", LESSON.encode()),
        ("http://example.org/cut", LESSON.encode()),
    )
    file.write_bytes(file.read_bytes()[:-100])
    stage, _ = extract(file)
    assert stage is not None
    assert stage.kept == 1
    assert stage.failed == {"truncated_file": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><body><h1>503 Slow Down</h1></body></html>", "not_a_warc"),
        (b"", "empty_file"),
        (None, "unreadable_file"),
    ],
    ids=["error page", "empty", "missing"],
)
def test_a_file_that_is_no_warc_is_one_failed_row(
    extract: Extract, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """An error page, an empty file and a missing one are each named, with one ledger row."""
    file = tmp_path / "a.warc.gz"
    if content is not None:
        file.write_bytes(content)
    stage, tables = extract(file)
    assert stage is not None
    assert (stage.read, stage.failed) == (1, {reason: 1})
    assert tables["rejects"][0]["detail"]


def test_rejects_are_sampled_by_id_and_failures_are_not(extract: Extract, tmp_path: Path) -> None:
    """With fraction 0 no dropped page is listed, a failed one still is, and the ledger is whole."""
    file = warc(
        tmp_path / "a.warc.gz",
        (
            "http://example.org/deutsch",
            "<p>Der Zug nach Köln fährt heute leider nicht.</p>".encode(),
        ),
        ("http://example.org/hostile", b"<div>" * 100_000),
    )
    config = load_config(None, {"rejects": {"fraction": 0.0}})
    stage, tables = extract(file, config)
    assert stage is not None
    assert stage.dropped == {"language": 1}
    assert [row["reason"] for row in tables["rejects"]] == ["too_deep"]


def test_consent_signals_of_header_and_markup_meet_in_one_column(
    extract: Extract, tmp_path: Path
) -> None:
    """An opt-out in the page's markup is stored with the document."""
    body = '<meta name="robots" content="noai">' + LESSON
    _, tables = extract(warc(tmp_path / "a.warc.gz", ("http://example.org/a", body.encode())))
    assert tables["documents"][0]["consent"] == ["robots:noai"]


@pytest.mark.shared_data
def test_every_fixture_reconciles(extract: Extract, shared_data: Path) -> None:
    """Real and broken WARC, ARC, WET and WAT files all end with a ledger that adds up."""
    files = sorted(
        f
        for f in (shared_data / "warc-fixtures").rglob("*")
        if f.is_file() and any(part in f.name for part in (".warc", ".arc"))
    )
    assert len(files) >= 60
    lost = {}
    for file in files:
        stage, tables = extract(file)
        assert stage is not None, file
        assert stage.kept == len(tables["documents"])
        for reason in ("crash", "timeout", "extractor_error"):
            if reason in stage.failed:
                lost[file.name] = reason
    assert lost == {}
