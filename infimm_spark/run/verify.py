"""Whether a run's files are what its manifests say: there, of the right size, and (deep) of the
right bytes.

The quick look lists folders and reads nothing; it is part of every command that builds on what a
run holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infimm_spark import store
from infimm_spark.errors import DamagedRunError, OutputError
from infimm_spark.run.files import DataFile, digests
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import Manifest, read_manifest
from infimm_spark.stages.registry import command_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LARGE = 1000
"""Files from which on checksums are a Spark job."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What one manifest speaks for: a stage, or a group of WARC files of one."""

    stage: str
    manifest_file: str
    manifest: Manifest
    is_group: bool

    @property
    def files(self) -> list[DataFile]:
        """The files its manifest names."""
        return self.manifest.files


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not what its manifest says, and the command that mends it."""

    file: str
    expected: str
    found: str
    mend: str

    def __str__(self) -> str:
        return (
            f"{self.file}: expected {self.expected}, found {self.found}; mend it with {self.mend}"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at and what is wrong. `unlisted` are stages whose manifest, of an earlier
    version, names no files: nothing can be said of them."""

    stages: list[str]
    groups: int
    files: int
    bytes: int
    unlisted: list[str]
    damage: list[Damage]


def verify(
    layout: RunLayout,
    *,
    deep: bool = False,
    spark: Callable[[], SparkSession] | None = None,
) -> Verdict:
    """Compare every file of a run with its manifest; `deep` reads each from end to end.

    Where there are many the reading is a job of `spark`, which is asked for a session only then.
    """
    found = dict(store.list_sizes(layout.root))
    units, damage = _units(layout, found)
    damage += _differences(layout, units, found)
    damage += _strangers(layout, units, found)
    if deep:
        bad = {d.file for d in damage}
        whole = [(unit, f) for unit in units for f in unit.files if f.path not in bad]
        session = spark() if spark is not None and len(whole) >= LARGE else None
        damage += _changed(layout, whole, session)
    return Verdict(
        stages=[unit.stage for unit in units if not unit.is_group],
        groups=sum(unit.is_group for unit in units),
        files=sum(len(unit.files) for unit in units),
        bytes=sum(file.bytes for unit in units for file in unit.files),
        unlisted=[
            unit.stage
            for unit in units
            if not unit.files and not any(u.is_group and u.stage == unit.stage for u in units)
        ],
        damage=sorted(damage, key=lambda d: d.file),
    )


def check_files(layout: RunLayout, stages: Collection[str]) -> None:
    """The quick look at some stages. Raises `DamagedRunError` naming the first file that is gone or
    cut."""
    found = _sizes(layout, stages)
    units, damage = _units(layout, found)
    elsewhere = {file.path.partition("/")[0] for unit in units for file in unit.files}
    found |= _sizes(layout, elsewhere - set(stages))
    damage += _differences(layout, units, found)
    if damage:
        first = min(damage, key=lambda d: d.file)
        more = f" ({len(damage):,} files are damaged: infimm verify)" if len(damage) > 1 else ""
        raise DamagedRunError(f"{store.join(layout.root, '')}{first}{more}")


def forget_damaged(layout: RunLayout, verdict: Verdict) -> list[str]:
    """Delete the manifests of damaged groups, so that resuming the build reads their WARC files
    again.

    Gives the manifests deleted. The caller holds the run's lock.
    """
    units, _ = _units(layout, store.list_files(layout.root))
    bad = {damage.file for damage in verdict.damage}
    doomed = [u for u in units if u.is_group and any(f.path in bad for f in u.files)]
    named = {unit.manifest_file for unit in doomed}
    # A manifest that cannot be read is damage itself.
    named |= {store.join(layout.root, path) for path in bad if _is_group_manifest(path)}
    stages = {name[len(layout.root) + 1 :].partition("/")[0] for name in named}
    grouped = {unit.stage for unit in units if unit.is_group}
    stages |= {stage for stage in grouped if f"{stage}/manifest.json" in bad}
    # The stage's own goes first: it says that all groups are there.
    deleted = [layout.manifest(stage) for stage in sorted(stages)] + sorted(named)
    for manifest in deleted:
        store.delete_tree(manifest)
    return deleted


