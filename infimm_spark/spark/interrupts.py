"""Ctrl-C while Spark works.

pyspark's own handler asks the JVM to cancel jobs in the midst of another call to the JVM; the error
of that second call hides the Ctrl-C. Here it is noted, and whatever fails on the way out because a
call was broken off is known to come from it.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from types import FrameType

_pressed = threading.Event()


def was_pressed() -> bool:
    """Whether Ctrl-C has been pressed since `take_back`."""
    return _pressed.is_set()


def take_back() -> None:
    """Have SIGINT raise `KeyboardInterrupt` again; ending the session cancels what runs."""
    _pressed.clear()
    with contextlib.suppress(ValueError):  # only the main thread has signals
        signal.signal(signal.SIGINT, _note)


def _note(number: int, frame: FrameType | None) -> None:
    _pressed.set()
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # calls to the JVM break off
    signal.default_int_handler(number, frame)
