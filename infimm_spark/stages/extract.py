"""Extract stage: WARC paths in; documents, ledger, rejects and traffic out, in one pass.

A task gets WARC *paths* and returns Arrow batches bounded by bytes; HTML never enters the JVM. The
four tables leave a task as rows of one wide DataFrame with a `table` column, so that Spark commits
them together: written apart, a retried task could make documents and ledger disagree.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator, Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infimm_spark import schemas, store
from infimm_spark.cascade.judge import (
    LANGUAGE,
    LANGUAGE_UNCERTAIN,
    PLAIN_FLOOR,
    RECALL_FLOOR,
    build_judge,
)
from infimm_spark.cascade.sandbox import PageBytes, PageSandbox
from infimm_spark.cascade.source_floor import SOURCE_FLOOR, SourceFloor
from infimm_spark.cascade.verdict import Verdict
from infimm_spark.classify.broadcast import ModelBytes
from infimm_spark.classify.evidence import Evidence
from infimm_spark.config import BuildConfig, ExtractConfig, config_hash
from infimm_spark.extract.consent import signals_from_headers
from infimm_spark.extract.document import Document
from infimm_spark.spark import logs
from infimm_spark.spark.watching import FILES
from infimm_spark.stages.base import KeptRows, Section, Stage, Table, Work
from infimm_spark.stages.page_trace import PageTrace
from infimm_spark.stages.record_counts import NOT_A_PAGE, READ, WarcLedger
from infimm_spark.stages.sampling import share_of
from infimm_spark.store.gate import GateAddress
from infimm_spark.warc.crawl_languages import CrawlLanguages
from infimm_spark.warc.items import CRAWL_LANGUAGE
from infimm_spark.warc.listing import WarcFile
from infimm_spark.warc.ranges import read_ranges
from infimm_spark.warc.records import Failed, Page, Skipped, read_pages, warc_id

log = logging.getLogger(__name__)

STAGE = "extract"

WARCS = pa.schema(
    [
        ("location", pa.string()),
        ("warc_file", pa.string()),
        ("snapshot", pa.string()),
        ("records", pa.list_(pa.struct([("offset", pa.int64()), ("length", pa.int64())]))),
    ]
)
"""Input of the stage: where a WARC file is, its name in the crawl, and its snapshot; `records` are
the ones to read, null for all."""


def _wide_schema() -> pa.Schema:
    """Columns of all four tables, each once, and `table` telling which of them a row belongs to."""
    fields: dict[str, pa.Field] = {"table": pa.field("table", pa.string())}
    for schema in (schemas.DOCUMENTS, schemas.REJECTS, schemas.LEDGER, schemas.TRAFFIC):
        for field in schema:
            fields.setdefault(field.name, field)
    return pa.schema(list(fields.values()))


WIDE = _wide_schema()
TABLES = {
    "documents": schemas.DOCUMENTS,
    "rejects": schemas.REJECTS,
    "ledger": schemas.LEDGER,
    "traffic": schemas.TRAFFIC,
}
_HAND_OVER_BYTES = 1 << 20
"""Bytes of pages that are handed to the page process at once; a page may be larger."""
RECORDS = "records"
"""Checkpoint of a group: the wide rows, in a folder for each table."""


def extract(
    warcs: DataFrame,
    config: BuildConfig,
    language: Broadcast[ModelBytes],
    recall: Broadcast[ModelBytes],
    gate: GateAddress | None = None,
    tally: Accumulator[dict[str, int]] | None = None,
) -> DataFrame:
    """Read and judge every record of `warcs` (`WARCS`); rows of `WIDE`.

    `gate` is where workers ask before they open a connection, where there is a cap on them;
    `tally` is added to for the display of progress, and nothing else.
    Partition `warcs` as the work shall be cut: one WARC file a partition keeps tasks short.
    """
    reader = WarcReader(config, lambda: _sandbox(config.extract, language, recall))

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store.configure(config.store, gate)
        logs.configure_worker()
        for batch in batches:
            for row in batch.to_pylist():
                chosen = row.pop("records")
                records = chosen and [(record["offset"], record["length"]) for record in chosen]
                for out in reader.batches(WarcFile(**row), records):
                    if tally is not None:
                        tally.add(_outcomes(out))
                    yield out

    return warcs.select(*WARCS.names).mapInArrow(run, schemas.spark_schema(WIDE))


def table(wide: DataFrame, name: str) -> DataFrame:
    """One of the tables (`documents`, `rejects`, `ledger`, `traffic`) out of the wide rows."""
    return wide.where(F.col("table") == name).select(*TABLES[name].names)


class WarcReader:
    """Turns one WARC file into Arrow batches of `WIDE`; lives on the executor."""

    def __init__(self, config: BuildConfig, sandbox: Callable[[], PageSandbox]) -> None:
        self._config = config
        self._sandbox = sandbox
        settings = config.extract
        self._languages = (
            CrawlLanguages.of(settings.languages) if settings.trust_crawl_languages else None
        )
        self._source_floor = SourceFloor(settings)

    def batches(
        self, warc: WarcFile, records: list[tuple[int, int]] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """All rows of `warc`, or of its `records` (offset, length); the last batch carries its
        ledger."""
        started = time.monotonic()
        sandbox = self._sandbox()
        ledger = WarcLedger(warc.warc_file, STAGE)
        traffic = store.Traffic()
        pending = _PendingBatch(self._config.extract.batch_bytes)
        for item, verdict in self._judged(self._items(warc, records, traffic), sandbox, ledger):
            row = self._row(item, verdict, warc, ledger)
            if row is not None:
                yield from pending.add(row)
        for counts in ledger.rows():
            yield from pending.add({"table": "ledger", **counts})
        log.info(
            "read %s",
            warc.warc_file,
            extra={
                "stage": STAGE,
                "warc": warc.warc_file,
                "counts": ledger.totals(),
                "seconds": round(time.monotonic() - started, 1),
            },
        )
        yield from pending.add(
            {"table": "traffic", "warc_file": warc.warc_file, **dataclasses.asdict(traffic)}
        )
        yield from pending.flush()

    def _items(
        self, warc: WarcFile, records: list[tuple[int, int]] | None, traffic: store.Traffic
    ) -> Iterator[Page | Skipped | Failed]:
        limit = self._config.extract.max_page_bytes
        if records is None:
            return read_pages(
                warc.location,
                warc_file=warc.warc_file,
                max_page_bytes=limit,
                traffic=traffic,
                languages=self._languages,
            )
        return read_ranges(
            warc.location,
            records,
            warc_file=warc.warc_file,
            max_gap=self._config.input.index.max_gap_bytes,
            max_page_bytes=limit,
            traffic=traffic,
        )

    def _judged(
        self, items: Iterable[Page | Skipped | Failed], sandbox: PageSandbox, ledger: WarcLedger
    ) -> Iterator[tuple[Page | Skipped | Failed, Verdict | None]]:
        """The items in order, pages with their verdicts; those that the source floor lets through
        go to the page process in batches."""
        waiting: list[tuple[Page | Skipped | Failed, Verdict | PageBytes | None]] = []
        size = 0
        for item in items:
            ledger.read()
            found = self._sifted(item) if isinstance(item, Page) else None
            if not waiting and not isinstance(found, tuple):
                yield item, found
                continue
            waiting.append((item, found))
            if isinstance(item, Page):
                size += len(item.body)
                if size >= _HAND_OVER_BYTES:
                    yield from _with_verdicts(waiting, sandbox)
                    waiting, size = [], 0
        yield from _with_verdicts(waiting, sandbox)

    def _sifted(self, page: Page) -> Verdict | PageBytes:
        """The verdict of the source floor, or what the page process needs of the page."""
        evidence = Evidence(page.body)
        verdict = self._source_floor.verdict(evidence, page.content_type)
        return verdict or (page.body, page.url, page.content_type, evidence.known_signed)

    def _row(
        self,
        item: Page | Skipped | Failed,
        verdict: Verdict | None,
        warc: WarcFile,
        ledger: WarcLedger,
    ) -> dict[str, Any] | None:
        """Decide one record: count it, and give its row unless it leaves none."""
        if isinstance(item, Skipped):
            ledger.dropped(item.reason)
            # Requests, metadata and the like are not pages: counted, not listed.
            if item.reason.startswith(NOT_A_PAGE):
                return None
            if not self._is_sampled(warc, item):
                return None
            return self._reject(
                warc, item, "dropped", item.reason, language=item.language, detail=item.detail
            )
        if isinstance(item, Failed):
            ledger.failed(item.reason)
            return self._reject(warc, item, "failed", item.reason, detail=item.message)
        assert verdict is not None
        if verdict.outcome == "kept":
            ledger.kept()
            assert verdict.document is not None
            return _document_row(item, warc, verdict, verdict.document)
        assert verdict.reason is not None
        if verdict.outcome == "failed":
            ledger.failed(verdict.reason)
        else:
            ledger.dropped(verdict.reason)
            if not self._is_sampled(warc, item):
                return None
        return self._reject(
            warc,
            item,
            verdict.outcome,
            verdict.reason,
            score=verdict.score,
            language=verdict.language,
            detail=verdict.detail,
        )

    def _reject(
        self,
        warc: WarcFile,
        item: Page | Skipped | Failed,
        outcome: str,
        reason: str,
        *,
        score: float | None = None,
        language: str | None = None,
        detail: str | None = None,
    ) -> dict[str, Any]:
        return {
            "table": "rejects",
            **_pointer(warc, item),
            "stage": STAGE,
            "outcome": outcome,
            "reason": reason,
            "score": score,
            "language": language,
            "detail": detail,
        }

    def _is_sampled(self, warc: WarcFile, item: Page | Skipped) -> bool:
        """Whether a reject is of the configured share; every stage chooses the same pages, by
        id."""
        fraction = self._config.rejects.fraction
        if fraction >= 1:
            return True
        return share_of(warc_id(warc.warc_file, item.warc_offset)) < fraction


def _with_verdicts(
    items: list[tuple[Page | Skipped | Failed, Verdict | PageBytes | None]], sandbox: PageSandbox
) -> Iterator[tuple[Page | Skipped | Failed, Verdict | None]]:
    verdicts = sandbox.judge_many([found for _, found in items if isinstance(found, tuple)])
    for item, found in items:
        yield item, next(verdicts) if isinstance(found, tuple) else found


def _outcomes(batch: pa.RecordBatch) -> dict[str, int]:
    """WARC files, and records by outcome, of the ledger rows in a batch of `WIDE`."""
    counts: dict[str, int] = {}
    rows = batch.filter(pc.equal(batch.column("table"), "ledger"))
    columns = (rows.column(name).to_pylist() for name in ("outcome", "count"))
    for outcome, count in zip(*columns, strict=True):
        counts[outcome] = counts.get(outcome, 0) + count
        if outcome == READ:
            counts[FILES] = counts.get(FILES, 0) + 1
    return counts


class _PendingBatch:
    """Collects rows and gives an Arrow batch whenever their size passes `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: dict[str, Any]) -> Iterator[pa.RecordBatch]:
        self._rows.append(row)
        # Text dominates a row; 1 kB covers the rest of it.
        self._bytes += 1024 + 2 * (row.get("text_length") or 0)
        if self._bytes >= self._limit:
            yield from self.flush()

    def flush(self) -> Iterator[pa.RecordBatch]:
        if self._rows:
            yield pa.RecordBatch.from_pylist(self._rows, schema=WIDE)
            self._rows, self._bytes = [], 0


def _pointer(warc: WarcFile, item: Page | Skipped | Failed) -> dict[str, Any]:
    return {
        "id": warc_id(warc.warc_file, item.warc_offset),
        "url": item.url,
        "snapshot": warc.snapshot,
        "warc_file": warc.warc_file,
        "warc_offset": item.warc_offset,
        "warc_length": item.warc_length,
    }


def _document_row(
    page: Page, warc: WarcFile, verdict: Verdict, document: Document
) -> dict[str, Any]:
    judged = _judged_columns(verdict, document)
    consent = {*signals_from_headers(page.http_headers.pairs), *document.consent}
    return {
        "table": "documents",
        **_pointer(warc, page),
        "warc_date": page.warc_date,
        "warc_digest": page.warc_digest,
        "warc_headers": json.dumps(page.warc_headers, ensure_ascii=False),
        **judged,
        "consent": sorted(consent),
        "truncated": page.truncated,
    }


def _judged_columns(verdict: Verdict, document: Document) -> dict[str, Any]:
    """What the cascade found out about a page, as columns of `schemas.DOCUMENTS`."""
    counts = document.formula_counts()
    return {
        "charset": document.charset,
        "title": document.title,
        "language": verdict.language,
        "language_prob": verdict.language_prob,
        "recall_prob": verdict.recall_prob,
        "math_prob": verdict.math_prob,
        "segments": [
            {"text": s.text, "image": None if s.image is None else _image_row(s.image)}
            for s in document.segments
        ],
        "text_length": document.text_length,
        "formula_counts": [
            {"encoding": encoding, "outcome": outcome, "count": count}
            for (encoding, outcome), count in sorted(counts.items())
        ],
        "n_formulas": sum(n for (_, outcome), n in counts.items() if outcome != "failed"),
        "n_images": len(document.images),
        "macros": document.macros,
        "consent": sorted(document.consent),
        "license": document.license,
        "formula_faults": [
            {"encoding": encoding, "outcome": outcome, "reason": reason, "count": count}
            for (encoding, outcome, reason), count in sorted(document.formula_faults().items())
        ],
    }


def _image_row(image: Any) -> dict[str, Any]:
    return {
        name: getattr(image, name) for name in ("url", "alt", "title", "caption", "width", "height")
    }


_sandboxes: dict[tuple[str, str, str], PageSandbox] = {}


def _sandbox(
    settings: ExtractConfig, language: Broadcast[ModelBytes], recall: Broadcast[ModelBytes]
) -> PageSandbox:
    """This Python worker's page process; workers are reused, so it outlives a task."""
    key = (language.value.fingerprint, recall.value.fingerprint, config_hash(settings))
    if key not in _sandboxes:
        for stale in _sandboxes.values():
            stale.close()
        _sandboxes.clear()
        judge = functools.partial(build_judge, language.value, recall.value, settings)
        _sandboxes[key] = PageSandbox(judge, settings.page_timeout_seconds)
    return _sandboxes[key]


# -- the stage -----------------------------------------------------------------------------------


def _run(work: Work, config: BuildConfig) -> dict[str, DataFrame]:
    """The tables of one group of WARC files."""
    language, recall = work.model("language"), work.model("recall")
    wide = extract(work.warcs(), config, language, recall, work.gate, work.tally)
    written = work.checkpoint(wide, RECORDS)
    return {name: table(written, name) for name in TABLES}


def _limit(row: Mapping[str, Any], config: BuildConfig) -> str | None:
    settings, reason, score = config.extract, row["reason"], row["score"]
    if reason == CRAWL_LANGUAGE:
        listed = ", ".join(settings.languages)
        return (
            f"the crawl's metadata puts the page in none of {listed} (extract.languages, "
            "extract.trust_crawl_languages)"
        )
    if score is None:
        return None
    if reason == SOURCE_FLOOR:
        return (
            f"no sign of a formula in the source, and {score:g} words of mathematics < "
            f"{settings.source_floor} (extract.source_floor)"
        )
    if reason == LANGUAGE:
        listed = ", ".join(settings.languages)
        return f"language {row['language']} is not among {listed} (extract.languages)"
    if reason == LANGUAGE_UNCERTAIN:
        key, name = "language_threshold", "language_prob"
    elif reason in (RECALL_FLOOR, PLAIN_FLOOR):
        # Earlier versions gave both floors one reason.
        is_plain = reason == PLAIN_FLOOR or score >= settings.recall_floor
        key, name = ("plain_floor" if is_plain else "recall_floor"), "recall_prob"
    else:
        return None
    return f"{name} {score:.4g} < {getattr(settings, key):g} (extract.{key})"


def _trace(page: PageTrace, config: BuildConfig) -> None:
    """Judge the page in a sandbox, as a task would."""
    judge = functools.partial(
        build_judge, page.model("language"), page.model("recall"), config.extract
    )
    with PageSandbox(judge, config.extract.page_timeout_seconds) as sandbox:
        verdict = sandbox.judge(page.body, url=page.url, content_type=page.content_type)
    page.found["language"] = verdict.language
    page.scores |= {
        "language_prob": verdict.language_prob,
        "recall_prob": verdict.recall_prob,
        "math_prob": verdict.math_prob,
    }
    page.document = verdict.document
    if verdict.outcome != "kept":
        page.drop(STAGE, verdict.reason, verdict.score, verdict.detail)
    elif verdict.document is not None:
        columns = dict.fromkeys(schemas.DOCUMENTS.names)
        page.row = columns | {"url": page.url} | _judged_columns(verdict, verdict.document)


EXTRACT = Stage(
    name=STAGE,
    summary="Read WARC files: language, recall floor, mathematics-aware extraction.",
    tables={name: Table(schema) for name, schema in TABLES.items()},
    run=_run,
    ledger=(STAGE,),
    sections=(
        Section(
            "extract",
            # How the work is cut and judged, not its rows.
            operational=frozenset(
                {
                    "partitions",
                    "batch_bytes",
                    "max_failure_ratio",
                    "min_failures",
                    "groups_in_flight",
                    "group_order",
                    "file_size_mb",
                    "compact_above",
                }
            ),
            later=frozenset({"unclassified", "trust_crawl_languages", "source_floor"}),
        ),
        Section("rejects"),
    ),
    models=("language", "recall"),
    facts=lambda facts, config: {"inputs": facts.inputs(), **facts.exclusions()},
    by_group=True,
    kept=KeptRows(
        "documents", ("language", "language_prob", "recall_prob", "math_prob", "n_formulas")
    ),
    limit=_limit,
    trace=_trace,
)
