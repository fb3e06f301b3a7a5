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
CRAWL_FILE_BYTES = 1.1e9
"""A WARC file of Common Crawl: 90,000 of them hold about 99 TB (its monthly announcements)."""
_UNLIKE = 3.0  # files smaller or larger by this factor are no guide to Common Crawl's


@dataclass(frozen=True, slots=True)
class Forecast:
    """A crawl of `files` WARC files, by what a run's files took on average."""

    files: int
    requests: float
    bytes: float

    @property
    def request_dollars(self) -> float:
        """Price of the GET requests, in US dollars."""
        return self.requests * GET_DOLLARS

    @property
    def egress_dollars(self) -> float:
        """Price of the bytes, in US dollars, where they leave the region."""
        return self.bytes * EGRESS_DOLLARS


def traffic(layout: RunLayout) -> pa.Table:
    """`schemas.TRAFFIC` of a run."""
    found = tables.dataset(tables.locations(layout, "extract", "traffic"), schemas.TRAFFIC)
    return found.to_table() if found is not None else schemas.TRAFFIC.empty_table()


def reads_ranges(layout: RunLayout) -> bool:
    """Whether the run read chosen records by their ranges rather than whole files."""
    return bool(tables.locations(layout, "selection", "records"))


def is_like_a_crawl(measured: pa.Table) -> bool:
    """Whether the measured files have about the size of Common Crawl's."""
    mean: float = _sum(measured, "bytes") / max(1, measured.num_rows)
    return bool(CRAWL_FILE_BYTES / _UNLIKE <= mean <= CRAWL_FILE_BYTES * _UNLIKE)


def forecast(measured: pa.Table, files: int, *, in_ranges: bool = False) -> Forecast:
    """The same for `files` WARC files of Common Crawl.

    Requests go by file. Bytes do, too, where records are read `in_ranges`, or the measured files
    have the size of a crawl's; of other files `CRAWL_FILE_BYTES` tells how many there will be.
    """
    share = files / max(1, measured.num_rows)
    requests = _sum(measured, "requests") * share
    if in_ranges or is_like_a_crawl(measured):
        return Forecast(files, requests, _sum(measured, "bytes") * share)
    # A file that is read again from where its connection broke: breaks go by the bytes, not by the
    # file.
    retries = _sum(measured, "retries")
    bytes_ahead = files * CRAWL_FILE_BYTES
    growth = bytes_ahead / max(1, _sum(measured, "bytes"))
    return Forecast(files, requests - retries * share + retries * growth, bytes_ahead)


def print_traffic(measured: pa.Table, files: int | None = None, *, in_ranges: bool = False) -> str:
    """A run's traffic as lines; with `files` also what so many WARC files would cost."""
    lines = [
        f"WARC files {measured.num_rows:>14,}",
        f"requests   {_sum(measured, 'requests'):>14,}",
        f"retries    {_sum(measured, 'retries'):>14,}",
        f"bytes      {_sum(measured, 'bytes'):>14,}",
    ]
    if files is not None:
        ahead = forecast(measured, files, in_ranges=in_ranges)
        lines += [
            "",
            f"forecast for {ahead.files:,} files: {ahead.requests:,.0f} GET requests, "
            f"{ahead.bytes / 1e12:,.2f} TB",
            f"  requests ${ahead.request_dollars:,.2f}; transfer $0 within us-east-1, "
            f"${ahead.egress_dollars:,.0f} out of AWS",
        ]
        if not in_ranges and not is_like_a_crawl(measured):
            mean = _sum(measured, "bytes") / max(1, measured.num_rows)
            lines.append(
                f"  warning: the measured files have {mean / 1e6:,.1f} MB on average, Common "
                "Crawl's about "
                f"{CRAWL_FILE_BYTES / 1e9:.1f} GB; bytes are forecast by the latter"
            )
    return "\n".join(lines)


def _sum(table: pa.Table, column: str) -> int:
    return int(pc.sum(table.column(column)).as_py() or 0)
