"""Recognising a table that was damaged or lost between being written and being read."""

from __future__ import annotations

import re

_UNREADABLE = re.compile(
    r"FAILED_READ_FILE|CANNOT_READ_FILE|is not a Parquet file|[Cc]ould not read (?:footer|page)"
    r"|File does not exist|FileNotFoundException|Expected \d+ values|corrupt",
    re.IGNORECASE,
)
_FILE = re.compile(r"(?:file:|[a-z0-9]+://|/)[^\s'\"<>]+\.parquet")


def unreadable_table(error: BaseException) -> str | None:
    """The Parquet file that Spark failed to read, by `error`; None for any other failure."""
    message = str(error)
    if not _UNREADABLE.search(message):
        return None
    file = _FILE.search(message)
    return file[0] if file else None
