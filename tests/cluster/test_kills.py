"""The whole real crawl on a cluster whose processes are killed in every stage: `make
test-cluster`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from infimm_spark.stages.registry import all_stages
from tests.support.standalone import StandaloneCluster
from tests.support.submitting import ROOT, run_with_kills, submit_command, tables

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.shared_data]

STAGES = tuple(stage.name for stage in all_stages())


def build(
    cluster: StandaloneCluster,
    archive: Path,
    crawl: Path,
    output: Path,
    victims: Callable[[], list[int]] | None = None,
) -> dict[str, pa.Table]:
    """The crawl through `spark-submit`; one of `victims` is killed in each stage."""
    command = submit_command(
        cluster.url,
        "--archives", f"{archive}#environment",
        "--conf", "spark.pyspark.python=./environment/bin/python",
    )  # fmt: skip
    command += ["--config", str(ROOT / "conf" / "standalone.yaml")]
    command += ["--input", str(crawl), "--output", str(output)]
    moments = [] if victims is None else [(f"{stage}: started", victims) for stage in STAGES]
    _, killed = run_with_kills(command, moments)
    assert killed == [moment for moment, _ in moments]
    return tables(output)


@pytest.fixture(scope="module")
def crawl(shared_data: Path) -> Path:
    """The mirror of real pages."""
    return shared_data / "commoncrawl"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[StandaloneCluster]:
    """One master and three workers, new for each test."""
    with StandaloneCluster(tmp_path / "cluster", workers=3) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(
    environment_archive: Path, crawl: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, pa.Table]:
    """The rows of a build nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with StandaloneCluster(folder / "cluster", workers=3) as cluster:
        return build(cluster, environment_archive, crawl, folder / "out")


@pytest.mark.parametrize("kind", ["workers", "executors", "python_daemons", "python_workers"])
def test_kills_in_every_stage_change_no_row(
    undisturbed: dict[str, pa.Table],
    cluster: StandaloneCluster,
    environment_archive: Path,
    crawl: Path,
    tmp_path: Path,
    kind: str,
) -> None:
    """`kill -9` of one process of a kind in each stage: corpus, ledgers and evidence are the
    same."""
    rows = build(cluster, environment_archive, crawl, tmp_path / "out", getattr(cluster, kind))
    assert rows == undisturbed
