"""Who holds a lock: a process of some machine, and whether this machine can tell that it has
ended."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ENDED = ("Z", "X")  # states of a process that only waits for its parent to notice


@dataclass(frozen=True, slots=True)
class Holder:
    """One process: `machine` differs between boots and between containers, `born` between processes
    that had the same number one after the other. Both are empty where the system does not tell
    (macOS)."""

    host: str
    pid: int
    command: str
    machine: str
    born: str

    @classmethod
    def this_process(cls) -> Holder:
        """The process this runs in."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, _command(), _machine(), _born(pid) or "")

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Holder:
        """Raises `KeyError` or `TypeError` for what is no holder."""
        return cls(**{field: stored[field] for field in cls.__slots__})

    def record(self) -> dict[str, Any]:
        """What a lock stores of the holder; `read` takes it back."""
        return asdict(self)

    def has_ended(self) -> bool:
        """True only where this machine knows: the process ran here and is gone."""
        if self.machine:
            return self.machine == _machine() and _born(self.pid) != self.born
        if _machine() or self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid} on {self.host})"


def _command() -> str:
    """`infimm build`; the program alone for a script of the user's own."""
    program, *arguments = sys.argv or ["python"]
    name = Path(program).stem
    if name in ("infimm", "__main__", "cli"):
        return " ".join(["infimm", *[word for word in arguments[:1] if not word.startswith("-")]])
    return name or "python"


def _machine() -> str:
    with contextlib.suppress(OSError):
        return f"{_BOOT.read_text().strip()}:{os.readlink('/proc/self/ns/pid')}"
    return ""


def _born(pid: int) -> str | None:
    """Ticks since boot at which a running process began; None where there is no such process."""
    try:
        # After the name, which may hold anything: state is the first field, the start time the
        # twentieth.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in _ENDED else fields[19]
