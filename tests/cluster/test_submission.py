"""A build on a standalone cluster of separate processes, with the environment from an archive."""

from __future__ import annotations

import re
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infimm_spark.classify.broadcast import read_model
from infimm_spark.config import load_config
from infimm_spark.run import tables as run_tables
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.ledger import reconcile
from infimm_spark.run.pipeline import build
from infimm_spark.sample import write_sample_crawl
from tests.support.standalone import StandaloneCluster
from tests.support.submitting import (
    ROOT,
    run_with_kills,
    start,
    submit,
    submit_command,
    tables,
)

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample crawl, written out."""
    root = tmp_path_factory.mktemp("crawl")
    write_sample_crawl(root)
    return root


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    """One master and three workers."""
    with StandaloneCluster(tmp_path_factory.mktemp("cluster"), workers=3) as running:
        yield running


@pytest.fixture(scope="module")
def small_groups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """conf/standalone.yaml with small groups, one after the other: moments to kill at come in their
    order."""
    settings = yaml.safe_load((ROOT / "conf" / "standalone.yaml").read_text())
    settings["extract"] |= {"group_size": 2, "groups_in_flight": 1}
    target = tmp_path_factory.mktemp("conf") / "standalone.yaml"
    target.write_text(yaml.safe_dump(settings))
    return target


def archive_options(archive: Path) -> list[str]:
    """What a user adds for the archive and the newest code."""
    return [
        "--archives", f"{archive}#environment",
        "--py-files", str(archive.parent / "infimm_spark.zip"),
        "--conf", "spark.pyspark.python=./environment/bin/python",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_job_that_no_worker_can_take_says_what_it_waits_for(
    cluster: StandaloneCluster, environment_archive: Path, crawl: Path, tmp_path: Path
) -> None:
    """The master keeps such a job waiting without a word."""
    command = submit_command(
        cluster.url, *archive_options(environment_archive), "--conf", "spark.executor.cores=64"
    )
    command += ["--config", str(ROOT / "conf" / "standalone.yaml")]
    command += ["--input", str(crawl), "--output", str(tmp_path / "out")]
    job = start(command)
    assert job.stdout is not None
    try:
        said = next((line for line in job.stdout if "no executor after" in line), "")
    finally:
        job.kill()
        job.wait()
    assert "asks for 64 cores and 600m of memory each" in said


def test_an_event_log_without_a_folder_is_one_line(crawl: Path, tmp_path: Path) -> None:
    """Spark's own answer is two stack traces."""
    command = submit_command(
        "local[1]",
        *("--conf", "spark.eventLog.enabled=true"),
        *("--conf", f"spark.eventLog.dir=file:{tmp_path}/absent"),
        *("--conf", f"spark.pyspark.python={sys.executable}"),
    )
    done = submit([*command, "--input", str(crawl), "--output", str(tmp_path / "out")])
    assert done.returncode == 13
    said = done.stdout + done.stderr
    assert f"the event log has no folder file:{tmp_path}/absent; make it" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "out").rglob("*")), "the next try begins anew"


@pytest.mark.slow
def test_a_submitted_build_survives_kills_and_equals_a_local_one(
    spark: object,
    cluster: StandaloneCluster,
    environment_archive: Path,
    crawl: Path,
    small_groups: Path,
    tmp_path: Path,
) -> None:
    """Executors run the archive's interpreter and the driver's models; a killed Python worker,
    daemon and executor cost no row and double none."""
    command = submit_command(cluster.url, *archive_options(environment_archive))
    command += [
        "--config",
        str(small_groups),
        "--input",
        str(crawl),
        "--output",
        str(tmp_path / "out"),
    ]
    moments = [
        ("extract: group 1 of", cluster.python_workers),
        ("extract: group 2 of", cluster.python_daemons),
        ("dedup: started", cluster.executors),
    ]
    log, killed = run_with_kills(command, moments)

    assert killed == [moment for moment, _ in moments]
    proofs = re.findall(
        r"executor on \S+: Python (\S+) (\S+), package from (\S+), models (\S+), (\S+), (\S+)", log
    )
    assert proofs, log
    shipped = {read_model(None, k).fingerprint[:12] for k in ("language", "recall", "precision")}
    for version, interpreter, package, *models in proofs:
        assert version == ".".join(map(str, sys.version_info[:3]))
        assert str(cluster.folder) in interpreter
        assert interpreter.endswith("/environment/bin/python")
        assert "infimm_spark.zip" in package
        assert set(models) == shipped

    local = load_config(
        ROOT / "conf" / "local.yaml",
        {"input": {"paths": [str(crawl)]}, "output": str(tmp_path / "local")},
    )
    build(local)
    assert tables(tmp_path / "out") == tables(tmp_path / "local")
    reconcile(run_tables.ledger(RunLayout(str(tmp_path / "out"))))


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with nothing installed."""
    home = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    return home / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--conf", "spark.pyspark.python=./environment/bin/python"],
            "spark.pyspark.python is ./environment/bin/python, but no archive is unpacked as "
            "'environment'; expected --archives ARCHIVE.tar.gz#environment",
        ),
        (
            ["--conf", "spark.pyspark.python=/nowhere/python3"],
            "executors have no interpreter /nowhere/python3; expected --archives",
        ),
        (
            ["--conf", "spark.pyspark.python={bare}"],
            "cannot import the package: No module named",
        ),
        (
            ["--conf", "spark.dataproc.sql.local.rank.pushdown.enabled=true"],
            "spark.platform = 'standalone', but this is dataproc",
        ),
    ],
    ids=["no archive", "no interpreter", "bare Python", "another platform"],
)
def test_a_submission_that_cannot_work_is_one_line(
    cluster: StandaloneCluster,
    crawl: Path,
    bare_python: Path,
    tmp_path: Path,
    options: list[str],
    message: str,
) -> None:
    """What does not fit together is said in one line, and the output is left as it was found."""
    chosen = [option.format(bare=bare_python) for option in options]
    command = submit_command(cluster.url, *chosen)
    command += ["--config", str(ROOT / "conf" / "standalone.yaml")]
    command += ["--input", str(crawl), "--output", str(tmp_path / "out")]
    done = submit(command)
    assert done.returncode != 0
    # spark-submit passes what a Python driver says on stderr to its own stdout.
    said = done.stdout + done.stderr
    lines = [line for line in said.splitlines() if line.startswith("infimm: ")]
    assert len(lines) == 1, said
    assert message in lines[0]
    assert "Traceback" not in said
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
