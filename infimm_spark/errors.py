"""Every exception the package raises on purpose.

`InfimmError` is the root. The command line prints its message as one line and exits with
`exit_code`; anything else is a defect and shows its traceback.
"""

from __future__ import annotations


class InfimmError(Exception):
    """Root of the package's errors; the message is one line saying what, where and what was expected."""

    exit_code = 1


class ConfigError(InfimmError):
    """A configuration key is unknown, of the wrong type, or impossible."""

    exit_code = 2


class InputError(InfimmError):
    """An input path is missing, unreadable, empty, or matches nothing."""

    exit_code = 2


class OutputError(InfimmError):
    """The output directory cannot be used: it holds another run, or cannot be written."""

    exit_code = 2


class ModelError(InfimmError):
    """A model file is missing, is not fastText, or was trained with other features."""

    exit_code = 2


class EndpointError(InfimmError):
    """A language model's endpoint refuses the key or the model, or keeps failing."""

    exit_code = 8


class EnvironmentMissingError(InfimmError):
    """Something outside Python is missing, such as a Java runtime."""

    exit_code = 3


class SubmissionError(InfimmError):
    """Driver, executors, archive and cluster do not fit together."""

    exit_code = 3


class ResumeError(InfimmError):
    """A run cannot be continued: its configuration, models or inputs differ."""

    exit_code = 4


class StageError(InfimmError):
    """A stage is run before the one it reads from is complete."""

    exit_code = 4


class LockedError(InfimmError):
    """Another run holds the lock."""

    exit_code = 8


class LockLostError(InfimmError):
    """This run was silent for too long, and another took its lock over."""

    exit_code = 8


class ReconciliationError(InfimmError):
    """The ledger does not add up: records read differ from kept + dropped + failed."""

    exit_code = 5


class TooManyFailuresError(InfimmError):
    """More records or files failed than the configured ratio allows."""

    exit_code = 6


class ConvergenceError(InfimmError):
    """Connected components did not converge within the configured number of iterations."""

    exit_code = 7


class SignatureMismatchError(InfimmError):
    """Stored MinHash signatures were made with other shingles or permutations."""

    exit_code = 4


class PageRejectedError(InfimmError):
    """A page was refused by the linear screen before parsing (too deep, too many attributes, too large).

    `reason` is the ledger's reason for it.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DamagedMemberError(InfimmError):
    """Compressed bytes are not what their format promises; the reader goes on behind them."""

    exit_code = 4


class StoreError(InfimmError):
    """Reading or writing an object failed after all retries, or the object is not what it claims to be."""


class MissingObjectError(StoreError):
    """The object does not exist."""


class StoreRefusedError(StoreError):
    """A store refuses for a reason that no retry and no other object of it will change: the key, the bucket
    or the clock. A job stops at once."""

    exit_code = 3


class BrokenAnswerError(StoreError):
    """An answer of the store came short where Spark's connector reads it, which does not ask again."""


class StoreConflictError(StoreError):
    """The object that was to be new exists already."""
