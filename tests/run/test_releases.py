"""Versions of a growing corpus: published once each, in order, whoever fires how often."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from infimm_spark.config import BuildConfig, DedupConfig, InputConfig
from infimm_spark.errors import ConfigError, InputError, LockedError, OutputError
from infimm_spark.run import releases
from infimm_spark.run.ledger import FunnelStage
from infimm_spark.run.releases import (
    Changes,
    Part,
    Releases,
    Version,
    add_snapshot,
    newest_snapshot,
)


def version(number: int, snapshot: str = "CC-MAIN-2023-40") -> Version:
    """A version of one snapshot."""
    return Version(
        version=number,
        created="2026-11-01T00:00:00Z",
        code_version="0",
        parts=[
            Part(snapshot=snapshot, run_id="r", run="runs/x", corpus="runs/x/corpus", documents=7)
        ],
        changes=Changes(
            snapshot=snapshot,
            pages_read=100,
            documents_added=7,
            dropped={"extract language": 90, "dedup near": 3},
            duplicates_of_earlier={"near": 2},
        ),
    )


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Builds replaced by a note of (snapshot, runs compared with); each keeps 7 documents of
    100."""
    calls: list[tuple[str, list[str]]] = []

    class Summary:
        run_id, corpus = "r", "corpus"
        funnel = (
            FunnelStage("extract", 100, 10, {"language": 90}, {}),
            FunnelStage("publish", 7, 7, {}, {}),
        )

        def __init__(self, output: str) -> None:
            self.output = output

    def build(
        _: BuildConfig, snapshot: str, output: str, earlier: list[Part], *choices: bool
    ) -> Any:
        calls.append((snapshot, [part.run for part in earlier]))
        return None, Summary(output)

    monkeypatch.setattr(releases, "_build", build)
    monkeypatch.setattr(releases, "_of_earlier", lambda _: {"near": 2})
    return calls


def add(tmp_path: Path, snapshot: str) -> tuple[Version, bool]:
    """Add a snapshot to the versions below `tmp_path`."""
    config = BuildConfig(input=InputConfig(paths=["/data/cc"]))
    return add_snapshot(
        config, snapshot, releases=str(tmp_path / "releases"), runs=str(tmp_path / "runs")
    )


def test_each_snapshot_is_compared_with_all_before_it_and_makes_the_next_version(
    built: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    """Versions count from 1, hold all snapshots so far and say in counts what changed."""
    first, made = add(tmp_path, "CC-MAIN-2023-40")
    assert made
    second, _ = add(tmp_path, "CC-MAIN-2023-50")
    runs = str(tmp_path / "runs")
    assert built == [
        ("CC-MAIN-2023-40", []),
        ("CC-MAIN-2023-50", [f"{runs}/CC-MAIN-2023-40"]),
    ]
    assert (first.version, second.version) == (1, 2)
    assert first.changes.duplicates_of_earlier == {}
    assert second.changes.duplicates_of_earlier == {"near": 2}
    assert second.documents == 14
    root = tmp_path / "releases"
    assert json.loads((root / "LATEST.json").read_text())["version"] == 2
    text = (root / "CHANGELOG.md").read_text()
    assert text.index("## Version 2") < text.index("## Version 1")
    assert "- added CC-MAIN-2023-50: 7 documents from 100 records" in text
    assert "- already in earlier versions: near 2" in text


def test_a_snapshot_that_is_published_is_left_alone(
    built: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    """Fired again for the same snapshot, nothing is built and the version stays."""
    first, _ = add(tmp_path, "CC-MAIN-2023-40")
    again, made = add(tmp_path, "CC-MAIN-2023-40")
    assert not made
    assert again == first
    assert len(built) == 1


def test_fired_twice_at_once_one_builds_and_the_other_is_told(
    built: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """While one run makes a version, another finds the lock held; one version comes of it."""
    under_way, finish = threading.Event(), threading.Event()
    quick = releases._build

    def slow(*arguments: Any) -> Any:
        under_way.set()
        finish.wait(30)
        return quick(*arguments)

    monkeypatch.setattr(releases, "_build", slow)
    one = threading.Thread(target=add, args=(tmp_path, "CC-MAIN-2023-40"))
    one.start()
    assert under_way.wait(30)
    with pytest.raises(LockedError, match="is in use by"):
        add(tmp_path, "CC-MAIN-2023-40")
    finish.set()
    one.join()
    assert len(built) == 1
    assert len(Releases(str(tmp_path / "releases")).all()) == 1


def test_a_version_is_never_replaced(tmp_path: Path) -> None:
    """A number that is taken is refused; LATEST and the changelog follow the versions."""
    published = Releases(str(tmp_path))
    published.publish(version(1))
    with pytest.raises(OutputError, match=r"version 1 of .* was published by another run"):
        published.publish(version(1, "CC-MAIN-2023-50"))
    latest = published.latest()
    assert latest is not None
    assert latest.parts[0].snapshot == "CC-MAIN-2023-40"


def test_the_newest_snapshot_is_found_in_a_mirror(tmp_path: Path) -> None:
    """Folders of the mirror that are no snapshots do not count; none at all is an error."""
    for name in ("CC-MAIN-2023-06", "CC-MAIN-2022-49", "CC-NEWS", "index"):
        (tmp_path / "crawl-data" / name).mkdir(parents=True)
    assert newest_snapshot([str(tmp_path)]) == "CC-MAIN-2023-06"
    assert newest_snapshot([str(tmp_path / "crawl-data")]) == "CC-MAIN-2023-06"
    with pytest.raises(InputError, match="has no snapshot"):
        newest_snapshot([str(tmp_path / "crawl-data" / "index")])


def test_wrong_wishes_are_refused(tmp_path: Path) -> None:
    """A name that is no snapshot, and a configuration that chooses the earlier runs itself."""
    with pytest.raises(InputError, match="'2023-40' is not of the form CC-MAIN-YYYY-WW"):
        add(tmp_path, "2023-40")
    config = BuildConfig(dedup=DedupConfig(against=["runs/x"]))
    with pytest.raises(ConfigError, match=r"dedup\.against is set from the published versions"):
        add_snapshot(config, "CC-MAIN-2023-40", releases=str(tmp_path), runs=str(tmp_path))
