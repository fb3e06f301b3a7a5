"""The build id follows the package's own files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import infimm_spark
from infimm_spark.cloud.bundle import zipped_package
from infimm_spark.version import build_id, digest_of

PACKAGE = Path(infimm_spark.__file__).parent


def _package(folder: Path) -> Path:
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "rooms").mkdir()
    (folder / "rooms" / "page.py").write_text("DEPTH = 3\n")
    return folder


def test_another_line_of_code_is_another_build(tmp_path: Path) -> None:
    """A changed, an added and a renamed file each change the digest."""
    package = _package(tmp_path / "package")
    digests = {digest_of(package)}
    (package / "rooms" / "page.py").write_text("DEPTH = 4\n")
    digests.add(digest_of(package))
    (package / "rooms" / "table.py").write_text("")
    digests.add(digest_of(package))
    (package / "rooms" / "table.py").rename(package / "rooms" / "chair.py")
    digests.add(digest_of(package))
    assert len(digests) == 4


def test_what_python_and_editors_leave_behind_does_not_count(tmp_path: Path) -> None:
    """Caches, compiled modules beside their source, and hidden files change nothing."""
    package = _package(tmp_path / "package")
    before = digest_of(package)
    (package / "rooms" / "__pycache__").mkdir()
    (package / "rooms" / "__pycache__" / "page.cpython-311.pyc").write_bytes(b"x")
    (package / "rooms" / "page.cpython-311-x86_64-linux-gnu.so").write_bytes(b"\x7fELF")
    (package / ".page.py.swp").write_bytes(b"x")
    assert digest_of(package) == before


def test_a_compiled_module_without_its_source_counts(tmp_path: Path) -> None:
    """Where only the compiled module is shipped, its bytes tell one build from another."""
    package = _package(tmp_path / "package")
    (package / "rooms" / "page.py").unlink()
    compiled = package / "rooms" / "page.cpython-311-x86_64-linux-gnu.so"
    compiled.write_bytes(b"one")
    before = digest_of(package)
    compiled.write_bytes(b"two")
    assert digest_of(package) != before


def test_a_zip_of_the_package_has_the_same_build(tmp_path: Path) -> None:
    """Executors that get the package by `--py-files` show the driver's build."""
    archive = tmp_path / "package.zip"
    archive.write_bytes(zipped_package())  # with the configurations, as wheels have them
    shown = subprocess.run(
        [sys.executable, "-c", "from infimm_spark.version import build_id; print(build_id())"],
        env={"PYTHONPATH": str(archive), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == build_id()


def test_a_copy_of_the_package_has_the_same_build(tmp_path: Path) -> None:
    """An installed package and the checkout it was made from show one build."""
    copied = shutil.copytree(PACKAGE, tmp_path / "infimm_spark")
    assert build_id().endswith(digest_of(copied))
