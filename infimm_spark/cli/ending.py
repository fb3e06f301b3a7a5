"""How a command ends: with one line that says what, why and how to go on, and an exit code of its
own."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from infimm_spark.errors import DEFECT, INTERRUPTED, TERMINATED, InfimmError
from infimm_spark.spark import console, interrupts, logs
from infimm_spark.spark.causes import local_cause
from infimm_spark.spark.machine import shadowing_file

log = logging.getLogger(__name__)

# Typer has click's exceptions, of its own copy since 0.20.
UsageError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

_RESUMED = ("build", "export", "pack")
"""Commands that `--resume` continues, beside those of the stages."""
_REPEATED = ("monthly", "images fetch")
"""Commands that go on when they are given again."""


class Terminated(BaseException):
    """SIGTERM, as an exception: locks are released on the way out."""


def run_command(command: Callable[[], object]) -> int:
    """Run a command to its end; the exit code. Whatever goes wrong is one line on stderr."""
    try:
        with _terminating():
            code = command()
        if code == INTERRUPTED:  # typer turns Ctrl-C into this
            return _stopped("stopped by Ctrl-C", INTERRUPTED)
        return code if isinstance(code, int) else 0
    except typer.Exit as end:
        return end.exit_code
    except UsageError as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped("stopped by Ctrl-C", INTERRUPTED)
    except Terminated:
        return _stopped("stopped by SIGTERM", TERMINATED)
    except Exception as error:
        if interrupts.was_pressed():  # whatever a call raised that was broken off
            return _stopped("stopped by Ctrl-C", INTERRUPTED)
        return _gone_wrong(error)


def _gone_wrong(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        # `infimm funnel | head`: the reader has gone, which is no error.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, InfimmError):
        return _failed(error)
    known = _known(error)
    if known is not None:
        return _failed(known, error)
    kept = console.keep(_trace(error))
    said = " ".join(f"{type(error).__name__}: {error}".split())
    _say(f"unexpected {said[:300]}; this is a defect{_in_file(kept)}", DEFECT, error)
    return DEFECT


def _known(error: Exception) -> InfimmError | None:
    if isinstance(error, ImportError | AttributeError):
        file = shadowing_file(os.getcwd())
        hidden = sys.modules.get(Path(file).stem) if file else None
        if hidden is not None and getattr(hidden, "__file__", None) == file:
            return InfimmError(
                f"{file} hides Python's own module of that name ({error}); rename it, or start "
                "elsewhere"
            )
    return local_cause(f"{type(error).__name__}: {error}")


def _failed(error: InfimmError, cause: BaseException | None = None) -> int:
    """Where Spark or Python failed underneath, the line names the file with the whole trace."""
    below = cause or error.__cause__ or error.__context__
    kept = console.keep(_trace(cause or error)) if below is not None and _is_long(below) else None
    _say(f"{error}{_in_file(kept)}", error.exit_code, error)
    return error.exit_code


def _is_long(error: BaseException) -> bool:
    """Whether an error is one of Spark's, whose text is pages."""
    return type(error).__module__.startswith(("py4j", "pyspark"))


def _trace(error: BaseException) -> str:
    shown: BaseException | None = error
    parts = []
    while shown is not None:
        parts.append(
            "".join(
                traceback.format_exception(type(shown), shown, shown.__traceback__, chain=False)
            )
        )
        shown = shown.__cause__ or shown.__context__
    return "\n".join(reversed(parts))


def _in_file(kept: str | None) -> str:
    return f"; the whole trace is in {kept}" if kept else ""


def _stopped(how: str, code: int) -> int:
    about = logs.last()
    where = f" in stage {about['stage']}" if "stage" in about else ""
    line = f"{how}{where}"
    words = sys.argv[1:]
    if _is_command(words, [*_RESUMED, *_stage_commands()]):
        if "--resume" not in words and "--redo" not in words:
            words.append("--resume")
        line += f"; what is complete is kept: go on with {shlex.join(['infimm', *words])}"
    elif _is_command(words, _REPEATED):
        line += "; what is complete is kept: go on with the same command"
    _say(line, code)
    return code


def _is_command(words: list[str], commands: Iterable[str]) -> bool:
    return any(words[: len(name.split())] == name.split() for name in commands)


def _stage_commands() -> list[str]:
    from infimm_spark.stages.registry import STAGES, command_of

    return [command_of(stage) for stage in STAGES]


def _usage(error: Any) -> int:
    if logs.is_json():
        _say(error.format_message(), error.exit_code, error)
    else:
        # A third of the start of every command, and needed here only.
        from typer import rich_utils

        rich_utils.rich_format_error(error)
    return int(error.exit_code)


def _say(line: str, code: int, error: BaseException | None = None) -> None:
    if logs.is_json():
        more = {"exit_code": code} | ({"error_class": type(error).__name__} if error else {})
        # Not through a handler: none is there before the options are read.
        record = log.makeRecord(log.name, logging.ERROR, "", 0, line, (), None, extra=more)
        print(logs.JsonFormatter().format(record), file=sys.stderr)
    else:
        print(f"infimm: {line}", file=sys.stderr)


@contextlib.contextmanager
def _terminating() -> Iterator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
