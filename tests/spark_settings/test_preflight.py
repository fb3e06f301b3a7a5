"""What is known before Spark starts, and Spark's failures in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from infimm_spark.config import load_config
from infimm_spark.errors import (
    BrokenAnswerError,
    EnvironmentMissingError,
    InputError,
    OutputError,
    StoreError,
    StoreRefusedError,
)
from infimm_spark.run.layout import RunLayout
from infimm_spark.run.pipeline import build
from infimm_spark.run.run import Run
from infimm_spark.sample import write_sample_crawl
from infimm_spark.spark.preflight import check_readable, plain_errors
from infimm_spark.store.gate import ConnectionGate, GateAddress, take_place
from infimm_spark.warc.listing import WarcFile


class WrappedError(Exception):
    """Stands for an error of Spark's: what matters is the module it says it is from."""


WrappedError.__module__ = "py4j.protocol"


def test_a_workers_own_error_comes_out_of_sparks_trace() -> None:
    """The class and the line of our error are found in the pages that Spark wraps it in."""
    trace = (
        "An error occurred while calling o99.parquet.\n: org.apache.spark.SparkException: Job "
        "aborted\n"
        "infimm_spark.errors.StoreRefusedError: cannot open s3://b/x: the credentials have "
        "expired\n\n"
        "\tat org.apache.spark.api.python.BasePythonRunner"
    )
    with (
        pytest.raises(
            StoreRefusedError, match=r"^cannot open s3://b/x: the credentials have expired$"
        ),
        plain_errors("s3://out/run"),
    ):
        raise WrappedError(trace)


def test_hadoops_refusals_are_put_in_words() -> None:
    """S3A's exceptions name the output and the cause."""
    message = "s3://out/run cannot be used: no permission"
    with pytest.raises(OutputError, match=message), plain_errors("s3://out/run"):
        raise WrappedError(": java.nio.file.AccessDeniedException: s3a://out/run: PUT 403")


@pytest.mark.parametrize(
    "trace",
    [
        "SdkClientException: Could not parse XML response.",
        "com.fasterxml.jackson.core.io.JsonEOFException: Unexpected end-of-input",
        "java.net.SocketException: Connection reset",
    ],
)
def test_a_write_whose_answer_came_short_is_begun_anew(trace: str) -> None:
    """S3A fails the job there: the work is done again, as often as requests are, and then it is one
    line."""
    config = load_config(None, {"output": "s3://b/run", "store": {"attempts": 3}})
    run = Run("id", config, RunLayout("s3://b/run"))
    attempts = []

    def work(failures: int) -> str:
        attempts.append(failures)
        if len(attempts) <= failures:
            raise WrappedError(f"Job aborted.\n{trace}\n at com.amazonaws")
        return "written"

    assert run.repeated(lambda: work(2), "table") == "written"
    assert len(attempts) == 3
    attempts.clear()
    with pytest.raises(
        BrokenAnswerError, match=r"s3://b/run: the store returned a truncated response .* --resume$"
    ):
        run.repeated(lambda: work(9), "table")
    assert len(attempts) == 3
    attempts.clear()
    # The same words on a local disk tell of a damaged file, which no second try mends.
    local = Run("id", config, RunLayout("/run"))
    with pytest.raises(WrappedError):
        local.repeated(lambda: work(9), "table")
    assert len(attempts) == 1


def test_an_unknown_failure_keeps_its_trace() -> None:
    """What is not known is not hidden."""
    with pytest.raises(WrappedError, match="NullPointerException"), plain_errors("out"):
        raise WrappedError("java.lang.NullPointerException")
    with pytest.raises(ValueError, match="ours"), plain_errors("out"):
        raise ValueError("ours")


def test_only_inputs_that_all_fail_are_refused(tmp_path: Path) -> None:
    """One dead file is for the run to quarantine; nothing readable is an error at once."""
    good = tmp_path / "good.warc.gz"
    good.write_bytes(gzip.compress(b"x"))

    def warcs(*names: str) -> list[WarcFile]:
        return [WarcFile(f"file://{tmp_path}/{name}", name, "s") for name in names]

    check_readable(warcs("dead", "good.warc.gz", "dead2"))
    check_readable([])
    with pytest.raises(InputError, match=r"no WARC file can be read: .*dead1 does not exist"):
        check_readable(warcs("dead1", "dead2", "dead3"))


def test_a_place_is_given_back_by_closing_and_not_given_to_strangers() -> None:
    """Who hangs up frees the place for the next; a wrong token gets none."""
    gate = ConnectionGate(1)
    try:
        for _ in range(3):
            take_place(gate.address).close()
        stranger = GateAddress(gate.address.host, gate.address.port, "0" * 64)
        with pytest.raises(StoreError, match="gives no connection"):
            take_place(stranger)
        assert gate.most_open == 1
        assert gate.address.token not in repr(gate.address)
    finally:
        gate.close()


def test_a_run_that_is_refused_before_it_works_leaves_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was mended is tried again with the same command, without --resume; what is resumed stays
    a run."""
    crawl, output = tmp_path / "crawl", tmp_path / "out"
    write_sample_crawl(crawl)
    config = load_config(None, {"input": {"paths": [str(crawl)]}, "output": str(output)})
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    for _ in range(2):
        with pytest.raises(EnvironmentMissingError, match="Spark needs Java"):
            build(config)
        assert not output.exists()
    Run.begin(config, resume=False)
    with pytest.raises(EnvironmentMissingError):
        build(config, resume=True)
    assert (output / "run.json").exists()
