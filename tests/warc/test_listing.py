"""What an input names."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from infimm_spark.errors import InputError
from infimm_spark.warc.listing import WarcFile, list_warcs

A = "crawl-data/CC-MAIN-2023-40/segments/1/warc/a.warc.gz"
B = "crawl-data/CC-MAIN-2023-40/segments/2/warc/b.warc.gz"
C = "crawl-data/CC-MAIN-2023-50/segments/1/warc/c.warc.gz"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Two snapshots; the first one's listing is not in alphabetical order."""
    root = tmp_path / "mirror"
    for snapshot, names in {"CC-MAIN-2023-40": [B, A], "CC-MAIN-2023-50": [C]}.items():
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"WARC/1.0")
        listing = root / "crawl-data" / snapshot / "warc.paths.gz"
        listing.write_bytes(gzip.compress("".join(f"{n}\n" for n in names).encode()))
    return root


def names(files: list[WarcFile]) -> list[str]:
    return [file.warc_file for file in files]


def test_a_mirror_is_read_snapshot_by_snapshot_in_listing_order(mirror: Path) -> None:
    """The root, its crawl-data and a trailing slash mean the same; listings keep their order."""
    for path in (str(mirror), f"{mirror}/", str(mirror / "crawl-data"), f"file://{mirror}"):
        files = list_warcs([path])
        assert names(files) == [B, A, C]
        assert [f.snapshot for f in files] == ["CC-MAIN-2023-40"] * 2 + ["CC-MAIN-2023-50"]
        assert [f.location for f in files] == [f"{mirror}/{n}" for n in (B, A, C)]


def test_a_listing_finds_its_mirror(mirror: Path, tmp_path: Path) -> None:
    """Entries are relative to the mirror around the listing, or to a folder above it."""
    inside = mirror / "crawl-data/CC-MAIN-2023-40/warc.paths.gz"
    assert names(list_warcs([str(inside)])) == [B, A]
    assert names(list_warcs([str(inside.parent)])) == [B, A]
    (mirror / "lists").mkdir()
    chosen = mirror / "lists" / "mine.paths"
    chosen.write_text(f"\n{C}\n{A}\n\n")
    files = list_warcs([str(chosen)])
    assert [f.location for f in files] == [f"{mirror}/{C}", f"{mirror}/{A}"]
    beside = tmp_path / "own.paths"
    (tmp_path / "x.warc.gz").touch()
    beside.write_text("x.warc.gz\n")
    assert list_warcs([str(beside)]) == [WarcFile(f"{tmp_path}/x.warc.gz", "x.warc.gz", "local")]


def test_entries_of_a_listing_are_not_looked_up(mirror: Path) -> None:
    """A snapshot lists 90,000 files: those that are gone fail when they are read."""
    listing = mirror / "crawl-data/CC-MAIN-2023-50/warc.paths.gz"
    listing.write_bytes(gzip.compress(f"{C}\n{C}x.warc.gz\n".encode()))
    assert names(list_warcs([str(listing)])) == [C, f"{C}x.warc.gz"]


def test_the_crawl_name_does_not_depend_on_the_mount(mirror: Path) -> None:
    """Files, globs and listings of one mirror give one name a file, once."""
    paths = [
        str(mirror / A),
        f"{mirror}/crawl-data/*/segments/*/warc/*.warc.gz",
        f"{mirror}/**/*.warc.gz",
        str(mirror),
    ]
    assert names(list_warcs(paths)) == [A, B, C]


def test_the_same_crawl_file_in_two_mirrors_is_read_once(mirror: Path, tmp_path: Path) -> None:
    """A copy would give every page a second time under the same id."""
    copy = tmp_path / "copy" / A
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"WARC/1.0")
    files = list_warcs([str(mirror / A), str(copy)])
    assert [f.location for f in files] == [f"{mirror}/{A}"]


