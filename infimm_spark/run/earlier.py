"""Earlier runs whose documents a new one is compared with; looked at before Spark starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infimm_spark import store
from infimm_spark.config import config_hash
from infimm_spark.errors import (
    ConfigError,
    InputError,
    NoRunError,
    SignatureMismatchError,
    StageError,
)
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.manifest import read_manifest
from infimm_spark.run.stored import stored_run
from infimm_spark.warc.listing import WarcFile


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run whose dedup is complete. `identity` changes when its dedup is done again otherwise."""

    layout: RunLayout
    identity: dict[str, str]


def check_distinct(
    warcs: Sequence[WarcFile],
    exclusions: Mapping[str, Sequence[str]],
    earlier: Sequence[EarlierRun],
) -> None:
    """Refuse WARC files with the names of files that an earlier run has read: their documents would
    have one id.

    Raises `InputError`.
    """
    left_out = {name for names in exclusions.values() for name in names}
    own = [warc.warc_file for warc in warcs if warc.warc_file not in left_out]
    for run in earlier:
        files = tables.locations(run.layout, "extract", "ledger")
        read = set(
            tables.read_ledger(files).unify_dictionaries().column("warc_file").unique().to_pylist()
        )
        shared = [name for name in own if name in read]
        if shared:
            more = f" and {len(shared) - 1:,} more" if len(shared) > 1 else ""
            raise InputError(
                f"--against {run.layout.root}: that run has read a WARC file named "
                f"{shared[0]}{more}, too; leave out "
                "the same file with --exclude, or name another one apart with --set "
                "input.prefix=NAME"
            )


def earlier_runs(locations: Sequence[str], own: RunLayout, fingerprint: str) -> list[EarlierRun]:
    """The runs at `locations`, in that order.

    Raises `NoRunError` for a location that is no run, `ConfigError` for one that is given twice or
    is the new run itself, `StageError` for one whose dedup is not complete or that was itself
    compared with a run that is not given, and `SignatureMismatchError` for signatures other than
    `fingerprint`.
    """
    runs: list[EarlierRun] = []
    needed: dict[str, str] = {}
    for location in locations:
        layout = RunLayout(store.normal(location))
        stored = stored_run(layout)
        if stored is None:
            raise NoRunError.at(f"--against {location}")
        run_id = stored["run_id"]
        if layout.root == own.root or run_id in {run.identity["run_id"] for run in runs}:
            what = "is the run itself" if layout.root == own.root else "is given twice"
            raise ConfigError(f"--against {location} {what}; expected other runs, each once")
        manifest = read_manifest(layout.manifest("dedup"))
        if manifest is None:
            raise StageError(f"--against {location}: stage dedup is not complete there")
        stored = manifest.identity.get("signatures")
        if stored != fingerprint:
            raise SignatureMismatchError(
                f"--against {location}: signatures were made with {stored!r}; expected "
                f"{fingerprint!r}"
            )
        for before in manifest.identity.get("against", []):
            needed[before["run_id"]] = location
        runs.append(EarlierRun(layout, {"run_id": run_id, "dedup": config_hash(manifest.identity)}))
    given = {run.identity["run_id"] for run in runs}
    for run_id, location in needed.items():
        if run_id not in given:
            raise StageError(
                f"--against {location} was itself compared with run {run_id}; expected that one "
                "as well"
            )
    return runs
