"""Commands end with one line and an exit code of their own, as text or as JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import types
from pathlib import Path

import pytest
import typer

from infimm_spark.cli.ending import run_command
from infimm_spark.errors import INTERRUPTED, ConfigError, ResourceError
from infimm_spark.spark import logs


def _failing(error: BaseException) -> object:
    raise error


class SparkError(Exception):
    """Stands for an error of Spark's: what matters is the module it says it is from."""


SparkError.__module__ = "py4j.protocol"


def test_an_error_of_ours_is_its_line_and_code(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing more: a user's mistake has no trace."""
    assert run_command(lambda: _failing(ConfigError("key x: expected a number"))) == 2
    assert capfd.readouterr().err == "infimm: key x: expected a number\n"


def test_sparks_trace_is_in_a_file_that_the_line_names(capfd: pytest.CaptureFixture[str]) -> None:
    """One line on the console; pages in the file."""

    def work() -> None:
        try:
            raise SparkError("pages\n" * 100)
        except SparkError as error:
            raise ResourceError("no space left") from error

    assert run_command(work) == ResourceError.exit_code
    (line,) = capfd.readouterr().err.splitlines()
    before, _, file = line.partition("; the whole trace is in ")
    assert before == "infimm: no space left"
    assert Path(file).read_text().count("pages") >= 100


def test_a_known_cause_of_a_trace_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """Also where the error was not translated on its way."""
    assert run_command(lambda: _failing(SparkError("Too many open files\n\tat x"))) == 19
    assert capfd.readouterr().err.startswith("infimm: too many open files; raise the limit")


def test_a_defect_is_one_line_with_its_trace_in_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    """The class, the message, and where the rest is."""
    assert run_command(lambda: _failing(ValueError("of our own\nmaking"))) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("infimm: unexpected ValueError: of our own making; this is a defect; ")
    assert "_failing" in Path(line.rpartition(" ")[2]).read_text()


def test_a_file_that_hides_a_module_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An import that fails because html.py was imported from the working directory."""
    (tmp_path / "html.py").touch()
    hiding = types.ModuleType("html")
    hiding.__file__ = str(tmp_path / "html.py")
    monkeypatch.setitem(sys.modules, "html", hiding)
    monkeypatch.chdir(tmp_path)
    run_command(lambda: _failing(ImportError("cannot import name 'escape' from 'html'")))
    assert f"{tmp_path}/html.py hides Python's own module" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_where_and_how_to_go_on(
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C and SIGTERM: the stage, and the command that continues."""
    monkeypatch.setattr(sys, "argv", ["infimm", "build", "--output", "my run"])
    monkeypatch.setattr(logs, "_last", {})

    def work() -> None:
        with logs.about(run="r", stage="dedup"):
            os.kill(os.getpid(), number)
            signal.pause()

    # A job in the background of a script inherits that SIGINT is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert run_command(work) == 128 + number
    finally:
        signal.signal(signal.SIGINT, before)
    assert capfd.readouterr().err.endswith(
        " in stage dedup; what is complete is kept: go on with "
        "infimm build --output 'my run' --resume\n"
    )


def test_ctrl_c_in_a_command_ends_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Typer answers Ctrl-C with a code of its own, which is no success."""
    monkeypatch.setattr(logs, "_last", {})
    app = typer.Typer()

    @app.command()
    def work() -> None:
        raise KeyboardInterrupt

    assert run_command(lambda: app([], standalone_mode=False)) == INTERRUPTED
    assert "stopped by Ctrl-C" in capfd.readouterr().err


def test_errors_are_json_where_lines_are(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last line is an object like all others."""
    monkeypatch.setenv(logs.FORMAT_VARIABLE, "json")
    run_command(lambda: _failing(ConfigError("key x: expected a number")))
    said = json.loads(capfd.readouterr().err)
    assert said["message"] == "key x: expected a number"
    assert (said["level"], said["exit_code"], said["error_class"]) == ("ERROR", 2, "ConfigError")
