"""Every exception the package raises on purpose, and the exit code that the command line ends with
for it.

    InfimmError
    ├── ConfigError             2  the configuration or an option is wrong
    ├── InputError             10  there is nothing to read
    ├── OutputError            11  the output cannot be used
    ├── ModelError             12  a model cannot be used
    ├── EnvironmentMissingError 3  something outside Python is missing
    ├── SubmissionError        13  driver, executors and cluster do not fit together
    ├── ResourceError          19  the machine ran out of disk, memory or open files
    ├── ResumeError             4  the run was begun with other settings
    ├── StageError             15  a stage comes too early
    │   └── NoRunError         26  there is no run
    ├── SignatureMismatchError 16  stored signatures were made differently
    ├── DamagedRunError        17  files of the run are damaged or gone
    ├── ReconciliationError     5  the ledger does not add up
    ├── TooManyFailuresError    6  too much could not be read
    ├── ConvergenceError        7  duplicates could not be decided
    ├── LockedError             8  another process works on the run
    ├── LockLostError          18  another process took the run over
    ├── EndpointError           9  a language model's endpoint refuses
    ├── PageRejectedError      24  a page is hostile or too large
    ├── ImageRefusedError      27  an image is not fetched
    ├── DamagedMemberError     25  compressed bytes are damaged
    ├── CloudError             28  a cloud platform refuses, or a job there failed
    └── StoreError             20  an object cannot be read or written
        ├── MissingObjectError 21  it does not exist
        ├── StoreRefusedError  14  the store refuses whatever is asked
        ├── BrokenAnswerError  22  the store's answer was cut
        └── StoreConflictError 23  it exists already

The command line prints the message as one line. 0 is success, 1 a defect of the package (with the
name of a file that holds the trace), 130 a stop by Ctrl-C and 143 one by SIGTERM.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self


class InfimmError(Exception):
    """Root of the package's errors; the message is one line saying what, where and what was
    expected."""

    exit_code = 1


class ConfigError(InfimmError):
    """A configuration key or a command's option is unknown, of the wrong type, or impossible."""

    exit_code = 2


class InputError(InfimmError):
    """An input path is missing, unreadable, empty, or matches nothing."""

    exit_code = 10


class OutputError(InfimmError):
    """The output directory cannot be used: it holds another run, or cannot be written."""

    exit_code = 11


class ModelError(InfimmError):
    """A model file is missing, is not fastText, or was trained with other features."""

    exit_code = 12


class EndpointError(InfimmError):
    """A language model's endpoint refuses the key or the model, or keeps failing."""

    exit_code = 9


class EnvironmentMissingError(InfimmError):
    """Something outside Python is missing or unfit, such as a Java runtime or the machine's host
    name."""

    exit_code = 3


class SubmissionError(InfimmError):
    """Driver, executors, archive and cluster do not fit together."""

    exit_code = 13


class ResourceError(InfimmError):
    """A machine ran out of disk, memory or open files, or a Python worker was killed."""

    exit_code = 19


class ResumeError(InfimmError):
    """A run cannot be continued: its configuration, models or inputs differ."""

    exit_code = 4


class StageError(InfimmError):
    """A stage is run before the one it reads from is complete."""

    exit_code = 15


class NoRunError(StageError):
    """A directory that should hold a run holds none."""

    exit_code = 26

    @classmethod
    def at(cls, location: str) -> Self:
        """The same line wherever a run is looked for."""
        return cls(
            f"{location} holds no run (no run.json); expected the output directory of a build"
        )


class DamagedRunError(InfimmError):
    """Files that a run's manifests name are gone, cut or changed; the message names the command
    that mends it."""

    exit_code = 17


class LockedError(InfimmError):
    """Another process works on the run."""

    exit_code = 8


class LockLostError(InfimmError):
    """This process was silent for too long, and another took its run over."""

    exit_code = 18


class ReconciliationError(InfimmError):
    """The ledger does not add up: records read differ from kept + dropped + failed."""

    exit_code = 5


class TooManyFailuresError(InfimmError):
    """More records or files failed than the configured ratio allows."""

    exit_code = 6


class ConvergenceError(InfimmError):
    """Duplicates were not decided within the configured number of rounds."""

    exit_code = 7


class SignatureMismatchError(InfimmError):
    """Stored MinHash signatures were made with other shingles or permutations."""

    exit_code = 16


class PageRejectedError(InfimmError):
    """A page was refused by the linear screen before parsing (too deep, too many attributes, too
    large).

    `reason` is the ledger's reason for it.
    """

    exit_code = 24

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ImageRefusedError(InfimmError):
    """An image is not fetched. `status` is the one its row gets; `pause` are the seconds for which
    its server wants to be left alone."""

    exit_code = 27

    def __init__(
        self, status: str, message: str, *, http_status: int | None = None, pause: float = 0.0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.http_status = http_status
        self.pause = pause


class DamagedMemberError(InfimmError):
    """Compressed bytes are not what their format promises; the reader goes on behind them."""

    exit_code = 25


class CloudError(InfimmError):
    """A cloud platform refuses a request, or a job that runs there failed.

    `code` is the platform's own name for the refusal, where it has one.
    """

    exit_code = 28

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StoreError(InfimmError):
    """Reading or writing an object failed after all retries, or the object is not what it claims to
    be."""

    exit_code = 20


class MissingObjectError(StoreError):
    """The object does not exist."""

    exit_code = 21


class StoreRefusedError(StoreError):
    """A store refuses for a reason that no retry and no other object of it will change: the key,
    the bucket or the clock. A job stops at once."""

    exit_code = 14


class BrokenAnswerError(StoreError):
    """The store's answer was cut where Spark's connector reads it, which does not ask again."""

    exit_code = 22


class StoreConflictError(StoreError):
    """The object that was to be new exists already."""

    exit_code = 23


SUCCESS, DEFECT, INTERRUPTED, TERMINATED = 0, 1, 130, 143
"""Exit codes without a class: all went well, a defect of the package, Ctrl-C, SIGTERM."""


def exit_codes() -> list[tuple[int, str, str]]:
    """(exit code, name of the error, its meaning) of everything the command line can end with, by
    code."""
    other = [
        (SUCCESS, "", "Everything asked for is done."),
        (DEFECT, "", "A defect of the package; the message names a file with the trace."),
        (INTERRUPTED, "", "Stopped by Ctrl-C; the message says where and how to go on."),
        (TERMINATED, "", "Stopped by SIGTERM; the message says where and how to go on."),
    ]
    named = [
        (
            error.exit_code,
            error.__name__,
            " ".join((error.__doc__ or "").partition("\n\n")[0].split()),
        )
        for error in _subclasses(InfimmError)
    ]
    return sorted(other + named)


def _subclasses(error: type[InfimmError]) -> Iterator[type[InfimmError]]:
    for below in error.__subclasses__():
        yield below
        yield from _subclasses(below)
