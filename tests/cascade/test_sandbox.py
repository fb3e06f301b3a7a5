"""Pages that hang, crash or raise cost their own row and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infimm_spark.cascade.sandbox import PageSandbox
from infimm_spark.cascade.verdict import Verdict
from infimm_spark.errors import ModelError

SUPPORT = Path(__file__).resolve().parents[1] / "support"


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> object:
    """The module of misbehaving judges, importable here and in the child."""
    monkeypatch.syspath_prepend(str(SUPPORT))
    import poison_judges

    return poison_judges


@pytest.fixture
def judge(judges: object) -> Iterator[Callable[[bytes], Verdict]]:
    """Judge a page in a sandbox that allows one second."""
    with PageSandbox(judges.misbehaving, timeout_seconds=1.0) as sandbox:  # type: ignore[attr-defined]
        yield lambda body: sandbox.judge(body, url="http://a/", content_type=None)


def test_a_page_in_time_gets_its_verdict(judge: Callable[[bytes], Verdict]) -> None:
    """Verdicts pass through unchanged, from one child for all pages."""
    first, second = judge(b"x" * 100), judge(b"y" * 3_000_000)
    assert (first.reason, first.detail, second.detail) == ("language", "100", "3000000")
    assert first.language == second.language != str(os.getpid())


def test_a_page_that_spins_is_ended_and_the_next_is_served(
    judge: Callable[[bytes], Verdict],
) -> None:
    """A page that overruns its processor time is a `timeout` row within seconds."""
    before = judge(b"a").language
    started = time.monotonic()
    verdict = judge(b"spin")
    assert (verdict.outcome, verdict.reason) == ("failed", "timeout")
    assert time.monotonic() - started < 8
    after = judge(b"b")
    assert after.reason == "language"
    assert after.language != before


def test_a_page_that_blocks_without_using_the_processor_is_ended(
    judge: Callable[[bytes], Verdict],
) -> None:
    """Wall time bounds a page that waits for something that never comes."""
    assert judge(b"sleep").reason == "timeout"


@pytest.mark.parametrize(
    ("body", "cause"), [(b"segfault", "SIGSEGV"), (b"exit", "status 3")], ids=["segfault", "exit"]
)
def test_a_native_crash_names_its_cause(
    judge: Callable[[bytes], Verdict], body: bytes, cause: str
) -> None:
    """A crash of native code is a `crash` row with the signal or status, and work goes on."""
    verdict = judge(body)
    assert (verdict.outcome, verdict.reason) == ("failed", "crash")
    assert cause in (verdict.detail or "")
    assert judge(b"next").reason == "language"


def test_a_python_error_keeps_the_child(judge: Callable[[bytes], Verdict]) -> None:
    """A defect on one page is an `extractor_error` row; the same child serves the next page."""
    before = judge(b"a").language
    verdict = judge(b"raise")
    assert (verdict.outcome, verdict.reason) == ("failed", "extractor_error")
    assert verdict.detail == "ValueError: a defect"
    assert judge(b"b").language == before


def test_a_broken_model_is_a_model_error(judges: object) -> None:
    """A child that cannot load its models says so in the parent as the same error."""
    sandbox = PageSandbox(judges.without_model, timeout_seconds=1.0)  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match=r"x\.ftz is not fastText"):
        sandbox.judge(b"a", url="http://a/", content_type=None)


@pytest.mark.skipif(sys.platform != "linux", reason="children follow their parent on Linux only")
def test_a_hung_child_dies_with_its_worker(tmp_path: Path) -> None:
    """A worker killed while a page hangs leaves no process behind."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import sys, threading\n"
        f"sys.path.insert(0, {str(SUPPORT)!r})\n"
        "import poison_judges\n"
        "from infimm_spark.cascade.sandbox import PageSandbox\n"
        "sandbox = PageSandbox(poison_judges.misbehaving, timeout_seconds=600.0)\n"
        "print(sandbox.judge(b'a', url='u', content_type=None).language, flush=True)\n"
        "sandbox.judge(b'spin', url='u', content_type=None)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    ) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        time.sleep(0.3)
        worker.kill()
    deadline = time.monotonic() + 10
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_each_page_of_a_batch_gets_its_own_verdict(judges: object) -> None:
    """Among pages handed over at once, each bad one is named and all others are judged."""
    bodies = [b"a", b"raise", b"bb", b"segfault", b"ccc", b"spin", b"dddd"]
    pages = [(body, "http://a/", None) for body in bodies]
    with PageSandbox(judges.misbehaving, timeout_seconds=1.0) as sandbox:  # type: ignore[attr-defined]
        verdicts = list(sandbox.judge_many(pages))
        assert [verdict.reason for verdict in verdicts] == [
            "language",
            "extractor_error",
            "language",
            "crash",
            "language",
            "timeout",
            "language",
        ]
        assert [v.detail for v in verdicts if v.reason == "language"] == ["1", "2", "3", "4"]
        assert sandbox.restarts == 3
        assert list(sandbox.judge_many([])) == []


def test_a_batch_that_is_left_confuses_no_later_page(judges: object) -> None:
    """A task that ends within a batch: the next one gets the answers on its own pages."""
    with PageSandbox(judges.misbehaving, timeout_seconds=1.0) as sandbox:  # type: ignore[attr-defined]
        batch = sandbox.judge_many([(b"x" * n, "http://a/", None) for n in (1, 2, 3)])
        assert next(batch).detail == "1"
        batch.close()
        assert sandbox.judge(b"x" * 9, url="http://b/", content_type=None).detail == "9"
