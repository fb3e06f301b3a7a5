"""Grading documents 0–10 with a language model behind any OpenAI-compatible endpoint.

Documents go out many at once with bounded concurrency; every answer becomes one JSON line the
moment it arrives, so that an interrupted job goes on where it stopped. A document without a usable
answer is a line of the rejects file with its reason, never a silent gap, and is tried again by the
next run. The HTTP side is `chat.py`, the prompt and the reading of answers are `rubric.py`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from infimm_spark import progress, store
from infimm_spark.annotation.client import Answer, ChatClient, ChatError, Endpoint
from infimm_spark.annotation.documents import (
    identity_of,
    language_of,
    read_rows,
    text_of,
    url_of,
)
from infimm_spark.annotation.prompt import PROMPT_VERSION, messages, read_grade
from infimm_spark.classify.features import excerpt
from infimm_spark.errors import EndpointError, InputError, OutputError, ResumeError

_CHARS_PER_TOKEN = 3.0
"""For estimates: English has four characters a token, Chinese and formulas fewer."""

LINE = 6
"""Grades from here on are worth keeping (the rubric)."""

_ANSWER_TOKENS = 60
"""For estimates: a sentence of reasons and the score."""


class Ungraded(NamedTuple):
    """A document to be graded; `id` names it in the output and in a resumed run."""

    id: str
    url: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class AnnotationSettings:
    """How documents are sent."""

    concurrency: int = 8
    """Requests under way at once."""
    max_chars: int = 6_000
    """Characters of a text that are sent: its head and slices, as the precision classifier sees
    it."""
    answer_attempts: int = 2
    """Times a document is sent until its answer holds a score."""
    give_up_after: int = 20
    """Documents failing one after the other before the endpoint is taken to be down."""
    readings: int = 1
    """Times each document is graded; the score is the mean, and disagreement is kept."""
    price_in: float = 0.0
    """Price of a million prompt tokens."""
    price_out: float = 0.0
    """Price of a million answer tokens."""


@dataclass(slots=True)
class AnnotationReport:
    """What a job did; `rejected` counts by reason, tokens are those of this run's answers."""

    documents: int = 0
    already_graded: int = 0
    graded: int = 0
    empty: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    """Whether the endpoint left out token counts that are estimated here instead."""
    scores: Counter[int] = field(default_factory=Counter)
    """By whole grade; means of several readings are rounded."""
    disagreements: list[int] = field(default_factory=list)
    """Of documents with several readings: highest less lowest grade."""
    across: int = 0
    """Of these, documents with readings on both sides of the line at 6."""
    dry_run: bool = False

    def cost(self, settings: AnnotationSettings) -> float:
        """In the currency of the prices."""
        return (
            self.prompt_tokens * settings.price_in + self.completion_tokens * settings.price_out
        ) / 1e6

    def as_json(self, endpoint: Endpoint, settings: AnnotationSettings) -> dict[str, Any]:
        """What the report file holds; knows no key."""
        return {
            "endpoint": endpoint.shown,
            "model": endpoint.model,
            "prompt": PROMPT_VERSION,
            "dry_run": self.dry_run,
            "documents": self.documents,
            "already_graded": self.already_graded,
            "graded": self.graded,
            "empty": self.empty,
            "rejected": dict(sorted(self.rejected.items())),
            "retries": self.retries,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "tokens_estimated": self.estimated,
            "cost": round(self.cost(settings), 6),
            "scores": {str(score): count for score, count in sorted(self.scores.items())},
            **({"readings": self._readings(settings)} if settings.readings > 1 else {}),
        }

    def _readings(self, settings: AnnotationSettings) -> dict[str, Any]:
        compared = len(self.disagreements)
        return {
            "of_each": settings.readings,
            "mean_disagreement": round(sum(self.disagreements) / compared, 4) if compared else None,
            "across_the_line": self.across,
        }


