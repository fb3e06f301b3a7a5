"""What every platform does for `infimm cloud`: prepare, submit, look, stop; and what it remembers.

What `prepare` made and `submit` started is kept in a small JSON file of the prefix, so that any
machine with access to it can watch or stop.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from infimm_spark.cloud.api import Api
from infimm_spark.cloud.bundle import Bundle
from infimm_spark.cloud.job_arguments import Build
from infimm_spark.cloud.sizes import Size
from infimm_spark.errors import CloudError, DamagedRunError


@dataclass(frozen=True)
class State:
    """Where a submitted job stands: the platform's own word, and what it means."""

    word: str
    is_over: bool
    is_good: bool = False
    detail: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    """(step, the platform's word for it), where the job has steps."""

    def __str__(self) -> str:
        steps = ", ".join(f"{name} {word}" for name, word in self.steps)
        return f"{self.word}{f' ({steps})' if steps else ''}"


@dataclass
class Record:
    """What is remembered: platform settings, ids of what was made, the job under way."""

    settings: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)

    def tuples(self) -> dict[str, Any]:
        """The settings with tuples in place of JSON's lists."""
        return {k: tuple(v) if isinstance(v, list) else v for k, v in self.settings.items()}


class Platform(ABC):
    """A managed platform with one prefix; `api` reaches both."""

    name: ClassVar[str]
    config: ClassVar[str]
    """The configuration of the package that its jobs use."""
    input: ClassVar[str]
    """Common Crawl, as this platform reaches it best."""
    has_spot: ClassVar[bool] = True
    steps_by_default: ClassVar[bool] = True

    def __init__(self, api: Api, prefix: str) -> None:
        self.api = api
        self.prefix = prefix.rstrip("/")

    @property
    @abstractmethod
    def archive_target(self) -> str | None:
        """The environment archive its machines need; None where the wheel is enough."""

    @abstractmethod
    def prepare(self, bundle: Bundle, *, apply: bool) -> list[str]:
        """Upload the code and create what jobs need; lines that say what was done, or has to be.

        Roles, networks and buckets are created with `apply` only.
        """

    @abstractmethod
    def submit(self, build: Build, size: Size, *, steps: bool) -> str:
        """Start the build; one line that names the job."""

    @abstractmethod
    def state(self) -> State:
        """Where the job of the record stands."""

    @abstractmethod
    def stop(self, *, clean: bool) -> list[str]:
        """Stop the job and what costs money; with `clean` everything but runs and releases."""

    def step_over(self) -> str | None:
        """Start the next step where the platform does not do so itself; a line that says so."""
        return None

    def logs(self) -> str:
        """Where the job's logs are."""
        return f"{self.prefix}/logs/"

    # -- what is remembered ------------------------------------------------------------------------

    @property
    def _record_file(self) -> str:
        return f"{self.prefix}/launches/{self.name}.json"

    def remembered(self) -> Record:
        """The record of the prefix; an empty one before `prepare`."""
        content = self.api.get(self._record_file)
        if content is None:
            return Record()
        try:
            return Record(**json.loads(content))
        except (ValueError, TypeError):
            raise DamagedRunError(
                f"{self._record_file} is damaged: expected what prepare wrote; run prepare again"
            ) from None

    def remember(self, record: Record) -> None:
        self.api.put(self._record_file, (json.dumps(vars(record), indent=2) + "\n").encode())

    def known(self, name: str, example: str) -> str:
        """An id that `prepare` or `submit` recorded; `example` in a dry run without it."""
        found = self.remembered().ids.get(name) or self.remembered().job.get(name)
        if found:
            return str(found)
        if self.api.dry_run is not None:
            return example
        before = "submit" if name in ("job", "run") else "prepare"
        raise CloudError(
            f"{self.prefix} has no {name} of {self.name}; expected infimm cloud {self.name} "
            f"{before} --prefix {self.prefix} first"
        )

    def begun(self, build: Build, ids: dict[str, Any], stages: Sequence[str] = ()) -> None:
        """Remember a job: its ids, its run, and the stages that wait for it."""
        record = self.remembered()
        record.job = {**ids, "run": build.run, "waiting": list(stages)}
        self.remember(record)
