"""What a build of so many snapshots takes: tasks, core-hours, memory, requests, bytes, time, money.

Every figure is a product of rates (`conf/rates.yaml`, measured by `benchmarks/rates.py` unless it
says otherwise) and prices (`conf/prices.yaml`); each stands in its file with where it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infimm_spark.config import read_yaml, shipped_file
from infimm_spark.errors import ConfigError

T = TypeVar("T", bound=BaseModel)

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Measured(_Section):
    """A number and where it comes from."""

    value: Positive
    source: str


class Rates(_Section):
    """What the work takes; seconds are of one core."""

    pages_a_snapshot: Measured
    warc_files_a_snapshot: Measured
    bytes_a_warc_file: Measured
    share_of_languages: Measured
    """Of all pages: those in the wanted languages, which the recall classifier sees."""
    share_extracted: Measured
    """Of all pages: those above the recall floor, which are extracted and stored."""
    share_recalled: Measured
    """Of all pages: those at the recall threshold, which dedup compares."""
    share_unique: Measured
    """Of all pages: those that dedup leaves, which the rules and the precision classifier see."""
    share_published: Measured
    seconds_a_page_of_other_language: Measured
    """Reading, decoding, parsing, quick text and language."""
    seconds_a_page_below_floor: Measured
    seconds_a_page_extracted: Measured
    seconds_a_signature: Measured
    seconds_a_refined_document: Measured
    seconds_an_encoded_document: Measured | None = None
    """Of an encoder judge, for a document that facts and words leave in doubt."""
    seconds_a_shuffled_gigabyte: Measured
    """Writing, sorting, fetching and reading it."""
    seconds_a_task: Measured
    """Scheduling, start and commit."""
    bytes_a_document: Measured
    bytes_a_signature: Measured
    bytes_a_corpus_row: Measured
    bytes_a_reject: Measured
    shuffled_bytes_a_signature: Measured
    """Over all bands, verification and components."""
    shuffle_partition_bytes: Measured
    memory_gigabytes_an_extract_task: Measured
    memory_gigabytes_a_dedup_task: Measured
    requests_to_read_a_warc_file: Measured
    requests_to_write_a_file: Measured
    files_written_a_task: Measured


class Prices(_Section):
    """Currency units; `currency` and `source` are printed."""

    currency: str
    source: str
    core_hour: NotNegative
    spot_core_hour: NotNegative
    spot_share: Share
    gigabyte_month: NotNegative
    thousand_reads: NotNegative
    thousand_writes: NotNegative


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage, over all snapshots."""

    stage: str
    tasks: float
    core_hours: float
    memory_gigabytes: float
    """Of all cores at work at once."""
    reads: float
    writes: float
    shuffle_bytes: float
    stored_bytes: float
    hours: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What `infimm plan` prints."""

    snapshots: int
    cores: int
    stages: list[StagePlan]
    rates: Rates
    prices: Prices | None
    months_stored: float
    warc_files: float

    @property
    def input_bytes(self) -> float:
        """Compressed bytes of all WARC files."""
        return self.warc_files * self.rates.bytes_a_warc_file.value

    @property
    def pages(self) -> float:
        """Pages of all WARC files."""
        share = self.warc_files / self.rates.warc_files_a_snapshot.value
        return share * self.rates.pages_a_snapshot.value

    def total(self, figure: str) -> float:
        """A figure of `StagePlan`, by its name, summed over the stages."""
        return sum(float(getattr(stage, figure)) for stage in self.stages)

    @property
    def costs(self) -> dict[str, float]:
        """Money by what it is for; empty without prices."""
        if self.prices is None:
            return {}
        prices = self.prices
        an_hour = (
            prices.spot_share * prices.spot_core_hour + (1 - prices.spot_share) * prices.core_hour
        )
        return {
            "computing": self.total("core_hours") * an_hour,
            "requests": self.total("reads") / 1e3 * prices.thousand_reads
            + self.total("writes") / 1e3 * prices.thousand_writes,
            "storage": self.total("stored_bytes")
            / 1e9
            * prices.gigabyte_month
            * self.months_stored,
        }


def make_plan(
    snapshots: int,
    cores: int,
    rates: Rates,
    prices: Prices | None = None,
    months_stored: float = 1.0,
    files: int | None = None,
    *,
    encoder: bool = False,
) -> Plan:
    """Plan a build of `snapshots`, or of `files` WARC files of them, on `cores`.

    Extraction is linear in them; so is dedup, whose scopes (a snapshot, a pair, a year) do not grow
    with their number. With `encoder` an encoder judge stands in the place of the precision
    classifier; each document is taken to be embedded, since few that refine sees are clear. Raises
    `ConfigError` where the rates do not say what that takes.
    """
    encoded = _encoded(rates) if encoder else 0.0
    whole = snapshots * rates.warc_files_a_snapshot.value
    files_read = whole if files is None else min(files, whole)
    pages = files_read / rates.warc_files_a_snapshot.value * rates.pages_a_snapshot.value
    extracted = pages * rates.share_extracted.value
    recalled = pages * rates.share_recalled.value
    unique = pages * rates.share_unique.value
    published = pages * rates.share_published.value
    of_languages = pages * rates.share_of_languages.value
    per_task = rates.seconds_a_task.value
    partition = rates.shuffle_partition_bytes.value

    def stage(
        name: str, tasks: float, seconds: float, memory: float, *, reads: float = 0.0,
        shuffle: float = 0.0, stored: float = 0.0, files_written: float | None = None,
    ) -> StagePlan:  # fmt: skip
        written = (
            tasks * rates.files_written_a_task.value if files_written is None else files_written
        )
        core_seconds = seconds + tasks * per_task
        at_work = min(float(cores), max(tasks, 1.0))
        return StagePlan(
            stage=name,
            tasks=tasks,
            core_hours=core_seconds / 3600,
            memory_gigabytes=at_work * memory,
            reads=reads,
            writes=written * rates.requests_to_write_a_file.value,
            shuffle_bytes=shuffle,
            stored_bytes=stored,
            hours=core_seconds / 3600 / at_work,
        )

    shuffle = recalled * rates.shuffled_bytes_a_signature.value
    documents = extracted * rates.bytes_a_document.value
    dedup_tasks = shuffle / partition + recalled * rates.bytes_a_document.value / partition
    refine_bytes = unique * rates.bytes_a_document.value
    corpus_bytes = published * rates.bytes_a_corpus_row.value
    large = rates.memory_gigabytes_a_dedup_task.value
    return Plan(
        snapshots=snapshots,
        cores=cores,
        rates=rates,
        prices=prices,
        months_stored=months_stored,
        warc_files=files_read,
        stages=[
            stage(
                "extract",
                files_read,
                (pages - of_languages) * rates.seconds_a_page_of_other_language.value
                + (of_languages - extracted) * rates.seconds_a_page_below_floor.value
                + extracted * rates.seconds_a_page_extracted.value,
                rates.memory_gigabytes_an_extract_task.value,
                reads=files_read * rates.requests_to_read_a_warc_file.value,
                stored=documents + (pages - extracted) * 0.01 * rates.bytes_a_reject.value,
            ),
            stage(
                "dedup",
                dedup_tasks,
                recalled * rates.seconds_a_signature.value
                + shuffle / 1e9 * rates.seconds_a_shuffled_gigabyte.value,
                large,
                reads=files_read * rates.files_written_a_task.value,
                shuffle=shuffle,
                stored=recalled * rates.bytes_a_signature.value,
            ),
            stage(
                "refine",
                refine_bytes / partition,
                unique * (rates.seconds_a_refined_document.value + encoded)
                + refine_bytes / 1e9 * rates.seconds_a_shuffled_gigabyte.value,
                large,
                reads=files_read * rates.files_written_a_task.value,
                shuffle=refine_bytes,
                stored=refine_bytes,
            ),
            stage(
                "publish",
                refine_bytes / partition,
                corpus_bytes / 1e9 * rates.seconds_a_shuffled_gigabyte.value,
                large,
                reads=refine_bytes / partition,
                shuffle=corpus_bytes,
                stored=corpus_bytes,
                files_written=corpus_bytes / 256e6 + snapshots,
            ),
        ],
    )


def _encoded(rates: Rates) -> float:
    rate = rates.seconds_an_encoded_document
    if rate is None:
        raise ConfigError("the rates have no seconds_an_encoded_document; expected it (--encoder)")
    return rate.value


def print_plan(plan: Plan) -> str:
    """The plan as an aligned table, with the sources of its rates below."""
    head = f"{'stage':<10}{'tasks':>12}{'core-hours':>13}{'memory':>11}{'reads':>13}{'writes':>13}"
    head += f"{'shuffle':>11}{'stored':>11}{'hours':>10}"
    whole = plan.snapshots * plan.rates.warc_files_a_snapshot.value
    what = f"{plan.snapshots} snapshot{'s' * (plan.snapshots != 1)}"
    if plan.warc_files < whole:
        what = f"{plan.warc_files:,.0f} WARC file{'s' * (plan.warc_files != 1)} of {what}"
    lines = [
        f"{what}, "
        f"{plan.pages:.3g} pages, "
        f"{_bytes(plan.input_bytes)} of WARC files, {plan.cores} cores",
        "",
        head,
    ]
    for s in plan.stages:
        lines.append(
            f"{s.stage:<10}{s.tasks:>12,.0f}{_figure(s.core_hours):>13}{_bytes(s.memory_gigabytes * 1e9):>11}"  # noqa: E501
            f"{s.reads:>13,.0f}{s.writes:>13,.0f}{_bytes(s.shuffle_bytes):>11}"
            f"{_bytes(s.stored_bytes):>11}{_figure(s.hours, 1):>10}"
        )
    t = plan.total
    lines.append(
        f"{'all':<10}{t('tasks'):>12,.0f}{_figure(t('core_hours')):>13}"
        f"{_bytes(max(s.memory_gigabytes for s in plan.stages) * 1e9):>11}"
        f"{t('reads'):>13,.0f}{t('writes'):>13,.0f}{_bytes(t('shuffle_bytes')):>11}"
        f"{_bytes(t('stored_bytes')):>11}{_figure(t('hours'), 1):>10}"
    )
    if plan.prices is not None:
        lines += ["", f"cost in {plan.prices.currency} ({plan.prices.source})"]
        lines += [f"  {name:<12}{_figure(cost):>14}" for name, cost in plan.costs.items()]
        lines.append(f"  {'all':<12}{_figure(sum(plan.costs.values())):>14}")
    lines += ["", "from these rates:"]
    for name in type(plan.rates).model_fields:
        rate: Measured | None = getattr(plan.rates, name)
        if rate is None:
            continue
        lines.append(f"  {name.replace('_', ' '):<36}{rate.value:>14,.6g}  {rate.source}")
    return "\n".join(lines)


def load_rates(path: str | Path) -> Rates:
    """Read a rates file, or the packaged `rates`. Raises `ConfigError`."""
    return _load(path, Rates, "rates")


def load_prices(path: str | Path) -> Prices:
    """Read a price file, or the packaged example `prices`. Raises `ConfigError`."""
    return _load(path, Prices, "prices")


def _load(path: str | Path, model: type[T], what: str) -> T:
    content = read_yaml(shipped_file(path), what)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{what} file {path}: {key}: {first['msg']}") from None


def _figure(value: float, digits: int = 0) -> str:
    """Rounded to whole numbers, or `digits`; small ones to two significant figures."""
    return f"{value:,.{digits}f}" if value >= 10 or value == 0 else f"{value:.2g}"


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5:
            return f"{count:,.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} PB"