def annotate(
    documents: Iterable[Ungraded],
    output: Path,
    endpoint: Endpoint,
    settings: AnnotationSettings | None = None,
) -> AnnotationReport:
    """Grade `documents`; grades to `output` (JSON Lines), and beside it ``*.rejects.jsonl`` and
    ``*.report.json``.

    A grade is id, url, language, score (0–10), why, text (what was sent), model, prompt, and
    tokens; of several readings the score is the mean, and `scores` and `disagreement` (highest less
    lowest) are kept. Documents that `output` holds already are not sent again. Raises `ResumeError`
    where `output` was made with another model or prompt, `OutputError` where it cannot be written,
    and `EndpointError` where the endpoint refuses the key or the model, or fails for too many
    documents in a row; everything graded until then is kept.
    """
    settings = settings or AnnotationSettings()
    report = AnnotationReport()
    graded = _graded(output, endpoint, settings.readings)
    pending = _pending(documents, graded, report)
    client = ChatClient(endpoint)
    try:
        with (
            output.open("a", encoding="utf-8") as grades,
            _rejects_file(output).open("w", encoding="utf-8") as rejects,
        ):
            _Run(client, settings, report, grades, rejects).over(pending)
    except OSError as error:
        raise OutputError(f"grades cannot be written to {output}: {error.strerror}") from None
    finally:
        report.retries = client.retries
        if output.parent.is_dir():
            _write_report(output, report.as_json(endpoint, settings))
    return report


def dry_run(
    documents: Iterable[Ungraded],
    output: Path,
    endpoint: Endpoint,
    settings: AnnotationSettings | None = None,
) -> tuple[AnnotationReport, str | None]:
    """What `annotate` would send, nothing sent and nothing written: counts and estimated tokens,
    and the first prompt."""
    settings = settings or AnnotationSettings()
    report = AnnotationReport(dry_run=True, estimated=True)
    first: str | None = None
    for document in _pending(
        documents, _graded(output, endpoint, settings.readings, mend=False), report
    ):
        sent = messages(excerpt(document.text, settings.max_chars))
        first = first or "\n\n".join(message["content"] for message in sent)
        tokens = _tokens(sum(len(message["content"]) for message in sent))
        report.prompt_tokens += settings.readings * tokens
        report.completion_tokens += settings.readings * _ANSWER_TOKENS
    return report, first


def ungraded(location: str, limit: int | None = None) -> Iterator[Ungraded]:
    """The documents at `location` (Parquet or JSON Lines), at most `limit`.

    Raises `InputError` for a row without a text column.
    """
    for number, row in enumerate(read_rows(location), 1):
        if limit is not None and number > limit:
            return
        text = text_of(row)
        if text is None:
            raise InputError(
                f"row {number} of {store.shown(location)} has columns {', '.join(sorted(row))}; "
                "expected text, segments or text_list"
            )
        yield Ungraded(identity_of(row), url_of(row), language_of(row), text)


def _pending(
    documents: Iterable[Ungraded], graded: set[str], report: AnnotationReport
) -> Iterator[Ungraded]:
    """Documents that are to be sent, each id once; counts the others."""
    seen: set[str] = set()
    for document in documents:
        if document.id in seen:
            continue
        seen.add(document.id)
        report.documents += 1
        if document.id in graded:
            report.already_graded += 1
        elif not document.text.strip():
            report.empty += 1
        else:
            yield document


