"""What of this machine and environment keeps a local session from working: mended where that is
safe, else said in one line before Spark starts."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from infimm_spark.errors import EnvironmentMissingError, ResourceError

log = logging.getLogger(__name__)

_ENOUGH_FILES = 4096
_FEWEST_FILES = 256
"""Open files that a small session needs: jars, shuffle files, sockets to workers."""
_FEWEST_BYTES = 200 * 1024 * 1024


def prepare_local(environment: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Make this process fit to start a local Spark; `environment` is what the JVM and the workers
    inherit.

    Raises `EnvironmentMissingError` and `ResourceError` naming the cause and the remedy.
    """
    check_user()
    check_spark_home(environment)
    check_worker_python(environment)
    allow_open_files()
    check_space(environment)
    # A host name that does not resolve would end Spark, one that resolves to a loopback address is
    # warned of.
    environment.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # A file of the working directory, html.py say, would hide a module of that name in Python
    # workers.
    environment.setdefault("PYTHONSAFEPATH", "1")
    use_utf8_paths(environment)


def check_user() -> None:
    """Hadoop's login asks the system for the user's name and ends in a trace where there is
    none."""
    try:
        import pwd

        pwd.getpwuid(os.getuid())
    except ImportError:
        return
    except KeyError:
        number = os.getuid()
        raise EnvironmentMissingError(
            f"user {number} has no entry in /etc/passwd, and Hadoop's login needs a name; "
            "expected a user that has "
            f"one: add it (echo 'infimm:x:{number}:0::/tmp:/bin/sh' >> /etc/passwd), or run as "
            "another user"
        ) from None


def check_spark_home(environment: dict[str, str] | os._Environ[str]) -> None:
    """Refuse a SPARK_HOME that holds no Spark, or another version than this Python's pyspark."""
    home = environment.get("SPARK_HOME")
    if not home:
        return
    from pyspark import __version__

    if not (Path(home) / "bin" / "spark-submit").is_file():
        raise EnvironmentMissingError(
            f"SPARK_HOME={home} holds no Spark (no bin/spark-submit); unset SPARK_HOME: this "
            "Python has "
            f"Spark {__version__} of its own"
        )
    found = [
        match[1]
        for jar in (Path(home) / "jars").glob("spark-core_*.jar")
        if (match := re.search(r"spark-core_[\d.]+-(.+)\.jar", jar.name))
    ]
    if found and found[0].split(".")[:2] != __version__.split(".")[:2]:
        raise EnvironmentMissingError(
            f"SPARK_HOME={home} is Spark {found[0]}, and this Python's pyspark is {__version__}; "
            "unset SPARK_HOME, "
            f"or pip install pyspark=={found[0]}"
        )


def check_worker_python(environment: dict[str, str] | os._Environ[str]) -> None:
    """Refuse a PYSPARK_PYTHON that is no Python, or one without what workers import."""
    chosen = environment.get("PYSPARK_PYTHON")
    if not chosen or os.path.abspath(chosen) == os.path.abspath(sys.executable):
        return
    remedy = f"unset PYSPARK_PYTHON, or set it to {sys.executable}"
    program = shutil.which(chosen)
    if program is None:
        raise EnvironmentMissingError(
            f"PYSPARK_PYTHON={chosen} is not an executable program; {remedy}"
        )
    try:
        done = subprocess.run(
            [program, "-c", _WORKER_IMPORTS],
            capture_output=True,
            text=True,
            timeout=120,
            env={**environment, "PYTHONPATH": _with_checkout(environment)},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentMissingError(
            f"PYSPARK_PYTHON={chosen} does not run ({error}); {remedy}"
        ) from None
    found = done.stdout.strip()
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    if found and found != mine:
        raise EnvironmentMissingError(
            f"PYSPARK_PYTHON={chosen} is Python {found}, and this one is {mine}; {remedy}"
        )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ends at once"])[-1]
        raise EnvironmentMissingError(
            f"PYSPARK_PYTHON={chosen} cannot do the work: {why}; {remedy}"
        )


_WORKER_IMPORTS = """
import sys
print("%d.%d" % sys.version_info[:2], flush=True)
import pyspark, pyarrow, infimm_spark.classify.broadcast, infimm_spark.cascade.judge
"""


def _with_checkout(environment: dict[str, str] | os._Environ[str]) -> str:
    home = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [home, environment.get("PYTHONPATH", "")]))


def allow_open_files() -> None:
    """Raise this process's soft limit of open files; refuse where the hard one is too low for a
    session."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _ENOUGH_FILES if hard == unlimited else min(_ENOUGH_FILES, hard)
    if soft != unlimited and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < _FEWEST_FILES:
        raise ResourceError(
            f"this process may open {wanted} files, and Spark needs {_FEWEST_FILES:,} and more; "
            f"raise the limit: ulimit -n {_ENOUGH_FILES}"
        )


def check_space(environment: dict[str, str] | os._Environ[str]) -> None:
    """Refuse to start where Spark's own folder for shuffles and spills has next to no room."""
    for name in ("SPARK_LOCAL_DIRS", "TMPDIR"):
        if environment.get(name):
            folders = (
                environment[name].split(",") if name == "SPARK_LOCAL_DIRS" else [environment[name]]
            )
            break
    else:
        name, folders = "SPARK_LOCAL_DIRS", ["/tmp"]
    for folder in folders:
        try:
            free = shutil.disk_usage(folder).free
        except OSError:
            continue
        if free < _FEWEST_BYTES:
            raise ResourceError(
                f"{folder}, where Spark keeps what it shuffles, has {free / 1e6:.0f} MB free; "
                "expected "
                f"{_FEWEST_BYTES / 1e6:.0f} MB and more: free some, or set {name} to a larger disk"
            )


def use_utf8_paths(environment: dict[str, str] | os._Environ[str]) -> None:
    """Java reads and writes names of files in the locale's encoding: `LC_ALL=C` has only ASCII."""
    named = next(
        (environment[n] for n in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(n)), "C"
    )
    if not re.search(r"utf-?8", named, re.IGNORECASE):
        environment["LC_ALL"] = "C.UTF-8"


def check_jvm_paths(encoding: str, paths: list[str]) -> None:
    """Refuse paths that the JVM, in `encoding`, cannot write; for a JVM that was started by
    spark-submit."""
    for path in paths:
        try:
            path.encode("ascii" if encoding.startswith("ANSI_X3.4") else encoding)
        except (UnicodeEncodeError, LookupError):
            raise EnvironmentMissingError(
                f"{path} has letters that Java's encoding of paths ({encoding}) lacks; run "
                "spark-submit with "
                "LC_ALL=C.UTF-8"
            ) from None


def shadowing_file(folder: str) -> str | None:
    """A file of a folder that hides a module of Python's standard library, if there is one."""
    for name in sorted(sys.stdlib_module_names):
        if os.path.isfile(os.path.join(folder, f"{name}.py")):
            return os.path.join(folder, f"{name}.py")
    return None
