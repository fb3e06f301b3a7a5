"""Versions of a corpus that grows snapshot by snapshot: one new snapshot in, one new version out.

    <releases>/versions/00003.json   the version: its snapshots, where their corpora lie, what changed
    <releases>/LATEST.json           the newest of them
    <releases>/CHANGELOG.md          all of them, for people
    <releases>/lock/                 held while a version is in the making
    <runs>/<snapshot>/               the run of a snapshot, deduplicated against all before it

A version names the corpora of its runs and copies nothing. It is created only where it does not
exist, so that two runs fired at once, or one fired twice, publish it once.
"""  # noqa: E501

from __future__ import annotations

import json
import logging
import re
from typing import Any

from pydantic import BaseModel, ConfigDict

from infimm_spark import store
from infimm_spark.config import BuildConfig
from infimm_spark.errors import ConfigError, InputError, OutputError
from infimm_spark.run.ledger import FunnelStage, documents_of
from infimm_spark.run.lock import TERM_MINUTES, Lock
from infimm_spark.run.manifest import timestamp
from infimm_spark.run.pipeline import RunSummary, build_run
from infimm_spark.run.run import Run
from infimm_spark.version import build_id

log = logging.getLogger(__name__)

NEWEST = "newest"
"""In the place of a snapshot's name: the newest one the input has."""

_SNAPSHOT = re.compile(r"CC-MAIN-\d{4}-\d{2}")
_CATALOGUE = "https://index.commoncrawl.org/collinfo.json"


class Part(BaseModel):
    """A snapshot of a version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    snapshot: str
    run_id: str
    run: str
    corpus: str
    documents: int


class Changes(BaseModel):
    """What a version added, in counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    snapshot: str
    pages_read: int
    documents_added: int
    dropped: dict[str, int]
    """By stage and reason, of the new snapshot."""
    duplicates_of_earlier: dict[str, int]
    """By reason: documents of the new snapshot of which an earlier version holds the copy."""


class Version(BaseModel):
    """One published version of the corpus."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    created: str
    code_version: str
    parts: list[Part]
    changes: Changes

    @property
    def documents(self) -> int:
        """Documents of all parts."""
        return sum(part.documents for part in self.parts)


class Releases:
    """The versions below `root`."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")

    def latest(self) -> Version | None:
        """The newest version, None before the first."""
        files = self._files()
        return self._read(files[-1]) if files else None

    def all(self) -> list[Version]:
        """Every version, oldest first."""
        return [self._read(file) for file in self._files()]

    def publish(self, version: Version) -> None:
        """Add a version. Raises `OutputError` where that number is taken."""
        content = (version.model_dump_json(indent=2) + "\n").encode()
        if not store.write_new(f"{self.root}/versions/{version.version:05d}.json", content):
            raise OutputError(
                f"version {version.version} of {self.root} was published by another run meanwhile"
            )
        self.refresh()

    def refresh(self) -> None:
        """Write LATEST.json and CHANGELOG.md anew from the versions, which alone count."""
        versions = self.all()
        if versions:
            content = (versions[-1].model_dump_json(indent=2) + "\n").encode()
            store.write_bytes(f"{self.root}/LATEST.json", content)
            text = "# Changelog of the corpus\n\n" + "\n".join(map(changelog_entry, versions[::-1]))
            store.write_bytes(f"{self.root}/CHANGELOG.md", text.encode())

    def lock(self, minutes: float, *, take_over: bool = False) -> Lock:
        """The lock under which a version is made."""
        what = f"releases {store.shown(self.root)}"
        return Lock(f"{self.root}/lock", what=what, minutes=minutes, take_over=take_over)

    def _files(self) -> list[str]:
        return [f for f in store.list_files(f"{self.root}/versions") if f.endswith(".json")]

    def _read(self, file: str) -> Version:
        try:
            return Version.model_validate_json(store.read_bytes(file))
        except ValueError as error:
            raise OutputError(
                f"{file} is not a version of a corpus: {str(error).splitlines()[0]}"
            ) from None