class _Run:
    """One pass over the documents: a window of requests under way, results written as they come."""

    def __init__(
        self,
        client: ChatClient,
        settings: AnnotationSettings,
        report: AnnotationReport,
        grades: TextIO,
        rejects: TextIO,
    ) -> None:
        self._client = client
        self._settings = settings
        self._report = report
        self._grades = grades
        self._rejects = rejects
        self._failures_in_a_row = 0
        self._shown = progress.Task("annotate")

    def over(self, documents: Iterator[Ungraded]) -> None:
        pool = ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="annotate")
        under_way: set[Future[_Outcome]] = set()
        shown = progress.task("annotate", unit="documents")
        try:
            with shown as self._shown:
                for document in documents:
                    under_way.add(
                        pool.submit(_grade, document, self._client.complete, self._settings)
                    )
                    # A window, not the whole input: documents are read as fast as they are graded.
                    while len(under_way) >= 2 * self._settings.concurrency:
                        under_way = self._settle(under_way)
                while under_way:
                    under_way = self._settle(under_way)
        finally:
            self._client.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            # What came back while the job was ending is paid for: keep it.
            for future in under_way:
                if future.done() and not future.cancelled() and future.exception() is None:
                    self._write(future.result())

    def _settle(self, under_way: set[Future[_Outcome]]) -> set[Future[_Outcome]]:
        done, still = wait(under_way, return_when=FIRST_COMPLETED)
        fatal: ChatError | None = None
        for future in done:
            outcome = future.result()
            self._write(outcome)
            self._shown.advance(failed=int(outcome.error is not None))
            if outcome.error is not None and outcome.error.fatal:
                fatal = outcome.error
            failed = outcome.error is not None and outcome.error.of_endpoint
            self._failures_in_a_row = self._failures_in_a_row + 1 if failed else 0
        if fatal is not None:
            raise EndpointError(f"{self._client.endpoint.shown} {fatal}")
        if self._failures_in_a_row >= self._settings.give_up_after:
            raise EndpointError(
                f"{self._client.endpoint.shown} failed for {self._failures_in_a_row} documents in "
                "a "
                "row; what was graded is kept, run again to go on"
            )
        return set(still)

    def _write(self, outcome: _Outcome) -> None:
        document, report = outcome.document, self._report
        report.prompt_tokens += outcome.prompt_tokens
        report.completion_tokens += outcome.completion_tokens
        report.estimated |= outcome.estimated
        if outcome.score is None:
            reason = outcome.error.reason if outcome.error is not None else "no_score"
            detail = str(outcome.error) if outcome.error is not None else outcome.why
            report.rejected[reason] += 1
            _line(
                self._rejects,
                {"id": document.id, "url": document.url, "reason": reason, "detail": detail},
            )
            return
        report.graded += 1
        report.scores[round(outcome.score)] += 1
        several: dict[str, Any] = {}
        if len(outcome.scores) > 1:
            low, high = min(outcome.scores), max(outcome.scores)
            several = {"scores": outcome.scores, "disagreement": high - low}
            report.disagreements.append(high - low)
            report.across += low < LINE <= high
        _line(
            self._grades,
            {
                "id": document.id,
                "url": document.url,
                "language": document.language,
                "score": outcome.score,
                **several,
                "why": outcome.why,
                "text": excerpt(document.text, self._settings.max_chars),
                "model": self._client.endpoint.model,
                "prompt": PROMPT_VERSION,
                "prompt_tokens": outcome.prompt_tokens,
                "completion_tokens": outcome.completion_tokens,
            },
        )


@dataclass(slots=True)
class _Outcome:
    """A document's grade, or why it has none; the tokens of all its answers."""

    document: Ungraded
    scores: list[int] = field(default_factory=list)
    why: str = ""
    error: ChatError | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    complete: bool = False
    """Whether every reading has a score."""

    @property
    def score(self) -> float | None:
        """The mean of all readings, a whole number where it is one; None unless there are all."""
        if not self.complete:
            return None
        mean = sum(self.scores) / len(self.scores)
        return int(mean) if mean.is_integer() else round(mean, 2)


def _grade(
    document: Ungraded,
    complete: Callable[[list[dict[str, str]], int], Answer],
    settings: AnnotationSettings,
) -> _Outcome:
    """Ask for each reading until an answer holds a score; runs in a thread of the pool."""
    sent = messages(excerpt(document.text, settings.max_chars))
    outcome = _Outcome(document)
    for reading in range(settings.readings):
        if not _read(outcome, reading, sent, complete, settings):
            return outcome
    outcome.complete = True
    return outcome


