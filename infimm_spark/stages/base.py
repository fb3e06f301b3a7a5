"""What a stage is: the one declaration from which runs, reports and commands derive what they know
of it.

A stage lives in one file of this package: its tables, its settings, its work, and how it explains
what it dropped. `registry` lists the stages of a build. Nothing here knows where a run keeps its
tables: a stage reads and writes through `Work`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pyarrow as pa

from infimm_spark.classify.broadcast import ModelBytes
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig, LengthThreshold
from infimm_spark.stages.record_counts import DROPPED, FAILED, KEPT, READ

if TYPE_CHECKING:
    from pyspark import Accumulator, Broadcast
    from pyspark.sql import DataFrame, SparkSession

    from infimm_spark.stages.page_trace import PageTrace
    from infimm_spark.store.gate import GateAddress

ModelKind = Literal["language", "recall", "precision"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a stage writes below its own folder.

    `released` tables are what a build is made for: they lie at the top of the run, where people and
    other programs look for them. `partition_by` are columns that become folders.
    """

    schema: pa.Schema
    partition_by: tuple[str, ...] = ()
    released: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the configuration that a stage uses.

    Its values shape the stage's rows and are part of the stage's identity, but for the
    `operational` ones, which may change on resume. A setting in `later` came after runs had been
    written: it joins the identity only where it differs from its default, so that those runs can
    still be resumed.
    """

    name: str
    operational: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()

    def shaping(self, config: BuildConfig) -> dict[str, Any]:
        """The values that shape rows, as plain JSON values."""
        section = getattr(config, self.name)
        defaults = type(section)().model_dump(mode="json")
        return {
            key: value
            for key, value in section.model_dump(mode="json").items()
            if key not in self.operational and not (key in self.later and value == defaults[key])
        }


@dataclass(frozen=True, slots=True)
class KeptRows:
    """Where `infimm explain` finds the records that a stage kept: rows of `table` with an `id`.

    Only rows whose `unless` column is null count. `columns` are shown.
    """

    table: str
    columns: tuple[str, ...] = ()
    unless: str | None = None
    says: str = "kept"


class Facts(Protocol):
    """What the identity of a stage may ask of its run, beside settings and models."""

    def exclusions(self) -> dict[str, list[str]]:
        """The WARC files left out, under `excluded`; empty where there are none."""
        ...

    def inputs(self) -> dict[str, Any]:
        """The number and a digest of the input files."""

    def against(self) -> list[dict[str, str]]:
        """The identities of the earlier runs that this one is compared with."""


class Reads(Protocol):
    """Whoever gives the tables of a run."""

    def read(self, stage: str, table: str) -> DataFrame:
        """A table of a stage."""


class Work(Reads, Protocol):
    """What a stage works with while it runs."""

    @property
    def spark(self) -> SparkSession: ...

    def read_earlier(self, stage: str, table: str) -> list[DataFrame]:
        """The same table of each earlier run that this one is compared with."""

    def write(self, table: str, frame: DataFrame, **options: str) -> DataFrame:
        """Write a table of this stage and give it back as read from there; `options` are
        Parquet's."""

    def checkpoint(self, frame: DataFrame, name: str) -> DataFrame:
        """Write an intermediate result and give it back; removed when the stage is complete."""

    def model(self, kind: ModelKind) -> Broadcast[ModelBytes]:
        """A model, broadcast once; freed when the stage is complete."""

    def warcs(self) -> DataFrame:
        """The WARC files of the group at hand (`extract.WARCS`), for a stage that runs by group."""

    @property
    def tally(self) -> Accumulator[dict[str, int]] | None:
        """Where tasks count outcomes for the display of progress, if there is one."""

    @property
    def gate(self) -> GateAddress | None:
        """Where workers ask before they open a connection, if their number is limited."""


def _no_facts(facts: Facts, config: BuildConfig) -> dict[str, Any]:
    return {}


def _always(config: BuildConfig) -> bool:
    return True


def _no_limit(row: Mapping[str, Any], config: BuildConfig) -> str | None:
    return None