def test_plain_folders_get_base_names_and_the_default_snapshot(tmp_path: Path) -> None:
    """Equal base names are told apart by the shortest trailing path that does it."""
    for name in (
        "x/1/a.warc.gz",
        "x/2/a.warc.gz",
        "y/2/a.warc",
        "b.warc.gz",
        "c.warc.wet.gz",
        "d.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    files = list_warcs([str(tmp_path)], default_snapshot="mine")
    assert names(files) == ["b.warc.gz", "1/a.warc.gz", "2/a.warc.gz", "a.warc"]
    assert {f.snapshot for f in files} == {"mine"}


def test_a_snapshot_in_the_path_is_recognised(tmp_path: Path) -> None:
    """A folder named like a snapshot gives its files that snapshot."""
    path = tmp_path / "CC-MAIN-2019-13" / "a.warc.gz"
    path.parent.mkdir()
    path.touch()
    assert list_warcs([str(tmp_path)])[0].snapshot == "CC-MAIN-2019-13"


def test_snapshots_and_limit_choose(mirror: Path) -> None:
    """Only the named snapshots are kept, of any kind of path; the limit takes the first files."""
    assert names(list_warcs([str(mirror)], snapshots=["CC-MAIN-2023-50"])) == [C]
    both = [str(mirror / A), str(mirror / C)]
    assert names(list_warcs(both, snapshots=["CC-MAIN-2023-40"])) == [A]
    assert names(list_warcs([str(mirror)], limit=2)) == [B, A]


def test_unknown_snapshots_are_refused_with_those_that_exist(mirror: Path) -> None:
    """The message names the unknown snapshot and the known ones."""
    for path in (str(mirror), str(mirror / A)):
        with pytest.raises(InputError, match="unknown snapshot CC-MAIN-1999-01; the input has CC-"):
            list_warcs([path], snapshots=["CC-MAIN-1999-01"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gone.warc.gz", "does not exist"),
        ("gone/*.warc.gz", "matches no file"),
        ("bare", "holds no WARC file"),
        ("empty.paths", "is empty"),
        ("blank.paths.gz", "is empty"),
        ("cut.paths.gz", "is truncated or damaged gzip"),
        ("page.paths.gz", "is an HTML or XML page"),
        ("other.paths", "names 'part-0.parquet'; expected WARC files"),
        ("binary.paths", "is not text"),
        ("ftp://example.org/a.warc.gz", "unknown scheme 'ftp'"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, path: str, message: str) -> None:
    """Each wrong input says what is wrong with which path, in one line."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "empty.paths").touch()
    (tmp_path / "blank.paths.gz").write_bytes(gzip.compress(b"\n\n"))
    (tmp_path / "cut.paths.gz").write_bytes(gzip.compress(f"{A}\n".encode())[:-4])
    (tmp_path / "page.paths.gz").write_bytes(b"<html>404</html>")
    (tmp_path / "other.paths").write_text("part-0.parquet\n")
    (tmp_path / "binary.paths").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=message) as caught:
        list_warcs([path if "://" in path else str(tmp_path / path)])
    assert "\n" not in str(caught.value)


def test_no_paths_at_all_is_refused() -> None:
    """An empty input says what it expects."""
    with pytest.raises(InputError, match="no input"):
        list_warcs([])


def test_order_does_not_depend_on_the_file_system(mirror: Path) -> None:
    """The same input gives the same list, again and again."""
    path = f"{mirror}/crawl-data/*/segments/*/warc/*"
    assert list_warcs([path]) == list_warcs([path])
    assert names(list_warcs([path])) == sorted([A, B, C])


def test_what_a_folder_holds_beside_warcs_is_counted_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Suffixes count whatever their case; ARC files and others are named, at most ten of them."""
    for name in ("A.WARC.GZ", "b.warc.bz2", "c.warc.xz", "d.arc.gz"):
        (tmp_path / name).write_bytes(b"x")
    for number in range(11):
        (tmp_path / f"n{number:02}.txt").touch()
    assert names(list_warcs([str(tmp_path)])) == ["A.WARC.GZ", "b.warc.bz2", "c.warc.xz"]
    (warning,) = caplog.messages
    assert "left out 12 files: d.arc.gz (ARC is not read), n00.txt" in warning
    assert "n08.txt, …" in warning
    assert "n09.txt" not in warning


def test_a_folder_of_other_files_says_which(tmp_path: Path) -> None:
    """A folder of ARC files is refused by their name."""
    (tmp_path / "old.arc.gz").touch()
    with pytest.raises(InputError, match=r"it holds 1 file: old\.arc\.gz \(ARC is not read\)$"):
        list_warcs([str(tmp_path)])


def test_links_are_followed_and_each_file_is_read_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Linked folders are read, in circles too; a second link to a file is named."""
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "a.warc.gz").write_bytes(b"x")
    (real / "back").symlink_to(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "crawl").symlink_to(real)
    (folder / "z.warc.gz").symlink_to(real / "a.warc.gz")
    assert names(list_warcs([str(folder)])) == ["a.warc.gz"]
    assert "1 links to files that are read already were left out" in caplog.text


def test_two_files_of_one_crawl_name_are_refused_unless_they_are_the_same(
    mirror: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Their records would have one identity: files that differ end the run before it begins."""
    other = tmp_path / "other" / A
    other.parent.mkdir(parents=True)
    other.write_bytes(b"WARC/1.0")
    assert names(list_warcs([str(mirror / A), str(other)])) == [A]
    assert f"1 files that another path names already are read once: {other}" in caplog.text
    other.write_bytes(b"WARC/1.0 longer")
    with pytest.raises(InputError, match=r"one name in the crawl .*\(8 and 15 bytes\)"):
        list_warcs([str(mirror / A), str(other)])


def test_the_warc_files_of_an_archive_are_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A WACZ archive stands for the files of its archive folder; others there are named."""
    for site in ("one", "two"):
        with zipfile.ZipFile(tmp_path / f"{site}.wacz", "w") as archive:
            archive.writestr("archive/data.warc.gz", b"x")
            archive.writestr("archive/data.arc.gz", b"x")
            archive.writestr("pages/pages.jsonl", b"x")
    files = list_warcs([str(tmp_path)])
    assert names(files) == ["one.wacz#archive/data.warc.gz", "two.wacz#archive/data.warc.gz"]
    assert files[0].location == f"{tmp_path}/one.wacz#archive/data.warc.gz"
    assert "left out 1 file: archive/data.arc.gz (ARC is not read)" in caplog.text
    (tmp_path / "no.wacz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"no\.wacz is not a WACZ archive"):
        list_warcs([str(tmp_path)])


def test_a_prefix_sets_files_of_another_day_apart(mirror: Path, tmp_path: Path) -> None:
    """Names outside a crawl's layout can be told from those of another run; a crawl's own stay."""
    (tmp_path / "x.warc.gz").touch()
    files = list_warcs([str(tmp_path / "x.warc.gz"), str(mirror / A)], prefix="2024-05-01")
    assert names(files) == ["2024-05-01/x.warc.gz", A]
