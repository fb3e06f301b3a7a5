"""What the catalogue knows of a run's pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsed_run import PAGES, CrawledPage, mathematics, write_run
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.browse import catalogue as module
from infimm_spark.browse.catalogue import Catalogue
from infimm_spark.browse.filters import KEYS, Filters, Lists
from infimm_spark.errors import DamagedRunError, InputError
from infimm_spark.run.layout import RunLayout

NO_LISTS = Lists()


@pytest.fixture(params=["in memory", "from the files"])
def catalogue(request: pytest.FixtureRequest, small_run: Path) -> Iterator[Catalogue]:
    made = Catalogue(RunLayout(str(small_run)), in_memory=request.param == "in memory")
    if request.param == "in memory":
        made.wait(30)
        assert made._source == "pages"
    yield made
    made.close()


def _urls(catalogue: Catalogue, lists: Lists = NO_LISTS, **query: str) -> list[str]:
    found = catalogue.find(Filters.read(query), lists, 0, 50)
    assert found.total == len(found.rows)
    return [row["url"].partition("//")[2] for row in found.rows]


def test_every_page_is_there_with_its_end(catalogue: Catalogue) -> None:
    """Documents and pages that never became one, each with the stage and reason it ended by."""
    found = catalogue.find(Filters.read({"sort": "url"}), Lists(), 0, 50)
    ends = {
        row["url"].partition("//")[2]: (row["stage"], row["outcome"], row["reason"])
        for row in found.rows
    }
    assert ends == {
        "notes.example.org/sums": ("publish", "kept", None),
        "copy.example.com/sums": ("dedup", "dropped", "near"),
        "www.algebra.example.org/groups": ("publish", "kept", None),
        "shop.example.net/offer": ("precision", "dropped", "quality_prob"),
        "news.example.net/today": ("extract", "dropped", "recall_floor"),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"host": "algebra.example.org"}, ["www.algebra.example.org/groups"]),
        ({"host": "example.net", "outcome": "dropped", "sort": "url"},
         ["news.example.net/today", "shop.example.net/offer"]),
        ({"url": "SUMS", "sort": "url"}, ["copy.example.com/sums", "notes.example.org/sums"]),
        ({"stage": "dedup"}, ["copy.example.com/sums"]),
        ({"reason": "recall_floor"}, ["news.example.net/today"]),
        ({"math_prob_max": "0.5"}, ["shop.example.net/offer"]),
        ({"quality_prob_min": "0.75", "quality_prob_max": "0.85", "outcome": "kept"}, ["notes.example.org/sums"]),
        ({"carrier": "dollar", "n_formulas_min": "2", "sort": "quality_prob", "down": "yes"},
         ["notes.example.org/sums", "copy.example.com/sums", "www.algebra.example.org/groups"]),
        ({"n_images_min": "1"}, ["notes.example.org/sums"]),
        ({"q": "Triangle"}, []),
        ({"q": "groups"}, ["www.algebra.example.org/groups"]),
        ({"q": "induction steps", "stage": "dedup"}, ["copy.example.com/sums"]),
        ({"url": "100%_'"}, []),
    ],
)  # fmt: skip
def test_filters_choose_pages(
    catalogue: Catalogue, query: dict[str, str], expected: list[str]
) -> None:
    """Words, URL, host, stage, reason, scores, carriers and counts; all at once."""
    found = _urls(catalogue, **query)
    assert sorted(found) == sorted(expected)
    if "sort" in query and query["sort"] == "url":
        assert found == expected


def test_labelled_pages_and_the_queue_are_lists(catalogue: Catalogue) -> None:
    """Pages with or without a label; the queue in its own order."""
    ids = [row["id"] for row in catalogue.find(Filters(), Lists(), 0, 50).rows]
    lists = Lists(ids[:1], [ids[3], ids[1], "unknown"])
    assert len(_urls(catalogue, lists, labelled="yes")) == 1
    assert len(_urls(catalogue, lists, labelled="no")) == 4
    queue = catalogue.find(Filters.read({"queue": "yes"}), lists, 0, 50)
    assert [row["id"] for row in queue.rows] == [ids[3], ids[1]]


def test_a_list_is_cut_into_screens(catalogue: Catalogue) -> None:
    """Each screen follows the one before; the total counts all."""
    first = catalogue.find(Filters(), Lists(), 0, 3)
    second = catalogue.find(Filters(), Lists(), 3, 3)
    assert first.total == second.total == 5
    ids = [row["id"] for row in [*first.rows, *second.rows]]
    assert ids == sorted(ids)


def test_a_long_search_answers_with_what_it_has(
    small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that is out of time says how far it came, and goes on when it is asked again."""
    monkeypatch.setattr(module, "SEARCH_SECONDS", 0.0)
    catalogue = Catalogue(RunLayout(str(small_run)), in_memory=False)
    filters = Filters.read({"q": "induction"})
    found = catalogue.find(filters, Lists(), 0, 50)
    assert (found.total, found.searched, found.searchable) == (0, 0, 4)
    monkeypatch.setattr(module, "SEARCH_SECONDS", 60.0)
    found = catalogue.find(filters, Lists(), 0, 50)
    assert (found.total, found.searched) == (4, 4)
    catalogue.close()


