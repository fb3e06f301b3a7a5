"""WARC files that a run leaves out, also after it has read them: `--exclude`.

An excluded file stays in the run's list, so that groups and identities of the others stay what they
were. Where its group is committed already, the group's tables are written anew without its rows;
nothing else is read again.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from infimm_spark import store
from infimm_spark.config import BuildConfig
from infimm_spark.errors import InputError
from infimm_spark.run.manifest import Manifest
from infimm_spark.stages.record_counts import EXCLUDED
from infimm_spark.warc.listing import WarcFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from infimm_spark.run.run import Run
    from infimm_spark.stages.base import Stage

KEY = "excluded"
"""Where an identity names the excluded files; absent where there are none."""


def excluded_names(patterns: Sequence[str], warcs: Sequence[WarcFile]) -> list[str]:
    """Names of the files that a pattern means: by name in the crawl, file name, or location;
    sorted.

    Raises `InputError` for a pattern that means none, and where no file is left.
    """
    found: set[str] = set()
    for pattern in patterns:
        meant = {warc.warc_file for warc in warcs if _means(pattern, warc)}
        if not meant:
            raise InputError(
                f"--exclude {pattern}: no WARC file of the input has this name; expected a name "
                "or pattern such as "
                f"{warcs[0].warc_file if warcs else 'x.warc.gz'}"
            )
        found |= meant
    if found and len(found) == len({warc.warc_file for warc in warcs}):
        raise InputError(f"--exclude {', '.join(patterns)} leaves no WARC file of the input")
    return sorted(found)


def with_recorded(config: BuildConfig, stored: Mapping[str, Any] | None) -> BuildConfig:
    """The configuration with the exclusions of the run file: they stay without being repeated."""
    before: list[str] = stored["config"].get("input", {}).get("exclude", []) if stored else []
    if not set(before) - set(config.input.exclude):
        return config
    values = config.model_dump()
    values["input"]["exclude"] = list(dict.fromkeys([*before, *config.input.exclude]))
    return BuildConfig.model_validate(values)


def excludes_more(stored: Mapping[str, Any], current: Mapping[str, Any]) -> bool:
    """Whether two identities differ in nothing but files that the current one excludes in
    addition."""
    before, now = set(stored.get(KEY, ())), set(current.get(KEY, ()))
    return before < now and _without(stored) == _without(json.loads(json.dumps(current)))


def narrowed(
    run: Run, stage: Stage, manifest: Manifest, names: Collection[str]
) -> dict[str, DataFrame]:
    """The tables of a committed group without the rows of the named files, told in its ledger."""
    from pyspark.sql import functions as F

    from infimm_spark.schemas import spark_schema

    tables = {}
    for name, declared in stage.tables.items():
        files = [
            store.join(run.layout.root, file.path)
            for file in manifest.files
            if f"/table={name}/" in file.path
        ]
        if files:
            frame = run.files(files, spark_schema(declared.schema))
            tables[name] = frame.where(~F.col("warc_file").isin(sorted(names)))
    ledger = run.spark.createDataFrame([], spark_schema(stage.tables["ledger"].schema))
    tables["ledger"] = with_excluded(tables.get("ledger", ledger), stage.name, names)
    return tables


def with_excluded(ledger: DataFrame, stage: str, names: Collection[str]) -> DataFrame:
    """The ledger and one row for each excluded file: the file, counted once, and none of its
    records."""
    rows = [(name, stage, EXCLUDED, None, 1) for name in sorted(names)]
    more = ledger.sparkSession.createDataFrame(
        rows, "warc_file string, stage string, outcome string, reason string, count bigint"
    )
    return ledger.unionByName(more.select(*(more[f.name].cast(f.dataType) for f in ledger.schema)))


def _means(pattern: str, warc: WarcFile) -> bool:
    names = {warc.warc_file, warc.warc_file.rpartition("/")[2], warc.location}
    return pattern in names or any(fnmatch.fnmatchcase(name, pattern) for name in names)


def _without(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in identity.items() if key != KEY}
