"""Names, years and ranges of snapshots, and samples and segments of their files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from infimm_spark.errors import InputError
from infimm_spark.warc.listing import list_warcs
from infimm_spark.warc.snapshots import select_snapshots

PRESENT = [f"CC-MAIN-{week}" for week in ("2021-49", "2022-05", "2022-40", "2023-06", "2023-50")]


@pytest.mark.parametrize(
    ("selectors", "weeks"),
    [
        ([], "2021-49 2022-05 2022-40 2023-06 2023-50"),
        (["CC-MAIN-2022-40"], "2022-40"),
        (["2022-40", "2021"], "2021-49 2022-40"),
        (["2022"], "2022-05 2022-40"),
        (["CC-MAIN-2022-05..CC-MAIN-2023-06"], "2022-05 2022-40 2023-06"),
        (["2022-06..2023"], "2022-40 2023-06 2023-50"),
        (["2021..2022"], "2021-49 2022-05 2022-40"),
    ],
)
def test_selectors_mean_names_years_and_ranges(selectors: list[str], weeks: str) -> None:
    """Both ends of a range belong to it, and a year as an end holds all its weeks."""
    assert select_snapshots(selectors, PRESENT) == [f"CC-MAIN-{week}" for week in weeks.split()]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("2019", "unknown snapshot 2019; the input has CC-MAIN-2021-49"),
        ("CC-MAIN-2022-41", "unknown snapshot CC-MAIN-2022-41"),
        ("2023..2022", "ends before it begins"),
        ("2022..now", "'now' is neither a snapshot nor a year"),
    ],
)
def test_a_selector_that_means_nothing_is_told(selector: str, message: str) -> None:
    """A misspelt snapshot never becomes an empty run."""
    with pytest.raises(InputError, match=message):
        select_snapshots([selector], PRESENT)


def _mirror(root: Path, files: int) -> str:
    folder = root / "crawl-data" / "CC-MAIN-2022-05"
    folder.mkdir(parents=True, exist_ok=True)
    names = [
        f"crawl-data/CC-MAIN-2022-05/segments/16{n % 3}.7/warc/{n:05d}.warc.gz"
        for n in range(files)
    ]
    (folder / "warc.paths.gz").write_bytes(gzip.compress("\n".join(names).encode()))
    return str(root)


def test_a_sample_is_the_same_every_time_and_nearly_so_in_a_longer_listing(tmp_path: Path) -> None:
    """The seed alone chooses; the chosen files keep their order; new files move few others out."""
    names = [w.warc_file for w in list_warcs([_mirror(tmp_path, 300)], sample=30)]
    assert len(names) == 30
    assert names == sorted(names, key=lambda name: name[-13:])
    assert names == [w.warc_file for w in list_warcs([_mirror(tmp_path, 300)], sample=30)]
    other = [w.warc_file for w in list_warcs([_mirror(tmp_path, 300)], sample=30, seed=2)]
    assert len(set(names) & set(other)) < 15
    longer = [w.warc_file for w in list_warcs([_mirror(tmp_path, 330)], sample=30)]
    assert len(set(names) & set(longer)) > 20


def test_segments_are_filtered_by_pattern(tmp_path: Path) -> None:
    """Only files of matching segments stay, and a pattern without any is an error."""
    root = _mirror(tmp_path, 30)
    assert len(list_warcs([root], segments=["161.*"])) == 10
    assert len(list_warcs([root], segments=["161.*", "162.7"], limit=15)) == 15
    with pytest.raises(InputError, match="no WARC file lies in a segment that matches 9"):
        list_warcs([root], segments=["9"])