def test_an_unfinished_run_shows_what_is_there(tmp_path: Path) -> None:
    """After extract alone every document is kept so far, and the missing stages are named."""
    catalogue = Catalogue(write_run(tmp_path, PAGES, finished=1), in_memory=False)
    assert catalogue.missing == ["dedup", "refine", "publish"]
    assert catalogue.find(Filters.read({"outcome": "kept"}), Lists(), 0, 50).total == 4
    catalogue.close()


def test_rejects_may_be_a_sample(tmp_path: Path) -> None:
    """A document without a row of rejects is known by the duplicates, the scores or the corpus."""
    layout = write_run(tmp_path)
    for stage in ("dedup", "refine"):
        (Path(layout.table(stage, "rejects")) / "part.parquet").unlink()
    catalogue = Catalogue(layout, in_memory=False)
    rows = catalogue.find(Filters.read({"outcome": "dropped"}), Lists(), 0, 50).rows
    assert {(row["stage"], row["reason"]) for row in rows} == {
        ("dedup", "near"), ("precision", "quality_prob"), ("extract", "recall_floor"),
    }  # fmt: skip
    catalogue.close()


def test_tables_of_an_older_version_are_read(tmp_path: Path) -> None:
    """A column that the run's version did not have is empty."""
    import pyarrow.parquet as pq

    layout = write_run(tmp_path)
    (path,) = Path(layout.groups).glob("**/table=documents/*.parquet")
    table = pq.read_table(path, partitioning=None)
    pq.write_table(table.drop_columns(["license", "title", "consent"]), path)
    catalogue = Catalogue(layout, in_memory=False)
    (row,) = catalogue.find(Filters.read({"url": "groups"}), Lists(), 0, 5).rows
    assert row["title"] is None
    assert catalogue.row("documents", row["id"])["license"] is None  # type: ignore[index]
    catalogue.close()


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    """A file that is no Parquet is named with its path, whichever table it is of."""
    layout = write_run(tmp_path)
    path = Path(layout.table("refine", "scored")) / "part.parquet"
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(DamagedRunError, match=r"refine/scored/part\.parquet cannot be read"):
        Catalogue(layout)


@pytest.mark.parametrize(
    "query",
    [{"math_prob_min": "high"}, {"sort": "id; DROP"}, {"formulas": "valid"}, {"labelled": "maybe"},
     {"n_images_max": "nan"}, {"q": "x" * 501}],
    ids=str,
)  # fmt: skip
def test_wrong_filters_are_one_line(query: dict[str, str]) -> None:
    """What is no number, no column or too long is refused with its key."""
    with pytest.raises(InputError, match=next(iter(query))):
        Filters.read(query)


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=20)))
def test_filters_survive_their_own_query_string(query: dict[str, str]) -> None:
    """Filters read back from their query string are the same, and never become SQL by themselves."""
    from urllib.parse import parse_qsl

    try:
        filters = Filters.read(query)
    except InputError:
        return
    assert Filters.read(dict(parse_qsl(filters.query, keep_blank_values=True))) == filters
    condition, parameters = filters.where(Lists())
    unquoted = re.sub("'[^']*'", "", condition)
    assert unquoted.count("?") == len(parameters)


def test_quotes_in_paths_are_read(tmp_path: Path) -> None:
    """A run in a folder with a quotation mark in its name opens."""
    folder = tmp_path / "o'brien"
    catalogue = Catalogue(
        write_run(folder, [CrawledPage("https://a.org/", mathematics("A", "x^2"))])
    )
    assert catalogue.find(Filters.read({"q": "induction"}), Lists(), 0, 5).total == 1
    catalogue.close()
