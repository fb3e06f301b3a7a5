"""A Spark standalone cluster of separate processes on this machine: one master, several workers.

Used by tests and by `make cluster`: `python tests/support/standalone.py --workers 3 -- COMMAND`
runs COMMAND with SPARK_MASTER_URL set and stops the cluster afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from ports import free_port

_STARTUP_SECONDS = 90.0


class StandaloneCluster:
    """One master and `workers` workers, each a JVM of its own; a context manager.

    `home` is a Spark distribution or pyspark's folder. Workers offer `cores` and `memory` each and
    keep their logs and unpacked archives below `folder`. No interpreter is set: it comes with the
    job.
    """

    def __init__(
        self, folder: Path, *, workers: int = 3, cores: int = 1, memory: str = "1200m",
        home: Path | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.home = home or spark_home()
        self._cores, self._memory = cores, memory
        self._count = workers
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.url = ""

    def __enter__(self) -> Self:
        try:
            port = free_port()
            self.url = f"spark://127.0.0.1:{port}"
            self._start("master", "master.Master", "--port", str(port), "--webui-port", "0")
            for index in range(self._count):
                self.start_worker(index)
            self._await_workers(self._count)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start_worker(self, index: int) -> None:
        """Start worker `index`, or start it again after its end."""
        self._start(
            f"worker-{index}", "worker.Worker", "--webui-port", "0", "--cores", str(self._cores),
            "--memory", self._memory, "--work-dir", str(self.folder / f"worker-{index}"), self.url,
        )  # fmt: skip

    def stop(self) -> None:
        """End every daemon, and the executors they started."""
        families = [self.worker_processes(name) for name in self._daemons]
        for daemon in self._daemons.values():
            daemon.kill()
            daemon.wait()
        for family in families:
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._daemons.clear()

    def workers(self) -> list[int]:
        """Worker JVMs that run, but for the last one: somebody must be left to do the work.

        A killed worker is started again the next time somebody asks, as a supervisor would.
        """
        for name, daemon in list(self._daemons.items()):
            if name.startswith("worker-") and daemon.poll() is not None:
                self.start_worker(int(name.removeprefix("worker-")))
        alive = [d.pid for name, d in self._daemons.items() if name.startswith("worker-")]
        return alive[:-1]

    def worker_processes(self, name: str) -> list[int]:
        """Descendants of a daemon, executors and Python among them."""
        daemon = self._daemons.get(name)
        return [] if daemon is None else descendants(daemon.pid)

    def executors(self) -> list[int]:
        """Executor JVMs, by process id."""
        return self._matching("CoarseGrainedExecutorBackend")

    def python_daemons(self) -> list[int]:
        """`pyspark.daemon` processes: the children of an executor."""
        executors = set(self.executors())
        return [p for p in self._matching("pyspark.daemon") if parent(p) in executors]

    def python_workers(self) -> list[int]:
        """Python processes that run tasks: the children of a daemon."""
        daemons = set(self.python_daemons())
        return [p for p in self._matching("pyspark.daemon") if parent(p) in daemons]

    def _matching(self, word: str) -> list[int]:
        found = {pid for name in self._daemons for pid in self.worker_processes(name)}
        return sorted(pid for pid in found if word in command_line(pid))

    def _start(self, name: str, main: str, *arguments: str) -> None:
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        (self.folder / name).mkdir(exist_ok=True)
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYSPARK_", "SPARK_")) and key != "PYTHONPATH"
        }
        environment.update(
            SPARK_HOME=str(self.home),
            SPARK_LOCAL_IP="127.0.0.1",
            SPARK_DAEMON_MEMORY="256m",
            SPARK_LOCAL_DIRS=str(self.folder / name),
            SPARK_WORKER_OPTS="-Dspark.decommission.enabled=true",
        )
        with open(logs / f"{name}.log", "ab") as log:
            self._daemons[name] = subprocess.Popen(
                [str(self.home / "bin" / "spark-class"), f"org.apache.spark.deploy.{main}",
                 "--host", "127.0.0.1", *arguments],
                cwd=self.folder / name, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_die_with_parent,
            )  # fmt: skip

    def _await_workers(self, count: int) -> None:
        log = self.folder / "logs" / "master.log"
        deadline = time.monotonic() + _STARTUP_SECONDS
        while log.read_text(errors="replace").count("Registering worker") < count:
            for name, daemon in self._daemons.items():
                if daemon.poll() is not None:
                    tail = (self.folder / "logs" / f"{name}.log").read_text(errors="replace")[-800:]
                    raise RuntimeError(f"{name} ended with {daemon.returncode}: {tail}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {count} workers after {_STARTUP_SECONDS:g} s")
            time.sleep(0.2)


def spark_home() -> Path:
    """SPARK_HOME, or the folder of this environment's pyspark."""
    if os.environ.get("SPARK_HOME"):
        return Path(os.environ["SPARK_HOME"])
    import pyspark

    return Path(pyspark.__file__).parent


def descendants(pid: int) -> list[int]:
    """All processes below `pid`."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            above = parent(int(entry.name))
            children.setdefault(above, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def parent(pid: int) -> int:
    """The parent's process id; 0 for a process that has gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def command_line(pid: int) -> str:
    """A process's arguments; empty for one that has gone or is a zombie."""
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""


def _die_with_parent() -> None:
    """Linux ends a daemon whose test or command was killed."""
    pr_set_pdeathsig = 1
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main() -> int:
    """Run a command with a cluster around it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1, help="of each worker")
    parser.add_argument("--memory", default="1200m", help="of each worker")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    options = parser.parse_args()
    command = [part for part in options.command if part != "--"]
    folder = Path(tempfile.mkdtemp(prefix="infimm-cluster-"))
    try:
        with StandaloneCluster(
            folder, workers=options.workers, cores=options.cores, memory=options.memory
        ) as cluster:
            print(f"cluster  {cluster.url}, {options.workers} workers", file=sys.stderr)
            environment = {**os.environ, "SPARK_MASTER_URL": cluster.url}
            arguments = [re.sub(r"^@MASTER@$", cluster.url, part) for part in command]
            return subprocess.run(arguments, env=environment).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