def _read(
    outcome: _Outcome,
    reading: int,
    sent: list[dict[str, str]],
    complete: Callable[[list[dict[str, str]], int], Answer],
    settings: AnnotationSettings,
) -> bool:
    """Add one reading's score to the outcome; whether there is one."""
    for _ in range(settings.answer_attempts):
        try:
            answer = complete(sent, reading)
        except ChatError as error:
            outcome.error = error
            return False
        if answer.prompt_tokens is None or answer.completion_tokens is None:
            outcome.estimated = True
        outcome.prompt_tokens += (
            _tokens(sum(len(message["content"]) for message in sent))
            if answer.prompt_tokens is None
            else answer.prompt_tokens
        )
        outcome.completion_tokens += (
            _tokens(len(answer.text))
            if answer.completion_tokens is None
            else answer.completion_tokens
        )
        score, why = read_grade(answer.text)
        outcome.why = why if reading == 0 else outcome.why
        if score is not None:
            outcome.scores.append(score)
            return True
        outcome.why = why
    return False


def _graded(output: Path, endpoint: Endpoint, readings: int, *, mend: bool = True) -> set[str]:
    """Ids that `output` holds; a line that a crash cut short is cut off (with `mend`)."""
    try:
        data = output.read_bytes() if output.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        ids = set()
        for number, line in enumerate(whole.splitlines(), 1):
            ids.add(_id_of(line, output, number, endpoint, readings))
        if mend:
            output.parent.mkdir(parents=True, exist_ok=True)
            if len(whole) < len(data):
                with output.open("r+b") as file:
                    file.truncate(len(whole))
    except OSError as error:
        raise OutputError(f"grades cannot be kept in {output}: {error.strerror}") from None
    return ids


def _id_of(line: bytes, output: Path, number: int, endpoint: Endpoint, readings: int) -> str:
    try:
        row = json.loads(line)
        identity, made_by = str(row["id"]), (row["model"], row["prompt"])
        read = len(row.get("scores", [row.get("score")]))
    except (ValueError, KeyError, TypeError):
        raise OutputError(
            f"{output}, line {number}, is no grade; expected a new file or one of this job's"
        ) from None
    if made_by != (endpoint.model, PROMPT_VERSION):
        raise ResumeError(
            f"{output} holds grades of model {made_by[0]!r}, prompt {made_by[1]}; this job uses "
            f"{endpoint.model!r}, prompt {PROMPT_VERSION}: expected another --output"
        )
    if read != readings:
        raise ResumeError(
            f"{output} holds grades of {read} reading(s); this job asks for {readings}: expected "
            "another --output"
        )
    return identity


def _rejects_file(output: Path) -> Path:
    return output.with_name(output.name.removesuffix(".jsonl") + ".rejects.jsonl")


def _write_report(output: Path, report: dict[str, Any]) -> None:
    path = output.with_name(output.name.removesuffix(".jsonl") + ".report.json")
    try:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None


def _line(file: TextIO, row: dict[str, Any]) -> None:
    # ASCII, so that a lone surrogate of a page or of an answer cannot stop the job.
    file.write(json.dumps(row, ensure_ascii=True) + "\n")
    file.flush()
    os.fsync(file.fileno())


def _tokens(chars: int) -> int:
    return int(chars / _CHARS_PER_TOKEN) + 1


def describe(
    report: AnnotationReport, settings: AnnotationSettings, first_prompt: str | None = None
) -> str:
    """A report in a few lines, for the terminal."""
    tokens = f"{report.prompt_tokens} in, {report.completion_tokens} out"
    tokens += " (estimated)" if report.estimated else ""
    lines = [
        f"documents  {report.documents} ({report.already_graded} graded before, {report.empty} "
        "empty)"
    ]
    if report.dry_run:
        to_send = report.documents - report.already_graded - report.empty
        lines.append(f"to send    {to_send}; nothing was sent")
    else:
        refused = ", ".join(f"{n} {reason}" for reason, n in sorted(report.rejected.items()))
        lines += [
            f"graded     {report.graded}",
            f"rejected   {sum(report.rejected.values())}{f' ({refused})' if refused else ''}",
            f"retries    {report.retries}",
        ]
        if report.disagreements:
            mean = sum(report.disagreements) / len(report.disagreements)
            lines.append(
                f"readings   differ by {mean:.2f}, {report.across} across the line at {LINE}"
            )
    lines += [f"tokens     {tokens}", f"cost       {report.cost(settings):.4f}"]
    if first_prompt is not None:
        lines += ["", "first prompt:", first_prompt]
    return "\n".join(lines)
