"""What a reader says of pages, kept in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from infimm_spark.browse.app import Browser
from infimm_spark.browse.labels import MARKS, Labels, read_queue
from infimm_spark.errors import InputError, OutputError

PAGE = {"id": "a", "url": "https://a.org/", "snapshot": "CC-MAIN-2023-40", "language": "en"}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_label_is_a_line_at_once(tmp_path: Path) -> None:
    """Grade, marks, note and the text stand in the file as soon as they are given."""
    labels = Labels(tmp_path / "l.jsonl", "run")
    labels.save(PAGE, "Let $x$ be.", {"score": 7, "wrong_formula": True, "note": "n"})
    (row,) = _rows(tmp_path / "l.jsonl")
    assert row | PAGE == row
    assert (row["score"], row["wrong_formula"], row["missing_text"], row["note"]) == (
        7,
        True,
        False,
        "n",
    )
    assert row["text"] == "Let $x$ be."
    assert row["run"] == "run"


def test_labels_are_continued(tmp_path: Path) -> None:
    """A file of an earlier sitting is read; a page judged anew keeps one line; others stay."""
    first = Labels(tmp_path / "l.jsonl", "run")
    for id_ in "ab":
        first.save(PAGE | {"id": id_}, "t", {"score": 3})
    again = Labels(tmp_path / "l.jsonl", "run")
    assert again.ids == ["a", "b"]
    again.save(PAGE, "t", {"score": 9})
    assert {row["id"]: row["score"] for row in _rows(tmp_path / "l.jsonl")} == {"a": 9, "b": 3}


def test_an_empty_label_removes_the_line(tmp_path: Path) -> None:
    """A grade that is taken back leaves nothing."""
    labels = Labels(tmp_path / "l.jsonl", "run")
    labels.save(PAGE, "t", {"score": 0})
    assert labels.of("a") is not None
    labels.save(PAGE, "t", {})
    assert labels.of("a") is None
    assert _rows(tmp_path / "l.jsonl") == []


def test_a_line_that_was_cut_is_named(tmp_path: Path) -> None:
    """A damaged label file is not written over: the line is named."""
    path = tmp_path / "l.jsonl"
    path.write_text('{"id": "a", "score": 3}\n{"id": "b", "sc')
    with pytest.raises(InputError, match=r"l\.jsonl, line 2, is no label"):
        Labels(path, "run")
    assert path.read_text().endswith('"sc')


@pytest.mark.parametrize("given_", [{"score": 11}, {"score": -1}, {"score": True}, {"score": 7.5}, {"wrong_formula": "yes"}, {"note": "x" * 3_000}], ids=str)  # fmt: skip
def test_other_labels_are_refused(tmp_path: Path, given_: dict[str, Any]) -> None:
    """Grades are whole numbers from 0 to 10, marks true or false."""
    with pytest.raises(InputError):
        Labels(tmp_path / "l.jsonl", "run").save(PAGE, "t", given_)
    assert not (tmp_path / "l.jsonl").exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder in its place, or no folder to hold it."""
    with pytest.raises(OutputError, match="is a folder"):
        Labels(tmp_path, "run")
    with pytest.raises(OutputError, match="does not exist"):
        Labels(tmp_path / "no" / "l.jsonl", "run")


_SAID = st.fixed_dictionaries(
    {}, optional={"score": st.integers(0, 10), **dict.fromkeys(MARKS, st.booleans())}
)


@given(st.lists(st.tuples(st.sampled_from("abc"), _SAID), max_size=12))
def test_the_file_is_what_was_said_last(
    tmp_path_factory: pytest.TempPathFactory, said: list[Any]
) -> None:
    """After any sequence of labels the file and a fresh reading of it agree with the last of each
    page."""
    path = tmp_path_factory.mktemp("labels") / "l.jsonl"
    labels = Labels(path, "run")
    last = {}
    for id_, given_ in said:
        labels.save(PAGE | {"id": id_}, "t", given_)
        last[id_] = given_
    fresh = Labels(path, "run")
    for id_, given_ in last.items():
        row = fresh.of(id_)
        if "score" in given_ or any(given_.get(mark) for mark in MARKS):
            assert row is not None
            assert row.get("score") == given_.get("score")
        else:
            assert row is None


def test_labels_are_saved_from_a_page(client: TestClient, browser: Browser) -> None:
    """What a page sends is in the file with the document's text, and the list shows it."""
    from infimm_spark.browse.filters import Filters, Lists

    (row,) = browser.catalogue.find(Filters.read({"url": "groups"}), Lists(), 0, 1).rows
    answer = client.post(
        "/labels", json={"id": row["id"], "score": 8}, headers={"origin": "http://127.0.0.1:8000"}
    )
    assert answer.json()["labelled"] == 1
    (saved,) = _rows(browser.labels.path)
    assert saved["score"] == 8
    assert "ab = ba" in saved["text"]
    assert ">8<" in client.get("/?labelled=yes").text


def test_wrong_labels_are_answered_in_a_line(client: TestClient) -> None:
    """No JSON, another type, a page that is not there, too much: each an error, nothing saved."""
    origin = {"origin": "http://127.0.0.1:8000"}
    assert (
        client.post(
            "/labels", content=b"{", headers={**origin, "content-type": "application/json"}
        ).status_code
        == 400
    )
    assert client.post("/labels", data={"id": "x"}, headers=origin).status_code == 415
    assert client.post("/labels", json={"id": "unknown"}, headers=origin).status_code == 404
    assert (
        client.post("/labels", json={"id": "x", "note": "n" * 70_000}, headers=origin).status_code
        == 413
    )


def test_the_queue_is_the_output_of_mine(tmp_path: Path) -> None:
    """Its folder or its file; in order, each page once; anything else is named."""
    (tmp_path / "candidates.jsonl").write_text('{"id": "b"}\n{"id": "a"}\n{"id": "b"}\n')
    assert read_queue(str(tmp_path)) == read_queue(str(tmp_path / "candidates.jsonl")) == ["b", "a"]
    (tmp_path / "bad.jsonl").write_text('{"url": 1}\n')
    with pytest.raises(InputError, match="line 1"):
        read_queue(str(tmp_path / "bad.jsonl"))
    with pytest.raises(InputError, match="infimm mine"):
        read_queue(str(tmp_path / "nothing"))