def describe(layout: RunLayout, verdict: Verdict, *, deep: bool) -> str:
    """What the command prints."""
    looked = "size and SHA-256" if deep else "existence and size; --deep compares SHA-256"
    lines = [str(damage) for damage in verdict.damage]
    lines += [
        f"{stage}: written by an earlier version whose manifest names no files; nothing to compare"
        for stage in verdict.unlisted
    ]
    state = f"{len(verdict.damage):,} damaged" if verdict.damage else "whole"
    groups = f" and {verdict.groups:,} groups" if verdict.groups else ""
    lines.append(
        f"{store.shown(layout.root)}: {verdict.files:,} files of {len(verdict.stages)} "
        f"stages{groups}, "
        f"{verdict.bytes / 1e6:,.1f} MB ({looked}): {state}"
    )
    return "\n".join(lines)


def _sizes(layout: RunLayout, folders: Iterable[str]) -> dict[str, int]:
    """Bytes by location of all files below some folders of a run."""
    places = [store.join(layout.root, folder) for folder in sorted(folders)]
    return dict(entry for place in places for entry in store.list_sizes(place))


def _units(layout: RunLayout, files: Iterable[str]) -> tuple[list[Unit], list[Damage]]:
    """Every manifest among `files`, and those that cannot be read."""
    base = len(layout.root.rstrip("/")) + 1
    units, damage = [], []
    paths = {file[base:]: file for file in files}
    grouped = {path.partition("/")[0] for path in paths if _is_group_manifest(path)}
    for path, file in paths.items():
        is_group = _is_group_manifest(path)
        if not is_group and not (path.count("/") == 1 and path.endswith("/manifest.json")):
            continue
        stage = path.partition("/")[0]
        try:
            manifest = read_manifest(file)
        except OutputError:
            mend = _mend(layout, stage, stage in grouped)
            damage.append(Damage(path, "a manifest", "something else", mend))
            continue
        if manifest is not None:
            units.append(Unit(stage, file, manifest, is_group))
    return units, damage


def _is_group_manifest(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return folder.endswith("/manifests") and name.startswith("group-") and name.endswith(".json")


def _differences(layout: RunLayout, units: list[Unit], found: dict[str, int]) -> list[Damage]:
    damage = []
    for unit in units:
        mend = _mend(layout, unit.stage, unit.is_group)
        for file in unit.files:
            size = found.get(store.join(layout.root, file.path))
            if size != file.bytes:
                seen = "no such file" if size is None else f"{size:,} bytes"
                damage.append(Damage(file.path, f"{file.bytes:,} bytes", seen, mend))
    return damage


def _strangers(layout: RunLayout, units: list[Unit], found: dict[str, int]) -> list[Damage]:
    """Files among the released ones that no manifest names: whoever reads the folder reads them
    too."""
    named = {store.join(layout.root, file.path): unit for unit in units for file in unit.files}
    stages = {unit.stage for unit in units}
    released = {}
    for unit in units:
        for file in unit.files:
            folder = file.path.partition("/")[0]
            if folder not in stages:
                released[f"{layout.root.rstrip('/')}/{folder}/"] = unit
    base = len(layout.root.rstrip("/")) + 1
    return [
        Damage(name[base:], "no such file", f"{size:,} bytes", _mend(layout, unit.stage, False))
        for name, size in found.items()
        for folder, unit in released.items()
        if name.startswith(folder) and name.endswith(".parquet") and name not in named
    ]


def _changed(
    layout: RunLayout, files: list[tuple[Unit, DataFile]], spark: SparkSession | None
) -> list[Damage]:
    """Files of the right size whose bytes differ."""
    places = [store.join(layout.root, file.path) for _, file in files]
    found = digests(places, spark)
    return [
        Damage(
            file.path,
            f"SHA-256 {file.sha256}",
            found[place],
            _mend(layout, unit.stage, unit.is_group),
        )
        for (unit, file), place in zip(files, places, strict=True)
        if found[place] != f"SHA-256 {file.sha256}"
    ]


def _mend(layout: RunLayout, stage: str, is_group: bool) -> str:
    root = store.shown(layout.root)
    if is_group:
        return f"infimm verify {root} --mend, then the build's own command with --resume"
    return f"infimm {command_of(stage)} {root} --redo"
