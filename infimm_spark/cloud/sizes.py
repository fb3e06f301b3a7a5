"""How much of a platform a build takes: cores, executors, Spark's settings, predicted cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infimm_spark import packaged
from infimm_spark.inspect.plan import Plan, Prices, load_prices, load_rates, make_plan

CORES_AN_EXECUTOR = 4
_WARC_FILES_A_SNAPSHOT = 90_000
_TRIAL_CORES = 12
"""With a driver of 4, within the 16 vCPUs that a new account of EMR Serverless may use at once."""
_FULL_CORES = 480
_FEWEST_PARTITIONS = 32


@dataclass(frozen=True)
class Size:
    """Cores of the executors together, and the WARC files to read (None: the whole snapshot)."""

    cores: int
    files: int | None = None

    @classmethod
    def of(cls, limit: int | None, cores: int | None) -> Size:
        """The size that was asked for, else one that suits the number of WARC files."""
        if cores is None:
            wanted = _FULL_CORES if limit is None else limit
            cores = min(_FULL_CORES, max(_TRIAL_CORES, wanted))
        return cls(cores=cores, files=limit)

    @property
    def executors(self) -> int:
        return max(1, math.ceil(self.cores / CORES_AN_EXECUTOR))

    @property
    def is_small(self) -> bool:
        """Whether a few machines that stay are enough, without Spot."""
        return self.cores < 64


def spark_settings(stage: str, size: Size, without: Iterable[str] = ()) -> dict[str, str]:
    """Spark's settings for a stage, or for `build`: those of conf/spark, fitted to the size.

    A whole build is shaped for dedup, whose executors are the larger ones. Keys that begin with one
    of `without` are left out.
    """
    name = "extract" if stage == "extract" else "dedup"
    settings = _properties(name)
    partitions = "spark.sql.shuffle.partitions"
    if size.files is not None and partitions in settings:
        share = size.files / _WARC_FILES_A_SNAPSHOT
        fitted = max(_FEWEST_PARTITIONS, math.ceil(int(settings[partitions]) * share))
        settings[partitions] = str(min(int(settings[partitions]), fitted))
    return {k: v for k, v in settings.items() if not k.startswith(tuple(without))}


def predicted(size: Size, price_file: str | None, *, has_spot: bool) -> Plan:
    """What `infimm plan` predicts for a build of this size."""
    prices: Prices = load_prices(price_file or "prices")
    if not has_spot or size.is_small:
        prices = prices.model_copy(update={"spot_share": 0.0})
    return make_plan(1, size.cores, load_rates("rates"), prices, files=size.files)


def in_words(plan: Plan) -> str:
    """A prediction in two lines."""
    hours, money = plan.total("hours"), sum(plan.costs.values())
    assert plan.prices is not None
    return (
        f"predicted: {plan.total('core_hours'):,.3g} core-hours, {hours:,.2g} hours on "
        f"{plan.cores} cores, {money:,.2f} {plan.prices.currency}, beside the "
        "start of the machines\n"
        f"prices: {plan.prices.source}"
    )


def _properties(name: str) -> dict[str, str]:
    """A properties file of the package as Spark reads it."""
    folder: Path = packaged.packaged_folder(__file__, "conf")
    lines = (line.strip() for line in (folder / f"{name}.conf").read_text("utf-8").splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {key: value.strip() for key, value in pairs}
