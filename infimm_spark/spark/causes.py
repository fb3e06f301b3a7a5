"""Spark's pages of trace in one line: cause and remedy of what a machine, not the program, did
wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from infimm_spark.errors import EnvironmentMissingError, InfimmError, ResourceError
from infimm_spark.spark.machine import shadowing_file

_ON = "continue with --resume"


def local_cause(text: str) -> InfimmError | None:
    """The error for a failure whose cause stands in Spark's text; None where no known one does."""
    for pattern, error in _CAUSES:
        found = pattern.search(text)
        if found:
            return error(found)
    return None


def _disk_full(found: re.Match[str]) -> InfimmError:
    where = next((g for g in found.groupdict().values() if g), None)
    place = f" while writing {where}" if where else ""
    return ResourceError(
        f"no space left on the disk{place}; free some, or move the output (--output), Spark's own "
        "files "
        f"(SPARK_LOCAL_DIRS) or temporary ones (TMPDIR) to a larger one, then {_ON}"
    )


def _open_files(found: re.Match[str]) -> InfimmError:
    return ResourceError(f"too many open files; raise the limit (ulimit -n 65536), then {_ON}")


def _memory(found: re.Match[str]) -> InfimmError:
    return ResourceError(
        f"Java ran out of memory ({found[1].strip()}); give it more (spark.driver.memory, on a "
        "cluster "
        f"spark.executor.memory), then {_ON}"
    )


def _worker(found: re.Match[str]) -> InfimmError:
    return ResourceError(
        "a Python worker was killed, most often because memory ran out (dmesg tells); use fewer "
        "cores "
        f"(spark.master: local[2]) or a machine with more memory, then {_ON}"
    )


def _user(found: re.Match[str]) -> InfimmError:
    return EnvironmentMissingError(
        f"Hadoop's login finds no name for user {os.getuid()}; expected an entry in /etc/passwd"
    )


def _host(found: re.Match[str]) -> InfimmError:
    return EnvironmentMissingError(
        f"the host name {found[1]} does not resolve; add it to /etc/hosts (127.0.0.1 {found[1]}), "
        "or set "
        "SPARK_LOCAL_IP"
    )


def _gateway(found: re.Match[str]) -> InfimmError:
    return EnvironmentMissingError(
        "Java ended before Spark was up; `infimm doctor` shows which Java and Spark are used "
        "(JAVA_HOME, SPARK_HOME)"
    )


def _shadow(found: re.Match[str]) -> InfimmError:
    file = shadowing_file(os.getcwd())
    if file is None:
        return EnvironmentMissingError(
            "Spark's Python process ended before it was up: it was killed (dmesg tells), or "
            "PYTHONPATH or the working directory hides a module of Python; continue with --resume"
        )
    return EnvironmentMissingError(
        f"{file} hides Python's own module of that name from the workers; rename it, or start "
        "elsewhere"
    )


_CAUSES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], InfimmError]], ...] = (
    (
        re.compile(
            r"(?P<before>(?:/[^\s:'\"]+)+)[^\n]{0,40}No space left on device|No space left on "
            r"device"
            r"(?:[^\n]{0,20}'(?P<after>/[^']+)')?|Disk quota exceeded"
        ),
        _disk_full,
    ),
    (re.compile(r"Too many open files"), _open_files),
    (re.compile(r"java\.lang\.OutOfMemoryError: ?([^\n]*)"), _memory),
    (re.compile(r"invalid null input: name|UnixPrincipal|failure to login"), _user),
    (re.compile(r"java\.net\.UnknownHostException: ([^\s:]+)"), _host),
    (re.compile(r"Python worker exited unexpectedly|SIGKILL|worker .{0,40}crashed"), _worker),
    (re.compile(r"port number from \S+\.daemon's stdout.*\Z", re.DOTALL), _shadow),
    (re.compile(r"JAVA_GATEWAY_EXITED|Java gateway process exited"), _gateway),
)