@dataclass(frozen=True)
class Stage:
    """One stage of a build.

    `ledger` names the lines it adds to the funnel, in order; each has its own read, kept and
    dropped. `run` computes the tables: it may `Work.write` some on the way and returns the others.
    It must be a function of the tables it reads and of the settings in `sections`, nothing else.
    """

    name: str
    summary: str
    """One line for people: what the stage does."""
    tables: Mapping[str, Table]
    """Tables by name; each stage has `ledger`, those that drop records also `rejects`."""
    run: Callable[[Work, BuildConfig], Mapping[str, DataFrame]]
    reads: tuple[str, ...] = ()
    """Stages whose tables it reads."""
    ledger: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    models: tuple[ModelKind, ...] = ()
    facts: Callable[[Facts, BuildConfig], dict[str, Any]] = _no_facts
    """What else shapes its rows, for its identity."""
    by_group: bool = False
    """Runs once for each group of WARC files; each group is committed by itself."""
    counts_pages: bool = True
    """Its ledger counts the pages that the stage before it kept (false: something else, such as
    images)."""
    enabled: Callable[[BuildConfig], bool] = _always
    """Whether a build with this configuration has the stage."""
    kept: KeptRows | None = None
    limit: Callable[[Mapping[str, Any], BuildConfig], str | None] = _no_limit
    """For a row of its rejects: the comparison that decided and the configuration key, such as
    `math_prob 0.12 < 0.2 (dedup.recall_threshold)`."""
    trace: Callable[[PageTrace, BuildConfig], None] | None = None
    """What it does with one page alone, for `infimm page`."""

    command: str | None = None
    """How the command line calls it, if not by its name."""

    @property
    def counts(self) -> tuple[str, ...]:
        """Keys of the counts in its manifest."""
        if self.by_group:
            return ("files", READ, KEPT, DROPPED, FAILED)
        return tuple(f"{line}.{outcome}" for line in self.ledger for outcome in (READ, KEPT))

    @property
    def releases(self) -> bool:
        """Whether it writes a table that a build is made for."""
        return any(table.released for table in self.tables.values())

    def settings(self, config: BuildConfig) -> dict[str, Any]:
        """The settings that shape its rows, by section; thresholds as they are used."""
        config = with_thresholds(config, by_language=False)
        return {section.name: section.shaping(config) for section in self.sections}

    def identity(
        self, config: BuildConfig, facts: Facts, model: Callable[[ModelKind], ModelBytes]
    ) -> dict[str, Any]:
        """Everything that shapes its rows but the stages it reads."""
        own: dict[str, Any] = self.settings(config)
        if self.models:
            own["models"] = {kind: model(kind).fingerprint for kind in self.models}
        return own | self.facts(facts, config)


def in_order(stages: Iterable[Stage]) -> list[Stage]:
    """`stages` so that each comes after those it reads; else in the order given.

    Raises `ValueError` where stages read each other in a circle, or one that is not there.
    """
    waiting = list(stages)
    names = {stage.name for stage in waiting}
    for stage in waiting:
        unknown = [name for name in stage.reads if name not in names]
        if unknown:
            raise ValueError(
                f"stage {stage.name} reads stage {unknown[0]}, which is not registered"
            )
    ordered: list[Stage] = []
    done: set[str] = set()
    while waiting:
        ready = next((stage for stage in waiting if done.issuperset(stage.reads)), None)
        if ready is None:
            raise ValueError(f"stages read each other: {', '.join(s.name for s in waiting)}")
        waiting.remove(ready)
        ordered.append(ready)
        done.add(ready.name)
    return ordered


def parents(stage: Stage, stages: Sequence[Stage]) -> list[str]:
    """The stages it reads that none of the others it reads has read already."""
    by_name = {other.name: other for other in stages}
    seen = {name for read in stage.reads for name in ancestors(by_name[read], stages)}
    return [name for name in stage.reads if name not in seen]


def ancestors(stage: Stage, stages: Sequence[Stage]) -> list[str]:
    """Every stage it reads, directly or through others, in order."""
    by_name = {other.name: other for other in stages}
    found: set[str] = set()
    waiting = list(stage.reads)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += by_name[name].reads
    return [other.name for other in stages if other.name in found]


def descendants(stage: Stage, stages: Sequence[Stage]) -> list[str]:
    """Every stage that reads it, directly or through others, in order."""
    return [other.name for other in stages if stage.name in ancestors(other, stages)]


def below_threshold(
    length: int,
    threshold_at: Callable[[int], float],
    by_length: Sequence[LengthThreshold],
    key: str,
) -> str:
    """`< 0.2 (dedup.recall_threshold)`: what a text of `length` characters fell short of, and its
    key."""
    reached = any(length >= band.min_chars for band in by_length)
    return f"< {threshold_at(length):g} ({key}{'_by_length' if reached else ''})"
