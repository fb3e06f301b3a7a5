"""What is uploaded: the environment archive, the package, the script that starts it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import infimm_spark
from infimm_spark import config
from infimm_spark.cloud.api import Api
from infimm_spark.errors import EnvironmentMissingError, InputError
from infimm_spark.version import __version__

PACKAGE = "infimm_spark.zip"
SCRIPT = "job.py"
_PIP_WHEEL = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w"]


@dataclass(frozen=True)
class Bundle:
    """The file of this machine that a platform needs: the environment archive, or the wheel."""

    file: Path

    @property
    def is_behind(self) -> bool:
        """Whether the package changed since the archive, which holds it too, was built."""
        home = Path(infimm_spark.__file__).parent
        built = self.file.stat().st_mtime if self.file.is_file() else float("inf")
        return any(path.stat().st_mtime > built for path in home.rglob("*.py"))

    def upload(self, api: Api, code: str) -> list[str]:
        """Upload to the folder `code`; the locations. The package goes along where it is newer than
        the archive's."""
        api.upload(self.file, f"{code}/{self.file.name}")
        api.put(f"{code}/{SCRIPT}", script())
        if not self.is_behind:
            return [f"{code}/{self.file.name}", f"{code}/{SCRIPT}"]
        api.put(f"{code}/{PACKAGE}", zipped_package())
        return [f"{code}/{name}" for name in (self.file.name, SCRIPT, PACKAGE)]


def script() -> bytes:
    """The script that a platform submits."""
    return Path(__file__).with_name("conf").joinpath(SCRIPT).read_bytes()


def archive_name(target: str) -> str:
    return f"infimm-environment-{target}.tar.gz"


def find_archive(target: str, named: Path | None, *, dry_run: bool = False) -> Path:
    """The environment archive of a target: the one that was named, else dist/'s; built there, in a
    checkout, where there is none.

    Raises `InputError` and `EnvironmentMissingError`.
    """
    if named is not None:
        if named.name != archive_name(target):
            raise InputError(f"--archive {named}: expected {archive_name(target)}")
        if not named.is_file():
            raise InputError(f"--archive {named} does not exist")
        return named
    archive = Path("dist") / archive_name(target)
    if archive.is_file() or dry_run:
        return archive
    builder = Path(infimm_spark.__file__).parents[1] / "docker" / "build_environment.py"
    if not builder.is_file():
        raise EnvironmentMissingError(
            f"{archive} does not exist, and this is no checkout to build it in; expected "
            f"--archive FILE/{archive_name(target)} (python docker/build_environment.py {target})"
        )
    done = subprocess.run(
        [sys.executable, str(builder), target, "--output", str(archive.parent)],
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise EnvironmentMissingError(f"{archive} cannot be built: {done.stderr.strip()}")
    return archive


def find_wheel(named: Path | None, *, dry_run: bool = False) -> Path:
    """The package's wheel: the one that was named, else of this version in dist/; built there, in a
    checkout, where there is none or the package has changed since.

    Raises `InputError` and `EnvironmentMissingError`.
    """
    if named is not None:
        if not named.is_file() or named.suffix != ".whl":
            raise InputError(f"--wheel {named}: expected a wheel of infimm-spark")
        return named
    wheel = Path("dist") / f"infimm_spark-{__version__}-py3-none-any.whl"
    if dry_run or (wheel.is_file() and not Bundle(wheel).is_behind):
        return wheel
    checkout = Path(infimm_spark.__file__).parents[1]
    if not (checkout / "pyproject.toml").is_file():
        raise EnvironmentMissingError(
            f"{wheel} does not exist, and this is no checkout to build it in; expected --wheel FILE"
        )
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    uv = shutil.which("uv", path=beside)
    command = [uv, "build", "--wheel", "--quiet", "--out-dir"] if uv else _PIP_WHEEL
    done = subprocess.run(
        [*command, str(wheel.parent), str(checkout)], stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise EnvironmentMissingError(f"{wheel} cannot be built: {done.stderr.strip()}")
    return wheel


def zipped_package() -> bytes:
    """This package as `--py-files` takes it, with the configurations it finds by name."""
    home = Path(infimm_spark.__file__).parent
    files = {
        f"infimm_spark/{path.relative_to(home).as_posix()}": path
        for path in home.rglob("*")
        # A compiled module is of one machine; its source does the same.
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
    }
    files |= {f"infimm_spark/conf/{path.name}": path for path in config.shipped_files()}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for name, path in sorted(files.items()):
            package.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def requirements(*extras: str) -> list[str]:
    """What the package needs beside Spark, as pip takes it; `extras` add theirs."""
    try:
        declared = requires("infimm-spark") or []
    except PackageNotFoundError:
        raise EnvironmentMissingError(
            "infimm-spark is not installed here, so its requirements are not known; expected pip "
            "install"
        ) from None
    wanted = []
    for line in declared:
        requirement, _, marker = line.partition(";")
        name, extra = requirement.strip(), marker.partition("extra ==")[2].strip(" '\"")
        if name.startswith("pyspark") or (extra and extra not in extras):
            continue
        condition = marker.partition("extra ==")[0].strip().removesuffix("and").strip()
        wanted.append(f"{name} ; {condition}" if condition else name)
    return wanted
