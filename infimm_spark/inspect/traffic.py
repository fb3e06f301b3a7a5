"""What reading cost in requests and bytes, and what a larger crawl will."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from infimm_spark import schemas
from infimm_spark.run import tables
from infimm_spark.run.layout import RunLayout

GET_DOLLARS = 0.40 / 1_000_000  # S3 Standard, us-east-1
EGRESS_DOLLARS = 0.09 / 1e9  # a byte out of AWS; none within the region


@dataclass(frozen=True, slots=True)
class Forecast:
    """A crawl of `files` WARC files, by what a run's files took on average."""

    files: int
    requests: float
    bytes: float

    @property
    def request_dollars(self) -> float:
        return self.requests * GET_DOLLARS

    @property
    def egress_dollars(self) -> float:
        return self.bytes * EGRESS_DOLLARS


def traffic(layout: RunLayout) -> pa.Table:
    """`schemas.TRAFFIC` of a run."""
    found = tables.dataset(tables.locations(layout, "extract", "traffic"), schemas.TRAFFIC)
    return found.to_table() if found is not None else schemas.TRAFFIC.empty_table()


def forecast(measured: pa.Table, files: int) -> Forecast:
    """The same for `files` WARC files."""
    share = files / max(1, measured.num_rows)
    return Forecast(files, _sum(measured, "requests") * share, _sum(measured, "bytes") * share)


def print_traffic(measured: pa.Table, files: int | None = None) -> str:
    """A run's traffic as lines; with `files` also what so many WARC files would cost."""
    lines = [
        f"WARC files {measured.num_rows:>14,}",
        f"requests   {_sum(measured, 'requests'):>14,}",
        f"retries    {_sum(measured, 'retries'):>14,}",
        f"bytes      {_sum(measured, 'bytes'):>14,}",
    ]
    if files is not None:
        ahead = forecast(measured, files)
        lines += [
            "",
            f"forecast for {ahead.files:,} files: {ahead.requests:,.0f} GET requests, "
            f"{ahead.bytes / 1e12:,.2f} TB",
            f"  requests ${ahead.request_dollars:,.2f}; transfer $0 within us-east-1, "
            f"${ahead.egress_dollars:,.0f} out of AWS",
        ]
    return "\n".join(lines)


def _sum(table: pa.Table, column: str) -> int:
    return int(pc.sum(table.column(column)).as_py() or 0)