def add_snapshot(
    config: BuildConfig,
    snapshot: str,
    *,
    releases: str,
    runs: str,
    lock_minutes: float = TERM_MINUTES,
    take_over: bool = False,
    accept_code_change: bool = False,
) -> tuple[Version, bool]:
    """Build `snapshot` against all that the last version holds and publish the next version.

        Gives the version that holds the snapshot, and whether this call made it: a snapshot that is
        published already is left alone. A run that was interrupted is continued.

    Raises `LockedError` while another run makes a version (`take_over` says that it is dead),
    `ResumeError` where other code began the snapshot's run (`accept_code_change` mixes both),
    `InputError` for a snapshot the input does not have, and what a build raises.
    """
    if config.dedup.against:
        raise ConfigError("dedup.against is set from the published versions; leave it out")
    if snapshot == NEWEST:
        snapshot = newest_snapshot(config.input.paths)
    if not _SNAPSHOT.fullmatch(snapshot):
        raise InputError(f"snapshot {snapshot!r} is not of the form CC-MAIN-YYYY-WW")
    published = Releases(releases)
    found = _holding(published, snapshot)
    if found is not None:
        log.info("%s is in version %d already", snapshot, found.version)
        return found, False
    with published.lock(lock_minutes, take_over=take_over) as lock:
        found = _holding(published, snapshot)
        if found is not None:
            return found, False
        before = published.latest()
        earlier = before.parts if before else []
        output = f"{runs.rstrip('/')}/{snapshot}"
        run, summary = _build(config, snapshot, output, earlier, take_over, accept_code_change)
        lock.check()
        version = Version(
            version=before.version + 1 if before else 1,
            created=timestamp(),
            code_version=build_id(),
            parts=[*earlier, _part(snapshot, summary)],
            changes=_changes(snapshot, summary.funnel, _of_earlier(run) if earlier else {}),
        )
        published.publish(version)
        return version, True


def newest_snapshot(paths: list[str]) -> str:
    """The newest snapshot that the inputs have. Raises `InputError` where there is none."""
    names: list[str] = []
    for path in paths:
        if path.startswith(("http://", "https://")):
            # A mirror behind https cannot be listed; Common Crawl's catalogue can.
            listed = json.loads(store.read_bytes(_CATALOGUE))
            names += [entry["id"] for entry in listed]
        else:
            inside = path if path.rstrip("/").endswith("/crawl-data") else f"{path}/crawl-data"
            names += store.list_folders(inside) if store.is_folder(inside) else []
    known = sorted(name for name in names if _SNAPSHOT.fullmatch(name))
    if not known:
        raise InputError(f"input {', '.join(paths) or '(none)'} has no snapshot CC-MAIN-YYYY-WW")
    return known[-1]


def changelog_entry(version: Version) -> str:
    """A version's changes as Markdown."""
    changes = version.changes
    lines = [
        f"## Version {version.version} – {version.created}",
        "",
        f"- added {changes.snapshot}: {changes.documents_added:,} documents "
        f"from {changes.pages_read:,} records",
        f"- {version.documents:,} documents in {len(version.parts)} snapshots",
    ]
    if changes.duplicates_of_earlier:
        listed = ", ".join(f"{r} {n:,}" for r, n in sorted(changes.duplicates_of_earlier.items()))
        lines.append(f"- already in earlier versions: {listed}")
    dropped = sorted(changes.dropped.items(), key=lambda item: (-item[1], item[0]))
    lines += [f"- dropped, {reason}: {count:,}" for reason, count in dropped]
    return "\n".join(lines) + "\n"


def describe(version: Version, made: bool) -> str:
    """What the command prints."""
    if not made:
        return f"nothing to do: {version.changes.snapshot} is in version {version.version} already"
    return changelog_entry(version)


def _holding(releases: Releases, snapshot: str) -> Version | None:
    latest = releases.latest()
    if latest is None or snapshot not in {part.snapshot for part in latest.parts}:
        return None
    return next(v for v in releases.all() if v.changes.snapshot == snapshot)


def _build(
    config: BuildConfig,
    snapshot: str,
    output: str,
    earlier: list[Part],
    take_over: bool,
    accept_code_change: bool,
) -> tuple[Run, RunSummary]:
    values: dict[str, Any] = config.model_dump()
    values["output"] = output
    values["input"]["snapshots"] = [snapshot]
    values["dedup"]["against"] = [part.run for part in earlier]
    # What was released stays: of copies, the one of the earlier version is kept.
    values["dedup"]["prefer"] = "older"
    run = Run.begin(
        BuildConfig.model_validate(values),
        resume=True,
        take_over=take_over,
        accept_code_change=accept_code_change,
    )
    return run, build_run(run, resume=True)


def _part(snapshot: str, summary: RunSummary) -> Part:
    return Part(
        snapshot=snapshot,
        run_id=summary.run_id,
        run=summary.output,
        corpus=summary.corpus,
        documents=documents_of(summary.funnel),
    )


def _changes(snapshot: str, funnel: list[FunnelStage], of_earlier: dict[str, int]) -> Changes:
    return Changes(
        snapshot=snapshot,
        pages_read=funnel[0].read,
        documents_added=documents_of(funnel),
        dropped={f"{s.stage} {reason}": n for s in funnel for reason, n in s.dropped.items()},
        duplicates_of_earlier=of_earlier,
    )


def _of_earlier(run: Run) -> dict[str, int]:
    """Removed documents by reason whose kept copy is none of this run's."""
    from pyspark.sql import functions as F

    from infimm_spark.stages.dedup import recalled

    removed = run.read("dedup", "duplicates")
    own = recalled(run, run.config).select(F.col("id").alias("kept_id"))
    counted = removed.join(own, on="kept_id", how="left_anti").groupBy("reason").count()
    return {row["reason"]: row["count"] for row in counted.collect()}
